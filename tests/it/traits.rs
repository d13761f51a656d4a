//! What every public type can do: cross threads, be printed, and keep its secrets while it is.

use std::fmt::Debug;

use tower_security::audit::{
    AnomalyDetector, AnomalyDetectorBuilder, AuditClient, AuditConfig, AuditConfigBuilder,
    AuditConfigError, CapacityProblem, CefLines, Finding, IpPrivacy, JsonLines, MemoryExporter,
    Overflow, OwnedEvent, PrincipalPrivacy, QueueGuard, QueueSink, QueueSinkBuilder, QueueStats,
    Rule, RuleKey, RuleProblem, Schema,
};
use tower_security::authorize::{
    Require, RequireBuilder, RequireConfigError, RequireLayer, RequireRefusal, Requirement,
};
use tower_security::cookies::{
    CookieAmendment, CookieBuilder, CookieConfig, CookieConfigError, CookieLayer, CookiePolicy,
    CookieService, CookieViolation, Hardened, NameProblem, Restored, SameSite, Violation,
};
use tower_security::core::origin::{
    Match, Origin, OriginError, OriginGrant, OriginPattern, OriginRef, PublicSuffixes, SelfOrigin,
    TrustedOrigins, TrustedOriginsBuilder,
};
use tower_security::core::*;
use tower_security::cors::{
    CorsAmendment, CorsBuilder, CorsConfig, CorsConfigError, CorsHandle, CorsLayer, CorsOrigins,
    CorsPolicy, CorsRefusal, CorsService, CorsVerdict, DuplicateHeader, MaxAge, OriginProblem,
    Refuse,
};
use tower_security::csrf::{
    Csrf, CsrfAmendment, CsrfBuilder, CsrfConfig, CsrfConfigError, CsrfHandle, CsrfLayer,
    CsrfPolicy, CsrfRefusal, ExemptMethod, Isolation, Missing, Pass,
};
use tower_security::error_mask::{
    ErrorMask, ErrorMaskBuilder, ErrorMaskConfigError, ErrorMaskLayer, MaskedBody, MaskedBodyError,
};
use tower_security::https::{
    Hsts, Https, HttpsAmendment, HttpsBuilder, HttpsConfigError, HttpsDecision, HttpsLayer,
    HttpsPolicy, HttpsRefusal, OnInsecure, RedirectHost, RedirectStatus,
};
#[cfg(feature = "password")]
use tower_security::password::{
    Argon2Cost, Ceiling, CostProblem, HashError, PasswordConfigError, PasswordFault,
    PasswordHasher, PasswordHasherBuilder, PoolProblem, Verified, VerifyError,
};
use tower_security::stack::{
    AfterAuth, BeforeAuth, ContextAmendment, ContextLayer, ContextService, Extra, Innermost,
    Posture, PostureEntry, PostureState, SecurityStack,
};

fn value<T: Debug + Send + Sync + Unpin + 'static>() {}
fn layer<T: Debug + Clone + Send + Sync + Unpin + 'static>() {}
fn moved<T: Debug + Send + Unpin + 'static>() {}
fn borrowed<T: Debug + Send + Sync + Unpin>() {}
fn vocabulary<T: Debug + Clone + PartialEq + Send + Sync + Unpin + 'static>() {}

#[cfg(all(feature = "serde", feature = "jwt"))]
#[test]
fn a_stack_from_a_file_crosses_threads_and_can_be_printed() {
    use tower_security::stack::config::{
        SecretRef, SecurityConfig, Stack, StackConfigError, StackHandle, StackParts, StackService,
    };
    layer::<Stack>();
    layer::<StackHandle>();
    layer::<StackService<()>>();
    value::<StackParts>();
    vocabulary::<SecurityConfig>();
    vocabulary::<SecretRef>();
    vocabulary::<StackConfigError>();
}

