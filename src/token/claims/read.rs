use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use super::rules::Present;
use super::values::audience;
use super::{ClaimRules, Fault, Known, ScopeClaim, date, text};
use crate::core::{Claims, Confirmation, List, Span};
use crate::token::jws::base64url;
use crate::token::jws::json::{self, Limits, Object, Value};

/// Members of the claims, and objects and arrays inside each other.
const LIMITS: Limits = Limits {
    members: 64,
    depth: 32,
};

/// Well-formed claims, of which nothing is believed yet.
pub(in crate::token) struct TokenClaims {
    /// Without method, end and confirmation, which are for the verifier to say.
    pub(in crate::token) claims: Claims,
    pub(in crate::token) times: Times,
    /// Whether one of the audiences is one of ours.
    pub(in crate::token) is_for_us: bool,
    pub(in crate::token) binding: Option<Binding>,
}

/// When a token counts, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::token) struct Times {
    pub(in crate::token) exp: u64,
    pub(in crate::token) nbf: Option<u64>,
    pub(in crate::token) iat: Option<u64>,
}

/// The key that the token is bound to (RFC 7800).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::token) struct Binding {
    /// RFC 9449 section 6.1.
    pub(in crate::token) jkt: Option<[u8; 32]>,
    /// `x5t#S256`, RFC 8705 section 3.1.
    pub(in crate::token) certificate: Option<[u8; 32]>,
}

impl Binding {
    /// What a principal says of it.
    pub(in crate::token) fn confirmation(self) -> Option<Confirmation> {
        let key = self.jkt.map(Confirmation::JwkSha256);
        key.or_else(|| self.certificate.map(Confirmation::CertificateSha256))
    }
}

/// Reads the claims of a decoded payload.
pub(in crate::token) fn read(document: String, rules: &ClaimRules) -> Result<TokenClaims, Fault> {
    let mut reader = Reader {
        document: &document,
        rules,
        unescaped: String::new(),
        claims: Claims::unread(),
        present: Present::default(),
        exp: None,
        nbf: None,
        iat: None,
        is_for_us: false,
        binding: None,
        has_scope: false,
    };
    json::object_in(&document, LIMITS, |name, value| reader.member(name, value))?;
    let Reader {
        unescaped,
        claims,
        present,
        exp,
        nbf,
        iat,
        is_for_us,
        binding,
        ..
    } = reader;
    if let Some(missing) = rules.required.missing(present) {
        return Err(Fault(missing));
    }
    Ok(TokenClaims {
        claims: claims.with_document(document, &unescaped),
        times: Times {
            // Every profile wants it.
            exp: exp.ok_or(Fault(Known::Exp.fault()))?,
            nbf,
            iat,
        },
        is_for_us,
        binding,
    })
}

/// The issuer that the claims name, where several verifiers are to choose from.
pub(in crate::token) fn issuer_of(document: &[u8]) -> Result<Cow<'_, str>, Fault> {
    const FAULT: &str = Known::Iss.fault();
    let mut issuer = None;
    json::object(document, LIMITS, |name, value| {
        if name == "iss" {
            issuer = Some(text(value, FAULT)?);
        }
        Ok::<_, Fault>(())
    })?;
    issuer.ok_or(Fault(FAULT))
}

struct Reader<'d> {
    document: &'d str,
    rules: &'d ClaimRules,
    /// Texts that do not stand in the document as they are.
    unescaped: String,
    claims: Claims,
    present: Present,
    exp: Option<u64>,
    nbf: Option<u64>,
    iat: Option<u64>,
    is_for_us: bool,
    binding: Option<Binding>,
    /// Whether `scope` was read, so that `scp` does not count.
    has_scope: bool,
}

impl<'d> Reader<'d> {
    fn member(&mut self, name: &str, value: Value<'d>) -> Result<(), Fault> {
        match Known::of(name) {
            Some(known) => {
                self.present.insert(known);
                self.known(known, value)
            }
            None => {
                if !matches!(value, Value::Null) {
                    self.present.insert_own(name, &self.rules.required);
                }
                self.configured(name, value)
            }
        }
    }

    fn known(&mut self, known: Known, value: Value<'d>) -> Result<(), Fault> {
        let fault = known.fault();
        match known {
            Known::Acr => self.claims.acr = Some(self.keep_text(value, fault)?),
            Known::Amr => self.keep_list(List::Amr, value, fault)?,
            Known::Aud => self.is_for_us = audience(value, &self.rules.audiences, fault)?,
            Known::AuthTime => {
                let seconds = date(value, fault)?;
                self.claims.auth_time = Some(system_time(seconds).ok_or(Fault(fault))?);
            }
            Known::ClientId => self.claims.client_id = Some(self.keep_text(value, fault)?),
            Known::Cnf => self.binding = Some(binding(value)?),
            Known::Exp => self.exp = Some(date(value, fault)?),
            Known::Iat => self.iat = Some(date(value, fault)?),
            Known::Iss => self.claims.issuer = Some(self.keep_text(value, fault)?),
            Known::Jti => self.claims.token_id = Some(self.keep_text(value, fault)?),
            Known::Nbf => self.nbf = Some(date(value, fault)?),
            Known::Sid => self.claims.session_id = Some(self.keep_text(value, fault)?),
            Known::Sub => self.claims.subject = self.keep_text(value, fault)?,
        }
        Ok(())
    }

