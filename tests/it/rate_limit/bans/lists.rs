//! Lists, modes and their changes under traffic.

use super::*;

#[tokio::test]
async fn lists_are_asked_before_bans_and_the_safelist_first() {
    let site = Site::new(|builder| {
        three_probes(builder)
            .safelist(set(["198.51.100.7", "203.0.113.0/24"]))
            .blocklist(set(["198.51.100.0/24"]))
            .fail2ban(|head| head.uri.path() == "/.env", 1, MINUTE, HOUR)
    });
    for ip in ["198.51.100.7", "198.51.100.6", "203.0.113.1"] {
        site.ban(ip, HOUR);
    }
    assert_eq!(site.ask(from("198.51.100.7", "/")).await, passes());
    assert_eq!(site.ask(from("::ffff:198.51.100.7", "/")).await, passes());
    assert_eq!(site.ask(from("198.51.100.6", "/")).await, blocked());
    assert_eq!(site.ask(from("::ffff:198.51.100.6", "/")).await, blocked());
    assert_eq!(site.ask(from("198.51.101.6", "/")).await, passes());
    assert_eq!(site.ask(from("203.0.113.1", "/")).await, passes());
    // Nor is anything counted.
    for path in ["/.env", "/probe", "/probe", "/probe", "/"] {
        assert_eq!(
            site.ask(from("203.0.113.2", path)).await,
            passes(),
            "{path}"
        );
    }
    assert_eq!(site.rest("203.0.113.2"), None);
    assert_eq!(site.ask(from("203.0.114.2", "/.env")).await, blocked());
    assert_eq!(site.ask(from("203.0.114.2", "/")).await, banned(3_600));
}

#[tokio::test]
async fn lists_and_mode_change_under_traffic() {
    let site = Site::new(|builder| builder.blocklist(set([ALICE])));
    let (handle, service) = (site.layer.handle(), site.layer.layer(Spy::new()));
    let ask = || async {
        go(service.clone(), from(ALICE, "/"))
            .await
            .status()
            .as_u16()
    };
    assert_eq!(ask().await, 403);
    handle.set_lists(set([]), set([BOB])).unwrap();
    assert_eq!(ask().await, 200);
    assert_eq!(site.layer.blocklist(), set([BOB]));
    handle.set_lists(set([]), set([ALICE])).unwrap();
    handle.set_mode(Mode::Off);
    assert_eq!((ask().await, site.layer.mode()), (200, Mode::Off));
    assert_eq!(handle.mode(), Mode::Off);
    handle.set_mode(Mode::Enforce);
    assert_eq!(ask().await, 403);

    let both = set([ALICE, "10.0.0.0/8"]);
    let errors = handle.set_lists(both.clone(), both).unwrap_err();
    assert_eq!(errors.len(), 2);
    assert_eq!(ask().await, 403);
}

#[tokio::test]
async fn off_looks_at_nothing() {
    let site = Site::new(|builder| {
        three_probes(builder)
            .mode(Mode::Off)
            .blocklist(set([ALICE]))
            .on_missing(OnMissing::Refuse)
            .fail2ban(|_| true, 1, MINUTE, HOUR)
    });
    site.ban(BOB, HOUR);
    for request in [from(ALICE, "/probe"), from(BOB, "/"), nobody("/")] {
        assert_eq!(site.ask(request).await, passes());
    }
    assert_eq!(site.events.take(), []);
}
