//! Which names an object has had, so that none stands there twice.

use std::borrow::Cow;

/// Objects with more members than this cost an allocation.
const INLINE_NAMES: usize = 16;

/// The names that have been seen.
#[derive(Default)]
pub(super) struct Names<'a> {
    /// The bits of the early ones.
    marks: u64,
    early: [Cow<'a, str>; INLINE_NAMES],
    late: Vec<Cow<'a, str>>,
    count: usize,
}

impl<'a> Names<'a> {
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// Whether it is one of the first.
    #[inline]
    pub(super) fn has_early(&self, mark: u64, name: &str) -> bool {
        if self.marks & mark == 0 {
            return false;
        }
        let mut early = self.early.iter().take(self.count);
        early.any(|seen| seen == name)
    }

    /// Whether two of the others are the same. Looked for at the end, in order: among hundreds of names each against each costs more
    /// than the signature that nobody has checked yet.
    pub(super) fn has_late_twins(&mut self) -> bool {
        self.late.sort_unstable();
        let mut pairs = self.late.iter().zip(self.late.iter().skip(1));
        pairs.any(|(name, next)| name == next)
    }

    #[inline]
    pub(super) fn push(&mut self, mark: u64, name: Cow<'a, str>) {
        match self.early.get_mut(self.count) {
            Some(free) => {
                *free = name;
                self.marks |= mark;
            }
            None => self.late.push(name),
        }
        self.count = self.count.saturating_add(1);
    }
}

/// One bit for a name: where it is not set yet, the name has no twin and need not be compared. First and last letter tell apart the
/// usual claims, all but two. Whoever picks names of one bit has each compared with the early ones, and no more.
pub(super) fn mark(name: &str) -> u64 {
    let (first, last) = match *name.as_bytes() {
        [] => (0, 0),
        [only] => (only, only),
        [first, .., last] => (first, last),
    };
    let place = first.wrapping_add(last.wrapping_mul(3));
    1 << (place % 64)
}
