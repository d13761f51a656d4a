use std::sync::Arc;

use tower_layer::Layer;

use super::service::Resolver;
use super::{ClientIpService, TrustedProxies};
use crate::core::{Clock, EventSink, Events};

/// Finds the client address once per request and attaches it as a [`ClientIp`](super::ClientIp) extension.
///
/// [`TrustedProxies`] says how it is found. A `ClientIp` that is already attached stays; a request without a peer address gets
/// none. Place it outside every layer that asks for the client.
///
/// A request without a peer address makes an event `sys_monitor_disabled` with the code `peer_address_missing`, at most one a
/// minute: the server does not hand the address on, and every client looks the same.
/// A header that could not be read up to the client makes an event `input_validation_fail` with the code `client_ip_degraded`, at
/// most one a minute.
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
    resolver: Arc<Resolver>,
}

impl ClientIpLayer {
    /// Finds clients by `proxies`.
    #[must_use]
    pub fn new(proxies: TrustedProxies) -> Self {
        Self {
            resolver: Arc::new(Resolver::new(proxies, Events::default())),
        }
    }

    /// Sends events to `sink`. Without one they go to the sink of the stack, else to `tracing`.
    #[must_use]
    pub fn events(self, sink: impl EventSink) -> Self {
        self.with(self.resolver.events.clone().with_sink(sink))
    }

    /// Measures the minute between two events by `clock` instead of the stack's or the system's.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        self.with(self.resolver.events.clone().with_clock(clock))
    }

    fn with(&self, events: Events) -> Self {
        Self {
            resolver: Arc::new(Resolver::new(self.resolver.proxies.clone(), events)),
        }
    }
}

impl<S> Layer<S> for ClientIpLayer {
    type Service = ClientIpService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ClientIpService::new(inner, Arc::clone(&self.resolver))
    }
}
