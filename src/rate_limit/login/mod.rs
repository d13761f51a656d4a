//! Throttling of login attempts.
