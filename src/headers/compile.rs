//! Checks a configuration and compiles it to what is written.

use http::header::{CACHE_CONTROL, REFERRER_POLICY, X_FRAME_OPTIONS};
use http::{HeaderName, HeaderValue};

use super::apply::{Pair, Write};
use super::clear_site_data;
use super::config::{CachePolicy, SecurityHeadersBuilder};
use super::custom::{belongs_elsewhere, custom, header_name};
use super::error::HeadersConfigError as Error;
use super::names::{
    CLEAR_SITE_DATA, COEP, COOP, CORP, DOCUMENT_POLICY, INTEGRITY_POLICY, ORIGIN_AGENT_CLUSTER,
    PERMISSIONS_POLICY,
};
use super::presets::{self, NO_STORE, Preset};
use super::reporting;
use super::settings::{Dangerous, Settings};
use super::values::AgentCluster;
use crate::core::reporting::REPORTING_ENDPOINTS;
use crate::core::{ConfigErrors, Mistakes, Mode, Removed, field};

pub(super) fn compile(builder: SecurityHeadersBuilder) -> Result<Settings, ConfigErrors> {
    let mut mistakes = Mistakes::default();
    let mut set = Set::of(builder.preset);
    let typed = typed(&mut mistakes, &builder);
    set.leave_out(&mut mistakes, &builder.without, &typed);
    for (name, value) in typed {
        set.put(name, value);
    }
    for (index, (name, value)) in builder.custom.iter().enumerate() {
        match custom(name, value) {
            Ok((name, _)) if set.has(&name) => mistakes.push(
                format!("headers.custom[{index}]"),
                duplicate(&name, "set twice"),
            ),
            Ok((name, value)) => set.put(name, value),
            Err(error) => mistakes.push(format!("headers.custom[{index}]"), error),
        }
    }
    consistency(&mut mistakes, &builder, &set);
    let cache = cache(&mut mistakes, &builder);
    let clear = clear_site_data::compile(&mut mistakes, &builder.clear);
    let mut apart = Vec::new();
    if cache == CachePolicy::NoStore {
        apart.push(CACHE_CONTROL);
    }
    if !clear.is_empty() {
        apart.push(CLEAR_SITE_DATA.clone());
    }
    let if_absent = set.if_absent(&mut mistakes, &builder.if_absent, &apart);
    let removed = removed(&mut mistakes, &builder, &set, &cache);
    if builder.mode == Mode::ReportOnly {
        mistakes.push("headers.mode", Error::NoReportOnly);
    }
    mistakes.finish(Settings {
        preset: builder.preset,
        without: lower_case(&builder.without),
        has_own_resource_policy: builder.resource.is_some(),
        headers: set.0,
        no_store: match (&builder.cache, builder.preset) {
            (None, Some(preset)) => preset.no_store(),
            (Some(_), _) | (None, None) => NO_STORE,
        },
        cache_if_absent: if_absent.contains(&CACHE_CONTROL),
        cache,
        clear_if_absent: if_absent.contains(&CLEAR_SITE_DATA),
        clear,
        removed,
        scheme: builder.scheme,
        mode: builder.mode,
        dangerous: Dangerous {
            referrer_policy: builder.weak_referrer.is_some(),
            unsafe_none_opener_policy: builder.unsafe_none_opener,
        },
    })
}

fn lower_case(names: &[String]) -> Vec<String> {
    names.iter().map(|name| name.to_ascii_lowercase()).collect()
}

impl Settings {
    /// What a preset alone means.
    pub(super) fn of(preset: Preset) -> Self {
        Self {
            preset: Some(preset),
            without: Vec::new(),
            has_own_resource_policy: false,
            headers: Set::of(Some(preset)).0,
            cache: preset.cache(),
            no_store: preset.no_store(),
            cache_if_absent: false,
            clear: Vec::new(),
            clear_if_absent: false,
            removed: banner_names(preset.banner()).collect(),
            scheme: None,
            mode: Mode::Enforce,
            dangerous: Dangerous::default(),
        }
    }
}

/// The headers in the order in which they are written.
struct Set(Vec<Pair>);

impl Set {
    fn of(preset: Option<Preset>) -> Self {
        let base = preset.map_or_else(|| vec![presets::nosniff()], Preset::headers);
        let mut set = Self(Vec::with_capacity(base.len()));
        for (name, value) in base {
            set.put(name, value);
        }
        set
    }