#[cfg(feature = "password")]
#[test]
fn what_hashes_passwords_crosses_threads_and_can_be_printed() {
    layer::<PasswordHasher>();
    layer::<PasswordHasherBuilder>();
    layer::<Verified>();
    vocabulary::<Argon2Cost>();
    vocabulary::<Ceiling>();
    vocabulary::<PasswordConfigError>();
    vocabulary::<CostProblem>();
    vocabulary::<PoolProblem>();
    vocabulary::<VerifyError>();
    vocabulary::<HashError>();
    vocabulary::<PasswordFault>();
    let hasher = PasswordHasher::builder().build().unwrap();
    let password = Secret::from("correct horse");
    fn crosses<T: Send>(_: T) {}
    crosses(hasher.verify(&password, None));
    crosses(hasher.hash(&password));
}

#[test]
fn the_log_of_events_crosses_threads_and_can_be_printed() {
    layer::<AnomalyDetector>();
    layer::<AnomalyDetectorBuilder>();
    layer::<AuditConfig>();
    layer::<AuditConfigBuilder>();
    layer::<IpPrivacy>();
    layer::<MemoryExporter>();
    layer::<OwnedEvent>();
    layer::<PrincipalPrivacy>();
    layer::<QueueSink>();
    layer::<Rule>();
    vocabulary::<AuditClient>();
    vocabulary::<AuditConfigError>();
    vocabulary::<CapacityProblem>();
    vocabulary::<Overflow>();
    vocabulary::<QueueStats>();
    vocabulary::<RuleKey>();
    vocabulary::<RuleProblem>();
    vocabulary::<Schema>();
    value::<CefLines<Vec<u8>>>();
    value::<JsonLines<Vec<u8>>>();
    value::<QueueGuard>();
    value::<QueueSinkBuilder<MemoryExporter>>();
    borrowed::<Finding<'_>>();
}

#[test]
fn every_layer_and_value_crosses_threads_and_can_be_printed() {
    layer::<SecurityStack>();
    layer::<SecurityStack<CorsLayer, CsrfLayer>>();
    layer::<ContextLayer>();
    layer::<CorsLayer>();
    layer::<CsrfLayer>();
    layer::<CookieLayer>();
    layer::<CookiePolicy>();
    layer::<CookieConfig>();
    layer::<CookieBuilder>();
    value::<Hardened>();
    layer::<RequireLayer>();
    layer::<RequireBuilder>();
    layer::<Requirement>();
    vocabulary::<RequireRefusal>();
    vocabulary::<RequireConfigError>();
    layer::<Require<u8>>();
    layer::<ErrorMaskLayer>();
    layer::<ErrorMaskBuilder>();
    vocabulary::<ErrorMaskConfigError>();
    layer::<HttpsLayer>();
    layer::<HttpsPolicy>();
    layer::<HttpsBuilder>();
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
    layer::<ForwardedProto>();
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
    layer::<CorsOrigins>();
}

#[test]
fn every_service_error_and_future_crosses_threads_and_can_be_printed() {
    layer::<BodyAdapter<u8>>();
    layer::<ClientIpService<u8>>();
    layer::<ContextService<u8>>();
    layer::<CorsService<u8>>();
    layer::<CookieService<u8>>();
    layer::<Csrf<u8>>();
    layer::<Https<u8>>();
    layer::<ErrorMask<u8>>();
    value::<MaskedBody<u8>>();
    vocabulary::<MaskedBodyError<u8>>();
    value::<tower_security::error_mask::ResponseFuture<u8>>();
    layer::<Extra<u8>>();
    layer::<AfterAuth>();
    layer::<BeforeAuth>();
    layer::<Innermost>();

    value::<AdaptedFuture<std::future::Ready<u8>>>();
    value::<ContextAmendment>();
    value::<CookieAmendment>();
    value::<CorsAmendment>();
    value::<CsrfAmendment>();
    value::<HttpsAmendment>();
    value::<Rejection>();
    value::<ConfigErrors>();
    value::<ConfigError>();
    value::<CookieConfigError>();
    value::<CorsConfigError>();
    value::<CsrfConfigError>();
    value::<HttpsConfigError>();
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
    borrowed::<HttpsDecision<'_>>();
    borrowed::<OriginRef<'_>>();
    borrowed::<Match<'_>>();
    borrowed::<CanonicalPath<'_>>();
    borrowed::<PathParams<'_, '_>>();
    borrowed::<Loaded<'_, u8>>();

    // A future of it is awaited by one thread.
    moved::<Lookup<u8>>();
}

