//! What the stores in memory have in common: rows of a bounded number, found by a key, and by a subject the oldest first.
#![expect(
    clippy::disallowed_types,
    reason = "requests share the lock; who changes a row has it alone for a few hash operations"
)]

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use super::{StoreError, StoreErrorKind};

/// What a store in memory keeps.
pub(crate) trait Row: Clone {
    type Key: Copy + Eq + Hash;

    /// What rows of this kind are called, in the words of an operator: `sessions`.
    const KIND: &'static str;

    /// Whose it is.
    fn subject(&self) -> &str;

    /// When it is over, if ever: from then on it makes way for others.
    fn ends_at(&self) -> Option<SystemTime>;
}

/// The rows of one store. Clones share them.
pub(crate) struct Table<R: Row>(Arc<RwLock<Rows<R>>>);

/// The rows, for whoever looks at them or has them alone.
pub(crate) struct Rows<R: Row> {
    capacity: usize,
    rows: HashMap<R::Key, R>,
    /// Those of each subject, the oldest first.
    subjects: HashMap<Box<str>, Vec<R::Key>>,
    /// No row is over before: looking for one in a full table would cost each new row as much as there are. `None`: no row ends.
    first_end: Option<SystemTime>,
}

impl<R: Row> Table<R> {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(Arc::new(RwLock::new(Rows {
            capacity,
            rows: HashMap::new(),
            subjects: HashMap::new(),
            first_end: None,
        })))
    }

    // Nothing panics while it holds the lock: the rows are whole whatever happened to another thread.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&Rows<R>) -> T) -> T {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes rows in one step: nobody sees half of what `change` does.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Rows<R>) -> T) -> T {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<R: Row> Clone for Table<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<R: Row> Rows<R> {
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) const fn capacity(&self) -> usize {
        self.capacity
    }

    pub(crate) fn get(&self, key: &R::Key) -> Option<&R> {
        self.rows.get(key)
    }

    /// The rows of a subject, the oldest first.
    pub(crate) fn of(&self, subject: &str) -> impl Iterator<Item = (R::Key, &R)> {
        let keys = self.subjects.get(subject).into_iter().flatten();
        keys.filter_map(|key| Some((*key, self.rows.get(key)?)))
    }

    /// Keeps a row as the youngest of its subject. In a full table those that are over at `now` make way, and if there are none, it
    /// is refused: what lives is never dropped for another's.
    pub(crate) fn insert(
        &mut self,
        key: R::Key,
        row: &R,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        self.remove(&key);
        if self.rows.len() >= self.capacity {
            self.purge(now);
        }
        if self.rows.len() >= self.capacity {
            let text = format!("{} {}, and none of them is over", self.capacity, R::KIND);
            return Err(StoreError::new(StoreErrorKind::Full, text));
        }
        self.add(key, row);
        Ok(())
    }

    /// Puts a row in the place of another, under the same key or a new one. Of the same subject, it stays as old as that was. `false`,
    /// and nothing is kept, if the other is not there.
    pub(crate) fn replace(&mut self, old: &R::Key, new: R::Key, row: &R) -> bool {
        let Some(before) = self.rows.get(old) else {
            return false;
        };
        if before.subject() != row.subject() || (*old != new && self.rows.contains_key(&new)) {
            self.remove(old);
            self.remove(&new);
            self.add(new, row);
            return true;
        }
        let keys = self.subjects.get_mut(row.subject()).into_iter().flatten();
        for key in keys.filter(|key| *key == old) {
            *key = new;
        }
        self.rows.remove(old);
        self.keep(new, row);
        true
    }

    pub(crate) fn remove(&mut self, key: &R::Key) -> bool {
        let Some(row) = self.rows.remove(key) else {
            return false;
        };
        self.forget_missing(row.subject());
        true
    }

    /// Removes the rows of a subject that are not to stay, and says how many.
    pub(crate) fn remove_of(&mut self, subject: &str, stays: impl Fn(&R::Key, &R) -> bool) -> u64 {
        let mut removed = 0_u64;
        for key in self.subjects.get(subject).into_iter().flatten() {
            if self.rows.get(key).is_some_and(|row| !stays(key, row)) {
                self.rows.remove(key);
                removed = removed.saturating_add(1);
            }
        }
        self.forget_missing(subject);
        removed
    }

    /// Makes room among the rows of a subject for one more: those that are over go, and of the others the oldest, until fewer than
    /// `most` are left.
    pub(crate) fn trim(&mut self, subject: &str, most: NonZeroU32, now: SystemTime) {
        self.remove_of(subject, |_, row| !is_over(row, now));
        let alive = self.of(subject).count();
        let most = usize::try_from(most.get()).unwrap_or(usize::MAX);
        let excess = alive.saturating_add(1).saturating_sub(most);
        let oldest: HashSet<_> = self.of(subject).map(|(key, _)| key).take(excess).collect();
        self.remove_of(subject, |key, _| !oldest.contains(key));
    }

    /// Removes what is over, and says how much.
    pub(crate) fn purge(&mut self, now: SystemTime) -> u64 {
        if self.first_end.is_none_or(|first| now < first) {
            return 0;
        }
        let over = self.rows.extract_if(|_, row| is_over(row, now));
        let over: Vec<R> = over.map(|(_, row)| row).collect();
        let subjects: HashSet<&str> = over.iter().map(R::subject).collect();
        for subject in subjects {
            self.forget_missing(subject);
        }
        self.first_end = self.rows.values().filter_map(R::ends_at).min();
        u64::try_from(over.len()).unwrap_or(u64::MAX)
    }

    fn add(&mut self, key: R::Key, row: &R) {
        match self.subjects.get_mut(row.subject()) {
            Some(keys) => keys.push(key),
            None => {
                self.subjects.insert(row.subject().into(), vec![key]);
            }
        }
        self.keep(key, row);
    }

    fn keep(&mut self, key: R::Key, row: &R) {
        if let Some(end) = row.ends_at() {
            self.first_end = Some(self.first_end.map_or(end, |first| first.min(end)));
        }
        self.rows.insert(key, row.clone());
    }

    /// Takes the keys of rows that are gone from the list of their subject.
    fn forget_missing(&mut self, subject: &str) {
        if let Some(keys) = self.subjects.get_mut(subject) {
            keys.retain(|key| self.rows.contains_key(key));
            if keys.is_empty() {
                self.subjects.remove(subject);
            }
        }
    }
}

