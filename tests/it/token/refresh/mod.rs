//! Refresh tokens.

mod answers;
mod config;
mod model;
mod races;
mod revoke;
mod rotation;
mod rules;
#[cfg(all(feature = "axum", feature = "tonic"))]
mod servers;
mod stores;

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Extensions, Request, Response};
use tower::{Layer, ServiceExt, service_fn};
use tower_security::core::{
    CleanText, ClientIpLayer, Clock, EventName, Level, ManualClock, NoopSink, PeerAddr, Principal,
    SecurityEvent, TrustedProxies,
};
use tower_security::token::jws::{Algorithm, SigningKey};
use tower_security::token::{
    Grant, KeyRing, MemoryRefreshStore, RefreshContext, RefreshError, RefreshService,
    RefreshServiceBuilder, RefreshStore, TokenIssuer, TokenPair,
};

pub(crate) use races::hundred;
pub(crate) use stores::holds;

use super::issuer::{AUDIENCE, ISSUER};

/// A rotation key.
pub(crate) const KEY: [u8; 32] = *b"rotates refresh tokens of tests.";
const OTHER_KEY: [u8; 32] = *b"another key, that came after it.";

/// What was told.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    name: EventName,
    level: Level,
    code: &'static str,
    rule: Option<String>,
    principal: Option<String>,
    target: Option<String>,
    detail: Option<String>,
    client_ip: Option<IpAddr>,
}

#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Told>>>);

impl Log {
    fn sink(&self) -> impl Fn(&SecurityEvent<'_>) + Send + Sync + 'static {
        let log = Arc::clone(&self.0);
        let text = |text: &Option<CleanText<'_>>| text.as_ref().map(ToString::to_string);
        move |event| {
            assert_eq!(event.layer, "token");
            log.lock().unwrap().push(Told {
                name: event.name,
                level: event.level,
                code: event.code,
                rule: text(&event.rule),
                principal: text(&event.principal),
                target: text(&event.target),
                detail: text(&event.detail),
                client_ip: event.client_ip,
            });
        }
    }

    fn take(&self) -> Vec<Told> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// Name and rule of each.
    fn rules(&self) -> Vec<(EventName, String)> {
        let told = self.take().into_iter();
        told.map(|told| (told.name, told.rule.unwrap_or_default()))
            .collect()
    }
}

/// Signs with HMAC, which costs a test the least.
pub(crate) fn issuer(clock: impl Clock) -> TokenIssuer {
    let key = SigningKey::hmac(super::issuer::SECRET, Algorithm::Hs256).unwrap();
    TokenIssuer::builder()
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .signing(KeyRing::new(key))
        .clock(clock)
        .build()
        .unwrap()
}

/// Sound, and silent.
pub(crate) fn builder(store: impl RefreshStore, clock: &ManualClock) -> RefreshServiceBuilder {
    RefreshService::builder(store, issuer(clock.clone()))
        .rotation_key("one", KEY)
        .without_revocation()
        .events(NoopSink::new())
        .clock(clock.clone())
}

pub(crate) fn alice() -> Grant {
    let scopes = ["orders:read", "orders:write"];
    let who = Principal::builder("alice").client_id("web").scopes(scopes);
    Grant::new(who.build())
}

/// The client that alice's grant is for.
pub(crate) const WEB: RefreshContext<'static> = RefreshContext::new().client_id("web");

/// A service of its own store, whose events are read.
struct Desk {
    clock: ManualClock,
    log: Log,
    store: MemoryRefreshStore,
    service: RefreshService,
}

impl Desk {
    fn new() -> Self {
        Self::with(|builder| builder)
    }

    fn with(change: impl FnOnce(RefreshServiceBuilder) -> RefreshServiceBuilder) -> Self {
        Self::on(ManualClock::new(), change)
    }

    fn on(
        clock: ManualClock,
        change: impl FnOnce(RefreshServiceBuilder) -> RefreshServiceBuilder,
    ) -> Self {
        let (store, log) = (MemoryRefreshStore::new(), Log::default());
        let builder = builder(store.clone(), &clock).events(log.sink());
        let service = change(builder).build().unwrap();
        Self {
            clock,
            log,
            store,
            service,
        }
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    async fn login(&self) -> String {
        text(self.service.login(&alice(), &WEB).await)
    }

    async fn refresh(&self, token: &str) -> Result<String, &'static str> {
        outcome(self.service.refresh(token, &WEB).await)
    }

    /// As often as that.
    async fn refreshed(&self, token: &str, times: usize) -> String {
        let mut token = token.to_owned();
        for _ in 0..times {
            token = self.refresh(&token).await.unwrap();
        }
        token
    }

    async fn sessions(&self) -> usize {
        self.service.sessions("alice").await.unwrap().len()
    }
}

#[track_caller]
fn text(pair: Result<TokenPair, RefreshError>) -> String {
    pair.unwrap().refresh_token.expose().clone()
}

/// The next token, or why there is none.
fn outcome(pair: Result<TokenPair, RefreshError>) -> Result<String, &'static str> {
    pair.map(|pair| pair.refresh_token.expose().clone())
        .map_err(|error| kind(&error))
}

fn kind(error: &RefreshError) -> &'static str {
    match error {
        RefreshError::BindingFailed => "binding",
        RefreshError::Clock => "clock",
        RefreshError::Expired => "expired",
        RefreshError::Issue(_) => "issue",
        RefreshError::Randomness => "randomness",
        RefreshError::Reused => "reused",
        RefreshError::Revoked => "revoked",
        RefreshError::ScopeWidened => "scope",
        RefreshError::Store(_) => "store",
        RefreshError::SubjectEmpty => "subject",
        RefreshError::Unknown => "unknown",
        other => panic!("{other}"),
    }
}

/// Family, generation and secret of a token.
fn parts(token: &str) -> ([u8; 16], u32, [u8; 32]) {
    let bytes = URL_SAFE_NO_PAD.decode(&token[3..]).unwrap();
    (
        bytes[..16].try_into().unwrap(),
        u32::from_be_bytes(bytes[16..20].try_into().unwrap()),
        bytes[20..].try_into().unwrap(),
    )
}

fn made((family, generation, secret): ([u8; 16], u32, [u8; 32])) -> String {
    let bytes = [&family[..], &generation.to_be_bytes(), &secret].concat();
    format!("rt_{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// Those of a request of this client.
async fn extensions(address: IpAddr) -> Extensions {
    let layer = ClientIpLayer::new(TrustedProxies::direct());
    let service = layer.layer(service_fn(async |request: Request<()>| {
        Ok::<_, Infallible>(Response::new(request.into_parts().0.extensions))
    }));
    let mut request = Request::new(());
    let peer = PeerAddr::Ip((address, 5_000).into());
    request.extensions_mut().insert(peer);
    let answer = ServiceExt::<Request<()>>::oneshot(service, request).await;
    answer.unwrap().into_body()
}
