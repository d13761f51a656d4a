//! The other end of the connection, wherever a server puts it.

use std::net::SocketAddr;
use std::task::{Context, Poll};

use http::{Extensions, Request};
use tower_service::Service;

/// The other end of the connection on which a request came in: the client itself, or the proxy in front of this server.
///
/// A request extension. axum and tonic attach types of their own, which are understood too (features `axum`, `tonic`); a server
/// built on hyper attaches this one with [`WithPeerAddr`], and so does a listener that reads the PROXY protocol.
///
/// # Example
///
/// ```
/// use std::net::SocketAddr;
/// use http::Extensions;
/// use tower_security::core::PeerAddr;
///
/// let addr: SocketAddr = "192.0.2.7:40312".parse()?;
/// let mut extensions = Extensions::new();
/// assert_eq!(PeerAddr::from_extensions(&extensions), None);
///
/// extensions.insert(PeerAddr::from(addr));
/// assert_eq!(PeerAddr::from_extensions(&extensions), Some(PeerAddr::Ip(addr)));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PeerAddr {
    /// An IP connection and its remote address.
    Ip(SocketAddr),
    /// A Unix domain socket. It has no address, so that a client address can only come from a trusted header.
    Unix,
}

impl PeerAddr {
    /// Returns the peer that the server attached to the request.
    ///
    /// Asked in this order: `PeerAddr`; axum's `ConnectInfo<SocketAddr>` and, as axum's own extractor does, its
    /// `MockConnectInfo<SocketAddr>` (feature `axum`); tonic's `TcpConnectInfo`, its `UdsConnectInfo` and both inside
    /// `TlsConnectInfo` (feature `tonic`); a plain `SocketAddr`.
    #[must_use]
    #[inline]
    pub fn from_extensions(extensions: &Extensions) -> Option<Self> {
        Self::found(extensions, |addr| Self::Ip(*addr), || Self::Unix)
    }

    /// As [`from_extensions`](Self::from_extensions), for those who make something else of it.
    #[inline]
    pub(super) fn found<T>(
        extensions: &Extensions,
        ip: impl FnOnce(&SocketAddr) -> T,
        unix: impl FnOnce() -> T,
    ) -> Option<T> {
        if let Some(peer) = extensions.get::<Self>() {
            return Some(match peer {
                Self::Ip(addr) => ip(addr),
                Self::Unix => unix(),
            });
        }
        #[cfg(feature = "axum")]
        if let Some(axum::extract::ConnectInfo(addr)) = extensions.get() {
            return Some(ip(addr));
        }
        of_others(extensions).map(|peer| match peer {
            Self::Ip(addr) => ip(&addr),
            Self::Unix => unix(),
        })
    }

    /// The address of a peer that is the only extension, if it is where most servers put it.
    #[inline(always)]
    pub(super) fn alone(extensions: &Extensions) -> Option<&SocketAddr> {
        if extensions.len() != 1 {
            return None;
        }
        #[cfg(feature = "axum")]
        if let Some(axum::extract::ConnectInfo(addr)) = extensions.get() {
            return Some(addr);
        }
        match extensions.get()? {
            Self::Ip(addr) => Some(addr),
            Self::Unix => None,
        }
    }

    /// The one spelling in which peers are compared and shown: IPv4-mapped becomes IPv4, zone and flow label are dropped.
    #[inline]
    pub(super) fn canonical(self) -> Self {
        match self {
            Self::Ip(addr) => Self::Ip(SocketAddr::new(addr.ip().to_canonical(), addr.port())),
            Self::Unix => Self::Unix,
        }
    }
}

impl From<SocketAddr> for PeerAddr {
    fn from(addr: SocketAddr) -> Self {
        Self::Ip(addr)
    }
}

fn of_others(extensions: &Extensions) -> Option<PeerAddr> {
    #[cfg(feature = "axum")]
    if let Some(axum::extract::connect_info::MockConnectInfo(addr)) = extensions.get() {
        return Some(PeerAddr::Ip(*addr));
    }
    #[cfg(feature = "tonic")]
    if let Some(peer) = of_tonic(extensions) {
        return Some(peer);
    }
    extensions.get::<SocketAddr>().copied().map(PeerAddr::Ip)
}

#[cfg(feature = "tonic")]
fn of_tonic(extensions: &Extensions) -> Option<PeerAddr> {
    use tonic::transport::server::TcpConnectInfo;

    let tcp = extensions.get::<TcpConnectInfo>().or_else(|| {
        extensions
            .get::<TonicTls<TcpConnectInfo>>()
            .map(TonicTls::<TcpConnectInfo>::get_ref)
    });
    if let Some(addr) = tcp.and_then(TcpConnectInfo::remote_addr) {
        return Some(PeerAddr::Ip(addr));
    }
    #[cfg(unix)]
    {
        use tonic::transport::server::UdsConnectInfo;

        let unix = extensions.get::<UdsConnectInfo>().is_some()
            || extensions.get::<TonicTls<UdsConnectInfo>>().is_some();
        if unix {
            return Some(PeerAddr::Unix);
        }
    }
    None
}

/// tonic's `TlsConnectInfo<I>`. Its name is exported only by features that choose a TLS provider; its type is also what the
/// `Connected` implementation of a TLS stream attaches.
#[cfg(feature = "tonic")]
pub(super) type TonicTls<I> = <tokio_rustls::server::TlsStream<Carries<I>> as tonic::transport::server::Connected>::ConnectInfo;

/// Stands in for a connection whose info is `I`.
#[cfg(feature = "tonic")]
pub(super) struct Carries<I>(std::convert::Infallible, std::marker::PhantomData<I>);

#[cfg(feature = "tonic")]
impl<I: Clone + Send + Sync + 'static> tonic::transport::server::Connected for Carries<I> {
    type ConnectInfo = I;

    fn connect_info(&self) -> I {
        match self.0 {}
    }
}

/// Attaches the peer of one connection to each of its requests, for servers built on hyper.
///
/// One is made for each accepted connection. Written as a `Service` of its own, it spares a closure around the stack, which
/// would cost the compiler minutes with many layers.
///
/// # Example
///
/// ```no_run
/// use std::convert::Infallible;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use bytes::Bytes;
/// use hyper::body::Incoming;
/// use hyper_util::{rt::{TokioExecutor, TokioIo}, server::conn::auto, service::TowerToHyperService};
/// use tower_security::core::WithPeerAddr;
///
/// # async fn serve() -> std::io::Result<()> {
/// let stack_service = tower::service_fn(async |_: Request<Incoming>| {
///     Ok::<_, Infallible>(Response::<Full<Bytes>>::default())
/// });
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// loop {
///     let (stream, peer) = listener.accept().await?;
///     let service = WithPeerAddr::new(stack_service, peer.into());
///     tokio::spawn(async move {
///         let connection = auto::Builder::new(TokioExecutor::new());
///         connection.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)).await
///     });
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct WithPeerAddr<S> {
    inner: S,
    peer: PeerAddr,
}

impl<S> WithPeerAddr<S> {
    /// Wraps `inner` for the connection of `peer`.
    pub const fn new(inner: S, peer: PeerAddr) -> Self {
        Self { inner, peer }
    }
}

impl<ReqBody, S> Service<Request<ReqBody>> for WithPeerAddr<S>
where
    S: Service<Request<ReqBody>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        self.inner.call(request)
    }
}
