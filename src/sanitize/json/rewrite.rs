//! Gives some fields of a document another value, and leaves every other byte as it is.

use crate::sanitize::Violation;
use crate::sanitize::rule::Rule;

use super::fields::{Found, visit};
use super::pointer::Fields;

/// A document that is not as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sanitize) struct Rewritten {
    pub(in crate::sanitize) body: Vec<u8>,
    /// The fields that changed, in the order of their pointers.
    pub(in crate::sanitize) changed: Vec<usize>,
}

/// Cleans the strings that `fields` lead to, those that have a `<` when they are decoded. `clean` answers with the text that takes its
/// place, or with `None` where that is the same. Nothing comes back where nothing changed.
///
/// The text is one that the guard has accepted. Numbers, truth values and null pass.
///
/// # Errors
///
/// [`Rule::HtmlFieldNotText`] for an array or an object, and for a string with a `<` that may be a field by its place in an array; and
/// the rule that `clean` answers with.
pub(in crate::sanitize) fn rewrite(
    text: &[u8],
    fields: &Fields,
    mut clean: impl FnMut(usize, &str) -> Result<Option<String>, Rule>,
) -> Result<Option<Rewritten>, Violation> {
    let mut body = Vec::new();
    let mut copied = 0;
    let mut changed = Vec::new();
    visit(text, fields, |field, found| {
        let string = match found {
            Found::Text(string) | Found::Placed(string) if string.may_hold_tag() => string,
            Found::Text(_) | Found::Placed(_) | Found::Scalar => return Ok(()),
            Found::Container => return Err(Rule::HtmlFieldNotText),
        };
        let decoded = string.decode().ok_or(Rule::JsonSyntax)?;
        if !decoded.contains('<') {
            return Ok(());
        }
        if matches!(found, Found::Placed(_)) {
            return Err(Rule::HtmlFieldNotText);
        }
        let Some(cleaned) = clean(field, &decoded)? else {
            return Ok(());
        };
        if cleaned == decoded {
            return Ok(());
        }
        if body.is_empty() {
            body.reserve(text.len());
        }
        let range = string.range();
        body.extend_from_slice(text.get(copied..range.start).unwrap_or_default());
        // Writing a string to memory does not fail; were it to, the text would not pass as cleaned.
        serde_json::to_writer(&mut body, &cleaned).map_err(|_| Rule::JsonSyntax)?;
        copied = range.end;
        if let Err(place) = changed.binary_search(&field) {
            changed.insert(place, field);
        }
        Ok(())
    })?;
    if changed.is_empty() {
        return Ok(None);
    }
    body.extend_from_slice(text.get(copied..).unwrap_or_default());
    Ok(Some(Rewritten { body, changed }))
}
