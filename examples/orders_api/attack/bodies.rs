//! Bodies that mean harm by their shape, their size and their pace.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::super::shop::Fault;
use super::client::{Answer, parse};
use super::trial::{Trial, refusal};
use super::{Ask, Client, PATIENCE, Target, Verdict};

/// For how long a client that trickles may hold a connection here.
const TOO_LONG: Duration = Duration::from_secs(4);

/// How many orders have this among their options.
async fn count_options(target: &Target, part: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM orders WHERE instr(options, ?) > 0")
        .bind(part)
        .fetch_one(&target.db)
        .await
}

async fn order(client: &mut Client, body: impl Into<Vec<u8>>) -> std::io::Result<Answer> {
    let ask = Ask::new("POST", "/orders").raw_json(body);
    client.send(ask).await
}

/// A lamp with such an option.
fn with_option(option: &str) -> String {
    format!("{{\"goods\":\"lamp\",\"quantity\":1,\"options\":{option}}}")
}

/// A document that breaks whatever reads it next, and one that is as deep as it is long.
pub async fn deep_json(target: &Target) -> Result<Verdict, Fault> {
    const DEPTH: usize = 100;
    let mut alice = target.alice().await?;
    let mut trial = Trial::of("options with 100 and 100000 times [");
    let nested = |depth| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        with_option(&format!("{{\"a\":{open}1{close}}}"))
    };
    for depth in [DEPTH, 100_000] {
        let answer = order(&mut alice, nested(depth)).await?;
        trial.refused(&answer, refusal(400, "json_depth"));
    }
    let is_stored = count_options(target, &"[".repeat(DEPTH)).await? > 0;
    trial.gain(is_stored, "201, stored");
    trial.control("8 times [", &order(&mut alice, nested(8)).await?);
    Ok(trial.verdict())
}

/// One quantity for who checks, another for who ships.
pub async fn duplicate_key(target: &Target) -> Result<Verdict, Fault> {
    let mut alice = target.alice().await?;
    let mut trial = Trial::of("\"quantity\":1,\"quantity\":1000000");
    let body = r#"{"goods":"lamp","quantity":1,"quantity":1000000}"#;
    let answer = order(&mut alice, body).await?;
    trial.refused(&answer, refusal(400, "json_duplicate_key"));
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM orders WHERE quantity > 10")
        .fetch_one(&target.db)
        .await?;
    trial.gain(rows > 0, "201, stored");
    let once = r#"{"goods":"lamp","quantity":1}"#;
    trial.control("one quantity", &order(&mut alice, once).await?);
    Ok(trial.verdict())
}