#[cfg(feature = "opaque-tokens")]
#[test]
fn sessions_and_api_keys_cross_threads_and_can_be_printed() {
    use tower_security::auth::api_key::*;
    use tower_security::auth::session::*;

    layer::<SessionAuth>();
    layer::<MemorySessionStore>();
    layer::<SessionRecord>();
    layer::<SessionInfo>();
    value::<SessionAuthBuilder>();
    value::<SessionError>();
    layer::<ApiKeyAuth>();
    layer::<MemoryApiKeyStore>();
    layer::<ApiKeyRecord>();
    layer::<ApiKeyInfo>();
    layer::<IssuedApiKey>();
    value::<ApiKeyAuthBuilder>();
    value::<ApiKeyError>();
    vocabulary::<SessionKey>();
    vocabulary::<SessionSameSite>();
    vocabulary::<SessionConfigError>();
    vocabulary::<CookieProblem>();
    vocabulary::<ApiKeyDigest>();
    vocabulary::<ApiKeyId>();
    vocabulary::<ApiKeyIdError>();
    vocabulary::<ApiKeyConfigError>();
    #[cfg(feature = "redis")]
    {
        value::<tower_security::redis::RedisSessions>();
        value::<tower_security::redis::RedisApiKeys>();
    }
}

#[cfg(feature = "mfa")]
#[test]
fn second_factors_cross_threads_and_can_be_printed() {
    use tower_security::mfa::*;

    layer::<TotpService>();
    layer::<RecoveryCodes>();
    layer::<MemoryMfaStore>();
    layer::<TotpSecret>();
    layer::<TotpRecord>();
    layer::<AttemptLog>();
    layer::<Enrolment>();
    value::<TotpServiceBuilder>();
    value::<RecoveryCodesBuilder>();
    value::<MfaError>();
    vocabulary::<Attempt>();
    vocabulary::<AttemptLimit>();
    vocabulary::<CodeDigest>();
    vocabulary::<EnrolmentId>();
    vocabulary::<MfaConfigError>();
    vocabulary::<RecoveryProblem>();
    vocabulary::<Redeemed>();
    vocabulary::<TotpAlgorithm>();
    vocabulary::<TotpProblem>();
    vocabulary::<TotpWindow>();
    vocabulary::<Verified>();
    #[cfg(feature = "redis")]
    value::<tower_security::redis::RedisMfa>();
}

#[cfg(feature = "vault")]
#[test]
fn what_encrypts_fields_crosses_threads_and_can_be_printed() {
    use tower_security::vault::*;

    layer::<KeyRing>();
    layer::<KeyRingBuilder>();
    layer::<Protector>();
    layer::<Pseudonyms>();
    layer::<Pseudonym>();
    layer::<RingKey>();
    vocabulary::<BlindIndex>();
    vocabulary::<IndexBits>();
    vocabulary::<KeyState>();
    vocabulary::<KeyWrapError>();
    vocabulary::<KeyWrapErrorKind>();
    vocabulary::<PurposeProblem>();
    vocabulary::<VaultConfigError>();
    vocabulary::<VaultError>();
    #[cfg(feature = "serde")]
    layer::<Sealed<String>>();
}

#[cfg(feature = "password")]
#[test]
fn a_policy_of_passwords_crosses_threads_and_can_be_printed() {
    use tower_security::core::{PepperConfigError, PepperProblem, PepperRing, PepperRingBuilder};
    use tower_security::password::*;

    layer::<PasswordPolicy>();
    value::<PasswordPolicyBuilder>();
    value::<PolicyRefusal>();
    vocabulary::<PasswordProblem>();
    vocabulary::<PolicyConfigError>();
    vocabulary::<PolicyProblem>();
    layer::<PepperRing>();
    value::<PepperRingBuilder>();
    vocabulary::<PepperConfigError>();
    vocabulary::<PepperProblem>();
}

