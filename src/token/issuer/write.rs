//! What a token says, written as JSON.

use std::io::Write as _;
use std::time::{Duration, SystemTime};

use serde::Serialize as _;
use serde_json::Serializer;

use super::error::IssueError;
use super::settings::Settings;
use crate::core::{Confirmation, Principal, is_scope_token};
use crate::token::Grant;
use crate::token::claims::Known;
use crate::token::jws::base64url;

/// Room for a usual set of claims: one allocation.
const USUAL: usize = 512;
/// As many as a verifier reads.
const MOST_CLAIMS: usize = 64;

/// Who a token is and when it counts, in seconds since 1970.
pub(super) struct Stamp<'a> {
    pub(super) token_id: &'a str,
    pub(super) issued_at: u64,
    pub(super) expires_at: u64,
}

/// Whether a claim has a meaning that the principal gives it, or that verifiers do.
pub(super) fn is_reserved(name: &str) -> bool {
    // `scp` stands for the scopes where `scope` is missing, and the hashes mark an ID token.
    const OTHERS: [&str; 6] = ["scope", "scp", "roles", "at_hash", "c_hash", "s_hash"];
    Known::of(name).is_some() || OTHERS.contains(&name)
}

/// The claims of a token.
pub(super) fn claims(
    settings: &Settings,
    grant: &Grant,
    stamp: &Stamp<'_>,
) -> Result<Vec<u8>, IssueError> {
    let who = grant.principal();
    let mut object = Object::new(&settings.beginning);
    object.number("exp", stamp.expires_at);
    object.number("iat", stamp.issued_at);
    object.text("jti", stamp.token_id)?;
    object.text("sub", who.subject())?;
    match who.client_id() {
        Some(client) => object.text("client_id", client)?,
        None if settings.wants_client() => {
            let claim = "client_id";
            return Err(IssueError::ClaimMissing { claim });
        }
        None => {}
    }
    object.scopes(who)?;
    object.list("roles", who.roles())?;
    let texts = [
        (&*settings.tenant_claim, who.tenant()),
        ("sid", who.session_id()),
        ("acr", who.acr()),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            object.text(name, text)?;
        }
    }
    object.list("amr", who.amr())?;
    if let Some(time) = who.auth_time() {
        object.number(
            "auth_time",
            seconds(time).ok_or_else(|| invalid("auth_time"))?,
        );
    }
    if let Some(key) = who.confirmation() {
        object.confirmation(key);
    }
    object.own(settings, grant)?;
    Ok(object.finish())
}

/// Whole seconds since 1970.
pub(super) fn seconds(time: SystemTime) -> Option<u64> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    (since < YEAR_10000).then_some(since.as_secs())
}

/// What is later is no date to a verifier.
const YEAR_10000: Duration = Duration::from_secs(253_402_300_800);

fn invalid(claim: &str) -> IssueError {
    IssueError::ClaimInvalid {
        claim: claim.to_owned(),
    }
}

/// An object that members are added to. Their names need no escaping but for those of the application.
struct Object {
    json: Vec<u8>,
    members: usize,
}

impl Object {
    fn new(beginning: &[u8]) -> Self {
        let mut json = Vec::with_capacity(USUAL.max(beginning.len().saturating_mul(2)));
        json.extend_from_slice(beginning);
        // `iss` and `aud`.
        Self { json, members: 2 }
    }

    fn name(&mut self, name: &str) {
        self.members = self.members.saturating_add(1);
        self.json.push(b',');
        text(&mut self.json, name);
        self.json.push(b':');
    }

    fn number(&mut self, name: &str, number: u64) {
        self.name(name);
        decimal(&mut self.json, number);
    }

    fn text(&mut self, name: &str, value: &str) -> Result<(), IssueError> {
        // Nothing that is said is empty: a verifier refuses the token.
        if value.is_empty() {
            return Err(invalid(name));
        }
        self.name(name);
        text(&mut self.json, value);
        Ok(())
    }

    /// Nothing for an empty list.
    fn list<'a>(
        &mut self,
        name: &str,
        members: impl Iterator<Item = &'a str>,
    ) -> Result<(), IssueError> {
        let mut members = members.peekable();
        if members.peek().is_none() {
            return Ok(());
        }
        self.name(name);
        self.json.push(b'[');
        for (index, member) in members.enumerate() {
            if member.is_empty() {
                return Err(invalid(name));
            }
            if index > 0 {
                self.json.push(b',');
            }
            text(&mut self.json, member);
        }
        self.json.push(b']');
        Ok(())
    }

    /// RFC 9068 section 2.2.3: one text of words. A scope with a blank in it would become two.
    fn scopes(&mut self, who: &Principal) -> Result<(), IssueError> {
        let mut scopes = who.scopes().peekable();
        if scopes.peek().is_none() {
            return Ok(());
        }
        self.name("scope");
        self.json.push(b'"');
        for (index, scope) in scopes.enumerate() {
            if !is_scope_token(scope) {
                return Err(invalid("scope"));
            }
            if index > 0 {
                self.json.push(b' ');
            }
            // Of characters that JSON does not escape.
            self.json.extend_from_slice(scope.as_bytes());
        }
        self.json.push(b'"');
        Ok(())
    }

    /// RFC 7800 section 3.1.
    fn confirmation(&mut self, key: Confirmation) {
        let (member, digest) = match key {
            Confirmation::CertificateSha256(digest) => ("x5t#S256", digest),
            Confirmation::JwkSha256(digest) => ("jkt", digest),
        };
        self.name("cnf");
        self.json.push(b'{');
        text(&mut self.json, member);
        self.json.push(b':');
        text(&mut self.json, &base64url::encode(&digest));
        self.json.push(b'}');
    }

    /// The claims of the application.
    fn own(&mut self, settings: &Settings, grant: &Grant) -> Result<(), IssueError> {
        for (index, (name, json)) in grant.claims().enumerate() {
            let claim = || name.to_owned();
            if is_reserved(name) || *name == *settings.tenant_claim {
                return Err(IssueError::ReservedClaim { claim: claim() });
            }
            if grant.claims().take(index).any(|(other, _)| other == name) {
                return Err(IssueError::ClaimTwice { claim: claim() });
            }
            let json = json.filter(|_| !name.is_empty());
            let json = json.ok_or_else(|| invalid(name))?;
            self.name(name);
            self.json.extend_from_slice(json.as_bytes());
        }
        if self.members > MOST_CLAIMS {
            return Err(IssueError::TooManyClaims {
                count: self.members,
            });
        }
        Ok(())
    }

    fn finish(mut self) -> Vec<u8> {
        self.json.push(b'}');
        self.json
    }
}

/// A text in its quotation marks.
pub(super) fn text(json: &mut Vec<u8>, value: &str) {
    // A vector takes all that is written to it.
    let _ = value.serialize(&mut Serializer::new(json));
}

/// A list of texts.
pub(super) fn list<'a>(json: &mut Vec<u8>, members: impl Iterator<Item = &'a str>) {
    for (index, member) in members.enumerate() {
        json.push(if index == 0 { b'[' } else { b',' });
        text(json, member);
    }
    json.push(b']');
}

fn decimal(json: &mut Vec<u8>, number: u64) {
    // A vector takes all that is written to it.
    let _ = write!(json, "{number}");
}
