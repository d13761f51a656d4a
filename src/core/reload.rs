//! A compiled configuration that can be swapped under traffic.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use arc_swap::ArcSwap;

/// Where a layer reads its compiled configuration: a value that stays, or one that a [`ReloadHandle`] replaces.
///
/// Reading takes no lock. A request reads once and finishes with what it read, so that it never sees half of one configuration and
/// half of the next. Clones read the same cell. The handle and the readers keep the cell alive independently: either may be dropped
/// first.
///
/// # Example
///
/// ```
/// use std::sync::Arc;
/// use tower_security::core::Reload;
///
/// let (limit, handle) = Reload::shared(Arc::new(10));
/// let reader = limit.clone();
/// handle.store(Arc::new(20));
/// assert_eq!(*reader.load(), 20);
///
/// // Nothing can be stored to a fixed value: there is no handle to it.
/// assert_eq!(*Reload::fixed(Arc::new(10)).load(), 10);
/// ```
pub struct Reload<T>(Source<T>);

enum Source<T> {
    Fixed(Arc<T>),
    Shared(Arc<ArcSwap<T>>),
}

impl<T> Reload<T> {
    /// Makes a source of one value for ever.
    #[must_use]
    pub const fn fixed(value: Arc<T>) -> Self {
        Self(Source::Fixed(value))
    }

    /// Makes a source of what was stored last, and the handle to store with.
    #[must_use]
    pub fn shared(value: Arc<T>) -> (Self, ReloadHandle<T>) {
        let cell = Arc::new(ArcSwap::new(value));
        (Self(Source::Shared(Arc::clone(&cell))), ReloadHandle(cell))
    }

    /// Reads the value for a moment. A fixed value costs no reference count, a shared one usually none either.
    ///
    /// Do not keep the guard across an await: only a few guards per thread are free. Take [`load_full`](Self::load_full) there.
    pub fn load(&self) -> Loaded<'_, T> {
        Loaded(match &self.0 {
            Source::Fixed(value) => Guard::Fixed(value),
            Source::Shared(cell) => Guard::Shared(cell.load()),
        })
    }

    /// Reads the value to keep: one reference count.
    #[must_use]
    pub fn load_full(&self) -> Arc<T> {
        match &self.0 {
            Source::Fixed(value) => Arc::clone(value),
            Source::Shared(cell) => cell.load_full(),
        }
    }
}

impl<T> Clone for Reload<T> {
    fn clone(&self) -> Self {
        Self(match &self.0 {
            Source::Fixed(value) => Source::Fixed(Arc::clone(value)),
            Source::Shared(cell) => Source::Shared(Arc::clone(cell)),
        })
    }
}

impl<T: fmt::Debug> fmt::Debug for Reload<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            Source::Fixed(_) => "Fixed",
            Source::Shared(_) => "Shared",
        };
        f.debug_tuple(name).field(&*self.load()).finish()
    }
}

/// Replaces the value that the [`Reload`] made with it reads.
///
/// Check first, then store: there is no way back but to store the old value again.
pub struct ReloadHandle<T>(Arc<ArcSwap<T>>);

impl<T> ReloadHandle<T> {
    /// Replaces the value. Whoever reads from now on gets the new one; whoever has read keeps the old.
    pub fn store(&self, value: Arc<T>) {
        self.0.store(value);
    }

    /// Replaces the value by what `change` makes of it; `change` is called again if another handle was faster.
    pub fn update(&self, mut change: impl FnMut(&T) -> T) {
        self.0.rcu(|value| Arc::new(change(value)));
    }

    /// Reads what was stored last.
    #[must_use]
    pub fn load_full(&self) -> Arc<T> {
        self.0.load_full()
    }
}

impl<T> Clone for ReloadHandle<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: fmt::Debug> fmt::Debug for ReloadHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReloadHandle")
            .field(&**self.0.load())
            .finish()
    }
}

/// The value read by [`Reload::load`].
#[must_use = "a guard that is dropped at once has read nothing"]
pub struct Loaded<'a, T>(Guard<'a, T>);

enum Guard<'a, T> {
    Fixed(&'a Arc<T>),
    Shared(arc_swap::Guard<Arc<T>>),
}

impl<T> Loaded<'_, T> {
    /// The value to keep: the one that was read, also when another has been stored since.
    pub(crate) fn to_arc(&self) -> Arc<T> {
        Arc::clone(match &self.0 {
            Guard::Fixed(value) => value,
            Guard::Shared(value) => value,
        })
    }
}

impl<T> Deref for Loaded<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            Guard::Fixed(value) => value,
            Guard::Shared(value) => value,
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Loaded<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reader_sees_the_new_value_and_a_request_keeps_its_own() {
        let (layer, handle) = Reload::shared(Arc::new("old"));
        let service = layer.clone();
        let began_with = service.load_full();
        let guard = layer.load();
        handle.clone().store(Arc::new("new"));
        assert_eq!(*service.load(), "new");
        assert_eq!(*layer.load_full(), "new");
        assert_eq!(*handle.load_full(), "new");
        assert_eq!((*began_with, *guard), ("old", "old"));
    }

    #[test]
    fn no_update_is_lost_between_threads() {
        let (layer, handle) = Reload::shared(Arc::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..250).for_each(|_| handle.update(|value| value + 1)));
            }
        });
        assert_eq!(*layer.load(), 1_000);
    }

    #[test]
    fn handle_and_reader_outlive_each_other() {
        let (layer, handle) = Reload::shared(Arc::new(1));
        drop(layer);
        handle.store(Arc::new(2));
        assert_eq!(*handle.load_full(), 2);

        let (layer, handle) = Reload::shared(Arc::new(1));
        handle.store(Arc::new(3));
        drop(handle);
        assert_eq!(*layer.load(), 3);
    }

    #[test]
    fn a_fixed_value_is_read_without_counting() {
        let value = Arc::new(5);
        let source = Reload::fixed(Arc::clone(&value));
        let guard = source.load();
        assert_eq!((*guard, Arc::strong_count(&value)), (5, 2));
        assert!(Arc::ptr_eq(&source.clone().load_full(), &value));
    }

    #[test]
    fn debug_names_the_kind_and_the_value() {
        let (shared, handle) = Reload::shared(Arc::new(1));
        assert_eq!(
            format!("{shared:?} {handle:?}"),
            "Shared(1) ReloadHandle(1)"
        );
        assert_eq!(format!("{:?}", Reload::fixed(Arc::new(2))), "Fixed(2)");
    }
}
