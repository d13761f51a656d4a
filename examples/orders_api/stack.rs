//! The one place where the protections of the service are composed.

use std::time::Duration;

use axum::Router;
use axum::http::Method;
use tower_security::auth::AuthLayer;
use tower_security::authorize::{AccessTable, RequireAuthorization, authenticated, public, role};
use tower_security::core::{
    AbuseKind, ClientIp, ConfigErrors, EventSink, IpNetError, Mode, ProtoHeader, RequestScheme,
    SchemeSource, TrustedProxies,
};
use tower_security::csp::{Csp, CspLayer};
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
    app: String,
    without: Option<&'static str>,
}

/// The layers that `--without` may leave out.
pub const LAYERS: [&str; 12] = [
    "headers",
    "csp",
    "cookies",
    "error_mask",
    "bans",
    "rate_limit",
    "limits",
    "https",
    "csrf",
    "access",
    "sanitize",
    "ownership",
];

impl Deployment {
    /// On a developer's machine: no proxy, and no TLS from this machine to itself.
    pub fn local() -> Self {
        Self {
            clients: TrustedProxies::direct(),
            scheme: SchemeSource::Listener(RequestScheme::Http),
            hosts: vec!["127.0.0.1", "localhost"],
            body_time: Duration::from_secs(10),
            app: APP.to_owned(),
            without: None,
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
            app: APP.to_owned(),
            without: None,
        })
    }

    /// Sets how long a body may take to come.
    pub const fn body_time(mut self, time: Duration) -> Self {
        self.body_time = time;
        self
    }

    /// Sets from where the web application is served, such as by the server of its developer.
    pub fn app(mut self, origin: impl Into<String>) -> Self {
        self.app = origin.into();
        self
    }

    /// Leaves a layer out, which `--attack` then shows the use of.
    pub fn without(mut self, layer: &str) -> Result<Self, String> {
        self.without = LAYERS.into_iter().find(|each| *each == layer);
        let known = || format!("no layer {layer:?} to leave out, but {}", LAYERS.join(", "));
        self.without.map(|_| self).ok_or_else(known)
    }

    /// Every layer can be turned off, or only report, without another type of stack.
    fn mode(&self, layer: &str) -> Mode {
        match self.without == Some(layer) {
            true => Mode::Off,
            false => Mode::Enforce,
        }
    }
}

/// Puts the router behind all of it, and says what that is. The order of the calls does not matter.
pub fn protect(
    router: Router<Shop>,
    shop: &Shop,
    deployment: Deployment,
    log: impl EventSink,
) -> Result<(Router<Shop>, Posture), ConfigErrors> {
    let cors = CorsLayer::builder()
        .origins([&deployment.app])
        .credentials(true)
        .methods([Method::PATCH, Method::PUT, Method::DELETE])
        .request_headers(["authorization", "content-type"])
        .build()?;
    // Answers belong to whoever asked for them: no cache keeps any, pages neither.
    let headers = SecurityHeadersLayer::builder()
        .preset(Preset::Web)
        .cache(CachePolicy::NoStore)
        .mode(deployment.mode("headers"))
        .build()?;
    let csp = CspLayer::builder()
        .enforce(Csp::strict().build()?)
        .mode(deployment.mode("csp"))
        .build()?;
    let cookies = CookieLayer::builder()
        .mode(deployment.mode("cookies"))
        .build()?;
    let error_mask = ErrorMaskLayer::builder()
        .mask_client_errors(true)
        .mode(deployment.mode("error_mask"))
        .build()?;
    let csrf = CsrfLayer::builder().mode(deployment.mode("csrf")).build()?;
    let sanitize = SanitizeLayer::builder()
        .mode(deployment.mode("sanitize"))
        .build()?;
    // Programs and the web application send the token in `Authorization`, pages and sockets have it in a cookie.
    let auth = AuthLayer::builder()
        .bearer(shop.verifier.clone())
        .authenticator(AccessCookie::new(shop.verifier.clone()))
        .optional()
        .build()?;
    let by_user = Policy::new("user", Quota::per_minute(240)).key(key::principal());
    let by_user = RateLimitLayer::builder()
        .policy(by_user)
        .mode(deployment.mode("rate_limit"))
        .build()?;
    let ownership = LoadGuard::builder()
        .resource("/orders/{id}/page", Orders(shop.db.clone()))
        .shape(IdShape::U64)
        .resource("/orders/{id}/live", Orders(shop.db.clone()))
        .shape(IdShape::U64)
        .mode(deployment.mode("ownership"))
        .build()?;

    let stack = SecurityStack::new()
        .events(log)
        .client_ip(deployment.clients.clone())
        .headers(headers)
        .csp(csp)
        .cookies(cookies)
        .cors(cors)
        .error_mask(error_mask)
        .bans(deployment.bans()?)
        .rate_limit(deployment.by_address()?)
        .limits(deployment.limits()?)
        .https(deployment.https()?)
        .csrf(csrf)
        .trust_cors_origins()?
        .auth(auth)
        .rate_limit_by_principal(by_user)
        .require_authorization(RequireAuthorization::new().with_mode(deployment.mode("access")))
        .access(deployment.access()?)
        .sanitize(sanitize)
        .ownership(ownership);
    let posture = stack.posture();
    Ok((router.layer(stack), posture))
}