    fn get(&self, name: &HeaderName) -> Option<&HeaderValue> {
        let pair = self.0.iter().find(|pair| pair.name == *name)?;
        Some(&pair.value)
    }

    fn has(&self, name: &HeaderName) -> bool {
        self.get(name).is_some()
    }

    fn put(&mut self, name: HeaderName, value: HeaderValue) {
        if let Some(pair) = self.0.iter_mut().find(|pair| pair.name == name) {
            pair.value = value;
            return;
        }
        let write = if name == REPORTING_ENDPOINTS {
            Write::Append
        } else {
            Write::Overwrite
        };
        self.0.push(Pair { name, value, write });
    }

    fn leave_out(
        &mut self,
        mistakes: &mut Mistakes,
        without: &[String],
        typed: &[(HeaderName, HeaderValue)],
    ) {
        for (index, text) in without.iter().enumerate() {
            let path = format!("headers.without[{index}]");
            let name = match header_name(text) {
                Ok(name) => name,
                Err(error) => {
                    mistakes.push(path, error);
                    continue;
                }
            };
            let count = self.0.len();
            self.0.retain(|pair| pair.name != name);
            if typed.iter().any(|(set, _)| *set == name) {
                mistakes.push(path, duplicate(&name, "left out and set"));
            } else if count == self.0.len() {
                let instead = if name == CACHE_CONTROL {
                    "write `cache(CachePolicy::Untouched)`"
                } else {
                    "leave the call out"
                };
                mistakes.push(
                    path,
                    Error::Inconsistent {
                        problem: "a header is left out that is not there",
                        instead,
                    },
                );
            }
        }
    }

    /// Marks the headers that the handler may set itself, and gives those back that are written apart.
    fn if_absent(
        &mut self,
        mistakes: &mut Mistakes,
        texts: &[String],
        apart: &[HeaderName],
    ) -> Vec<HeaderName> {
        let mut marked = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            let path = format!("headers.if_absent[{index}]");
            let name = match header_name(text) {
                Ok(name) => name,
                Err(error) => {
                    mistakes.push(path, error);
                    continue;
                }
            };
            if let Some(pair) = self.0.iter_mut().find(|pair| pair.name == name) {
                pair.write = Write::IfAbsent;
            } else if apart.contains(&name) {
                marked.push(name);
            } else {
                mistakes.push(
                    path,
                    Error::Inconsistent {
                        problem: "`if_absent` names a header that this layer does not set",
                        instead: "set it or leave the call out",
                    },
                );
            }
        }
        marked
    }
}

/// The headers with a method of their own, as far as it was called.
fn typed(
    mistakes: &mut Mistakes,
    builder: &SecurityHeadersBuilder,
) -> Vec<(HeaderName, HeaderValue)> {
    let mut typed = Vec::new();
    let mut add = |name: &HeaderName, value: Option<HeaderValue>| {
        typed.extend(value.map(|value| (name.clone(), value)));
    };
    let word = HeaderValue::from_static;

    add(
        &X_FRAME_OPTIONS,
        builder.frame.map(|value| word(value.as_str())),
    );
    if builder.referrer.is_some() && builder.weak_referrer.is_some() {
        let path = "headers.dangerous_referrer_policy";
        mistakes.push(path, duplicate(&REFERRER_POLICY, "set twice"));
    }
    let referrer = builder.referrer.map(|value| value.as_str());
    let weak = builder.weak_referrer.map(|value| value.as_str());
    add(&REFERRER_POLICY, weak.or(referrer).map(word));
    if builder.opener.is_some() && builder.unsafe_none_opener {
        let path = "headers.dangerous_unsafe_none_opener_policy";
        mistakes.push(path, duplicate(&COOP, "set twice"));
    }
    let opener = builder.opener.map(|value| value.as_str());
    let unsafe_none = builder.unsafe_none_opener.then_some("unsafe-none");
    add(&COOP, unsafe_none.or(opener).map(word));
    add(&CORP, builder.resource.map(|value| word(value.as_str())));
    add(&COEP, builder.embedder.map(|value| word(value.as_str())));
    add(
        &ORIGIN_AGENT_CLUSTER,
        builder.agent_cluster.map(|value| word(value.as_str())),
    );
    let permissions = builder.permissions.as_ref();
    add(
        &PERMISSIONS_POLICY,
        permissions.and_then(|policy| policy.compile(mistakes, "headers.permissions_policy")),
    );
    let integrity = builder.integrity.as_ref();
    add(
        &INTEGRITY_POLICY,
        integrity.and_then(|policy| {
            policy.compile(mistakes, "headers.integrity_policy", &builder.endpoints)
        }),
    );
    add(&DOCUMENT_POLICY, document(mistakes, builder));
    add(
        &REPORTING_ENDPOINTS,
        reporting::compile(mistakes, &builder.endpoints),
    );
    typed
}

