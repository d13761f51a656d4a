//! What is copied, what is hidden, and what does not build.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use super::*;
use crate::core::{CleanText, ConfigErrors, EventName, Level, Outcome, RequestId, SecurityEvent};

pub(super) fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// An event that has all there is.
pub(super) fn full(id: &RequestId) -> SecurityEvent<'_> {
    let mut event = SecurityEvent::new(EventName::AuthzFail, "ownership", "object_denied")
        .level(Level::Critical)
        .outcome(Outcome::WouldRefuse)
        .client_ip("192.0.2.7".parse().unwrap())
        .principal("alice")
        .target("order-7")
        .rule("owner")
        .detail("action=read");
    event.time = at(1_735_689_600);
    event.request_id = Some(id);
    event.tenant = Some(CleanText::new("acme", 128));
    event.method = Some(CleanText::new("GET", 32));
    event.route = Some(CleanText::new("/orders/{id}", 256));
    event.path = Some(CleanText::new("/orders/7", 1_024));
    event.user_agent = Some(CleanText::new("curl/8", 256));
    event
}

#[test]
fn an_event_keeps_all_that_it_has() {
    let id = RequestId::parse(b"req-1").unwrap();
    let kept = OwnedEvent::from(&full(&id));
    assert_eq!(
        (kept.name(), kept.level(), kept.outcome()),
        (EventName::AuthzFail, Level::Critical, Outcome::WouldRefuse)
    );
    assert_eq!((kept.layer(), kept.code()), ("ownership", "object_denied"));
    assert_eq!(kept.time(), at(1_735_689_600));
    let ip: IpAddr = "192.0.2.7".parse().unwrap();
    assert_eq!(kept.client(), Some(AuditClient::Ip(ip)));
    let texts = [
        kept.request_id(),
        kept.principal(),
        kept.tenant(),
        kept.method(),
        kept.route(),
        kept.path(),
        kept.user_agent(),
        kept.target(),
        kept.rule(),
        kept.detail(),
    ];
    let expected = [
        "req-1",
        "alice",
        "acme",
        "GET",
        "/orders/{id}",
        "/orders/7",
        "curl/8",
        "order-7",
        "owner",
        "action=read",
    ];
    assert_eq!(texts, expected.map(Some));
}

#[test]
fn a_text_that_is_not_there_is_not_an_empty_one() {
    let event = SecurityEvent::new(EventName::AuthzFail, "a", "b").target("");
    let kept = OwnedEvent::from(&event);
    assert_eq!(
        (kept.target(), kept.principal(), kept.rule(), kept.client()),
        (Some(""), None, None, None)
    );
}

#[test]
fn what_waits_is_bounded_whatever_length_a_clean_text_has() {
    let long = "\u{20ac}".repeat(5_000);
    let whole = || Some(CleanText::new(&long, usize::MAX));
    let mut event = SecurityEvent::new(EventName::AuthzFail, "a", "b");
    event.principal = whole();
    event.method = whole();
    event.detail = whole();
    event.path = whole();
    let kept = OwnedEvent::from(&event);
    let lengths = [kept.principal(), kept.method(), kept.detail(), kept.path()];
    // Whole characters of three bytes, below 128, 32 and 1,024.
    assert_eq!(
        lengths.map(|text| text.unwrap().len()),
        [126, 30, 1_023, 1_023]
    );
}

fn redacted(config: &AuditConfig, ip: &str) -> OwnedEvent {
    let id = RequestId::parse(b"req-1").unwrap();
    let event = full(&id).client_ip(ip.parse().unwrap());
    let mut kept = OwnedEvent::from(&event);
    config.redact(&mut kept);
    kept
}

