//! For whom a token is issued, and what it says besides.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use serde::Serialize;

use super::first_second;
use super::jws::json::{self, JsonError, Limits};
use crate::core::Principal;

/// A value of a claim may be as deep as a verifier reads, which counts the claims as the first level.
const LIMITS: Limits = Limits {
    members: 1,
    depth: 32,
};

/// For whom a token is issued: a [`Principal`], and claims of the application's.
///
/// Of the principal these become claims: the subject (`sub`), the client (`client_id`), scopes (`scope`), roles (`roles`), tenant,
/// `acr`, `amr`, `auth_time`, the session (`sid`) and the key that the token is bound to (`cnf`). Its end, if it has one, is the
/// latest end of the token. Issuer, method and token id are not taken over: they are those of the new token.
///
/// # Example
///
/// ```
/// use tower_security::core::Principal;
/// use tower_security::token::Grant;
///
/// let alice = Principal::builder("alice").client_id("web").scopes(["orders:read"]).build();
/// let grant = Grant::new(alice).claim("plan", "gold");
/// assert_eq!(grant.principal().subject(), "alice");
/// ```
#[derive(Clone)]
#[must_use = "a grant does nothing until a token is issued"]
pub struct Grant {
    principal: Principal,
    issued_after: Option<SystemTime>,
    claims: Vec<Claim>,
}

/// Names of claims, and their JSON.
pub(super) type KeptClaims = Arc<[(Box<str>, Box<str>)]>;

/// A claim of the application's.
#[derive(Clone)]
struct Claim {
    name: Box<str>,
    /// `None` for what is no JSON that a verifier would read.
    json: Option<Box<str>>,
}

impl Grant {
    /// Grants what the principal says, and no more.
    pub const fn new(principal: Principal) -> Self {
        Self {
            principal,
            issued_after: None,
            claims: Vec::new(),
        }
    }

    /// Says that all tokens of the subject until this moment were revoked, and this one is not among them.
    ///
    /// Dates of tokens are whole seconds, so that a token of the same second would count as one from before. With this it is dated to the
    /// second that follows, but never more than one second ahead: within the leeway of each verifier.
    ///
    /// # Example
    ///
    /// See [`RevocationStore`](super::RevocationStore).
    pub const fn issued_after(mut self, moment: SystemTime) -> Self {
        self.issued_after = Some(moment);
        self
    }

    /// Adds a claim of your own. Whoever has the token can read it.
    ///
    /// Accepted: `("plan", "gold")`, `("https://example.com/groups", ["a", "b"])`. Refused when the token is issued: a name with a
    /// meaning of its own (`sub`, `exp`, `scope` ...: see [`IssueError::ReservedClaim`](super::IssueError::ReservedClaim)), one that
    /// stands there twice or is empty, and a value that is no JSON or deeper than 32 levels.
    pub fn claim(mut self, name: impl AsRef<str>, value: impl Serialize) -> Self {
        let json = serde_json::to_string(&value).ok();
        self.claims.push(Claim {
            name: name.as_ref().into(),
            json: json
                .filter(|json| is_read(json))
                .map(String::into_boxed_str),
        });
        self
    }

    /// Returns for whom it is.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The grant that [`kept`](Self::kept) was taken of.
    pub(super) fn of_kept(principal: Principal, kept: &KeptClaims) -> Self {
        let claim = |(name, json): &(Box<str>, Box<str>)| Claim {
            name: name.clone(),
            json: Some(json.clone()).filter(|json| is_read(json)),
        };
        Self {
            principal,
            claims: kept.iter().map(claim).collect(),
            issued_after: None,
        }
    }

    /// The claims of the application's, to be issued again; what is no JSON is nothing that a verifier would read either.
    pub(super) fn kept(&self) -> KeptClaims {
        let claims = self.claims.iter();
        claims
            .map(|claim| (claim.name.clone(), claim.json.clone().unwrap_or_default()))
            .collect()
    }

    /// The same for another principal.
    pub(super) fn with_principal(&self, principal: Principal) -> Self {
        Self {
            principal,
            ..self.clone()
        }
    }

    /// The date of a token that is issued at `now`, in seconds since 1970.
    pub(super) fn date(&self, now: u64) -> u64 {
        let after = self.issued_after.map_or(now, first_second);
        after.clamp(now, now.saturating_add(1))
    }

    /// The claims of the application's with their JSON, in the order in which they were added.
    pub(super) fn claims(&self) -> impl ExactSizeIterator<Item = (&str, Option<&str>)> {
        self.claims
            .iter()
            .map(|claim| (&*claim.name, claim.json.as_deref()))
    }
}

fn is_read(value: &str) -> bool {
    let object = format!(r#"{{"_":{value}}}"#);
    json::object(object.as_bytes(), LIMITS, |_, _| Ok::<_, JsonError>(())).is_ok()
}

impl fmt::Debug for Grant {
    /// Shows for whom it is, and the names of its own claims: what they say is personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.claims.iter().map(|claim| &claim.name).collect();
        f.debug_struct("Grant")
            .field("principal", &self.principal)
            .field("claims", &names)
            .finish()
    }
}
