//! Keys of an identity provider.

use std::future::ready;
use std::pin::Pin;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode, Uri};
use tower_security::core::Lookup;
use tower_security::token::{
    FetchError, JwksCache, JwksFetch, JwksReply, KeySource, KeySourceError, KeyState,
};

use super::*;

/// RFC 8037 A.2.
const SET: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

struct Given;

impl JwksFetch for Given {
    fn fetch(
        &self,
        _: &Uri,
        _: Option<&str>,
    ) -> Pin<Box<dyn Future<Output = Result<JwksReply, FetchError>> + Send + 'static>> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Box::pin(ready(Ok(JwksReply::new(StatusCode::OK, &headers, SET))))
    }
}

/// A flood of made-up key ids costs as little as tokens of keys that are there.
#[tokio::test]
async fn keys_at_hand_and_ids_that_nobody_has_are_looked_up_without_allocations() {
    let cache = JwksCache::builder("https://login.example.com/jwks")
        .fetch(Given)
        .build()
        .unwrap();
    cache.ready().await.unwrap();
    let is_ready = || matches!(cache.state(), KeyState::Ready(_));
    let is_unknown = || {
        let answer = cache.refresh(Some("nobody has this id"));
        matches!(answer, Lookup::Ready(Err(KeySourceError::NotFound)))
    };
    // What a thread needs to read a reload cell is made once.
    assert!(is_ready() && is_unknown());
    assert_eq!(counted(is_ready), (true, 0));
    assert_eq!(counted(is_unknown), (true, 0));
}
