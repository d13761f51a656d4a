//! `multipart/form-data` (RFC 7578): the delimiters and the heads of the parts, as every reader has to read them.
//!
//! - `head`: the header lines of one part.
//! - `scanner`: a body, in one piece or as it comes.
//!
//! What is in a part is not looked at, but for where it ends.

mod head;
mod scanner;
#[cfg(test)]
mod tests;

pub(super) use scanner::{Piece, Scanner};

use super::rule_set::RuleSet;
use super::{MultipartRules, Rule, Violation};

impl MultipartRules {
    /// Checks a body, given the boundary that `Content-Type` names, without quotes. Rules that are reported pass.
    ///
    /// # Errors
    ///
    /// The first rule that the body breaks and that is enforced.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::sanitize::{MultipartRules, Rule};
    ///
    /// let rules = MultipartRules::buffered();
    /// let upload = |file_name: &str| {
    ///     format!(
    ///         "--X\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"{file_name}\"\r\n\
    ///          Content-Type: image/jpeg\r\n\r\n\u{1f4f7}\r\n--X--\r\n"
    ///     )
    /// };
    /// assert!(rules.check("X", upload("cat (1).jpg").as_bytes()).is_ok());
    ///
    /// let refused = rules.check("X", upload("../../cat.jpg").as_bytes()).unwrap_err();
    /// assert_eq!(refused.rule(), Rule::MultipartFileName);
    /// assert_eq!(refused.field(), Some("photo"));
    /// ```
    pub fn check(&self, boundary: &str, body: &[u8]) -> Result<(), Violation> {
        self.inspect(Some(boundary.as_bytes()), body).map(drop)
    }

    /// The same, and the rules that are broken and not enforced. Without a boundary there is none, or more than one.
    pub(super) fn inspect(
        &self,
        boundary: Option<&[u8]>,
        body: &[u8],
    ) -> Result<RuleSet, Violation> {
        visit(self, boundary, body, |_| Ok(()))
    }
}

/// The same, with a look at each piece of the body.
///
/// # Errors
///
/// The rule that `look` answers with too.
pub(super) fn visit(
    rules: &MultipartRules,
    boundary: Option<&[u8]>,
    body: &[u8],
    mut look: impl FnMut(Piece<'_>) -> Result<(), Rule>,
) -> Result<RuleSet, Violation> {
    let mut scanner = Scanner::new(rules, boundary)?;
    scanner.look_through(body, &mut look)?;
    scanner.finish()
}
