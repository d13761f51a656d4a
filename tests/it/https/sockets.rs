//! Over real connections: HTTP/1, HTTP/2 and TLS, where the server decides what a request looks like.

use std::convert::Infallible;
use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tower::Service;

use super::*;
use crate::support::wire::Server;

async fn plain() -> Server {
    Server::hyper(built(own(SchemeSource::Tls)).layer(Spy::new())).await
}

/// Returns the status and the location of a raw answer.
async fn raw(server: &Server, bytes: &str) -> String {
    let answer = server.raw(bytes.as_bytes()).await;
    let status = answer.split(' ').nth(1).unwrap_or_default();
    let location = answer
        .lines()
        .find_map(|line| line.strip_prefix("location: "))
        .unwrap_or_default();
    format!("{status} {location}")
}

#[tokio::test]
async fn http1_targets_and_hosts() {
    let server = plain().await;
    let rows = [
        (
            "row 2",
            "GET /a?b HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n\r\n",
            "308 https://app.example/a?b",
        ),
        (
            "row 4",
            "GET https://app.example/ HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n\r\n",
            "308 https://app.example/",
        ),
        (
            "row 26: two",
            "GET / HTTP/1.1\r\nHost: app.example\r\nHost: app.example\r\nConnection: close\r\n\r\n",
            "400 ",
        ),
        (
            "row 26: disagreement",
            "GET http://app.example/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
            "400 ",
        ),
        (
            "row 26: none",
            "GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
            "400 ",
        ),
        (
            "row 26: empty",
            "GET / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n",
            "400 ",
        ),
        (
            "HTTP/1.0",
            "GET / HTTP/1.0\r\nHost: app.example\r\n\r\n",
            "308 https://app.example/",
        ),
        (
            "row 39: WebSocket",
            "GET / HTTP/1.1\r\nHost: app.example\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n\r\n",
            "403 ",
        ),
        (
            "row 39: OPTIONS *",
            "OPTIONS * HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n\r\n",
            "403 ",
        ),
        (
            "row 39: CONNECT",
            "CONNECT app.example:443 HTTP/1.1\r\nHost: app.example:443\r\nConnection: close\r\n\r\n",
            "403 ",
        ),
    ];
    for (name, bytes, expected) in rows {
        assert_eq!(raw(&server, bytes).await, expected, "{name}");
    }
}

/// Asks over HTTP/2 on a connection, and returns the status, the headers and whether there was a body.
async fn http2<I>(io: I, request: Request<Full<Bytes>>) -> (StatusCode, HeaderMap)
where
    I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(io));
    let (mut sender, connection) = handshake.await.expect("it speaks HTTP/2");
    let driver = tokio::spawn(connection);
    // The server's settings tell whether extended CONNECT may be asked for; they come first.
    sender.ready().await.expect("it is open");
    let (head, body) = sender
        .send_request(request)
        .await
        .expect("an answer")
        .into_parts();
    body.collect().await.expect("no reset");
    drop(sender);
    let _ = driver.await.expect("no panic");
    (head.status, head.headers)
}

#[tokio::test]
async fn http2_targets_and_hosts() {
    let server = plain().await;
    let ask = |method: &str, target: &str, lines: &[(&str, &str)]| {
        let request = request(method, target, lines);
        let addr = server.addr;
        async move {
            let (status, headers) = http2(TcpStream::connect(addr).await.unwrap(), request).await;
            let location = headers.get(LOCATION).map(|value| value.to_str().unwrap());
            format!("{} {}", status.as_u16(), location.unwrap_or_default())
        }
    };
    let redirected = "308 https://app.example/a?b";
    assert_eq!(ask("GET", "http://app.example/a?b", &[]).await, redirected);
    // Row 5: the client chooses `:scheme`.
    assert_eq!(ask("GET", "https://app.example/a?b", &[]).await, redirected);
    assert_eq!(ask("HEAD", "http://app.example/a?b", &[]).await, redirected);
    // Row 26.
    let host = |host| [("host", host)];
    let told = ask("GET", "http://app.example/", &host("evil.example")).await;
    assert_eq!(told, "400 ");
    let told = ask("GET", "http://app.example/a?b", &host("app.example")).await;
    assert_eq!(told, redirected);
    let told = ask("GET", "http://evil.example/", &[]).await;
    assert_eq!(told, "400 ");
    // Row 39.
    assert_eq!(ask("CONNECT", "app.example:443", &[]).await, "403 ");
}

/// What a listener makes of its connections: plain, or marked after a TLS handshake.
struct Listener {
    addr: SocketAddr,
    certificate: Option<rcgen::CertifiedKey<rcgen::KeyPair>>,
    _tasks: JoinSet<()>,
}

