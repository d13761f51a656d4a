//! What belongs to somebody else, and what is for others to do.

use serde_json::{Value, json};

use super::super::shop::Fault;
use super::trial::{Refusal, Trial, refusal};
use super::{Answer, Ask, Client, Target, Verdict, db};

const NOT_FOUND: Refusal = refusal(404, "not_found");

/// An order of somebody's own, to be left alone by others.
async fn order_of(client: &mut Client) -> Result<i64, Fault> {
    let order = json!({ "goods": "chair", "quantity": 1, "note": "by the door" });
    let made = client
        .send(Ask::new("POST", "/orders").json(&order))
        .await?;
    let id = made.json()["id"].as_i64();
    id.ok_or_else(|| format!("nobody can order: {}", made.short()).into())
}

/// The note and the status.
async fn state_of(target: &Target, id: i64) -> sqlx::Result<Option<(String, String)>> {
    let state = sqlx::query_as("SELECT note, status FROM orders WHERE id = ?").bind(id);
    state.fetch_optional(&target.db).await
}

/// Bob's order 43, and what stands in it.
pub async fn read(target: &Target) -> Result<Verdict, Fault> {
    const SECRET: &str = "third stone";
    let (mut alice, mut bob) = (target.alice().await?, target.bob().await?);
    let mut trial = Trial::of("GET /orders/43 by alice");
    for path in ["/orders/43", "/orders/43/page"] {
        let answer = alice.send(Ask::get(path)).await?;
        trial.refused(&answer, NOT_FOUND);
        trial.gain(answer.body.contains(SECRET), "200 the note of bob");
        let own = bob.send(Ask::get(path)).await?;
        trial.control_if("bob reads it", own.body.contains(SECRET), own.short());
    }
    for path in ["/orders/043", "/orders/+43"] {
        let answer = alice.send(Ask::get(path)).await?;
        trial.refused(&answer, NOT_FOUND);
        trial.gain(answer.body.contains(SECRET), "200 the note of bob");
    }
    let list = alice.send(Ask::get("/orders")).await?;
    trial.gain(list.body.contains(SECRET), "it is in her list");
    Ok(trial.verdict())
}

pub async fn update(target: &Target) -> Result<Verdict, Fault> {
    let (mut alice, mut bob) = (target.alice().await?, target.bob().await?);
    let mut trial = Trial::of("PATCH, pay an order of bob's by alice");
    let id = order_of(&mut bob).await?;
    let asks = || {
        let change = json!({ "note": "send it to alice" });
        [
            Ask::new("PATCH", format!("/orders/{id}")).json(&change),
            Ask::new("POST", format!("/orders/{id}/pay")),
        ]
    };
    let before = state_of(target, id).await?;
    for ask in asks() {
        trial.refused(&alice.send(ask).await?, NOT_FOUND);
    }
    let is_changed = state_of(target, id).await? != before;
    trial.gain(is_changed, "200, and it is changed");
    for ask in asks() {
        trial.control("bob does", &bob.send(ask).await?);
    }
    Ok(trial.verdict())
}

pub async fn delete(target: &Target) -> Result<Verdict, Fault> {
    let (mut alice, mut bob) = (target.alice().await?, target.bob().await?);
    let mut trial = Trial::of("DELETE an order of bob's by alice");
    let id = order_of(&mut bob).await?;
    let ask = || Ask::new("DELETE", format!("/orders/{id}"));
    trial.refused(&alice.send(ask()).await?, NOT_FOUND);
    let is_gone = state_of(target, id).await?.is_none();
    trial.gain(is_gone, "204, and it is gone");
    trial.control("bob does", &bob.send(ask()).await?);
    Ok(trial.verdict())
}

/// A chair for a cent, paid by nobody, in the name of bob.
pub async fn mass_assignment_of_an_order(target: &Target) -> Result<Verdict, Fault> {
    let mut alice = target.alice().await?;
    let mut trial = Trial::of("\"cents\":1,\"owner\":2,\"status\":\"paid\"");
    let plain = json!({ "goods": "chair", "quantity": 1, "note": "mine" });
    let with = |fields: &[(&str, Value)]| {
        let mut order = plain.clone();
        for (name, value) in fields {
            order[*name] = value.clone();
        }
        Ask::new("POST", "/orders").json(&order)
    };
    let fields = [
        ("cents", json!(1)),
        ("owner", json!(2)),
        ("status", json!("paid")),
    ];
    // Together, and each alone: one that is refused is no proof of the others.
    for fields in [&fields[..], &fields[..1], &fields[1..2], &fields[2..]] {
        let answer = alice.send(with(fields)).await?;
        trial.refused(&answer, refusal(422, "unprocessable_content"));
    }
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM orders WHERE note = 'mine'")
        .fetch_one(&target.db)
        .await?;
    trial.gain(rows > 0, "201 a chair for a cent");
    let made = alice.send(with(&[])).await?;
    let order = made.json();
    let is_right = order["cents"] == 12_000 || order["cents"] == 3_900;
    let is_hers = order["owner"] == db::ALICE.id && order["status"] == "open";
    trial.control_if("without them", is_right && is_hers, made.short());
    Ok(trial.verdict())
}

