//! What does not build, and its nearest neighbour that does.

use super::fleet::Fleet;
use super::*;

type Change = fn(BanBuilder) -> BanBuilder;

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn every_mistake_has_a_name_and_its_nearest_twin_is_accepted() {
    let rows: [(&str, Change, Change); 17] = [
        (
            "ban_policy",
            |b| b.on(PROBE, 0, MINUTE, HOUR),
            |b| b.on(PROBE, 1, MINUTE, HOUR),
        ),
        (
            "ban_policy",
            |b| b.on(PROBE, 256, MINUTE, HOUR),
            |b| b.on(PROBE, 255, MINUTE, HOUR),
        ),
        (
            "ban_policy",
            |b| b.on(PROBE, 1, Duration::ZERO, HOUR),
            |b| b.on(PROBE, 1, Duration::from_micros(1), HOUR),
        ),
        (
            "ban_policy",
            |b| b.on(PROBE, 1, MINUTE, Duration::from_nanos(999)),
            |b| b.on(PROBE, 1, MINUTE, Duration::from_micros(1)),
        ),
        (
            "ban_policy",
            |b| b.on(PROBE, 1, MINUTE, Duration::MAX),
            |b| {
                b.on(PROBE, 1, Duration::MAX, Duration::MAX)
                    .escalation(2, Duration::MAX)
            },
        ),
        (
            "ban_policy",
            |b| b.on(PROBE, 1, MINUTE, 24 * HOUR + SECOND),
            |b| b.on(PROBE, 1, MINUTE, 24 * HOUR),
        ),
        (
            "ban_policy",
            |b| b.fail2ban(|_| true, 0, MINUTE, HOUR),
            |b| b.fail2ban(|_| true, 1, MINUTE, HOUR),
        ),
        (
            "ban_policy",
            |b| b.allow2ban(|_| true, 1, MINUTE, HOUR).escalation(2, MINUTE),
            |b| b.allow2ban(|_| true, 1, MINUTE, HOUR).escalation(2, HOUR),
        ),
        (
            "ban_policy",
            |b| b.escalation(0, HOUR),
            |b| b.escalation(1, HOUR),
        ),
        (
            "list_conflict",
            |b| {
                b.safelist(set(["10.0.0.0/8"]))
                    .blocklist(set(["10.0.0.0/8"]))
            },
            |b| {
                b.safelist(set(["10.0.0.0/8"]))
                    .blocklist(set(["10.0.0.0/9"]))
            },
        ),
        (
            "list_conflict",
            |b| {
                b.safelist(set(["10.0.0.0/8", "11.0.0.0/8"]))
                    .blocklist(set(["10.0.0.0/8"]))
            },
            |b| {
                b.safelist(set(["10.0.0.0/8", "11.0.0.0/8"]))
                    .blocklist(set(["10.0.0.0/7"]))
            },
        ),
        (
            "prefix_width",
            |b| b.client_prefix(7, 64),
            |b| b.client_prefix(8, 64),
        ),
        (
            "prefix_width",
            |b| b.client_prefix(33, 64),
            |b| b.client_prefix(32, 32),
        ),
        (
            "prefix_width",
            |b| b.client_prefix(32, 31),
            |b| b.client_prefix(32, 32),
        ),
        (
            "prefix_width",
            |b| b.client_prefix(32, 65),
            |b| b.client_prefix(32, 65).dangerous_full_v6(),
        ),
        ("capacity", |b| b.capacity(1_023), |b| b.capacity(1_024)),
        (
            "capacity",
            |b| b.capacity((1 << 28) + 1),
            |b| b.capacity(1 << 20),
        ),
    ];
    for (index, (code, wrong, right)) in rows.into_iter().enumerate() {
        let errors = wrong(BanLayer::builder()).build().unwrap_err();
        let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
        assert_eq!(codes, [code], "row {index}");
        assert!(right(BanLayer::builder()).build().is_ok(), "row {index}");
    }
}

#[test]
fn mistakes_are_told_together_with_what_to_write_instead() {
    let errors = BanLayer::builder()
        .table(BanTable::new())
        .on(PROBE, 300, Duration::ZERO, HOUR)
        .capacity(7)
        .capacity(8)
        .fail2ban(|_| true, 300, MINUTE, 48 * HOUR)
        .safelist(set([ALICE]))
        .blocklist(set([ALICE]))
        .build()
        .unwrap_err();
    let rows: Vec<_> = errors
        .iter()
        .map(|error| (error.path(), error.code()))
        .collect();
    assert_eq!(
        rows,
        [
            ("bans.on", "table_given"),
            ("bans.capacity", "table_given"),
            ("bans.fail2ban[0]", "ban_policy"),
            ("bans.fail2ban[0]", "ban_policy"),
            ("bans.blocklist", "list_conflict"),
        ]
    );
    let kinds: Vec<_> = errors
        .iter()
        .map(|error| error.downcast::<BanConfigError>())
        .collect();
    let fault = BanPolicyFault::Times { times: 300 };
    assert_eq!(kinds[2], Some(&BanConfigError::BanPolicy { fault }));
    let text = errors.to_string();
    for words in [
        "a count of 300; write 1 to 255",
        "escalation(2, max) with a max of at least 172800s",
        "refused net 192.0.2.7/32: it stands in the safelist and in the blocklist, drop it from one of them",
        "write \"capacity\" on the builder of that table",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
}

#[test]
fn everything_public_crosses_threads_and_can_be_printed() {
    fn shared<T: std::fmt::Debug + Clone + Send + Sync + Unpin + 'static>() {}
    fn sent<T: std::fmt::Debug + Send + Sync + Unpin + 'static>() {}
    shared::<BanLayer>();
    shared::<BanTable>();
    shared::<tower_security::rate_limit::BanTableBuilder>();
    shared::<tower_security::rate_limit::BanHandle>();
    shared::<tower_security::rate_limit::BanStats>();
    shared::<tower_security::rate_limit::Ban<u8>>();
    shared::<BanConfigError>();
    shared::<BanPolicyFault>();
    shared::<BanRefusal>();
    shared::<BanStatus>();
    shared::<OnDegraded>();
    sent::<BanBuilder>();
    sent::<tower_security::rate_limit::BanAmendment>();

    let site = Site::new(|builder| three_probes(builder).share(Fleet::default()));
    let printed = format!("{:?}", site.layer);
    assert!(!printed.contains("0123456789abcdef"), "{printed}");
}
