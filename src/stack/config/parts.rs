//! What a file cannot say.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::auth::AuthLayer;
use crate::core::{Clock, EventSink, RejectionRenderer};
use crate::ownership::OwnershipGuard;
use crate::rate_limit::key::Key;
use crate::rate_limit::{BanTable, MemoryStore, Store};

/// What a configuration from a file is completed by: code, and what holds state.
///
/// It is kept for as long as the stack, so that what it holds survives every reload: counters, sessions, caches.
///
/// Two layers have no place here, since both need a type or a route of the application; each holds state of its own, which no reload touches.
/// A [`LoadGuard`](crate::ownership::LoadGuard) is put around the service that the stack is given, which stands where
/// [`ownership`](Self::ownership) would: `stack.layer(guard.layer(service))`, on axum `Router::layer` or `route_layer` before the stack. The
/// stack does not know of it, so name `[access]` or `[require_authorization]` for what no rule is for. A
/// [`LoginThrottleLayer`](crate::rate_limit::login::LoginThrottleLayer) is put on the route of the login alone, by axum's `route_layer`: it
/// finds the client's address and the event sink that the stack has set, and may count in a clone of the same [`store`](Self::store).
///
/// # Example
///
/// ```
/// use tower_security::core::{Principal, SecurityEvent};
/// use tower_security::rate_limit::key::{self, KeyOutcome};
/// use tower_security::stack::config::{SecurityConfig, StackParts};
///
/// let tenant = key::custom(|parts, hasher| {
///     match Principal::from_extensions(&parts.extensions).and_then(Principal::tenant) {
///         Some(tenant) => {
///             hasher.str(tenant);
///             KeyOutcome::Set
///         }
///         None => KeyOutcome::Missing,
///     }
/// });
/// let parts = StackParts::new()
///     .key("tenant", tenant)
///     .events(|event: &SecurityEvent<'_>| println!("{}", event.code));
/// let stack = SecurityConfig::default().build(parts)?;
/// # let _ = stack;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "parts do nothing until a configuration is built with them"]
pub struct StackParts<St: Store = MemoryStore> {
    pub(super) store: St,
    pub(super) keys: BTreeMap<String, Key>,
    pub(super) auth: Option<AuthLayer>,
    pub(super) ownership: Option<OwnershipGuard>,
    pub(super) bans: Option<BanTable>,
    pub(super) sink: Option<Arc<dyn EventSink>>,
    pub(super) renderer: Option<Arc<dyn RejectionRenderer>>,
    pub(super) clock: Option<Arc<dyn Clock>>,
}

impl StackParts {
    /// Starts with nothing; requests are counted in the memory of this process.
    pub fn new() -> Self {
        Self {
            store: MemoryStore::default(),
            keys: BTreeMap::new(),
            auth: None,
            ownership: None,
            bans: None,
            sink: None,
            renderer: None,
            clock: None,
        }
    }
}

impl Default for StackParts {
    fn default() -> Self {
        Self::new()
    }
}

impl<St: Store> StackParts<St> {
    /// Sets where `[rate_limit]` and `[rate_limit_by_principal]` count. Default: [`MemoryStore::default`].
    pub fn store<Other: Store>(self, store: Other) -> StackParts<Other> {
        StackParts {
            store,
            keys: self.keys,
            auth: self.auth,
            ownership: self.ownership,
            bans: self.bans,
            sink: self.sink,
            renderer: self.renderer,
            clock: self.clock,
        }
    }

    /// Names a key for policies of the file, which write `{ custom = "name" }`. Repeatable.
    pub fn key(mut self, name: impl Into<String>, key: Key) -> Self {
        self.keys.insert(name.into(), key);
        self
    }

    /// Sets who finds out who is asking, where the file has no section `auth`. Default: nobody.
    pub fn auth(mut self, layer: AuthLayer) -> Self {
        self.auth = Some(layer);
        self
    }

    /// Sets who decides whose an object is. Default: nobody. It needs authentication, and is no part of the file.
    pub fn ownership(mut self, guard: OwnershipGuard) -> Self {
        self.ownership = Some(guard);
        self
    }

    /// Keeps the bans of `[bans]` in this table, which others may share; the section says nothing of how it counts then. Default: a table
    /// of its own.
    pub fn ban_table(mut self, table: BanTable) -> Self {
        self.bans = Some(table);
        self
    }

    /// As [`SecurityStack::events`](crate::SecurityStack::events).
    pub fn events(mut self, sink: impl EventSink) -> Self {
        self.sink = Some(Arc::new(sink));
        self
    }

    /// As [`SecurityStack::rejections`](crate::SecurityStack::rejections).
    pub fn rejections(mut self, renderer: impl RejectionRenderer) -> Self {
        self.renderer = Some(Arc::new(renderer));
        self
    }

    /// Sets the clock of events, of the limits and of the bans. Default: that of the system.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }
}

impl<St: Store> fmt::Debug for StackParts<St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<_> = self.keys.keys().collect();
        f.debug_struct("StackParts")
            .field("keys", &keys)
            .field("auth", &self.auth)
            .field("ownership", &self.ownership)
            .finish_non_exhaustive()
    }
}
