//! The builder.

use std::fmt;
use std::sync::Arc;

use http::HeaderName;
use http::header::RETRY_AFTER;

use super::error::ErrorMaskConfigError as Error;
use super::layer::{Core, ErrorMaskLayer};
use crate::core::{
    ConfigErrors, EventSink, Events, Mistakes, Mode, Rejection, RejectionRenderer, collected,
    is_of_connection,
};

/// The names that tell which software answers, beside `X-Debug-*`.
static BANNERS: [HeaderName; 4] = [
    HeaderName::from_static("server"),
    HeaderName::from_static("x-aspnet-version"),
    HeaderName::from_static("x-powered-by"),
    HeaderName::from_static("x-runtime"),
];

/// What begins with this is for whoever debugs the service.
pub(super) const DEBUG_PREFIX: &str = "x-debug-";

/// What an error keeps, whatever the configuration: when to come back, and what to ask the operator for.
static KEPT: [HeaderName; 2] = [RETRY_AFTER, HeaderName::from_static("x-request-id")];

/// Builds an [`ErrorMaskLayer`]. Made by [`ErrorMaskLayer::builder`].
///
/// A setter that is called again replaces what it had set; the methods whose docs say *repeatable* add.
#[derive(Clone, Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct ErrorMaskBuilder {
    client_errors: bool,
    all_not_found: bool,
    keep: Vec<String>,
    strip: Vec<String>,
    renderer: Option<Arc<dyn RejectionRenderer>>,
    events: Events,
    mode: Mode,
    details: bool,
}

impl ErrorMaskBuilder {
    /// Sets whether what a framework says of a bad request is replaced too. Default: `false`.
    ///
    /// An answer with status 4xx and content type `text/plain` that is neither a refusal of this crate nor a
    /// [`Problem`](crate::core::Problem) gets a uniform body: axum's extractors name types and fields in theirs. So does one with a body
    /// and no type, as plain hyper sends words that nobody gave one. Other headers stay. A handler that says something in `text/plain` on
    /// purpose says it in a `Problem` instead.
    pub fn mask_client_errors(mut self, mask: bool) -> Self {
        self.client_errors = mask;
        self
    }

    /// Replaces the body of every 404 and 405, so that what is absent, what is hidden and what has no route look alike. Default: those
    /// without a body alone, which are the router's.
    ///
    /// A refusal of this crate and a [`Problem`](crate::core::Problem) stay.
    pub fn mask_all_not_found(mut self) -> Self {
        self.all_not_found = true;
        self
    }

    /// Lets headers of a server error through, beside `Retry-After` and `x-request-id`. Repeatable.
    ///
    /// Accepted: `access-control-allow-origin`, `www-authenticate`. Refused: headers that tell which software answers (`server`,
    /// `x-powered-by`, `x-debug-sql`), `set-cookie`, those of the body that is dropped (`content-type`, `etag`), those of the
    /// connection, the text of a gRPC status, and names that this layer takes off.
    pub fn keep_headers(mut self, names: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.keep.extend(collected(names));
        self
    }

    /// Takes more headers off every answer, beside `Server`, `X-Powered-By`, `X-AspNet-Version`, `X-Runtime` and `X-Debug-*`.
    /// Repeatable.
    ///
    /// Accepted: `x-backend-server`, `via`. Refused: headers of the connection, and what says what the answer is (`content-type`,
    /// `grpc-status`).
    pub fn strip_headers(mut self, names: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.strip.extend(collected(names));
        self
    }

    /// Renders the bodies that take the place of others. Default: the stack's renderer, else `application/problem+json`.
    pub fn renderer(mut self, renderer: impl RejectionRenderer) -> Self {
        self.renderer = Some(Arc::new(renderer));
        self
    }

    /// Hands events to this sink. Default: the stack's, else `tracing`.
    pub fn events(mut self, sink: impl EventSink) -> Self {
        self.events = self.events.with_sink(sink);
        self
    }

