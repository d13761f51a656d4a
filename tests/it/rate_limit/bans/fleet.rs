//! What nodes tell each other.

use tower_security::core::{StoreError, StoreErrorKind};

use super::*;

/// Writes down what it is told.
#[derive(Clone, Default)]
pub(super) struct Fleet(Arc<Mutex<Vec<(&'static str, KeyHash, Duration)>>>);

impl BanShare for Fleet {
    fn key_seed(&self) -> KeySeed {
        KeySeed::fleet(*b"0123456789abcdef")
    }

    fn started(&self, key: KeyHash, rest: Duration) {
        self.0.lock().unwrap().push(("started", key, rest));
    }

    fn lifted(&self, key: KeyHash) {
        self.0.lock().unwrap().push(("lifted", key, Duration::ZERO));
    }
}

#[test]
fn a_share_that_fails_is_told_once_a_minute_with_the_words_of_the_store() {
    let (clock, events) = (ManualClock::new(), Events::default());
    let table = BanTable::builder()
        .share(Fleet::default())
        .clock(clock.clone())
        .events(events.sink())
        .build()
        .unwrap();
    let error = StoreError::new(StoreErrorKind::Unavailable, "redis-2.internal");
    for _ in 0..3 {
        table.share_failed(&error);
    }
    clock.advance(MINUTE);
    table.share_failed(&error);
    let told = events.take();
    let details: Vec<_> = told
        .iter()
        .filter_map(|told| told.detail.as_deref())
        .collect();
    assert_eq!(
        details,
        [
            "suppressed=0 share=redis-2.internal",
            "suppressed=2 share=redis-2.internal",
        ]
    );
    for told in told {
        assert_eq!(
            (told.name, told.level, told.outcome),
            (EventName::SysMonitorDisabled, Level::Error, Outcome::Fault)
        );
        assert_eq!((told.layer, told.code), ("bans", "ban_share_unavailable"));
    }
}

#[test]
fn a_fleet_hears_of_bans_and_nothing_echoes() {
    let node = || {
        let (fleet, clock) = (Fleet::default(), ManualClock::new());
        let table = BanTable::builder()
            .on(PROBE, 1, MINUTE, HOUR)
            .share(fleet.clone())
            .clock(clock.clone())
            .build()
            .unwrap();
        (fleet, clock, table)
    };
    let (told, _, one) = node();
    let (echo, clock, other) = node();
    let alice = one.client_key(client(7));
    assert_eq!(
        alice,
        other.client_key(client(7)),
        "every node knows a client by one key"
    );
    assert_ne!(alice, BanTable::new().client_key(client(7)));
    assert!(one.is_shared() && !BanTable::new().is_shared());

    one.signal(alice, PROBE);
    let bob = one.client_key(client(8));
    assert!(one.ban(bob, MINUTE));
    assert!(one.ban(bob, SECOND));
    assert!(one.unban(alice));
    assert!(!one.unban(alice));
    one.reset(bob);
    one.reset(bob);
    assert_eq!(
        *told.0.lock().unwrap(),
        [
            ("started", alice, HOUR),
            ("started", bob, MINUTE),
            ("lifted", alice, Duration::ZERO),
            ("lifted", bob, Duration::ZERO),
        ]
    );

    other.absorb(alice, MINUTE);
    assert_eq!(other.is_banned(alice), Some(MINUTE));
    other.absorb(alice, SECOND);
    assert_eq!(other.is_banned(alice), Some(MINUTE));
    other.release(bob);
    other.release(alice);
    assert_eq!(other.is_banned(alice), None);
    other.absorb(alice, MINUTE);
    clock.advance(MINUTE);
    // Two bans elsewhere lengthen the third.
    assert_eq!(other.signal(alice, PROBE), Some(4 * HOUR));
    assert_eq!(*echo.0.lock().unwrap(), [("started", alice, 4 * HOUR)]);
    other.absorb(bob, Duration::MAX);
    other.absorb(one.client_key(client(9)), Duration::ZERO);
    assert!(other.is_banned(bob).is_some());
    assert_eq!(other.is_banned(one.client_key(client(9))), None);
}
