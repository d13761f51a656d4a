use http::Extensions;

use super::Principal;
use crate::core::Challenges;

/// What an authentication layer attaches to a request. Nobody outside this crate can name the type, hence insert one.
#[derive(Clone, Default)]
pub(crate) struct Attached {
    principal: Option<Principal>,
    pub(crate) challenges: Option<Challenges>,
}

impl Attached {
    pub(crate) fn update(extensions: &mut Extensions, change: impl FnOnce(&mut Self)) {
        change(extensions.get_or_insert_default());
    }
}

impl Principal {
    /// Returns who is asking, if an authentication layer has attached it to these extensions of a request.
    #[must_use]
    pub fn from_extensions(extensions: &Extensions) -> Option<&Self> {
        extensions.get::<Attached>()?.principal.as_ref()
    }

    /// Attaches this principal to a request without any authentication.
    ///
    /// Whoever reaches this call *is* that user to everything behind it. It is meant for an authentication layer of your own, after it
    /// has checked the credentials, and for tests of handlers. A principal attached before is replaced; the challenges stay.
    pub fn dangerous_attach(self, extensions: &mut Extensions) {
        Attached::update(extensions, |attached| attached.principal = Some(self));
    }

    /// Attaches what an authentication layer found out, in one extension: somebody, or (`None`) an anonymous client, and the
    /// challenges with which the layers behind answer.
    pub(crate) fn attach(
        principal: Option<Self>,
        challenges: Challenges,
        extensions: &mut Extensions,
    ) {
        extensions.insert(Attached {
            principal,
            challenges: Some(challenges),
        });
    }

    /// Removes what an outer authentication layer has attached, the challenges too.
    pub(crate) fn remove(extensions: &mut Extensions) {
        extensions.remove::<Attached>();
    }
}
