//! The service: carries the decision out.

use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::request::Parts;
use http::{HeaderMap, Request, Response};
use tower_service::Service;

use super::check::{BanRefusal, Standing};
use super::config::OnDegraded;
use super::events::{LAYER, Started};
use super::future::BanAmendment;
use super::layer::{Core, Switches};
use crate::core::head;
use crate::core::{
    Caller, EventName, FixedRefusal, Level, Mode, Outcome, RefusalContext, RejectionBody,
    ResponseFuture, SecurityEvent, Shared, Varying, retry_seconds,
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
    client: Option<Caller>,
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

    #[inline]
    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let core = &self.core;
        let (mode, client, standing) = {
            let switches = core.switches.load();
            if switches.mode == Mode::Off || core.is_idle(&switches, &request) {
                return ResponseFuture::inner(self.inner.call(request));
            }
            let client = core.client(&mut request);
            let standing = core.standing(&switches, client.as_ref());
            (switches.mode, client, standing)
        };
        let caught = match standing {
            Standing::Safe => return ResponseFuture::inner(self.inner.call(request)),
            Standing::Counted if core.rules.is_empty() => None,
            Standing::Counted => core.ask_rules(mode, &mut request, client),
            Standing::Refused(refusal, key) => Some(Caught {
                refusal,
                client,
                key,
                rule: None,
            }),
        };
        if let Some(caught) = caught {
            return match core.carry_out(mode, &mut request, caught) {
                Some(refused) => ResponseFuture::refused(refused),
                None => ResponseFuture::inner(self.inner.call(request)),
            };
        }
        let amendment = core
            .table
            .counts_signals()
            .then(|| BanAmendment::new(core, mode, client, request.extensions()));
        ResponseFuture::maybe_amending(self.inner.call(request), amendment)
    }
}

impl Core {
    /// Whether whoever asks passes and nothing is to be told: nobody was ever banned, nobody is listed, nothing is counted, the
    /// server says who it is, and it is all the same how well a layer outside knows him. Most layers are so for most of their time, and
    /// need neither the client nor its key.
    #[inline]
    fn is_idle<B>(&self, switches: &Switches, request: &Request<B>) -> bool {
        self.table.is_unused()
            && self.rules.is_empty()
            && !self.table.counts_signals()
            && switches.blocklist.is_empty()
            && self.on_degraded == OnDegraded::Own
            && self.proxies.is_direct()
            && self
                .proxies
                .caller(request.headers(), request.extensions())
                .is_some()
    }

    /// Finds the client of a request.
    #[inline]
    fn client<B>(&self, request: &mut Request<B>) -> Option<Caller> {
        let (headers, extensions) = (request.headers(), request.extensions());
        let found = Caller::from_extensions(extensions).or_else(|| {
            let client = self.proxies.caller(headers, extensions);
            client.filter(|client| !client.is_degraded)
        });
        found.or_else(|| self.client_in_doubt(request))
    }

    /// As [`client`](Self::client), where that is nobody, or not for certain, which is told.
    #[cold]
    #[inline(never)]
    fn client_in_doubt<B>(&self, request: &mut Request<B>) -> Option<Caller> {
        let client = self
            .told
            .clients
            .find(&self.proxies, request, &self.events)?;
        Some(Caller::of(&client))
    }

    #[inline(never)]
    fn ask_rules<B>(
        &self,
        mode: Mode,
        request: &mut Request<B>,
        client: Option<Caller>,
    ) -> Option<Caught<'_>> {
        let ruling = head::with_parts(request, |head| {
            let ruling = self.ruling(head, client.as_ref());
            if let Some((started, key, rule)) = ruling.started {
                self.tell_started(mode, head, client, key, started, rule);
            }
            ruling
        });
        ruling.refused_by.map(|rule| Caught {
            refusal: BanRefusal::RequestRule,
            client,
            key: Some(self.key(client.as_ref())),
            rule: Some(rule),
        })
    }

    /// Refuses the request, unless the layer merely reports.
    #[inline(never)]
    fn carry_out<ReqBody, ResBody: RejectionBody>(
        &self,
        mode: Mode,
        request: &mut Request<ReqBody>,
        caught: Caught<'_>,
    ) -> Option<Response<ResBody>> {
        self.tell_refused(request, mode, caught);
        (mode != Mode::ReportOnly).then(|| self.refuse(request, caught.refusal))
    }

    fn refuse<ReqBody, ResBody: RejectionBody>(
        &self,
        request: &mut Request<ReqBody>,
        refusal: BanRefusal,
    ) -> Response<ResBody> {
        let retry_after = match refusal {
            BanRefusal::Banned { rest } if !self.hides_duration => Some(retry_seconds(rest)),
            BanRefusal::AddressDegraded
            | BanRefusal::AddressMissing
            | BanRefusal::Banned { .. }
            | BanRefusal::Blocklisted
            | BanRefusal::RequestRule => None,
        };
        let known = self.refusals.find(refusal);
        if FixedRefusal::suits(request) {
            let lines = |_: &mut HeaderMap| {};
            let varying = Varying {
                reason: refusal,
                retry_after,
                lines,
            };
            return known.answer(request, varying);
        }
        let (head, ()) = head::take(request).into_parts();
        let context = RefusalContext::new(&head);
        let rejection = self.refusals.rejection(refusal).prepared(known.body());
        let mut rejection = rejection.reuse(head).reason(refusal);
        if let Some(seconds) = retry_after {
            rejection.set_retry_after(seconds);
        }
        rejection.into_response(&context)
    }

    fn tell_refused<B>(&self, request: &mut Request<B>, mode: Mode, caught: Caught<'_>) {
        let name = match caught.refusal {
            BanRefusal::AddressDegraded | BanRefusal::AddressMissing => {
                EventName::InputValidationFail
            }
            BanRefusal::Banned { .. } => EventName::ExcessRateLimitExceeded,
            BanRefusal::Blocklisted | BanRefusal::RequestRule => EventName::AuthzFail,
        };
        let shared = Shared::from_extensions(request.extensions());
        if !self.events.wants(shared, name, Level::Warn) {
            return;
        }
        // Most of a flood is not told, and its heads are not lent.
        let Some(suppressed) = self.told.refusals.admit_at(self.table.now().get()) else {
            return;
        };
        head::with_parts(request, |head| {
            let shared = Shared::from_extensions(&head.extensions);
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
        });
    }

    #[cold]
    fn tell_started(
        &self,
        mode: Mode,
        head: &Parts,
        client: Option<Caller>,
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
