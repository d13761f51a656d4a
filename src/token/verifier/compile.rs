//! What a builder says, checked and made into what a request looks up.

use std::sync::Arc;
use std::time::Duration;

use super::builder::JwtVerifierBuilder;
use super::steps::Inner;
use super::{JwtConfigError, JwtVerifier};
use crate::core::{ConfigErrors, Mistakes};
use crate::token::claim_path::ClaimPath;
use crate::token::claims::{ClaimRules, Known, Required, ScopeClaim};
use crate::token::header_memo::HeaderMemo;
use crate::token::jws::{Algorithm, JwkSet};
use crate::token::verified_cache::VerifiedCache;
use crate::token::{KeySource, KeyState, Profile, TokenCache};

/// Clocks that differ by more are to be set.
const MOST_LEEWAY: Duration = Duration::from_secs(300);
const MOST_REQUIRED: usize = 32;

/// All that a public key can be used with: what a source of changing keys may have next.
const ASYMMETRIC: [Algorithm; 9] = [
    Algorithm::EdDsa,
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
];

pub(super) fn compile(builder: JwtVerifierBuilder) -> Result<JwtVerifier, ConfigErrors> {
    let mut mistakes = Mistakes::default();
    let JwtVerifierBuilder {
        issuer,
        dangerous_http_issuer,
        audiences,
        keys,
        algorithms,
        profile,
        leeway,
        max_token_age,
        required,
        scope_claim,
        roles_claim,
        tenant_claim,
        dpop,
        revocation,
        dangerous_accept_when_revocation_fails,
        token_cache,
        clock,
    } = builder;

    check_issuer(&mut mistakes, &issuer, dangerous_http_issuer);
    check_audiences(&mut mistakes, &audiences);
    let algorithms = check_keys(&mut mistakes, &*keys, algorithms);
    check_profile(&mut mistakes, &profile);
    if leeway > MOST_LEEWAY {
        mistakes.push("token.leeway", JwtConfigError::LeewayTooLong { leeway });
    }
    if max_token_age.is_some_and(|age| age.as_secs() == 0) {
        mistakes.push("token.max_token_age", JwtConfigError::AgeInvalid);
    }
    let claims = check_claims(
        &mut mistakes,
        &Names {
            required: &required,
            scope: scope_claim.as_deref(),
            roles: &roles_claim,
            tenant: tenant_claim.as_deref(),
        },
        &profile,
        max_token_age.is_some(),
        &audiences,
    );
    let dpop = dpop.and_then(|policy| mistakes.take(policy.compile("token.dpop")));
    check_cache(&mut mistakes, token_cache, &algorithms);

    let inner = Inner {
        issuer: issuer.into(),
        source: keys,
        algorithms: algorithms.into(),
        profile,
        claims,
        leeway: leeway.as_secs(),
        max_token_age: max_token_age.map(|age| age.as_secs()),
        dpop,
        revocation,
        accepts_when_revocation_fails: dangerous_accept_when_revocation_fails,
        is_http_issuer: dangerous_http_issuer,
        memo: HeaderMemo::new(),
        cache: token_cache.map(VerifiedCache::new),
        clock,
    };
    mistakes.finish(JwtVerifier(Arc::new(inner)))
}

fn check_issuer(mistakes: &mut Mistakes, issuer: &str, is_http_accepted: bool) {
    if !is_name(issuer) || (is_plain_http(issuer) && !is_http_accepted) {
        let value = issuer.to_owned();
        mistakes.push("token.issuer", JwtConfigError::IssuerInvalid { value });
    }
}

fn check_audiences(mistakes: &mut Mistakes, audiences: &[String]) {
    let invalid = |value: &str| JwtConfigError::AudienceInvalid {
        value: value.to_owned(),
    };
    if audiences.is_empty() {
        mistakes.push("token.audience", invalid(""));
    }
    for (index, audience) in audiences.iter().enumerate() {
        if !is_name(audience) {
            mistakes.push(format!("token.audience[{index}]"), invalid(audience));
        }
    }
}

/// Whether an issuer is reached without TLS.
pub(in crate::token) fn is_plain_http(issuer: &str) -> bool {
    const PLAIN: &str = "http:";
    let start = issuer.get(..PLAIN.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(PLAIN))
}

/// Whether a text can be what an issuer or a service is called.
pub(in crate::token) fn is_name(text: &str) -> bool {
    let is_blank = |c: char| c.is_whitespace() || c.is_control();
    !text.is_empty() && text != "*" && !text.contains(is_blank)
}

/// The algorithms in force.
fn check_keys(
    mistakes: &mut Mistakes,
    source: &dyn KeySource,
    chosen: Option<Vec<Algorithm>>,
) -> Vec<Algorithm> {
    // A source that changes its keys is not asked: it may begin to fetch them, and has others later.
    let set = match source.is_fixed().then(|| source.state()) {
        Some(KeyState::Ready(snapshot)) => Some(snapshot.set().clone()),
        Some(KeyState::Missing) | None => None,
    };
    let served = match &set {
        Some(set) => served_by(mistakes, set),
        None => ASYMMETRIC.to_vec(),
    };
    let Some(chosen) = chosen else {
        return served;
    };
    let mut refuse = |algorithm| {
        let kind = JwtConfigError::AlgorithmRefused { algorithm };
        mistakes.push("token.algorithms", kind);
    };
    if chosen.is_empty() {
        refuse(None);
    }
    // Of a set without keys enough has been said.
    for algorithm in &chosen {
        if set.is_some() && !served.is_empty() && !served.contains(algorithm) {
            refuse(Some(*algorithm));
        }
    }
    if set.is_none() {
        check_families(mistakes, "token.algorithms", &chosen);
    }
    chosen
}

