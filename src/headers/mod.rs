//! `SecurityHeadersLayer`: the headers that tell browsers to protect the answers and their users.
//!
//! Without them a browser guesses content types ([CWE-430]), lets any site frame a page ([CWE-1021]), include its files and keep a
//! reference to its window ([XS-Leaks]), sends whole addresses along ([CWE-200]) and stores private pages ([CWE-525]).
//!
//! # What happens
//!
//! 1. Of the **request** is noted, where the configuration asks for it: whether it has `Authorization` or a session cookie
//!    ([`CachePolicy::Sensitive`]), and whether its path is one on which site data is cleared and it came over TLS.
//! 2. An **answer** with a status of 1xx, and an error (`Err`) of the service, are handed on untouched.
//! 3. The handler's headers that tell which software answers are taken off ([`Banner`],
//!    [`remove_header`](SecurityHeadersBuilder::remove_header)).
//! 4. Each header of the configuration is set in place of what the handler has set, unless
//!    [`if_absent`](SecurityHeadersBuilder::if_absent) lets that stand. To an answer of gRPC (`application/grpc*`, and no
//!    other type beside it, of which browsers would take the last) only `X-Content-Type-Options` and `Cache-Control` are set.
//! 5. `Cache-Control` is set as [`CachePolicy`] says, never with status 304.
//! 6. `Clear-Site-Data` is set on its paths, with a status below 400 ([`SecurityHeadersBuilder::clear_site_data_on`]).
//!
//! All final statuses are treated alike, and so are all methods: a 404, a 429 and the answer to a preflight have the headers too.
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use std::convert::Infallible;
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_security::SecurityHeadersLayer;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let service = SecurityHeadersLayer::web().layer(service_fn(|_: Request<()>| async {
//!     let mut page = Response::new(Full::new(Bytes::from_static(b"<h1>Orders</h1>")));
//!     page.headers_mut().insert("server", "orders/1.2".parse().unwrap());
//!     Ok::<_, Infallible>(page)
//! }));
//!
//! let stranger = Request::get("/").body(())?;
//! let answer = ServiceExt::<Request<()>>::oneshot(service.clone(), stranger).await?;
//! assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
//! assert_eq!(answer.headers()["x-frame-options"], "DENY");
//! assert!(!answer.headers().contains_key("server"));
//! assert!(!answer.headers().contains_key("cache-control"));
//!
//! let user = Request::get("/").header("cookie", "__Host-session=31d4d96e").body(())?;
//! let answer = ServiceExt::<Request<()>>::oneshot(service, user).await?;
//! assert_eq!(answer.headers()["cache-control"], "no-store, max-age=0");
//! # Ok(())
//! # }
//! ```
#![doc = include_str!("guide.md")]
//!
//! [CWE-200]: https://cwe.mitre.org/data/definitions/200.html
//! [CWE-430]: https://cwe.mitre.org/data/definitions/430.html
//! [CWE-525]: https://cwe.mitre.org/data/definitions/525.html
//! [CWE-1021]: https://cwe.mitre.org/data/definitions/1021.html
//! [XS-Leaks]: https://xsleaks.dev/

mod apply;
mod banners;
mod check;
mod clear_site_data;
mod compile;
mod config;
mod custom;
mod error;
mod feature;
mod future;
mod integrity;
mod layer;
mod names;
mod permissions;
mod presets;
mod reporting;
mod service;
mod settings;
mod values;

pub use banners::Banner;
pub use clear_site_data::ClearSiteData;
pub use config::{CachePolicy, SecurityHeadersBuilder};
pub use error::{FeatureProblem, HeadersConfigError};
pub use feature::Feature;
pub use future::ResponseFuture;
pub use integrity::IntegrityPolicy;
pub use layer::SecurityHeadersLayer;
pub use permissions::{Allow, PermissionsPolicy};
pub use presets::Preset;
pub use service::SecurityHeaders;
pub use values::{
    AgentCluster, Coep, Coop, Corp, FrameOptions, ReferrerPolicy, WeakReferrerPolicy,
};
