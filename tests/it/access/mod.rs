//! `AccessTable` and `RequireAuthorization`: one fixture, asked on plain Tower, hyper, axum and tonic.

mod config;
mod decisions;
#[cfg(feature = "axum")]
mod forgotten;
#[cfg(all(feature = "axum", feature = "tonic"))]
mod forgotten_calls;
mod ledger;
mod posture;
#[cfg(feature = "axum")]
mod routers;
mod rows;
#[cfg(feature = "axum")]
mod scale;
mod tripwire;

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::Full;
use tower::util::{MapRequest, MapRequestLayer};
use tower::{Layer, Service};
use tower_security::authorize::{
    AccessTable, AccessTableBuilder, authenticated, max_age, public, role, same_subject, scope,
};
use tower_security::core::{AuthMethod, Principal};

pub(crate) use crate::ownership::{Inner, LOGIN, NOT_FOUND, Told};

pub(crate) const FORBIDDEN: &str =
    r#"{"title":"This is not allowed","status":403,"code":"forbidden"}"#;
pub(crate) const UNDECIDED: &str =
    r#"{"title":"This request was not authorized","status":500,"code":"authorization_missing"}"#;

/// Who is asking, by name; nobody is `-`.
pub(crate) fn person(name: &str) -> Option<Principal> {
    let builder = match name {
        "-" => return None,
        "alice" | "bob" => Principal::builder(name).scopes(["files"]),
        "staff" | "admin" => Principal::builder(name).roles([name]),
        "expired" => Principal::builder("alice")
            .roles(["admin"])
            .expires_at(SystemTime::UNIX_EPOCH),
        other => panic!("nobody is called {other}"),
    };
    Some(builder.method(AuthMethod::Bearer).build())
}

/// Believes the header `x-test`.
fn login<B>(mut request: Request<B>) -> Request<B> {
    if let Some(name) = request.headers_mut().remove("x-test")
        && let Some(who) = person(name.to_str().unwrap())
    {
        who.dangerous_attach(request.extensions_mut());
    }
    request
}

/// An authentication layer around a service.
pub(crate) fn logged_in<S, B>(service: S) -> MapRequest<S, fn(Request<B>) -> Request<B>>
where
    S: Service<Request<B>>,
{
    MapRequestLayer::new(login::<B> as fn(Request<B>) -> Request<B>).layer(service)
}

/// The rules that all servers have.
pub(crate) fn rules() -> AccessTableBuilder {
    AccessTable::builder()
        .get("/health", public())
        .get("/reports", role("admin"))
        .delete("/admin/invoices/{id}", role("admin"))
        .any_method("/admin/{*rest}", role("staff"))
        .put("/members/{name}/email", same_subject("name"))
        .any_method("/files/{*path}", scope("files"))
        .get("/orders", authenticated())
        .post("/payments", max_age(Duration::from_secs(300)))
        .rpc("/shop.Admin/*", role("staff"))
        .rule(Method::OPTIONS, "/orders", authenticated().decides())
        .role_implies("admin", ["staff"])
}

/// A request of somebody.
pub(crate) fn request(who: &str, method: &str, target: &str) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(target)
        .header("host", "shop.example")
        .header("x-test", who)
        .body(Full::default())
        .unwrap()
}

pub(crate) fn text(answer: &Response<Bytes>) -> &str {
    std::str::from_utf8(answer.body()).unwrap()
}

/// The answer with its whole body.
pub(crate) async fn whole<B>(answer: Response<B>) -> Response<Bytes>
where
    B: http_body::Body<Error: std::fmt::Debug>,
{
    use http_body_util::BodyExt;
    let (head, body) = answer.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Response::from_parts(head, body)
}
