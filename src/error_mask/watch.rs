//! What is kept of a request until its answer has gone out: enough to answer in its place, and to tell what happened.

use std::any::Any;
use std::fmt;
use std::mem::ManuallyDrop;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use http::uri::PathAndQuery;
use http::{Method, Request, StatusCode};

use super::layer::Core;
use crate::core::text::cap;
use crate::core::{
    CleanText, ClientIp, EventName, Level, Outcome, RefusalContext, RouteTemplate, SecurityEvent,
};

const LAYER: &str = "error_mask";

/// What the service did before the head of its answer was out.
pub(super) const PANIC: &str = "panic";
pub(super) const SERVICE_ERROR: &str = "service_error";
pub(super) const INTERNAL_ERROR: &str = "internal_error";
/// What its body did afterwards.
pub(super) const BODY_PANIC: &str = "body_panic";
pub(super) const BODY_ERROR: &str = "body_error";
/// A framework's words on a request were replaced.
const REJECTION_MASKED: &str = "rejection_masked";

/// A request whose answer is under way.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) core: Arc<Core>,
    pub(super) context: RefusalContext,
    client: Option<IpAddr>,
    method: Method,
    place: Place,
}

/// Where the request went.
#[derive(Debug)]
enum Place {
    Route(RouteTemplate),
    /// With the query, which is never told.
    Path(Option<PathAndQuery>),
}

impl Watch {
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "written where it stays: a copy of it costs as much as a small layer"
    )]
    pub(super) fn of<B>(core: &Arc<Core>, request: &Request<B>) -> Self {
        let (method, extensions) = (request.method(), request.extensions());
        let head = (method, request.headers(), extensions);
        let place = match RouteTemplate::of(extensions) {
            Some(template) => Place::Route(template),
            None => Place::Path(request.uri().path_and_query().cloned()),
        };
        Self {
            core: Arc::clone(core),
            context: RefusalContext::of_rendered(head, core.renderer.is_some()),
            client: extensions.get::<ClientIp>().map(ClientIp::ip),
            method: method.clone(),
            place,
        }
    }

    /// What the stack has found, else what a layer outside of it has attached.
    fn client(&self) -> Option<IpAddr> {
        let found = self.context.client_ip().map(|client| client.ip());
        found.or(self.client)
    }

    /// Tells of a fault. `detail` is called when somebody listens, and a panic in it is one in the service's code.
    #[cold]
    pub(super) fn tell(&self, code: &'static str, detail: impl FnOnce() -> Vec<u8>) {
        const NAME: EventName = EventName::SysCrash;
        self.emit((NAME, Level::Error, code), Outcome::Fault, detail);
    }

    /// Tells of a framework's words that the client did not get, or would not.
    #[cold]
    pub(super) fn tell_client_error(&self, detail: impl FnOnce() -> Vec<u8>) {
        const NAME: EventName = EventName::InputValidationFail;
        let what = (NAME, Level::Info, REJECTION_MASKED);
        self.emit(what, Outcome::Refused, detail);
    }

    fn emit(
        &self,
        (name, level, code): (EventName, Level, &'static str),
        outcome: Outcome,
        detail: impl FnOnce() -> Vec<u8>,
    ) {
        let make = || {
            let detail = caught(detail).unwrap_or_else(|payload| {
                discard(payload);
                b"(the text of the error panics)".to_vec()
            });
            let mut event = SecurityEvent::new(name, LAYER, code).outcome(outcome);
            event.request_id = self.context.request_id();
            event.client_ip = self.client();
            event.method = Some(CleanText::new(self.method.as_str(), cap::METHOD));
            match &self.place {
                Place::Route(route) => {
                    event.route = Some(CleanText::new(route.as_str(), cap::ROUTE));
                }
                Place::Path(path) => {
                    let path = path.as_ref().map_or("", PathAndQuery::path);
                    event.path = Some(CleanText::new(path, cap::PATH));
                }
            }
            event.detail = Some(CleanText::from_bytes(&detail, cap::DETAIL).into_owned());
            event
        };
        let shared = self.context.shared();
        self.core.events.emit(shared, name, level, make);
    }

    /// Whether somebody listens to events of a fault.
    pub(super) fn is_heard(&self) -> bool {
        let shared = self.context.shared();
        let (name, level) = (EventName::SysCrash, Level::Error);
        self.core.events.wants(shared, name, level)
    }

    /// Feeds the rules that count answers.
    #[cold]
    pub(super) fn count(&self, status: StatusCode) {
        let shared = self.context.shared();
        self.core.events.status(shared, self.client(), status);
    }

    /// Tells of a panic, and returns its text if clients may see it.
    #[cold]
    pub(super) fn panicked(&self, code: &'static str, payload: Payload) -> Option<Box<str>> {
        self.tell(code, || text_of(&*payload).as_bytes().to_vec());
        let shown = self.core.details.then(|| text_of(&*payload).into());
        discard(payload);
        shown
    }

    /// Tells of an error, and returns its text if clients may see it.
    #[cold]
    pub(super) fn failed(&self, code: &'static str, error: &impl fmt::Debug) -> Option<Box<str>> {
        self.tell(code, || debug_text(error).into_bytes());
        let shown = || caught(|| debug_text(error)).map_err(discard).ok();
        let shown = self.core.details.then(shown).flatten();
        shown.map(String::into_boxed_str)
    }

    /// Drops what is the service's; a panic in that is told.
    pub(super) fn let_go<T>(&self, code: &'static str, value: T) {
        if let Err(payload) = caught(|| drop(value)) {
            self.panicked(code, payload);
        }
    }
}

/// What a panic carries.
pub(super) type Payload = Box<dyn Any + Send>;

/// Runs code of the service.
///
/// What a panic leaves behind is dropped and never called again, so that nobody sees it half changed.
#[inline]
pub(super) fn caught<T>(call: impl FnOnce() -> T) -> Result<T, Payload> {
    catch_unwind(AssertUnwindSafe(call))
}

/// Drops what a panic carries, which may panic too.
pub(super) fn discard(payload: Payload) {
    if let Err(second) = caught(|| drop(payload)) {
        // Who throws on purpose may do so for ever.
        let _leaked = ManuallyDrop::new(second);
    }
}

fn text_of(payload: &(dyn Any + Send)) -> &str {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        text
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text
    } else {
        "(the panic carries no text)"
    }
}

/// The start of a `Debug` text: as much as an event can hold.
fn debug_text(error: &impl fmt::Debug) -> String {
    let mut start = Start(String::new());
    // It fails when there is enough.
    let _ = fmt::write(&mut start, format_args!("{error:?}"));
    start.0
}

struct Start(String);

impl fmt::Write for Start {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.push_str(cap::start_of(text, cap::DETAIL));
        if self.0.len() > cap::DETAIL {
            return Err(fmt::Error);
        }
        Ok(())
    }
}
