//! The slots of the stack: what may go into one, and the methods that fill them.

use tower_layer::{Identity, Layer};

use super::context::{ContextLayer, ContextSettings};
use super::posture::Posture;

/// A layer that may stand in a slot of [`SecurityStack`].
///
/// The layers of this crate implement it. Implement it for a layer of your own to put it into a slot; `.extra(..)` takes any
/// layer.
///
/// # Example
///
/// ```
/// use tower_security::stack::{Posture, Protection, SecurityStack};
///
/// #[derive(Clone)]
/// struct TeamHeaders;
///
/// impl Protection for TeamHeaders {
///     fn describe(&self, posture: &mut Posture) {
///         posture.on("headers").setting("preset", "team");
///     }
/// }
///
/// let stack = SecurityStack::new().headers(TeamHeaders);
/// assert!(stack.posture().to_string().contains("team"));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a protection for this slot of the stack",
    note = "give it the layer that the slot is named after; a layer of your own implements `Protection`",
    note = "`.extra(position, layer)` takes any layer"
)]
pub trait Protection {
    /// Says what this layer does, for [`SecurityStack::posture`].
    fn describe(&self, posture: &mut Posture) {
        let _ = posture;
    }
}

impl Protection for Identity {}

/// A layer that says who is asking, by attaching a [`Principal`](crate::core::Principal) to the request.
///
/// Implement it for your own authentication layer if it does so.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not provide a principal; give `.auth(..)` an `AuthLayer` before this call",
    label = "what this slot decides depends on who is asking"
)]
pub trait ProvidesPrincipal {}

/// A slot that nothing was put into yet.
#[diagnostic::on_unimplemented(
    message = "this slot is already filled: join both with ServiceBuilder, or start from `SecurityStack::new()` if a preset filled it"
)]
pub trait EmptySlot: sealed::Sealed {}

impl EmptySlot for Identity {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for tower_layer::Identity {}
}

/// A place for layers of your own.
pub trait Position<Stack, L>: sealed_position::Sealed {
    /// The stack with the layer in it.
    type Filled;

    #[doc(hidden)]
    fn fill(self, stack: Stack, layer: L) -> Self::Filled;
}

mod sealed_position {
    pub trait Sealed {}
    impl Sealed for super::BeforeAuth {}
    impl Sealed for super::AfterAuth {}
    impl Sealed for super::Innermost {}
}

/// The place just outside `.auth(..)`.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "written as a value by the caller")]
pub struct BeforeAuth;

/// The place just inside `.auth(..)`.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "written as a value by the caller")]
pub struct AfterAuth;

/// The place just outside the body adapter and the handler.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "written as a value by the caller")]
pub struct Innermost;

