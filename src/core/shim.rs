#![allow(missing_docs)]
use http::Extensions;
use std::net::IpAddr;
#[derive(Clone, Copy, Debug)]
pub struct ClientIp(IpAddr);
impl ClientIp {
    pub fn ip(&self) -> IpAddr {
        self.0
    }
    pub fn from_extensions(e: &Extensions) -> Option<Self> {
        e.get().copied()
    }
}
#[derive(Clone, Copy, Debug)]
pub enum RequestScheme {
    Http,
    Https,
}
#[derive(Clone, Debug)]
pub struct Principal;
impl Principal {
    pub fn subject(&self) -> &str {
        ""
    }
    pub fn tenant(&self) -> Option<&str> {
        None
    }
    pub fn from_extensions(e: &Extensions) -> Option<&Self> {
        e.get()
    }
}
