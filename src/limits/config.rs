//! The configuration: a builder in code, the same names in a file.

use std::fmt;
use std::time::Duration;

use super::compile::compile;
use super::layer::LimitsLayer;
use crate::core::{ConfigErrors, EventSink, Events, Mode, collected};

/// Headers that hold credentials.
const SENSITIVE: [&str; 4] = [
    "authorization",
    "cookie",
    "proxy-authorization",
    "set-cookie",
];

/// One of the limits, by the name of the method that sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Limit {
    /// [`body_limit`](LimitsBuilder::body_limit).
    BodyLimit,
    /// [`body_idle`](LimitsBuilder::body_idle).
    BodyIdle,
    /// [`body_time`](LimitsBuilder::body_time).
    BodyTime,
    /// [`stream_idle`](LimitsBuilder::stream_idle).
    StreamIdle,
    /// [`response_time`](LimitsBuilder::response_time).
    ResponseTime,
    /// [`answer_idle`](LimitsBuilder::answer_idle).
    AnswerIdle,
    /// [`max_concurrent`](LimitsBuilder::max_concurrent).
    MaxConcurrent,
}

impl Limit {
    /// Returns the name of the method, such as `body_limit`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BodyLimit => "body_limit",
            Self::BodyIdle => "body_idle",
            Self::BodyTime => "body_time",
            Self::StreamIdle => "stream_idle",
            Self::ResponseTime => "response_time",
            Self::AnswerIdle => "answer_idle",
            Self::MaxConcurrent => "max_concurrent",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What holds for some routes instead: a larger body for uploads, more time for a report. What is not set is as for all others.
///
/// The path is compared as the client sent it, as [`Template::match_raw`](crate::core::Template::match_raw) does. The first route that
/// matches counts. A path that is of no route so, but that a router could take for one of a route, such as `/reports/20%2F24`, gets the
/// strictest of all that it may be of, and of those of all others: it has nothing to gain by how it is written.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use tower_security::limits::{LimitsLayer, RouteLimits};
///
/// let layer = LimitsLayer::builder()
///     .route(RouteLimits::new("/uploads/{*path}").body_limit(500 << 20).body_time(Duration::from_secs(600)))
///     .route(RouteLimits::new("/reports/{year}").response_time(Duration::from_secs(120)))
///     .build()?;
/// # let _ = layer;
///
/// let errors = LimitsLayer::builder().route(RouteLimits::new("uploads").body_limit(0)).build().unwrap_err();
/// assert_eq!(errors.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[must_use = "limits of a route do nothing until they are given to a builder"]
pub struct RouteLimits {
    pub(super) pattern: String,
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub(super) body_limit: Option<u64>,
    #[cfg_attr(
        feature = "serde",
        serde(
            default,
            with = "seconds::optional",
            skip_serializing_if = "Option::is_none"
        )
    )]
    pub(super) body_idle: Option<Duration>,
    #[cfg_attr(
        feature = "serde",
        serde(
            default,
            with = "seconds::optional",
            skip_serializing_if = "Option::is_none"
        )
    )]
    pub(super) body_time: Option<Duration>,
    #[cfg_attr(
        feature = "serde",
        serde(
            default,
            with = "seconds::optional",
            skip_serializing_if = "Option::is_none"
        )
    )]
    pub(super) stream_idle: Option<Duration>,
    #[cfg_attr(
        feature = "serde",
        serde(
            default,
            with = "seconds::optional",
            skip_serializing_if = "Option::is_none"
        )
    )]
    pub(super) response_time: Option<Duration>,
    #[cfg_attr(
        feature = "serde",
        serde(
            default,
            with = "seconds::optional",
            skip_serializing_if = "Option::is_none"
        )
    )]
    pub(super) answer_idle: Option<Duration>,
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub(super) grpc: Option<bool>,
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Vec::is_empty")
    )]
    pub(super) dangerous_unlimited: Vec<Limit>,
}

impl RouteLimits {
    /// Starts with the limits of all others, for the paths of a pattern such as `/uploads/{*path}`: `{name}` stands for one segment, a
    /// final `{*name}` for one or more.
    pub fn new(pattern: impl Into<String>) -> Self {
        Self {
            pattern: pattern.into(),
            body_limit: None,
            body_idle: None,
            body_time: None,
            stream_idle: None,
            response_time: None,
            answer_idle: None,
            grpc: None,
            dangerous_unlimited: Vec::new(),
        }
    }

