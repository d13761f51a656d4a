//! What may go into a slot of the stack.

use http::HeaderName;
use tower_layer::{Identity, Layer};

use super::posture::Posture;
use crate::core::ConfigErrors;
use crate::core::origin::OriginGrant;
use crate::https::HttpsLayer;

/// A layer that may stand in a slot of [`SecurityStack`](super::SecurityStack).
///
/// The layers of this crate implement it. Implement it for a layer of your own to put it into a slot; `.extra(..)` takes any
/// layer.
///
/// # Example
///
/// ```
/// use tower_security::stack::{Posture, PostureEntry, PostureState, Protection, SecurityStack};
///
/// #[derive(Clone)]
/// struct TeamHeaders;
///
/// impl Protection for TeamHeaders {
///     fn describe(&self, posture: &mut Posture) {
///         posture.add(PostureEntry::new("headers", PostureState::On).setting("preset", "team"));
///     }
/// }
///
/// let stack = SecurityStack::new().headers(TeamHeaders);
/// assert!(stack.posture().to_string().contains("team"));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a protection for this slot of the stack",
    note = "a builder is no layer yet: call `.build()?` first",
    note = "give it the layer that the slot is named after; a layer of your own implements `Protection`",
    note = "`.extra(position, layer)` takes any layer"
)]
pub trait Protection {
    /// Says what this layer does, for [`SecurityStack::posture`](super::SecurityStack::posture). Without it the posture looks as if the
    /// slot were empty.
    fn describe(&self, posture: &mut Posture) {
        let _ = posture;
    }

    /// Whether pages of any origin may read the answers; `None` from a layer that does not decide it.
    #[doc(hidden)]
    fn lets_all_read(&self) -> Option<bool> {
        None
    }

    #[doc(hidden)]
    fn is_open_to_all(&self) -> bool {
        self.lets_all_read().unwrap_or(false)
    }

    /// Stops telling browsers to keep the answers from pages of other origins, unless the user said so.
    #[doc(hidden)]
    fn share_with_all(&mut self) {}

    /// The names that handlers know of cookies which browsers know with a prefix.
    #[doc(hidden)]
    fn renamed_cookies(&self) -> Vec<&str> {
        Vec::new()
    }

    /// The headers that credentials stand in, where a page has to send them itself: none if one of them is a cookie.
    #[doc(hidden)]
    fn credential_headers(&self) -> Vec<HeaderName> {
        Vec::new()
    }

    /// Whether pages of other origins may send this header; `None` for what says nothing of pages.
    #[doc(hidden)]
    fn lets_send(&self, header: &HeaderName) -> Option<bool> {
        let _ = header;
        None
    }

    /// Hands over what the outermost slot does better: to learn the scheme for all layers, and to write HSTS on every answer.
    #[doc(hidden)]
    fn take_transport(&mut self) -> Option<Transport> {
        None
    }
}

/// What the layers of the slot `https` know that others need, the outermost first.
#[derive(Clone, Debug)]
#[doc(hidden)]
#[expect(unnameable_types, reason = "no part of the public interface")]
pub struct Transport(Vec<HttpsLayer>);

impl Transport {
    pub(super) fn of(layer: HttpsLayer) -> Self {
        Self(vec![layer])
    }

    fn and(mut self, inner: Self) -> Self {
        self.0.extend(inner.0);
        self
    }

    pub(super) fn into_layers(self) -> Vec<HttpsLayer> {
        self.0
    }
}

impl Protection for Identity {}

/// Two layers for one slot, the outer one first.
impl<A: Protection, B: Protection> Protection for (A, B) {
    fn describe(&self, posture: &mut Posture) {
        self.0.describe(posture);
        self.1.describe(posture);
    }

    fn lets_all_read(&self) -> Option<bool> {
        // The outer CORS layer takes off what the inner one has granted.
        self.0.lets_all_read().or_else(|| self.1.lets_all_read())
    }

    fn renamed_cookies(&self) -> Vec<&str> {
        [self.0.renamed_cookies(), self.1.renamed_cookies()].concat()
    }

    fn credential_headers(&self) -> Vec<HeaderName> {
        [self.0.credential_headers(), self.1.credential_headers()].concat()
    }

    fn lets_send(&self, header: &HeaderName) -> Option<bool> {
        // The outer CORS layer answers preflights.
        self.0
            .lets_send(header)
            .or_else(|| self.1.lets_send(header))
    }

    fn share_with_all(&mut self) {
        self.0.share_with_all();
        self.1.share_with_all();
    }

