//! Real servers on loopback, and clients that speak to them.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::Router;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tower::Service;
use tower_security::core::WithPeerAddr;

/// A server that ends with the test.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Server {
    /// Serves a router by `axum::serve`.
    pub(crate) async fn axum(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self {
            addr,
            _tasks: tasks,
        }
    }

    /// Serves a service by plain hyper, HTTP/1 with upgrades and HTTP/2 on one port.
    pub(crate) async fn hyper<S, B>(service: S) -> Self
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
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, peer) = listener.accept().await.unwrap();
                let service =
                    TowerToHyperService::new(WithPeerAddr::new(service.clone(), peer.into()));
                connections.spawn(async move {
                    let server = auto::Builder::new(TokioExecutor::new());
                    let stream = TokioIo::new(stream);
                    // A client that hangs up is not the server's failure.
                    let _ = server.serve_connection_with_upgrades(stream, service).await;
                });
            }
        });
        Self {
            addr,
            _tasks: tasks,
        }
    }

    /// Serves tonic routes.
    pub(crate) async fn tonic<L, B>(layer: L, routes: tonic::service::Routes) -> Self
    where
        L: tower::Layer<tonic::service::Routes> + Clone + Send + 'static,
        B: http_body::Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
            + Send
            + 'static,
        L::Service: Service<
                Request<tonic::body::Body>,
                Response = Response<B>,
                Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
                Future: Send,
            > + Clone
            + Send
            + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let incoming = tonic::transport::server::TcpIncoming::from(listener);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            tonic::transport::Server::builder()
                .accept_http1(true)
                .layer(layer)
                .add_routes(routes)
                .serve_with_incoming(incoming)
                .await
                .unwrap();
        });
        Self {
            addr,
            _tasks: tasks,
        }
    }

    /// Asks over HTTP/1 and reads the whole answer.
    pub(crate) async fn http1(&self, request: Request<Full<Bytes>>) -> Response<Bytes> {
        let stream = TcpStream::connect(self.addr).await.unwrap();
        let io = TokioIo::new(stream);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        let driver = tokio::spawn(connection);
        let answer = whole(sender.send_request(request).await.unwrap()).await;
        drop(sender);
        driver.await.unwrap().unwrap();
        answer
    }

    /// Asks over HTTP/2 and reads the whole answer; a stream that is reset is an error. A request that names no authority is given that
    /// of the server.
    pub(crate) async fn http2(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> hyper::Result<Response<Bytes>> {
        let stream = TcpStream::connect(self.addr).await.unwrap();
        let io = TokioIo::new(stream);
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await?;
        let driver = tokio::spawn(connection);
        if request.uri().authority().is_none() {
            let path = request.uri().path_and_query();
            let path = path.map_or("/", |path| path.as_str());
            *request.uri_mut() = format!("http://{}{path}", self.addr).parse().unwrap();
        }
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        drop(sender);
        let _ = driver.await.unwrap();
        Ok(Response::from_parts(head, body))
    }

    /// Writes bytes to a connection and returns what comes back until the server closes it or has answered one request.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.addr).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }
}

async fn whole(response: Response<Incoming>) -> Response<Bytes> {
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Response::from_parts(head, body)
}
