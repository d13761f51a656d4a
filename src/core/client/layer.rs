use std::sync::Arc;

use tower_layer::Layer;

use super::{ClientIpService, TrustedProxies};

/// Finds the client address once per request and attaches it as a [`ClientIp`](super::ClientIp) extension.
///
/// [`TrustedProxies`] says how it is found. A `ClientIp` that is already attached stays; a request without a peer address gets
/// none. Place it outside every layer that asks for the client.
///
/// # Example
///
/// ```
/// use std::convert::Infallible;
/// use http::{Request, Response};
/// use tower::{Layer, ServiceExt, service_fn};
/// use tower_security::core::{ClientIp, ClientIpLayer, PeerAddr};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let layer = ClientIpLayer::new(ClientIp::trusted_proxies(["10.0.0.0/8".parse()?])?);
/// let service = layer.layer(service_fn(async |request: Request<()>| {
///     let client = ClientIp::from_extensions(request.extensions());
///     Ok::<_, Infallible>(Response::new(client.map(|client| client.ip().to_string())))
/// }));
///
/// let peer: std::net::SocketAddr = "10.0.0.1:443".parse()?;
/// let request = Request::builder()
///     .header("x-forwarded-for", "192.0.2.7")
///     .extension(PeerAddr::from(peer))
///     .body(())?;
/// let response = ServiceExt::<Request<()>>::oneshot(service, request).await?;
/// assert_eq!(response.body().as_deref(), Some("192.0.2.7"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ClientIpLayer {
    proxies: Arc<TrustedProxies>,
}

impl ClientIpLayer {
    /// Finds clients by `proxies`.
    #[must_use]
    pub fn new(proxies: TrustedProxies) -> Self {
        Self {
            proxies: Arc::new(proxies),
        }
    }
}

impl<S> Layer<S> for ClientIpLayer {
    type Service = ClientIpService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ClientIpService::new(inner, Arc::clone(&self.proxies))
    }
}
