//! A table by itself: shared, full, and under threads.

use super::*;

#[tokio::test]
async fn several_layers_share_one_table_and_count_requests_apart() {
    let clock = ManualClock::new();
    let table = BanTable::builder()
        .on(PROBE, 2, MINUTE, HOUR)
        .clock(clock.clone())
        .build()
        .unwrap();
    let layer = |path: &'static str| {
        BanLayer::builder()
            .table(table.clone())
            .fail2ban(move |head| head.uri.path() == path, 2, MINUTE, HOUR)
            .build()
            .unwrap()
            .layer(Handler::default())
    };
    let (api, web) = (layer("/a"), layer("/b"));
    let plain = BanLayer::new(table.clone()).layer(Handler::default());
    let status = |service: &tower_security::rate_limit::Ban<Handler>, path| {
        let service = service.clone();
        async move { go(service, from(ALICE, path)).await.status().as_u16() }
    };
    assert_eq!(status(&api, "/a").await, 403);
    assert_eq!(status(&web, "/b").await, 403);
    assert_eq!(status(&plain, "/a").await, 200);
    // Signals are counted together, wherever they are seen.
    assert_eq!(status(&api, "/probe").await, 200);
    assert_eq!(status(&web, "/probe").await, 200);
    for service in [&api, &web, &plain] {
        assert_eq!(status(service, "/").await, 403);
    }
    let alice = table.client_key(ClientIp::resolved_by_caller(ALICE.parse().unwrap()));
    table.reset(alice);
    // The counts of both layers are gone too.
    assert_eq!(status(&api, "/a").await, 403);
    assert_eq!(status(&web, "/b").await, 403);
    assert_eq!(status(&plain, "/").await, 200);
}

#[tokio::test]
async fn custom_keys_are_apart_from_clients() {
    let table = BanTable::builder()
        .on(PROBE, 1, MINUTE, HOUR)
        .build()
        .unwrap();
    let account = |name: &str| table.key(|hasher| hasher.str(name));
    assert!(table.signal(account("alice"), PROBE).is_some());
    assert!(table.is_banned(account("alice")).is_some());
    assert_eq!(table.is_banned(account("bob")), None);
    assert_eq!(table.signal(account("bob"), AbuseKind::Spray), None);
    assert_eq!(table.is_banned(account("bob")), None);
}

#[test]
fn of_parallel_signals_one_starts_one_ban() {
    for times in [1, 2, 50] {
        for _ in 0..20 {
            let (clock, events) = (ManualClock::new(), Events::default());
            let table = BanTable::builder()
                .on(PROBE, times, MINUTE, HOUR)
                .clock(clock)
                .events(events.sink())
                .build()
                .unwrap();
            let alice = table.client_key(ClientIp::resolved_by_caller(ALICE.parse().unwrap()));
            let started = AtomicUsize::new(0);
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        let signals = (0..200).filter_map(|_| table.signal(alice, PROBE));
                        started.fetch_add(signals.count(), Ordering::SeqCst);
                    });
                }
            });
            let started = started.into_inner();
            assert_eq!((started, table.stats().started), (1, 1), "{times}");
            assert_eq!(table.is_banned(alice), Some(HOUR));
            assert_eq!(events.take().len(), 1);
        }
    }
}

#[test]
fn who_is_remembered_gives_way_after_those_who_are_forgotten() {
    let clock = ManualClock::new();
    let table = BanTable::builder()
        .on(PROBE, 1, MINUTE, MINUTE)
        .capacity(1 << 10)
        .clock(clock.clone())
        .build()
        .unwrap();
    let signal = |number| table.signal(table.client_key(client(number)), PROBE);
    // Strangers fill the table, and are forgotten.
    let strangers = (1_000..5_000).filter(|number| signal(*number).is_some());
    assert!(strangers.count() > 800);
    clock.advance(2 * MINUTE);
    // Three bans of 1, 2 and 4 minutes, which take three quiet ones to forget.
    for minutes in [1, 2, 4] {
        for number in 0..100 {
            assert_eq!(signal(number), Some(minutes * MINUTE));
        }
        clock.advance(minutes * MINUTE);
    }
    clock.advance(2 * MINUTE);
    let newcomers = (10_000..10_100).filter(|number| signal(*number).is_some());
    assert!(newcomers.count() > 95);
    let remembered = (0..100).filter(|number| signal(*number) == Some(2 * MINUTE));
    let remembered = remembered.count();
    // Wherever eight of them and of the newcomers meet, one has to go.
    assert!(remembered >= 95, "{remembered}");
}

