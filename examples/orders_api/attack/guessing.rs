//! Passwords that are guessed. In each of the three the right one is on the attacker's list.

use super::super::shop::Fault;
use super::{Answer, Ask, Client, Target, Verdict};

/// Of carol and dave.
pub const SECRET: &str = "sunflower meadow 42";
/// What one of a crowd has chosen.
pub const SEASON: &str = "Summer2026!";
pub const CROWD: u32 = 40;
/// Which one of them.
pub const WEAK: u32 = 33;

const GUESSES: usize = 40;
/// Where on the list the right one stands.
const RIGHT: usize = 35;

/// A list of leaked passwords.
fn guesses() -> impl Iterator<Item = String> {
    (0..GUESSES).map(|number| match number {
        RIGHT => SECRET.to_owned(),
        number => format!("password{number}"),
    })
}

/// What came of the attempts.
#[derive(Default)]
struct Tally {
    in_after: Option<usize>,
    tried: usize,
    refused: usize,
    last: String,
}

impl Tally {
    fn count(&mut self, client: &Client, answer: &Answer) {
        self.tried += 1;
        self.refused += usize::from(matches!(answer.status, 403 | 429));
        self.last = answer.short();
        if client.is_in() {
            self.in_after.get_or_insert(self.tried);
        }
    }

    fn verdict(self, sent: String) -> Verdict {
        let came = match self.in_after {
            Some(guess) => format!("in with guess {guess}"),
            None => format!("{} of {} refused: {}", self.refused, self.tried, self.last),
        };
        Verdict::new(self.in_after.is_some(), sent, came)
    }
}

/// Many passwords for one account, from one address. Its owner has logged in before, and must be able to while it goes on.
pub async fn one_account(target: &Target) -> Result<Verdict, Fault> {
    let mut carol = target.stranger();
    carol.log_in("carol", SECRET).await?;
    let (mut thief, mut tally) = (target.stranger(), Tally::default());
    for guess in guesses() {
        let answer = thief.log_in("carol", &guess).await?;
        tally.count(&thief, &answer);
    }
    let form = serde_json::json!({ "account": "carol", "password": SECRET });
    let again = carol
        .send(Ask::new("POST", "/login").json(&form).by_page())
        .await?;
    if !again.is_success() {
        return Err(format!("the owner is locked out: {}", again.short()).into());
    }
    Ok(tally.verdict(format!("{GUESSES} passwords for carol")))
}

/// One password for many accounts, from one address.
pub async fn many_accounts(target: &Target) -> Result<Verdict, Fault> {
    let (mut thief, mut tally) = (target.stranger(), Tally::default());
    for number in 0..CROWD {
        let answer = thief.log_in(&format!("customer{number}"), SEASON).await?;
        tally.count(&thief, &answer);
    }
    Ok(tally.verdict(format!("{SEASON} for {CROWD} accounts")))
}

/// Many passwords for one account, each from another address.
pub async fn many_addresses(target: &Target) -> Result<Verdict, Fault> {
    let mut tally = Tally::default();
    for guess in guesses() {
        let mut bot = target.stranger();
        let answer = bot.log_in("dave", &guess).await?;
        tally.count(&bot, &answer);
    }
    Ok(tally.verdict(format!("{GUESSES} for dave from {GUESSES} bots")))
}
