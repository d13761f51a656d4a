//! The same protection on plain hyper, HTTP/1 and HTTP/2 on one port.
//!
//! ```sh
//! cargo run --example hyper_service
//! ```
//!
//! Then, in another terminal:
//!
//! ```sh
//! # A cross-site POST over HTTP/1: 403, with code csrf_refused
//! curl -i --http1.1 -X POST http://127.0.0.1:3001/ -H 'Origin: https://evil.example' -H 'Sec-Fetch-Site: cross-site'
//!
//! # A refused HEAD over HTTP/2: 403, the head alone
//! curl -i --http2-prior-knowledge -I http://127.0.0.1:3001/ -H 'Sec-Fetch-Site: cross-site'
//!
//! # Who is calling, as the stack found it: 200, hello 127.0.0.1
//! curl -i --http2-prior-knowledge http://127.0.0.1:3001/
//! ```

use std::convert::Infallible;
use std::error::Error;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tower::{Layer, Service, service_fn};
use tower_security::core::{ClientIp, ConfigErrors, TrustedProxies, WithPeerAddr};
use tower_security::csrf::Isolation;
use tower_security::{CsrfLayer, SecurityStack};

/// The handler behind the stack; each connection gets a clone.
pub fn service() -> Result<
    impl Service<Request<Incoming>, Response = Response<Full<Bytes>>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + 'static,
    ConfigErrors,
> {
    // Isolation refuses cross-site reads too, so that a refused HEAD can be seen.
    let csrf = CsrfLayer::builder().isolation(Isolation::new()).build()?;
    let stack = SecurityStack::new()
        .client_ip(TrustedProxies::direct())
        .csrf(csrf);
    Ok(stack.layer(service_fn(hello)))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let service = service()?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3001").await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        let service = WithPeerAddr::new(service.clone(), peer.into());
        tokio::spawn(async move {
            let server = auto::Builder::new(TokioExecutor::new());
            let connection =
                server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
            if let Err(error) = connection.await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

async fn hello(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let client = ClientIp::from_extensions(request.extensions());
    let client = client.map_or_else(|| "stranger".to_owned(), |client| client.ip().to_string());
    Ok(Response::new(Full::from(format!("hello {client}\n"))))
}