    /// Sets [`body_limit`](LimitsBuilder::body_limit) for these routes: up to 1 TiB.
    pub const fn body_limit(mut self, bytes: u64) -> Self {
        self.body_limit = Some(bytes);
        self
    }

    /// Sets [`body_idle`](LimitsBuilder::body_idle) for these routes.
    pub const fn body_idle(mut self, time: Duration) -> Self {
        self.body_idle = Some(time);
        self
    }

    /// Sets [`body_time`](LimitsBuilder::body_time) for these routes.
    pub const fn body_time(mut self, time: Duration) -> Self {
        self.body_time = Some(time);
        self
    }

    /// Sets [`stream_idle`](LimitsBuilder::stream_idle) for these routes.
    pub const fn stream_idle(mut self, time: Duration) -> Self {
        self.stream_idle = Some(time);
        self
    }

    /// Sets [`response_time`](LimitsBuilder::response_time) for these routes.
    pub const fn response_time(mut self, time: Duration) -> Self {
        self.response_time = Some(time);
        self
    }

    /// Sets [`answer_idle`](LimitsBuilder::answer_idle) for these routes.
    pub const fn answer_idle(mut self, time: Duration) -> Self {
        self.answer_idle = Some(time);
        self
    }

    /// Sets [`grpc`](LimitsBuilder::grpc) for these routes.
    pub const fn grpc(mut self, speaks: bool) -> Self {
        self.grpc = Some(speaks);
        self
    }

    /// Switches a limit off for these routes. See [`LimitsBuilder::dangerous_unlimited`].
    pub fn dangerous_unlimited(mut self, limit: Limit) -> Self {
        self.dangerous_unlimited.push(limit);
        self
    }
}

/// The configuration as data: what a file holds, under the names of the builder's methods. Times are in seconds there, whole or not.
///
/// With the feature `serde` it implements `Deserialize` (unknown fields are errors) and `Serialize`. The same values are refused
/// as in [`LimitsBuilder`].
///
/// # Example
///
/// ```
/// use tower_security::limits::LimitsConfig;
///
/// let mut config = LimitsConfig::default();
/// config.body_limit = 0;
/// let errors = config.build().unwrap_err();
/// assert_eq!(errors.to_string().split(':').next(), Some("limits.body_limit"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct LimitsConfig {
    /// See [`LimitsBuilder::body_limit`]. Default: 2 MiB.
    pub body_limit: u64,
    /// See [`LimitsBuilder::body_idle`]. Default: 20 seconds.
    #[cfg_attr(feature = "serde", serde(with = "seconds"))]
    pub body_idle: Duration,
    /// See [`LimitsBuilder::body_time`]. Default: 60 seconds.
    #[cfg_attr(feature = "serde", serde(with = "seconds"))]
    pub body_time: Duration,
    /// See [`LimitsBuilder::stream_idle`]. Default: 300 seconds.
    #[cfg_attr(feature = "serde", serde(with = "seconds"))]
    pub stream_idle: Duration,
    /// See [`LimitsBuilder::response_time`]. Default: 30 seconds.
    #[cfg_attr(feature = "serde", serde(with = "seconds"))]
    pub response_time: Duration,
    /// See [`LimitsBuilder::answer_idle`]. Default: 60 seconds.
    #[cfg_attr(feature = "serde", serde(with = "seconds"))]
    pub answer_idle: Duration,
    /// See [`LimitsBuilder::max_concurrent`]. Default: 1,024.
    pub max_concurrent: usize,
    /// See [`LimitsBuilder::grpc`]. Default: false.
    pub grpc: bool,
    /// See [`LimitsBuilder::sensitive_headers`]. Default: `authorization`, `cookie`, `proxy-authorization`, `set-cookie`.
    pub sensitive_headers: Vec<String>,
    /// See [`LimitsBuilder::route`]. Default: none.
    pub routes: Vec<RouteLimits>,
    /// See [`LimitsBuilder::mode`]. Default: [`Mode::Enforce`].
    pub mode: Mode,
    /// See [`LimitsBuilder::dangerous_unlimited`]. Default: none.
    pub dangerous_unlimited: Vec<Limit>,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            body_limit: 2 << 20,
            body_idle: Duration::from_secs(20),
            body_time: Duration::from_secs(60),
            stream_idle: Duration::from_secs(300),
            response_time: Duration::from_secs(30),
            answer_idle: Duration::from_secs(60),
            max_concurrent: 1_024,
            grpc: false,
            sensitive_headers: SENSITIVE.map(str::to_owned).to_vec(),
            routes: Vec::new(),
            mode: Mode::default(),
            dangerous_unlimited: Vec::new(),
        }
    }
}

