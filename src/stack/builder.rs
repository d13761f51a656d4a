//! The slots of the stack, in their order, and the methods that fill them.

use std::mem::take;
use std::sync::Arc;

use http::HeaderName;
use tower_layer::{Identity, Layer};

use super::context::{ContextLayer, ContextSettings};
use super::posture::Posture;
use super::slot::{
    AfterAuth, BeforeAuth, EmptySlot, Extra, Innermost, Position, Protection, ProvidesOrigins,
    ProvidesPrincipal, TakesOrigins,
};
use crate::core::{
    AuthMethod, BodyAdapterLayer, Clock, ConfigErrors, EventSink, RejectionRenderer, SchemeSource,
    TrustedProxies,
};

/// What stands in a slot says of itself.
fn described(layer: &impl Protection) -> Posture {
    let mut posture = Posture::default();
    layer.describe(&mut posture);
    posture
}

/// Whether what stands in a slot says of itself that it is there.
fn is_filled(layer: &impl Protection) -> bool {
    !described(layer).entries().is_empty()
}

/// Declares the slots, outermost first, and writes the long types of the methods that fill them.
macro_rules! stack {
    ($( $(#[$doc:meta])* $field:ident: $Slot:ident $kind:tt, )* => $($methods:tt)*) => {
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

            $($methods)*
        }

        impl<$( $Slot: Protection, )*> SecurityStack<$( $Slot, )*> {
            /// Says what is protected and how, what is not, and what to look at. Computed from the configuration alone.
            ///
            /// `println!("{}", stack.posture())` prints it as a table.
            #[must_use]
            pub fn posture(&self) -> Posture {
                self.posture_of(|_| true)
            }

            /// As [`posture`](Self::posture), of the slots of which `counts` is true.
            pub(super) fn posture_of(&self, counts: impl Fn(&'static str) -> bool) -> Posture {
                let mut posture = Posture::default();
                self.context.describe(&mut posture);
                $(
                    if counts(stringify!($field)) {
                        posture.ask(stringify!($field), &self.$field);
                    } else {
                        posture.leave_out(stringify!($field));
                    }
                )*
                let by_principal = counts("rate_limit_by_principal") && is_filled(&self.rate_limit_by_principal);
                if is_filled(&self.auth) && !by_principal {
                    posture.warn("auth: no rate limit by principal");
                }
                let auth = described(&self.auth);
                if auth.says("by", AuthMethod::Session.as_str()) && !described(&self.csrf).has_any_on() {
                    posture.warn("auth: sessions in a cookie without csrf");
                }
                for name in self.cookies.renamed_cookies() {
                    if auth.says("session_cookie", &format!("__Host-{name}")) {
                        posture.warn(format!(
                            "auth: cookies.host_prefix hands the session inwards as {name:?}, which it is not looked for: \
                             call `cookie({name:?})` on its builder"
                        ));
                    }
                }
                let asks = counts("require_authorization") && is_filled(&self.require_authorization)
                    || counts("access") && is_filled(&self.access)
                    || counts("ownership") && is_filled(&self.ownership);
                if auth.says("anonymous", "pass") && !asks {
                    posture.warn("auth: anonymous requests pass, and no layer of the stack asks for more");
                }
                if counts("access") && auth.says("anonymous", "refused")
                    && let Some(public) = described(&self.access).setting("public")
                {
                    posture.warn(format!("access: public {public} is refused by auth: make it `.optional()`"));
                }
                let credentials = self.auth.credential_headers();
                let is_kept_off = |name| self.cors.lets_send(name) == Some(false);
                if !credentials.is_empty() && credentials.iter().all(is_kept_off) {
                    let names: Vec<_> = credentials.iter().map(HeaderName::as_str).collect();
                    posture.warn(format!(
                        "cors: pages may not send what auth reads: name {} in `request_headers`",
                        names.join(" or ")
                    ));
                }
                let decides = counts("access") && is_filled(&self.access)
                    || counts("require_authorization") && is_filled(&self.require_authorization);
                if counts("ownership") && described(&self.ownership).says("unmatched", "pass") && !decides {
                    posture.warn(
                        "ownership: what no rule is for passes undecided: fill `access` or `require_authorization`, or call \
                         `deny_unmatched`",
                    );
                }
                posture.warn_of_absence(is_filled(&self.auth));
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

    (@method { protection $(, $bound:path)? $(; needs $Needed:ident)? $(; first |$stack:ident: [$($Beside:ident)?], $layer:ident| $adjust:block)? } [$(#[$doc:meta])*] [$($before:ident: $Before:ident,)*] $field:ident: $Slot:ident [$($after:ident: $After:ident,)*]) => {
        impl<$($Before,)* $Slot, $($After,)*> SecurityStack<$($Before,)* $Slot, $($After,)*> {
            $(#[$doc])*
            pub fn $field<New>(self, layer: New) -> SecurityStack<$($Before,)* New, $($After,)*>
            where
                New: Protection $(+ $bound)?,
                $Slot: EmptySlot,
                $( $Needed: ProvidesPrincipal, )?
                $( $( $Beside: Protection, )? )?
            {
                let stack = self;
                $(
                    let (mut stack, mut layer) = (stack, layer);
                    {
                        let ($stack, $layer) = (&mut stack, &mut layer);
                        $adjust
                    }
                )?
                SecurityStack {
                    context: stack.context,
                    $( $before: stack.$before, )*
                    $field: layer,
                    $( $after: stack.$after, )*
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
            pub fn adapt_body(self) -> SecurityStack<$($Before,)* BodyAdapterLayer>
            where
                $Slot: EmptySlot,
            {
                SecurityStack {
                    context: self.context,
                    $( $before: self.$before, )*
                    $field: BodyAdapterLayer::new(),
                }
            }
        }
    };
}

stack! {
    /// Security headers of every answer.
    headers: Headers { protection; first |stack: [Cors], layer| {
        if stack.cors.is_open_to_all() {
            layer.share_with_all();
        }
    } },
    /// The content security policy.
    csp: Csp { protection },
    /// Hardening of every `Set-Cookie`.
    cookies: Cookies { protection },
    /// Which origins may read answers.
    cors: Cors { protection; first |stack: [Headers], layer| {
        if layer.is_open_to_all() {
            stack.headers.share_with_all();
        }
    } },
    /// Replacing what must not leave the server.
    error_mask: ErrorMask { protection },
    /// Refusing clients that were banned.
    bans: Bans { protection },
    /// HTTPS alone, and the host allow-list.
    https: Https { protection; first |stack: [], layer| {
        if let Some(transport) = layer.take_transport() {
            stack.context = take(&mut stack.context).changed(|settings| settings.transport(transport));
        }
    } },
    /// Rate limits by address.
    rate_limit: RateLimit { protection },
    /// Shedding load.
    overload: Overload { protection },
    /// Limits of size and time.
    limits: Limits { protection },
    /// The endpoint for reports of policy violations.
    csp_reports: CspReports { protection },
    /// Refusing forged cross-site requests.
    csrf: Csrf { protection },
    before_auth: Before { extra BeforeAuth },
    /// Who is asking: a layer that attaches a [`Principal`](crate::core::Principal), see
    /// [`ProvidesPrincipal`]. Fill it before the slots that need one.
    auth: Auth { protection, ProvidesPrincipal },
    after_auth: After { extra AfterAuth },
    /// Rate limits by principal. After `auth`.
    rate_limit_by_principal: ByPrincipal { protection; needs Auth },
    /// The tripwire for handlers that decided nothing. After `auth`.
    require_authorization: Tripwire { protection; needs Auth },
    /// Roles and scopes by route. After `auth`.
    access: Access { protection; needs Auth },
    /// Refusing what is malformed.
    sanitize: Sanitize { protection },
    /// Does this user own this resource? After `auth`.
    ownership: Ownership { protection; needs Auth },
    innermost: Inner { extra Innermost },
    /// Makes the handler's body one that a refusal can be made of. For foreign body types alone: the compiler's note on
    /// `RejectionBody` tells when. It stands inside `.extra(Innermost, ..)` and does not reach a body that the extra layer makes.
    body_adapter: Adapter { adapter },

    =>

    /// Hands events to this sink, for every layer that has none of its own. The default is `tracing`.
    ///
    /// What handlers cause does not pass the stack: logins, renewals and logouts of a
    /// [`SessionAuth`](crate::auth::session), keys that an [`ApiKeyAuth`](crate::auth::api_key) issues, rotates and revokes. Give their
    /// builders the sink too.
    ///
    /// Called again, the last one counts; so it is with `rejections`, `clock`, `client_ip` and `scheme`.
    pub fn events(self, sink: impl EventSink) -> Self {
        self.settings(|settings| settings.sink = Some(Arc::new(sink)))
    }

    /// Renders the bodies of refusals, for all layers: an HTML page for browsers, say.
    pub fn rejections(self, renderer: impl RejectionRenderer) -> Self {
        self.settings(|settings| settings.renderer = Some(Arc::new(renderer)))
    }

    /// Sets the clock that events are stamped by. The default is that of the system.
    pub fn clock(self, clock: impl Clock) -> Self {
        self.settings(|settings| settings.clock = Some(Arc::new(clock)))
    }

    /// Says how the client's address is found. The default believes the peer alone and reads no header. A `ClientIp` that a layer
    /// outside of the stack has attached stays.
    ///
    /// The server has to hand the peer on: axum by `into_make_service_with_connect_info::<SocketAddr>()`, hyper by
    /// [`WithPeerAddr`](crate::core::WithPeerAddr); tonic does so by itself. Behind proxies, a request without one makes the event
    /// `peer_address_missing`, at most one a minute.
    pub fn client_ip(self, proxies: TrustedProxies) -> Self {
        self.settings(|settings| settings.proxies = Some(proxies))
    }

    /// Says how it is known whether a request came over TLS. Without it the source of `https` counts, of two layers in that slot the
    /// outer one's; without either the scheme is unknown. Beside `https` it counts for that layer too, so that its redirect and HSTS
    /// go by it: the posture warns where a layer's own source is of another kind.
    pub fn scheme(self, source: SchemeSource) -> Self {
        self.settings(|settings| settings.scheme = Some(source))
    }

    /// Has the CSRF layer trust what the CORS layer grants: its listed origins, if the policy allows credentials.
    ///
    /// Call it when both slots are filled. It is decided here and now; a later reload of the CORS policy does not change it.
    ///
    /// # Errors
    ///
    /// A policy of any origin, without credentials, or with a predicate alone names nobody to trust.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::{CorsLayer, CsrfLayer, SecurityStack};
    ///
    /// let cors = CorsLayer::builder().origins(["https://app.example.com"]).credentials(true).build()?;
    /// let stack = SecurityStack::new().cors(cors).csrf(CsrfLayer::new()).trust_cors_origins()?;
    /// # let _ = stack;
    ///
    /// let public = CorsLayer::builder().any_origin().build()?;
    /// let errors = SecurityStack::new()
    ///     .cors(public)
    ///     .csrf(CsrfLayer::new())
    ///     .trust_cors_origins()
    ///     .unwrap_err();
    /// assert!(errors.iter().any(|error| error.code() == "refused_trust_any_origin"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn trust_cors_origins(mut self) -> Result<Self, ConfigErrors>
    where
        Cors: ProvidesOrigins,
        Csrf: TakesOrigins,
    {
        self.csrf = self.csrf.trusting(&self.cors.grant())?;
        Ok(self)
    }

    /// Puts a layer of your own at a position: [`BeforeAuth`], [`AfterAuth`] or [`Innermost`]. Each position takes one; join
    /// several with `ServiceBuilder`.
    ///
    /// Two things to see to:
    ///
    /// - A layer whose error is not that of the handler, such as tower's timeout, does not fit axum, and on plain hyper its error
    ///   ends the connection without an answer. Have it answer, or turn its error into a response.
    /// - A layer that changes the response body, such as compression, needs a body adapter of its own further inside:
    ///   `ServiceBuilder::new().layer(BodyAdapterLayer::new()).layer(it)`. Or apply it outside of the stack.
    ///
    /// # Example
    ///
    /// ```
    /// use http::{HeaderValue, Response};
    /// use tower::util::MapResponseLayer;
    /// use tower_security::stack::{Innermost, SecurityStack};
    ///
    /// let version = MapResponseLayer::new(|mut response: Response<String>| {
    ///     response.headers_mut().insert("x-version", HeaderValue::from_static("7"));
    ///     response
    /// });
    /// let stack = SecurityStack::new().extra(Innermost, version);
    /// # let _ = stack;
    /// ```
    pub fn extra<P, L>(self, position: P, layer: L) -> P::Filled
    where
        P: Position<Self, L>,
    {
        position.fill(self, layer)
    }
}
