//! Passwords: hashes, their pool, and what is told of them.

mod admission;
mod answers;
mod config;
mod events;
mod gate;
mod load;
mod upgrades;
mod vectors;

use tower_security::core::Secret;
use tower_security::password::{PasswordHasher, PasswordHasherBuilder};

/// One whose hashes take no time.
fn quick() -> PasswordHasherBuilder {
    PasswordHasher::builder().dangerous_test_cost()
}

fn secret(text: &str) -> Secret<String> {
    Secret::from(text)
}

const STAPLE: &str = "correct horse battery staple";
