//! What the layer does to an answer.

use std::sync::Arc;

use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Response, header};

use super::check::{Hardened, Judgement, Transport};
use super::config::Violation;
use super::layer::Core;
use super::parse::Line;
use super::service::{EVENT, REJECTED};
use crate::core::text::cap;
use crate::core::{Amend, CleanText, Level, Mode, Outcome, RequestContext, SecurityEvent, field};

// A static, not the constant: that one is made and dropped again at each look-up.
static SET_COOKIE: HeaderName = header::SET_COOKIE;

/// The code of events about a cookie that was sent otherwise than its handler wrote it.
const CHANGED: &str = "cookie_changed";

/// Hardens the cookies of an answer. What [`CookieLayer`](super::CookieLayer) does to a response.
#[derive(Debug)]
pub struct CookieAmendment {
    core: Arc<Core>,
    context: Option<RequestContext>,
    transport: Transport,
}

impl CookieAmendment {
    #[inline]
    pub(super) fn new(core: Arc<Core>, extensions: &Extensions, transport: Transport) -> Self {
        Self {
            core,
            context: RequestContext::from_extensions(extensions).cloned(),
            transport,
        }
    }

    #[inline(never)]
    fn harden(&self, headers: &mut HeaderMap) {
        let policy = &self.core.policy;
        let is_enforcing = policy.config.mode == Mode::Enforce;
        let mut dropped = Vec::new();
        let lines = headers
            .iter_mut()
            .filter(|(name, _)| **name == SET_COOKIE)
            .map(|(_, line)| line);
        for (index, line) in lines.enumerate() {
            let judgement = policy.judge(line.as_bytes(), self.transport);
            self.tell(line, judgement);
            if !is_enforcing {
                continue;
            }
            match policy.carry_out(judgement, line) {
                Hardened::Kept => {}
                Hardened::Changed(changed) => *line = changed,
                Hardened::Dropped(_) => dropped.push(index),
            }
        }
        if !dropped.is_empty() {
            leave_out(headers, &dropped);
        }
    }

    fn tell(&self, line: &HeaderValue, judgement: Judgement) {
        let is_enforcing = self.core.policy.config.mode == Mode::Enforce;
        if let Some(violation) = judgement.violation {
            let is_dropped =
                is_enforcing && self.core.policy.config.on_violation == Violation::Drop;
            let outcome = if is_dropped {
                Outcome::Refused
            } else {
                Outcome::WouldRefuse
            };
            self.emit(line, Level::Warn, REJECTED, outcome, violation.as_str());
        } else if !is_enforcing && !judgement.edit.is_empty() {
            self.emit(line, Level::Info, CHANGED, Outcome::WouldRefuse, "hardened");
        } else if judgement.loses_domain {
            self.emit(
                line,
                Level::Info,
                CHANGED,
                Outcome::Success,
                "domain_removed",
            );
        }
    }

    #[cold]
    fn emit(
        &self,
        line: &HeaderValue,
        level: Level,
        code: &'static str,
        outcome: Outcome,
        rule: &'static str,
    ) {
        let context = self.context.as_ref();
        let shared = context.map(RequestContext::shared);
        self.core.events.emit(shared, EVENT, level, || {
            let mut event = SecurityEvent::new(EVENT, "cookies", code)
                .outcome(outcome)
                .rule(rule);
            // A nameless cookie is all value.
            let name = Line::of(line.as_bytes()).name;
            event.target = (!name.is_empty()).then(|| CleanText::from_bytes(name, cap::TARGET));
            event.request_id = context.and_then(RequestContext::request_id);
            event.client_ip = context
                .and_then(RequestContext::client_ip)
                .map(|client| client.ip());
            event
        });
    }
}

impl Amend for CookieAmendment {
    #[inline]
    fn amend<B>(self, response: &mut Response<B>) {
        if response.headers().contains_key(&SET_COOKIE) {
            self.harden(response.headers_mut());
        }
    }
}

/// Takes the lines with these numbers out, which are sorted.
#[cold]
fn leave_out(headers: &mut HeaderMap, dropped: &[usize]) {
    let kept: Vec<HeaderValue> = headers
        .get_all(&SET_COOKIE)
        .iter()
        .enumerate()
        .filter(|(index, _)| dropped.binary_search(index).is_err())
        .map(|(_, line)| line.clone())
        .collect();
    headers.remove(&SET_COOKIE);
    for line in kept {
        field::add(headers, header::SET_COOKIE, line);
    }
}
