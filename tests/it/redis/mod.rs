//! A real Redis server, started by the tests.

mod bans;
mod differential;
mod hash_tag;
mod lease;
mod login;
mod node;
mod outage;
mod processes;
mod server;
mod store;

pub(crate) use node::{Node, key};
pub(crate) use server::Server;
