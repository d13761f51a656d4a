//! Logging out, and what ends with it.

use std::time::Duration;

use tower_security::core::{EventName, ManualClock, Principal, StoreErrorKind};
use tower_security::token::{
    Grant, JwtVerifier, MemoryRefreshStore, MemoryRevocationStore, RefreshContext, RefreshError,
    RefreshServiceBuilder, RefreshStore, RevokeReason, TokenPair,
};

use super::super::issuer::{AUDIENCE, ISSUER};
use super::{Desk, WEB, alice, issuer, kind, made, parts};

/// A service whose access tokens are asked for in a store of revocations.
struct House {
    desk: Desk,
    verifier: JwtVerifier,
}

impl House {
    fn new() -> Self {
        Self::with(|builder| builder)
    }

    fn with(change: impl FnOnce(RefreshServiceBuilder) -> RefreshServiceBuilder) -> Self {
        let clock = ManualClock::new();
        let revoked = MemoryRevocationStore::with_clock(1_000, clock.clone());
        let store = revoked.clone();
        let desk = Desk::on(clock, |builder| {
            change(builder.revocation(store).max_families(3))
        });
        let verifier = JwtVerifier::builder()
            .issuer(ISSUER)
            .audience(AUDIENCE)
            .keys(issuer(desk.clock.clone()).verifying_keys())
            .clock(desk.clock.clone())
            .revocation(revoked)
            .build()
            .unwrap();
        Self { desk, verifier }
    }

    async fn login(&self, subject: &str) -> TokenPair {
        let who = Principal::builder(subject).client_id("web").build();
        let pair = self
            .desk
            .service
            .login(&Grant::new(who), &WEB)
            .await
            .unwrap();
        assert!(self.is_good(&pair).await);
        pair
    }

    async fn refresh(&self, pair: &TokenPair) -> Result<TokenPair, &'static str> {
        let token = pair.refresh_token.expose();
        let next = self.desk.service.refresh(token, &WEB).await;
        next.map_err(|error| kind(&error))
    }

    /// Whether a resource server takes the access token.
    async fn is_good(&self, pair: &TokenPair) -> bool {
        let token = pair.access_token.token().expose();
        self.verifier.verify(token).wait().await.is_ok()
    }

    async fn name(&self, pair: &TokenPair) -> String {
        let token = pair.access_token.token().expose();
        let who = self.verifier.verify(token).wait().await.unwrap();
        who.session_id().unwrap().to_owned()
    }

    fn told(&self) -> Vec<(EventName, String)> {
        self.desk.log.rules()
    }
}

fn ended(reason: &str) -> (EventName, String) {
    (EventName::AuthnTokenRevoked, reason.to_owned())
}

#[tokio::test]
async fn a_logout_ends_the_family_and_its_access_tokens() {
    let house = House::new();
    let (first, other) = (house.login("alice").await, house.login("alice").await);
    let second = house.refresh(&first).await.unwrap();
    house.told();
    let revoke = async |token: &str| house.desk.service.revoke_token(token, &WEB).await.unwrap();
    assert!(revoke(second.refresh_token.expose()).await);
    assert_eq!(house.told(), [ended("logout")]);
    assert_eq!(house.refresh(&second).await.unwrap_err(), "revoked");
    assert!(!house.is_good(&first).await && !house.is_good(&second).await);
    assert!(house.is_good(&other).await && house.refresh(&other).await.is_ok());
    house.told();
    assert!(
        !revoke(second.refresh_token.expose()).await,
        "it has ended before"
    );
    assert_eq!(house.told(), []);
    for wrong in ["", "rt_", &made(([1; 16], 0, [2; 32]))] {
        assert!(!revoke(wrong).await, "{wrong}");
    }
}