impl LimitsConfig {
    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// Fails with every mistake, each with its path such as `limits.routes[1].body_limit`.
    pub fn build(self) -> Result<LimitsLayer, ConfigErrors> {
        LimitsBuilder::from(self).build()
    }
}

/// Builds a [`LimitsLayer`]. Made by [`LimitsLayer::builder`].
///
/// Sizes are in bytes. A time is 1 ms at least, and goes by the timer of tokio.
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct LimitsBuilder {
    config: LimitsConfig,
    events: Events,
}

impl From<LimitsConfig> for LimitsBuilder {
    fn from(config: LimitsConfig) -> Self {
        Self {
            config,
            events: Events::default(),
        }
    }
}

impl LimitsBuilder {
    /// Sets how large the body of a request may be. Default: 2 MiB, which is what axum's extractors read. At most 1 GiB; for single routes
    /// 1 TiB ([`RouteLimits::body_limit`]).
    ///
    /// A body that says its length is refused before anything of it is read, any other when it gets there: 413 `body_too_large`. Counted
    /// as it comes: what is decompressed further inside needs a limit of its own. A handler of axum that takes more than 2 MB has to say
    /// so to axum too: `DefaultBodyLimit`.
    pub const fn body_limit(mut self, bytes: u64) -> Self {
        self.config.body_limit = bytes;
        self
    }

    /// Sets how long the service waits for more of a body: 408 `body_stalled`. Default: 20 seconds, as Apache's `mod_reqtimeout`. At
    /// most 1 hour.
    pub const fn body_idle(mut self, time: Duration) -> Self {
        self.config.body_idle = time;
        self
    }

    /// Sets how long the service waits for a body in all: 408 `body_too_slow`. Default: 60 seconds, 35 KB/s for a body of 2 MiB. At
    /// most 24 hours.
    ///
    /// What counts is the time in which the handler waits for the client; its own between two reads is not the client's fault.
    pub const fn body_time(mut self, time: Duration) -> Self {
        self.config.body_time = time;
        self
    }

    /// Sets how long a stream of gRPC may stand still between two messages: 408 `body_stalled`. Default: 5 minutes, as Envoy's
    /// `stream_idle_timeout`. At most 24 hours. It holds for [`grpc`](Self::grpc) alone.
    pub const fn stream_idle(mut self, time: Duration) -> Self {
        self.config.stream_idle = time;
        self
    }

    /// Sets how long the handler may take until it answers: 504 `response_timeout`, and the handler is dropped. Default: 30 seconds, as
    /// ASP.NET Core's request timeouts. At most 1 hour.
    ///
    /// The time in which it waits for the body of the request does not count, which has limits of its own; the body of its answer does
    /// neither.
    pub const fn response_time(mut self, time: Duration) -> Self {
        self.config.response_time = time;
        self
    }

    /// Sets how long the handler may leave the body of its answer standing still: then the answer is cut with an error, so that nobody takes
    /// it for the whole. Default: 60 seconds, as nginx's `proxy_read_timeout`. At most 24 hours.
    ///
    /// Answers of the types `text/event-stream`, `multipart/x-mixed-replace` and `application/grpc` are streams, and wait as long as they
    /// want. A handler that streams another type over longer pauses needs a [`route`](Self::route).
    pub const fn answer_idle(mut self, time: Duration) -> Self {
        self.config.answer_idle = time;
        self
    }

