use std::convert::Infallible;

use http::{Extensions, Response};
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt, service_fn};

use super::*;

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn the_own_extension_comes_first_and_a_plain_address_last() {
    let mut extensions = Extensions::new();
    assert_eq!(PeerAddr::from_extensions(&extensions), None);
    let mut last = None;
    let mut is_now = |extensions: &Extensions, expected: &str| {
        let peer = PeerAddr::from_extensions(extensions);
        assert_eq!(peer, Some(PeerAddr::Ip(addr(expected))));
        assert_ne!(peer, last);
        last = peer;
    };
    extensions.insert(addr("192.0.2.1:1"));
    is_now(&extensions, "192.0.2.1:1");
    #[cfg(feature = "tonic")]
    {
        extensions.insert(tonic::transport::server::TcpConnectInfo {
            local_addr: None,
            remote_addr: Some(addr("192.0.2.2:2")),
        });
        is_now(&extensions, "192.0.2.2:2");
    }
    #[cfg(feature = "axum")]
    {
        use axum::extract::connect_info::{ConnectInfo, MockConnectInfo};

        extensions.insert(MockConnectInfo(addr("192.0.2.3:3")));
        is_now(&extensions, "192.0.2.3:3");
        extensions.insert(ConnectInfo(addr("192.0.2.4:4")));
        is_now(&extensions, "192.0.2.4:4");
    }
    extensions.insert(PeerAddr::Ip(addr("192.0.2.5:5")));
    is_now(&extensions, "192.0.2.5:5");
}

#[cfg(all(feature = "tonic", unix))]
#[test]
fn the_unix_socket_of_tonic_is_one() {
    let mut extensions = Extensions::new();
    extensions.insert(tonic::transport::server::UdsConnectInfo {
        peer_addr: None,
        peer_cred: None,
    });
    assert_eq!(PeerAddr::from_extensions(&extensions), Some(PeerAddr::Unix));
}

/// Only a TLS handshake makes a value of this type.
#[cfg(feature = "tonic")]
#[test]
fn the_tls_connection_of_tonic_has_its_own_type() {
    use crate::core::client::peer::TonicTls;
    use tonic::transport::server::TcpConnectInfo;

    let name = std::any::type_name::<TonicTls<TcpConnectInfo>>();
    let inner = std::any::type_name::<TcpConnectInfo>();
    assert_eq!(
        name,
        format!("tonic::transport::server::conn::TlsConnectInfo<{inner}>")
    );
}

#[test]
fn a_function_of_the_users_is_asked_first() {
    #[derive(Clone)]
    struct Proxied(SocketAddr);

    let proxies = TrustedProxies::direct().peer_from(|extensions| {
        let Proxied(peer) = extensions.get()?;
        Some(PeerAddr::Ip(*peer))
    });
    let mut parts = call("10.0.0.1", &[]);
    let ip = |parts: &Parts| proxies.resolve(parts).unwrap().ip().to_string();
    assert_eq!(ip(&parts), "10.0.0.1");
    parts
        .extensions
        .insert(Proxied(addr("[::ffff:192.0.2.7]:1")));
    assert_eq!(ip(&parts), "192.0.2.7");
}

#[test]
fn peers_are_shown_in_one_spelling() {
    let mut extensions = Extensions::new();
    let mut seen = |addr: SocketAddr| {
        extensions.insert(PeerAddr::Ip(addr));
        TrustedProxies::direct().peer(&extensions)
    };
    let scoped = std::net::SocketAddrV6::new("fe80::1".parse().unwrap(), 7, 9, 3);
    assert_eq!(seen(scoped.into()), Some(PeerAddr::Ip(addr("[fe80::1]:7"))));
    assert_eq!(
        seen(addr("[::ffff:192.0.2.7]:7")),
        Some(PeerAddr::Ip(addr("192.0.2.7:7")))
    );
}

#[tokio::test]
async fn with_peer_addr_marks_each_request() {
    let inner = service_fn(async |request: Request<()>| {
        Ok::<_, Infallible>(PeerAddr::from_extensions(request.extensions()))
    });
    let peer = PeerAddr::from(addr("192.0.2.7:1"));
    let service = WithPeerAddr::new(inner, peer);
    let mut stale = Request::new(());
    stale.extensions_mut().insert(PeerAddr::Unix);
    for request in [Request::new(()), stale] {
        let answer = ServiceExt::<Request<()>>::oneshot(service.clone(), request).await;
        assert_eq!(answer, Ok(Some(peer)));
    }
}

