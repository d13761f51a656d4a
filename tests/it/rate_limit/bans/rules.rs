//! What counts, what bans, for how long, and what is forgotten.

use super::*;

#[tokio::test]
async fn fail2ban_refuses_what_matches_and_bans_with_the_nth() {
    let site = Site::new(|builder| {
        builder.fail2ban(|head| head.uri.path().ends_with(".php"), 3, MINUTE, HOUR)
    });
    assert_eq!(site.ask(from(ALICE, "/a.php")).await, blocked());
    assert_eq!(site.ask(from(ALICE, "/")).await, passes());
    site.clock.advance(MINUTE - Duration::from_micros(1));
    assert_eq!(site.ask(from(ALICE, "/a.php")).await, blocked());
    assert_eq!(site.ask(from(ALICE, "/")).await, passes());
    // The first of the window was a minute ago: a new window begins.
    site.clock.advance(Duration::from_micros(1));
    assert_eq!(site.ask(from(ALICE, "/a.php")).await, blocked());
    assert_eq!(site.ask(from(ALICE, "/a.php")).await, blocked());
    assert_eq!(site.ask(from(ALICE, "/")).await, passes());
    assert_eq!(site.ask(from(ALICE, "/a.php")).await, blocked());
    assert_eq!(site.ask(from(ALICE, "/a.php")).await, banned(3_600));
    assert_eq!(site.ask(from(ALICE, "/")).await, banned(3_600));
    assert_eq!(site.ask(from(BOB, "/")).await, passes());
    assert_eq!(site.ask(from(BOB, "/a.php")).await, blocked());
    assert_eq!(site.ask(from(BOB, "/")).await, passes());
}

#[tokio::test]
async fn allow2ban_lets_the_nth_pass_and_refuses_everything_after_it() {
    let site = Site::new(|builder| {
        builder.allow2ban(|head| head.uri.path() == "/register", 3, MINUTE, HOUR)
    });
    for _ in 0..3 {
        assert_eq!(site.ask(from(ALICE, "/")).await, passes());
        assert_eq!(site.ask(from(ALICE, "/register")).await, passes());
    }
    assert_eq!(site.ask(from(ALICE, "/register")).await, banned(3_600));
    assert_eq!(site.ask(from(ALICE, "/")).await, banned(3_600));
    assert_eq!(site.ask(from(BOB, "/register")).await, passes());
}

#[tokio::test]
async fn rules_are_asked_in_order_and_count_apart() {
    let site = Site::new(|builder| {
        builder
            .allow2ban(|head| head.method == Method::POST, 2, MINUTE, MINUTE)
            .fail2ban(|head| head.uri.path() == "/.env", 2, MINUTE, HOUR)
            .fail2ban(
                |head| head.uri.path().starts_with("/."),
                1,
                MINUTE,
                2 * HOUR,
            )
    });
    let post = |path| {
        let mut request = from(ALICE, path);
        *request.method_mut() = Method::POST;
        request
    };
    // Counted by the first and, since that lets it pass, by the second rule; never by the third.
    assert_eq!(site.ask(post("/.env")).await, blocked());
    assert_eq!(site.ask(from(ALICE, "/")).await, passes());
    assert_eq!(site.ask(post("/")).await, passes());
    assert_eq!(site.ask(from(ALICE, "/")).await, banned(60));
    site.clock.advance(MINUTE);
    assert_eq!(site.ask(from(ALICE, "/.git")).await, blocked());
    assert_eq!(
        site.rest(ALICE),
        Some(4 * HOUR),
        "the second ban is twice as long"
    );
}

#[tokio::test]
async fn what_one_rule_refuses_does_not_pass_because_another_starts_a_ban_by_it() {
    let site = Site::new(|builder| {
        builder
            .allow2ban(|head| head.method == Method::POST, 1, MINUTE, HOUR)
            .fail2ban(|head| head.uri.path() == "/.env", 2, MINUTE, HOUR)
    });
    let mut request = from(ALICE, "/.env");
    *request.method_mut() = Method::POST;
    assert_eq!(site.ask(request).await, blocked());
    assert_eq!(site.ask(from(ALICE, "/")).await, banned(3_600));
    let rules: Vec<_> = site
        .events
        .codes()
        .into_iter()
        .map(|(code, _, rule)| (code, rule))
        .collect();
    assert_eq!(
        rules,
        [
            ("ban_started", "allow2ban[0]".to_owned()),
            ("blocked", "fail2ban[1]".to_owned()),
            ("banned", "banned".to_owned()),
        ]
    );
    // The second rule has counted nothing: the ban had begun.
    site.clock.advance(HOUR);
    assert_eq!(site.ask(from(ALICE, "/.env")).await, blocked());
    assert_eq!(site.ask(from(ALICE, "/")).await, passes());
}

