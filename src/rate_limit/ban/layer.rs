//! The layer and the handle that changes it under traffic.

use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use tower_layer::Layer;

use super::config::{BanBuilder, OnDegraded};
use super::error::BanConfigError;
use super::refusals::Known;
use super::rule::Counter;
use super::service::Ban;
use super::table::BanTable;
use crate::core::sampler::Sampler;
use crate::core::{
    ClientEvents, ConfigErrors, Events, IpSet, Mistakes, Mode, Reload, ReloadHandle, TrustedProxies,
};
use crate::rate_limit::OnMissing;

/// Refuses clients that are banned, and bans those that give cause: scanners, and whoever is refused again and again
/// ([CWE-799](https://cwe.mitre.org/data/definitions/799.html), [CWE-307](https://cwe.mitre.org/data/definitions/307.html)).
///
#[doc = include_str!("guide.md")]
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is added to a service"]
pub struct BanLayer {
    core: Arc<Core>,
}

/// Everything that the services of one layer share.
pub(super) struct Core {
    pub(super) table: BanTable,
    pub(super) switches: Reload<Switches>,
    pub(super) handle: ReloadHandle<Switches>,
    pub(super) rules: Box<[RequestRule]>,
    pub(super) proxies: TrustedProxies,
    pub(super) on_missing: OnMissing,
    pub(super) on_degraded: OnDegraded,
    pub(super) hides_duration: bool,
    pub(super) refusals: Known,
    pub(super) events: Events,
    pub(super) told: Arc<Told>,
}

/// How many events there were.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) refusals: Sampler,
    pub(super) clients: ClientEvents,
}

impl Told {
    pub(super) fn new() -> Self {
        Self {
            refusals: Sampler::of_refusals(),
            clients: ClientEvents::new(),
        }
    }
}

/// What a [`BanHandle`] changes. A request reads it once.
#[derive(Clone, Debug, Default)]
pub(super) struct Switches {
    pub(super) mode: Mode,
    pub(super) safelist: IpSet,
    pub(super) blocklist: IpSet,
}

/// A rule over requests and its counts.
pub(super) struct RequestRule {
    pub(super) matches: Matcher,
    /// Whether a request that matches is refused.
    pub(super) refuses: bool,
    /// How events name it.
    pub(super) name: Box<str>,
    pub(super) counter: Arc<Counter>,
}

pub(super) type Matcher = Arc<dyn Fn(&Parts) -> bool + Send + Sync>;

impl BanLayer {
    /// Makes a layer over a table: no lists, no rules of its own, clients found by the peer of the connection.
    pub fn new(table: BanTable) -> Self {
        BanBuilder::default().unchecked(table)
    }

    /// Starts from the defaults.
    pub fn builder() -> BanBuilder {
        BanBuilder::default()
    }

    pub(super) fn of(core: Core) -> Self {
        Self {
            core: Arc::new(core),
        }
    }

    /// Counts events on from where `running` is. Only for a layer that nobody has a clone of.
    #[cfg(feature = "serde")]
    pub(crate) fn continuing(mut self, running: &Self) -> Self {
        if let Some(core) = Arc::get_mut(&mut self.core) {
            core.told = Arc::clone(&running.core.told);
        }
        self
    }

    /// Returns the table of bans.
    #[must_use]
    pub fn table(&self) -> &BanTable {
        &self.core.table
    }

    /// Returns the mode in force.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.core.switches.load().mode
    }

    /// Returns the clients that are never refused.
    #[must_use]
    pub fn safelist(&self) -> IpSet {
        self.core.switches.load().safelist.clone()
    }

    /// Returns the clients that are always refused.
    #[must_use]
    pub fn blocklist(&self) -> IpSet {
        self.core.switches.load().blocklist.clone()
    }

    /// Returns how many rules over requests there are.
    #[must_use]
    pub fn request_rules(&self) -> usize {
        self.core.rules.len()
    }

    /// Returns the settings that weaken the protection, each with whether it is on.
    #[must_use]
    pub fn dangerous(&self) -> [(&'static str, bool); 1] {
        [("dangerous_full_v6", self.core.table.is_full_v6())]
    }

    /// Returns a handle that changes the mode and the lists of this layer and of all its services at run time.
    #[must_use]
    pub fn handle(&self) -> BanHandle {
        BanHandle {
            switches: self.core.handle.clone(),
        }
    }
}

impl<S> Layer<S> for BanLayer {
    type Service = Ban<S>;

    fn layer(&self, inner: S) -> Ban<S> {
        Ban::new(inner, Arc::clone(&self.core))
    }
}

/// Changes the mode and the lists of a layer under traffic. Made by [`BanLayer::handle`].
///
/// # Example
///
/// ```
/// use tower_security::core::{IpNet, IpSet};
/// use tower_security::rate_limit::BanLayer;
///
/// let office: IpNet = "192.0.2.0/24".parse()?;
/// let feed: IpNet = "198.51.100.0/24".parse()?;
/// let layer = BanLayer::builder().safelist(IpSet::new([office])).build()?;
/// let handle = layer.handle();
///
/// // Each time the feed has changed:
/// handle.set_lists(IpSet::new([office]), IpSet::new([feed]))?;
/// assert!(layer.blocklist().contains("198.51.100.7".parse()?));
///
/// // What is refused changes nothing.
/// assert!(handle.set_lists(IpSet::new([office]), IpSet::new([office])).is_err());
/// assert!(layer.blocklist().contains("198.51.100.7".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct BanHandle {
    switches: ReloadHandle<Switches>,
}

impl BanHandle {
    /// Replaces both lists at once. Requests that arrive from now on are treated by them.
    ///
    /// # Errors
    ///
    /// [`BanConfigError::ListConflict`] for each range that stands in both; the lists stay as they are.
    pub fn set_lists(&self, safelist: IpSet, blocklist: IpSet) -> Result<(), ConfigErrors> {
        let mut mistakes = Mistakes::default();
        check_lists(&mut mistakes, &safelist, &blocklist);
        mistakes.finish(())?;
        let lists = Switches {
            mode: Mode::default(),
            safelist,
            blocklist,
        };
        self.switches.update(|switches| Switches {
            mode: switches.mode,
            ..lists.clone()
        });
        Ok(())
    }

    /// Switches the mode. Requests that arrive from now on are treated by it.
    pub fn set_mode(&self, mode: Mode) {
        self.switches.update(|switches| Switches {
            mode,
            ..switches.clone()
        });
    }

    /// Returns the mode in force.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.switches.load_full().mode
    }
}

/// Names the ranges that stand in both lists.
pub(super) fn check_lists(mistakes: &mut Mistakes, safelist: &IpSet, blocklist: &IpSet) {
    let safe = safelist.nets();
    for net in blocklist.nets() {
        if safe.binary_search(net).is_ok() {
            mistakes.push("bans.blocklist", BanConfigError::ListConflict { net: *net });
        }
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core")
            .field("table", &self.table)
            .field("switches", &self.switches)
            .field("rules", &self.rules)
            .field("proxies", &self.proxies)
            .field("on_missing", &self.on_missing)
            .field("on_degraded", &self.on_degraded)
            .field("hides_duration", &self.hides_duration)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RequestRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestRule")
            .field("name", &self.name)
            .field("matches", &format_args!("<fn>"))
            .finish_non_exhaustive()
    }
}
