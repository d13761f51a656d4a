//! Which authorization decisions were taken for a request.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{Extensions, StatusCode};

use super::{Rejection, RequestContext};

/// What was decided about one request so far: guards and handlers write it, the tripwire that finds forgotten checks reads it.
///
/// A decision is never taken back: what was written stays until the request ends. Clones write to the same ledger.
#[derive(Clone)]
pub struct AuthzLedger(Place);

/// Where the bits lie. With slot 1 of the stack in front they cost no allocation.
#[derive(Clone)]
enum Place {
    Context(RequestContext),
    Own(Arc<LedgerBits>),
}

/// Why a request must not be answered as if it had been allowed: a fault of the program, and 500.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthzFault {
    /// Somebody said no, and the handler went on.
    DenialIgnored,
    /// Nobody has decided anything.
    Missing,
}

impl AuthzFault {
    /// Returns the stable code: `denial_ignored` or `authorization_missing`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::DenialIgnored => "denial_ignored",
            Self::Missing => "authorization_missing",
        }
    }

    /// The answer, which says nothing of the difference.
    pub(crate) fn rejection(self) -> Rejection {
        Rejection::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            Self::Missing.code(),
            "This request was not authorized",
        )
        .reason(self)
    }
}

/// A decision, or the reason why none is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LedgerEntry {
    /// Somebody was allowed to do it.
    Allow,
    /// Somebody was not.
    Deny,
    /// Nobody has to be asked: a public resource.
    Exempt,
    /// The query itself returns only what the principal may see.
    Scoped,
}

impl AuthzLedger {
    /// Returns the ledger of the request with these extensions; `None` where neither a stack nor a tripwire has put one.
    #[must_use]
    pub fn from_extensions(extensions: &Extensions) -> Option<Self> {
        match RequestContext::from_extensions(extensions) {
            Some(context) => Some(Self(Place::Context(context.clone()))),
            None => extensions.get().cloned(),
        }
    }

    /// Whether the request was allowed, exempted or restricted to what the principal may see.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        self.bits().has(LedgerEntry::Allow)
            || self.bits().has(LedgerEntry::Exempt)
            || self.bits().has(LedgerEntry::Scoped)
    }

    /// Whether something was denied, whatever was decided besides.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        self.bits().has(LedgerEntry::Deny)
    }

    /// What forbids to go on as if the request had been allowed; `None` if it was.
    ///
    /// A denial counts before all others: whoever was told no and goes on has ignored it.
    #[must_use]
    pub fn fault(&self) -> Option<AuthzFault> {
        if self.is_denied() {
            return Some(AuthzFault::DenialIgnored);
        }
        (!self.is_decided()).then_some(AuthzFault::Missing)
    }

    /// A ledger that nobody else reads.
    pub(crate) fn own() -> Self {
        Self(Place::Own(Arc::default()))
    }

    /// The ledger of this request; without slot 1 in front a new one, which is put into the extensions.
    pub(crate) fn of(extensions: &mut Extensions) -> Self {
        Self::from_extensions(extensions).unwrap_or_else(|| {
            let ledger = Self::own();
            extensions.insert(ledger.clone());
            ledger
        })
    }

    /// Writes to the ledger of this request; without slot 1 in front to a new one, which is put into the extensions.
    #[inline]
    pub(crate) fn note(extensions: &mut Extensions, entry: LedgerEntry) {
        if !Self::note_in(extensions, entry) {
            let bits = LedgerBits::default();
            bits.record(entry);
            extensions.insert(Self(Place::Own(Arc::new(bits))));
        }
    }

    /// Writes to the ledger of this request, if it has one, and says whether it has.
    #[inline]
    pub(crate) fn note_in(extensions: &Extensions, entry: LedgerEntry) -> bool {
        let bits = match RequestContext::from_extensions(extensions) {
            Some(context) => Some(context.ledger()),
            None => extensions.get::<Self>().map(Self::bits),
        };
        if let Some(bits) = bits {
            bits.record(entry);
        }
        bits.is_some()
    }

    pub(crate) fn record(&self, entry: LedgerEntry) {
        self.bits().record(entry);
    }

    fn bits(&self) -> &LedgerBits {
        match &self.0 {
            Place::Context(context) => context.ledger(),
            Place::Own(bits) => bits,
        }
    }
}

impl fmt::Debug for AuthzLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bits().fmt(f)
    }
}

/// The bits of a ledger, one for each [`LedgerEntry`]: in a byte of its own, so that to write one is a store, and not an exchange, which
/// takes as long as a small layer.
#[derive(Default)]
pub(crate) struct LedgerBits {
    allow: AtomicBool,
    deny: AtomicBool,
    exempt: AtomicBool,
    scoped: AtomicBool,
}