/// What gives every object of a JavaScript program another property, once it is merged.
pub async fn proto_key(target: &Target) -> Result<Verdict, Fault> {
    let mut alice = target.alice().await?;
    let mut trial = Trial::of("\"options\":{\"__proto__\":..}");
    for key in ["__proto__", r"\u005f_proto__"] {
        let option = format!("{{\"{key}\":{{\"admin\":true}}}}");
        let answer = order(&mut alice, with_option(&option)).await?;
        trial.refused(&answer, refusal(400, "json_proto_key"));
    }
    let is_stored = count_options(target, "__proto__").await? > 0;
    trial.gain(is_stored, "201, stored");
    let usual = with_option(r#"{"proto":{"admin":true}}"#);
    trial.control("another key", &order(&mut alice, usual).await?);
    Ok(trial.verdict())
}

/// Nine thousand tags, each of which a parser opens again in every cell: for the server that cleans it, or for whoever opens the page.
pub async fn html_bomb(target: &Target) -> Result<Verdict, Fault> {
    let mut alice = target.alice().await?;
    let mut trial = Trial::of("a note of 9000 nested tags");
    let body = |note: String| json!({ "goods": "lamp", "quantity": 1, "note": note }).to_string();
    let shown = async |alice: &mut Client, made: &Value, tags: &str| -> Result<usize, Fault> {
        let path = format!("/orders/{}/page", made["id"].as_i64().unwrap_or(0));
        let page = alice.send(Ask::get(path).by_page()).await?;
        Ok(page.body.matches(tags).count())
    };
    let bomb = format!("<table>{}", "<b><i><a href=x>".repeat(3_000));
    let begun = Instant::now();
    let made = order(&mut alice, body(bomb)).await?;
    let took = begun.elapsed();
    trial.refused(&made, refusal(422, "unprocessable_content"));
    let is_shown = shown(&mut alice, &made.json(), "<i>").await? > 1_000;
    trial.gain(is_shown, "201, shown to whoever looks");
    let is_slow = took > Duration::from_secs(2);
    trial.gain(is_slow, format!("{} after {took:?}", made.short()));

    // It is the tags that are refused, not the length.
    let long = format!("{}{}", "<b>x</b>".repeat(200), "long ".repeat(9_000));
    let made = order(&mut alice, body(long)).await?;
    let count = shown(&mut alice, &made.json(), "<b>x</b>").await?;
    let came = format!("{} with {count} tags", made.short());
    trial.control_if("as long, 200 tags", count == 200, came);
    Ok(trial.verdict())
}

/// Eight megabytes for a note, with a length and without one.
pub async fn oversized(target: &Target) -> Result<Verdict, Fault> {
    const MEGABYTES: usize = 8;
    /// How often a connection may be cut before the answer to it is read.
    const TRIES: usize = 5;
    let mut alice = target.alice().await?;
    let mut trial = Trial::of("a note of 8 MiB, also in chunks");
    let order = json!({ "goods": "lamp", "quantity": 1, "note": "a".repeat(MEGABYTES << 20) });
    let ask = || Ask::new("POST", "/orders").json(&order);
    for is_chunked in [false, true] {
        let ask = || if is_chunked { ask().chunked() } else { ask() };
        let mut answer = alice.send_whatever_comes(ask()).await?;
        for _ in 1..TRIES {
            if answer.status == 0 {
                answer = alice.send_whatever_comes(ask()).await?;
            }
        }
        trial.refused(&answer, refusal(413, "body_too_large"));
    }
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM orders WHERE length(note) > 1000000")
        .fetch_one(&target.db)
        .await?;
    trial.gain(rows > 0, format!("201, stored {rows} times"));
    // Nobody else is to read it.
    sqlx::query("DELETE FROM orders WHERE length(note) > 1000000")
        .execute(&target.db)
        .await?;
    let order = json!({ "goods": "lamp", "quantity": 1, "note": "a".repeat(32 << 10) });
    let ask = || Ask::new("POST", "/orders").json(&order);
    trial.control("a note of 32 KiB", &alice.send(ask()).await?);
    trial.control("and in chunks", &alice.send(ask().chunked()).await?);
    Ok(trial.verdict())
}

/// A byte now and then: each such client holds a connection and its memory.
pub async fn slow(target: &Target) -> Result<Verdict, Fault> {
    const LENGTH: usize = 1_000;
    let mut alice = target.alice().await?;
    let mut trial = Trial::of("10 bytes a second of 1000");
    let ask = Ask::new("POST", "/orders").raw_json("");
    let mut stream = alice.connect().await?;
    let head = alice.head(&ask, LENGTH);
    stream.write_all(head.as_bytes()).await?;
    let (mut reader, mut writer) = stream.into_split();
    let begun = Instant::now();
    let trickle = tokio::spawn(async move {
        while writer.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let mut came = [0; 4096];
    let heard = tokio::time::timeout(TOO_LONG, reader.read(&mut came)).await;
    trickle.abort();
    let took = begun.elapsed();
    let too_slow = refusal(408, "body_too_slow");
    let seconds = format!("after {:.1} s", took.as_secs_f32());
    match heard {
        Err(_) => {
            trial.gain(true, format!("it waits, {seconds}"));
            trial.seen(&too_slow.to_string(), false, "nothing");
        }
        Ok(count) => {
            let answer = parse(&came[..count.unwrap_or(0)]);
            // Before its time is over it is refused for something else.
            let is_met = too_slow.is_met_by(&answer) && took >= PATIENCE.mul_f32(0.9);
            let came = format!("{} {seconds}", answer.short());
            trial.seen(&too_slow.to_string(), is_met, came);
        }
    }
    let whole = format!("{:<LENGTH$}", r#"{"goods":"lamp","quantity":1}"#);
    trial.control("1000 bytes at once", &order(&mut alice, whole).await?);
    Ok(trial.verdict())
}