fn is_over(row: &impl Row, now: SystemTime) -> bool {
    row.ends_at().is_some_and(|end| end <= now)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A subject, and when it is over.
    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Note(&'static str, Option<u64>);

    impl Row for Note {
        type Key = u32;
        const KIND: &'static str = "notes";

        fn subject(&self) -> &str {
            self.0
        }

        fn ends_at(&self) -> Option<SystemTime> {
            self.1.map(at)
        }
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// The keys of alice, those of bob, and how many rows there are.
    fn seen(table: &Table<Note>) -> (Vec<u32>, Vec<u32>, usize) {
        table.read(|rows| {
            let of = |subject| rows.of(subject).map(|(key, _)| key).collect();
            let listed = rows.subjects.values().map(Vec::len).sum::<usize>();
            assert_eq!(listed, rows.len(), "each row is listed once");
            assert!(rows.subjects.values().all(|keys| !keys.is_empty()));
            (of("alice"), of("bob"), rows.len())
        })
    }

    fn table(capacity: usize, notes: &[(u32, Note)]) -> Table<Note> {
        let table = Table::with_capacity(capacity);
        for (key, note) in notes {
            table.change(|rows| rows.insert(*key, note, at(0))).unwrap();
        }
        table
    }

    #[test]
    fn a_full_table_refuses_and_drops_nothing_that_lives() {
        let table = table(2, &[(1, Note("alice", Some(10))), (2, Note("bob", None))]);
        let insert = |key, now| table.change(|rows| rows.insert(key, &Note("bob", None), at(now)));
        let full = insert(3, 9).unwrap_err();
        assert_eq!(full.kind(), StoreErrorKind::Full);
        assert_eq!(full.text(), "2 notes, and none of them is over");
        assert_eq!(seen(&table), (vec![1], vec![2], 2));
        insert(3, 10).unwrap();
        assert_eq!(seen(&table), (vec![], vec![2, 3], 2));
        assert!(insert(4, u64::from(u32::MAX)).is_err(), "neither ends");
        // Under a key that there is, a row takes no more room.
        insert(2, 10).unwrap();
        assert_eq!(seen(&table), (vec![], vec![3, 2], 2));
    }

    #[test]
    fn a_row_that_replaces_another_is_as_old() {
        let notes = [1, 2, 3].map(|key| (key, Note("alice", None)));
        let table = table(10, &notes);
        let replace = |old, new, subject| {
            table.change(|rows| rows.replace(&old, new, &Note(subject, Some(5))))
        };
        assert!(replace(2, 2, "alice"), "in place");
        assert_eq!(table.read(|rows| rows.get(&2).unwrap().1), Some(5));
        assert!(replace(2, 4, "alice"));
        assert_eq!(seen(&table), (vec![1, 4, 3], vec![], 3));
        assert!(!replace(2, 5, "alice"), "it is gone");
        assert!(replace(4, 5, "bob"));
        assert_eq!(seen(&table), (vec![1, 3], vec![5], 3));
        assert!(replace(1, 3, "alice"), "over another");
        assert_eq!(seen(&table), (vec![3], vec![5], 2));
        // Replaced, it ends when the new one does.
        assert_eq!(table.change(|rows| rows.purge(at(4))), 0);
        assert_eq!(table.change(|rows| rows.purge(at(5))), 2);
        assert_eq!(seen(&table), (vec![], vec![], 0));
    }

    #[test]
    fn a_subject_loses_its_own_rows_alone() {
        let notes = [
            (1, Note("alice", None)),
            (2, Note("bob", None)),
            (3, Note("alice", None)),
            (4, Note("alice", None)),
        ];
        let table = table(10, &notes);
        let removed = table.change(|rows| rows.remove_of("alice", |key, _| *key == 3));
        assert_eq!((removed, seen(&table)), (2, (vec![3], vec![2], 2)));
        assert_eq!(
            table.change(|rows| rows.remove_of("nobody", |_, _| false)),
            0
        );
        assert!(table.change(|rows| rows.remove(&2)));
        assert!(!table.change(|rows| rows.remove(&2)));
        assert_eq!(seen(&table), (vec![3], vec![], 1));
    }

    #[test]
    fn what_is_over_goes_before_the_oldest_does() {
        let ends = [None, Some(10), None, Some(20), None];
        let notes: Vec<_> = (1..).zip(ends.map(|end| Note("alice", end))).collect();
        let most = |number| NonZeroU32::new(number).unwrap();
        let trimmed = |number, now| {
            let table = table(10, &notes);
            table.change(|rows| rows.trim("alice", most(number), at(now)));
            seen(&table).0
        };
        assert_eq!(trimmed(6, 0), [1, 2, 3, 4, 5]);
        assert_eq!(trimmed(5, 0), [2, 3, 4, 5]);
        assert_eq!(trimmed(5, 10), [1, 3, 4, 5]);
        assert_eq!(trimmed(6, 20), [1, 3, 5]);
        assert_eq!(trimmed(3, 20), [3, 5]);
        assert_eq!(trimmed(1, 0), [0; 0]);
    }
}
