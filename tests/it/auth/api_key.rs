//! API keys.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use http::header::{AUTHORIZATION, VARY, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::Full;
use tower::Layer;
use tower_security::auth::api_key::{
    ApiKeyAuth, ApiKeyAuthBuilder, ApiKeyDigest, ApiKeyError, ApiKeyRecord, ApiKeyStore,
    MemoryApiKeyStore,
};
use tower_security::auth::{AuthFailure, AuthLayer};
use tower_security::core::{
    AbuseKind, AbuseSignal, AuthMethod, ChallengeScheme, ConfigErrors, ManualClock, NoopSink,
    Principal, Refused, Secret, SecurityEvent, StoreErrorKind,
};

use super::stores::{Odd, OddKeys, at, told};
use super::ways::{ByHeader, Seen};
use crate::support::service::go;

type Came = Result<Option<String>, (u16, &'static str, &'static str)>;

const SERVER_KEY: [u8; 32] = *b"0123456789abcdef0123456789abcdef";
const ROBOT: &str = "robot";

struct Desk {
    keys: ApiKeyAuth,
    store: OddKeys,
    clock: ManualClock,
}

impl Desk {
    fn new() -> Self {
        Self::with(Odd::new(MemoryApiKeyStore::new()), |builder| builder)
    }

    fn late() -> Self {
        Self::with(Odd::late(MemoryApiKeyStore::new()), |builder| builder)
    }

    fn with(store: OddKeys, set: impl FnOnce(ApiKeyAuthBuilder) -> ApiKeyAuthBuilder) -> Self {
        let clock = ManualClock::new();
        clock.set_now(at(0));
        let builder = ApiKeyAuth::builder(store.clone(), "sk")
            .clock(clock.clone())
            .events(NoopSink::new());
        Self {
            keys: set(builder).build().unwrap(),
            store,
            clock,
        }
    }

    async fn issue(&self, lifetime: Option<Duration>) -> String {
        let who = Principal::builder(ROBOT).scopes(["orders:read"]).build();
        let issued = self.keys.issue(&who, lifetime).await.unwrap();
        issued.key().expose().clone()
    }

    async fn send(&self, lines: &[(&str, &str)]) -> (Came, Response<Full<bytes::Bytes>>) {
        let layer = AuthLayer::builder()
            .api_key(self.keys.clone())
            .events(NoopSink::new());
        asked(layer.build().unwrap(), lines).await
    }

    async fn came(&self, key: &str) -> Came {
        self.send(&[("x-api-key", key)]).await.0
    }
}

async fn asked(layer: AuthLayer, lines: &[(&str, &str)]) -> (Came, Response<Full<bytes::Bytes>>) {
    asked_at("/", layer, lines).await
}

async fn asked_at(
    uri: &'static str,
    layer: AuthLayer,
    lines: &[(&str, &str)],
) -> (Came, Response<Full<bytes::Bytes>>) {
    let seen = Seen::default();
    let mut request = Request::new(Full::<bytes::Bytes>::default());
    *request.uri_mut() = Uri::from_static(uri);
    for (name, value) in lines {
        let name: HeaderName = name.parse().unwrap();
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        request.headers_mut().append(name, value);
    }
    let response = go(layer.layer(seen.clone()), request).await;
    let mut reached = seen.take();
    let came = match response.extensions().get::<Refused>() {
        None => Ok(reached.pop().unwrap()),
        Some(refused) => {
            let failure = response.extensions().get::<AuthFailure>().unwrap();
            Err((refused.status().as_u16(), refused.code(), failure.reason()))
        }
    };
    assert!(reached.is_empty());
    (came, response)
}

fn robot() -> Came {
    Ok(Some(ROBOT.to_owned()))
}

const fn invalid(reason: &'static str) -> Came {
    Err((401, "api_key_invalid", reason))
}

/// The key with another secret.
fn forged(key: &str) -> String {
    let (head, checksum) = key.split_at(key.len() - 6);
    let (head, last) = head.split_at(head.len() - 1);
    checked(&format!(
        "{head}{}{checksum}",
        if last == "0" { '1' } else { '0' }
    ))
}

