//! Who may use a store that spreads its counters by the key. Nothing of it needs a server.

use redis::aio::ConnectionManager;
use tower_security::core::{ConfigErrors, ErrorClass};
use tower_security::rate_limit::login::LoginThrottle;
use tower_security::rate_limit::{Policy, Quota, RateLimiter, key};
use tower_security::redis::{HashTag, RedisStore};

use super::node::SECRET;

fn store(tag: HashTag) -> RedisStore {
    let client = redis::Client::open("redis://127.0.0.1/").unwrap();
    let lazy = ConnectionManager::new_lazy_with_config(client, Default::default()).unwrap();
    let builder = RedisStore::builder(lazy).secret(SECRET).hash_tag(tag);
    builder.build().unwrap()
}

fn policy(name: &'static str) -> Policy {
    Policy::new(name, Quota::per_minute(10)).key(key::client_ip())
}

fn built(tag: HashTag, second: Policy) -> Result<RateLimiter<RedisStore>, ConfigErrors> {
    RateLimiter::builder()
        .store(store(tag))
        .policy(policy("first"))
        .policy(second)
        .build()
}

/// Path, class and code of the one mistake.
fn mistake(errors: &ConfigErrors) -> (&str, ErrorClass, &'static str) {
    assert_eq!(errors.len(), 1, "{errors}");
    let error = errors.iter().next().unwrap();
    (error.path(), error.class(), error.code())
}

#[tokio::test]
async fn a_tag_per_key_takes_policies_of_one_key() {
    let other = || policy("second").key(key::client_prefix(24, 48));
    assert!(built(HashTag::PerKey, policy("second")).is_ok());
    assert!(built(HashTag::PerLimiter, other()).is_ok());
    let errors = built(HashTag::PerKey, other()).unwrap_err();
    assert_eq!(
        mistake(&errors),
        ("rate_limit.policies", ErrorClass::Invalid, "hash_tag")
    );
    let text = errors.to_string();
    for words in ["client_ip", "client_prefix(24, 48)", "HashTag::PerLimiter"] {
        assert!(text.contains(words), "{text}");
    }

    // Nor at run time.
    let limiter = built(HashTag::PerKey, policy("second")).unwrap();
    let errors = limiter
        .replace_policies(vec![policy("first"), other()])
        .unwrap_err();
    assert_eq!(mistake(&errors).2, "hash_tag");
    let replaced = limiter.replace_policies(vec![policy("third"), policy("fourth")]);
    assert!(replaced.is_ok());
}

#[tokio::test]
async fn a_tag_per_key_takes_no_login_throttle() {
    let build = |tag| {
        LoginThrottle::builder(&SECRET[..])
            .store(store(tag))
            .build()
    };
    assert!(build(HashTag::PerLimiter).is_ok());
    let errors = build(HashTag::PerKey).unwrap_err();
    assert_eq!(
        mistake(&errors),
        ("login.store", ErrorClass::Invalid, "hash_tag")
    );
}
