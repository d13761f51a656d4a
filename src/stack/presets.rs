//! Stacks to start from: nothing but calls that a user could make.

use tower_layer::Identity;

use super::builder::SecurityStack;
use crate::cookies::CookieLayer;
use crate::csp::CspLayer;
use crate::csrf::CsrfLayer;
use crate::headers::SecurityHeadersLayer;

impl SecurityStack {
    /// Starts from what every site of pages needs.
    ///
    /// The same as
    ///
    /// ```
    /// # use tower_security::{CookieLayer, CspLayer, CsrfLayer, SecurityHeadersLayer, SecurityStack};
    /// # let stack =
    /// SecurityStack::new()
    ///     .headers(SecurityHeadersLayer::web())
    ///     .csp(CspLayer::strict())
    ///     .cookies(CookieLayer::strict())
    ///     .csrf(CsrfLayer::new())
    /// # ; let _ = stack;
    /// ```
    ///
    /// What a page needs beside it, `.https(..)` and `.client_ip(..)`, has no default that would be right for every server. To
    /// fill one of these slots in another way, start from [`new`](Self::new).
    ///
    /// # Example
    ///
    /// Pages write the nonce of their answer into their scripts; what an attacker has injected has none.
    ///
    /// ```
    /// # use bytes::Bytes;
    /// # use http::{Request, Response, header};
    /// # use http_body_util::Full;
    /// # use std::convert::Infallible;
    /// # use tower::{Layer, ServiceExt, service_fn};
    /// use tower_security::SecurityStack;
    /// use tower_security::csp::CspNonce;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let service = SecurityStack::web().layer(service_fn(|request: Request<()>| async move {
    ///     let nonce = request.extensions().get::<CspNonce>().map(CspNonce::as_str).unwrap_or_default();
    ///     let page = format!("<script nonce={nonce}>start()</script>");
    ///     let mut answer = Response::new(Full::new(Bytes::from(page)));
    ///     answer.headers_mut().insert(header::CONTENT_TYPE, "text/html".parse().expect("legal"));
    ///     answer.headers_mut().insert(header::SET_COOKIE, "session=1".parse().expect("legal"));
    ///     Ok::<_, Infallible>(answer)
    /// }));
    /// let answer = ServiceExt::<Request<()>>::oneshot(service, Request::new(())).await?;
    /// let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str()?;
    /// assert!(policy.contains("script-src 'nonce-"));
    /// assert_eq!(answer.headers()[header::X_FRAME_OPTIONS], "DENY");
    /// assert_eq!(answer.headers()[header::SET_COOKIE], "session=1; Secure; HttpOnly; SameSite=Lax");
    /// # Ok(())
    /// # }
    /// ```
    pub fn web() -> SecurityStack<
        SecurityHeadersLayer,
        CspLayer,
        CookieLayer,
        Identity,
        Identity,
        Identity,
        Identity,
        Identity,
        Identity,
        Identity,
        Identity,
        CsrfLayer,
    > {
        Self::new()
            .headers(SecurityHeadersLayer::web())
            .csp(CspLayer::strict())
            .cookies(CookieLayer::strict())
            .csrf(CsrfLayer::new())
    }

    /// Starts from what every API that answers with data needs: what it sends is never shown as a page, framed or kept by a cache.
    ///
    /// The same as
    ///
    /// ```
    /// # use tower_security::{CspLayer, SecurityHeadersLayer, SecurityStack};
    /// # let stack =
    /// SecurityStack::new()
    ///     .headers(SecurityHeadersLayer::api())
    ///     .csp(CspLayer::api())
    /// # ; let _ = stack;
    /// ```
    ///
    /// An API that browsers send cookies to also needs `.csrf(CsrfLayer::new())`. To fill one of these slots in another way, start
    /// from [`new`](Self::new).
    pub fn api() -> SecurityStack<SecurityHeadersLayer, CspLayer> {
        Self::new()
            .headers(SecurityHeadersLayer::api())
            .csp(CspLayer::api())
    }

    /// Starts from what every gRPC service needs: its answers are neither sniffed nor kept by a cache.
    ///
    /// The same as
    ///
    /// ```
    /// # use tower_security::{SecurityHeadersLayer, SecurityStack};
    /// # let stack =
    /// SecurityStack::new()
    ///     .headers(SecurityHeadersLayer::grpc())
    /// # ; let _ = stack;
    /// ```
    ///
    /// A service that pages call through gRPC-Web also needs `.cors(..)`.
    pub fn grpc() -> SecurityStack<SecurityHeadersLayer> {
        Self::new().headers(SecurityHeadersLayer::grpc())
    }
}