#[tokio::test]
async fn nothing_is_counted_while_banned() {
    let site = Site::new(|builder| {
        three_probes(builder).fail2ban(|head| head.uri.path() == "/.env", 2, HOUR, MINUTE)
    });
    site.ban(ALICE, 10 * SECOND);
    for path in ["/.env", "/.env", "/probe", "/probe", "/probe"] {
        assert_eq!(site.ask(from(ALICE, path)).await, banned(10));
        assert_eq!(site.layer.table().signal(site.key(ALICE), PROBE), None);
    }
    site.clock.advance(10 * SECOND);
    for path in ["/probe", "/probe", "/"] {
        assert_eq!(site.ask(from(ALICE, path)).await, passes(), "{path}");
    }
    assert_eq!(site.ask(from(ALICE, "/.env")).await, blocked());
    assert_eq!(site.ask(from(ALICE, "/")).await, passes());
    // A ban ends the count that led to it.
    assert_eq!(site.ask(from(ALICE, "/.env")).await, blocked());
    assert_eq!(site.rest(ALICE), Some(2 * MINUTE));
    site.clock.advance(2 * MINUTE);
    assert_eq!(site.ask(from(ALICE, "/.env")).await, blocked());
    assert_eq!(site.rest(ALICE), None);
}

#[tokio::test]
async fn signals_of_a_handler_ban_with_the_nth() {
    let site = Site::new(three_probes);
    for path in ["/probe", "/", "/probe", "/"] {
        assert_eq!(site.ask(from(ALICE, path)).await, passes());
    }
    assert_eq!(site.ask(from(BOB, "/probe")).await, passes());
    // The answer to the one that starts the ban is the handler's.
    assert_eq!(site.ask(from(ALICE, "/probe")).await, passes());
    assert_eq!(site.ask(from(ALICE, "/")).await, banned(3_600));
    assert_eq!(site.ask(from(BOB, "/")).await, passes());
}

#[tokio::test]
async fn refusals_of_inner_layers_are_counted_by_kind() {
    let site = Site::new(|builder| {
        builder.on(AbuseKind::CsrfRefused, 2, MINUTE, HOUR).on(
            AbuseKind::AuthFailed,
            1,
            MINUTE,
            HOUR,
        )
    });
    let service = site.layer.layer(CsrfLayer::new().layer(Spy::new()));
    let forged = || {
        let mut request = from(ALICE, "/transfer");
        *request.method_mut() = Method::POST;
        // No browser says it twice.
        for _ in 0..2 {
            let cross = "cross-site".parse().unwrap();
            request.headers_mut().append("sec-fetch-site", cross);
        }
        request
    };
    for _ in 0..2 {
        assert_eq!(site.rest(ALICE), None);
        let answer = go(service.clone(), forged()).await;
        assert_eq!(answer.extensions().get::<BanRefusal>(), None);
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    }
    assert_eq!(site.rest(ALICE), Some(HOUR));
    let answer = go(service, forged()).await;
    let rest = HOUR;
    assert_eq!(
        answer.extensions().get(),
        Some(&BanRefusal::Banned { rest })
    );
}

#[tokio::test]
async fn a_kind_may_have_a_quick_and_a_slow_rule() {
    let site = Site::new(|builder| {
        builder
            .on(PROBE, 2, SECOND, MINUTE)
            .on(PROBE, 3, HOUR, 10 * MINUTE)
            .escalation(1, HOUR)
    });
    for rest in [None, None, Some(10 * MINUTE)] {
        assert_eq!(site.ask(from(ALICE, "/probe")).await, passes());
        assert_eq!(site.rest(ALICE), rest);
        site.clock.advance(SECOND);
    }
    for rest in [None, Some(MINUTE)] {
        assert_eq!(site.ask(from(BOB, "/probe")).await, passes());
        assert_eq!(site.rest(BOB), rest);
    }
}

#[tokio::test]
async fn bans_grow_and_are_forgotten_in_quiet_times() {
    let site = Site::new(|builder| {
        builder
            .on(PROBE, 1, 10 * MINUTE, MINUTE)
            .escalation(3, 20 * MINUTE)
    });
    let next = || async {
        assert_eq!(site.ask(from(ALICE, "/probe")).await, passes());
        let rest = site.rest(ALICE).unwrap();
        site.clock.advance(rest);
        rest
    };
    for minutes in [1, 3, 9, 20, 20] {
        assert_eq!(next().await, minutes * MINUTE);
    }
    // Five bans. The window is longer than the ban, so that one is forgotten every ten minutes.
    site.clock.advance(30 * MINUTE);
    assert_eq!(next().await, 9 * MINUTE);
    site.clock.advance(30 * MINUTE - SECOND);
    assert_eq!(next().await, 3 * MINUTE);
    site.clock.advance(24 * HOUR);
    assert_eq!(next().await, MINUTE);
}

