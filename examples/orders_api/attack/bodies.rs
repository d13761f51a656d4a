//! Bodies that mean harm by their shape, their size and their pace.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::super::shop::Fault;
use super::{Answer, Ask, Target, Verdict, short};

/// For how long a client that trickles may hold a connection here.
const TOO_LONG: Duration = Duration::from_secs(4);

/// How many orders have this among their options.
async fn count_options(target: &Target, part: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM orders WHERE instr(options, ?) > 0")
        .bind(part)
        .fetch_one(&target.db)
        .await
}

/// A document that breaks whatever reads it next, and one that is as deep as it is long.
pub async fn deep_json(target: &Target) -> Result<Verdict, Fault> {
    const DEPTH: usize = 100;
    let mut alice = target.alice().await?;
    let mut answers = Vec::new();
    for depth in [DEPTH, 100_000] {
        let deep = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let body = format!("{{\"goods\":\"lamp\",\"quantity\":1,\"options\":{{\"a\":{deep}}}}}");
        answers.push(
            alice
                .send(Ask::new("POST", "/orders").raw_json(body))
                .await?,
        );
    }
    let is_stored = count_options(target, &"[".repeat(DEPTH)).await? > 0;
    let sent = "options with 100 and 100000 times [";
    Ok(stored(is_stored, sent, &answers[0]))
}

fn stored(is_stored: bool, sent: &str, answer: &Answer) -> Verdict {
    let came = match is_stored {
        true => format!("{}, stored", answer.short()),
        false => answer.short(),
    };
    Verdict::new(is_stored, sent, came)
}

/// One quantity for who checks, another for who ships.
pub async fn duplicate_key(target: &Target) -> Result<Verdict, Fault> {
    let mut alice = target.alice().await?;
    let body = r#"{"goods":"lamp","quantity":1,"quantity":1000000}"#;
    let answer = alice
        .send(Ask::new("POST", "/orders").raw_json(body))
        .await?;
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM orders WHERE quantity > 10")
        .fetch_one(&target.db)
        .await?;
    Ok(stored(
        rows > 0,
        "\"quantity\":1,\"quantity\":1000000",
        &answer,
    ))
}

/// What gives every object of a JavaScript program another property, once it is merged.
pub async fn proto_key(target: &Target) -> Result<Verdict, Fault> {
    let mut alice = target.alice().await?;
    let body = r#"{"goods":"lamp","quantity":1,"options":{"__proto__":{"admin":true}}}"#;
    let answer = alice
        .send(Ask::new("POST", "/orders").raw_json(body))
        .await?;
    let is_stored = count_options(target, "__proto__").await? > 0;
    Ok(stored(is_stored, "\"options\":{\"__proto__\":..}", &answer))
}

/// Nine thousand tags, each of which a parser opens again in every cell: for the server that cleans it, or for whoever opens the page.
pub async fn html_bomb(target: &Target) -> Result<Verdict, Fault> {
    let mut alice = target.alice().await?;
    let bomb = format!("<table>{}", "<b><i><a href=x>".repeat(3_000));
    let order = json!({ "goods": "lamp", "quantity": 1, "note": bomb });
    let begun = Instant::now();
    let made = alice.send(Ask::new("POST", "/orders").json(&order)).await?;
    let is_slow = begun.elapsed() > Duration::from_secs(2);
    let id = made.json()["id"].as_i64().unwrap_or(0);
    let page = alice
        .send(Ask::get(format!("/orders/{id}/page")).by_page())
        .await?;
    let is_shown = page.body.matches("<i>").count() > 1_000;
    let came = match (is_shown, is_slow) {
        (true, _) => format!("{}, shown to whoever looks", made.short()),
        (false, true) => format!("{} after {:?}", made.short(), begun.elapsed()),
        (false, false) => made.short(),
    };
    Ok(Verdict::new(
        is_shown || is_slow,
        "a note of 9000 nested tags",
        came,
    ))
}

/// Eight megabytes for a note, with a length and without one.
pub async fn oversized(target: &Target) -> Result<Verdict, Fault> {
    const MEGABYTES: usize = 8;
    let mut alice = target.alice().await?;
    let order = json!({ "goods": "lamp", "quantity": 1, "note": "a".repeat(MEGABYTES << 20) });
    let ask = || Ask::new("POST", "/orders").json(&order);
    let answers = [
        alice.send_whatever_comes(ask()).await?,
        alice.send_whatever_comes(ask().chunked()).await?,
    ];
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM orders WHERE length(note) > 1000000")
        .fetch_one(&target.db)
        .await?;
    // Nobody else is to read it.
    sqlx::query("DELETE FROM orders WHERE length(note) > 1000000")
        .execute(&target.db)
        .await?;
    let came = match rows {
        0 => short(&answers),
        _ => format!("{}, stored {rows} times", short(&answers)),
    };
    Ok(Verdict::new(
        rows > 0,
        "a note of 8 MiB, also in chunks",
        came,
    ))
}

/// A byte now and then: each such client holds a connection and its memory.
pub async fn slow(target: &Target) -> Result<Verdict, Fault> {
    let alice = target.alice().await?;
    let ask = Ask::new("POST", "/orders").raw_json("");
    let mut stream = alice.connect().await?;
    stream.write_all(alice.head(&ask, 1_000).as_bytes()).await?;
    let (mut reader, mut writer) = stream.into_split();
    let begun = Instant::now();
    let trickle = tokio::spawn(async move {
        while writer.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let mut came = [0; 1024];
    let heard = tokio::time::timeout(TOO_LONG, reader.read(&mut came)).await;
    trickle.abort();
    let took = begun.elapsed();
    let came = match heard {
        Err(_) => format!("it waits, after {:.1} s", took.as_secs_f32()),
        Ok(count) => {
            let text = String::from_utf8_lossy(&came[..count.unwrap_or(0)]).into_owned();
            let status = text.get(9..12).unwrap_or("closed").to_owned();
            format!("{status} after {:.1} s", took.as_secs_f32())
        }
    };
    Ok(Verdict::new(
        heard_nothing(took),
        "10 bytes a second of 1000",
        came,
    ))
}

fn heard_nothing(took: Duration) -> bool {
    took >= TOO_LONG
}
