//! What an ordinary user does, who must notice nothing of all this.

use serde_json::json;

use super::super::shop::Fault;
use super::{Ask, Target, Verdict, db};

/// Logs in, orders, reads, searches, changes, pays, listens, cancels, renews the token and logs out.
pub async fn run(target: &Target) -> Result<Verdict, Fault> {
    let mut steps = Vec::new();
    let mut step = |name: &'static str, is_right: bool| steps.push((name, is_right));

    let mut bob = target.bob().await?;
    step("log in", bob.is_in());
    let order = json!({ "goods": "lamp", "quantity": 2, "note": "for <b>O'Brien</b>", "options": { "color": "red" } });
    let made = bob.send(Ask::new("POST", "/orders").json(&order)).await?;
    let id = made.json()["id"].as_i64().unwrap_or(0);
    step(
        "order",
        made.status == 201 && made.json()["owner"] == db::BOB.id && made.json()["quantity"] == 2,
    );

    let read = bob.send(Ask::get(format!("/orders/{id}"))).await?;
    step(
        "read",
        read.json()["note"] == "for <b>O'Brien</b>" && read.json()["options"]["color"] == "red",
    );
    let found = bob.send(Ask::get("/orders?q=lamp")).await?;
    step(
        "search",
        found.body.contains("O'Brien") && !found.body.contains("wrapped, please"),
    );
    let page = bob
        .send(Ask::get(format!("/orders/{id}/page")).by_page())
        .await?;
    step(
        "page",
        page.status == 200 && page.body.contains("<b>O'Brien</b>"),
    );

    let change =
        Ask::new("PATCH", format!("/orders/{id}")).json(&json!({ "note": "<i>no</i> hurry" }));
    let changed = bob.send(change).await?;
    step("update", changed.json()["note"] == "<i>no</i> hurry");
    let cancelled = bob
        .send(Ask::new("DELETE", format!("/orders/{id}")))
        .await?;
    let gone = bob.send(Ask::get(format!("/orders/{id}"))).await?;
    step("cancel", cancelled.status == 204 && gone.status == 404);

    let made = bob
        .send(Ask::new("POST", "/orders").json(&json!({ "goods": "book", "quantity": 1 })))
        .await?;
    let id = made.json()["id"].as_i64().unwrap_or(0);
    let paid = bob
        .send(Ask::new("POST", format!("/orders/{id}/pay")).by_page())
        .await?;
    step("pay on a page", paid.json()["status"] == "paid");
    let own = Ask::get(format!("/orders/{id}/live"))
        .by_page()
        .header("Origin", &format!("https://{}", super::super::stack::HOST))
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    let heard = super::cross_site::heard(&bob, &own).await?;
    step(
        "socket",
        heard.starts_with("HTTP/1.1 101") && heard.contains("\"status\":\"paid\""),
    );

    let renewed = bob.send(Ask::new("POST", "/token").by_page()).await?;
    step("renew", renewed.json()["access_token"].is_string());
    let out = bob.send(Ask::new("POST", "/logout").by_page()).await?;
    let after = bob.send(Ask::new("POST", "/token").by_page()).await?;
    step("log out", out.status == 204 && !after.is_success());

    let mut root = target.somebody(&db::ROOT).await?;
    let users = root.send(Ask::get("/admin/users")).await?;
    step("administer", users.body.contains("\"bob\""));

    let wrong: Vec<_> = steps
        .iter()
        .filter(|(_, is_right)| !is_right)
        .map(|(name, _)| *name)
        .collect();
    let came = match wrong.is_empty() {
        true => format!("all {} steps work", steps.len()),
        false => format!("does not work: {}", wrong.join(", ")),
    };
    Ok(Verdict::new(
        wrong.is_empty(),
        "login, order, read, update, logout",
        came,
    ))
}
