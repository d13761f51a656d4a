//! What the service tells of itself, and what a copy of its data does.

use serde_json::json;

use super::super::shop::Fault;
use super::trial::{Refusal, Trial, refusal};
use super::{Answer, Ask, Target, Verdict};

/// Words that only somebody inside knows.
const INTERNALS: [&str; 8] = [
    "SELECT",
    "total_cents",
    "no such column",
    "Sqlite",
    "panicked",
    "index out of bounds",
    ".rs",
    "axum",
];

/// Whether an answer to an error says more than that there was one. That the handler has failed, nothing but the 500 shows.
async fn told(target: &Target, path: &str) -> Result<Verdict, Fault> {
    let mut alice = target.alice().await?;
    let mut trial = Trial::of(format!("GET {path}"));
    let answer = alice.send(Ask::get(path)).await?;
    trial.refused(&answer, refusal(500, "internal_error"));
    let headers = answer.headers.iter().map(|(_, value)| value.as_str());
    let all = headers
        .chain([answer.body.as_str()])
        .collect::<Vec<_>>()
        .join("\n");
    let found: Vec<_> = INTERNALS
        .into_iter()
        .filter(|word| all.contains(word))
        .collect();
    let what = format!("{} {}", answer.short(), found.join(", "));
    trial.gain(!found.is_empty(), what);
    let fine = alice.send(Ask::get("/reports/top/1")).await?;
    let is_right = fine.status == 200 && fine.body == "book\n";
    trial.control_if("a report that works", is_right, fine.short());
    Ok(trial.verdict())
}

/// A query that fails, with the words of the database.
pub async fn error(target: &Target) -> Result<Verdict, Fault> {
    told(target, "/reports/monthly").await
}

/// A handler that panics, with the place in its source.
pub async fn panic(target: &Target) -> Result<Verdict, Fault> {
    told(target, "/reports/top/99").await
}

/// What keeps browsers from sniffing, framing, running and keeping what they should not.
pub async fn headers(target: &Target) -> Result<Verdict, Fault> {
    const WANTED: [(&str, &str); 7] = [
        ("content-security-policy", ""),
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("strict-transport-security", "max-age=63072000"),
        ("referrer-policy", "origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cache-control", "no-store"),
    ];
    const PATHS: [(&str, u16); 4] = [
        ("/orders/44/page", 200),
        ("/orders/44", 200),
        ("/nothing", 404),
        ("/reports/monthly", 500),
    ];
    let mut alice = target.alice().await?;
    let mut trial = Trial::of("a page, JSON, 404, 500");
    let lacks = |answer: &Answer, (name, part): (&str, &str)| {
        !answer
            .header(name)
            .is_some_and(|value| value.contains(part))
    };
    let mut missing = Vec::new();
    for (path, status) in PATHS {
        let answer = alice.send(Ask::get(path).by_page()).await?;
        trial.control_if(path, answer.status == status, answer.short());
        missing.extend(WANTED.into_iter().filter(|wanted| lacks(&answer, *wanted)));
        // The policy of what is no page is another.
        let script = ("content-security-policy", "script-src 'nonce-");
        if path.ends_with("page") && lacks(&answer, script) {
            missing.push(WANTED[0]);
        }
    }
    missing.sort_unstable();
    missing.dedup();
    let names: Vec<_> = missing.iter().map(|(name, _)| *name).collect();
    let what = format!("{} missing: {}", names.len(), names.join(", "));
    trial.gain(!names.is_empty(), what);
    let came = format!("all {} on each", WANTED.len() - names.len());
    trial.seen("all 7 on each", names.is_empty(), came);
    Ok(trial.verdict())
}

/// A copy of the table: where people live, and passwords that can be tried by the billion.
pub async fn stolen_database(target: &Target) -> Result<Verdict, Fault> {
    const ADDRESS: &str = "7 Harbour Lane";
    let mut alice = target.alice().await?;
    let mut trial = Trial::of("SELECT address, password");
    let address = Ask::new("PUT", "/me/address").json(&json!({ "address": ADDRESS }));
    let set = alice.send(address).await?;
    trial.control("she sets her address", &set);
    let me = alice.send(Ask::get("/me")).await?;
    let is_right = me.json()["address"] == ADDRESS;
    trial.control_if("and gets it back", is_right, me.short());

    let query = "SELECT CAST(address AS BLOB), password FROM users WHERE name = 'alice'";
    let (address, password): (Option<Vec<u8>>, String) =
        sqlx::query_as(query).fetch_one(&target.db).await?;
    let address = address.unwrap_or_default();
    let is_plain = address
        .windows(ADDRESS.len())
        .any(|part| part == ADDRESS.as_bytes());
    let start = password.get(..8).unwrap_or("");
    trial.gain(is_plain, ADDRESS);
    trial.gain(!password.starts_with("$argon2id$"), format!("{start}.."));
    // A nonce and a tag stand beside the text.
    let is_met = address.len() > ADDRESS.len() + 16;
    let came = format!("{} bytes, {start}..", address.len());
    trial.seen("ciphertext, argon2id", is_met, came);
    Ok(trial.verdict())
}

/// A request in the clear: whoever sits between reads the order, and the token with it.
pub async fn plain_http(target: &Target) -> Result<Verdict, Fault> {
    const TO: Refusal = Refusal::status(308).with("location", "https://shop.example/orders/44");
    let mut alice = target.alice().await?;
    let mut trial = Trial::of("GET over plain HTTP");
    let answer = alice.send(Ask::get("/orders/44").plain()).await?;
    trial.refused(&answer, TO);
    let has_order = |answer: &Answer| answer.body.contains("\"book\"");
    trial.gain(has_order(&answer), "200 the order, in the clear");
    let over_tls = alice.send(Ask::get("/orders/44")).await?;
    trial.control_if("over TLS", has_order(&over_tls), over_tls.short());
    Ok(trial.verdict())
}