/// The key with the checksum that belongs to it: `zlib.crc32` in base 62, computed here by the book.
fn checked(key: &str) -> String {
    let (body, _) = key.split_at(key.len() - 6);
    let mut crc = u32::MAX;
    for byte in body.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                crc >> 1 ^ 0xedb8_8320
            } else {
                crc >> 1
            };
        }
    }
    let alphabet: Vec<char> = ('0'..='9').chain('A'..='Z').chain('a'..='z').collect();
    let mut rest = !crc;
    let mut digits = Vec::new();
    for _ in 0..6 {
        digits.push(alphabet[usize::try_from(rest % 62).unwrap()]);
        rest /= 62;
    }
    digits.reverse();
    body.to_owned() + &digits.into_iter().collect::<String>()
}

#[tokio::test]
async fn a_key_is_whom_it_was_issued_for() {
    for desk in [Desk::new(), Desk::late()] {
        let key = desk.issue(None).await;
        assert_eq!(key.len(), "sk_".len() + 12 + 1 + 32 + 6);
        let (came, response) = desk.send(&[("x-api-key", &key)]).await;
        assert_eq!(came, robot());
        assert_eq!(response.headers()[VARY], "X-Api-Key");
        let other = desk.issue(None).await;
        // Row 102.
        let (prefix, rest) = key.split_once('_').unwrap();
        let (id, _) = rest.split_once('_').unwrap();
        let mistyped = key.replacen(id, &other[3..15], 1);
        let swapped = forged(&mistyped);
        for (wrong, reason) in [
            (String::new(), "malformed"),
            ("sk".to_owned(), "malformed"),
            (rest.to_owned(), "malformed"),
            (format!("{key}0"), "malformed"),
            (format!("{prefix}x_{rest}"), "malformed"),
            (format!("pk_{rest}"), "malformed"),
            (key.to_uppercase(), "malformed"),
            (format!("Bearer {key}"), "malformed"),
            ("A".repeat(1 << 20), "malformed"),
            (mistyped, "checksum"),
            (swapped, "mismatch"),
            (forged(&key), "mismatch"),
            (
                // Well spelt, checksum by Python's `zlib`.
                "sk_0a1B2c3D4e5F_abcdefghijklmnopqrstuvwxyz0123451bbxKs".to_owned(),
                "unknown",
            ),
        ] {
            assert_eq!(desk.came(&wrong).await, invalid(reason), "{wrong:.60}");
        }
        assert_eq!(desk.came(&key).await, robot());
    }
}

#[tokio::test]
async fn a_mistyped_key_never_reaches_the_store() {
    let desk = Desk::new();
    let key = desk.issue(None).await;
    for at in 0..key.len() {
        let mut wrong = key.clone().into_bytes();
        wrong[at] = if wrong[at] == b'x' { b'y' } else { b'x' };
        let wrong = String::from_utf8(wrong).unwrap();
        assert!(desk.came(&wrong).await.is_err(), "{at}");
    }
    assert_eq!(desk.store.reads(), 0);
    assert_eq!(desk.came(&key).await, robot());
    assert_eq!(desk.store.reads(), 1);
}

#[tokio::test]
async fn a_refusal_names_the_header_and_counts_for_bans() {
    let desk = Desk::new();
    let key = desk.issue(None).await;
    let (came, response) = desk.send(&[("x-api-key", &forged(&key))]).await;
    assert_eq!(came, invalid("mismatch"));
    let line = "ApiKey realm=\"api\", header=\"x-api-key\"";
    assert_eq!(response.headers()[WWW_AUTHENTICATE], line);
    assert_eq!(response.headers()["cache-control"], "no-store");
    let signal = AbuseSignal::of(response.extensions());
    assert_eq!(signal, Some(AbuseKind::AuthFailed));
    // The event may say which key it was: its id is no secret.
    let failure = response.extensions().get::<AuthFailure>().unwrap();
    assert_eq!(
        failure.detail().unwrap().to_string(),
        format!("key={}", &key[3..15])
    );

    let (came, response) = desk.send(&[]).await;
    assert_eq!(
        came,
        Err((401, "authentication_required", "nothing_presented"))
    );
    assert_eq!(response.headers()[WWW_AUTHENTICATE], line);
    assert_eq!(AbuseSignal::of(response.extensions()), None);
}

