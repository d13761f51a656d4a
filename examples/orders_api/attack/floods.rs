//! Too much, and addresses that are not those of whoever calls.

use super::super::shop::Fault;
use super::trial::{Trial, refusal};
use super::{Ask, Client, Target, Verdict};

/// More than anybody needs in a minute.
const FLOOD: usize = 250;
/// What a client may ask for in a minute, and what comes back to it while the flood lasts.
const QUOTA: usize = 120;
const SLACK: usize = 60;

/// Sends as many requests, and says how many were served.
async fn flood(
    target: &Target,
    sent: &str,
    mut next: impl FnMut(usize) -> (Client, Ask),
) -> Result<Verdict, Fault> {
    let (mut trial, mut served) = (Trial::of(sent), 0);
    let limited = refusal(429, "rate_limited").with("retry-after", "");
    for number in 0..FLOOD {
        let (mut client, ask) = next(number);
        let answer = client.send(ask).await?;
        if answer.is_success() {
            served += 1;
        } else {
            trial.refused(&answer, limited);
        }
    }
    trial.gain(served == FLOOD, format!("all {FLOOD} served"));
    let wanted = format!("{QUOTA} served");
    let is_met = (QUOTA..QUOTA + SLACK).contains(&served);
    trial.seen(&wanted, is_met, format!("{served} served"));
    let other = target.stranger().send(Ask::get("/health")).await?;
    trial.control("somebody else", &other);
    Ok(trial.verdict())
}

pub async fn one_address(target: &Target) -> Result<Verdict, Fault> {
    let bot = target.stranger();
    let from = |_| (bot.clone(), Ask::get("/health"));
    flood(target, "250 requests of one", from).await
}

/// One subscriber has 2^64 addresses.
pub async fn one_network(target: &Target) -> Result<Verdict, Fault> {
    let from = |number: usize| {
        let address = format!("2001:db8:7:1:{number:x}::1");
        (Client::new(target.addr, address), Ask::get("/health"))
    };
    flood(target, "250 addresses of 2001:db8:7:1::/64", from).await
}

/// Says that each request is somebody else's.
pub async fn forged_address(target: &Target) -> Result<Verdict, Fault> {
    let bot = target.stranger();
    let from = |number: usize| {
        let forged = format!("198.51.100.{number}");
        let ask = Ask::get("/health").forwarded(forged.clone());
        let ask = ask.header("X-Real-IP", &forged);
        let ask = ask.header("Forwarded", &format!("for={forged}"));
        (bot.clone(), ask)
    };
    flood(target, "250 with a forged X-Forwarded-For", from).await
}

/// Says that he calls from the office.
pub async fn forged_office(target: &Target) -> Result<Verdict, Fault> {
    let mut trial = Trial::of("X-Forwarded-For: 10.1.2.3");
    let ask = Ask::get("/internal/status")
        .forwarded("10.1.2.3")
        .header("X-Real-IP", "10.1.2.3")
        .header("True-Client-IP", "10.1.2.3")
        .header("Forwarded", "for=10.1.2.3");
    let answer = target.stranger().send(ask).await?;
    trial.refused(&answer, refusal(404, "not_found"));
    let is_in = answer.body.contains("\"orders\"");
    trial.gain(is_in, "200 the internal status");
    let inside = Client::new(target.addr, "10.1.2.3")
        .send(Ask::get("/internal/status"))
        .await?;
    let is_right = inside.is_success() && inside.body.contains("\"orders\"");
    trial.control_if("the office", is_right, inside.short());
    Ok(trial.verdict())
}
