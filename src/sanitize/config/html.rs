//! The fields of HTML.

use super::builder::{FieldKind, HtmlField, SanitizeBuilder};
use crate::sanitize::html::HtmlPolicy;

impl SanitizeBuilder {
    /// Cleans the strings at a JSON pointer (RFC 6901), in which `*` is one segment, an index or a key. Repeatable.
    ///
    /// It begins at the root of the document: `/html` is for `{"html": ".."}`, and a body that is a list, `[{"html": ".."}]`, needs
    /// `/*/html` beside it. It is for JSON alone: a field that comes in a form too needs [`html_form`](Self::html_form).
    ///
    /// A request of which a field is other when it is cleaned goes on with that field cleaned and every other byte as it came. What
    /// cannot be cleaned within the caps is refused, and so are types of bodies that are not inspected unless they are
    /// [allowed](Self::allow_type). What no pointer names is not cleaned, and neither are a query and what the handler has from elsewhere:
    /// a handler that shows HTML is surest of it with [`SafeHtml`](crate::sanitize::html::SafeHtml) as the type of the field.
    ///
    /// Accepted: `/bio`, `/comments/*/body`, `/a~1b` (the key `a/b`). Refused: `bio`, `/comments/**`, `/a~2`.
    ///
    /// `serde` reads a structure from an array too, its fields by their places: `["..."]` for `{"bio": "..."}`. Which place is the field
    /// only the handler knows, so that a string with a `<` at any of them is refused (`html_field_not_text`).
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::sanitize::SanitizeLayer;
    /// use tower_security::sanitize::html::HtmlPolicy;
    ///
    /// let layer = SanitizeLayer::builder()
    ///     .html_json("/comments/*/body", HtmlPolicy::ugc())
    ///     .build()?;
    /// # let _ = layer;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a policy is written in place: `HtmlPolicy::ugc()`"
    )]
    pub fn html_json(self, pointer: impl Into<String>, policy: HtmlPolicy) -> Self {
        self.html_field(FieldKind::Json, pointer.into(), &policy)
    }

    /// Cleans the values of a field of `application/x-www-form-urlencoded` bodies. Repeatable.
    ///
    /// A part of this name in a multipart body that has a `<` in it is refused. See [`html_json`](Self::html_json). A query is never
    /// changed: `Form` of axum reads one on GET and HEAD, where a handler that shows the field takes
    /// [`SafeHtml`](crate::sanitize::html::SafeHtml).
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a policy is written in place: `HtmlPolicy::ugc()`"
    )]
    pub fn html_form(self, name: impl Into<String>, policy: HtmlPolicy) -> Self {
        self.html_field(FieldKind::Form, name.into(), &policy)
    }

    fn html_field(mut self, kind: FieldKind, name: String, policy: &HtmlPolicy) -> Self {
        let path = match kind {
            FieldKind::Json => "sanitize.html_json",
            FieldKind::Form => "sanitize.html_form",
        };
        self.html.push(HtmlField {
            kind,
            cleaner: policy.compile(&format!("{path}[{name:?}]")),
            name,
        });
        self
    }
}