async fn serve<S, B>(service: S, tls: bool) -> Listener
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes, Error = Infallible> + Send + 'static,
{
    let certificate = tls.then(|| {
        rcgen::generate_simple_self_signed(["app.example".to_owned(), "localhost".to_owned()])
            .expect("a certificate")
    });
    let acceptor = certificate.as_ref().map(|made| {
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        let mut config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("they fit");
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (service, acceptor) = (service.clone(), acceptor.clone());
            connections.spawn(async move {
                let mut server = auto::Builder::new(TokioExecutor::new());
                server.http2().enable_connect_protocol();
                match acceptor {
                    None => {
                        let service = TowerToHyperService::new(service);
                        let _ = server.serve_connection(TokioIo::new(stream), service).await;
                    }
                    Some(acceptor) => {
                        let stream = acceptor.accept(stream).await.expect("a handshake");
                        let marked = axum::Extension(Tls).layer(service);
                        let service = TowerToHyperService::new(marked);
                        let _ = server.serve_connection(TokioIo::new(stream), service).await;
                    }
                }
            });
        }
    });
    Listener {
        addr,
        certificate,
        _tasks: tasks,
    }
}

async fn tls(listener: &Listener, name: &'static str, alpn: &str) -> TlsStream<TcpStream> {
    let made = listener.certificate.as_ref().expect("it speaks TLS");
    connect_tls(listener.addr, made.cert.der().to_vec(), name, alpn).await
}

/// Connects to a server whose certificate is known.
pub(super) async fn connect_tls(
    addr: SocketAddr,
    certificate: Vec<u8>,
    name: &'static str,
    alpn: &str,
) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.into()).expect("a root");
    let mut config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
    let stream = TcpStream::connect(addr).await.unwrap();
    let name = ServerName::try_from(name).expect("a name");
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect(name, stream).await.expect("a handshake")
}

#[tokio::test]
async fn extended_connect_is_refused_without_tls_and_passes_with_it() {
    let layer = built(own(SchemeSource::Tls));
    let websocket = |scheme: &str| {
        let mut request = request("CONNECT", &format!("{scheme}://app.example/chat"), &[]);
        let protocol = hyper::ext::Protocol::from_static("websocket");
        request.extensions_mut().insert(protocol);
        request
    };
    let listener = serve(layer.layer(Spy::new()), false).await;
    let stream = TcpStream::connect(listener.addr).await.unwrap();
    let (status, headers) = http2(stream, websocket("http")).await;
    assert_eq!(
        (status.as_u16(), headers.get(LOCATION)),
        (403, None),
        "row 39"
    );

    let listener = serve(layer.layer(Spy::new()), true).await;
    let stream = tls(&listener, "app.example", "h2").await;
    let (status, headers) = http2(stream, websocket("https")).await;
    assert_eq!(
        (
            status.as_u16(),
            headers[STRICT_TRANSPORT_SECURITY].to_str().unwrap()
        ),
        (200, TWO_YEARS)
    );
}

#[tokio::test]
async fn over_tls_requests_pass_and_get_hsts() {
    let layer = built(own(SchemeSource::Tls).allowed_hosts(["app.example"]));
    let listener = serve(layer.layer(Spy::new()), true).await;

    let ask = |target: &str| request("GET", target, &[]);
    let stream = tls(&listener, "app.example", "h2").await;
    let (status, headers) = http2(stream, ask("https://app.example/")).await;
    assert_eq!(status, 200);
    assert_eq!(headers[STRICT_TRANSPORT_SECURITY], TWO_YEARS, "row 1");
    // The client chooses this `:scheme` too.
    let stream = tls(&listener, "app.example", "h2").await;
    let (status, headers) = http2(stream, ask("http://app.example/")).await;
    assert_eq!(
        (
            status.as_u16(),
            headers[STRICT_TRANSPORT_SECURITY].as_bytes()
        ),
        (200, TWO_YEARS.as_bytes())
    );
    // Row 43.
    let stream = tls(&listener, "app.example", "h2").await;
    let (status, headers) = http2(stream, ask("https://evil.example/")).await;
    assert_eq!(
        (status.as_u16(), headers.get(STRICT_TRANSPORT_SECURITY)),
        (400, None)
    );

    let io = TokioIo::new(tls(&listener, "app.example", "http/1.1").await);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    let driver = tokio::spawn(connection);
    for (host, status, hsts) in [("app.example", 200, true), ("evil.example", 400, false)] {
        let answer = sender.send_request(to_host(host)).await.expect("an answer");
        let (head, body) = answer.into_parts();
        body.collect().await.expect("it is whole");
        assert_eq!(head.status, status);
        assert_eq!(head.headers.contains_key(STRICT_TRANSPORT_SECURITY), hsts);
    }
    drop(sender);
    let _ = driver.await.expect("no panic");
}
