//! What may pass without TLS.

use http::{Extensions, HeaderMap, Method, Uri};

use super::error::HttpsConfigError;
use super::host::RequestHost;
use crate::core::{
    ClientIp, IpSource, Mistakes, PeerAddr, RequestContext, SchemeSource, is_exact_path,
};

const ACME: &str = "/.well-known/acme-challenge/";

/// The compiled exemptions.
#[derive(Clone, Debug, Default)]
pub(super) struct Exemptions {
    pub(super) acme: bool,
    pub(super) loopback: bool,
    /// Sorted.
    paths: Box<[Box<str>]>,
}

/// What of a request an exemption is decided by.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) method: &'a Method,
    /// As the client wrote it.
    pub(super) path: &'a str,
    pub(super) uri: &'a Uri,
    pub(super) headers: &'a HeaderMap,
    pub(super) extensions: &'a Extensions,
}

impl Exemptions {
    /// The same with these paths, which are checked.
    pub(super) fn with_paths(self, mistakes: &mut Mistakes, paths: &[String]) -> Self {
        let mut legal: Vec<Box<str>> = Vec::new();
        for (index, path) in paths.iter().enumerate() {
            if is_exact_path(path) {
                legal.push(path.as_str().into());
            } else {
                let value = path.clone();
                mistakes.push(
                    format!("https.exempt_path[{index}]"),
                    HttpsConfigError::InvalidPath { value },
                );
            }
        }
        legal.sort_unstable();
        Self {
            paths: legal.into(),
            ..self
        }
    }

    /// Whether a plain request may pass.
    pub(super) fn cover(&self, asked: Asked<'_>, source: &SchemeSource) -> bool {
        self.paths
            .binary_search_by(|path| (**path).cmp(asked.path))
            .is_ok()
            || self.cover_any_host(asked, source)
    }

    /// Whether a request may pass whatever host it names.
    pub(super) fn cover_any_host(&self, asked: Asked<'_>, source: &SchemeSource) -> bool {
        (self.acme && is_acme(asked.method, asked.path))
            || (self.loopback && is_loopback(asked, source))
    }

    /// The names of what is exempt, for people.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let acme = self.acme.then_some("acme");
        let loopback = self.loopback.then_some("loopback");
        let paths = self.paths.iter().map(|path| &**path);
        acme.into_iter().chain(loopback).chain(paths)
    }
}

/// An `http-01` challenge (RFC 8555 section 8.3), which certificate authorities fetch without TLS. A token is base64url, so
/// nothing that could be read as another path is one.
fn is_acme(method: &Method, path: &str) -> bool {
    /// The longest token in use has 43.
    const MAX_TOKEN: usize = 128;
    let token = |token: &str| {
        (1..=MAX_TOKEN).contains(&token.len())
            && token
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    matches!(*method, Method::GET | Method::HEAD) && path.strip_prefix(ACME).is_some_and(token)
}

/// Whether a program of this machine asks for this machine. The peer alone does not do: that of a page in a local browser, under
/// an attacker's name, is the same; nor does the host, which anybody can write.
fn is_loopback(asked: Asked<'_>, source: &SchemeSource) -> bool {
    let is_local_peer = match PeerAddr::from_extensions(asked.extensions) {
        Some(PeerAddr::Ip(peer)) => peer.ip().to_canonical().is_loopback(),
        Some(PeerAddr::Unix) | None => false,
    };
    is_local_peer
        // What a proxy on this machine passes on is somebody else's.
        && !source.is_proxied(asked.extensions)
        && !RequestContext::from_extensions(asked.extensions).is_some_and(RequestContext::is_proxied)
        && ClientIp::from_extensions(asked.extensions).is_none_or(is_local_client)
        && RequestHost::read(asked.uri, asked.headers).is_ok_and(|host| host.is_local())
}

/// What a proxy has said, or could not say, is no proof of it.
fn is_local_client(client: ClientIp) -> bool {
    client.ip().is_loopback() && matches!(client.source(), IpSource::Peer | IpSource::Caller)
}