#[tokio::test]
async fn a_key_ends_with_its_lifetime() {
    for desk in [Desk::new(), Desk::late()] {
        let key = desk.issue(Some(Duration::from_secs(60))).await;
        let forever = desk.issue(None).await;
        desk.clock.set_now(at(60) - Duration::from_millis(1));
        assert_eq!(desk.came(&key).await, robot());
        desk.clock.set_now(at(60));
        assert_eq!(desk.came(&key).await, invalid("expired"));
        assert_eq!(desk.came(&forged(&key)).await, invalid("mismatch"));
        desk.clock.set_now(at(1 << 32));
        assert_eq!(desk.came(&forever).await, robot());
        assert_eq!(desk.keys.purge().await.unwrap(), 1);
        assert_eq!(desk.came(&key).await, invalid("unknown"));

        desk.clock
            .set_now(SystemTime::UNIX_EPOCH - Duration::from_nanos(1));
        let refused = Err((503, "authentication_unavailable", "clock"));
        assert_eq!(desk.came(&forever).await, refused);
    }
}

#[tokio::test]
async fn rotated_a_key_has_two_secrets_for_a_while() {
    for desk in [Desk::new(), Desk::late()] {
        let who = Principal::builder(ROBOT).roles(["reader"]).build();
        let lifetime = Some(Duration::from_secs(1_000));
        let issued = desk.keys.issue(&who, lifetime).await.unwrap();
        let first = issued.key().expose();
        let hour = Duration::from_secs(100);
        let second = desk.keys.rotate(issued.id(), hour).await.unwrap();
        assert_eq!(second.id(), issued.id());
        let second = second.key().expose();
        assert_ne!(first, second);
        assert_eq!(
            (desk.came(first).await, desk.came(second).await),
            (robot(), robot())
        );
        let info = &desk.keys.list(ROBOT).await.unwrap()[0];
        assert_eq!(info.previous_until(), Some(at(100)));
        assert_eq!(info.principal().expires_at(), Some(at(1_000)));
        assert!(info.principal().has_role("reader"));
        assert_eq!((info.id(), info.created_at()), (issued.id(), at(0)));

        // A third one, and the first is dead.
        desk.clock.set_now(at(50));
        let third = desk.keys.rotate(issued.id(), hour).await.unwrap();
        let third = third.key().expose();
        assert_eq!(desk.came(first).await, invalid("mismatch"));
        assert_eq!(
            (desk.came(second).await, desk.came(third).await),
            (robot(), robot())
        );
        desk.clock.set_now(at(150) - Duration::from_millis(1));
        assert_eq!(desk.came(second).await, robot());
        desk.clock.set_now(at(150));
        assert_eq!(desk.came(second).await, invalid("mismatch"));
        assert_eq!(desk.came(third).await, robot());
        assert_eq!(
            desk.keys.list(ROBOT).await.unwrap()[0].previous_until(),
            None
        );

        // At once, for one that has leaked.
        let fourth = desk.keys.rotate(issued.id(), Duration::ZERO).await.unwrap();
        assert_eq!(desk.came(third).await, invalid("mismatch"));
        assert_eq!(desk.came(fourth.key().expose()).await, robot());

        desk.clock.set_now(at(1_000));
        let over = desk.keys.rotate(issued.id(), hour).await.unwrap_err();
        assert!(matches!(over, ApiKeyError::Unknown), "{over}");
        assert_eq!(over.rejection().status(), StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_secret_without_an_overlap_is_dead_for_clocks_that_are_slow_too() {
    let desk = Desk::new();
    let who = Principal::builder(ROBOT).build();
    let issued = desk.keys.issue(&who, None).await.unwrap();
    desk.clock.set_now(at(100));
    let zero = Duration::ZERO;
    let second = desk.keys.rotate(issued.id(), zero).await.unwrap();
    for seconds in [100, 99, 0] {
        desk.clock.set_now(at(seconds));
        let came = desk.came(issued.key().expose()).await;
        assert_eq!(came, invalid("mismatch"), "{seconds}");
        assert_eq!(desk.came(second.key().expose()).await, robot());
    }
}

/// The prefix and the id are no secrets, and everybody can compute the checksum: what is kept has to tell them.
#[tokio::test]
async fn a_secret_is_good_with_its_own_prefix_and_id_alone() {
    for is_keyed in [false, true] {
        let store = Odd::new(MemoryApiKeyStore::new());
        let clock = ManualClock::new();
        clock.set_now(at(0));
        let keys = |prefix: &str| {
            let builder = ApiKeyAuth::builder(store.clone(), prefix)
                .clock(clock.clone())
                .events(NoopSink::new());
            let builder = if is_keyed {
                builder.server_key(SERVER_KEY)
            } else {
                builder
            };
            builder.build().unwrap()
        };
        let came = async |keys: &ApiKeyAuth, key: &str| {
            let layer = AuthLayer::builder()
                .api_key(keys.clone())
                .events(NoopSink::new());
            asked(layer.build().unwrap(), &[("x-api-key", key)]).await.0
        };
        let (test, live) = (keys("test"), keys("live"));
        let who = Principal::builder(ROBOT).build();
        let own = test.issue(&who, None).await.unwrap();
        let own = own.key().expose();
        assert_eq!(came(&test, own).await, robot());
        let promoted = checked(&own.replacen("test", "live", 1));
        assert_eq!(came(&live, &promoted).await, invalid("mismatch"));

        // Whoever can write to the store gives another key the digest of his own.
        let admin = Principal::builder("admin").build();
        let theirs = test.issue(&admin, None).await.unwrap().id();
        let id = own[5..17].parse().unwrap();
        let record = told(store.find(&id)).await.unwrap();
        assert!(told(store.rotate(&theirs, record.digest(), at(0))).await);
        let stolen = checked(&own.replacen(&own[5..17], theirs.as_str(), 1));
        assert_eq!(came(&test, &stolen).await, invalid("mismatch"));
    }
}

#[tokio::test]
async fn keys_are_listed_and_revoked() {
    let desk = Desk::new();
    let (one, two) = (
        desk.issue(None).await,
        desk.issue(Some(Duration::from_secs(9))).await,
    );
    let bob = Principal::builder("bob").build();
    let neighbour = desk.keys.issue(&bob, None).await.unwrap();
    let all = desk.keys.list(ROBOT).await.unwrap();
    let ids: Vec<_> = all.iter().map(|key| key.id().to_string()).collect();
    assert_eq!(ids, [&one[3..15], &two[3..15]]);
    desk.clock.set_now(at(9));
    assert_eq!(desk.keys.list(ROBOT).await.unwrap().len(), 1);

    assert!(desk.keys.revoke(all[0].id()).await.unwrap());
    assert!(!desk.keys.revoke(all[0].id()).await.unwrap());
    assert_eq!(desk.came(&one).await, invalid("unknown"));
    assert_eq!(desk.keys.revoke_subject(ROBOT).await.unwrap(), 1);
    assert_eq!(desk.came(&two).await, invalid("unknown"));
    let came = desk.came(neighbour.key().expose()).await;
    assert_eq!(came, Ok(Some("bob".to_owned())));
}

#[tokio::test]
async fn what_a_key_says_is_no_login_in_person() {
    let desk = Desk::new();
    let who = Principal::builder("alice")
        .issuer("https://id.example")
        .client_id("shop")
        .tenant("acme")
        .scopes(["orders:read"])
        .roles(["admin"])
        .acr("aal2")
        .amr(["otp"])
        .auth_time(at(0))
        .session_id("s-1")
        .method(AuthMethod::Session)
        .build();
    desk.keys.issue(&who, None).await.unwrap();
    let all = desk.keys.list("alice").await.unwrap();
    let kept = all[0].principal();
    assert_eq!(
        (kept.method(), kept.issuer()),
        (AuthMethod::ApiKey, who.issuer())
    );
    assert_eq!(
        (kept.client_id(), kept.tenant()),
        (Some("shop"), Some("acme"))
    );
    assert!(kept.has_scope("orders:read") && kept.has_role("admin"));
    assert_eq!(kept.token_id(), Some(all[0].id().as_str()));
    assert_eq!(
        (kept.acr(), kept.auth_time(), kept.session_id()),
        (None, None, None)
    );
    assert_eq!(kept.amr().count(), 0);
}

#[tokio::test]
async fn two_keys_are_refused_wherever_they_stand() {
    let desk = Desk::with(
        Odd::new(MemoryApiKeyStore::new()),
        ApiKeyAuthBuilder::in_bearer,
    );
    let key = desk.issue(None).await;
    let bearer = format!("Bearer {key}");
    let twice = Err((400, "credentials_ambiguous", "key_twice"));
    let lines = [("x-api-key", key.as_str()), ("authorization", &bearer)];
    assert_eq!(desk.send(&lines).await.0, twice);
    assert_eq!(desk.send(&[lines[0], lines[0]]).await.0, twice);
    assert_eq!(desk.send(&lines[..1]).await.0, robot());
    assert_eq!(desk.send(&lines[1..]).await.0, robot());

    // Row 98.
    let layer = AuthLayer::builder()
        .authenticator(ByHeader::new("x-test").scheme(ChallengeScheme::bearer()))
        .api_key(desk.keys.clone())
        .events(NoopSink::new());
    let layer = layer.build().unwrap();
    let both = [("x-test", "good"), lines[0]];
    let came = asked(layer.clone(), &both).await.0;
    assert_eq!(
        came,
        Err((400, "credentials_ambiguous", "several_transports"))
    );
    assert_eq!(
        asked(layer, &both[..1]).await.0,
        Ok(Some("alice".to_owned()))
    );
}

#[tokio::test]
async fn a_bearer_token_is_a_key_where_it_was_told_so() {
    let open = Desk::with(
        Odd::new(MemoryApiKeyStore::new()),
        ApiKeyAuthBuilder::in_bearer,
    );
    let key = open.issue(None).await;
    const UNKNOWN: Came = Err((401, "authentication_required", "scheme_unknown"));
    for (line, expected) in [
        (format!("Bearer {key}"), robot()),
        (format!("bearer   {key}"), robot()),
        (format!("Bearer {}", forged(&key)), invalid("mismatch")),
        ("Bearer sk_".to_owned(), invalid("malformed")),
        (
            "Bearer eyJhbGciOiJub25lIn0.e30.".to_owned(),
            invalid("malformed"),
        ),
        (format!("Basic {key}"), UNKNOWN),
        (key.clone(), UNKNOWN),
    ] {
        assert_eq!(
            open.send(&[("authorization", &line)]).await.0,
            expected,
            "{line}"
        );
    }
    let (_, response) = open
        .send(&[("authorization", &format!("Bearer {key}"))])
        .await;
    assert_eq!(response.headers()[VARY], "X-Api-Key, Authorization");

    // Row 95 is for what is sent as a bearer token, whatever it is.
    let bearer = format!("Bearer {key}");
    const AMBIGUOUS: Came = Err((400, "credentials_ambiguous", "query_token"));
    for (uri, name, value, expected) in [
        ("/?access_token=t", "authorization", &bearer, AMBIGUOUS),
        ("/?access%5Ftoken", "authorization", &bearer, AMBIGUOUS),
        ("/?token=t", "authorization", &bearer, robot()),
        ("/?access_token=t", "x-api-key", &key, robot()),
    ] {
        let layer = AuthLayer::builder()
            .api_key(open.keys.clone())
            .events(NoopSink::new());
        let (came, _) = asked_at(uri, layer.build().unwrap(), &[(name, value)]).await;
        assert_eq!(came, expected, "{uri} {name}");
    }

    let closed = Desk::new();
    let key = closed.issue(None).await;
    let line = format!("Bearer {key}");
    assert_eq!(
        closed.send(&[(AUTHORIZATION.as_str(), &line)]).await.0,
        UNKNOWN
    );
}

#[tokio::test]
async fn the_header_and_the_server_key_are_those_that_were_told() {
    let named = HeaderName::from_static("x-shop-key");
    let store = Odd::new(MemoryApiKeyStore::new());
    let desk = Desk::with(store.clone(), |builder| {
        builder.header(named).server_key(SERVER_KEY)
    });
    let key = desk.issue(None).await;
    assert_eq!(desk.send(&[("x-shop-key", &key)]).await.0, robot());
    let (came, response) = desk.send(&[("x-api-key", &key)]).await;
    assert!(came.is_err());
    let line = "ApiKey realm=\"api\", header=\"x-shop-key\"";
    assert_eq!(response.headers()[WWW_AUTHENTICATE], line);

    // With another key of the server, or none, no key of before is one.
    let mut another = SERVER_KEY;
    another[0] ^= 1;
    for other in [
        Desk::with(store.clone(), |b| b),
        Desk::with(store.clone(), |b| b.server_key(another)),
    ] {
        assert_eq!(other.came(&key).await, invalid("mismatch"));
    }
    let same = Desk::with(store, |b| b.server_key(SERVER_KEY));
    assert_eq!(same.came(&key).await, robot());
}

/// By Python: `hmac.new(key, text, 'sha256')`, and `hashlib.sha256(text)`, of the key without its checksum.
#[tokio::test]
async fn digests_are_those_of_the_specifications() {
    const KEY: &str = "sk_0a1B2c3D4e5F_abcdefghijklmnopqrstuvwxyz0123451bbxKs";
    const KEYED: [u8; 32] = [
        0x5e, 0x33, 0x47, 0x29, 0xc6, 0xe1, 0x90, 0x7f, 0x90, 0xb0, 0xbb, 0x8c, 0xc5, 0x5f, 0xe8,
        0x0c, 0xbd, 0xbf, 0xe1, 0xed, 0x48, 0x6a, 0x8f, 0x0a, 0x2e, 0x20, 0xb6, 0x73, 0x7c, 0x45,
        0xfa, 0x42,
    ];
    const PLAIN: [u8; 32] = [
        0xc6, 0x50, 0xdc, 0x05, 0x70, 0x8f, 0xef, 0xe1, 0x95, 0xbd, 0x33, 0x20, 0x03, 0xa8, 0xc0,
        0x92, 0xc1, 0x22, 0x70, 0xbf, 0x9d, 0xf4, 0x5b, 0x4c, 0x8b, 0x77, 0x7d, 0xa9, 0x36, 0x4e,
        0x13, 0x7f,
    ];
    let made = |digest: [u8; 32]| {
        let who = Principal::builder(ROBOT).build();
        let id = "0a1B2c3D4e5F".parse().unwrap();
        ApiKeyRecord::new(id, &who, at(0), ApiKeyDigest::from_bytes(digest))
    };
    for (digest, is_keyed, is_right) in [
        (KEYED, true, true),
        (KEYED, false, false),
        (PLAIN, false, true),
        (PLAIN, true, false),
        ([0; 32], false, false),
    ] {
        let store = Odd::new(MemoryApiKeyStore::new());
        assert!(told(store.create(&made(digest))).await);
        let desk = Desk::with(store, |builder| {
            if is_keyed {
                builder.server_key(SERVER_KEY)
            } else {
                builder
            }
        });
        assert_eq!(desk.came(KEY).await.is_ok(), is_right, "{is_keyed}");
    }
}

#[tokio::test]
async fn what_fails_is_told_and_is_no_unknown_key() {
    for desk in [Desk::new(), Desk::late()] {
        let who = Principal::builder(ROBOT).build();
        let issued = desk.keys.issue(&who, None).await.unwrap();
        desk.store.fail(true);
        let (came, response) = desk.send(&[("x-api-key", issued.key().expose())]).await;
        assert_eq!(
            came,
            Err((503, "authentication_unavailable", "store_timeout"))
        );
        assert!(!response.headers().contains_key(WWW_AUTHENTICATE));
        for error in [
            desk.keys.issue(&who, None).await.unwrap_err(),
            desk.keys
                .rotate(issued.id(), Duration::ZERO)
                .await
                .unwrap_err(),
            desk.keys.revoke(issued.id()).await.unwrap_err(),
            desk.keys.revoke_subject(ROBOT).await.unwrap_err(),
            desk.keys.list(ROBOT).await.unwrap_err(),
            desk.keys.purge().await.unwrap_err(),
        ] {
            assert!(matches!(error, ApiKeyError::Store(_)), "{error}");
            assert_eq!(error.rejection().status(), StatusCode::SERVICE_UNAVAILABLE);
        }
        desk.store.fail(false);
        assert_eq!(desk.came(issued.key().expose()).await, robot());

        let empty = Principal::builder("").build();
        let error = desk.keys.issue(&empty, None).await.unwrap_err();
        assert!(matches!(error, ApiKeyError::SubjectEmpty), "{error}");
        for lifetime in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
            let error = desk.keys.issue(&who, Some(lifetime)).await.unwrap_err();
            assert!(
                matches!(error, ApiKeyError::Lifetime),
                "{lifetime:?}: {error}"
            );
            assert_eq!(
                error.rejection().status(),
                StatusCode::INTERNAL_SERVER_ERROR
            );
        }
    }
}

fn mistakes(errors: &ConfigErrors) -> Vec<(&str, &'static str)> {
    let each = errors.iter();
    each.map(|error| (error.path(), error.code())).collect()
}

#[test]
fn what_is_wrong_when_it_is_built_is_told_together() {
    let builder = |prefix: &str| ApiKeyAuth::builder(MemoryApiKeyStore::new(), prefix);
    for right in ["sk", "live", "k9", "a234567890123456"] {
        assert!(builder(right).build().is_ok(), "{right}");
    }
    for wrong in [
        "",
        "s",
        "SK",
        "9k",
        "my_key",
        "a2345678901234567",
        "s\u{e9}",
    ] {
        let errors = builder(wrong).build().unwrap_err();
        assert_eq!(
            mistakes(&errors),
            [("auth.api_key.prefix", "prefix_invalid")],
            "{wrong}"
        );
    }
    for wrong in [
        "authorization",
        "cookie",
        "proxy-authorization",
        "host",
        "origin",
    ] {
        let errors = builder("sk")
            .header(HeaderName::from_static(wrong))
            .build()
            .unwrap_err();
        assert_eq!(
            mistakes(&errors),
            [("auth.api_key.header", "header_refused")]
        );
    }
    let short: Secret<Vec<u8>> = Secret::from(&SERVER_KEY[..31]);
    for wrong in [short, Secret::from([113; 64]), Secret::from(b"")] {
        let errors = builder("sk").server_key(wrong).build().unwrap_err();
        assert_eq!(
            mistakes(&errors),
            [("auth.api_key.server_key", "key_too_weak")]
        );
    }
    assert!(builder("sk").server_key(SERVER_KEY).build().is_ok());

    let errors = builder("SK")
        .header(AUTHORIZATION)
        .server_key([113; 32])
        .build()
        .unwrap_err();
    let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
    assert_eq!(codes, ["prefix_invalid", "header_refused", "key_too_weak"]);
    assert!(!errors.to_string().contains("113"), "{errors}");
}

#[tokio::test]
async fn events_and_what_is_printed_show_no_key() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let desk = Desk::with(Odd::new(MemoryApiKeyStore::new()), |builder| {
        builder
            .server_key(SERVER_KEY)
            .events(move |event: &SecurityEvent<'_>| {
                let line = (event.name.as_str(), event.code, format!("{event:?}"));
                log.lock().unwrap().push(line);
            })
    });
    let who = Principal::builder(ROBOT).build();
    let issued = desk.keys.issue(&who, None).await.unwrap();
    let rotated = desk.keys.rotate(issued.id(), Duration::ZERO).await.unwrap();
    desk.keys.revoke(issued.id()).await.unwrap();
    desk.keys.issue(&who, None).await.unwrap();
    desk.keys.revoke_subject(ROBOT).await.unwrap();
    let seen = seen.lock().unwrap().clone();
    let codes: Vec<_> = seen.iter().map(|(name, code, _)| (*name, *code)).collect();
    assert_eq!(
        codes,
        [
            ("authn_token_created", "api_key_issued"),
            ("authn_token_created", "api_key_rotated"),
            ("authn_token_revoked", "api_key_revoked"),
            ("authn_token_created", "api_key_issued"),
            ("authn_token_revoked", "api_keys_revoked"),
        ]
    );
    let all = desk.keys.list(ROBOT).await.unwrap();
    let shown = format!(
        "{issued:?} {rotated:?} {all:?} {seen:?} {:?} {:?}",
        desk.keys, desk.store
    );
    for issued in [issued, rotated] {
        let key = issued.key().expose();
        assert!(!shown.contains(&key[16..48]), "{shown}");
        assert!(shown.contains(&key[3..15]), "its id is shown");
    }
    assert!(!shown.contains("0123456789abcdef"));
}

mod contract {
    use super::*;

    tower_security::api_key_store_contract!(async || {
        let store = MemoryApiKeyStore::new();
        (store.clone(), store)
    });
}

mod contract_of_a_late_one {
    use super::*;

    tower_security::api_key_store_contract!(async || {
        let store = Odd::late(MemoryApiKeyStore::new());
        (store.clone(), store)
    });
}

#[tokio::test]
async fn memory_is_bounded_and_expired_keys_make_way() {
    let desk = Desk::with(Odd::new(MemoryApiKeyStore::with_capacity(2)), |b| b);
    let who = Principal::builder(ROBOT).build();
    let short = desk.issue(Some(Duration::from_secs(10))).await;
    let long = desk.issue(None).await;
    let error = desk.keys.issue(&who, None).await.unwrap_err();
    let ApiKeyError::Store(full) = &error else {
        panic!("{error}");
    };
    assert_eq!(full.kind(), StoreErrorKind::Full);
    assert_eq!(error.rejection().code(), "busy");
    desk.clock.set_now(at(10));
    desk.keys.issue(&who, None).await.unwrap();
    assert_eq!(desk.came(&short).await, invalid("unknown"));
    assert_eq!(desk.came(&long).await, robot());
}
