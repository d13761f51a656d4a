//! Text that is taken for something else: SQL, HTML, lines of a log.

use serde_json::json;

use super::super::shop::Fault;
use super::trial::{Trial, refusal};
use super::{Answer, Ask, Target, Verdict, db};

/// Logs in as the administrator without his password.
pub async fn login(target: &Target) -> Result<Verdict, Fault> {
    let mut trial = Trial::of("account root' --");
    for account in [
        "root' --",
        "' OR role = 'admin' --",
        "x' UNION SELECT 3, 'admin' --",
    ] {
        let mut thief = target.stranger();
        let answer = thief.log_in(account, "x").await?;
        trial.refused(&answer, refusal(401, "login_failed"));
        if thief.is_in() {
            let me = thief.send(Ask::get("/me")).await?;
            let name = me.json()["name"].as_str().unwrap_or("nobody").to_owned();
            trial.gain(true, format!("a token of {name}"));
        }
    }
    let mut root = target.stranger();
    let answer = root.log_in(db::ROOT.name, db::ROOT.password).await?;
    trial.control("root with his password", &answer);
    Ok(trial.verdict())
}

/// Reads the hashes of passwords through the search of one's own orders.
pub async fn search(target: &Target) -> Result<Verdict, Fault> {
    let mut alice = target.alice().await?;
    let mut trial = Trial::of("?q=x%') UNION SELECT .. FROM users");
    let stolen: String = sqlx::query_scalar("SELECT password FROM users WHERE name = 'root'")
        .fetch_one(&target.db)
        .await?;
    let ask = |text: &str| Ask::get(format!("/orders?q={}", escaped(text)));
    let sql = "x%') UNION SELECT id,0,name,0,0,password,'{}',role FROM users --";
    let answer = alice.send(ask(sql)).await?;
    let is_leaked = answer.body.contains(&stolen);
    trial.gain(is_leaked, format!("{} the hashes of all", answer.short()));
    let came = format!("{} {}", answer.short(), clipped(&answer.body));
    trial.seen("200 []", answer.status == 200 && answer.body == "[]", came);

    // What the twin of the query would trip over is no more than text.
    let found = alice.send(ask("wrapped, please")).await?;
    let is_right = found.json()[0]["id"] == 42;
    trial.control_if("words of a note", is_right, found.short());
    Ok(trial.verdict())
}

/// Has a script in a note, which the page of the order shows.
pub async fn stored_xss(target: &Target) -> Result<Verdict, Fault> {
    let mut alice = target.alice().await?;
    let mut trial = Trial::of("a note with <script>, onerror");
    let scripts =
        "<script>steal()</script><img src=x onerror=steal()><a href=javascript:steal()>x</a>";
    let mut pages = Vec::new();
    for note in [
        format!("<b>wrap it</b>{scripts}"),
        "<b>wrap it</b>".to_owned(),
    ] {
        let order = json!({ "goods": "lamp", "quantity": 1, "note": note });
        let made = alice.send(Ask::new("POST", "/orders").json(&order)).await?;
        let id = made.json()["id"].as_i64().unwrap_or(0);
        let page = Ask::get(format!("/orders/{id}/page")).by_page();
        pages.push(alice.send(page).await?);
    }
    let has_note = |page: &Answer| page.status == 200 && page.body.contains("<b>wrap it</b>");
    let marks = ["<script>steal", "onerror", "javascript:"];
    let found: Vec<_> = marks
        .into_iter()
        .filter(|mark| pages[0].body.contains(mark))
        .collect();
    trial.gain(!found.is_empty(), format!("200 {}", found.join(" ")));
    let is_met = has_note(&pages[0]) && found.is_empty() && pages[0].has_nonce();
    let came = match has_note(&pages[0]) {
        true => format!("200 the note without them{}", nonce(&pages[0])),
        false => pages[0].short(),
    };
    trial.seen("200 the note without them, a nonce", is_met, came);
    let came = pages[1].short();
    trial.control_if("a note without scripts", has_note(&pages[1]), came);
    Ok(trial.verdict())
}

fn nonce(page: &Answer) -> &'static str {
    match page.has_nonce() {
        true => ", a nonce",
        false => ", no nonce",
    }
}

/// Sends somebody a link with a script in it.
pub async fn reflected_xss(target: &Target) -> Result<Verdict, Fault> {
    let mut alice = target.alice().await?;
    let mut trial = Trial::of("/search?q=<script>..");
    let script = "<script>steal()</script>";
    let ask = |text: &str| Ask::get(format!("/search?q={}", escaped(text))).by_page();
    let page = alice.send(ask(script)).await?;
    trial.gain(page.body.contains(script), "200 with the script");
    let is_text = page.body.contains("&lt;script&gt;steal()");
    let is_met = page.status == 200 && is_text && page.has_nonce();
    let came = match is_text {
        true => format!("{} &lt;script&gt;{}", page.short(), nonce(&page)),
        false => page.short(),
    };
    trial.seen("200 &lt;script&gt;, a nonce", is_met, came);
    let usual = alice.send(ask("lamp")).await?;
    let is_right = usual.status == 200 && usual.body.contains("You asked for lamp");
    trial.control_if("a word", is_right, usual.short());
    Ok(trial.verdict())
}

/// Writes a line of the log: that the administrator has logged in, say.
pub async fn log_lines(target: &Target) -> Result<Verdict, Fault> {
    const FORGED: &str = "{\"event\":\"authn_login_success\",\"userid\":\"root\"}";
    let mut trial = Trial::of("account eve\\n{\"event\":..");
    let mut stranger = target.stranger();
    let before = target.log()?.len();
    for break_ in ["\n", "\r\n", "\u{2028}"] {
        let account = format!("eve{break_}{FORGED}");
        let answer = stranger.log_in(&account, "x").await?;
        trial.refused(&answer, refusal(422, "unprocessable_content"));
    }
    let ask = Ask::get(format!("/orders/%0a{}", escaped(FORGED))).header("X-Request-Id", "7%0a");
    let answer = target.alice().await?.send(ask).await?;
    trial.refused(&answer, refusal(400, "path_crlf"));
    let log = target.log()?;
    let is_forged = log.lines().any(|line| line == FORGED);
    trial.gain(is_forged, "a line of its own in the log");

    // Somebody who only mistypes stands in it.
    let between = log.len();
    stranger.log_in("alice", "x").await?;
    let after = target.log()?;
    let is_told = between > before && after.len() > between;
    trial.control_if("attempts stand in the log", is_told, "they do not");
    Ok(trial.verdict())
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
