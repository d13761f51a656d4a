//! What does not build.

use std::time::Duration;

use tower_security::core::{ConfigErrors, ErrorClass, ManualClock};
use tower_security::token::{MemoryRefreshStore, RefreshService, RefreshServiceBuilder};

use super::{KEY, OTHER_KEY, builder, issuer};

const DAY: Duration = Duration::from_secs(24 * 3_600);

fn sound() -> RefreshServiceBuilder {
    builder(MemoryRefreshStore::new(), &ManualClock::new())
}

fn codes(built: Result<RefreshService, ConfigErrors>) -> Vec<&'static str> {
    match built {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(|error| error.code()).collect(),
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn each_mistake_is_refused_beside_what_is_permitted() {
    let year = DAY * 365;
    let second = Duration::from_secs(1);
    let just = Duration::from_nanos(1);
    let seconds = Duration::from_secs;
    type Change = Box<dyn Fn(RefreshServiceBuilder) -> RefreshServiceBuilder>;
    fn row<F>(change: F) -> Change
    where
        F: Fn(RefreshServiceBuilder) -> RefreshServiceBuilder + 'static,
    {
        Box::new(change)
    }
    let rows: Vec<(Change, &[&str])> = vec![
        (row(|builder| builder), &[]),
        (row(move |builder| builder.grace(seconds(60))), &[]),
        (
            row(move |builder| builder.grace(seconds(60) + just)),
            &["grace_too_long"],
        ),
        (row(|builder| builder.grace(Duration::ZERO)), &[]),
        (row(move |builder| builder.absolute(year)), &[]),
        (
            row(move |builder| builder.absolute(year + just)),
            &["lifetime_invalid"],
        ),
        (row(|builder| builder.idle(DAY * 30)), &[]),
        (
            row(move |builder| builder.idle(DAY * 30 + just)),
            &["lifetime_invalid"],
        ),
        (row(move |builder| builder.idle(second)), &[]),
        (
            row(move |builder| builder.idle(second - just)),
            &["lifetime_invalid"],
        ),
        (row(|builder| builder.max_families(1)), &[]),
        (row(|builder| builder.max_families(1_000)), &[]),
        (
            row(|builder| builder.max_families(0)),
            &["max_families_invalid"],
        ),
        (
            row(|builder| builder.max_families(1_001)),
            &["max_families_invalid"],
        ),
        (
            row(|builder| builder.rotation_key("k", &KEY[..31])),
            &["rotation_key_too_short"],
        ),
        (
            row(|builder| builder.rotation_key("k", [7; 64])),
            &["rotation_key_too_short"],
        ),
        (
            row(|builder| builder.rotation_key("k", [0; 0])),
            &["rotation_key_too_short"],
        ),
        (
            row(|builder| builder.rotation_key("k".repeat(32), KEY)),
            &[],
        ),
        (
            row(|builder| builder.rotation_key("k".repeat(33), KEY)),
            &["key_id_invalid"],
        ),
        (
            row(|builder| builder.rotation_key("", KEY)),
            &["key_id_invalid"],
        ),
        (
            row(|builder| builder.rotation_key("a b", KEY)),
            &["key_id_invalid"],
        ),
        (
            row(|builder| builder.rotation_key("\u{e9}", KEY)),
            &["key_id_invalid"],
        ),
        (
            row(|builder| builder.add_old_rotation_key("two", OTHER_KEY)),
            &[],
        ),
        (
            row(|builder| builder.add_old_rotation_key("one", OTHER_KEY)),
            &["duplicate_key"],
        ),
        (
            row(|builder| builder.add_old_rotation_key("two", [1; 16])),
            &["rotation_key_too_short"],
        ),
    ];
    for (number, (change, expected)) in rows.into_iter().enumerate() {
        assert_eq!(codes(change(sound()).build()), expected, "row {number}");
    }
}

#[test]
fn nothing_is_decided_by_silence() {
    let bare = || {
        let clock = ManualClock::new();
        RefreshService::builder(MemoryRefreshStore::new(), issuer(clock))
    };
    assert_eq!(codes(bare().build()), ["no_rotation_key", "no_revocation"]);
    let keyed = || bare().rotation_key("one", KEY);
    assert_eq!(codes(keyed().build()), ["no_revocation"]);
    assert_eq!(codes(keyed().without_revocation().build()), [""; 0]);
    let store = tower_security::token::MemoryRevocationStore::new();
    assert_eq!(codes(keyed().revocation(store).build()), [""; 0]);
    // A key of before is none in force.
    let old = bare().add_old_rotation_key("one", KEY).without_revocation();
    assert_eq!(codes(old.build()), ["no_rotation_key"]);
}

#[test]
fn all_mistakes_are_told_at_once_and_no_key_is() {
    let errors = sound()
        .rotation_key("two words", [9; 31])
        .add_old_rotation_key("old", KEY)
        .add_old_rotation_key("old", KEY)
        .grace(DAY)
        .idle(DAY * 31)
        .max_families(0)
        .build()
        .unwrap_err();
    let told: Vec<_> = errors
        .iter()
        .map(|error| (error.path(), error.class(), error.code()))
        .collect();
    let (invalid, refused) = (ErrorClass::Invalid, ErrorClass::Refused);
    assert_eq!(
        told,
        [
            ("token.refresh.rotation_key", invalid, "key_id_invalid"),
            (
                "token.refresh.rotation_key",
                refused,
                "rotation_key_too_short"
            ),
            ("token.refresh.rotation_key", invalid, "duplicate_key"),
            ("token.refresh.idle", invalid, "lifetime_invalid"),
            ("token.refresh.grace", refused, "grace_too_long"),
            (
                "token.refresh.max_families",
                invalid,
                "max_families_invalid"
            ),
        ]
    );
    let text = errors.to_string();
    assert!(
        text.contains("\"two words\"") && text.contains("31 bytes"),
        "{text}"
    );
    assert!(!text.contains("rotates refresh"), "{text}");
    for word in ["write", "give"] {
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn nothing_secret_is_shown() {
    let builder = sound().add_old_rotation_key("two", OTHER_KEY);
    let shown = format!("{builder:?}");
    let service = builder.build().unwrap();
    let shown = format!("{shown}{service:?}");
    assert!(
        shown.contains("\"one\"") && shown.contains("\"two\""),
        "{shown}"
    );
    assert!(
        !shown.contains("rotates") && !shown.contains("another"),
        "{shown}"
    );
    assert!(!shown.contains("114, 111, 116"), "{shown}");
}
