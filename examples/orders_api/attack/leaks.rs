//! What the service tells of itself, and what a copy of its data does.

use serde_json::json;

use super::super::shop::Fault;
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

fn told(answer: &Answer, sent: &str) -> Verdict {
    let headers = answer.headers.iter().map(|(_, value)| value.as_str());
    let all = headers
        .chain([answer.body.as_str()])
        .collect::<Vec<_>>()
        .join("\n");
    let found: Vec<_> = INTERNALS
        .into_iter()
        .filter(|word| all.contains(word))
        .collect();
    let came = match found.is_empty() {
        true => answer.short(),
        false => format!("{} {}", answer.short(), found.join(", ")),
    };
    Verdict::new(!found.is_empty(), sent, came)
}

/// A query that fails, with the words of the database.
pub async fn error(target: &Target) -> Result<Verdict, Fault> {
    let mut alice = target.alice().await?;
    let answer = alice.send(Ask::get("/reports/monthly")).await?;
    expect_500(&answer)?;
    Ok(told(&answer, "GET /reports/monthly"))
}

/// A handler that panics, with the place in its source.
pub async fn panic(target: &Target) -> Result<Verdict, Fault> {
    let mut alice = target.alice().await?;
    let answer = alice.send(Ask::get("/reports/top/99")).await?;
    expect_500(&answer)?;
    Ok(told(&answer, "GET /reports/top/99"))
}

fn expect_500(answer: &Answer) -> Result<(), Fault> {
    match answer.status {
        500 => Ok(()),
        _ => Err(format!("it did not fail: {}", answer.short()).into()),
    }
}

/// What keeps browsers from sniffing, framing, running and keeping what they should not.
pub async fn headers(target: &Target) -> Result<Verdict, Fault> {
    const WANTED: [(&str, &str); 7] = [
        ("content-security-policy", "script-src"),
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("strict-transport-security", "max-age=63072000"),
        ("referrer-policy", "origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cache-control", "no-store"),
    ];
    let mut alice = target.alice().await?;
    let mut missing = Vec::new();
    for path in [
        "/orders/44/page",
        "/orders/44",
        "/nothing",
        "/reports/monthly",
    ] {
        let answer = alice.send(Ask::get(path).by_page()).await?;
        for (name, part) in WANTED {
            // The policy of what is no page is another.
            let part = if name == "content-security-policy" && !path.ends_with("page") {
                ""
            } else {
                part
            };
            if !answer
                .header(name)
                .is_some_and(|value| value.contains(part))
                && !missing.contains(&name)
            {
                missing.push(name);
            }
        }
    }
    let came = match missing.is_empty() {
        true => format!("all {} on each", WANTED.len()),
        false => format!("{} missing: {}", missing.len(), missing.join(", ")),
    };
    Ok(Verdict::new(
        !missing.is_empty(),
        "a page, JSON, 404, 500",
        came,
    ))
}

/// A copy of the table: where people live, and passwords that can be tried by the billion.
pub async fn stolen_database(target: &Target) -> Result<Verdict, Fault> {
    const ADDRESS: &str = "7 Harbour Lane";
    let mut alice = target.alice().await?;
    let address = Ask::new("PUT", "/me/address").json(&json!({ "address": ADDRESS }));
    let set = alice.send(address).await?;
    let me = alice.send(Ask::get("/me")).await?;
    if me.json()["address"] != ADDRESS {
        return Err(format!(
            "alice does not get her address back: {}, {}",
            set.short(),
            me.short()
        )
        .into());
    }
    let query = "SELECT CAST(address AS BLOB), password FROM users WHERE name = 'alice'";
    let (address, password): (Vec<u8>, String) =
        sqlx::query_as(query).fetch_one(&target.db).await?;
    let is_plain = address
        .windows(ADDRESS.len())
        .any(|part| part == ADDRESS.as_bytes());
    let is_fast = !password.starts_with("$argon2id$");
    let came = match (is_plain, is_fast) {
        (false, false) => "ciphertext, argon2id".to_owned(),
        _ => format!(
            "{}, {}..",
            String::from_utf8_lossy(&address),
            password.get(..8).unwrap_or("")
        ),
    };
    Ok(Verdict::new(
        is_plain || is_fast,
        "SELECT address, password",
        came,
    ))
}

/// A request in the clear: whoever sits between reads the order, and the token with it.
pub async fn plain_http(target: &Target) -> Result<Verdict, Fault> {
    let mut alice = target.alice().await?;
    let answer = alice.send(Ask::get("/orders/44").plain()).await?;
    let is_served = answer.body.contains("\"book\"");
    let came = match (is_served, answer.header("location")) {
        (true, _) => format!("{} the order, in the clear", answer.short()),
        (false, Some(to)) => format!("{} to {to}", answer.short()),
        (false, None) => answer.short(),
    };
    Ok(Verdict::new(is_served, "GET over plain HTTP", came))
}
