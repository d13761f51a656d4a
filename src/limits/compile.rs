//! Checks a configuration and compiles it.

use std::time::Duration;

use http::HeaderName;
use http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, SET_COOKIE};

use super::config::{Limit, LimitsConfig, RouteLimits};
use super::error::LimitsConfigError;
use crate::core::{ConfigErrors, Mistakes, Template};

/// Each is looked for in every request and in every answer.
pub(super) const MAX_HEADERS: usize = 32;
/// Each is compared with the path of a request, until one matches.
pub(super) const MAX_ROUTES: usize = 256;
pub(super) const MAX_CONCURRENT: usize = 1_000_000;

const MAX_SIZE: u64 = 1 << 30;
const MAX_ROUTE_SIZE: u64 = 1 << 40;
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// What the timer of tokio can tell from none.
const MIN_TIME: Duration = Duration::from_millis(1);

/// No limit.
const NO_SIZE: u64 = u64::MAX;
const NO_TIME: Duration = Duration::MAX;

/// What holds for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) body_limit: u64,
    pub(super) body_idle: Duration,
    pub(super) body_time: Duration,
    pub(super) stream_idle: Duration,
    pub(super) response_time: Duration,
    pub(super) answer_idle: Duration,
    pub(super) grpc: bool,
}

/// A configuration that was checked.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) settings: Settings,
    pub(super) routes: Box<[(Template, Settings)]>,
    /// What holds for a path that may be of the route at the same place, and may be of another: the strictest of all that it may be of.
    pub(super) doubtful: Box<[Settings]>,
    /// `usize::MAX`: any number.
    pub(super) max_concurrent: usize,
    /// The headers to look for in requests, and those to look for in answers.
    pub(super) sensitive: [Box<[HeaderName]>; 2],
}

impl Default for Compiled {
    fn default() -> Self {
        let config = LimitsConfig::default();
        let names = [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, SET_COOKIE];
        Self {
            settings: Settings::of(&config),
            routes: Box::default(),
            doubtful: Box::default(),
            max_concurrent: config.max_concurrent,
            sensitive: by_direction(&names),
        }
    }
}

impl Settings {
    const fn of(config: &LimitsConfig) -> Self {
        Self {
            body_limit: config.body_limit,
            body_idle: config.body_idle,
            body_time: config.body_time,
            stream_idle: config.stream_idle,
            response_time: config.response_time,
            answer_idle: config.answer_idle,
            grpc: config.grpc,
        }
    }

    /// The stricter of the two, limit by limit.
    fn stricter(self, other: Self) -> Self {
        Self {
            body_limit: self.body_limit.min(other.body_limit),
            body_idle: self.body_idle.min(other.body_idle),
            body_time: self.body_time.min(other.body_time),
            stream_idle: self.stream_idle.min(other.stream_idle),
            response_time: self.response_time.min(other.response_time),
            answer_idle: self.answer_idle.min(other.answer_idle),
            // As a stream of messages a body may be of any length.
            grpc: self.grpc && other.grpc,
        }
    }

    const fn without(&mut self, limit: Limit) {
        match limit {
            Limit::BodyLimit => self.body_limit = NO_SIZE,
            Limit::BodyIdle => self.body_idle = NO_TIME,
            Limit::BodyTime => self.body_time = NO_TIME,
            Limit::StreamIdle => self.stream_idle = NO_TIME,
            Limit::ResponseTime => self.response_time = NO_TIME,
            Limit::AnswerIdle => self.answer_idle = NO_TIME,
            // The whole layer has one.
            Limit::MaxConcurrent => {}
        }
    }
}

