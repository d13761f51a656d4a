//! The stack in service, and the handle that replaces its configuration.
#![expect(
    clippy::disallowed_types,
    reason = "serialises the writers of a reload cell; requests never take it"
)]

use std::fmt;
use std::mem::replace;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use http::Request;
use tower_layer::Layer;
use tower_service::Service;

use super::compile::{Compiled, Slots};
use super::{SecurityConfig, StackParts};
use crate::core::{ConfigErrors, Reload, ReloadHandle};
use crate::rate_limit::{MemoryStore, Store};
use crate::stack::Posture;

/// The body that the service inside the stack gets.
#[cfg(feature = "sanitize")]
type InnerBody<B> = crate::sanitize::GuardedBody<Limited<B>>;
#[cfg(not(feature = "sanitize"))]
type InnerBody<B> = Limited<B>;
#[cfg(feature = "limits")]
type Limited<B> = crate::limits::LimitedBody<B>;
#[cfg(not(feature = "limits"))]
type Limited<B> = B;

/// What the stacks and services of one configuration share.
struct Live<St: Store> {
    compiled: Reload<Compiled<St>>,
    cell: ReloadHandle<Compiled<St>>,
    parts: StackParts<St>,
    writing: Mutex<()>,
}

pub(super) fn build<St: Store + Clone>(
    config: SecurityConfig,
    parts: StackParts<St>,
) -> Result<Stack<St>, ConfigErrors> {
    let compiled = Compiled::new(config, &parts, None)?;
    let (compiled, cell) = Reload::shared(Arc::new(compiled));
    Ok(Stack {
        live: Arc::new(Live {
            compiled,
            cell,
            parts,
            writing: Mutex::new(()),
        }),
    })
}

/// A stack made by [`SecurityConfig::build`]: one type, whatever the configuration says.
///
/// A layer like [`SecurityStack`](crate::SecurityStack), but that a [`StackHandle`] replaces all of it at once. A request passes through
/// the layers of one configuration, the one in force when it came, from the outermost to the innermost: nothing is ever mixed.
///
/// The inner service is cloned once for each request.
#[must_use = "a stack protects nothing until it is given to a router or wrapped around a service"]
pub struct Stack<St: Store = MemoryStore> {
    live: Arc<Live<St>>,
}

impl<St: Store + Clone> Stack<St> {
    /// Returns what replaces the configuration. All handles of a stack are the same.
    #[must_use]
    pub fn handle(&self) -> StackHandle<St> {
        StackHandle {
            live: Arc::clone(&self.live),
        }
    }

    /// Says what is protected and how, by the configuration in force. What is not listed is absent.
    #[must_use]
    pub fn posture(&self) -> Posture {
        self.live.compiled.load().posture(&self.live.parts)
    }
}

/// Replaces the configuration of a [`Stack`] under traffic. Made by [`Stack::handle`].
///
/// # Example
///
/// ```
/// use tower_security::stack::config::{SecurityConfig, StackParts};
///
/// let config = |origin: &str| {
///     toml::from_str::<SecurityConfig>(&format!("[cors]\norigins = [{origin:?}]\n"))
/// };
/// let stack = config("https://old.example.com")?.build(StackParts::new())?;
/// let handle = stack.handle();
///
/// handle.reload(config("https://new.example.com")?)?;
/// assert_eq!(handle.config(), config("https://new.example.com")?);
///
/// assert!(handle.reload(config("new.example.com")?).is_err());
/// assert_eq!(handle.config(), config("https://new.example.com")?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct StackHandle<St: Store = MemoryStore> {
    live: Arc<Live<St>>,
}

impl<St: Store + Clone> StackHandle<St> {
    /// Checks a configuration, makes all of it, and puts it into force.
    ///
    /// Requests that come from now on pass through it; those under way finish with what they began with. Counters of policies that keep
    /// name and key survive, and so do bans and all that [`StackParts`] holds. Secrets are read again.
    ///
    /// # Errors
    ///
    /// As [`SecurityConfig::build`], and [`NeedsRestart`](super::StackConfigError::NeedsRestart) for what a running stack cannot change.
    /// The configuration in force stays, and so does everything that it counts.
    pub fn reload(&self, config: SecurityConfig) -> Result<(), ConfigErrors> {
        let live = &self.live;
        let _writing = live.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let current = live.cell.load_full();
        let next = Compiled::new(config, &live.parts, Some(&*current))?;
        // The current one is still there: counters that both have are the same.
        live.cell.store(Arc::new(next));
        Ok(())
    }

    /// Returns the configuration in force.
    #[must_use]
    pub fn config(&self) -> SecurityConfig {
        self.live.compiled.load().config.clone()
    }

    /// As [`Stack::posture`].
    #[must_use]
    pub fn posture(&self) -> Posture {
        self.live.compiled.load().posture(&self.live.parts)
    }
}

impl<St: Store, S> Layer<S> for Stack<St> {
    type Service = StackService<S, St>;

    fn layer(&self, inner: S) -> StackService<S, St> {
        StackService {
            inner,
            live: Arc::clone(&self.live),
        }
    }
}

/// The service of [`Stack`].
pub struct StackService<S, St: Store = MemoryStore> {
    inner: S,
    live: Arc<Live<St>>,
}

impl<S, St, B> Service<Request<B>> for StackService<S, St>
where
    S: Service<Request<InnerBody<B>>> + Clone,
    St: Store,
    <Slots<St> as Layer<S>>::Service: Service<Request<B>, Error = S::Error>,
{
    type Response = <<Slots<St> as Layer<S>>::Service as Service<Request<B>>>::Response;
    type Error = S::Error;
    type Future = <<Slots<St> as Layer<S>>::Service as Service<Request<B>>>::Future;

    /// The layers of this crate are ready when what they stand around is.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let clone = self.inner.clone();
        let ready = replace(&mut self.inner, clone);
        // To put the layers around it costs a reference count each, which is what a clone of such a service costs too.
        let compiled = self.live.compiled.load();
        compiled.slots.layer(ready).call(request)
    }
}

impl<St: Store> Clone for Stack<St> {
    fn clone(&self) -> Self {
        Self {
            live: Arc::clone(&self.live),
        }
    }
}

impl<St: Store> Clone for StackHandle<St> {
    fn clone(&self) -> Self {
        Self {
            live: Arc::clone(&self.live),
        }
    }
}

impl<S: Clone, St: Store> Clone for StackService<S, St> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            live: Arc::clone(&self.live),
        }
    }
}

impl<St: Store> fmt::Debug for Stack<St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack")
            .field("config", &self.live.compiled.load().config)
            .finish_non_exhaustive()
    }
}

impl<St: Store> fmt::Debug for StackHandle<St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StackHandle")
            .field("config", &self.live.compiled.load().config)
            .finish_non_exhaustive()
    }
}

impl<S: fmt::Debug, St: Store> fmt::Debug for StackService<S, St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StackService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