    /// Sets the mode. Default: [`Mode::Enforce`].
    ///
    /// [`Mode::ReportOnly`] records what it would replace and replaces nothing, but that panics are answered with 500 and a body that
    /// panics ends with an error. [`Mode::Off`] hands everything on, and panics unwind.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Shows clients what is behind an error: the answers of the service as they are, and of a panic or an error its text. For a
    /// developer's own machine.
    ///
    /// Whoever can reach the service reads SQL, paths and secrets. [`build`](Self::build) refuses it without debug assertions.
    pub fn dangerous_show_details(mut self) -> Self {
        self.details = true;
        self
    }

    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// Fails with every mistake at once, each an [`ErrorMaskConfigError`](super::ErrorMaskConfigError) with its path such as
    /// `error_mask.keep_headers[1]`.
    pub fn build(self) -> Result<ErrorMaskLayer, ConfigErrors> {
        self.build_for(cfg!(debug_assertions))
    }

    pub(super) fn build_for(
        self,
        has_debug_assertions: bool,
    ) -> Result<ErrorMaskLayer, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        let mut removed: Vec<_> = BANNERS.to_vec();
        for (index, text) in self.strip.iter().enumerate() {
            match header_name(text).and_then(strippable) {
                Ok(name) => removed.push(name),
                Err(error) => mistakes.push(format!("error_mask.strip_headers[{index}]"), error),
            }
        }
        let mut kept: Vec<_> = KEPT
            .iter()
            .filter(|name| !removed.contains(name))
            .cloned()
            .collect();
        for (index, text) in self.keep.iter().enumerate() {
            match header_name(text).and_then(|name| keepable(name, &removed)) {
                Ok(name) if kept.contains(&name) => {}
                Ok(name) => kept.push(name),
                Err(error) => mistakes.push(format!("error_mask.keep_headers[{index}]"), error),
            }
        }
        if self.details && !has_debug_assertions {
            mistakes.push("error_mask.dangerous_show_details", Error::DetailsInRelease);
        }
        mistakes
            .finish(self.core(kept, removed))
            .map(ErrorMaskLayer::of)
    }

    /// What needs no check, since nobody has named a header.
    pub(super) fn core_without_names(self) -> Core {
        self.core(KEPT.to_vec(), BANNERS.to_vec())
    }

    fn core(self, kept: Vec<HeaderName>, removed: Vec<HeaderName>) -> Core {
        Core {
            mode: self.mode,
            client_errors: self.client_errors,
            all_not_found: self.all_not_found,
            details: self.details,
            kept,
            stripped: removed.len(),
            removed: removed.into_iter().collect(),
            renderer: self.renderer,
            events: self.events,
            internal: Rejection::internal().prepare(),
            not_found: Rejection::not_found().prepare(),
        }
    }
}

fn header_name(text: &str) -> Result<HeaderName, Error> {
    HeaderName::from_bytes(text.as_bytes()).map_err(|_| Error::InvalidHeader {
        name: text.to_owned(),
    })
}

fn strippable(name: HeaderName) -> Result<HeaderName, Error> {
    const NEEDED: [&str; 4] = [
        "content-encoding",
        "content-type",
        "grpc-status",
        "location",
    ];
    let text = name.as_str();
    if is_of_connection(text) || NEEDED.contains(&text) {
        let name = text.to_owned();
        return Err(Error::ForbiddenHeader { name });
    }
    Ok(name)
}

fn keepable(name: HeaderName, removed: &[HeaderName]) -> Result<HeaderName, Error> {
    const STATUS: [&str; 3] = ["grpc-message", "grpc-status", "grpc-status-details-bin"];
    let text = name.as_str();
    let reason = if removed.contains(&name) || text.starts_with(DEBUG_PREFIX) {
        "it is taken off every answer"
    } else if text == "set-cookie" {
        "what failed must not begin or change a session"
    } else if is_of_connection(text) {
        "it belongs to the connection or frames the message"
    } else if super::check::is_of_body(&name) {
        "it belongs to the body that is dropped"
    } else if STATUS.contains(&text) {
        "it is what this layer writes"
    } else {
        return Ok(name);
    };
    let name = text.to_owned();
    Err(Error::KeepHeader { name, reason })
}

impl fmt::Debug for ErrorMaskBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorMaskBuilder")
            .field("client_errors", &self.client_errors)
            .field("all_not_found", &self.all_not_found)
            .field("keep", &self.keep)
            .field("strip", &self.strip)
            .field("mode", &self.mode)
            .field("details", &self.details)
            .finish_non_exhaustive()
    }
}
