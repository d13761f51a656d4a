//! What is wrong with a limiter's configuration.