fn document(mistakes: &mut Mistakes, builder: &SecurityHeadersBuilder) -> Option<HeaderValue> {
    let text = builder.document.as_deref()?;
    if !reporting::is_dictionary(text) {
        mistakes.push(
            "headers.document_policy",
            Error::InvalidValue {
                what: "Document-Policy",
                value: text.to_owned(),
                instead: "write a dictionary such as \"force-load-at-top\"",
            },
        );
        return None;
    }
    HeaderValue::try_from(text).ok()
}

fn consistency(mistakes: &mut Mistakes, builder: &SecurityHeadersBuilder, set: &Set) {
    if set.has(&COEP) && !set.has(&CORP) {
        mistakes.push(
            "headers.cross_origin_embedder_policy",
            Error::Inconsistent {
                problem: "Cross-Origin-Embedder-Policy without Cross-Origin-Resource-Policy, so that pages like these could not \
                          include each other's files",
                instead: "set both",
            },
        );
    }
    let is_isolated = set.has(&COEP) && set.get(&COOP).is_some_and(|value| value == "same-origin");
    if is_isolated && builder.agent_cluster == Some(AgentCluster::SiteKeyed) {
        mistakes.push(
            "headers.origin_agent_cluster",
            Error::Inconsistent {
                problem: "Origin-Agent-Cluster ?0 beside Cross-Origin-Opener-Policy and -Embedder-Policy, which isolate the origin",
                instead: "write `AgentCluster::OriginKeyed` or leave it out",
            },
        );
    }
}

fn cache(mistakes: &mut Mistakes, builder: &SecurityHeadersBuilder) -> CachePolicy {
    let policy = match (&builder.cache, builder.preset) {
        (Some(policy), _) => policy.clone(),
        (None, Some(preset)) => preset.cache(),
        (None, None) => CachePolicy::Untouched,
    };
    if let CachePolicy::Sensitive { session_cookies } = &policy {
        for (index, name) in session_cookies.iter().enumerate() {
            if !field::is_token(name.as_bytes()) {
                mistakes.push(
                    format!("headers.cache.session_cookies[{index}]"),
                    Error::InvalidCookieName { name: name.clone() },
                );
            }
        }
    }
    policy
}

fn banner_names(banner: Option<super::Banner>) -> impl Iterator<Item = HeaderName> {
    let names = banner.map(super::Banner::names).unwrap_or_default();
    names.iter().cloned()
}

fn removed(
    mistakes: &mut Mistakes,
    builder: &SecurityHeadersBuilder,
    set: &Set,
    cache: &CachePolicy,
) -> Removed {
    let banner = builder
        .banner
        .or_else(|| builder.preset.and_then(Preset::banner));
    let mut names = Vec::new();
    let is_set = |name: &HeaderName| {
        set.has(name)
            || (*name == CACHE_CONTROL && *cache != CachePolicy::Untouched)
            || (*name == CLEAR_SITE_DATA && !builder.clear.is_empty())
    };
    for (index, text) in builder.remove.iter().enumerate() {
        let error = match header_name(text) {
            Ok(name) => match belongs_elsewhere(&name) {
                None if is_set(&name) => duplicate(&name, "set and taken off"),
                None => {
                    names.push(name);
                    continue;
                }
                Some(error) => error,
            },
            Err(error) => error,
        };
        mistakes.push(format!("headers.remove_header[{index}]"), error);
    }
    for name in banner_names(banner) {
        if set.has(&name) {
            mistakes.push("headers.remove", duplicate(&name, "set and taken off"));
        }
        names.push(name);
    }
    names.into_iter().collect()
}

fn duplicate(name: &HeaderName, how: &'static str) -> Error {
    Error::DuplicateHeader {
        name: name.as_str().to_owned(),
        how,
    }
}
