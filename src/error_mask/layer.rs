//! The layer.

use std::fmt;
use std::sync::Arc;

use http::HeaderName;
use tower_layer::Layer;

use super::config::ErrorMaskBuilder;
use super::service::ErrorMask;
use crate::core::{Events, Mode, PreparedBody, Rejection, RejectionRenderer, Removed};

/// Keeps internals of the service away from its clients. The [module](crate::error_mask) has the rules and an example.
#[doc(alias = "CatchPanicLayer")]
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is added to a service"]
pub struct ErrorMaskLayer {
    core: Arc<Core>,
}

/// Everything that the services of one layer share.
pub(super) struct Core {
    pub(super) mode: Mode,
    pub(super) client_errors: bool,
    pub(super) all_not_found: bool,
    pub(super) details: bool,
    pub(super) kept: Vec<HeaderName>,
    /// How many names `removed` has.
    pub(super) stripped: usize,
    pub(super) removed: Removed,
    pub(super) renderer: Option<Arc<dyn RejectionRenderer>>,
    pub(super) events: Events,
    pub(super) internal: PreparedBody,
    pub(super) not_found: PreparedBody,
}

impl Core {
    /// Whether answers of the service are replaced.
    pub(super) fn replaces(&self) -> bool {
        self.mode == Mode::Enforce && !self.details
    }

    /// Renders by the layer's own renderer, if it has one.
    pub(super) fn rendered(&self, rejection: Rejection) -> Rejection {
        match &self.renderer {
            Some(renderer) => rejection.renderer(Arc::clone(renderer)),
            None => rejection,
        }
    }
}

impl ErrorMaskLayer {
    /// Makes the layer with its defaults: panics and server errors are replaced, what a framework says of a bad request is not.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the layer of an API: as [`new`](Self::new), and what a framework says of a bad request in `text/plain` or without a type
    /// is replaced too, since an API answers with something else. The same as `builder().mask_client_errors(true).build()?`.
    pub fn api() -> Self {
        Self::of(
            ErrorMaskBuilder::default()
                .mask_client_errors(true)
                .core_without_names(),
        )
    }

    /// Starts from the defaults of [`new`](Self::new).
    pub fn builder() -> ErrorMaskBuilder {
        ErrorMaskBuilder::default()
    }

    pub(super) fn of(core: Core) -> Self {
        Self {
            core: Arc::new(core),
        }
    }

    #[cfg(test)]
    pub(super) fn core(&self) -> Arc<Core> {
        Arc::clone(&self.core)
    }

    /// Returns the mode in force.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.core.mode
    }

    /// Whether what a framework says of a bad request is replaced.
    #[must_use]
    pub fn masks_client_errors(&self) -> bool {
        self.core.client_errors
    }

    /// Whether the bodies of all 404s and 405s are replaced, rather than empty ones alone.
    #[must_use]
    pub fn masks_all_not_found(&self) -> bool {
        self.core.all_not_found
    }

    /// Returns the headers that a server error keeps.
    pub fn kept_headers(&self) -> impl Iterator<Item = &HeaderName> {
        self.core.kept.iter()
    }

    /// How many names of headers are taken off, beside those that begin with `x-debug-`.
    pub(crate) fn stripped_headers(&self) -> usize {
        self.core.stripped
    }

    /// The `dangerous_*` methods of the builder, and whether they were called.
    pub(crate) fn dangerous(&self) -> [(&'static str, bool); 1] {
        [("dangerous_show_details", self.core.details)]
    }
}

impl Default for ErrorMaskLayer {
    fn default() -> Self {
        Self::of(ErrorMaskBuilder::default().core_without_names())
    }
}

impl<S> Layer<S> for ErrorMaskLayer {
    type Service = ErrorMask<S>;

    fn layer(&self, inner: S) -> ErrorMask<S> {
        ErrorMask::new(inner, Arc::clone(&self.core))
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core")
            .field("mode", &self.mode)
            .field("client_errors", &self.client_errors)
            .field("all_not_found", &self.all_not_found)
            .field("kept", &self.kept)
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}
