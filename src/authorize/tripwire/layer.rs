//! The layer.

use std::sync::Arc;

use tower_layer::Layer;

use super::service::Tripwire;
use crate::core::{EventSink, Events, Mode};

/// Turns an answer that nobody has authorized into an error: for the check that somebody forgets. The [module](crate::authorize) has the
/// rules.
///
/// It stands outside of all that decides: the [`AccessTable`](crate::authorize::AccessTable), the guards of
/// [`ownership`](crate::ownership), the handlers. It looks at the head of the answer; not a byte of a body goes out before. A handler
/// that *writes* has written by then: ask [`Authz::ensure`](crate::ownership::Authz::ensure) before the `COMMIT`.
///
/// # Example
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response, StatusCode};
/// use http_body_util::Full;
/// use std::convert::Infallible;
/// use tower::{Layer, ServiceExt, service_fn};
/// use tower_security::authorize::RequireAuthorization;
/// use tower_security::ownership::Authz;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let service = RequireAuthorization::new().layer(service_fn(|request: Request<()>| async move {
///     if request.uri().path() == "/prices" {
///         // Everybody may know them.
///         Authz::of(request.extensions()).exempt();
///     }
///     Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"figures"))))
/// }));
///
/// let prices = ServiceExt::<Request<()>>::oneshot(service.clone(), Request::get("/prices").body(())?).await?;
/// assert_eq!(prices.status(), StatusCode::OK);
///
/// let salaries = ServiceExt::<Request<()>>::oneshot(service, Request::get("/salaries").body(())?).await?;
/// assert_eq!(salaries.status(), StatusCode::INTERNAL_SERVER_ERROR);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is added to a service"]
pub struct RequireAuthorization {
    core: Arc<Core>,
}

/// What the services of one layer share.
#[derive(Clone, Debug)]
pub(super) struct Core {
    pub(super) mode: Mode,
    pub(super) undecided_errors: UndecidedErrors,
    pub(super) events: Events,
}

/// What becomes of an error of a handler that nothing was decided for, or something was denied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum UndecidedErrors {
    /// It keeps its status and the headers `Allow`, `WWW-Authenticate` and `Retry-After`; all else is replaced by the problem that all
    /// errors with this status have. The default: the text of an error is a text about an object that nobody was asked about, or that
    /// was denied.
    #[default]
    Strip,
    /// It goes out as it is.
    Keep,
}

impl RequireAuthorization {
    /// Refuses what nobody has decided.
    pub fn new() -> Self {
        Self::of(Mode::Enforce)
    }

    /// Lets everything pass as it is, and tells of what would be refused: for an application that is to get its checks one by one.
    pub fn report_only() -> Self {
        Self::of(Mode::ReportOnly)
    }

    fn of(mode: Mode) -> Self {
        Self {
            core: Arc::new(Core {
                mode,
                undecided_errors: UndecidedErrors::Strip,
                events: Events::default(),
            }),
        }
    }

    /// Sets what becomes of an answer that is refused.
    pub fn with_mode(self, mode: Mode) -> Self {
        self.changed(|core| core.mode = mode)
    }

    /// Sets what becomes of an error of a handler that nothing was decided for, or something was denied. [`UndecidedErrors::Strip`] by default.
    pub fn undecided_errors(self, undecided_errors: UndecidedErrors) -> Self {
        self.changed(|core| core.undecided_errors = undecided_errors)
    }

    /// Sets where forgotten checks are told. The stack's sink by default, without one `tracing`.
    pub fn events(self, sink: impl EventSink) -> Self {
        self.changed(|core| core.events = core.events.clone().with_sink(sink))
    }

    /// Returns what becomes of an answer that is refused.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.core.mode
    }

    /// Whether errors that nothing was decided for go out as they are.
    #[must_use]
    pub fn keeps_undecided_errors(&self) -> bool {
        self.core.undecided_errors == UndecidedErrors::Keep
    }

    fn changed(mut self, change: impl FnOnce(&mut Core)) -> Self {
        change(Arc::make_mut(&mut self.core));
        self
    }
}

impl Default for RequireAuthorization {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for RequireAuthorization {
    type Service = Tripwire<S>;

    fn layer(&self, inner: S) -> Tripwire<S> {
        Tripwire::new(inner, Arc::clone(&self.core))
    }
}