impl RouteLimits {
    /// The pattern and what is set: `/uploads/{*path}:body_limit=1048576,body_time=60s`.
    pub(crate) fn told(&self) -> String {
        let times = [
            (Limit::BodyIdle, self.body_idle),
            (Limit::BodyTime, self.body_time),
            (Limit::StreamIdle, self.stream_idle),
            (Limit::ResponseTime, self.response_time),
            (Limit::AnswerIdle, self.answer_idle),
        ];
        let times = times
            .into_iter()
            .filter_map(|(limit, time)| Some((limit, format!("{:?}", time?))));
        let size = self.body_limit.map(|bytes| bytes.to_string());
        let set = size.map(|size| (Limit::BodyLimit, size));
        let is_off = |limit: Limit| self.dangerous_unlimited.contains(&limit);
        let set = set.into_iter().chain(times);
        let set = set.filter(|(limit, _)| !is_off(*limit));
        let off = self.dangerous_unlimited.iter();
        let off = off.map(|limit| (*limit, "none".to_owned()));
        let mut told: Vec<_> = set
            .chain(off)
            .map(|(limit, value)| format!("{limit}={value}"))
            .collect();
        if let Some(speaks) = self.grpc {
            told.push(format!("grpc={}", if speaks { "yes" } else { "no" }));
        }
        format!("{}:{}", self.pattern, told.join(","))
    }
}

pub(super) fn compile(config: &LimitsConfig) -> Result<Compiled, ConfigErrors> {
    let mut mistakes = Mistakes::default();
    let mut settings = Settings::of(config);
    let is_off = |limit: &Limit| config.dangerous_unlimited.contains(limit);
    for limit in &config.dangerous_unlimited {
        settings.without(*limit);
    }
    let off = &config.dangerous_unlimited;
    check(&mut mistakes, "limits", &settings, MAX_SIZE, off);
    let max_concurrent = if is_off(&Limit::MaxConcurrent) {
        usize::MAX
    } else {
        concurrent(&mut mistakes, config.max_concurrent)
    };
    let sensitive = by_direction(&headers(&mut mistakes, &config.sensitive_headers));
    let routes = routes(&mut mistakes, &config.routes, settings);
    mistakes.finish(Compiled {
        settings,
        doubtful: doubtful(&routes, settings),
        routes,
        max_concurrent,
        sensitive,
    })
}

fn concurrent(mistakes: &mut Mistakes, count: usize) -> usize {
    let path = "limits.max_concurrent";
    if count == 0 {
        let limit = Limit::MaxConcurrent;
        mistakes.push(path, LimitsConfigError::InvalidZero { limit });
    } else if count > MAX_CONCURRENT {
        mistakes.push(path, LimitsConfigError::RefusedConcurrent { count });
    }
    count
}

/// Sizes and times that are limits. One that was switched off is not looked at.
fn check(mistakes: &mut Mistakes, path: &str, settings: &Settings, most: u64, off: &[Limit]) {
    let at = |limit: Limit| format!("{path}.{limit}");
    match settings.body_limit {
        _ if off.contains(&Limit::BodyLimit) => {}
        0 => {
            let limit = Limit::BodyLimit;
            mistakes.push(at(limit), LimitsConfigError::InvalidZero { limit });
        }
        bytes if bytes > most => {
            let error = LimitsConfigError::RefusedSize { bytes, most };
            mistakes.push(at(Limit::BodyLimit), error);
        }
        _ => {}
    }
    for (limit, time, most) in [
        (Limit::BodyIdle, settings.body_idle, HOUR),
        (Limit::BodyTime, settings.body_time, DAY),
        (Limit::StreamIdle, settings.stream_idle, DAY),
        (Limit::ResponseTime, settings.response_time, HOUR),
        (Limit::AnswerIdle, settings.answer_idle, DAY),
    ] {
        if off.contains(&limit) {
            continue;
        }
        if time.is_zero() {
            mistakes.push(at(limit), LimitsConfigError::InvalidZero { limit });
        } else if time < MIN_TIME || time > most {
            mistakes.push(
                at(limit),
                LimitsConfigError::RefusedTime { limit, time, most },
            );
        }
    }
}