#[test]
fn a_larger_table_bans_more() {
    let banned = |capacity| {
        let table = BanTable::builder().capacity(capacity).build().unwrap();
        let clients = (0..4_000).map(|number| table.client_key(client(number)));
        clients.filter(|key| table.ban(*key, HOUR)).count()
    };
    assert!(banned(1 << 10) <= 1 << 10);
    assert_eq!(banned(1 << 16), 4_000);
}

#[test]
fn a_flood_of_fresh_keys_frees_nobody() {
    const OFFENDERS: u32 = 19_661;
    let clock = ManualClock::new();
    let events = Events::default();
    let table = BanTable::builder()
        .on(PROBE, 2, MINUTE, HOUR)
        .capacity(1 << 16)
        .clock(clock.clone())
        .events(events.sink())
        .build()
        .unwrap();
    // 30 % of the table. Some of them find their set full; that is told.
    let offenders: Vec<_> = (0..OFFENDERS)
        .map(|number| table.client_key(client(number)))
        .collect();
    let banned = offenders
        .iter()
        .filter(|key| table.ban(**key, HOUR))
        .count();
    let unbanned = offenders.len() - banned;
    assert!(unbanned <= offenders.len() / 200, "{unbanned}");
    assert_eq!(table.stats().dropped, unbanned as u64);

    // A million fresh clients, each caught once: none of them is banned, and nobody is freed.
    for number in 0..1_000_000 {
        table.signal(table.client_key(client(1 << 31 | number)), PROBE);
    }
    let held = || {
        offenders
            .iter()
            .filter(|key| table.is_banned(**key).is_some())
            .count()
    };
    assert_eq!(held(), banned);
    // 200,000 that do get bans, which last longer than those of the offenders.
    for number in 0..200_000 {
        let _ = table.ban(table.client_key(client(1 << 30 | number)), 2 * HOUR);
    }
    assert_eq!(held(), banned);
    assert!(table.stats().dropped > 100_000);
    let told = events.take();
    assert_eq!(
        told.iter()
            .filter(|told| told.code == "ban_table_full")
            .count(),
        1
    );

    // Room comes back when bans end: those that are remembered only give way.
    clock.advance(2 * HOUR);
    let fresh =
        (0..1_000).filter(|number| table.ban(table.client_key(client(1 << 29 | number)), HOUR));
    assert_eq!(fresh.count(), 1_000);
}

#[test]
fn of_parallel_requests_one_starts_one_ban() {
    for times in [1, 20] {
        let site = Site::new(|builder| {
            three_probes(builder).fail2ban(|head| head.uri.path() == "/.env", times, MINUTE, HOUR)
        });
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let runtime = tokio::runtime::Builder::new_current_thread().build();
                    runtime.unwrap().block_on(async {
                        for path in ["/.env", "/probe"].repeat(50) {
                            let service = site.layer.layer(site.handler.clone());
                            go(service, from(ALICE, path)).await;
                        }
                    });
                });
            }
        });
        assert_eq!(site.layer.table().stats().started, 1);
        assert_eq!(site.rest(ALICE), Some(HOUR));
        let told = site.events.take();
        let started = told.iter().filter(|told| told.code == "ban_started");
        assert_eq!(started.count(), 1);
    }
}

#[tokio::test]
async fn layers_of_one_table_count_an_answer_that_passes_both_once() {
    let table = |times| {
        let builder = BanTable::builder().on(PROBE, times, MINUTE, HOUR);
        builder.clock(ManualClock::new()).build().unwrap()
    };
    let (shared, other) = (table(2), table(2));
    let layers = [&shared, &shared, &other, &shared].map(|table| BanLayer::new(table.clone()));
    let [first, second, apart, third] = layers;
    let service = first.layer(second.layer(apart.layer(third.layer(Handler::default()))));
    let alice = ClientIp::resolved_by_caller(ALICE.parse().unwrap());
    let banned = |table: &BanTable| table.is_banned(table.client_key(alice)).is_some();

    assert_eq!(
        go(service.clone(), from(ALICE, "/probe")).await.status(),
        200
    );
    assert_eq!((banned(&shared), banned(&other)), (false, false));
    assert_eq!(go(service, from(ALICE, "/probe")).await.status(), 200);
    assert_eq!((banned(&shared), banned(&other)), (true, true));
}
