use std::task::{Context, Waker};

use super::*;
use crate::core::Principal;
use crate::ownership::{StepUp, async_policy};

const ALL: [Decision; 6] = [
    Decision::Allow,
    Decision::AllowAsAdmin,
    Decision::Deny,
    Decision::NotFound,
    Decision::StepUp(StepUp::stronger()),
    Decision::Unavailable,
];

fn request() -> AccessRequest {
    let alice = Principal::builder("alice")
        .roles(["admin"])
        .scopes(["orders"])
        .build();
    AccessRequest::new(alice, Action::Read, "1".into())
}

fn fixed(decision: Decision) -> impl Policy {
    move |_: &AccessRequest| decision
}

fn later(decision: Decision) -> impl Policy {
    async_policy(move |_: &AccessRequest| async move { decision })
}

fn decided(policy: &impl Policy) -> Decision {
    match policy.decide(&request()) {
        Verdict::Now(decision) => decision,
        Verdict::Later(mut waiting) => {
            let mut context = Context::from_waker(Waker::noop());
            match waiting.as_mut().poll(&mut context) {
                std::task::Poll::Ready(decision) => decision,
                std::task::Poll::Pending => panic!("nothing waits"),
            }
        }
    }
}

#[test]
fn two_are_joined_by_the_table_whichever_has_to_be_waited_for() {
    use Decision::*;
    let step = StepUp(self::StepUp::stronger());
    // (first, second), any_of, all_of
    let rows = [
        (Allow, Allow, Allow, Allow),
        (Allow, AllowAsAdmin, Allow, AllowAsAdmin),
        (Allow, Deny, Allow, Deny),
        (Allow, NotFound, Allow, NotFound),
        (Allow, step, Allow, step),
        (Allow, Unavailable, Allow, Unavailable),
        (AllowAsAdmin, Deny, AllowAsAdmin, Deny),
        (Deny, Deny, Deny, Deny),
        (Deny, NotFound, Deny, Deny),
        (NotFound, Deny, Deny, NotFound),
        (NotFound, NotFound, NotFound, NotFound),
        (Deny, step, step, Deny),
        (step, Deny, step, Deny),
        (Deny, Unavailable, Unavailable, Deny),
        (Unavailable, Deny, Unavailable, Deny),
        (Unavailable, Allow, Allow, Unavailable),
        (step, Unavailable, Unavailable, Unavailable),
    ];
    for (one, two, any, all) in rows {
        assert_eq!(
            decided(&any_of((fixed(one), fixed(two)))),
            any,
            "{one:?} | {two:?}"
        );
        assert_eq!(
            decided(&all_of((fixed(one), fixed(two)))),
            all,
            "{one:?} & {two:?}"
        );
        assert_eq!(decided(&any_of((later(one), fixed(two)))), any);
        assert_eq!(decided(&any_of((fixed(one), later(two)))), any);
        assert_eq!(decided(&all_of((later(one), later(two)))), all);
    }
}

#[test]
fn what_is_ready_stays_ready_and_nothing_denies() {
    let ready = any_of((fixed(Decision::Deny), all_of([fixed(Decision::Allow)])));
    assert!(matches!(
        ready.decide(&request()),
        Verdict::Now(Decision::Allow)
    ));
    let waiting = any_of((fixed(Decision::Deny), later(Decision::Allow)));
    assert!(matches!(waiting.decide(&request()), Verdict::Later(_)));
    assert_eq!(decided(&any_of(Vec::new())), Decision::Deny);
    assert_eq!(decided(&all_of(Vec::new())), Decision::Deny);
}

#[test]
fn an_administrator_overrides_denials_alone() {
    for decision in ALL {
        let expected = match decision {
            Decision::Deny => Decision::AllowAsAdmin,
            other => other,
        };
        assert_eq!(decided(&owner_or_admin(fixed(decision), "admin")), expected);
        assert_eq!(decided(&owner_or_admin(later(decision), "admin")), expected);
        assert_eq!(decided(&owner_or_admin(fixed(decision), "root")), decision);
        assert_eq!(decided(&owner_or_admin(later(decision), "root")), decision);
    }
}

#[test]
fn roles_scopes_and_actions_are_compared_exactly() {
    use Decision::{Allow, AllowAsAdmin, Deny};
    assert_eq!(decided(&role("admin")), Allow);
    assert_eq!(decided(&role("admin").as_admin()), AllowAsAdmin);
    assert_eq!(decided(&role("Admin").as_admin()), Deny);
    assert_eq!(decided(&scope("orders")), Allow);
    assert_eq!(decided(&scope("orders:read")), Deny);
    assert_eq!(decided(&only([Action::Read], fixed(Allow))), Allow);
    assert_eq!(decided(&only([Action::Update], fixed(Allow))), Deny);
    assert_eq!(
        decided(&deny_if(|_: &AccessRequest| true, fixed(Allow))),
        Deny
    );
    assert_eq!(
        decided(&deny_if(|_: &AccessRequest| false, fixed(Allow))),
        Allow
    );
}