#[tokio::test]
async fn by_default_bans_double_up_to_a_day() {
    let site = Site::new(|builder| builder.on(PROBE, 1, MINUTE, 5 * HOUR));
    for hours in [5, 10, 20, 24, 24] {
        assert_eq!(site.ask(from(ALICE, "/probe")).await, passes());
        assert_eq!(site.rest(ALICE), Some(hours * HOUR));
        site.clock.advance(hours * HOUR);
    }
}

#[tokio::test]
async fn unban_ends_the_ban_and_reset_forgets_all_of_it() {
    let site = Site::new(|builder| {
        three_probes(builder).fail2ban(|head| head.uri.path() == "/.env", 2, MINUTE, HOUR)
    });
    let table = site.layer.table();
    let (alice, bob) = (site.key(ALICE), site.key(BOB));
    assert!(!table.unban(alice));
    site.ban(ALICE, HOUR);
    site.ban(BOB, HOUR);
    assert!(table.unban(alice));
    assert_eq!(
        (table.is_banned(alice), table.is_banned(bob)),
        (None, Some(HOUR))
    );
    assert_eq!(site.ask(from(ALICE, "/")).await, passes());
    // A lifted ban still counts as one.
    for _ in 0..3 {
        assert_eq!(site.ask(from(ALICE, "/probe")).await, passes());
    }
    assert_eq!(site.rest(ALICE), Some(2 * HOUR));

    table.reset(alice);
    assert_eq!(
        (table.is_banned(alice), table.is_banned(bob)),
        (None, Some(HOUR))
    );
    for path in ["/probe", "/probe"] {
        assert_eq!(site.ask(from(ALICE, path)).await, passes());
    }
    assert_eq!(site.ask(from(ALICE, "/.env")).await, blocked());
    table.reset(alice);
    for path in ["/probe", "/probe"] {
        assert_eq!(site.ask(from(ALICE, path)).await, passes());
    }
    assert_eq!(site.ask(from(ALICE, "/.env")).await, blocked());
    assert_eq!(site.rest(ALICE), None);
    assert_eq!(site.ask(from(ALICE, "/.env")).await, blocked());
    assert_eq!(site.rest(ALICE), Some(HOUR), "the first ban again");
}

#[tokio::test]
async fn a_manual_ban_is_prolonged_and_never_shortened() {
    let site = Site::new(|builder| builder);
    let table = site.layer.table();
    let alice = site.key(ALICE);
    for (duration, is_banned, rest) in [
        (Duration::ZERO, false, None),
        (MINUTE, true, Some(MINUTE)),
        (SECOND, true, Some(MINUTE)),
        (Duration::ZERO, false, Some(MINUTE)),
        (HOUR, true, Some(HOUR)),
    ] {
        assert_eq!(table.ban(alice, duration), is_banned, "{duration:?}");
        assert_eq!(table.is_banned(alice), rest, "{duration:?}");
    }
    assert!(table.ban(alice, Duration::MAX));
    site.clock.advance(1_000 * 365 * 24 * HOUR);
    assert!(table.is_banned(alice).is_some());
    let (status, retry) = site.ask(from(ALICE, "/")).await;
    assert_eq!(status, 403);
    assert!(retry.unwrap().parse::<u64>().unwrap() > 1_000 * 365 * 24 * 3_600);
    assert!(table.unban(alice));
    assert_eq!(site.ask(from(ALICE, "/")).await, passes());
}

#[tokio::test]
async fn a_clock_that_jumps_frees_nobody_early() {
    let site = Site::new(three_probes);
    site.clock.set_monotonic(HOUR);
    site.ban(ALICE, MINUTE);
    assert_eq!(site.ask(from(BOB, "/probe")).await, passes());
    assert_eq!(site.ask(from(BOB, "/probe")).await, passes());
    site.clock.set_monotonic(Duration::ZERO);
    assert_eq!(site.ask(from(ALICE, "/")).await, banned(3_660));
    assert_eq!(site.ask(from(BOB, "/probe")).await, passes());
    // As long as it should be, or from the latest time that the table has seen on.
    let rest = site.rest(BOB);
    assert!(rest == Some(HOUR) || rest == Some(2 * HOUR), "{rest:?}");
    site.clock.set_monotonic(Duration::MAX);
    assert_eq!(site.ask(from(ALICE, "/")).await, passes());
    assert_eq!(site.ask(from(ALICE, "/probe")).await, passes());
}
