//! A real server over TLS, and clients that speak to it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rcgen::CertifiedKey;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tower::Service;
use tower::util::MapRequest;
use tower_security::core::{Tls, WithPeerAddr};

/// The names of its certificate, which nobody has signed: the browsers of `support::browser` accept it.
const NAMES: [&str; 4] = ["localhost", "*.localhost", "*.test", "127.0.0.1"];

/// A server on loopback that ends with the test: HTTP/2 and HTTP/1 by ALPN. Its requests carry `PeerAddr` and the marker `Tls`.
pub(crate) struct TlsServer {
    pub(crate) addr: SocketAddr,
    /// PEM.
    #[cfg_attr(
        not(feature = "jwks"),
        expect(dead_code, reason = "for clients that trust it")
    )]
    pub(crate) certificate: String,
    _tasks: JoinSet<()>,
}

impl TlsServer {
    /// Serves a service, such as an axum `Router` or what a layer makes of a `service_fn`.
    pub(crate) async fn start<S, B>(service: S) -> Self
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
        B: http_body::Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
            + Send
            + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (config, certificate) = config();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let service = MapRequest::new(service, |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Tls);
            request
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, peer) = listener.accept().await.unwrap();
                let acceptor = acceptor.clone();
                let service =
                    TowerToHyperService::new(WithPeerAddr::new(service.clone(), peer.into()));
                connections.spawn(async move {
                    // A browser hangs up on a certificate that it does not know, and comes again.
                    let Ok(stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let server = auto::Builder::new(TokioExecutor::new());
                    let stream = TokioIo::new(stream);
                    let _ = server.serve_connection_with_upgrades(stream, service).await;
                });
            }
        });
        Self {
            addr,
            certificate,
            _tasks: tasks,
        }
    }

    /// Returns the origin of this server under a name, such as `app.localhost` or `app.site.test`.
    pub(crate) fn origin(&self, host: &str) -> String {
        format!("https://{host}:{}", self.addr.port())
    }
}

fn config() -> (ServerConfig, String) {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(NAMES.map(str::to_owned)).unwrap();
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    // Named, since another crate of the tree may bring another provider.
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    (config, cert.pem())
}
