//! A real Redis server, started by the tests.

mod node;
mod server;
mod store;

pub(crate) use node::{Node, key, now};
pub(crate) use server::Server;
