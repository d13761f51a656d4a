//! The service: carries the decision out.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::request::Parts;
use http::{Request, Response, StatusCode};
use tower_service::Service;

use super::check::{BanRefusal, Standing};
use super::config::BanStatus;
use super::events::{LAYER, Started};
use super::future::BanAmendment;
use super::layer::Core;
use crate::core::head;
use crate::core::{
    ClientIp, EventName, GrpcCode, Level, Mode, Outcome, PreparedBody, RefusalContext, Rejection,
    RejectionBody, ResponseFuture, SecurityEvent, Shared, retry_seconds,
};
use crate::rate_limit::key::KeyHash;

/// The service of [`BanLayer`](super::BanLayer).
#[derive(Clone, Debug)]
pub struct Ban<S> {
    inner: S,
    core: Arc<Core>,
}

impl<S> Ban<S> {
    pub(super) const fn new(inner: S, core: Arc<Core>) -> Self {
        Self { inner, core }
    }
}

/// A request that is refused, and what events say of it.
#[derive(Clone, Copy)]
struct Caught<'a> {
    refusal: BanRefusal,
    client: Option<ClientIp>,
    key: Option<KeyHash>,
    /// The name of the rule that refuses it.
    rule: Option<&'a str>,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Ban<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: RejectionBody,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, S::Response, BanAmendment>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let core = &*self.core;
        let (mode, client, standing) = {
            let switches = core.switches.load();
            if switches.mode == Mode::Off {
                return ResponseFuture::inner(self.inner.call(request));
            }
            let client = ClientIp::from_extensions(request.extensions());
            let client =
                client.or_else(|| core.told.find(&core.proxies, &mut request, &core.events));
            (switches.mode, client, core.standing(&switches, client))
        };
        let key = match standing {
            Standing::Safe => return ResponseFuture::inner(self.inner.call(request)),
            Standing::Counted(key) => key,
            Standing::Refused(refusal, key) => {
                let caught = Caught {
                    refusal,
                    client,
                    key,
                    rule: None,
                };
                return match core.carry_out(mode, request, caught) {
                    Ok(refused) => ResponseFuture::refused(refused),
                    Err(request) => ResponseFuture::inner(self.inner.call(request)),
                };
            }
        };
        if !core.rules.is_empty() {
            let ruling = head::with_parts(&mut request, |head| {
                let ruling = core.ruling(head, key);
                if let Some((started, rule)) = ruling.started {
                    core.tell_started(mode, head, client, key, started, rule);
                }
                ruling
            });
            if let Some(rule) = ruling.refused_by {
                let caught = Caught {
                    refusal: BanRefusal::RequestRule,
                    client,
                    key: Some(key),
                    rule: Some(rule),
                };
                return match core.carry_out(mode, request, caught) {
                    Ok(refused) => ResponseFuture::refused(refused),
                    Err(request) => ResponseFuture::inner(self.inner.call(request)),
                };
            }
        }
        let amendment = core
            .table
            .counts_signals()
            .then(|| BanAmendment::new(&self.core, mode, key, client, request.extensions()));
        ResponseFuture::maybe_amending(self.inner.call(request), amendment)
    }
}

impl Core {
    /// Refuses the request, or gives it back if the layer merely reports.
    #[cold]
    fn carry_out<ReqBody, ResBody: RejectionBody>(
        &self,
        mode: Mode,
        request: Request<ReqBody>,
        caught: Caught<'_>,
    ) -> Result<Response<ResBody>, Request<ReqBody>> {
        let (head, body) = request.into_parts();
        self.tell_refused(&head, mode, caught);
        if mode == Mode::ReportOnly {
            return Err(Request::from_parts(head, body));
        }
        let context = RefusalContext::new(&head);
        let refusal = caught.refusal;
        let rejection = self.bodies.rejection(refusal).reuse(head).reason(refusal);
        let rejection = match refusal {
            BanRefusal::Banned { rest } if !self.hides_duration => {
                rejection.retry_after(retry_seconds(rest))
            }
            BanRefusal::AddressMissing
            | BanRefusal::Banned { .. }
            | BanRefusal::Blocklisted
            | BanRefusal::RequestRule => rejection,
        };
        Ok(rejection.into_response(&context))
    }

