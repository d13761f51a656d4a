//! Keys of an issuer over a server of axum, fetched by the cache of a resource server.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{ETAG, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};
use tower_security::core::ManualClock;
use tower_security::token::{HttpsJwksFetch, JwksCache};

use super::*;

async fn jwks(State(issuer): State<TokenIssuer>, headers: HeaderMap) -> Response {
    let keys = issuer.jwks();
    if keys.is_current(&headers) {
        return (StatusCode::NOT_MODIFIED, keys.headers()).into_response();
    }
    (keys.headers(), keys.bytes().clone()).into_response()
}

async fn served(issuer: &TokenIssuer) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new()
        .route("/jwks", get(jwks))
        .with_state(issuer.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}/jwks")
}

async fn waited(verifier: &JwtVerifier, token: &AccessToken) -> Result<Principal, TokenError> {
    verifier.verify(token.token().expose()).wait().await
}

#[tokio::test]
async fn a_resource_server_follows_a_rotation() {
    let clock = ManualClock::new();
    let ring = KeyRing::new(new_key()).next(new_key());
    let issuer = builder(clock.clone()).signing(ring).build().unwrap();
    let cache = JwksCache::builder(served(&issuer).await)
        .fetch(HttpsJwksFetch::new().unwrap())
        .dangerous_http_jwks()
        .clock(clock.clone())
        .build()
        .unwrap();
    cache.ready().await.unwrap();
    let verifier = verifying(clock.clone(), cache).build().unwrap();
    let first = token(&issuer);
    assert!(waited(&verifier, &first).await.is_ok());

    // What it has fetched before the rotation is enough for the first token after it.
    clock.advance(5 * MINUTE - SECOND);
    let _ = waited(&verifier, &first).await.unwrap();
    clock.advance(SECOND);
    issuer.rotate(new_key()).unwrap();
    let second = token(&issuer);
    assert!(waited(&verifier, &second).await.is_ok());
    assert!(waited(&verifier, &first).await.is_ok());

    // And so on: each token finds its key, and old ones are good until their end.
    clock.advance(5 * MINUTE);
    issuer.rotate(new_key()).unwrap();
    let third = token(&issuer);
    for token in [&first, &second, &third] {
        assert!(waited(&verifier, token).await.is_ok());
    }

    // A leaked ring is replaced: the new key is fetched with the first token that names it.
    clock.advance(MINUTE);
    issuer.replace(KeyRing::new(new_key())).unwrap();
    assert!(waited(&verifier, &token(&issuer)).await.is_ok());
    let error = waited(&verifier, &third).await.unwrap_err();
    assert_eq!(error.reason(), "kid_unknown");
}

#[tokio::test]
async fn what_is_served_is_not_sent_twice() {
    use http_body_util::BodyExt as _;

    let issuer = issuer();
    let asked = async |headers: HeaderMap| {
        let response = jwks(State(issuer.clone()), headers).await;
        let (parts, body) = response.into_parts();
        (parts, body.collect().await.unwrap().to_bytes())
    };
    let (parts, body) = asked(HeaderMap::new()).await;
    assert_eq!(
        (parts.status, &body),
        (StatusCode::OK, issuer.jwks().bytes())
    );
    let known: HeaderMap = [(IF_NONE_MATCH, parts.headers[ETAG].clone())]
        .into_iter()
        .collect();
    let (parts, body) = asked(known).await;
    assert_eq!((parts.status, body.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(parts.headers[ETAG], issuer.jwks().etag());
}