fn served_by(mistakes: &mut Mistakes, set: &JwkSet) -> Vec<Algorithm> {
    let mut served = Vec::new();
    for algorithm in set.keys().iter().flat_map(|key| key.algorithms()) {
        if !served.contains(algorithm) {
            served.push(*algorithm);
        }
    }
    if served.is_empty() {
        let reasons = set.rejected().iter().map(|key| {
            let kid = key.kid().unwrap_or_default();
            format!("; key {} {kid:?}: {}", key.index(), key.error())
        });
        let reasons = reasons.collect();
        mistakes.push("token.keys", JwtConfigError::NoKeys { reasons });
    }
    check_families(mistakes, "token.keys", &served);
    // Of public keys in a set that somebody else has published, those that can be told apart go on.
    let nameless = || set.keys().iter().filter(|key| key.kid().is_none());
    let ambiguous = served
        .iter()
        .filter(|algorithm| algorithm.is_hmac())
        .find(|algorithm| nameless().filter(|key| key.fits(**algorithm)).count() > 1);
    if let Some(algorithm) = ambiguous {
        let algorithm = *algorithm;
        mistakes.push("token.keys", JwtConfigError::KeysAmbiguous { algorithm });
    }
    served
}

fn check_families(mistakes: &mut Mistakes, path: &str, algorithms: &[Algorithm]) {
    let has_secrets = algorithms.iter().any(|algorithm| algorithm.is_hmac());
    if has_secrets && !algorithms.iter().all(|algorithm| algorithm.is_hmac()) {
        mistakes.push(path, JwtConfigError::MixedKeyFamilies);
    }
}

fn check_profile(mistakes: &mut Mistakes, profile: &Profile) {
    if let Profile::Custom { typ } = profile
        && !profile.is_sound()
    {
        let value = typ.clone();
        mistakes.push("token.profile", JwtConfigError::TypRefused { value });
    }
}

fn check_cache(mistakes: &mut Mistakes, cache: Option<TokenCache>, algorithms: &[Algorithm]) {
    let Some(cache) = cache else {
        return;
    };
    let mut refuse = |value: String| {
        let kind = JwtConfigError::TokenCacheRefused { value };
        mistakes.push("token.token_cache", kind);
    };
    if !(1..=TokenCache::MOST).contains(&cache.count()) {
        refuse(format!("of {} entries", cache.count()));
    }
    if algorithms.iter().any(|algorithm| algorithm.is_hmac()) {
        refuse("beside HMAC keys".to_owned());
    }
}

/// The names of claims, as configured.
struct Names<'a> {
    required: &'a [String],
    scope: Option<&'a str>,
    roles: &'a str,
    tenant: Option<&'a str>,
}

fn check_claims(
    mistakes: &mut Mistakes,
    names: &Names<'_>,
    profile: &Profile,
    has_max_age: bool,
    audiences: &[String],
) -> ClaimRules {
    let count = names.required.len();
    if count > MOST_REQUIRED {
        mistakes.push("token.require", JwtConfigError::RequiredTooMany { count });
    }
    for (index, name) in names.required.iter().enumerate() {
        if name.is_empty() {
            mistakes.push(format!("token.require[{index}]"), claim_invalid(name));
        }
    }
    let scope = match names.scope {
        Some(name) => {
            if name.is_empty() || Known::of(name).is_some() {
                mistakes.push("token.scope_claim", claim_invalid(name));
            }
            ScopeClaim::Named(name.into())
        }
        None => ScopeClaim::Usual,
    };
    let roles = check_path(mistakes, "token.roles_claim", names.roles, &scope);
    let tenant = names
        .tenant
        .and_then(|path| check_path(mistakes, "token.tenant_claim", path, &scope));
    if let (Some(roles), Some(tenant)) = (&roles, &tenant)
        && roles.overlaps(tenant)
    {
        let name = names.tenant.unwrap_or_default();
        mistakes.push("token.tenant_claim", claim_invalid(name));
    }
    let mut known = profile.required().to_vec();
    if has_max_age {
        known.push(Known::Iat);
    }
    let mut own = Vec::new();
    for name in names.required.iter().take(MOST_REQUIRED) {
        if !own.contains(&name.as_str()) {
            own.push(name);
        }
    }
    ClaimRules {
        audiences: audiences.iter().map(|name| name.as_str().into()).collect(),
        scope,
        roles,
        tenant,
        required: Required::new(&known, own),
        refuses_id_tokens: profile.refuses_id_tokens(),
    }
}

fn check_path(
    mistakes: &mut Mistakes,
    at: &str,
    text: &str,
    scope: &ScopeClaim,
) -> Option<ClaimPath> {
    let is_scope = |head: &str| match scope {
        ScopeClaim::Usual => matches!(head, "scope" | "scp"),
        ScopeClaim::Named(name) => **name == *head,
    };
    let path = ClaimPath::parse(text)
        .filter(|path| Known::of(path.head()).is_none() && !is_scope(path.head()));
    if path.is_none() {
        mistakes.push(at, claim_invalid(text));
    }
    path
}

fn claim_invalid(value: &str) -> JwtConfigError {
    JwtConfigError::ClaimInvalid {
        value: value.to_owned(),
    }
}
