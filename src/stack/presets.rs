//! Stacks to start from: nothing but calls that a user could make.

use tower_layer::Identity;

use super::builder::SecurityStack;
use crate::cookies::CookieLayer;
use crate::csp::CspLayer;
use crate::csrf::CsrfLayer;
use crate::error_mask::ErrorMaskLayer;
use crate::headers::SecurityHeadersLayer;

impl SecurityStack {
    /// Starts from what every site of pages needs.
    ///
    /// The same as
    ///
    /// ```
    /// # use tower_security::{CookieLayer, CspLayer, CsrfLayer, ErrorMaskLayer, SecurityHeadersLayer, SecurityStack};
    /// # let stack =
    /// SecurityStack::new()
    ///     .headers(SecurityHeadersLayer::web())
    ///     .csp(CspLayer::strict())
    ///     .cookies(CookieLayer::strict())
    ///     .error_mask(ErrorMaskLayer::new())
    ///     .csrf(CsrfLayer::new())
    /// # ; let _ = stack;
    /// ```
    ///
    /// The pages of a handler pass with any status below 500, a 404 without a body becomes that of a refusal. What takes the place of a
    /// 5xx is `application/problem+json`; [`rejections`](Self::rejections) makes a page of it.
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
        ErrorMaskLayer,
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
            .error_mask(ErrorMaskLayer::new())
            .csrf(CsrfLayer::new())
    }

    /// Starts from what every API that answers with data needs: what it sends is never shown as a page, framed or kept by a cache, and
    /// what breaks inside tells its clients nothing.
    ///
    /// The same as
    ///
    /// ```
    /// # use tower_security::{CspLayer, ErrorMaskLayer, SecurityHeadersLayer, SecurityStack};
    /// # let stack =
    /// SecurityStack::new()
    ///     .headers(SecurityHeadersLayer::api())
    ///     .csp(CspLayer::api())
    ///     .error_mask(ErrorMaskLayer::api())
    /// # ; let _ = stack;
    /// ```
    ///
    /// An API that browsers send cookies to also needs `.csrf(CsrfLayer::new())`. To fill one of these slots in another way, start
    /// from [`new`](Self::new).
    ///
    /// # Example
    ///
    /// What a handler says of a bad request passes, unless it is `text/plain` or has no type: that is how frameworks tell of types and fields. What
    /// broke stays inside.
    ///
    /// ```
    /// # use bytes::Bytes;
    /// # use http::{Request, Response, StatusCode, header};
    /// # use http_body_util::{BodyExt, Full};
    /// # use std::convert::Infallible;
    /// # use tower::{Layer, ServiceExt, service_fn};
    /// use tower_security::SecurityStack;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let service = SecurityStack::api().layer(service_fn(|request: Request<()>| async move {
    ///     let (status, content_type, body) = match request.uri().path() {
    ///         "/orders/8" => (StatusCode::NOT_FOUND, "application/json", r#"{"error":"no such order"}"#),
    ///         "/orders/x" => (StatusCode::BAD_REQUEST, "text/plain", "cannot parse `x` to a `u64`"),
    ///         _ => (StatusCode::INTERNAL_SERVER_ERROR, "text/plain", "no such column: orders.total"),
    ///     };
    ///     let mut answer = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    ///     *answer.status_mut() = status;
    ///     answer.headers_mut().insert(header::CONTENT_TYPE, content_type.parse().expect("legal"));
    ///     Ok::<_, Infallible>(answer)
    /// }));
    /// for (path, expected) in [
    ///     ("/orders/8", r#"{"error":"no such order"}"#),
    ///     ("/orders/x", r#"{"title":"Bad request","status":400,"code":"bad_request"}"#),
    ///     ("/orders/7", r#"{"title":"internal error","status":500,"code":"internal_error"}"#),
    /// ] {
    ///     let request = Request::get(path).body(())?;
    ///     let answer = ServiceExt::<Request<()>>::oneshot(service.clone(), request).await?;
    ///     assert_eq!(answer.into_body().collect().await?.to_bytes(), expected);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn api() -> SecurityStack<SecurityHeadersLayer, CspLayer, Identity, Identity, ErrorMaskLayer>
    {
        Self::new()
            .headers(SecurityHeadersLayer::api())
            .csp(CspLayer::api())
            .error_mask(ErrorMaskLayer::api())
    }

    /// Starts from what every gRPC service needs: its answers are neither sniffed nor kept by a cache, and what broke inside is
    /// `internal error`, in heads and in trailers.
    ///
    /// The same as
    ///
    /// ```
    /// # use tower_security::{ErrorMaskLayer, SecurityHeadersLayer, SecurityStack};
    /// # let stack =
    /// SecurityStack::new()
    ///     .headers(SecurityHeadersLayer::grpc())
    ///     .error_mask(ErrorMaskLayer::api())
    /// # ; let _ = stack;
    /// ```
    ///
    /// Statuses that a handler means for its client, such as `NOT_FOUND`, pass with their words; `UNKNOWN`, `INTERNAL`, `UNAVAILABLE` and
    /// `DATA_LOSS` lose theirs. A service that pages call through gRPC-Web also needs `.cors(..)`.
    pub fn grpc()
    -> SecurityStack<SecurityHeadersLayer, Identity, Identity, Identity, ErrorMaskLayer> {
        Self::new()
            .headers(SecurityHeadersLayer::grpc())
            .error_mask(ErrorMaskLayer::api())
    }
}
