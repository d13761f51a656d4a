//! JSON bodies: what they may be, and which of their fields are looked at or changed.
//!
//! - `guard`: one pass of the parser, with a look at every key and string.
//! - `plain`: the same without the parser, for what is plainly JSON that breaks no rule; it leaves the rest to the guard.
//! - `walk`, `fields`: a second pass, over accepted text, for the fields that pointers name.
//! - `rewrite`: some of those fields get another value; every other byte stays.

mod fields;
mod guard;
mod keys;
mod plain;
mod pointer;
mod rewrite;
mod walk;

pub(in crate::sanitize) use fields::{Found, visit};
pub(in crate::sanitize) use pointer::{Fields, Pointer};
pub(in crate::sanitize) use rewrite::rewrite;

use super::rule_set::RuleSet;
use super::{JsonRules, Violation};

impl JsonRules {
    /// Checks a body that is to be one JSON text.
    ///
    /// It is read by `serde_json`, as the application reads it, and not kept: what passes here and is JSON to the application is the
    /// same to both. What is JSON at first sight and breaks no rule, as most bodies are, is seen by a reader that knows less than that parser.
    /// Rules that are reported pass.
    ///
    /// # Errors
    ///
    /// The first rule that the body breaks and that is enforced.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::sanitize::{JsonRules, Rule};
    ///
    /// let rules = JsonRules::strict();
    /// assert!(rules.check(br#"{"user": {"name": "O'Brien <ob@example.com>"}}"#).is_ok());
    ///
    /// let refused = rules.check(br#"{"user": {"\u005f_proto__": {"admin": true}}}"#).unwrap_err();
    /// assert_eq!(refused.rule(), Rule::JsonProtoKey);
    /// assert_eq!(refused.field(), Some("/user/__proto__"));
    /// ```
    pub fn check(&self, body: &[u8]) -> Result<(), Violation> {
        self.inspect(body).map(drop)
    }

    /// The same, and the rules that are broken and not enforced.
    pub(in crate::sanitize) fn inspect(&self, body: &[u8]) -> Result<RuleSet, Violation> {
        guard::inspect(self, body)
    }
}

#[cfg(test)]
mod tests;
