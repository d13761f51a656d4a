//! Whom a policy counts.

mod hasher;

use http::request::Parts;
use http::{Extensions, HeaderMap, Method, Request, Uri};

pub use hasher::{KeyHash, KeyHasher, KeySeed};

use crate::core::{ClientIp, TrustedProxies};

/// Whom a policy counts.
#[derive(Clone, Debug)]
pub struct Key(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Global,
}

/// What an extractor says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyOutcome {
    /// The key was written to the hasher.
    Set,
    /// The policy does not concern this request.
    Skip,
    /// The request should have a key and has none.
    Missing,
}

/// What a key is read from: a request that was taken apart, or as much of it as built-in keys need.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    pub(super) method: &'a Method,
    pub(super) uri: &'a Uri,
    pub(super) headers: &'a HeaderMap,
    pub(super) extensions: &'a Extensions,
    /// There if [`Key::needs_parts`] or a closure of the policy does.
    pub(super) parts: Option<&'a Parts>,
    /// There if [`Key::needs_request`]; then `parts` may be absent.
    pub(super) request: Option<&'a Request<()>>,
    /// Already resolved, if the request has a client address at all.
    pub(super) client: Option<ClientIp>,
    /// For keys that have to find the address themselves.
    pub(super) proxies: &'a TrustedProxies,
}
