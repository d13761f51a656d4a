//! Any sequence of refreshes, logouts and pauses, against an oracle that keeps all tokens in a list.

use std::time::Duration;

use proptest::prelude::*;
use tower_security::core::ManualClock;
use tower_security::token::{MemoryRefreshStore, RefreshContext};

use super::{WEB, alice, builder, made, outcome, parts, text};

const GRACE: u64 = 10;
const IDLE: u64 = 1_000;
const ABSOLUTE: u64 = 3_000;

#[derive(Clone, Debug)]
enum Act {
    /// The token so many before the last one, by one of two nodes.
    Present(usize, usize),
    Forge(usize),
    /// By another client.
    Steal(usize),
    Logout(usize),
    Pass(u64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let behind = || prop_oneof![6 => Just(0_usize), 3 => Just(1), 1 => 2..6_usize];
    let act = prop_oneof![
        12 => (behind(), 0..2_usize).prop_map(|(behind, node)| Act::Present(behind, node)),
        2 => (0..6_usize).prop_map(Act::Forge),
        1 => behind().prop_map(Act::Steal),
        1 => behind().prop_map(Act::Logout),
        6 => prop_oneof![0..4_u64, Just(GRACE), Just(GRACE + 1), Just(IDLE - 1), Just(IDLE)]
            .prop_map(Act::Pass),
    ];
    prop::collection::vec(act, 1..60)
}

/// What a family is, with nothing derived.
struct Oracle {
    tokens: Vec<String>,
    rotated_at: u64,
    idle_until: u64,
    is_revoked: bool,
}

enum Answer {
    New,
    Same(String),
    Err(&'static str),
}

impl Oracle {
    fn present(&mut self, behind: usize, is_foreign: bool, now: u64) -> Answer {
        if self.is_revoked {
            return Answer::Err("revoked");
        }
        if now >= self.idle_until || now >= ABSOLUTE {
            return Answer::Err("expired");
        }
        let is_late = now - self.rotated_at > GRACE;
        match behind {
            0 | 1 if is_foreign && (behind == 0 || !is_late) => {}
            0 => {
                self.rotated_at = now;
                self.idle_until = now + IDLE;
                return Answer::New;
            }
            1 if !is_late => return Answer::Same(self.tokens.last().unwrap().clone()),
            _ => {}
        }
        self.is_revoked = true;
        Answer::Err("reused")
    }

    fn token(&self, behind: usize) -> Option<String> {
        self.tokens.iter().rev().nth(behind).cloned()
    }
}

proptest! {
    #[test]
    fn a_family_does_what_the_oracle_says(acts in acts()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(acts))?;
    }
}

async fn run(acts: Vec<Act>) -> Result<(), TestCaseError> {
    let clock = ManualClock::new();
    let store = MemoryRefreshStore::new();
    let node = || {
        builder(store.clone(), &clock)
            .grace(Duration::from_secs(GRACE))
            .idle(Duration::from_secs(IDLE))
            .absolute(Duration::from_secs(ABSOLUTE))
            .build()
            .unwrap()
    };
    let nodes = [node(), node()];
    let mut now = 0;
    let mut oracle = Oracle {
        tokens: vec![text(nodes[0].login(&alice(), &WEB).await)],
        rotated_at: 0,
        idle_until: IDLE,
        is_revoked: false,
    };
    for act in acts {
        let (behind, node, is_foreign) = match act {
            Act::Present(behind, node) => (behind, node, false),
            Act::Steal(behind) => (behind, 0, true),
            Act::Pass(seconds) => {
                now += seconds;
                clock.advance(Duration::from_secs(seconds));
                continue;
            }
            Act::Forge(behind) => {
                let Some(token) = oracle.token(behind) else {
                    continue;
                };
                let (family, generation, mut secret) = parts(&token);
                secret[0] ^= 0x80;
                let forged = made((family, generation, secret));
                let expected = match oracle.is_revoked {
                    true => "revoked",
                    false if now >= oracle.idle_until.min(ABSOLUTE) => "expired",
                    false => "unknown",
                };
                prop_assert_eq!(
                    outcome(nodes[0].refresh(&forged, &WEB).await),
                    Err(expected)
                );
                continue;
            }
            Act::Logout(behind) => {
                let Some(token) = oracle.token(behind) else {
                    continue;
                };
                let is_alive = !oracle.is_revoked && now < oracle.idle_until.min(ABSOLUTE);
                let ended = nodes[1].revoke_token(&token, &WEB).await.unwrap();
                prop_assert_eq!(ended, is_alive);
                oracle.is_revoked |= is_alive;
                continue;
            }
        };
        let Some(token) = oracle.token(behind) else {
            continue;
        };
        let context = if is_foreign {
            RefreshContext::new().client_id("evil")
        } else {
            WEB
        };
        let seen = outcome(nodes[node].refresh(&token, &context).await);
        match oracle.present(behind, is_foreign, now) {
            Answer::New => {
                let next = seen.unwrap();
                prop_assert!(!oracle.tokens.contains(&next));
                oracle.tokens.push(next);
            }
            Answer::Same(token) => prop_assert_eq!(seen, Ok(token)),
            Answer::Err(error) => prop_assert_eq!(seen, Err(error)),
        }
    }
    Ok(())
}
