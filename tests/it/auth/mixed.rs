//! API keys as bearer tokens, beside a cookie, a key in its header, and a token in the query.

use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, HeaderValue, Request};
use http_body_util::Full;
use tower::Layer;
use tower_security::auth::api_key::{ApiKeyAuth, MemoryApiKeyStore};
use tower_security::auth::session::{MemorySessionStore, SessionAuth};
use tower_security::auth::{AuthBuilder, AuthFailure, AuthLayer};
use tower_security::core::{NoopSink, Principal};

use super::ways::{ByHeader, Seen};
use crate::support::service::go;

/// Whose the request was, or the status and code of the refusal.
type Came = Result<Option<String>, (u16, &'static str)>;

const KEY_INVALID: Came = Err((401, "api_key_invalid"));
const MALFORMED: Came = Err((400, "credentials_malformed"));
const TWO: Came = Err((400, "credentials_ambiguous"));

/// A robot with a key, and alice with a cookie.
struct Both {
    keys: ApiKeyAuth,
    sessions: SessionAuth,
    key: String,
    cookie: HeaderValue,
}

impl Both {
    async fn new() -> Self {
        let keys = ApiKeyAuth::builder(MemoryApiKeyStore::new(), "sk").in_bearer();
        let keys = keys.events(NoopSink::new()).build().unwrap();
        let robot = Principal::builder("robot").build();
        let key = keys.issue(&robot, None).await.unwrap();
        let sessions = SessionAuth::builder(MemorySessionStore::new()).events(NoopSink::new());
        let sessions = sessions.build().unwrap();
        let alice = Principal::builder("alice").build();
        let line = sessions.login(&HeaderMap::new(), &alice).await.unwrap();
        let (pair, _) = line.to_str().unwrap().split_once(';').unwrap();
        Self {
            key: key.key().expose().clone(),
            cookie: HeaderValue::from_str(pair).unwrap(),
            keys,
            sessions,
        }
    }

    fn layer(&self, set: impl FnOnce(AuthBuilder) -> AuthBuilder) -> AuthLayer {
        let builder = AuthLayer::builder()
            .session(self.sessions.clone())
            .api_key(self.keys.clone())
            .events(NoopSink::new());
        set(builder).build().unwrap()
    }
}

async fn came(layer: &AuthLayer, request: Request<Full<bytes::Bytes>>) -> Came {
    let seen = Seen::default();
    let response = go(layer.layer(seen.clone()), request).await;
    let mut reached = seen.take();
    match response.extensions().get::<AuthFailure>() {
        None => Ok(reached.pop().unwrap()),
        Some(failure) => {
            assert!(reached.is_empty());
            Err((response.status().as_u16(), failure.code()))
        }
    }
}

fn whose(name: &str) -> Came {
    Ok(Some(name.to_owned()))
}

fn request(uri: &str, lines: &[(&str, &[u8])]) -> Request<Full<bytes::Bytes>> {
    let mut request = Request::get(uri);
    for (name, line) in lines {
        request = request.header(*name, HeaderValue::from_bytes(line).unwrap());
    }
    request.body(Full::default()).unwrap()
}

#[tokio::test]
async fn a_bad_key_as_a_bearer_token_is_not_let_in_by_anything_else() {
    let both = Both::new().await;
    let key = both.key.as_str();
    let good = format!("Bearer {key}");
    let rows: [(&[u8], Came); 11] = [
        (good.as_bytes(), whose("robot")),
        (b"Bearer sk_x", KEY_INVALID),
        (b"Bearer sk_x\xe9", KEY_INVALID),
        (b"bearer eyJhbGciOiJub25lIn0.e30.", KEY_INVALID),
        (b"Bearer", MALFORMED),
        (b"Bearer\tsk_x", MALFORMED),
        (b"Bearer sk_x y", MALFORMED),
        (b"Bearer, sk_x", MALFORMED),
        (b"Bearer=sk_x", MALFORMED),
        (b"Bearer\xa0sk_x", MALFORMED),
        // A browser sends the password for a proxy along with the cookie.
        (b"Basic eDp5", whose("alice")),
    ];
    for (line, expected) in rows {
        let shown = line.escape_ascii();
        for is_optional in [false, true] {
            let layer = both.layer(|builder| {
                if is_optional {
                    builder.optional()
                } else {
                    builder
                }
            });
            let cookie = (COOKIE.as_str(), both.cookie.as_bytes());
            let own = (AUTHORIZATION.as_str(), line);
            let told = came(&layer, request("/", &[own, cookie])).await;
            assert_eq!(told, expected, "{shown}");
            // Two keys, whatever becomes of them.
            let two = [own, ("x-api-key", key.as_bytes())];
            let expected = if line.starts_with(b"Basic") {
                whose("robot")
            } else {
                TWO
            };
            assert_eq!(came(&layer, request("/", &two)).await, expected, "{shown}");
        }
    }
}

/// What is no key is left to whom else reads `Authorization`, and to nobody where none does.
#[tokio::test]
async fn other_bearer_tokens_are_those_of_another_way() {
    let both = Both::new().await;
    let layer = both.layer(|builder| builder.authenticator(ByHeader::new("authorization")));
    let bearer = |line: &'static [u8]| request("/", &[("authorization", line)]);
    assert_eq!(came(&layer, bearer(b"good")).await, whose("alice"));
    let invalid = Err((401, "token_invalid"));
    assert_eq!(came(&layer, bearer(b"Bearer other")).await, invalid);
    assert_eq!(came(&layer, bearer(b"Bearer sk_x")).await, TWO);

    let layer = both.layer(|builder| builder.authenticator(ByHeader::ambient("x-certificate")));
    let certificate = ("x-certificate", &b"good"[..]);
    let beside = request("/", &[("authorization", b"Bearer other"), certificate]);
    assert_eq!(came(&layer, beside).await, KEY_INVALID);
    let alone = request("/", &[certificate]);
    assert_eq!(came(&layer, alone).await, whose("alice"));
}

#[tokio::test]
async fn a_key_as_a_bearer_token_stands_beside_no_token_in_the_query() {
    let both = Both::new().await;
    let layer = both.layer(|builder| builder);
    let good = format!("Bearer {}", both.key);
    let bearer = [("authorization", good.as_bytes())];
    for (uri, expected) in [
        ("/?access_token=x", TWO),
        ("/?a=b&access_token", TWO),
        ("/?%61ccess%5Ftoken=", TWO),
        ("/?my_access_token=x", whose("robot")),
        ("/?a=access_token", whose("robot")),
    ] {
        assert_eq!(came(&layer, request(uri, &bearer)).await, expected, "{uri}");
    }
    // It is never read, so that it is no second credential beside a key in its own header.
    let header = [("x-api-key", both.key.as_bytes())];
    let beside = request("/?access_token=x", &header);
    assert_eq!(came(&layer, beside).await, whose("robot"));
}
