//! `HttpsJwksFetch`: over HTTPS, with `reqwest`.
#![expect(
    clippy::disallowed_methods,
    reason = "the trait is one that users implement, and its future is boxed once in minutes"
)]

use std::error::Error;
use std::fmt;
use std::pin::Pin;

use http::header::{ACCEPT, IF_NONE_MATCH};
use http::uri::Scheme;
use http::{HeaderMap, HeaderValue, Uri};
use reqwest::{Certificate, Client, ClientBuilder, Response, redirect, retry};

use super::error::{FetchError, FetchErrorKind};
use super::fetch::{JwksFetch, JwksReply};
use super::refresh::LIMIT;
use super::url::is_plain_loopback;

/// Fetches key sets over HTTPS.
///
/// It follows no redirects, tries nothing twice, keeps no connection open, uses no proxy and reads 256 KiB at most; all of it takes 5
/// seconds at most. A cache with [`dangerous_http_jwks`](super::JwksCacheBuilder::dangerous_http_jwks) has it ask a loopback address
/// without TLS.
///
/// # Example
///
/// ```
/// use tower_security::token::{HttpsJwksFetch, JwksCache};
///
/// let keys = JwksCache::builder("https://login.example.com/.well-known/jwks.json")
///     .fetch(HttpsJwksFetch::new()?)
///     .build()?;
/// assert!(HttpsJwksFetch::with_roots(b"no certificate").is_err());
/// # let _ = keys;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct HttpsJwksFetch(Client);

impl HttpsJwksFetch {
    /// Trusts the certificate authorities that the operating system trusts.
    ///
    /// # Errors
    ///
    /// TLS cannot be set up, such as on a system without certificate authorities.
    pub fn new() -> Result<Self, FetchError> {
        Self::build(client())
    }

    /// Trusts these certificate authorities and no others: PEM, one or several. For a provider inside, and so that no public authority
    /// can vouch for another one.
    ///
    /// # Errors
    ///
    /// The text has no certificate, or one that cannot be read.
    pub fn with_roots(pem: &[u8]) -> Result<Self, FetchError> {
        let roots = Certificate::from_pem_bundle(pem).map_err(|error| failure(&error))?;
        if roots.is_empty() {
            let text = "no certificate in the PEM text";
            return Err(FetchError::new(FetchErrorKind::Transport, text));
        }
        Self::build(client().tls_certs_only(roots))
    }

    fn build(client: ClientBuilder) -> Result<Self, FetchError> {
        client.build().map(Self).map_err(|error| failure(&error))
    }
}

fn client() -> ClientBuilder {
    // What other crates of a program turn on in `reqwest` changes nothing here.
    Client::builder()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .no_proxy()
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .referer(false)
        .pool_max_idle_per_host(0)
        .timeout(LIMIT)
        .user_agent(concat!("tower-security/", env!("CARGO_PKG_VERSION")))
}

impl JwksFetch for HttpsJwksFetch {
    fn fetch(
        &self,
        url: &Uri,
        etag: Option<&str>,
    ) -> Pin<Box<dyn Future<Output = Result<JwksReply, FetchError>> + Send + 'static>> {
        if url.scheme() != Some(&Scheme::HTTPS) && !is_plain_loopback(url) {
            let error = FetchError::new(FetchErrorKind::Transport, "the URL is not https");
            return Box::pin(std::future::ready(Err(error)));
        }
        let mut headers = HeaderMap::new();
        let types = HeaderValue::from_static("application/jwk-set+json, application/json");
        headers.insert(ACCEPT, types);
        if let Some(etag) = etag.and_then(|etag| HeaderValue::from_str(etag).ok()) {
            headers.insert(IF_NONE_MATCH, etag);
        }
        let asking = self.0.get(url.to_string()).headers(headers).send();
        Box::pin(async move { read(asking.await.map_err(|error| failure(&error))?).await })
    }
}

/// Reads a byte more than is allowed at most, so that what is too long is seen.
async fn read(mut response: Response) -> Result<JwksReply, FetchError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))? {
        let room = JwksReply::MAX_BODY.saturating_add(1);
        let rest = room.saturating_sub(body.len());
        body.extend(chunk.iter().take(rest));
        if body.len() >= room {
            break;
        }
    }
    Ok(JwksReply::new(response.status(), response.headers(), body))
}

fn failure(error: &reqwest::Error) -> FetchError {
    let kind = if error.is_timeout() {
        FetchErrorKind::Timeout
    } else {
        FetchErrorKind::Transport
    };
    FetchError::new(kind, Chain(error).to_string())
}

/// An error with its causes. The first, which names the URL, is left out if there are others.
struct Chain<'a>(&'a reqwest::Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cause = self.0.source();
        if cause.is_none() {
            return f.write_str("the request could not be made");
        }
        let mut separator = "";
        while let Some(error) = cause {
            write!(f, "{separator}{error}")?;
            separator = ": ";
            cause = error.source();
        }
        Ok(())
    }
}
