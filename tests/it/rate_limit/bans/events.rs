//! What is told, and what a layer that merely reports would do.

use super::*;

#[tokio::test]
async fn events_say_what_happened_to_whom() {
    let site = Site::new(|builder| {
        three_probes(builder)
            .blocklist(set(["198.51.100.3"]))
            .fail2ban(|head| head.uri.path() == "/.env", 1, MINUTE, MINUTE)
    });
    site.ask(from("198.51.100.3", "/")).await;
    for path in ["/probe", "/probe", "/probe", "/"] {
        site.ask(from(ALICE, path)).await;
    }
    site.ask(from(BOB, "/.env")).await;
    let told = site.events.take();
    let rows: Vec<_> = told
        .iter()
        .map(|told| {
            (
                told.name,
                told.code,
                told.rule.as_str(),
                told.ip.as_deref().unwrap(),
            )
        })
        .collect();
    const EXCESS: EventName = EventName::ExcessRateLimitExceeded;
    assert_eq!(
        rows,
        [
            (
                EventName::AuthzFail,
                "blocked",
                "blocklisted",
                "198.51.100.3"
            ),
            (EXCESS, "ban_started", "probe", ALICE),
            (EXCESS, "banned", "banned", ALICE),
            (EXCESS, "ban_started", "fail2ban[0]", BOB),
            (EventName::AuthzFail, "blocked", "fail2ban[0]", BOB),
        ]
    );
    for told in &told {
        assert_eq!(
            (told.layer, told.level, told.outcome),
            ("bans", Level::Warn, Outcome::Refused)
        );
    }
    assert_eq!(told[1].detail.as_deref(), Some("duration=3600s bans=1"));
    assert_eq!(told[3].detail.as_deref(), Some("duration=60s bans=1"));
    // The hash, never the address, and the same for one client.
    assert_eq!(told[1].target.as_ref().map(String::len), Some(16));
    assert_eq!(told[1].target, told[2].target);
    assert_ne!(told[1].target, told[3].target);
    assert_eq!(told[0].target, None);
}

#[tokio::test]
async fn a_flood_of_refusals_is_no_flood_of_events() {
    let site = Site::new(|builder| builder.blocklist(set([ALICE])));
    for _ in 0..150 {
        assert_eq!(site.ask(from(ALICE, "/")).await, blocked());
    }
    assert_eq!(site.events.take().len(), 100);
    site.clock.advance(SECOND);
    site.ask(from(ALICE, "/")).await;
    site.ask(from(ALICE, "/")).await;
    let told = site.events.take();
    assert_eq!(told[0].detail.as_deref(), Some("suppressed=50"));
    assert_eq!((told[1].detail.as_deref(), told.len()), (None, 2));
}

#[tokio::test]
async fn report_only_tells_what_it_would_refuse_and_changes_nothing() {
    let site = Site::new(|builder| {
        three_probes(builder)
            .mode(Mode::ReportOnly)
            .blocklist(set(["198.51.100.3"]))
            .on_missing(OnMissing::Refuse)
            .fail2ban(|head| head.uri.path() == "/.env", 2, MINUTE, MINUTE)
    });
    let bare = |path| go(Handler::default(), from(ALICE, path));
    let rows = [
        from("198.51.100.3", "/"),
        nobody("/"),
        from(ALICE, "/probe"),
        from(ALICE, "/probe"),
        from(ALICE, "/probe"),
        from(ALICE, "/"),
        from(BOB, "/.env"),
        from(BOB, "/.env"),
        from(BOB, "/"),
    ];
    for request in rows {
        let expected = bare(request.uri().path().to_owned().leak()).await;
        let answer = site.answer(request).await;
        assert_eq!(answer.status(), expected.status());
        assert_eq!(answer.headers(), expected.headers());
        assert_eq!(answer.extensions().len(), expected.extensions().len());
        let [answer, expected] = [answer.into_body(), expected.into_body()];
        assert_eq!(
            answer.collect().await.unwrap().to_bytes(),
            expected.collect().await.unwrap().to_bytes()
        );
    }
    let would = Outcome::WouldRefuse;
    let told = site.events.codes();
    let told: Vec<_> = told
        .iter()
        .map(|(code, outcome, rule)| (*code, *outcome, rule.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("blocked", would, "blocklisted"),
            ("peer_address_missing", Outcome::Fault, ""),
            ("client_ip_missing", would, "address_missing"),
            ("ban_started", would, "probe"),
            ("banned", would, "banned"),
            ("blocked", would, "fail2ban[0]"),
            ("ban_started", would, "fail2ban[0]"),
            ("blocked", would, "fail2ban[0]"),
            ("banned", would, "banned"),
        ]
    );
}