    fn take_transport(&mut self) -> Option<Transport> {
        match (self.0.take_transport(), self.1.take_transport()) {
            (Some(outer), Some(inner)) => Some(outer.and(inner)),
            (outer, inner) => outer.or(inner),
        }
    }
}

/// A layer that says who is asking, by attaching a [`Principal`](crate::core::Principal) to the request.
///
/// Implement it for your own authentication layer if it does so; a wrapper does it for a layer of somebody else, such as axum's
/// `from_fn`.
///
/// # Example
///
/// ```
/// use tower_layer::Layer;
/// use tower_security::stack::{Posture, PostureEntry, PostureState, Protection, ProvidesPrincipal};
///
/// /// `.auth(OwnAuth(axum::middleware::from_fn(authenticate)))`, where `authenticate` calls `Principal::dangerous_attach`.
/// #[derive(Clone)]
/// struct OwnAuth<L>(L);
///
/// impl<S, L: Layer<S>> Layer<S> for OwnAuth<L> {
///     type Service = L::Service;
///
///     fn layer(&self, inner: S) -> L::Service {
///         self.0.layer(inner)
///     }
/// }
///
/// impl<L> Protection for OwnAuth<L> {
///     fn describe(&self, posture: &mut Posture) {
///         posture.add(PostureEntry::new("auth", PostureState::On).setting("by", "our own"));
///     }
/// }
///
/// impl<L> ProvidesPrincipal for OwnAuth<L> {}
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not provide a principal; give `.auth(..)` a layer that does before this call",
    label = "what this slot decides depends on who is asking"
)]
pub trait ProvidesPrincipal {}

/// Of two layers in the slot the inner one has to provide the principal.
impl<A, B: ProvidesPrincipal> ProvidesPrincipal for (A, B) {}

/// A slot that nothing was put into yet.
#[diagnostic::on_unimplemented(
    message = "this slot is already filled: give it both at once as `(outer, inner)`, or start from `SecurityStack::new()` if a preset filled it"
)]
pub trait EmptySlot: sealed::Sealed {}

impl EmptySlot for Identity {}

mod sealed {
    #[expect(unnameable_types, reason = "sealed")]
    pub trait Sealed {}
    impl Sealed for tower_layer::Identity {}
}

/// A CORS layer, whose origins another layer may trust.
#[diagnostic::on_unimplemented(
    message = "`{Self}` names no origins; give `.cors(..)` a `CorsLayer` before `.trust_cors_origins()`"
)]
pub trait ProvidesOrigins: sealed_origins::Sealed {
    #[doc(hidden)]
    fn grant(&self) -> OriginGrant;
}

/// A CSRF layer, which may trust the origins of another layer.
#[diagnostic::on_unimplemented(
    message = "`{Self}` trusts no origins; give `.csrf(..)` a `CsrfLayer` before `.trust_cors_origins()`"
)]
pub trait TakesOrigins: sealed_origins::Sealed + Sized {
    #[doc(hidden)]
    fn trusting(&self, grant: &OriginGrant) -> Result<Self, ConfigErrors>;
}

mod sealed_origins {
    #[expect(unnameable_types, reason = "sealed")]
    pub trait Sealed {}
    impl Sealed for crate::cors::CorsLayer {}
    impl Sealed for crate::csrf::CsrfLayer {}
}

/// A user's own layer at one of the positions. Its own type keeps `.extra(..)` from taking just any layer for a protection.
#[derive(Clone, Copy, Debug)]
pub struct Extra<L>(pub(super) L);

impl<S, L: Layer<S>> Layer<S> for Extra<L> {
    type Service = L::Service;

    fn layer(&self, inner: S) -> L::Service {
        self.0.layer(inner)
    }
}

impl<L> Protection for Extra<L> {}

impl Protection for crate::core::BodyAdapterLayer {}

/// A place for layers of your own.
pub trait Position<Stack, L>: sealed_position::Sealed {
    /// The stack with the layer in it.
    type Filled;

    #[doc(hidden)]
    fn fill(self, stack: Stack, layer: L) -> Self::Filled;
}

mod sealed_position {
    #[expect(unnameable_types, reason = "sealed")]
    pub trait Sealed {}
    impl Sealed for super::BeforeAuth {}
    impl Sealed for super::AfterAuth {}
    impl Sealed for super::Innermost {}
}

/// The place just outside `.auth(..)`.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "written as a value by the caller"
)]
pub struct BeforeAuth;

/// The place just inside `.auth(..)`.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "written as a value by the caller"
)]
pub struct AfterAuth;

/// The place just outside the body adapter and the handler.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "written as a value by the caller"
)]
pub struct Innermost;