#[test]
fn an_address_is_cut_to_its_network() {
    let config = AuditConfig::builder("shop").client_ip(IpPrivacy::Truncated);
    let config = config.build().unwrap();
    assert_eq!(config.privacy(), ["plain", "truncated"]);
    let plain = AuditConfig::default();
    for (ip, network, whole) in [
        ("192.0.2.255", "192.0.2.0", "192.0.2.255"),
        ("::ffff:192.0.2.7", "192.0.2.0", "192.0.2.7"),
        (
            "2001:db8:1:2:3:4:5:6",
            "2001:db8:1::",
            "2001:db8:1:2:3:4:5:6",
        ),
    ] {
        let written = |config| redacted(config, ip).client().unwrap().to_string();
        assert_eq!(written(&config), network);
        assert_eq!(written(&plain), whole);
        assert_eq!(redacted(&config, ip).principal(), Some("alice"));
    }
}

#[cfg(feature = "vault")]
#[test]
fn pseudonyms_are_those_of_the_key_ring() {
    let builder = crate::vault::KeyRing::builder();
    let ring = builder.active(7, crate::vault::KeyRing::generate_key().unwrap());
    let ring = ring.build().unwrap();
    let users = ring.pseudonym("users").unwrap();
    let addresses = ring.pseudonym("addresses").unwrap();
    let config = AuditConfig::builder("shop")
        .principal(PrincipalPrivacy::Pseudonym(users.clone()))
        .client_ip(IpPrivacy::Pseudonym(addresses.clone()))
        .build()
        .unwrap();
    assert_eq!(config.privacy(), ["pseudonym", "pseudonym"]);
    let alice = users.of(b"alice").to_string();
    assert!(alice.starts_with("7.") && alice.len() == 34, "{alice}");
    for (ip, text) in [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::1"),
    ] {
        let kept = redacted(&config, ip);
        let pseudonym = AuditClient::Pseudonym(addresses.of(text.as_bytes()));
        assert_eq!(kept.client(), Some(pseudonym));
        assert_eq!(kept.principal(), Some(&*alice));
        // Its neighbours in the same allocation are what they were.
        assert_eq!(kept.request_id(), Some("req-1"));
        assert_eq!(kept.tenant(), Some("acme"));
        assert_eq!(kept.detail(), Some("action=read"));
    }
    let nobody = SecurityEvent::new(EventName::AuthzFail, "a", "b");
    let mut nobody = OwnedEvent::from(&nobody);
    config.redact(&mut nobody);
    assert_eq!((nobody.principal(), nobody.client()), (None, None));
}

fn codes(errors: &ConfigErrors) -> Vec<&'static str> {
    errors.iter().map(|error| error.code()).collect()
}

#[test]
fn names_stand_in_every_format_as_they_are() {
    let long = "a".repeat(65);
    for (id, is_sound) in [
        ("shop", true),
        ("Shop | 2 = \"a\"", true),
        (long.get(..64).unwrap(), true),
        (&long, false),
        ("", false),
        (" ", false),
        ("a\nb", false),
        ("a\\b", false),
        ("a\u{202e}b", false),
    ] {
        let built = AuditConfig::builder(id).build();
        assert_eq!(built.is_ok(), is_sound, "{id:?}");
        let host = AuditConfig::builder("shop").hostname(id).build();
        assert_eq!(host.is_ok(), is_sound || id.len() == 65, "{id:?}");
    }
    let errors = AuditConfig::builder("")
        .hostname("a\r")
        .build()
        .unwrap_err();
    assert_eq!(codes(&errors), ["app_id", "hostname"]);
    assert!(errors.to_string().contains("such as \"shop\""), "{errors}");
}

#[test]
fn a_level_is_set_by_name_and_the_last_word_counts() {
    let config = AuditConfig::builder("shop")
        .level(EventName::AuthzFail, Level::Info)
        .level(EventName::AuthzFail, Level::Error)
        .build()
        .unwrap();
    assert_eq!(redacted(&config, "192.0.2.7").level(), Level::Error);
    let unset = AuditConfig::default();
    assert_eq!(redacted(&unset, "192.0.2.7").level(), Level::Critical);
}
