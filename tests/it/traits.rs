//! What every public type can do: cross threads, be printed, and keep its secrets while it is.

use std::fmt::Debug;

use tower_security::core::origin::{
    Match, Origin, OriginError, OriginGrant, OriginPattern, OriginRef, PublicSuffixes, SelfOrigin,
    TrustedOrigins, TrustedOriginsBuilder,
};
use tower_security::core::*;
use tower_security::cors::{
    CorsBuilder, CorsConfig, CorsConfigError, CorsHandle, CorsLayer, CorsPolicy, CorsRefusal,
    CorsVerdict,
};
use tower_security::csrf::{
    CsrfBuilder, CsrfConfig, CsrfConfigError, CsrfHandle, CsrfLayer, CsrfPolicy, CsrfRefusal,
    Isolation, Missing, Pass,
};
use tower_security::stack::{ContextLayer, Posture, PostureEntry, SecurityStack};

fn value<T: Debug + Send + Sync + Unpin + 'static>() {}
fn layer<T: Debug + Clone + Send + Sync + Unpin + 'static>() {}
fn borrowed<T: Debug + Send + Sync + Unpin>() {}

#[test]
fn every_type_crosses_threads_and_can_be_printed() {
    layer::<SecurityStack>();
    layer::<SecurityStack<CorsLayer, CsrfLayer>>();
    layer::<ContextLayer>();
    layer::<CorsLayer>();
    layer::<CsrfLayer>();
    layer::<ClientIpLayer>();
    layer::<BodyAdapterLayer>();
    layer::<CorsHandle>();
    layer::<CsrfHandle>();
    layer::<CorsPolicy>();
    value::<CsrfPolicy>();
    layer::<CorsConfig>();
    layer::<CsrfConfig>();
    layer::<CorsBuilder>();
    layer::<Reload<u8>>();
    layer::<ReloadHandle<u8>>();
    layer::<ManualClock>();
    layer::<SystemClock>();
    #[cfg(feature = "tracing")]
    layer::<TracingSink>();
    layer::<NoopSink>();
    layer::<TrustedProxies>();
    layer::<IpSet>();
    layer::<IpNet>();
    layer::<ClientIp>();
    layer::<PeerAddr>();
    layer::<WithPeerAddr<u8>>();
    layer::<SchemeSource>();
    layer::<RequestScheme>();
    layer::<Tls>();
    layer::<RequestId>();
    layer::<Shared>();
    layer::<Principal>();
    layer::<Challenges>();
    layer::<AuthzLedger>();
    layer::<Template>();
    layer::<Problem>();
    layer::<PreparedBody>();
    layer::<RefusalContext>();
    layer::<Refused>();
    layer::<AbuseSignal>();
    layer::<Secret<String>>();
    layer::<StoreError>();
    layer::<TrustedOrigins>();
    layer::<TrustedOriginsBuilder>();
    layer::<PublicSuffixes>();
    value::<SelfOrigin>();
    layer::<OriginGrant>();
    layer::<Origin>();
    layer::<OriginPattern>();
    layer::<Posture>();
    layer::<PostureEntry>();
    layer::<Isolation>();

    value::<Rejection>();
    value::<ConfigErrors>();
    value::<ConfigError>();
    value::<CorsConfigError>();
    value::<CsrfConfigError>();
    value::<CsrfBuilder>();
    value::<OriginError>();
    value::<TemplateError>();
    value::<ClientIpConfigError>();
    value::<ChallengeConfigError>();
    value::<ChallengesBuilder>();
    value::<ChallengeScheme>();
    value::<TrustedProxiesBuilder>();
    value::<PrincipalBuilder>();
    value::<CorsRefusal>();
    value::<CorsVerdict>();
    value::<CsrfRefusal>();
    value::<Pass>();
    value::<Missing>();
    value::<ResponseFuture<std::future::Ready<u8>, u8>>();
    value::<AdaptedBody<http_body_util::Full<bytes::Bytes>>>();
    value::<Box<dyn EventSink>>();

    borrowed::<SecurityEvent<'_>>();
    borrowed::<CleanText<'_>>();
    borrowed::<OriginRef<'_>>();
    borrowed::<Match<'_>>();
    borrowed::<CanonicalPath<'_>>();
}

#[test]
fn nothing_prints_what_it_keeps_secret() {
    let who = Principal::builder("alice")
        .tenant("t1")
        .token_id("jti-hidden")
        .session_id("session-hidden")
        .scopes(["scope-hidden"])
        .build();
    let mut head = http::Request::get("/orders?token=query-hidden")
        .header("authorization", "Bearer header-hidden")
        .header("cookie", "session=cookie-hidden")
        .body(())
        .expect("a request")
        .into_parts()
        .0;
    who.clone().dangerous_attach(&mut head.extensions);
    let texts = [
        format!("{:?}", Secret::new("value-hidden".to_owned())),
        format!("{who:?}"),
        format!("{:?}", head.extensions),
        format!(
            "{:?}",
            SecurityEvent::new(EventName::AuthzFail, "a", "b").request(&head)
        ),
        format!(
            "{:?}",
            StoreError::new(StoreErrorKind::Timeout, "host-hidden")
        ),
        StoreError::new(StoreErrorKind::Timeout, "host-hidden").to_string(),
    ];
    for text in &texts {
        assert!(!text.contains("hidden"), "{text}");
    }
    assert!(texts[1].contains("alice"), "{}", texts[1]);
}
