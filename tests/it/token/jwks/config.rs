//! What is refused when a cache is built.

use tower_security::auth::AuthLayer;
use tower_security::core::{ConfigErrors, ErrorClass};
use tower_security::token::{JwksConfigError, JwksUrlProblem, JwtVerifier};

use super::*;

fn build(
    url: &str,
    change: impl FnOnce(JwksCacheBuilder) -> JwksCacheBuilder,
) -> Result<JwksCache, ConfigErrors> {
    let builder = JwksCache::builder(url).fetch(HttpsJwksFetch::new().unwrap());
    change(builder).build()
}

const URL: &str = "https://login.example.com/jwks";

#[test]
fn each_mistake_is_refused_and_its_neighbour_is_not() {
    type Change = fn(JwksCacheBuilder) -> JwksCacheBuilder;
    const NANO: Duration = Duration::from_nanos(1);
    const HOUR: Duration = Duration::from_secs(3_600);
    let rows: [(&str, Change, Change); 8] = [
        (
            "refused soft_ttl of 59.999999999s: write 1 minute to 1 hour",
            |builder| builder.soft_ttl(MINUTE - NANO),
            |builder| builder.soft_ttl(MINUTE),
        ),
        (
            "refused soft_ttl of 3600.000000001s: write 1 minute to 1 hour",
            |builder| builder.soft_ttl(HOUR + NANO).hard_ttl(2 * HOUR),
            |builder| builder.soft_ttl(HOUR).hard_ttl(2 * HOUR),
        ),
        (
            "refused hard_ttl of 299.999999999s: write at least the soft TTL and at most 24 hours",
            |builder| builder.hard_ttl(5 * MINUTE - NANO),
            |builder| builder.hard_ttl(5 * MINUTE),
        ),
        (
            "refused hard_ttl of 86400.000000001s: write at least the soft TTL and at most 24 hours",
            |builder| builder.hard_ttl(24 * HOUR + NANO),
            |builder| builder.hard_ttl(24 * HOUR),
        ),
        (
            "refused min_interval of 9.999999999s: write at least 10 seconds",
            |builder| builder.min_interval(10 * SECOND - NANO),
            |builder| builder.min_interval(10 * SECOND),
        ),
        (
            "refused min_interval of 0ns: write at least 10 seconds",
            |builder| builder.min_interval(Duration::ZERO),
            |builder| builder.min_interval(Duration::MAX),
        ),
        (
            "refused max_keys of 257: write 1 to 256",
            |builder| builder.max_keys(257),
            |builder| builder.max_keys(256),
        ),
        (
            "refused max_keys of 0: write 1 to 256",
            |builder| builder.max_keys(0),
            |builder| builder.max_keys(1),
        ),
    ];
    for (message, wrong, right) in rows {
        let errors = build(URL, wrong).unwrap_err();
        assert_eq!(errors.len(), 1, "{errors}");
        let error = errors.iter().next().unwrap();
        assert_eq!(error.message(), message);
        assert_eq!(
            (error.code(), error.class()),
            ("ttl_refused", ErrorClass::Refused)
        );
        assert!(build(URL, right).is_ok(), "{message}");
    }
}

#[test]
fn a_url_is_https_or_loopback_and_said_to_be_dangerous() {
    let http = "http://127.0.0.1:8080/jwks";
    let errors = build(http, |builder| builder).unwrap_err();
    let error = errors.iter().next().unwrap();
    assert_eq!(
        (error.path(), error.code(), error.class()),
        ("jwks.url", "jwks_url_refused", ErrorClass::Refused)
    );
    assert_eq!(
        error.downcast::<JwksConfigError>(),
        Some(&JwksConfigError::JwksUrlRefused {
            url: http.to_owned(),
            problem: JwksUrlProblem::NotHttps
        })
    );
    let cache = build(http, JwksCacheBuilder::dangerous_http_jwks).unwrap();
    assert_eq!(cache.dangerous(), [("dangerous_http_jwks", true)]);
    // Whoever asks the layer is told of its keys too.
    let verifier = JwtVerifier::builder()
        .issuer("https://login.example.com/")
        .audience("api")
        .keys(cache)
        .build()
        .unwrap();
    let layer = AuthLayer::builder().bearer(verifier).build().unwrap();
    assert_eq!(
        layer.dangerous(),
        [
            ("dangerous_accept_when_revocation_fails", false),
            ("dangerous_http_issuer", false),
            ("dangerous_http_jwks", true),
        ]
    );
    let cache = build(URL, JwksCacheBuilder::dangerous_http_jwks).unwrap();
    assert_eq!(cache.dangerous(), [("dangerous_http_jwks", false)]);
    let elsewhere = "http://login.example.com/jwks";
    assert!(build(elsewhere, JwksCacheBuilder::dangerous_http_jwks).is_err());
}

#[test]
fn all_mistakes_are_told_at_once() {
    let errors = JwksCache::builder("https://me:secret@login.example.com/")
        .soft_ttl(Duration::ZERO)
        .hard_ttl(Duration::MAX)
        .min_interval(SECOND)
        .max_keys(0)
        .build()
        .unwrap_err();
    let told: Vec<_> = errors
        .iter()
        .map(|error| (error.path(), error.code()))
        .collect();
    assert_eq!(
        told,
        [
            ("jwks.url", "jwks_url_refused"),
            ("jwks.fetch", "fetch_missing"),
            ("jwks.soft_ttl", "ttl_refused"),
            ("jwks.hard_ttl", "ttl_refused"),
            ("jwks.min_interval", "ttl_refused"),
            ("jwks.max_keys", "ttl_refused"),
        ]
    );
    assert!(!errors.to_string().contains("secret"), "{errors}");
}

#[test]
fn every_public_type_crosses_threads_and_can_be_printed() {
    use tower_security::token::FetchErrorKind;

    fn value<T: std::fmt::Debug + Send + Sync + Unpin + 'static>() {}
    fn cloned<T: std::fmt::Debug + Clone + Send + Sync + Unpin + 'static>() {}
    fn vocabulary<T: std::fmt::Debug + Clone + PartialEq + Send + Sync + Unpin + 'static>() {}
    fn moved<T: Send>(_: T) {}

    cloned::<JwksCache>();
    cloned::<HttpsJwksFetch>();
    cloned::<JwksReply>();
    cloned::<FetchError>();
    value::<JwksConfigError>();
    vocabulary::<FetchErrorKind>();
    vocabulary::<JwksUrlProblem>();
    moved(JwksCache::builder(URL));
    let cache = build(URL, |builder| builder).unwrap();
    moved(cache.ready());
}
