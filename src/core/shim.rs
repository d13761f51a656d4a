#![allow(missing_docs)]
use http::Extensions;
#[derive(Clone, Debug)]
pub struct Principal;
impl Principal {
    pub fn subject(&self) -> &str {
        ""
    }
    pub fn tenant(&self) -> Option<&str> {
        None
    }
    pub fn from_extensions(e: &Extensions) -> Option<&Self> {
        e.get()
    }
}
