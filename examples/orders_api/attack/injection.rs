//! Text that is taken for something else: SQL, HTML, lines of a log.

use serde_json::json;

use super::{Ask, Target, Verdict, short};

use super::super::shop::Fault;

/// Logs in as the administrator without his password.
pub async fn login(target: &Target) -> Result<Verdict, Fault> {
    let mut answers = Vec::new();
    let mut got_in = None;
    for account in [
        "root' --",
        "' OR role = 'admin' --",
        "x' UNION SELECT 3, 'admin' --",
    ] {
        let mut thief = target.stranger();
        answers.push(thief.log_in(account, "x").await?);
        if thief.is_in() {
            let me = thief.send(Ask::get("/me")).await?;
            got_in = me.json()["name"].as_str().map(str::to_owned);
        }
    }
    let is_root = got_in.as_deref() == Some("root");
    let came = if is_root {
        "a token of root".to_owned()
    } else {
        short(&answers)
    };
    Ok(Verdict::new(is_root, "account root' --", came))
}

/// Reads the hashes of passwords through the search of one's own orders.
pub async fn search(target: &Target) -> Result<Verdict, Fault> {
    let mut alice = target.alice().await?;
    let stolen: String = sqlx::query_scalar("SELECT password FROM users WHERE name = 'root'")
        .fetch_one(&target.db)
        .await?;
    let sql = "x%') UNION SELECT id,0,name,0,0,password,'{}',role FROM users --";
    let answer = alice
        .send(Ask::get(format!("/orders?q={}", escaped(sql))))
        .await?;
    let is_leaked = answer.body.contains(&stolen);
    let came = match is_leaked {
        true => format!("{} the hashes of all", answer.short()),
        false => format!("{} {}", answer.short(), clipped(&answer.body)),
    };
    Ok(Verdict::new(
        is_leaked,
        "?q=x%') UNION SELECT .. FROM users",
        came,
    ))
}

/// Has a script in a note, which the page of the order shows.
pub async fn stored_xss(target: &Target) -> Result<Verdict, Fault> {
    let mut alice = target.alice().await?;
    let note = "<b>wrap it</b><script>steal()</script><img src=x onerror=steal()><a href=javascript:steal()>x</a>";
    let order = json!({ "goods": "lamp", "quantity": 1, "note": note });
    let made = alice.send(Ask::new("POST", "/orders").json(&order)).await?;
    let id = made.json()["id"].as_i64().unwrap_or(0);
    let page = alice
        .send(Ask::get(format!("/orders/{id}/page")).by_page())
        .await?;
    let has_note = page.body.contains("<b>wrap it</b>");
    let marks = ["<script>steal", "onerror", "javascript:"];
    let found: Vec<_> = marks
        .into_iter()
        .filter(|mark| page.body.contains(mark))
        .collect();
    if page.status == 200 && !has_note && found.is_empty() {
        return Err("the page does not show the note".into());
    }
    let came = match found.is_empty() {
        true => format!("{} the note without scripts", page.short()),
        false => format!("{} {}", page.short(), found.join(" ")),
    };
    Ok(Verdict::new(
        !found.is_empty(),
        "a note with <script>, onerror",
        came,
    ))
}

/// Sends somebody a link with a script in it.
pub async fn reflected_xss(target: &Target) -> Result<Verdict, Fault> {
    let mut alice = target.alice().await?;
    let script = "<script>steal()</script>";
    let page = alice
        .send(Ask::get(format!("/search?q={}", escaped(script))).by_page())
        .await?;
    let is_there = page.body.contains(script);
    let came = match is_there {
        true => format!("{} with the script", page.short()),
        false if page.body.contains("&lt;script&gt;") => format!("{} &lt;script&gt;", page.short()),
        false => page.short(),
    };
    Ok(Verdict::new(is_there, "/search?q=<script>..", came))
}

/// Writes a line of the log: that the administrator has logged in, say.
pub async fn log_lines(target: &Target) -> Result<Verdict, Fault> {
    const FORGED: &str = "{\"event\":\"authn_login_success\",\"userid\":\"root\"}";
    let before = target.log()?.len();
    let mut stranger = target.stranger();
    let mut answers = Vec::new();
    for break_ in ["\n", "\r\n", "\u{2028}"] {
        answers.push(
            stranger
                .log_in(&format!("eve{break_}{FORGED}"), "x")
                .await?,
        );
    }
    let ask = Ask::get(format!("/orders/%0a{}", escaped(FORGED))).header("X-Request-Id", "7%0a");
    answers.push(stranger.send(ask).await?);
    let log = target.log()?;
    let is_forged = log.lines().any(|line| line == FORGED);
    if log.len() == before {
        return Err("the attempts are not in the log at all".into());
    }
    let came = match is_forged {
        true => "a line of its own in the log".to_owned(),
        false => format!("told in lines of its own; {}", short(&answers)),
    };
    Ok(Verdict::new(is_forged, "account eve\\n{\"event\":..", came))
}

/// As it stands in a target.
pub fn escaped(text: &str) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    text.bytes()
        .map(|byte| match is_plain(&byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

fn clipped(text: &str) -> String {
    text.chars().take(12).collect()
}
