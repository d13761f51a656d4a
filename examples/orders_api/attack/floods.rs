//! Too much, and addresses that are not those of whoever calls.

use super::super::shop::Fault;
use super::{Ask, Client, Target, Verdict};

/// More than anybody needs in a minute.
const FLOOD: usize = 250;

/// Sends as many requests, and says how many were served. What ends otherwise than by a 429 says nothing of a limit.
async fn flood(sent: &str, mut next: impl FnMut(usize) -> (Client, Ask)) -> Result<Verdict, Fault> {
    let (mut served, mut last, mut is_limited) = (0, String::new(), false);
    for number in 0..FLOOD {
        let (mut client, ask) = next(number);
        let answer = client.send(ask).await?;
        served += usize::from(answer.is_success());
        last = answer.short();
        is_limited = answer.status == 429;
    }
    if served == 0 || (served < FLOOD && !is_limited) {
        return Err(format!("{served} of {FLOOD} served, then {last}").into());
    }
    let came = format!("{served} of {FLOOD} served, then {last}");
    Ok(Verdict::new(served == FLOOD, sent, came))
}

pub async fn one_address(target: &Target) -> Result<Verdict, Fault> {
    let bot = target.stranger();
    flood("250 requests of one", |_| {
        (bot.clone(), Ask::get("/health"))
    })
    .await
}

/// One subscriber has 2^64 addresses.
pub async fn one_network(target: &Target) -> Result<Verdict, Fault> {
    let from = |number: usize| {
        let address = format!("2001:db8:7:1:{number:x}::1");
        (Client::new(target.addr, address), Ask::get("/health"))
    };
    flood("250 addresses of 2001:db8:7:1::/64", from).await
}

/// Says that each request is somebody else's.
pub async fn forged_address(target: &Target) -> Result<Verdict, Fault> {
    let bot = target.stranger();
    let from = |number: usize| {
        let forged = format!("198.51.100.{number}");
        let ask = Ask::get("/health").forwarded(forged.clone());
        (
            bot.clone(),
            ask.header("X-Real-IP", &forged)
                .header("Forwarded", &format!("for={forged}")),
        )
    };
    flood("250 with a forged X-Forwarded-For", from).await
}

/// Says that he calls from the office.
pub async fn forged_office(target: &Target) -> Result<Verdict, Fault> {
    let inside = Client::new(target.addr, "10.1.2.3")
        .send(Ask::get("/internal/status"))
        .await?;
    if !inside.is_success() {
        return Err(format!("the office is refused: {}", inside.short()).into());
    }
    let ask = Ask::get("/internal/status")
        .forwarded("10.1.2.3")
        .header("X-Real-IP", "10.1.2.3")
        .header("True-Client-IP", "10.1.2.3")
        .header("Forwarded", "for=10.1.2.3");
    let answer = target.stranger().send(ask).await?;
    let is_in = answer.body.contains("\"orders\"");
    let came = if is_in {
        format!("{} the internal status", answer.short())
    } else {
        answer.short()
    };
    Ok(Verdict::new(is_in, "X-Forwarded-For: 10.1.2.3", came))
}
