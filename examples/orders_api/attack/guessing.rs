//! Passwords that are guessed. In each of the three the right one is on the attacker's list.

use super::super::shop::Fault;
use super::trial::{Refusal, Trial, refusal};
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

const WRONG: Refusal = refusal(401, "login_failed");
const THROTTLED: Refusal = refusal(429, "login_throttled").with("retry-after", "");
const BANNED: Refusal = refusal(403, "banned");

/// A list of leaked passwords.
fn guesses() -> impl Iterator<Item = String> {
    (0..GUESSES).map(|number| match number {
        RIGHT => SECRET.to_owned(),
        number => format!("password{number}"),
    })
}

/// What came of the attempts: of the first ones that they were wrong, and of the last that it was not looked at any more.
struct Tally {
    trial: Trial,
    stop: Refusal,
    tried: usize,
    stopped: usize,
    is_stopped: bool,
}

impl Tally {
    fn of(sent: String, stop: Refusal) -> Self {
        Self {
            trial: Trial::of(sent),
            stop,
            tried: 0,
            stopped: 0,
            is_stopped: false,
        }
    }

    fn count(&mut self, client: &Client, answer: &Answer) {
        self.tried += 1;
        let got_in = format!("in with guess {}", self.tried);
        self.trial.gain(client.is_in(), got_in);
        self.is_stopped = self.stop.is_met_by(answer);
        self.stopped += usize::from(self.is_stopped);
        let is_known = WRONG.is_met_by(answer) || THROTTLED.is_met_by(answer);
        if !is_known {
            self.trial.refused(answer, self.stop);
        }
    }

    /// The trial goes on with its controls.
    fn end(mut self) -> Trial {
        let guesses = self.tried - self.stopped;
        let came = format!("{guesses} guesses, then {}", self.stop);
        let is_met = self.is_stopped && guesses > 0;
        self.trial.seen(&self.stop.to_string(), is_met, came);
        self.trial
    }
}

/// The owner comes back on the device from which he has logged in before.
async fn returns(owner: &mut Client, account: &str) -> Result<Answer, Fault> {
    let form = serde_json::json!({ "account": account, "password": SECRET });
    let ask = Ask::new("POST", "/login").json(&form).by_page();
    Ok(owner.send(ask).await?)
}

/// Many passwords for one account, from one address. Its owner has logged in before, and must be able to while it goes on.
pub async fn one_account(target: &Target) -> Result<Verdict, Fault> {
    let mut carol = target.stranger();
    let before = carol.log_in("carol", SECRET).await?;
    let sent = format!("{GUESSES} passwords for carol");
    let (mut thief, mut tally) = (target.stranger(), Tally::of(sent, THROTTLED));
    for guess in guesses() {
        let answer = thief.log_in("carol", &guess).await?;
        tally.count(&thief, &answer);
    }
    let mut trial = tally.end();
    trial.control("carol, before", &before);
    trial.control("carol, after", &returns(&mut carol, "carol").await?);
    Ok(trial.verdict())
}

/// One password for many accounts, from one address.
pub async fn many_accounts(target: &Target) -> Result<Verdict, Fault> {
    let sent = format!("{SEASON} for {CROWD} accounts");
    let (mut thief, mut tally) = (target.stranger(), Tally::of(sent, BANNED));
    for number in 0..CROWD {
        let answer = thief.log_in(&format!("customer{number}"), SEASON).await?;
        tally.count(&thief, &answer);
    }
    let mut trial = tally.end();
    let mut owner = target.stranger();
    let answer = owner.log_in(&format!("customer{WEAK}"), SEASON).await?;
    trial.control("the owner of the weak one", &answer);
    Ok(trial.verdict())
}

/// Many passwords for one account, each from another address.
pub async fn many_addresses(target: &Target) -> Result<Verdict, Fault> {
    let mut dave = target.stranger();
    let before = dave.log_in("dave", SECRET).await?;
    let sent = format!("{GUESSES} for dave from {GUESSES} bots");
    let mut tally = Tally::of(sent, THROTTLED);
    for guess in guesses() {
        let mut bot = target.stranger();
        let answer = bot.log_in("dave", &guess).await?;
        tally.count(&bot, &answer);
    }
    let mut trial = tally.end();
    trial.control("dave, before", &before);
    trial.control("dave, after", &returns(&mut dave, "dave").await?);
    Ok(trial.verdict())
}