    /// Claims whose names are configured, or that mark what is no access token.
    fn configured(&mut self, name: &str, value: Value<'d>) -> Result<(), Fault> {
        match &self.rules.scope {
            ScopeClaim::Named(scope) if **scope == *name => return self.scopes(value),
            ScopeClaim::Usual if name == "scope" => {
                self.has_scope = true;
                self.claims
                    .members
                    .retain(|(list, _)| *list != List::Scopes);
                return self.scopes(value);
            }
            ScopeClaim::Usual if name == "scp" => {
                let before = self.claims.members.len();
                self.scopes(value)?;
                if self.has_scope {
                    self.claims.members.truncate(before);
                }
                return Ok(());
            }
            ScopeClaim::Named(_) | ScopeClaim::Usual => {}
        }
        if self.rules.refuses_id_tokens && matches!(name, "at_hash" | "c_hash" | "s_hash") {
            return Err(Fault("id_token"));
        }
        let rules = self.rules;
        let below = |path: &'d Option<crate::token::claim_path::ClaimPath>| {
            let (head, rest) = path.as_ref()?.parts().split_first()?;
            (**head == *name).then_some(rest)
        };
        self.paths(below(&rules.roles), below(&rules.tenant), value)
    }

    /// Follows the paths to roles and tenant: `None` where they lead elsewhere, empty where they end.
    fn paths(
        &mut self,
        roles: Option<&'d [Box<str>]>,
        tenant: Option<&'d [Box<str>]>,
        value: Value<'d>,
    ) -> Result<(), Fault> {
        const ROLES: &str = "claim_roles";
        const TENANT: &str = "claim_tenant";
        if let Some([]) = roles {
            return self.keep_list(List::Roles, value, ROLES);
        }
        if let Some([]) = tenant {
            self.claims.tenant = Some(self.keep_text(value, TENANT)?);
            return Ok(());
        }
        if roles.is_none() && tenant.is_none() {
            return Ok(());
        }
        let Value::Object(object) = value else {
            let fault = if roles.is_some() { ROLES } else { TENANT };
            return Err(Fault(fault));
        };
        each_member(object, |name, value| {
            let below = |path: Option<&'d [Box<str>]>| {
                let (head, rest) = path?.split_first()?;
                (**head == *name).then_some(rest)
            };
            self.paths(below(roles), below(tenant), value)
        })
    }

    /// One text of scopes with blanks between them (RFC 8693 section 4.2), or a list of scopes, as some issuers write.
    fn scopes(&mut self, value: Value<'d>) -> Result<(), Fault> {
        const FAULT: &str = "claim_scope";
        let Value::String(words) = value else {
            return self.keep_list(List::Scopes, value, FAULT);
        };
        match words.unescaped() {
            Cow::Borrowed(words) => {
                for word in scope_words(words) {
                    let span = Span::within(self.document, word).ok_or(Fault(FAULT))?;
                    self.push(List::Scopes, span);
                }
            }
            Cow::Owned(words) => {
                for word in scope_words(&words) {
                    let span = self.keep_copy(word);
                    self.push(List::Scopes, span);
                }
            }
        }
        Ok(())
    }

    fn keep_list(
        &mut self,
        list: List,
        value: Value<'d>,
        fault: &'static str,
    ) -> Result<(), Fault> {
        let Value::Array(members) = value else {
            return Err(Fault(fault));
        };
        members.each(|member| {
            let span = self.keep_text(member, fault)?;
            self.push(list, span);
            Ok(())
        })
    }

    fn keep_text(&mut self, value: Value<'d>, fault: &'static str) -> Result<Span, Fault> {
        match text(value, fault)? {
            Cow::Borrowed(text) => Span::within(self.document, text).ok_or(Fault(fault)),
            Cow::Owned(text) => Ok(self.keep_copy(&text)),
        }
    }

    fn keep_copy(&mut self, text: &str) -> Span {
        let start = self.document.len().saturating_add(self.unescaped.len());
        self.unescaped.push_str(text);
        Span::at(start, text.len())
    }

    fn push(&mut self, list: List, span: Span) {
        // Room for a usual token: one allocation instead of three.
        const USUAL: usize = 8;
        if self.claims.members.is_empty() {
            self.claims.members.reserve(USUAL);
        }
        self.claims.members.push((list, span));
    }
}

fn scope_words(words: &str) -> impl Iterator<Item = &str> {
    words.split(' ').filter(|word| !word.is_empty())
}

fn each_member<'d>(
    object: Object<'d>,
    each: impl FnMut(&str, Value<'d>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    // Names count here too, so that no duplicate hides a role. As many as a token has room for where each has a role of its own, and few
    // enough to be compared before anybody has looked at the signature.
    const LIMITS: Limits = Limits {
        members: 256,
        depth: 32,
    };
    object.each(LIMITS, each)
}

/// What cannot be proved must not be believed: a member that is not understood is refused (RFC 7800 section 3.1 leaves it open).
fn binding(value: Value<'_>) -> Result<Binding, Fault> {
    const FAULT: Fault = Fault(Known::Cnf.fault());
    let Value::Object(members) = value else {
        return Err(FAULT);
    };
    let mut binding = Binding::default();
    each_member(members, |name, value| {
        let slot = match name {
            "jkt" => &mut binding.jkt,
            "x5t#S256" => &mut binding.certificate,
            _ => return Err(FAULT),
        };
        *slot = Some(digest(&text(value, FAULT.0)?).ok_or(FAULT)?);
        Ok(())
    })?;
    match binding.confirmation() {
        Some(_) => Ok(binding),
        None => Err(FAULT),
    }
}

/// A SHA-256 digest in base64url.
fn digest(text: &str) -> Option<[u8; 32]> {
    // 43 characters are 32 bytes; the decoder may write what begins a further byte.
    let mut buffer = [0; 33];
    if text.len() != 43 {
        return None;
    }
    let digest = base64url::decode_into(text.as_bytes(), &mut buffer).ok()?;
    digest.try_into().ok()
}

pub(in crate::token) fn system_time(seconds: u64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}