    fn tell_refused(&self, head: &Parts, mode: Mode, caught: Caught<'_>) {
        let name = match caught.refusal {
            BanRefusal::AddressMissing => EventName::InputValidationFail,
            BanRefusal::Banned { .. } => EventName::ExcessRateLimitExceeded,
            BanRefusal::Blocklisted | BanRefusal::RequestRule => EventName::AuthzFail,
        };
        let shared = Shared::from_extensions(&head.extensions);
        if !self.events.wants(shared, name, Level::Warn) {
            return;
        }
        let Some(suppressed) = self.event_cap.admit_at(self.table.now().get()) else {
            return;
        };
        self.events.emit(shared, name, Level::Warn, || {
            let rule = caught.rule.unwrap_or(caught.refusal.as_str());
            let event = SecurityEvent::new(name, LAYER, caught.refusal.code())
                .request(head)
                .outcome(outcome(mode))
                .rule(rule);
            let event = with_address(event, caught.client.map(|client| client.ip()));
            let event = match caught.key {
                Some(key) => event.own_target(&key.to_string()),
                None => event,
            };
            match suppressed {
                0 => event,
                _ => event.own_detail(&format!("suppressed={suppressed}")),
            }
        });
    }

    #[cold]
    fn tell_started(
        &self,
        mode: Mode,
        head: &Parts,
        client: Option<ClientIp>,
        key: KeyHash,
        started: Started,
        rule: &str,
    ) {
        let shared = Shared::from_extensions(&head.extensions);
        self.events
            .emit(shared, Started::EVENT, Started::LEVEL, || {
                let event = started
                    .event(key)
                    .request(head)
                    .outcome(outcome(mode))
                    .rule(rule);
                with_address(event, client.map(|client| client.ip()))
            });
    }
}

pub(super) fn with_address(event: SecurityEvent<'_>, ip: Option<IpAddr>) -> SecurityEvent<'_> {
    match ip {
        Some(ip) => event.client_ip(ip),
        None => event,
    }
}

/// What became of a request that gave cause for an event.
pub(super) const fn outcome(mode: Mode) -> Outcome {
    match mode {
        Mode::Enforce => Outcome::Refused,
        Mode::ReportOnly | Mode::Off => Outcome::WouldRefuse,
    }
}

/// The refusals as far as they are always the same.
#[derive(Debug)]
pub(super) struct Bodies {
    status: BanStatus,
    missing: PreparedBody,
    banned: PreparedBody,
    blocked: PreparedBody,
}

impl Bodies {
    pub(super) fn new(status: BanStatus, problem_type: Cow<'static, str>) -> Self {
        let banned = banned(status);
        let banned = match status {
            BanStatus::Forbidden => banned,
            BanStatus::TooManyRequests => banned.problem_type(problem_type),
        };
        Self {
            status,
            missing: missing().prepare(),
            banned: banned.prepare(),
            blocked: blocked().prepare(),
        }
    }

    fn rejection(&self, refusal: BanRefusal) -> Rejection {
        match refusal {
            BanRefusal::AddressMissing => missing().prepared(self.missing.clone()),
            BanRefusal::Banned { .. } => banned(self.status).prepared(self.banned.clone()),
            BanRefusal::Blocklisted | BanRefusal::RequestRule => {
                blocked().prepared(self.blocked.clone())
            }
        }
    }
}

fn missing() -> Rejection {
    Rejection::new(
        StatusCode::FORBIDDEN,
        BanRefusal::AddressMissing.code(),
        "The server cannot tell who is calling",
    )
}

fn banned(status: BanStatus) -> Rejection {
    let status = match status {
        BanStatus::Forbidden => StatusCode::FORBIDDEN,
        BanStatus::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
    };
    // Also with 429: clients retry RESOURCE_EXHAUSTED by themselves.
    Rejection::new(status, "banned", "This client is banned for some time")
        .grpc(GrpcCode::PermissionDenied)
}

fn blocked() -> Rejection {
    Rejection::new(StatusCode::FORBIDDEN, "blocked", "This request is blocked")
}