fn routes(
    mistakes: &mut Mistakes,
    routes: &[RouteLimits],
    of_all: Settings,
) -> Box<[(Template, Settings)]> {
    let count = routes.len();
    if count > MAX_ROUTES {
        let error = LimitsConfigError::RefusedTooManyRoutes { count };
        mistakes.push("limits.routes", error);
        return Box::default();
    }
    let mut known: Vec<(Template, Settings)> = Vec::with_capacity(count);
    for (index, route) in routes.iter().enumerate() {
        let path = format!("limits.routes[{index}]");
        let settings = settings_of(route, of_all);
        // What it has of all others was looked at.
        let own = settings_of(route, Settings::of(&LimitsConfig::default()));
        check(
            mistakes,
            &path,
            &own,
            MAX_ROUTE_SIZE,
            &route.dangerous_unlimited,
        );
        if route.dangerous_unlimited.contains(&Limit::MaxConcurrent) {
            let error = LimitsConfigError::InvalidRouteLimit;
            mistakes.push(format!("{path}.dangerous_unlimited"), error);
        }
        match Template::parse(&route.pattern) {
            Err(error) => mistakes.push(format!("{path}.pattern"), error),
            Ok(template) => {
                let covers = |(earlier, _): &&(Template, _)| earlier.covers(&template);
                if let Some((earlier, _)) = known.iter().find(covers) {
                    let error = LimitsConfigError::RefusedUnreachableRoute {
                        pattern: route.pattern.clone(),
                        earlier: earlier.as_str().to_owned(),
                    };
                    mistakes.push(format!("{path}.pattern"), error);
                }
                known.push((template, settings));
            }
        }
    }
    known.into()
}

/// For each route the strictest of the limits of all others and of those of the routes that share a spelling with it, itself included.
fn doubtful(routes: &[(Template, Settings)], of_all: Settings) -> Box<[Settings]> {
    let of_one = |(template, _): &(Template, Settings)| {
        let others = routes
            .iter()
            .filter(|(other, _)| other.shares_a_spelling(template));
        others.fold(of_all, |strictest, (_, settings)| {
            strictest.stricter(*settings)
        })
    };
    routes.iter().map(of_one).collect()
}

fn settings_of(route: &RouteLimits, of_all: Settings) -> Settings {
    let mut settings = Settings {
        body_limit: route.body_limit.unwrap_or(of_all.body_limit),
        body_idle: route.body_idle.unwrap_or(of_all.body_idle),
        body_time: route.body_time.unwrap_or(of_all.body_time),
        stream_idle: route.stream_idle.unwrap_or(of_all.stream_idle),
        response_time: route.response_time.unwrap_or(of_all.response_time),
        answer_idle: route.answer_idle.unwrap_or(of_all.answer_idle),
        grpc: route.grpc.unwrap_or(of_all.grpc),
    };
    for limit in &route.dangerous_unlimited {
        settings.without(*limit);
    }
    settings
}

fn headers(mistakes: &mut Mistakes, names: &[String]) -> Vec<HeaderName> {
    let count = names.len();
    if count > MAX_HEADERS {
        let error = LimitsConfigError::RefusedTooManyHeaders { count };
        mistakes.push("limits.sensitive_headers", error);
        return Vec::new();
    }
    let mut known = Vec::with_capacity(count);
    for (index, text) in names.iter().enumerate() {
        match HeaderName::from_bytes(text.as_bytes()) {
            Ok(name) if known.contains(&name) => {}
            Ok(name) => known.push(name),
            Err(_) => mistakes.push(
                format!("limits.sensitive_headers[{index}]"),
                LimitsConfigError::InvalidHeader { name: text.clone() },
            ),
        }
    }
    known
}

/// The names to look for in requests, and those to look for in answers: some are of one of them alone (RFC 9110; RFC 6265).
fn by_direction(names: &[HeaderName]) -> [Box<[HeaderName]>; 2] {
    const OF_ANSWERS: [HeaderName; 1] = [SET_COOKIE];
    const OF_REQUESTS: [HeaderName; 3] = [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION];
    let all_but = |others: &[HeaderName]| {
        let names = names.iter().filter(|name| !others.contains(name));
        names.cloned().collect()
    };
    [all_but(&OF_ANSWERS), all_but(&OF_REQUESTS)]
}
