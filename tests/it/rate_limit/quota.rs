//! Rate limits: quota.
