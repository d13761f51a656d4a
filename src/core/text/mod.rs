//! Makes text that somebody else chose fit for a log line.
//!
//! What a client sends can hold line breaks that forge a second log entry (CWE-117), escape sequences that drive the operator's
//! terminal (CWE-150) or bidi controls that reorder what is read. None of it is dropped, since it is evidence: it is spelt out,
//! without loss. The backslash is doubled, so that a spelt-out character cannot be confused with one that was sent that way.

pub(crate) mod cap;
mod clean;
#[cfg(test)]
mod tests;

pub(crate) use clean::{clean, clean_bytes};
