//! Which policies of a set are meant.

use super::policy::MAX_POLICIES;

const _: () = assert!(MAX_POLICIES <= 8, "a bit for each policy");

/// A bit for each policy of a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks(u8);

impl Marks {
    pub(super) const NONE: Self = Self(0);

    pub(super) fn of(index: usize) -> Self {
        let mut marks = Self::NONE;
        marks.insert(index);
        marks
    }

    pub(super) fn insert(&mut self, index: usize) {
        let bit = u32::try_from(index)
            .ok()
            .and_then(|index| 1_u8.checked_shl(index));
        self.0 |= bit.unwrap_or(0);
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn first(self) -> Option<usize> {
        self.iter().next()
    }

    /// The marked place, if there is one alone.
    pub(super) const fn only(self) -> Option<usize> {
        if self.0.is_power_of_two() {
            Some(self.0.trailing_zeros() as usize)
        } else {
            None
        }
    }

    /// The marked places, the lowest first.
    pub(super) fn iter(self) -> impl Iterator<Item = usize> {
        (0..MAX_POLICIES).filter(move |index| self.0 >> index & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_told_in_order() {
        let mut marks = Marks::of(5);
        marks.insert(0);
        marks.insert(7);
        marks.insert(8);
        assert_eq!(marks.iter().collect::<Vec<_>>(), [0, 5, 7]);
        assert_eq!((marks.first(), marks.only()), (Some(0), None));
        assert_eq!(Marks::of(5).only(), Some(5));
        assert_eq!(Marks::NONE.only(), None);
        assert!(Marks::NONE.is_empty() && !marks.is_empty());
    }
}
