//! What an ordinary user does, who must notice nothing of all this.

use serde_json::json;

use super::super::shop::Fault;
use super::super::stack::HOST;
use super::trial::Outcome;
use super::{Ask, Client, Target, Verdict, cross_site, db};

/// What was done, and whether it came out right.
#[derive(Default)]
struct Steps {
    count: usize,
    wrong: Vec<&'static str>,
}

impl Steps {
    fn step(&mut self, name: &'static str, is_right: bool) {
        self.count += 1;
        self.wrong.extend((!is_right).then_some(name));
    }
}

/// Logs in, orders, reads, searches, changes, cancels, pays, listens, renews the token and logs out; and an administrator looks after it.
pub async fn run(target: &Target) -> Result<Verdict, Fault> {
    let mut steps = Steps::default();
    let mut bob = target.bob().await?;
    steps.step("log in", bob.is_in());
    by_program(&mut bob, &mut steps).await?;
    by_pages(&mut bob, &mut steps).await?;

    let renewed = bob.send(Ask::new("POST", "/token").by_page()).await?;
    steps.step("renew", renewed.json()["access_token"].is_string());
    let out = bob.send(Ask::new("POST", "/logout").by_page()).await?;
    let after = bob.send(Ask::new("POST", "/token").by_page()).await?;
    steps.step("log out", out.status == 204 && !after.is_success());
    let mut root = target.somebody(&db::ROOT).await?;
    let users = root.send(Ask::get("/admin/users")).await?;
    steps.step("administer", users.body.contains("\"bob\""));

    let came = match steps.wrong.is_empty() {
        true => format!("all {} steps work", steps.count),
        false => format!("does not work: {}", steps.wrong.join(", ")),
    };
    let outcome = match steps.wrong.is_empty() {
        true => Outcome::GotThrough,
        false => Outcome::Blocked,
    };
    Ok(Verdict {
        outcome,
        sent: "login, order, read, update, logout".to_owned(),
        expected: format!("all {} steps work", steps.count),
        came,
        is_controlled: true,
    })
}

/// With a token in `Authorization`.
async fn by_program(bob: &mut Client, steps: &mut Steps) -> Result<(), Fault> {
    const NOTE: &str = "for <b>O'Brien</b>";
    let order =
        json!({ "goods": "lamp", "quantity": 2, "note": NOTE, "options": { "color": "red" } });
    let made = bob.send(Ask::new("POST", "/orders").json(&order)).await?;
    let order = made.json();
    let is_his = order["owner"] == db::BOB.id && order["quantity"] == 2;
    steps.step("order", made.status == 201 && is_his);
    let path = format!("/orders/{}", order["id"]);

    let read = bob.send(Ask::get(&path)).await?.json();
    steps.step(
        "read",
        read["note"] == NOTE && read["options"]["color"] == "red",
    );
    let found = bob.send(Ask::get("/orders?q=lamp")).await?.body;
    let has_others = found.contains("wrapped, please");
    steps.step("search", found.contains("O'Brien") && !has_others);
    let page = bob.send(Ask::get(format!("{path}/page")).by_page()).await?;
    steps.step("page", page.status == 200 && page.body.contains(NOTE));

    let change = json!({ "note": "<i>no</i> hurry" });
    let changed = bob.send(Ask::new("PATCH", &path).json(&change)).await?;
    steps.step("update", changed.json()["note"] == "<i>no</i> hurry");
    let cancelled = bob.send(Ask::new("DELETE", &path)).await?;
    let gone = bob.send(Ask::get(&path)).await?;
    steps.step("cancel", cancelled.status == 204 && gone.status == 404);
    Ok(())
}

/// With the cookies of a browser.
async fn by_pages(bob: &mut Client, steps: &mut Steps) -> Result<(), Fault> {
    let order = json!({ "goods": "book", "quantity": 1 });
    let made = bob.send(Ask::new("POST", "/orders").json(&order)).await?;
    let path = format!("/orders/{}", made.json()["id"]);
    let paid = bob
        .send(Ask::new("POST", format!("{path}/pay")).by_page())
        .await?;
    steps.step("pay", paid.json()["status"] == "paid");
    let own = Ask::get(format!("{path}/live"))
        .by_page()
        .header("Origin", &format!("https://{HOST}"))
        .handshake();
    let heard = cross_site::heard(bob, &own).await?;
    let tells = heard.body.contains("\"status\":\"paid\"");
    steps.step("socket", heard.status == 101 && tells);
    Ok(())
}