#[tokio::test]
async fn hyper_serves_with_peer_addr() {
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use hyper_util::server::conn::auto;
    use hyper_util::service::TowerToHyperService;

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    let stack = ClientIpLayer::new(TrustedProxies::direct()).layer(service_fn(
        async |request: Request<hyper::body::Incoming>| {
            let client = ClientIp::from_extensions(request.extensions());
            let shown = client.map_or_else(String::new, |client| format!("{:?}", client.peer()));
            Ok::<_, Infallible>(Response::new(Full::new(bytes::Bytes::from(shown))))
        },
    ));
    let serving = tokio::spawn(async move {
        for _ in 0..2 {
            let (stream, peer) = listener.accept().await.unwrap();
            let service = TowerToHyperService::new(WithPeerAddr::new(stack.clone(), peer.into()));
            let connection = auto::Builder::new(TokioExecutor::new());
            connection
                .serve_connection(TokioIo::new(stream), service)
                .await
                .unwrap();
        }
    });

    let seen = |stream: &tokio::net::TcpStream| {
        format!("{:?}", Some(PeerAddr::Ip(stream.local_addr().unwrap())))
    };
    let stream = tokio::net::TcpStream::connect(server).await.unwrap();
    let expected = seen(&stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    let driving = tokio::spawn(connection);
    for _ in 0..2 {
        let request = Request::builder()
            .uri("/")
            .header("host", "app.example")
            .body(String::new())
            .unwrap();
        sender.ready().await.unwrap();
        let body = sender
            .send_request(request)
            .await
            .unwrap()
            .collect()
            .await
            .unwrap()
            .to_bytes();
        assert_eq!(body, expected);
    }
    drop(sender);
    driving.await.unwrap().unwrap();

    let stream = tokio::net::TcpStream::connect(server).await.unwrap();
    let expected = seen(&stream);
    let handshake =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    let driving = tokio::spawn(connection);
    let request = Request::builder()
        .uri("http://app.example/")
        .body(String::new())
        .unwrap();
    let body = sender
        .send_request(request)
        .await
        .unwrap()
        .collect()
        .await
        .unwrap()
        .to_bytes();
    assert_eq!(body, expected);
    drop(sender);
    driving.await.unwrap().unwrap();
    serving.await.unwrap();
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn axum_serves_with_connect_info() {
    use axum::Router;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    let app = Router::new()
        .route(
            "/",
            get(async |request: axum::extract::Request| {
                let client = ClientIp::from_extensions(request.extensions());
                client.map_or_else(String::new, |client| format!("{:?}", client.peer()))
            }),
        )
        .layer(ClientIpLayer::new(TrustedProxies::direct()));
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });

    let mut stream = tokio::net::TcpStream::connect(server).await.unwrap();
    let expected = format!("{:?}", Some(PeerAddr::Ip(stream.local_addr().unwrap())));
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: app.example\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with(&expected), "{answer}");
    serving.abort();
}

#[cfg(feature = "tonic")]
#[tokio::test]
async fn tonic_serves_with_connect_info() {
    use std::sync::{Arc, Mutex};
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_client::HealthClient;

    let seen = Arc::new(Mutex::new(None));
    let note = Arc::clone(&seen);
    let spy = tower::util::MapRequestLayer::new(move |request: Request<tonic::body::Body>| {
        *note.lock().unwrap() = ClientIp::from_extensions(request.extensions());
        request
    });
    let incoming = tonic::transport::server::TcpIncoming::bind(addr("127.0.0.1:0")).unwrap();
    let server = incoming.local_addr().unwrap();
    let (_reporter, health) = tonic_health::server::health_reporter();
    let serving = tokio::spawn(
        tonic::transport::Server::builder()
            .layer(ClientIpLayer::new(TrustedProxies::direct()))
            .layer(spy)
            .add_service(health)
            .serve_with_incoming(incoming),
    );
    let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{server}")).unwrap();
    let mut client = HealthClient::new(endpoint.connect().await.unwrap());
    client
        .check(HealthCheckRequest {
            service: String::new(),
        })
        .await
        .unwrap();
    let client = seen.lock().unwrap().unwrap();
    assert_eq!(
        (client.ip().to_string().as_str(), client.source()),
        ("127.0.0.1", IpSource::Peer)
    );
    serving.abort();
}