/// Declares the slots, outermost first, and writes the long types of the methods that fill them.
macro_rules! stack {
    ($( $(#[$doc:meta])* $field:ident: $Slot:ident $kind:tt, )*) => {
        /// Every layer in its place, in one value.
        ///
        /// The [module](crate::stack) has the order of the slots and an example.
        #[derive(Clone, Debug)]
        #[must_use = "a stack protects nothing until it is given to a router or wrapped around a service"]
        pub struct SecurityStack<$( $Slot = Identity, )*> {
            pub(super) context: ContextLayer,
            $( pub(super) $field: $Slot, )*
        }

        impl SecurityStack {
            /// Starts with every slot empty.
            pub fn new() -> Self {
                Self {
                    context: ContextLayer::default(),
                    $( $field: Identity::new(), )*
                }
            }
        }

        impl Default for SecurityStack {
            fn default() -> Self {
                Self::new()
            }
        }

        impl<$( $Slot, )*> SecurityStack<$( $Slot, )*> {
            pub(super) fn settings(mut self, change: impl FnOnce(&mut ContextSettings)) -> Self {
                self.context = self.context.changed(change);
                self
            }
        }

        impl<$( $Slot: Protection, )*> SecurityStack<$( $Slot, )*> {
            /// Says what is protected and how, and what is not. Computed from the configuration alone.
            #[must_use]
            pub fn posture(&self) -> Posture {
                let mut posture = Posture::default();
                $( self.$field.describe(&mut posture); )*
                posture
            }
        }

        stack!(@layer [] $( $field: $Slot, )*);
        stack!(@methods [] $( $(#[$doc])* $field: $Slot $kind, )*);
    };

    // The service type is built from the innermost slot outwards: reverse the list first.
    (@layer [$($reversed:ident: $Reversed:ident,)*] $field:ident: $Slot:ident, $($rest:tt)*) => {
        stack!(@layer [$field: $Slot, $($reversed: $Reversed,)*] $($rest)*);
    };
    (@layer [$($field:ident: $Slot:ident,)*]) => {
        stack!(@bounds [S] [] [$($Slot)*] [$($Slot)*] [$($field)*]);
    };
    (@bounds [$Inner:ty] [$($bound:tt)*] [$Slot:ident $($rest:ident)*] $all:tt $fields:tt) => {
        stack!(@bounds [<$Slot as Layer<$Inner>>::Service] [$($bound)* $Slot: Layer<$Inner>,] [$($rest)*] $all $fields);
    };
    (@bounds [$Inner:ty] [$($bound:tt)*] [] [$($Slot:ident)*] [$($field:ident)*]) => {
        stack!(@impl [$Inner] [$($bound)*] [] [$($Slot)*] [$($field)*]);
    };
    // The struct's parameters stand in the order of declaration: reverse the names back.
    (@impl $inner:tt $bounds:tt [$($back:ident)*] [$Slot:ident $($rest:ident)*] $fields:tt) => {
        stack!(@impl $inner $bounds [$Slot $($back)*] [$($rest)*] $fields);
    };
    (@impl [$Inner:ty] [$($bound:tt)*] [$($Slot:ident)*] [] [$($field:ident)*]) => {
        impl<S, $($Slot,)*> Layer<S> for SecurityStack<$($Slot,)*>
        where
            $($bound)*
        {
            type Service = <ContextLayer as Layer<$Inner>>::Service;

            fn layer(&self, service: S) -> Self::Service {
                $( let service = self.$field.layer(service); )*
                self.context.layer(service)
            }
        }
    };

    (@methods $before:tt) => {};
    (@methods [$($before:ident: $Before:ident,)*] $(#[$doc:meta])* $field:ident: $Slot:ident $kind:tt, $( $(#[$rest_doc:meta])* $rest:ident: $Rest:ident $rest_kind:tt, )*) => {
        stack!(@method $kind [$(#[$doc])*] [$($before: $Before,)*] $field: $Slot [$($rest: $Rest,)*]);
        stack!(@methods [$($before: $Before,)* $field: $Slot,] $( $(#[$rest_doc])* $rest: $Rest $rest_kind, )*);
    };

    (@method { protection $(, $bound:path)? $(; needs $Needed:ident)? } [$(#[$doc:meta])*] [$($before:ident: $Before:ident,)*] $field:ident: $Slot:ident [$($after:ident: $After:ident,)*]) => {
        impl<$($Before,)* $Slot, $($After,)*> SecurityStack<$($Before,)* $Slot, $($After,)*> {
            $(#[$doc])*
            pub fn $field<New>(self, layer: New) -> SecurityStack<$($Before,)* New, $($After,)*>
            where
                New: Protection $(+ $bound)?,
                $Slot: EmptySlot,
                $( $Needed: ProvidesPrincipal, )?
            {
                SecurityStack {
                    context: self.context,
                    $( $before: self.$before, )*
                    $field: layer,
                    $( $after: self.$after, )*
                }
            }
        }
    };
    (@method { extra $position:ident } [$(#[$doc:meta])*] [$($before:ident: $Before:ident,)*] $field:ident: $Slot:ident [$($after:ident: $After:ident,)*]) => {
        impl<New, $($Before,)* $Slot, $($After,)*> Position<SecurityStack<$($Before,)* $Slot, $($After,)*>, New> for $position
        where
            $Slot: EmptySlot,
        {
            type Filled = SecurityStack<$($Before,)* Extra<New>, $($After,)*>;

            fn fill(self, stack: SecurityStack<$($Before,)* $Slot, $($After,)*>, layer: New) -> Self::Filled {
                SecurityStack {
                    context: stack.context,
                    $( $before: stack.$before, )*
                    $field: Extra(layer),
                    $( $after: stack.$after, )*
                }
            }
        }
    };
    (@method { adapter } [$(#[$doc:meta])*] [$($before:ident: $Before:ident,)*] $field:ident: $Slot:ident []) => {
        impl<$($Before,)* $Slot> SecurityStack<$($Before,)* $Slot> {
            $(#[$doc])*
            pub fn adapt_body(self) -> SecurityStack<$($Before,)* crate::core::BodyAdapterLayer>
            where
                $Slot: EmptySlot,
            {
                SecurityStack {
                    context: self.context,
                    $( $before: self.$before, )*
                    $field: crate::core::BodyAdapterLayer::new(),
                }
            }
        }
    };
}

pub(super) use stack;