impl Deployment {
    /// Who may call what. What no rule is for is for nobody.
    fn access(&self) -> Result<AccessTable, ConfigErrors> {
        AccessTable::builder()
            .get("/", public())
            .get("/health", public())
            .get("/internal/status", public())
            .get("/.well-known/jwks.json", public())
            .get("/downloads/{name}", public())
            .post("/register", public())
            .post("/login", public())
            .post("/token", public())
            .post("/logout", public())
            .any_method("/admin/{*rest}", role("admin"))
            // These are about whoever asks, and nobody else.
            .any_method("/me", authenticated().decides())
            .any_method("/me/{*rest}", authenticated().decides())
            .get("/reports/{*rest}", authenticated().decides())
            // These still have to ask whose the order is.
            .any_method("/orders", authenticated())
            .any_method("/orders/{*rest}", authenticated())
            .get("/search", authenticated())
            .unmatched_as_not_found()
            .mode(self.mode("access"))
            .build()
    }

    fn by_address(&self) -> Result<RateLimitLayer, ConfigErrors> {
        let all = Policy::new("client", Quota::per_minute(120)).key(key::client_ip());
        let registration = Policy::new("registration", Quota::per_hour(20))
            .methods([Method::POST])
            .when(|head| head.uri.path() == "/register")
            .key(key::client_ip());
        RateLimitLayer::builder()
            .policy(all)
            .policy(registration)
            .mode(self.mode("rate_limit"))
            .build()
    }

    /// Shuts out who keeps on.
    fn bans(&self) -> Result<BanLayer, ConfigErrors> {
        BanLayer::builder()
            .on(AbuseKind::CsrfRefused, 20, MINUTE, QUARTER)
            .on(AbuseKind::OwnershipRefused, 40, MINUTE, QUARTER)
            .on(AbuseKind::Spray, 3, MINUTE, QUARTER)
            .mode(self.mode("bans"))
            .build()
    }

    /// An order is a few kilobytes, and nobody types while it is sent.
    fn limits(&self) -> Result<LimitsLayer, ConfigErrors> {
        LimitsLayer::builder()
            .body_limit(256 << 10)
            .body_idle(self.body_time.min(Duration::from_secs(5)))
            .body_time(self.body_time)
            .mode(self.mode("limits"))
            .build()
    }

    fn https(&self) -> Result<HttpsLayer, ConfigErrors> {
        let https = HttpsLayer::builder(self.scheme.clone())
            .allowed_hosts(&self.hosts)
            .mode(self.mode("https"));
        let is_local = self.clients.is_direct();
        let https = if is_local {
            https.allow_loopback()
        } else {
            https
        };
        https.build()
    }
}
