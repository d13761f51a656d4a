//! One service behind two ports: TLS, and plain HTTP that redirects to it.
//!
//! ```sh
//! cargo run --example https --features axum
//! ```
//!
//! The certificate is made at the start and signed by nobody, hence `-k`. `--resolve` stands for DNS. In another terminal:
//!
//! ```sh
//! # Over TLS: 200, with strict-transport-security: max-age=63072000; includeSubDomains
//! curl -ik --resolve app.example.com:3443:127.0.0.1 https://app.example.com:3443/orders
//!
//! # Without TLS: 308, with location: https://app.example.com:3443/orders?page=2
//! curl -i --resolve app.example.com:3080:127.0.0.1 'http://app.example.com:3080/orders?page=2'
//!
//! # Without TLS, and a header that anybody can write: 308
//! curl -i --resolve app.example.com:3080:127.0.0.1 http://app.example.com:3080/orders -H 'X-Forwarded-Proto: https'
//!
//! # A token that went out in clear: 308, and the event insecure_transport in the log of the server
//! curl -i --resolve app.example.com:3080:127.0.0.1 http://app.example.com:3080/orders -H 'Authorization: Bearer secret'
//!
//! # A host that nobody named: 400, with code host_refused, over TLS too
//! curl -i http://127.0.0.1:3080/orders -H 'Host: evil.example'
//! curl -ik https://127.0.0.1:3443/orders -H 'Host: evil.example'
//!
//! # A certificate authority's challenge: 200 without TLS
//! curl -i --resolve app.example.com:3080:127.0.0.1 http://app.example.com:3080/.well-known/acme-challenge/token-1
//!
//! # A WebSocket without TLS: 403, with code https_required
//! curl -i --resolve app.example.com:3080:127.0.0.1 http://app.example.com:3080/orders -H 'Upgrade: websocket'
//! ```

use std::error::Error;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use axum::extract::Path;
use axum::middleware::AddExtension;
use axum::routing::get;
use axum::{Extension, Router};
use axum_server::accept::{Accept, DefaultAcceptor};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use tokio::net::TcpStream;
use tower::Layer;
use tower_security::core::{ConfigErrors, SchemeSource, Tls};
use tower_security::https::{Hsts, HttpsLayer, OnInsecure, RedirectHost};

/// The names that the certificate is for, and that this service answers to.
pub const HOSTS: [&str; 2] = ["app.example.com", "localhost"];

/// Tells every request of a TLS connection that it is one.
#[derive(Clone, Copy, Debug)]
pub struct MarkTls;

impl<S: Send + 'static> Accept<TcpStream, S> for MarkTls {
    type Stream = TcpStream;
    type Service = AddExtension<S, Tls>;
    type Future = Pin<Box<dyn Future<Output = io::Result<(TcpStream, Self::Service)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let accepted = DefaultAcceptor::new().accept(stream, service);
        Box::pin(async {
            let (stream, service) = accepted.await?;
            Ok((stream, Extension(Tls).layer(service)))
        })
    }
}

/// The service of both ports.
pub fn app(https_port: u16) -> Result<Router, ConfigErrors> {
    let https = HttpsLayer::builder(SchemeSource::Tls)
        .on_insecure(OnInsecure::Redirect(RedirectHost::allow(HOSTS)))
        .allowed_hosts(HOSTS)
        .https_port(https_port)
        .exempt_acme()
        .hsts(Hsts::two_years())
        .build()?;
    Ok(Router::new()
        .route("/orders", get(async || "orders\n"))
        .route(
            "/.well-known/acme-challenge/{token}",
            get(async |Path(token): Path<String>| token),
        )
        .layer(https))
}

/// The acceptor of the TLS port, with a certificate of its own, and that certificate.
pub async fn acceptor() -> Result<(RustlsAcceptor<MarkTls>, Vec<u8>), Box<dyn Error + Send + Sync>>
{
    let made = rcgen::generate_simple_self_signed(HOSTS.map(str::to_owned))?;
    let certificate = made.cert.der().to_vec();
    let key = made.signing_key.serialize_der();
    let config = RustlsConfig::from_der(vec![certificate.clone()], key).await?;
    Ok((RustlsAcceptor::new(config).acceptor(MarkTls), certificate))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    // Events go to `tracing`.
    tracing_subscriber::fmt().init();
    let secure = SocketAddr::from(([127, 0, 0, 1], 3443));
    let plain = SocketAddr::from(([127, 0, 0, 1], 3080));
    let app = app(secure.port())?;
    let (acceptor, _) = acceptor().await?;
    println!("listening on https://localhost:3443 and http://localhost:3080");
    tokio::try_join!(
        axum_server::bind(secure).acceptor(acceptor).serve(
            app.clone()
                .into_make_service_with_connect_info::<SocketAddr>()
        ),
        axum_server::bind(plain).serve(app.into_make_service_with_connect_info::<SocketAddr>()),
    )?;
    Ok(())
}
