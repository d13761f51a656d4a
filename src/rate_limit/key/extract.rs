//! How a key is read from a request.

use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderName, Request};

use super::prefix::Prefix;
use super::spec::Kind;
use super::{Key, KeyHash, KeyHasher, KeyOutcome, KeySeed};
use crate::core::field::Lines;
use crate::core::{Caller, Principal, TrustedProxies, route_template};
use crate::rate_limit::shortcut::Shortcut;

/// Longest header value that is a key.
const MAX_HEADER: usize = 256;

/// What a key is read from: a request that was taken apart, or as much of it as built-in keys need.
#[derive(Clone, Copy)]
pub(in crate::rate_limit) struct Head<'a> {
    pub(in crate::rate_limit) headers: &'a HeaderMap,
    pub(in crate::rate_limit) extensions: &'a Extensions,
    /// There if [`Key::needs_parts`] or a closure of the policy does.
    pub(in crate::rate_limit) parts: Option<&'a Parts>,
    /// There if [`Key::needs_request`]; then `parts` may be absent.
    pub(in crate::rate_limit) request: Option<&'a Request<()>>,
    /// Already resolved, if the request has a client address at all.
    pub(in crate::rate_limit) client: Option<&'a Caller>,
    /// For keys that have to find the address themselves.
    pub(in crate::rate_limit) proxies: &'a TrustedProxies,
}

impl Head<'_> {
    #[inline]
    fn client(&self) -> Option<Caller> {
        match self.client {
            Some(client) => Some(*client),
            None => Caller::attached_or_found(self.proxies, self.headers, self.extensions),
        }
    }
}

/// The first byte of what is hashed, so that two kinds of key never fall together.
#[derive(Clone, Copy)]
enum Space {
    Address = 1,
    All = 2,
    Anonymous = 3,
    Extension = 4,
    Foreign = 5,
    Global = 6,
    Header = 7,
    Principal = 8,
    Route = 9,
    Second = 10,
    Unrouted = 11,
}

/// The key that [`client_ip`](super::client_ip) and the like make of a client.
#[inline]
pub(in crate::rate_limit) fn client_key(
    prefix: &Prefix,
    client: &Caller,
    seed: &KeySeed,
) -> KeyHash {
    prefix.key_of(client, Space::Address.word(), seed)
}

impl Space {
    const fn word(self) -> u64 {
        (self as u64) << 56
    }
}

impl Key {
    /// The shortcut to this key, if it has one.
    pub(in crate::rate_limit) fn shortcut(&self, seed: &KeySeed) -> Option<Shortcut> {
        match &self.0 {
            Kind::Client(prefix) => Some(Shortcut::Client(*prefix)),
            Kind::Global => {
                let mut hasher = KeyHasher::new(seed);
                write_global(&mut hasher);
                Some(Shortcut::Everybody(hasher.key()))
            }
            Kind::All(_)
            | Kind::BadHeader(_)
            | Kind::Custom(_)
            | Kind::Extension(..)
            | Kind::Foreign(_)
            | Kind::Header(_)
            | Kind::Normalised(_)
            | Kind::Or(_)
            | Kind::Principal { .. }
            | Kind::Route => None,
        }
    }

    /// Writes the key of a request.
    #[inline]
    pub(in crate::rate_limit) fn extract(
        &self,
        head: &Head<'_>,
        hasher: &mut KeyHasher,
    ) -> KeyOutcome {
        match &self.0 {
            Kind::Client(prefix) => from_client(head, Space::Address, prefix, hasher),
            Kind::Principal { or_address } => from_principal(head, *or_address, hasher),
            Kind::Global => {
                write_global(hasher);
                KeyOutcome::Set
            }
            Kind::All(parts) => from_all(parts, head, hasher),
            Kind::Or(parts) => from_either(parts, head, hasher),
            Kind::Normalised(part) => {
                let before = hasher.normalise(true);
                let outcome = part.extract(head, hasher);
                hasher.normalise(before);
                outcome
            }
            Kind::Custom(extract) => match head.parts {
                Some(parts) => extract(parts, hasher),
                None => KeyOutcome::Missing,
            },
            Kind::Extension(extract, _) => {
                hasher.u64(Space::Extension.word());
                extract(head.extensions, hasher)
            }
            Kind::Foreign(foreign) => match head.request {
                Some(request) => {
                    hasher.u64(Space::Foreign.word());
                    (foreign.extract)(request, hasher)
                }
                // Somebody asks with the parts of a request alone.
                None => KeyOutcome::Missing,
            },
            Kind::Header(name) => from_header(head.headers, name, hasher),
            Kind::Route => {
                match route_template(head.extensions) {
                    Some(template) => {
                        hasher.u64(Space::Route.word());
                        hasher.bytes(template.as_bytes());
                    }
                    None => hasher.u64(Space::Unrouted.word()),
                }
                KeyOutcome::Set
            }
            // A limiter with such a name is not built.
            Kind::BadHeader(_) => KeyOutcome::Missing,
        }
    }
}

/// The key of everybody.
#[inline]
pub(in crate::rate_limit) fn write_global(hasher: &mut KeyHasher) {
    hasher.u64(Space::Global.word());
}

fn from_all(parts: &[Key], head: &Head<'_>, hasher: &mut KeyHasher) -> KeyOutcome {
    hasher.u64(Space::All.word());
    for part in parts {
        match part.extract(head, hasher) {
            KeyOutcome::Set => {}
            decided => return decided,
        }
    }
    KeyOutcome::Set
}

fn from_either([first, second]: &[Key; 2], head: &Head<'_>, hasher: &mut KeyHasher) -> KeyOutcome {
    let before = hasher.clone();
    match first.extract(head, hasher) {
        KeyOutcome::Missing => {
            // It may have written a part of a key.
            *hasher = before;
            hasher.u64(Space::Second.word());
            second.extract(head, hasher)
        }
        decided => decided,
    }
}

#[inline]
fn from_client(
    head: &Head<'_>,
    space: Space,
    prefix: &Prefix,
    hasher: &mut KeyHasher,
) -> KeyOutcome {
    let Some(client) = head.client() else {
        return KeyOutcome::Missing;
    };
    prefix.add_to(&client, space.word(), hasher);
    KeyOutcome::Set
}

fn from_principal(head: &Head<'_>, or_address: bool, hasher: &mut KeyHasher) -> KeyOutcome {
    let Some(principal) = Principal::from_extensions(head.extensions) else {
        return if or_address {
            from_client(head, Space::Anonymous, &Prefix::SUBSCRIBER, hasher)
        } else {
            KeyOutcome::Missing
        };
    };
    let (tenant, issuer) = (principal.tenant(), principal.issuer());
    let told = u64::from(tenant.is_some()) | u64::from(issuer.is_some()) << 1;
    hasher.u64(Space::Principal.word() | told);
    for name in [tenant, issuer].into_iter().flatten() {
        hasher.str(name);
    }
    hasher.str(principal.subject());
    KeyOutcome::Set
}

fn from_header(headers: &HeaderMap, name: &HeaderName, hasher: &mut KeyHasher) -> KeyOutcome {
    let Lines::One(value) = Lines::of(headers, name) else {
        return KeyOutcome::Missing;
    };
    if value.is_empty() || value.len() > MAX_HEADER {
        return KeyOutcome::Missing;
    }
    hasher.u64(Space::Header.word());
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => hasher.str(text),
        Err(_) => hasher.bytes(value.as_bytes()),
    }
    KeyOutcome::Set
}
