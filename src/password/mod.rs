#![doc = include_str!("guide.md")]

mod commonest;
mod config;
mod cost;
mod error;
mod hasher;
mod policy;
mod pool;
mod report;
mod stored;
mod wait;

pub use config::PasswordHasherBuilder;
pub use cost::{Argon2Cost, Ceiling};
pub use error::{
    CostProblem, HashError, PasswordConfigError, PasswordFault, PoolProblem, VerifyError,
};
pub use hasher::{PasswordHasher, Verified};
pub use policy::{
    BreachChecker, PasswordPolicy, PasswordPolicyBuilder, PasswordProblem, PolicyConfigError,
    PolicyProblem, PolicyRefusal,
};