/// Registers as an administrator.
pub async fn mass_assignment_of_an_account(target: &Target) -> Result<Verdict, Fault> {
    const PASSWORD: &str = "eleven silver trombones";
    let mut trial = Trial::of("\"role\":\"admin\" in /register");
    let role_of = async |name: &str| -> sqlx::Result<Option<String>> {
        let query = sqlx::query_scalar("SELECT role FROM users WHERE name = ?");
        query.bind(name).fetch_optional(&target.db).await
    };
    let ask = |account: &Value| Ask::new("POST", "/register").json(account);
    let account = json!({ "account": "mallory", "password": PASSWORD, "role": "admin" });
    let answer = target.stranger().send(ask(&account)).await?;
    trial.refused(&answer, refusal(422, "unprocessable_content"));
    let is_admin = role_of("mallory").await?.as_deref() == Some("admin");
    trial.gain(is_admin, "202 an administrator more");
    let account = json!({ "account": "trudy", "password": PASSWORD });
    let answer = target.stranger().send(ask(&account)).await?;
    let is_right = role_of("trudy").await?.as_deref() == Some("customer");
    trial.control_if(
        "without it",
        is_right && answer.is_success(),
        answer.short(),
    );
    Ok(trial.verdict())
}

/// Makes himself an administrator by what administrators do.
pub async fn admin_function(target: &Target) -> Result<Verdict, Fault> {
    let (mut bob, mut root) = (target.bob().await?, target.somebody(&db::ROOT).await?);
    let mut trial = Trial::of("PATCH /admin/users/2/role by bob");
    let role_of_bob = async || -> sqlx::Result<String> {
        let query = sqlx::query_scalar("SELECT role FROM users WHERE id = 2");
        query.fetch_one(&target.db).await
    };
    let customer = "UPDATE users SET role = 'customer' WHERE id = 2";
    let ask = || Ask::new("PATCH", "/admin/users/2/role").json(&json!({ "role": "admin" }));
    let answer = bob.send(ask()).await?;
    trial.refused(&answer, refusal(403, "forbidden"));
    trial.gain(role_of_bob().await? == "admin", "204, bob is admin");
    sqlx::query(customer).execute(&target.db).await?;
    let answer = root.send(ask()).await?;
    let is_right = role_of_bob().await? == "admin" && answer.is_success();
    trial.control_if("root does", is_right, answer.short());
    // The next attacks are those of a customer.
    sqlx::query(customer).execute(&target.db).await?;
    Ok(trial.verdict())
}

/// The list of users, by other spellings of its path.
pub async fn path_tricks(target: &Target) -> Result<Verdict, Fault> {
    const FORBIDDEN: Refusal = refusal(403, "forbidden");
    let mut alice = target.alice().await?;
    let mut trial = Trial::of("//admin/users, /%61dmin/users, ..");
    let is_list = |answer: &Answer| answer.is_success() && answer.body.contains("\"bob\"");
    for (path, wanted) in [
        ("/admin/users", FORBIDDEN),
        ("//admin/users", NOT_FOUND),
        ("/%61dmin/users", FORBIDDEN),
        ("/orders/../admin/users", NOT_FOUND),
        ("/./admin/users", NOT_FOUND),
        ("/admin//users", NOT_FOUND),
        ("/admin/users/", FORBIDDEN),
        ("/admin%2fusers", NOT_FOUND),
        ("/orders/..;/admin/users", NOT_FOUND),
        ("/admin/users?x=/health", FORBIDDEN),
    ] {
        let answer = alice.send(Ask::get(path)).await?;
        trial.refused(&answer, wanted);
        trial.gain(is_list(&answer), format!("200 all users by {path}"));
    }
    let mut root = target.somebody(&db::ROOT).await?;
    for path in ["/admin/users", "/admin/users?x=/health"] {
        let answer = root.send(Ask::get(path)).await?;
        trial.control_if("root reads it", is_list(&answer), answer.short());
    }
    Ok(trial.verdict())
}

/// A file beside the folder.
pub async fn traversal(target: &Target) -> Result<Verdict, Fault> {
    let mut stranger = target.stranger();
    let mut trial = Trial::of("/downloads/..%2fbackup.txt");
    for (name, code) in [
        ("..%2fbackup.txt", "path_dot_segment"),
        ("%2e%2e%2fbackup.txt", "path_dot_segment"),
        ("..%5cbackup.txt", "path_backslash"),
        ("prices.txt%00", "path_nul"),
    ] {
        let answer = stranger
            .send(Ask::get(format!("/downloads/{name}")))
            .await?;
        trial.refused(&answer, refusal(400, code));
        let is_read = answer.body.contains("no customer may read");
        trial.gain(is_read, "200 the backup");
    }
    let prices = stranger.send(Ask::get("/downloads/prices.txt")).await?;
    let is_right = prices.body.contains("lamp 39.00");
    trial.control_if("a file of the folder", is_right, prices.short());
    Ok(trial.verdict())
}
