//! Pages of other sites, which have the browser of a user do and read things.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::super::shop::Fault;
use super::{Answer, Ask, Client, Target, Verdict, db};

const EVIL: &str = "https://evil.example";

async fn status_of(target: &Target, id: i64) -> sqlx::Result<Option<String>> {
    let status = sqlx::query_scalar("SELECT status FROM orders WHERE id = ?").bind(id);
    status.fetch_optional(&target.db).await
}

/// A form of another site pays with alice's cookie.
pub async fn post(target: &Target) -> Result<Verdict, Fault> {
    let mut alice = target.alice().await?;
    let ask = Ask::new("POST", "/orders/42/pay").by_other_site(EVIL);
    let answer = alice.send(ask).await?;
    let is_paid = status_of(target, 42).await?.as_deref() == Some("paid");
    let came = match is_paid {
        true => format!("{}, and it is paid", answer.short()),
        false => answer.short(),
    };
    Ok(Verdict::new(
        is_paid,
        "POST /orders/42/pay, her cookie",
        came,
    ))
}

/// A page of another site opens a socket with alice's cookie, and reads.
pub async fn socket(target: &Target) -> Result<Verdict, Fault> {
    let alice = target.alice().await?;
    let ask = Ask::get("/orders/42/live").by_other_site(EVIL).handshake();
    let came = heard(&alice, &ask).await?;
    let is_open = came.starts_with("HTTP/1.1 101");
    let is_read = is_open && came.contains("\"goods\":\"lamp\"");
    let status = came.get(9..12).unwrap_or("closed").to_owned();
    let came = if is_read {
        format!("{status}, then her order")
    } else {
        status
    };
    Ok(Verdict::new(is_read, "handshake of evil.example", came))
}

/// What comes over a connection until it ends, or nothing more comes for a while.
pub async fn heard(client: &Client, ask: &Ask) -> Result<String, Fault> {
    let mut stream = client.connect().await?;
    stream.write_all(client.head(ask, 0).as_bytes()).await?;
    let (mut all, mut part) = (Vec::new(), [0; 1024]);
    while let Ok(Ok(count @ 1..)) =
        timeout(Duration::from_millis(300), stream.read(&mut part)).await
    {
        all.extend_from_slice(&part[..count]);
    }
    Ok(String::from_utf8_lossy(&all).into_owned())
}

pub async fn foreign_origin(target: &Target) -> Result<Verdict, Fault> {
    reads(target, EVIL).await
}

pub async fn null_origin(target: &Target) -> Result<Verdict, Fault> {
    reads(target, "null").await
}

/// Whether the browser would hand alice's order to a page of this origin.
async fn reads(target: &Target, origin: &str) -> Result<Verdict, Fault> {
    let mut alice = target.alice().await?;
    let answer = alice
        .send(Ask::get("/orders/42").by_other_site(origin))
        .await?;
    let granted = |answer: &Answer| {
        answer.header("access-control-allow-origin") == Some(origin)
            && answer.header("access-control-allow-credentials") == Some("true")
    };
    let is_read = answer.is_success() && granted(&answer);
    let preflight = Ask::new("OPTIONS", "/orders/42")
        .header("Origin", origin)
        .header("Access-Control-Request-Method", "DELETE");
    let preflight = target.stranger().send(preflight).await?;
    let came = match is_read || granted(&preflight) {
        true => format!("{}, allow-origin: {origin}", answer.short()),
        false => format!("no allow-origin; preflight {}", preflight.short()),
    };
    let got_through = is_read || granted(&preflight);
    Ok(Verdict::new(
        got_through,
        format!("Origin: {origin}, her cookie"),
        came,
    ))
}

/// What a script could read, the network see, another site use, or a sibling host plant.
pub async fn cookie_flags(target: &Target) -> Result<Verdict, Fault> {
    let mut alice = target.stranger();
    let answer = alice.log_in(db::ALICE.name, db::ALICE.password).await?;
    let lines: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| name == "set-cookie")
        .collect();
    if lines.is_empty() {
        return Err("a login sets no cookie".into());
    }
    let lacks = |line: &str, flag: &str| {
        let mut attributes = line.split(';').skip(1).map(str::trim);
        !attributes.any(|attribute| attribute.eq_ignore_ascii_case(flag))
    };
    let mut faults = Vec::new();
    for (_, line) in &lines {
        for flag in ["Secure", "HttpOnly", "Path=/"] {
            faults.extend(lacks(line, flag).then_some(flag));
        }
        let is_lax = lacks(line, "SameSite=Strict") && lacks(line, "SameSite=Lax");
        faults.extend(is_lax.then_some("SameSite"));
        faults.extend((!line.starts_with("__Host-")).then_some("__Host-"));
    }
    faults.sort_unstable();
    faults.dedup();
    let came = match faults.is_empty() {
        true => format!("{} cookies, all flags", lines.len()),
        false => format!("without {}", faults.join(", ")),
    };
    Ok(Verdict::new(!faults.is_empty(), "a login", came))
}
