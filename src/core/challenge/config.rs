use super::{ChallengeScheme, Challenges};
use crate::core::{ConfigErrorKind, ConfigErrors, ErrorClass, Mistakes, field};

const DEFAULT_REALM: &str = "api";

/// Parameters that are written here, so that no scheme may bring its own.
const RESERVED: [&str; 8] = [
    "realm",
    "error",
    "error_description",
    "scope",
    "acr_values",
    "max_age",
    "algs",
    "resource_metadata",
];

/// Collects what [`Challenges`] are made of.
#[derive(Clone, Debug)]
#[must_use]
pub struct ChallengesBuilder {
    realm: Option<String>,
    resource_metadata: Option<String>,
    schemes: Vec<ChallengeScheme>,
}

impl ChallengesBuilder {
    pub(super) const fn new() -> Self {
        Self {
            realm: None,
            resource_metadata: None,
            schemes: Vec::new(),
        }
    }

    /// Sets the realm of all lines. `api` by default: RFC 6750 section 3 wants at least one parameter, so that a scheme never stands
    /// alone.
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = Some(realm.into());
        self
    }

    /// Sets the URL of the resource's metadata (RFC 9728), the last parameter of the `Bearer` and `DPoP` lines. None by default.
    pub fn resource_metadata(mut self, url: impl Into<String>) -> Self {
        self.resource_metadata = Some(url.into());
        self
    }

    /// Adds a scheme: one line, in this order. Two equal schemes make one line. Without any it is `Bearer`.
    pub fn add_scheme(mut self, scheme: ChallengeScheme) -> Self {
        if !self.schemes.contains(&scheme) {
            self.schemes.push(scheme);
        }
        self
    }

    /// Makes the lines.
    ///
    /// # Errors
    ///
    /// All [`ChallengeConfigError`]s at once.
    pub fn build(self) -> Result<Challenges, ConfigErrors> {
        self.build_at("challenges")
    }

    /// [`build`](Self::build) for a layer whose settings these are: `auth.realm` instead of `challenges.realm`.
    pub(crate) fn build_at(mut self, path: &str) -> Result<Challenges, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        let realm = self.realm.as_deref().unwrap_or(DEFAULT_REALM);
        check_value(&mut mistakes, format!("{path}.realm"), "realm", realm);
        let metadata = self.resource_metadata.as_deref();
        if let Some(url) = metadata {
            let path = format!("{path}.resource_metadata");
            check_value(&mut mistakes, path, "resource_metadata", url);
        }
        for (index, scheme) in self.schemes.iter().enumerate() {
            check_scheme(&mut mistakes, &format!("{path}.schemes[{index}]"), scheme);
        }

        self.schemes.retain(|scheme| scheme.name.is_some());
        if self.schemes.is_empty() {
            self.schemes.push(ChallengeScheme::bearer());
        }
        let lines = self
            .schemes
            .iter()
            .map(|scheme| scheme.line(realm, metadata));
        mistakes.finish(Challenges(lines.collect()))
    }
}

fn check_value(mistakes: &mut Mistakes, path: String, name: &str, value: &str) {
    if !is_quotable(value) {
        let kind = ChallengeConfigError::ChallengeInvalid {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        mistakes.push(path, kind);
    }
}

fn check_token(mistakes: &mut Mistakes, path: String, token: &str) {
    if !field::is_token(token.as_bytes()) {
        let kind = ChallengeConfigError::ChallengeNameInvalid {
            name: token.to_owned(),
        };
        mistakes.push(path, kind);
    }
}

fn check_scheme(mistakes: &mut Mistakes, path: &str, scheme: &ChallengeScheme) {
    if let Some(name) = &scheme.name {
        check_token(mistakes, path.to_owned(), name);
    }
    if let Some(algs) = &scheme.algs {
        check_value(mistakes, format!("{path}.algs"), "algs", algs);
    }
    for (index, (name, value)) in scheme.params.iter().enumerate() {
        let path = format!("{path}.{name}");
        let is_taken = RESERVED
            .into_iter()
            .chain(scheme.params.iter().take(index).map(|(name, _)| &**name))
            .any(|taken| taken.eq_ignore_ascii_case(name));
        if is_taken {
            let kind = ChallengeConfigError::ChallengeParamTaken { name: name.clone() };
            mistakes.push(path.clone(), kind);
        }
        check_token(mistakes, path.clone(), name);
        check_value(mistakes, path, name, value);
    }
}

/// Whether the value can stand between the quotes of a challenge (RFC 6750 section 3): no quote, backslash, control, non-ASCII.
pub(crate) fn is_quotable(value: &str) -> bool {
    value
        .bytes()
        .all(|byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E))
}

/// Whether the text is one scope (RFC 6749 section 3.3): quotable, without blanks, not empty.
pub(crate) fn is_scope_token(scope: &str) -> bool {
    !scope.is_empty() && is_quotable(scope) && !scope.contains(' ')
}

/// A mistake in what [`Challenges`] are made of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChallengeConfigError {
    /// A value that cannot be quoted: it has a `"`, a `\\`, a control or a non-ASCII character in it.
    #[error(
        "invalid challenge parameter {name}={value:?}: write visible ASCII and blanks, without quotes and backslashes"
    )]
    #[non_exhaustive]
    ChallengeInvalid {
        /// The parameter.
        name: String,
        /// Its value as given.
        value: String,
    },

    /// A scheme or a parameter whose name is no token.
    #[error(
        "invalid challenge name {name:?}: write letters, digits and hyphens, such as `Signature`"
    )]
    #[non_exhaustive]
    ChallengeNameInvalid {
        /// The name as given.
        name: String,
    },

    /// A parameter that stands in the line already, from another call or because it is always written.
    #[error(
        "refused challenge parameter {name:?}: it stands in the line already, and clients read either; choose another name"
    )]
    #[non_exhaustive]
    ChallengeParamTaken {
        /// The name as given.
        name: String,
    },
}

impl ConfigErrorKind for ChallengeConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::ChallengeInvalid { .. } | Self::ChallengeNameInvalid { .. } => {
                ErrorClass::Invalid
            }
            Self::ChallengeParamTaken { .. } => ErrorClass::Refused,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::ChallengeInvalid { .. } => "challenge_invalid",
            Self::ChallengeNameInvalid { .. } => "challenge_name_invalid",
            Self::ChallengeParamTaken { .. } => "challenge_param_taken",
        }
    }
}
