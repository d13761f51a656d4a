//! What kind of token is wanted.

use super::claims::Known;

/// What kind of token is accepted: which `typ` its header has and which claims it brings (RFC 8725 section 3.11).
///
/// An issuer signs ID tokens, logout tokens and access tokens with the same keys. Only the type keeps one from being taken for
/// another.
///
/// # Example
///
/// ```
/// use tower_security::token::Profile;
///
/// assert_eq!(Profile::default(), Profile::AccessToken);
/// let own = Profile::custom("example-job+jwt");
/// # let _ = own;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// RFC 9068: `typ` is `at+jwt`, and `iss exp aud sub client_id iat jti` are there. The default, since no other token has
    /// this type.
    #[default]
    AccessToken,
    /// A type of your own, with `exp iss aud sub`.
    #[non_exhaustive]
    Custom {
        /// The type in the header, such as `example-job+jwt`, without `application/`. Compared without case.
        typ: String,
    },
    /// Of an issuer without RFC 9068: `typ` is absent, `JWT` or `at+jwt`, and `exp iss aud sub` are there. A token with `at_hash`,
    /// `c_hash` or `s_hash` is an ID token and refused. An ID token without any of them is told by its audience alone, which is the
    /// client: configure an audience that no client has.
    Plain,
}

impl Profile {
    /// Accepts a type of your own, see [`Profile::Custom`].
    ///
    /// Accepted: `example-job+jwt`. Refused when the verifier is built: `""`, `JWT` and `at+jwt` (they have profiles), `dpop+jwt`
    /// and `logout+jwt` (they are no access tokens), `application/example-job+jwt`.
    pub fn custom(typ: impl Into<String>) -> Self {
        Self::Custom { typ: typ.into() }
    }

    /// Whether the `typ` of a header is that of this profile (RFC 7515 section 4.1.9: `application/` may be left out).
    pub(super) fn accepts_typ(&self, typ: Option<&str>) -> bool {
        let typ = typ.map(without_prefix);
        match (self, typ) {
            (Self::AccessToken, Some(typ)) => typ.eq_ignore_ascii_case("at+jwt"),
            (Self::Custom { typ: wanted }, Some(typ)) => typ.eq_ignore_ascii_case(wanted),
            (Self::Plain, None) => true,
            (Self::Plain, Some(typ)) => {
                typ.eq_ignore_ascii_case("JWT") || typ.eq_ignore_ascii_case("at+jwt")
            }
            (Self::AccessToken | Self::Custom { .. }, None) => false,
        }
    }

    /// The claims that have to be there.
    pub(super) const fn required(&self) -> &'static [Known] {
        match self {
            Self::AccessToken => &[
                Known::Iss,
                Known::Exp,
                Known::Aud,
                Known::Sub,
                Known::ClientId,
                Known::Iat,
                Known::Jti,
            ],
            Self::Custom { .. } | Self::Plain => &[Known::Iss, Known::Exp, Known::Aud, Known::Sub],
        }
    }

    /// Whether marks of an ID token are refused.
    pub(super) const fn refuses_id_tokens(&self) -> bool {
        matches!(self, Self::Plain)
    }

    /// Whether a type of one's own is one that no other kind of token has.
    pub(super) fn is_sound(&self) -> bool {
        const TAKEN: [&str; 4] = ["JWT", "at+jwt", "dpop+jwt", "logout+jwt"];
        match self {
            Self::AccessToken | Self::Plain => true,
            Self::Custom { typ } => {
                crate::core::field::is_token(typ.as_bytes())
                    && !TAKEN.iter().any(|taken| taken.eq_ignore_ascii_case(typ))
            }
        }
    }
}

fn without_prefix(typ: &str) -> &str {
    const PREFIX: &str = "application/";
    match typ.split_at_checked(PREFIX.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) => rest,
        Some(_) | None => typ,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_told_apart() {
        let own = Profile::custom("example-job+jwt");
        let rows = [
            (None, [false, true, false]),
            (Some("at+jwt"), [true, true, false]),
            (Some("AT+JWT"), [true, true, false]),
            (Some("application/AT+JWT"), [true, true, false]),
            (Some("APPLICATION/at+jwt"), [true, true, false]),
            (
                Some("application/application/at+jwt"),
                [false, false, false],
            ),
            (Some("JWT"), [false, true, false]),
            (Some("jwt"), [false, true, false]),
            (Some(""), [false, false, false]),
            (Some("application/"), [false, false, false]),
            (Some("at+jwt "), [false, false, false]),
            (Some("dpop+jwt"), [false, false, false]),
            (Some("logout+jwt"), [false, false, false]),
            (Some("Example-Job+jwt"), [false, false, true]),
            (Some("example-job"), [false, false, false]),
        ];
        for (typ, expected) in rows {
            let found = [Profile::AccessToken, Profile::Plain, own.clone()]
                .map(|profile| profile.accepts_typ(typ));
            assert_eq!(found, expected, "{typ:?}");
        }
    }

    #[test]
    fn a_type_of_ones_own_is_no_other_one() {
        for typ in ["example-job+jwt", "job", "secevent+jwt"] {
            assert!(Profile::custom(typ).is_sound(), "{typ:?}");
        }
        for typ in [
            "",
            "JWT",
            "jwt",
            "AT+jwt",
            "dpop+jwt",
            "logout+jwt",
            "application/job+jwt",
            "a b",
            "caf\u{e9}",
        ] {
            assert!(!Profile::custom(typ).is_sound(), "{typ:?}");
        }
    }
}
