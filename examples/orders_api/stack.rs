//! The one place where the protections of the service are composed.

use std::time::Duration;

use axum::Router;
use axum::http::Method;
use tower_security::auth::AuthLayer;
use tower_security::authorize::{AccessTable, RequireAuthorization, authenticated, public, role};
use tower_security::core::{
    AbuseKind, ClientIp, ConfigErrors, EventSink, IpNetError, ProtoHeader, RequestScheme,
    SchemeSource, TrustedProxies,
};
use tower_security::csp::CspLayer;
use tower_security::headers::{CachePolicy, Preset, SecurityHeadersLayer};
use tower_security::limits::LimitsLayer;
use tower_security::ownership::{IdShape, LoadGuard};
use tower_security::rate_limit::{BanLayer, Policy, Quota, RateLimitLayer, key};
use tower_security::stack::Posture;
use tower_security::{
    CookieLayer, CorsLayer, CsrfLayer, ErrorMaskLayer, HttpsLayer, SanitizeLayer, SecurityStack,
};

use super::cookies::AccessCookie;
use super::orders::Orders;
use super::shop::Shop;

/// The web application that may call this API from its own origin.
pub const APP: &str = "https://app.shop.example";
/// The name under which browsers know this service.
pub const HOST: &str = "shop.example";

const MINUTE: Duration = Duration::from_secs(60);
const QUARTER: Duration = Duration::from_secs(15 * 60);

/// Where the service stands: who its peers are, and who ends TLS.
pub struct Deployment {
    clients: TrustedProxies,
    scheme: SchemeSource,
    hosts: Vec<&'static str>,
    body_time: Duration,
}

impl Deployment {
    /// On a developer's machine: no proxy, and no TLS from this machine to itself.
    pub fn local() -> Self {
        Self {
            clients: TrustedProxies::direct(),
            scheme: SchemeSource::Listener(RequestScheme::Http),
            hosts: vec!["127.0.0.1", "localhost"],
            body_time: Duration::from_secs(10),
        }
    }

    /// Behind a proxy on this machine that ends TLS, appends the client to `X-Forwarded-For` and writes `X-Forwarded-Proto`.
    pub fn behind_proxy() -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let loopback = "127.0.0.1/32".parse().map_err(|error: IpNetError| error)?;
        let proxies = ClientIp::trusted_proxies([loopback])?;
        Ok(Self {
            clients: proxies.clone(),
            scheme: SchemeSource::forwarded_proto(proxies, ProtoHeader::XForwardedProto)?,
            hosts: vec![HOST],
            body_time: Duration::from_secs(10),
        })
    }

    /// Sets how long a body may take to come.
    pub const fn body_time(mut self, time: Duration) -> Self {
        self.body_time = time;
        self
    }
}

/// Puts the router behind all of it, and says what that is.
pub fn protect(
    router: Router<Shop>,
    shop: &Shop,
    deployment: Deployment,
    log: impl EventSink,
) -> Result<(Router<Shop>, Posture), ConfigErrors> {
    let cors = CorsLayer::builder()
        .origins([APP])
        .credentials(true)
        .methods([Method::PATCH, Method::PUT, Method::DELETE])
        .request_headers(["authorization", "content-type"])
        .build()?;

    // Answers belong to whoever asked for them: no cache keeps any, pages neither.
    let headers = SecurityHeadersLayer::builder()
        .preset(Preset::Web)
        .cache(CachePolicy::NoStore)
        .build()?;

    let is_local = deployment.clients.is_direct();
    let https = HttpsLayer::builder(deployment.scheme).allowed_hosts(deployment.hosts);
    let https = if is_local {
        https.allow_loopback()
    } else {
        https
    }
    .build()?;

    // An order is a few kilobytes, and nobody types while it is sent.
    let limits = LimitsLayer::builder()
        .body_limit(256 << 10)
        .body_idle(deployment.body_time.min(Duration::from_secs(5)))
        .body_time(deployment.body_time)
        .build()?;
    let by_address = RateLimitLayer::builder()
        .policy(Policy::new("client", Quota::per_minute(120)).key(key::client_ip()))
        .policy(
            Policy::new("registration", Quota::per_hour(20))
                .methods([Method::POST])
                .when(|head| head.uri.path() == "/register")
                .key(key::client_ip()),
        )
        .build()?;
    let by_user = RateLimitLayer::builder()
        .policy(Policy::new("user", Quota::per_minute(240)).key(key::principal()))
        .build()?;
    let bans = BanLayer::builder()
        .on(AbuseKind::CsrfRefused, 20, MINUTE, QUARTER)
        .on(AbuseKind::OwnershipRefused, 40, MINUTE, QUARTER)
        .on(AbuseKind::Spray, 3, MINUTE, QUARTER)
        .build()?;

    // Programs and the web application send the token in `Authorization`, pages and sockets have it in a cookie.
    let auth = AuthLayer::builder()
        .bearer(shop.verifier.clone())
        .authenticator(AccessCookie::new(shop.verifier.clone()))
        .optional()
        .build()?;
    let access = AccessTable::builder()
        .get("/health", public())
        .get("/internal/status", public())
        .get("/.well-known/jwks.json", public())
        .get("/downloads/{name}", public())
        .post("/register", public())
        .post("/login", public())
        .post("/token", public())
        .post("/logout", public())
        .any_method("/admin/{*rest}", role("admin"))
        .any_method("/me", authenticated().decides())
        .any_method("/me/{*rest}", authenticated().decides())
        .get("/reports/{*rest}", authenticated().decides())
        // These still have to ask whose the order is.
        .any_method("/orders", authenticated())
        .any_method("/orders/{*rest}", authenticated())
        .get("/search", authenticated())
        .unmatched_as_not_found()
        .build()?;
    let ownership = LoadGuard::builder()
        .resource("/orders/{id}/page", Orders(shop.db.clone()))
        .shape(IdShape::U64)
        .resource("/orders/{id}/live", Orders(shop.db.clone()))
        .shape(IdShape::U64)
        .build()?;

    let stack = SecurityStack::new()
        .events(log)
        .client_ip(deployment.clients)
        .headers(headers)
        .csp(CspLayer::strict())
        .cookies(CookieLayer::strict())
        .cors(cors)
        .error_mask(ErrorMaskLayer::builder().mask_client_errors(true).build()?)
        .bans(bans)
        .https(https)
        .rate_limit(by_address)
        .limits(limits)
        .csrf(CsrfLayer::new())
        .trust_cors_origins()?
        .auth(auth)
        .rate_limit_by_principal(by_user)
        .require_authorization(RequireAuthorization::new())
        .access(access)
        .sanitize(SanitizeLayer::strict())
        .ownership(ownership);
    let posture = stack.posture();
    Ok((router.layer(stack), posture))
}
