//! Threads that are held up at the worst moments.

pub(super) fn pause() {}