/// A caller matches on it, keeps it, and compares it in a test.
#[test]
fn every_word_of_an_answer_can_be_kept_and_compared() {
    vocabulary::<AbuseKind>();
    vocabulary::<Accepts>();
    vocabulary::<AuthMethod>();
    vocabulary::<Confirmation>();
    vocabulary::<CookieViolation>();
    vocabulary::<DuplicateHeader>();
    vocabulary::<ErrorClass>();
    vocabulary::<EventCategory>();
    vocabulary::<EventName>();
    vocabulary::<ExemptMethod>();
    vocabulary::<ForwardHeader>();
    vocabulary::<GrpcCode>();
    vocabulary::<HopsFault>();
    vocabulary::<Hsts>();
    vocabulary::<HttpsRefusal>();
    vocabulary::<IpNetError>();
    vocabulary::<IpSource>();
    vocabulary::<Level>();
    vocabulary::<MaxAge>();
    vocabulary::<Mode>();
    vocabulary::<NameProblem>();
    vocabulary::<OnInsecure>();
    vocabulary::<OriginProblem>();
    vocabulary::<Outcome>();
    vocabulary::<PeerAddressMissing>();
    vocabulary::<PostureState>();
    vocabulary::<ProtoHeader>();
    vocabulary::<Pushback>();
    vocabulary::<RedirectHost>();
    vocabulary::<RedirectStatus>();
    vocabulary::<Refuse>();
    vocabulary::<Restored>();
    vocabulary::<SameSite>();
    vocabulary::<SchemeConfigError>();
    vocabulary::<StoreErrorKind>();
    vocabulary::<TemplateSyntax>();
    vocabulary::<Violation>();
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

#[cfg(feature = "csp-hashes")]
#[test]
fn hashes_cross_threads_and_can_be_printed() {
    use tower_security::csp::{CspHashes, CspHashesBuilder, CspHashesError};
    vocabulary::<CspHashes>();
    vocabulary::<CspHashesError>();
    layer::<CspHashesBuilder>();
}

#[cfg(feature = "csp-report")]
#[test]
fn reports_cross_threads_and_can_be_printed() {
    use std::future::Ready;

    use tower_security::csp::report::{
        BrowserReport, Collect, CspReportBuilder, CspReportConfigError, CspReportFuture,
        CspReportLayer, CspReportRefusal, CspReportService, CspReportStats, CspReports,
        Disposition, ReportKind,
    };
    layer::<CspReportLayer>();
    layer::<CspReportBuilder>();
    layer::<CspReportService>();
    layer::<CspReports<u8>>();
    value::<CspReportFuture<Ready<u8>, u8, u8>>();
    vocabulary::<BrowserReport>();
    vocabulary::<Collect>();
    vocabulary::<CspReportConfigError>();
    vocabulary::<CspReportRefusal>();
    vocabulary::<CspReportStats>();
    vocabulary::<Disposition>();
    vocabulary::<ReportKind>();
}

#[test]
fn policies_cross_threads_and_can_be_printed() {
    use tower_security::csp::{
        Csp, CspBuilder, CspConfigError, CspLint, CspPolicy, CspProblem, ReportEndpoint,
        SandboxFlag, Source, TrustedTypes, Webrtc,
    };
    value::<Csp>();
    layer::<CspBuilder>();
    vocabulary::<CspPolicy>();
    vocabulary::<CspConfigError>();
    vocabulary::<CspLint>();
    vocabulary::<CspProblem>();
    vocabulary::<ReportEndpoint>();
    vocabulary::<SandboxFlag>();
    vocabulary::<Source>();
    vocabulary::<TrustedTypes>();
    vocabulary::<Webrtc>();
}

#[test]
fn content_security_policies_cross_threads_and_can_be_printed() {
    use tower_security::csp::{
        CspAmendment, CspFuture, CspLayer, CspLayerBuilder, CspLayerConfigError, CspNonce,
        CspOverride, CspOverrideAmendment, CspOverrideService, CspService, NonceCaching,
        Precedence,
    };
    layer::<CspLayer>();
    layer::<CspLayerBuilder>();
    layer::<CspNonce>();
    layer::<CspOverride>();
    layer::<CspService<u8>>();
    layer::<CspOverrideService<u8>>();
    value::<CspAmendment>();
    value::<CspOverrideAmendment>();
    value::<CspFuture<u8, CspAmendment>>();
    vocabulary::<CspLayerConfigError>();
    vocabulary::<NonceCaching>();
    vocabulary::<Precedence>();
}

#[test]
fn login_throttles_cross_threads_and_can_be_printed() {
    use tower_security::rate_limit::login::{
        LoginAccount, LoginAttempt, LoginBegin, LoginConfigError, LoginDimension, LoginFuture,
        LoginGuard, LoginOutcome, LoginRefusal, LoginService, LoginThrottle, LoginThrottleBuilder,
        LoginThrottleLayer, Pressure,
    };
    layer::<LoginThrottle>();
    layer::<LoginThrottleBuilder>();
    layer::<LoginThrottleLayer>();
    layer::<LoginService<u8>>();
    layer::<LoginAccount>();
    value::<LoginGuard>();
    // A future of it is awaited by one thread.
    moved::<LoginBegin>();
    moved::<LoginFuture<tower::util::BoxCloneService<http::Request<()>, u8, u8>, ()>>();
    borrowed::<LoginAttempt<'_>>();
    vocabulary::<LoginConfigError>();
    vocabulary::<LoginDimension>();
    vocabulary::<LoginOutcome>();
    vocabulary::<LoginRefusal>();
    vocabulary::<Pressure>();
}

#[test]
fn rate_limits_cross_threads_and_can_be_printed() {
    use tower_security::rate_limit::{
        Emit, HeaderStyle, IetfDraft, LimiterStats, MemoryStore, Permit, Policy, PolicyStanding,
        Quota, RateLimit, RateLimitConfigError, RateLimitFuture, RateLimitInfo, RateLimitLayer,
        RateLimitReason, RateLimitRefusal, RateLimited, RateLimiter, RateLimiterBuilder,
    };
    type Inner = tower::util::BoxCloneService<http::Request<()>, u8, u8>;
    layer::<RateLimitLayer>();
    layer::<RateLimiter>();
    layer::<RateLimit<u8>>();
    layer::<Policy>();
    layer::<MemoryStore>();
    layer::<RateLimited>();
    layer::<RateLimitInfo>();
    value::<RateLimiterBuilder<MemoryStore, RateLimitLayer>>();
    value::<Permit<MemoryStore>>();
    moved::<RateLimitRefusal>();
    moved::<RateLimitFuture<Inner, http::Request<()>>>();
    vocabulary::<PolicyStanding>();
    vocabulary::<RateLimitReason>();
    vocabulary::<RateLimitConfigError>();
    vocabulary::<LimiterStats>();
    vocabulary::<Quota>();
    vocabulary::<HeaderStyle>();
    vocabulary::<IetfDraft>();
    vocabulary::<Emit>();
}

#[test]
fn authentication_crosses_threads_and_can_be_printed() {
    use tower_security::auth::{
        AuthBuilder, AuthConfigError, AuthFailure, AuthFailureKind, AuthFuture, AuthLayer,
        AuthService, Decision, PendingDecision, Presence,
    };
    type Inner = tower::util::BoxCloneService<http::Request<()>, u8, u8>;
    layer::<AuthLayer>();
    layer::<AuthService<u8>>();
    layer::<AuthFailure>();
    value::<AuthBuilder>();
    value::<AuthConfigError>();
    // A decision that is waited for is awaited by one thread.
    moved::<Decision>();
    moved::<PendingDecision>();
    moved::<AuthFuture<Inner, ()>>();
    vocabulary::<AuthFailureKind>();
    vocabulary::<Presence>();
}

#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
#[test]
fn tokens_and_keys_cross_threads_and_can_be_printed() {
    use tower_security::token::jws::*;
    use tower_security::token::*;

    layer::<JwtVerifier>();
    layer::<JwtVerifiers>();
    layer::<TokenError>();
    value::<JwtVerifierBuilder>();
    value::<DpopPolicy>();
    layer::<JwksCache>();
    value::<JwksCacheBuilder>();
    layer::<JwksReply>();
    layer::<FetchError>();
    layer::<KeySnapshot>();
    layer::<KeyState>();
    layer::<Jwk>();
    layer::<JwkSet>();
    layer::<SigningKey>();
    layer::<TokenIssuer>();
    value::<TokenIssuerBuilder>();
    layer::<KeyRing>();
    layer::<JwksDocument>();
    layer::<Grant>();
    layer::<AccessToken>();
    layer::<MemoryRevocationStore>();
    borrowed::<VerifiedJws<'_>>();
    borrowed::<TokenRef<'_>>();
    layer::<RefreshService>();
    value::<RefreshServiceBuilder>();
    layer::<RefreshError>();
    layer::<RefreshInfo>();
    layer::<TokenPair>();
    layer::<MemoryRefreshStore>();
    layer::<FamilyRecord>();
    layer::<Replaced>();
    borrowed::<RefreshContext<'_>>();
    vocabulary::<FamilyId>();
    vocabulary::<RevokeReason>();
    vocabulary::<RefreshConfigError>();
    vocabulary::<TokenCache>();
    vocabulary::<Profile>();
    vocabulary::<TokenErrorKind>();
    vocabulary::<JwtConfigError>();
    vocabulary::<FetchErrorKind>();
    vocabulary::<JwksConfigError>();
    vocabulary::<JwksUrlProblem>();
    vocabulary::<KeySourceError>();
    vocabulary::<ClaimsError>();
    vocabulary::<Revocation>();
    vocabulary::<Algorithm>();
    vocabulary::<IssueError>();
    vocabulary::<IssuerConfigError>();
    vocabulary::<SigningKeyError>();
    vocabulary::<JwkError>();
    vocabulary::<JwkSetError>();
    vocabulary::<JwsError>();
    vocabulary::<RejectedKey>();
    #[cfg(feature = "jwks")]
    layer::<HttpsJwksFetch>();
}

#[cfg(feature = "axum")]
#[test]
fn extractors_of_ownership_cross_threads_and_can_be_printed() {
    use tower_security::axum::{ByMethod, Create, Delete, Owned, Public, Read, Update};
    struct Hidden;
    value::<Owned<u8>>();
    value::<Owned<u8, Delete>>();
    layer::<ByMethod>();
    layer::<Create>();
    layer::<Public>();
    layer::<Read>();
    layer::<Update>();
    // Neither an object nor its type has to be printable.
    value::<Owned<Hidden>>();
    value::<tower_security::ownership::Granted<Hidden>>();
}

#[cfg(feature = "axum")]
#[test]
fn extractors_of_authentication_cross_threads_and_can_be_printed() {
    use tower_security::axum::{Auth, Scoped};

    // Neither printed nor cloned itself.
    struct ReadOrders;
    layer::<Auth>();
    layer::<Scoped<ReadOrders>>();
    #[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
    layer::<tower_security::axum::Claims<u8>>();
}

/// What a token says, and what verifies it, is for nobody's log.
#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
#[test]
fn nothing_prints_a_token_its_claims_or_a_key() {
    use tower_security::token::jws::{Algorithm, Jwk, JwkSet, verify_compact};
    use tower_security::token::{DpopPolicy, JwtVerifier, JwtVerifiers, Profile};

    // Claims with `plan-hidden`, `jti-hidden` and `sid-hidden`, signed with the secret below (HS256).
    let secret = || Secret::from(b"a secret that is hidden, 32 byte");
    let key = Jwk::hmac(secret(), Algorithm::Hs256).unwrap();
    let keys = JwkSet::from_keys([key.clone()]);
    let builder = JwtVerifier::builder()
        .issuer("https://id.example.com/")
        .audience("api")
        .profile(Profile::Plain)
        .keys(keys.clone())
        .dpop(DpopPolicy::new("https://api.example.com").nonce_key(secret()));
    let printed = format!("{builder:?}");
    let verifier = builder.build().unwrap();
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUuY29tLyIsImF1ZCI6ImFwaSIsImV4cCI6NDEwMjQ0NDgwMCwic3ViIjoiYWxpY2UiLCJqdGkiOiJqdGktaGlkZGVuIiwic2lkIjoic2lkLWhpZGRlbiIsInBsYW4iOiJwbGFuLWhpZGRlbiJ9.e_oOlmjUqsuLJmnNyvvnqYO0h-TLVVJA-IScvoBDl68";
    let error = match verifier.verify(&token.replace(".eyJ", ".eyK")) {
        Lookup::Ready(answer) => answer.unwrap_err(),
        Lookup::Pending(_) => panic!("nothing is to be waited for"),
    };
    let who = match verifier.verify(token) {
        Lookup::Ready(answer) => answer.unwrap(),
        Lookup::Pending(_) => panic!("nothing is to be waited for"),
    };
    let jws = verify_compact(token.as_bytes(), &keys, &[Algorithm::Hs256]).unwrap();
    let printed = [
        printed,
        format!("{key:?} {keys:?} {verifier:?} {who:?} {jws:?} {error:?} {error}"),
        format!("{:?}", JwtVerifiers::from(verifier)),
        format!(
            "{:?}",
            DpopPolicy::new("https://api.example.com").nonce_key(secret())
        ),
    ]
    .concat();
    assert!(printed.contains("alice"), "{printed}");
    let signature = token.rsplit('.').next().unwrap();
    for hidden in ["hidden", "eyJ", "aGlkZGVu", signature] {
        assert!(!printed.contains(hidden), "{hidden}: {printed}");
    }
}

#[test]
fn authorization_crosses_threads_and_can_be_printed() {
    use tower_security::authorize::{
        Access, AccessConfigError, AccessTable, AccessTableBuilder, RequireAuthorization, Tripwire,
        TripwireFuture, UndecidedErrors,
    };
    layer::<AccessTable>();
    layer::<AccessTableBuilder>();
    layer::<Access<u8>>();
    layer::<RequireAuthorization>();
    layer::<Tripwire<u8>>();
    moved::<TripwireFuture<std::future::Ready<u8>>>();
    vocabulary::<AccessConfigError>();
    vocabulary::<UndecidedErrors>();
}

#[test]
fn ownership_crosses_threads_and_can_be_printed() {
    use tower_security::ownership::policy::{
        DenyIf, Joined, Only, OwnerOrAdmin, Role, SameTenant, Scoped,
    };
    use tower_security::ownership::{
        AccessRequest, Action, AsyncPolicy, Authz, CachedPolicy, CachedPolicyBuilder, Decision,
        ExtractError, Granted, HeaderId, IdShape, LoadError, LoadGuard, Loaders, MetadataId,
        OwnershipConfigError, OwnershipFuture, OwnershipGuard, OwnershipGuardBuilder,
        OwnershipRefusal, OwnershipService, PathParam, PathPattern, QueryParam, ResourceId, StepUp,
        Verdict,
    };
    type Inner = tower::util::BoxCloneService<http::Request<()>, u8, u8>;
    layer::<OwnershipGuard>();
    layer::<OwnershipGuardBuilder>();
    layer::<OwnershipService<u8>>();
    moved::<OwnershipFuture<Inner, ()>>();
    layer::<LoadGuard>();
    layer::<OwnershipGuardBuilder<Loaders>>();
    layer::<OwnershipService<u8, Loaders>>();
    moved::<OwnershipFuture<Inner, (), Loaders>>();
    layer::<Granted<u8>>();
    layer::<LoadError>();
    layer::<Authz>();
    layer::<AccessRequest>();
    layer::<AsyncPolicy<u8>>();
    layer::<CachedPolicy<Joined>>();
    layer::<CachedPolicyBuilder<Joined>>();
    layer::<DenyIf<u8, Joined>>();
    layer::<Joined>();
    layer::<Only<Joined>>();
    layer::<OwnerOrAdmin<Joined>>();
    layer::<Role>();
    layer::<SameTenant>();
    layer::<Scoped>();
    layer::<HeaderId>();
    layer::<MetadataId>();
    layer::<PathParam>();
    layer::<PathPattern>();
    layer::<QueryParam>();
    // A future of it is awaited by one thread.
    moved::<Verdict>();
    vocabulary::<Action>();
    vocabulary::<AuthzFault>();
    vocabulary::<Decision>();
    vocabulary::<ExtractError>();
    vocabulary::<IdShape>();
    vocabulary::<OwnershipConfigError>();
    vocabulary::<OwnershipRefusal>();
    vocabulary::<ResourceId>();
    vocabulary::<StepUp>();
}

#[cfg(feature = "sanitize")]
#[test]
fn sanitizing_crosses_threads_and_can_be_printed() {
    use tower_security::sanitize::{
        Action, Finding, GuardedBody, HeaderRules, JsonRules, MultipartRules, ParamRules, Part,
        PathRules, RequestRules, Rule, RuleSet, SanitizeBuilder, SanitizeConfigError,
        SanitizeFuture, SanitizeLayer, SanitizeReport, SanitizeService, Violation,
    };
    type Inner = tower::util::BoxCloneService<http::Request<GuardedBody<u8>>, u8, u8>;
    layer::<SanitizeLayer>();
    layer::<PathRules>();
    layer::<ParamRules>();
    layer::<HeaderRules>();
    layer::<JsonRules>();
    layer::<MultipartRules>();
    layer::<RequestRules>();
    layer::<SanitizeService<u8>>();
    layer::<SanitizeReport>();
    layer::<Finding>();
    vocabulary::<Rule>();
    vocabulary::<RuleSet>();
    vocabulary::<Action>();
    vocabulary::<Part>();
    vocabulary::<SanitizeConfigError>();
    vocabulary::<Violation>();
    fn printed<T: Debug>() {}
    printed::<SanitizeBuilder>();
    printed::<GuardedBody<u8>>();
    printed::<SanitizeFuture<Inner, u8>>();
    fn sent<T: Send>() {}
    sent::<SanitizeBuilder>();
    sent::<GuardedBody<u8>>();
}

#[cfg(feature = "limits")]
#[test]
fn limits_cross_threads_and_can_be_printed() {
    use tower_security::limits::{
        AnswerBody, BodyLimitError, Limit, LimitedBody, Limits, LimitsBuilder, LimitsConfig,
        LimitsConfigError, LimitsFuture, LimitsLayer, LimitsRefusal, RouteLimits,
    };
    layer::<LimitsLayer>();
    layer::<LimitsBuilder>();
    layer::<Limits<u8>>();
    vocabulary::<Limit>();
    vocabulary::<LimitsConfig>();
    vocabulary::<LimitsConfigError>();
    vocabulary::<LimitsRefusal>();
    vocabulary::<RouteLimits>();
    value::<BodyLimitError>();
    // Their timers are not `Unpin`.
    fn sent<T: Debug + Send + Sync + 'static>() {}
    sent::<LimitedBody<u8>>();
    sent::<AnswerBody<u8>>();
    sent::<LimitsFuture<u8, u8>>();
}

#[cfg(feature = "sanitize")]
#[test]
fn text_types_cross_threads_and_can_be_printed() {
    use tower_security::sanitize::{
        Field, FileNameError, Finding, Identifier, IdentifierError, PlainLine, PlainText,
        SafeFileName, Sanitized, TextError,
    };
    vocabulary::<PlainLine<1>>();
    vocabulary::<PlainText<1>>();
    vocabulary::<Identifier<1>>();
    vocabulary::<SafeFileName>();
    vocabulary::<Sanitized<u8>>();
    vocabulary::<TextError>();
    vocabulary::<IdentifierError>();
    vocabulary::<FileNameError>();
    vocabulary::<Finding>();
    borrowed::<Field<'_>>();
}

#[cfg(feature = "sanitize-html")]
#[test]
fn html_crosses_threads_and_can_be_printed() {
    use tower_security::sanitize::html::{
        Basic, HtmlCaps, HtmlCleaner, HtmlConfigError, HtmlError, HtmlPolicy, SafeHtml, TextOnly,
        Ugc,
    };
    use tower_security::sanitize::{SafeUrl, UrlError};
    value::<HtmlCleaner>();
    layer::<HtmlPolicy>();
    layer::<Ugc>();
    layer::<Basic>();
    layer::<TextOnly>();
    vocabulary::<SafeHtml>();
    vocabulary::<HtmlCaps>();
    vocabulary::<HtmlError>();
    vocabulary::<HtmlConfigError>();
    vocabulary::<SafeUrl>();
    vocabulary::<UrlError>();
}