#[tokio::test]
async fn any_token_of_a_family_logs_out_and_a_forged_one_does_not() {
    for behind in [0, 1, 2] {
        let house = House::new();
        let first = house.login("alice").await;
        let mut last = first.clone();
        for _ in 0..behind {
            last = house.refresh(&last).await.unwrap();
        }
        house.desk.pass(3_600);
        let token = first.refresh_token.expose();
        let (family, generation, _) = parts(token);
        let forged = made((family, generation, [0; 32]));
        let revoke = async |token: &str| house.desk.service.revoke_token(token, &WEB).await;
        assert!(!revoke(&forged).await.unwrap());
        assert_eq!(house.desk.sessions().await, 1);
        let evil = RefreshContext::new().client_id("evil");
        let by_another = house.desk.service.revoke_token(token, &evil).await;
        assert_eq!(kind(&by_another.unwrap_err()), "binding");
        assert_eq!(house.desk.sessions().await, 1);
        assert!(revoke(token).await.unwrap(), "{behind} behind");
        assert_eq!(house.refresh(&last).await.unwrap_err(), "revoked");
    }
    // The token is proof enough: a page of logout need not know the client.
    let house = House::new();
    let pair = house.login("alice").await;
    let token = pair.refresh_token.expose();
    let nobody = RefreshContext::new();
    assert!(
        house
            .desk
            .service
            .revoke_token(token, &nobody)
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn what_is_over_is_not_ended() {
    let house = House::new();
    let pair = house.login("alice").await;
    let sessions = house.desk.service.sessions("alice").await.unwrap();
    house.desk.pass(14 * 24 * 3_600);
    house.told();
    let token = pair.refresh_token.expose();
    assert!(!house.desk.service.revoke_token(token, &WEB).await.unwrap());
    let by_name = house.desk.service.revoke("alice", sessions[0].id());
    assert!(!by_name.await.unwrap());
    assert_eq!(house.told(), []);
}

/// A family that is over ends nothing, so that nothing may be left of it.
#[tokio::test]
async fn no_access_token_outlives_its_family() {
    let house = House::with(|builder| builder.idle(Duration::from_secs(60)));
    let first = house.login("alice").await;
    house.desk.pass(30);
    let second = house.refresh(&first).await.unwrap();
    let again = house.refresh(&first).await.unwrap();
    for pair in [&first, &second, &again] {
        assert_eq!(pair.access_token.expires_at(), pair.refresh_expires_at);
    }
    assert_eq!(second.access_token.lifetime(), Duration::from_secs(60));
    let narrow = WEB.scope("");
    let token = second.refresh_token.expose();
    let third = house.desk.service.refresh(token, &narrow).await.unwrap();
    // Longer than the pause, and the leeway of the verifier.
    house.desk.pass(400);
    let token = third.refresh_token.expose();
    assert!(!house.desk.service.revoke_token(token, &WEB).await.unwrap());
    for pair in [&first, &second, &again, &third] {
        assert!(!house.is_good(pair).await);
    }
}

#[tokio::test]
async fn a_token_that_was_stolen_ends_its_access_tokens_too() {
    let house = House::new();
    let first = house.login("alice").await;
    let second = house.refresh(&first).await.unwrap();
    house.desk.pass(11);
    assert_eq!(house.refresh(&first).await.unwrap_err(), "reused");
    assert!(!house.is_good(&first).await && !house.is_good(&second).await);
}

/// The entry has to live as long as the last access token that may be there, and the longest leeway of a verifier.
#[tokio::test]
async fn access_tokens_of_a_family_that_ended_stay_dead_until_they_expire() {
    let house = House::new();
    let pair = house.login("alice").await;
    let token = pair.refresh_token.expose();
    house.desk.service.revoke_token(token, &WEB).await.unwrap();
    for _ in 0..20 {
        house.desk.pass(59);
        assert!(!house.is_good(&pair).await);
        house.login("bob").await;
    }
}

#[tokio::test]
async fn a_device_is_logged_out_by_its_name() {
    let house = House::new();
    let (one, two) = (house.login("alice").await, house.login("alice").await);
    let bob = house.login("bob").await;
    let (name, of_bob) = (house.name(&two).await, house.name(&bob).await);
    house.told();
    let revoke = async |name: &str| {
        let revoked = house.desk.service.revoke("alice", name).await;
        revoked.unwrap()
    };
    assert!(!revoke(&of_bob).await && !revoke("").await);
    assert!(revoke(&name).await && !revoke(&name).await);
    assert_eq!(house.told(), [ended("logout")]);
    assert!(!house.is_good(&two).await && house.refresh(&two).await.is_err());
    assert!(house.is_good(&one).await && house.refresh(&one).await.is_ok());
    assert!(house.is_good(&bob).await);
}

#[tokio::test]
async fn all_of_a_subject_end_or_all_but_one() {
    let house = House::new();
    let mut pairs = Vec::new();
    for _ in 0..3 {
        pairs.push(house.login("alice").await);
    }
    let bob = house.login("bob").await;
    let service = &house.desk.service;
    let kept = house.name(&pairs[1]).await;
    house.told();
    assert_eq!(service.revoke_others("alice", &kept).await.unwrap(), 2);
    assert_eq!(house.told(), [ended("subject"), ended("subject")]);
    for (pair, is_left) in pairs.iter().zip([false, true, false]) {
        assert_eq!(house.is_good(pair).await, is_left);
        assert_eq!(house.refresh(pair).await.is_ok(), is_left);
    }
    // A name of nobody keeps nothing.
    let of_bob = house.name(&bob).await;
    assert_eq!(service.revoke_others("alice", &of_bob).await.unwrap(), 1);
    assert!(!house.is_good(&pairs[1]).await);
    assert!(house.is_good(&bob).await);
    assert_eq!(service.revoke_subject("bob").await.unwrap(), 1);
    assert!(!house.is_good(&bob).await);
    assert_eq!(service.revoke_subject("bob").await.unwrap(), 0);
    // Who logs in afterwards, in the same second, is let in.
    assert!(house.is_good(&house.login("bob").await).await);
}

#[tokio::test]
async fn with_one_login_too_many_the_oldest_ends() {
    let house = House::new();
    let mut pairs = Vec::new();
    for _ in 0..3 {
        pairs.push(house.login("alice").await);
        house.desk.pass(1);
    }
    let bob = house.login("bob").await;
    // Used, it is as old as it was.
    let first = house.refresh(&pairs[0]).await.unwrap();
    house.told();
    pairs.push(house.login("alice").await);
    let told = house.told();
    assert!(told.contains(&(EventName::ExcessSessionsExceeded, "limit".to_owned())));
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(house.refresh(&first).await.unwrap_err(), "revoked");
    assert!(!house.is_good(&first).await);
    for pair in &pairs[1..] {
        assert!(house.is_good(pair).await && house.refresh(pair).await.is_ok());
    }
    assert!(house.is_good(&bob).await);
    let rows = house.desk.store.list("alice").wait().await.unwrap();
    let reasons: Vec<_> = rows
        .iter()
        .map(|row| row.revoked().map(|(_, reason)| reason))
        .collect();
    assert_eq!(reasons, [Some(RevokeReason::Limit), None, None, None]);
}

#[tokio::test]
async fn a_family_that_makes_way_is_told_of_though_its_access_tokens_cannot_be_ended() {
    let clock = ManualClock::new();
    let full = MemoryRevocationStore::with_clock(0, clock.clone());
    let desk = Desk::on(clock, |builder| builder.revocation(full).max_families(1));
    desk.login().await;
    desk.log.take();
    let refused = desk.service.login(&alice(), &WEB).await.unwrap_err();
    assert_eq!(kind(&refused), "store");
    let told = [
        (EventName::ExcessSessionsExceeded, "limit".to_owned()),
        (EventName::SysMonitorDisabled, "login".to_owned()),
    ];
    assert_eq!(desk.log.rules(), told);
}

#[tokio::test]
async fn who_logs_in_and_out_all_day_does_not_fill_the_store() {
    let house = House::new();
    for _ in 0..100 {
        let pair = house.login("alice").await;
        let token = pair.refresh_token.expose();
        house.desk.service.revoke_token(token, &WEB).await.unwrap();
        house.desk.pass(1);
    }
    assert_eq!(house.desk.store.len(), 4, "three that ended, and the last");
}

#[tokio::test]
async fn a_store_that_is_full_lets_nobody_in_and_ends_nobody() {
    let clock = ManualClock::new();
    let store = MemoryRefreshStore::with_capacity(2);
    let service = super::builder(store.clone(), &clock)
        .max_families(2)
        .build()
        .unwrap();
    let login = async || service.login(&alice(), &WEB).await;
    let first = login().await.unwrap();
    login().await.unwrap();
    match login().await {
        Err(RefreshError::Store(error)) => assert_eq!(error.kind(), StoreErrorKind::Full),
        other => panic!("{other:?}"),
    }
    let next = service
        .refresh(first.refresh_token.expose(), &WEB)
        .await
        .unwrap();
    // What has ended makes way once the same user logs in, and what is over for everybody.
    service
        .revoke_token(next.refresh_token.expose(), &WEB)
        .await
        .unwrap();
    clock.advance(Duration::from_secs(14 * 24 * 3_600));
    assert!(login().await.is_ok());
    assert_eq!(store.len(), 1);
}
