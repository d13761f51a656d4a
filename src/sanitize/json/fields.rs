//! Visits the fields of a document that pointers name.

use crate::sanitize::rule::Rule;
use crate::sanitize::{Part, Violation};

use super::pointer::{Certainty, Fields, Reached};
use super::walk::{Text, Token, Walk, pointer};

/// What stands where a pointer leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sanitize) enum Found<'a> {
    /// A string.
    Text(Text<'a>),
    /// A string in an array where an object was to be, as deep as the field would be: who reads objects from arrays, by the places of
    /// their fields, may take it for the field.
    Placed(Text<'a>),
    /// A number, a truth value or null.
    Scalar,
    /// An array or an object.
    Container,
}

/// Calls `look` with each value that a field of `fields` leads to, all occurrences of a repeated key included. The text is one that the
/// guard has accepted.
///
/// # Errors
///
/// The rule that `look` answers with, and where.
pub(in crate::sanitize) fn visit<'a>(
    text: &'a [u8],
    fields: &Fields,
    mut look: impl FnMut(usize, Found<'a>) -> Result<(), Rule>,
) -> Result<(), Violation> {
    let mut walk = Walk::new(text);
    let mut reached = Reached::new(fields);
    let mut is_key = false;
    while let Some(token) = walk.next() {
        let found = match token {
            Token::Open(_) => Found::Container,
            Token::Scalar => Found::Scalar,
            Token::Text(string) if !is_key => Found::Text(string),
            Token::Text(key) => {
                is_key = false;
                // Not to be decoded means not to be accepted: it leads nowhere.
                if let Some(key) = key.decode() {
                    reached.key(&key);
                }
                continue;
            }
            Token::Comma => {
                reached.comma();
                is_key = reached.in_object();
                continue;
            }
            Token::Close => {
                reached.leave();
                is_key = false;
                continue;
            }
        };
        let looked = match (reached.field(), found) {
            (Some((field, Certainty::Named)), _) => look(field, found),
            (Some((field, Certainty::Placed)), Found::Text(string)) => {
                look(field, Found::Placed(string))
            }
            _ => Ok(()),
        };
        looked.map_err(|rule| violation(rule, text, found, walk.at()))?;
        if let Token::Open(kind) = token {
            if reached.is_leaf() {
                walk.skip_container();
            } else {
                reached.enter(kind);
                is_key = reached.in_object();
            }
        }
    }
    Ok(())
}

#[cold]
fn violation(rule: Rule, text: &[u8], found: Found<'_>, end: usize) -> Violation {
    let (at, len) = match found {
        Found::Text(string) | Found::Placed(string) => {
            let range = string.range();
            (range.start, range.len())
        }
        Found::Scalar | Found::Container => (end.saturating_sub(1), 0),
    };
    Violation::new(rule, Part::Body, at, len).in_field(pointer(text, at))
}
