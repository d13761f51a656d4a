//! The stack from a configuration file.

mod build;
#[cfg(all(feature = "axum", feature = "limits", feature = "sanitize"))]
mod example;
mod kept;
mod passes;
mod refusals;
mod reload;
mod secrets;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower::{Layer, Service};
use tower_security::core::ConfigErrors;
use tower_security::stack::config::{SecurityConfig, Stack, StackParts};

use crate::support::service::{Spy, go};

pub(crate) type Body = Full<Bytes>;

/// Every section, with as many of its fields as go together.
#[cfg(all(
    feature = "csp-report",
    feature = "jwt",
    feature = "limits",
    feature = "sanitize"
))]
pub(crate) const WHOLE: &str = include_str!("whole.toml");

pub(crate) fn parsed(text: &str) -> SecurityConfig {
    toml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

pub(crate) fn built(text: &str) -> Stack {
    build(text).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

pub(crate) fn build(text: &str) -> Result<Stack, ConfigErrors> {
    parsed(text).build(StackParts::new())
}

/// Path and code of each mistake.
pub(crate) fn mistakes<T>(result: Result<T, ConfigErrors>) -> Vec<(String, &'static str)> {
    let errors = result.err().map(|errors| errors.into_iter());
    let errors = errors.into_iter().flatten();
    errors
        .map(|error| (error.path().to_owned(), error.code()))
        .collect()
}

pub(crate) async fn ask(
    stack: &Stack,
    spy: &Spy,
    request: Request<Body>,
) -> Response<impl Sized + use<>> {
    through(stack.layer(spy.clone()), request).await
}

pub(crate) async fn through<S, R>(service: S, request: Request<Body>) -> Response<R>
where
    S: Service<Request<Body>, Response = Response<R>, Error = std::convert::Infallible>,
{
    go(service, request).await
}