impl LedgerBits {
    // Relaxed: the bits guard no other memory, and who reads them after the handler has seen it end.
    #[inline]
    pub(crate) fn record(&self, entry: LedgerEntry) {
        self.bit(entry).store(true, Ordering::Relaxed);
    }

    pub(crate) fn has(&self, entry: LedgerEntry) -> bool {
        self.bit(entry).load(Ordering::Relaxed)
    }

    #[inline]
    const fn bit(&self, entry: LedgerEntry) -> &AtomicBool {
        match entry {
            LedgerEntry::Allow => &self.allow,
            LedgerEntry::Deny => &self.deny,
            LedgerEntry::Exempt => &self.exempt,
            LedgerEntry::Scoped => &self.scoped,
        }
    }
}

impl fmt::Debug for LedgerBits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [
            LedgerEntry::Allow,
            LedgerEntry::Deny,
            LedgerEntry::Exempt,
            LedgerEntry::Scoped,
        ];
        f.debug_set()
            .entries(all.into_iter().filter(|entry| self.has(*entry)))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{Context, Shared};

    fn with_context() -> Extensions {
        let mut extensions = Extensions::new();
        extensions.insert(RequestContext::new(Context {
            outer: None,
            request_id: None,
            client_ip: None,
            scheme: None,
            is_proxied: false,
            ledger: LedgerBits::default(),
            shared: Shared::new(None, None, None),
        }));
        extensions
    }

    #[test]
    fn a_stack_inside_a_stack_writes_to_the_outer_ledger() {
        let mut extensions = with_context();
        let outer = AuthzLedger::from_extensions(&extensions).unwrap();
        let context = RequestContext::from_extensions(&extensions).cloned();
        extensions.insert(RequestContext::new(Context {
            outer: context,
            request_id: None,
            client_ip: None,
            scheme: None,
            is_proxied: false,
            ledger: LedgerBits::default(),
            shared: Shared::new(None, None, None),
        }));
        let inner = AuthzLedger::from_extensions(&extensions).unwrap();
        inner.record(LedgerEntry::Allow);
        assert!(outer.is_decided());
    }

    #[test]
    fn each_entry_counts_for_itself() {
        let rows = [
            (LedgerEntry::Allow, true, false, "{Allow}"),
            (LedgerEntry::Deny, false, true, "{Deny}"),
            (LedgerEntry::Exempt, true, false, "{Exempt}"),
            (LedgerEntry::Scoped, true, false, "{Scoped}"),
        ];
        for (entry, decided, denied, debug) in rows {
            let ledger = AuthzLedger::of(&mut Extensions::new());
            assert!(!ledger.is_decided() && !ledger.is_denied());
            assert_eq!(ledger.fault(), Some(AuthzFault::Missing));
            ledger.record(entry);
            assert_eq!(
                (ledger.is_decided(), ledger.is_denied()),
                (decided, denied),
                "{entry:?}"
            );
            assert_eq!(format!("{ledger:?}"), debug);
            let fault = denied.then_some(AuthzFault::DenialIgnored);
            assert_eq!(ledger.fault(), fault);
        }
    }

    #[test]
    fn nothing_is_taken_back() {
        let ledger = AuthzLedger::of(&mut Extensions::new());
        for entry in [
            LedgerEntry::Deny,
            LedgerEntry::Allow,
            LedgerEntry::Deny,
            LedgerEntry::Allow,
        ] {
            ledger.record(entry);
        }
        assert!(ledger.is_decided() && ledger.is_denied());
    }

    #[test]
    fn all_who_ask_share_one_ledger() {
        for mut extensions in [Extensions::new(), with_context()] {
            let tripwire = AuthzLedger::of(&mut extensions);
            let handler = AuthzLedger::from_extensions(&extensions).expect("the tripwire put one");
            let guard = AuthzLedger::of(&mut extensions);
            handler.record(LedgerEntry::Allow);
            assert!(tripwire.is_decided() && guard.is_decided());
            AuthzLedger::note(&mut extensions, LedgerEntry::Deny);
            assert!(tripwire.is_denied() && handler.is_denied());
        }
    }

    #[test]
    fn the_context_holds_the_bits_and_without_it_there_is_no_ledger() {
        let mut extensions = with_context();
        AuthzLedger::of(&mut extensions).record(LedgerEntry::Deny);
        let context = RequestContext::from_extensions(&extensions).unwrap();
        assert!(context.ledger().has(LedgerEntry::Deny));
        assert!(extensions.get::<AuthzLedger>().is_none());

        assert!(AuthzLedger::from_extensions(&Extensions::new()).is_none());
        let mut extensions = Extensions::new();
        AuthzLedger::note(&mut extensions, LedgerEntry::Deny);
        let ledger = AuthzLedger::from_extensions(&extensions).expect("it was put there");
        assert_eq!(ledger.fault(), Some(AuthzFault::DenialIgnored));
    }
}
