//! Pages of other sites, which have the browser of a user do and read things.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::super::shop::Fault;
use super::super::stack::{APP, HOST};
use super::client::parse;
use super::trial::{Trial, refusal};
use super::{Answer, Ask, Client, Target, Verdict, db};

const EVIL: &str = "https://evil.example";

async fn is_paid(target: &Target, id: i64) -> sqlx::Result<bool> {
    let status: Option<String> = sqlx::query_scalar("SELECT status FROM orders WHERE id = ?")
        .bind(id)
        .fetch_optional(&target.db)
        .await?;
    Ok(status.as_deref() == Some("paid"))
}

/// A form of another site pays with alice's cookie.
pub async fn post(target: &Target) -> Result<Verdict, Fault> {
    let mut alice = target.alice().await?;
    let mut trial = Trial::of("POST /orders/{id}/pay, her cookie");
    let order = json!({ "goods": "book", "quantity": 1 });
    let made = alice.send(Ask::new("POST", "/orders").json(&order)).await?;
    let id = made.json()["id"].as_i64().ok_or("alice cannot order")?;
    let pay = || Ask::new("POST", format!("/orders/{id}/pay"));
    // A browser of today, one of some years ago, and a page that hides its origin.
    let old = pay().by_page_without_metadata().header("Origin", EVIL);
    for ask in [pay().by_other_site(EVIL), old, pay().by_other_site("null")] {
        let answer = alice.send(ask).await?;
        trial.refused(&answer, refusal(403, "csrf_refused"));
    }
    trial.gain(is_paid(target, id).await?, "200, and it is paid");
    let own = pay().by_page().header("Origin", &format!("https://{HOST}"));
    let answer = alice.send(own).await?;
    let is_right = is_paid(target, id).await? && answer.is_success();
    trial.control_if("her own page pays", is_right, answer.short());
    Ok(trial.verdict())
}

/// A page of another site opens a socket with alice's cookie, and reads.
pub async fn socket(target: &Target) -> Result<Verdict, Fault> {
    let alice = target.alice().await?;
    let mut trial = Trial::of("handshake of evil.example");
    let live = || Ask::get("/orders/42/live");
    let is_read = |answer: &Answer| answer.status == 101 && answer.body.contains("\"goods\":");
    for ask in [
        live().by_other_site(EVIL),
        live().by_page_without_metadata().header("Origin", EVIL),
    ] {
        let answer = heard(&alice, &ask.handshake()).await?;
        trial.refused(&answer, refusal(403, "csrf_refused"));
        trial.gain(is_read(&answer), "101, then her order");
    }
    let own = live()
        .by_page()
        .header("Origin", &format!("https://{HOST}"));
    let own = heard(&alice, &own.handshake()).await?;
    trial.control_if("a page of the shop", is_read(&own), own.short());
    Ok(trial.verdict())
}

/// What comes over a connection until it ends, or nothing more comes for a while.
pub async fn heard(client: &Client, ask: &Ask) -> Result<Answer, Fault> {
    let mut stream = client.connect().await?;
    stream.write_all(client.head(ask, 0).as_bytes()).await?;
    let (mut all, mut part) = (Vec::new(), [0; 1024]);
    while let Ok(Ok(count @ 1..)) =
        timeout(Duration::from_millis(300), stream.read(&mut part)).await
    {
        all.extend_from_slice(&part[..count]);
    }
    Ok(parse(&all))
}

pub async fn foreign_origin(target: &Target) -> Result<Verdict, Fault> {
    reads(target, EVIL).await
}

pub async fn null_origin(target: &Target) -> Result<Verdict, Fault> {
    reads(target, "null").await
}

/// Whether a browser hands such an answer to a page of this origin.
fn is_granted(answer: &Answer, origin: &str) -> bool {
    answer.header("access-control-allow-origin") == Some(origin)
        && answer.header("access-control-allow-credentials") == Some("true")
}

/// Whether the browser would hand alice's order to a page of this origin, or delete it for one.
async fn reads(target: &Target, origin: &str) -> Result<Verdict, Fault> {
    let mut alice = target.alice().await?;
    let mut trial = Trial::of(format!("Origin: {origin}, her cookie"));
    let preflight = |origin: &str| {
        Ask::new("OPTIONS", "/orders/42")
            .header("Origin", origin)
            .header("Access-Control-Request-Method", "DELETE")
    };
    let read = |origin: &str| Ask::get("/orders/42").by_other_site(origin);

    let answer = alice.send(read(origin)).await?;
    let asked = target.stranger().send(preflight(origin)).await?;
    let is_read = answer.is_success() && is_granted(&answer, origin);
    trial.gain(is_read, format!("200, allow-origin: {origin}"));
    trial.gain(is_granted(&asked, origin), "and it may delete");
    let is_silent = |answer: &Answer| answer.header("access-control-allow-origin").is_none();
    let is_met = answer.status == 200 && is_silent(&answer) && is_silent(&asked);
    let came = format!("{}, preflight {}", answer.short(), asked.short());
    let wanted = "no allow-origin, preflight 403";
    trial.seen(wanted, is_met && asked.status == 403, came);

    let answer = alice.send(read(APP)).await?;
    let is_right = answer.is_success() && is_granted(&answer, APP);
    trial.control_if("the web application reads", is_right, answer.short());
    let asked = target.stranger().send(preflight(APP)).await?;
    let is_right = asked.is_success() && is_granted(&asked, APP);
    trial.control_if("and may delete", is_right, asked.short());
    Ok(trial.verdict())
}

/// What a script could read, the network see, another site use, or a sibling host plant.
pub async fn cookie_flags(target: &Target) -> Result<Verdict, Fault> {
    let mut alice = target.stranger();
    let mut trial = Trial::of("a login");
    let answer = alice.log_in(db::ALICE.name, db::ALICE.password).await?;
    let lines: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| name == "set-cookie")
        .collect();
    let mut faults = Vec::new();
    for (_, line) in &lines {
        let attributes = || line.split(';').skip(1).map(str::trim);
        let has = |flag: &str| attributes().any(|each| each.eq_ignore_ascii_case(flag));
        for flag in ["Secure", "HttpOnly", "Path=/"] {
            faults.extend((!has(flag)).then_some(flag));
        }
        let is_strict = has("SameSite=Strict") || has("SameSite=Lax");
        faults.extend((!is_strict).then_some("SameSite"));
        faults.extend((!line.starts_with("__Host-")).then_some("__Host-"));
        let has_domain = attributes().any(|each| each.to_ascii_lowercase().starts_with("domain"));
        faults.extend(has_domain.then_some("own host"));
    }
    faults.sort_unstable();
    faults.dedup();
    trial.gain(!faults.is_empty(), format!("without {}", faults.join(", ")));
    // Of the access token, of the refresh token, and of the device.
    let is_met = lines.len() == 3 && faults.is_empty();
    let came = format!("{} cookies, all flags", lines.len());
    trial.seen("3 cookies, all flags", is_met, came);
    let me = alice.send(Ask::get("/me").by_page()).await?;
    let is_right = me.json()["name"] == db::ALICE.name;
    trial.control_if("they log her in", is_right, me.short());
    Ok(trial.verdict())
}
