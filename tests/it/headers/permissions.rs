//! `Permissions-Policy`, read by another implementation of RFC 9651.

use proptest::prelude::*;
use sfv::{BareItem, Dictionary, Item, ListEntry, Parser};
use tower_security::headers::{Allow, Feature, PermissionsPolicy, SecurityHeadersLayer};

/// The value that a layer writes.
fn value(policy: PermissionsPolicy) -> String {
    let layer = SecurityHeadersLayer::builder()
        .permissions_policy(policy)
        .build()
        .unwrap();
    let mut headers = layer.headers();
    let (_, value) = headers
        .find(|(name, _)| *name == "permissions-policy")
        .unwrap();
    value.to_str().unwrap().to_owned()
}

fn word(item: &Item) -> String {
    assert!(item.params.is_empty());
    match &item.bare_item {
        BareItem::Token(token) => token.as_str().to_owned(),
        BareItem::String(text) => format!("\"{}\"", text.as_str()),
        other => panic!("no policy has {other:?}"),
    }
}

fn read(value: &str) -> Vec<(String, Vec<String>)> {
    let dictionary: Dictionary = Parser::new(value).parse().expect("RFC 9651");
    let members = dictionary.into_iter().map(|(key, entry)| {
        let words = match entry {
            ListEntry::Item(item) => vec![word(&item)],
            ListEntry::InnerList(list) => list.items.iter().map(word).collect(),
        };
        (key.as_str().to_owned(), words)
    });
    members.collect()
}

#[test]
fn values_are_spelt_as_the_specification_has_them() {
    let a = || Allow::origin("https://a.example");
    let rows = [
        (PermissionsPolicy::deny([Feature::Camera]), "camera=()"),
        (
            PermissionsPolicy::deny([Feature::Camera, Feature::Midi]),
            "camera=(), midi=()",
        ),
        (
            PermissionsPolicy::new().allow(Feature::Usb, [Allow::SelfOrigin]),
            "usb=(self)",
        ),
        (
            PermissionsPolicy::new().allow(Feature::Usb, [Allow::Any]),
            "usb=*",
        ),
        (
            PermissionsPolicy::new().allow(Feature::Usb, [Allow::SelfOrigin, a()]),
            r#"usb=(self "https://a.example")"#,
        ),
        (
            PermissionsPolicy::new().allow(Feature::ChUaPlatformVersion, [a()]),
            r#"ch-ua-platform-version=("https://a.example")"#,
        ),
        (
            PermissionsPolicy::deny([Feature::Usb, Feature::Hid])
                .replace(Feature::Usb, [Allow::SelfOrigin])
                .replace(Feature::Serial, []),
            "usb=(self), hid=(), serial=()",
        ),
        (
            PermissionsPolicy::deny([Feature::Usb]).replace(Feature::custom("usb"), [Allow::Any]),
            "usb=*",
        ),
    ];
    for (policy, expected) in rows {
        assert_eq!(value(policy), expected);
    }
}

#[test]
fn both_presets_are_dictionaries() {
    for (layer, count, own) in [
        (SecurityHeadersLayer::web(), 27, 8),
        (SecurityHeadersLayer::owasp_2026(), 29, 1),
    ] {
        let mut headers = layer.headers();
        let (_, value) = headers
            .find(|(name, _)| *name == "permissions-policy")
            .unwrap();
        let members = read(value.to_str().unwrap());
        assert_eq!(members.len(), count);
        assert_eq!(
            members
                .iter()
                .filter(|(_, words)| *words == ["self"])
                .count(),
            own
        );
        assert_eq!(
            members.iter().filter(|(_, words)| words.is_empty()).count(),
            count - own
        );
    }
}

fn allow() -> impl Strategy<Value = (Allow, String)> {
    prop_oneof![
        Just((Allow::SelfOrigin, "self".to_owned())),
        "https://(\\*\\.)?[a-z]{1,8}\\.[a-z]{2,5}(:[1-9][0-9]{0,2})?".prop_map(|origin| {
            let text = format!("\"{origin}\"");
            (Allow::origin(origin), text)
        }),
    ]
}

proptest! {
    #[test]
    fn every_policy_is_read_as_it_was_made(
        members in prop::collection::hash_map("[a-z][a-z0-9-]{0,20}", prop::collection::vec(allow(), 0..4), 1..12),
    ) {
        let mut expected = Vec::new();
        let mut policy = PermissionsPolicy::new();
        for (name, mut allowed) in members {
            allowed.sort_by(|one, other| one.1.cmp(&other.1));
            allowed.dedup_by(|one, other| one.1 == other.1);
            expected.push((name.clone(), allowed.iter().map(|(_, text)| text.clone()).collect::<Vec<_>>()));
            policy = policy.allow(Feature::custom(name), allowed.into_iter().map(|(allow, _)| allow));
        }
        let written = policy.to_string();
        let built = SecurityHeadersLayer::builder().permissions_policy(policy).build();
        // Ports 443 and such names as 1.2 of a random origin are refused; whatever builds is read back.
        if built.is_ok() {
            prop_assert_eq!(read(&written), expected);
        } else {
            prop_assert!(written.contains(":443") || written.contains("xn--"), "{}", written);
        }
    }

    #[test]
    fn no_name_and_no_origin_breaks_out(name in "\\PC{0,12}", origin in "\\PC{0,24}") {
        let policy = PermissionsPolicy::new()
            .allow(Feature::custom(name.clone()), [Allow::origin(origin.clone())]);
        let written = policy.to_string();
        if SecurityHeadersLayer::builder().permissions_policy(policy).build().is_ok() {
            prop_assert_eq!(read(&written), [(name, vec![format!("\"{origin}\"")])]);
        }
    }
}
