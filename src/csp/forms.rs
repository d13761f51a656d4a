//! The header values of a policy.

use http::HeaderValue;

/// One form of a policy as text, `'nonce-{}'` standing where a nonce goes.
#[derive(Clone, Debug)]
pub(super) struct Template {
    pub(super) https: String,
    /// Without `upgrade-insecure-requests`.
    pub(super) http: String,
}

/// The three forms of a policy.
#[derive(Clone, Debug)]
pub(super) struct Templates {
    pub(super) full: Template,
    pub(super) twin: Template,
    pub(super) script_twin: Template,
}

/// The compiled forms.
#[derive(Debug)]
pub(super) struct Forms;

impl Forms {
    pub(super) fn new(templates: &Templates) -> Option<Self> {
        let all = [&templates.full, &templates.twin, &templates.script_twin];
        all.iter()
            .all(|form| {
                HeaderValue::from_str(&form.https).is_ok()
                    && HeaderValue::from_str(&form.http).is_ok()
            })
            .then_some(Self)
    }
}