    /// Sets how many requests are served at the same time. The others get 503 `overloaded` at once, and none waits in a queue.
    /// Default: 1,024, with which bodies of 2 MiB take 2 GiB. At most 1,000,000.
    ///
    /// A request counts until its answer has gone out. While others want its place, it loses it once no more of the answer was asked for
    /// in the longest [`answer_idle`](Self::answer_idle), at the latest twice that after the first of them was refused: by a client that
    /// reads nothing, or for one frame so large that it takes longer. The answer is not cut for it, keeps its memory, and counts again
    /// when it is read on: [`serving`](super::LimitsLayer::serving) may say more than the limit then. Routes without an end to
    /// `answer_idle` go by that of the others; without one for all no place is taken back.
    ///
    /// An answer that is a stream, as `answer_idle` tells it, counts until it begins, and so does one that became a WebSocket. All services
    /// of one layer count together.
    pub const fn max_concurrent(mut self, requests: usize) -> Self {
        self.config.max_concurrent = requests;
        self
    }

    /// Sets whether the service speaks gRPC. Default: false, and a gRPC call is a request with a body like any other.
    ///
    /// If it does, a POST of the type `application/grpc` over HTTP/2 is a stream of messages: [`body_limit`](Self::body_limit) is for
    /// each of them, [`body_time`](Self::body_time) is not for the stream, and between two messages it may stand still for
    /// [`stream_idle`](Self::stream_idle). Anybody can send that type: set it for the [routes](RouteLimits::grpc) of gRPC alone where
    /// there are others.
    pub const fn grpc(mut self, speaks: bool) -> Self {
        self.config.grpc = speaks;
        self
    }

    /// Sets which headers hold secrets: `Debug` shows `Sensitive` in the place of their values, in requests and in answers, and HTTP/2 keeps
    /// them out of its tables. Default: `authorization`, `cookie`, `proxy-authorization`, `set-cookie`. A second call replaces
    /// the first; at most 32.
    ///
    /// Accepted: `x-api-key`. Refused: `x api key`.
    pub fn sensitive_headers(mut self, names: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.config.sensitive_headers = collected(names);
        self
    }

    /// Adds headers to the [`sensitive_headers`](Self::sensitive_headers).
    pub fn add_sensitive_headers(mut self, names: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.config.sensitive_headers.extend(collected(names));
        self
    }

    /// Adds limits of their own for some routes. Repeatable, at most 256; the first that matches counts.
    pub fn route(mut self, route: RouteLimits) -> Self {
        self.config.routes.push(route);
        self
    }

    /// Sets the mode. Default: [`Mode::Enforce`]. With [`Mode::ReportOnly`] what would be refused or cut passes and is told;
    /// with [`Mode::Off`] headers are not marked either.
    pub const fn mode(mut self, mode: Mode) -> Self {
        self.config.mode = mode;
        self
    }

    /// Sets where events go. Default: the stack's sink, else `tracing`.
    pub fn events(mut self, sink: impl EventSink) -> Self {
        self.events = Events::new(sink);
        self
    }

    /// Switches a limit off, for all routes that do not set it themselves.
    ///
    /// Whoever sends enough, slowly enough, or asks often enough then takes the memory, the connections or the tasks of this service, unless
    /// something in front of it or the handlers do see to that.
    pub fn dangerous_unlimited(mut self, limit: Limit) -> Self {
        self.config.dangerous_unlimited.push(limit);
        self
    }

    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// Fails with every mistake at once: [`LimitsConfigError`](super::LimitsConfigError) or
    /// [`TemplateError`](crate::core::TemplateError).
    pub fn build(self) -> Result<LimitsLayer, ConfigErrors> {
        let compiled = compile(&self.config)?;
        Ok(LimitsLayer::of(compiled, self.config, self.events))
    }
}

/// Times in a file: seconds, whole or not.
#[cfg(feature = "serde")]
mod seconds {
    use std::time::Duration;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        if time.subsec_nanos() == 0 {
            to.serialize_u64(time.as_secs())
        } else {
            to.serialize_f64(time.as_secs_f64())
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        Duration::try_from_secs_f64(f64::deserialize(from)?)
            .map_err(|_| D::Error::custom("a time is a number of seconds, such as 30 or 0.5"))
    }

    pub(super) mod optional {
        use super::*;

        pub(in super::super) fn serialize<S: Serializer>(
            time: &Option<Duration>,
            to: S,
        ) -> Result<S::Ok, S::Error> {
            match time {
                Some(time) => super::serialize(time, to),
                None => to.serialize_none(),
            }
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            from: D,
        ) -> Result<Option<Duration>, D::Error> {
            super::deserialize(from).map(Some)
        }
    }
}
