//! Rate limits: threads.
