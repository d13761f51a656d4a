//! The content security policy.

mod policy_accepted;
mod policy_append;
mod policy_oracle;
mod policy_refused;
