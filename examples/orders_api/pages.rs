//! Pages that the server renders, with the nonce of their policy.

use std::fmt;

use axum::extract::{Query, State};
use axum::response::Html;
use tower_security::axum::Public;
use tower_security::core::Rejection;
use tower_security::csp::CspNonce;
use tower_security::ownership::{Authz, Granted};
use tower_security::sanitize::PlainLine;
use tower_security::sanitize::html::{SafeHtml, Ugc};

use super::orders::{self, Order, Wanted};
use super::shop::Shop;

/// Text between tags or in a quoted attribute. A template engine would do it by itself.
struct Text<T>(T);

impl<T: AsRef<str>> fmt::Display for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.as_ref().chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => fmt::Write::write_char(f, other)?,
            }
        }
        Ok(())
    }
}

/// Only scripts with the nonce run; nothing that a user wrote may stand in one.
fn page(nonce: &CspNonce, title: &str, content: &str) -> Html<String> {
    let title = Text(title);
    Html(format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>\
         <style nonce=\"{nonce}\">body {{ font-family: sans-serif }}</style>\
         <body><h1>{title}</h1>{content}\
         <script nonce=\"{nonce}\">document.body.dataset.ready = 'yes'</script>"
    ))
}

/// Logs in by a script of its own, whose nonce is that of the answer.
const LOG_IN: &str = "
document.querySelector('form').addEventListener('submit', async event => {
    event.preventDefault();
    const form = Object.fromEntries(new FormData(event.target));
    const headers = { 'Content-Type': 'application/json' };
    const answer = await fetch('/login', { method: 'POST', headers, body: JSON.stringify(form) });
    if (answer.ok) location = '/search';
    else document.querySelector('output').textContent = (await answer.json()).title;
});";

pub async fn home(nonce: CspNonce, _: Public) -> Html<String> {
    let content = format!(
        "<form><p><input name=account placeholder=account autocomplete=username>\
         <p><input name=password type=password placeholder=password autocomplete=current-password>\
         <p><input name=code placeholder=\"code, if you have one\" autocomplete=one-time-code>\
         <p><button>log in</button> <output></output></form><script nonce=\"{nonce}\">{LOG_IN}</script>"
    );
    page(&nonce, "Shop", &content)
}

/// Loaded by the layer: this handler has no other order than that of its reader.
pub async fn order(order: Granted<Order>, nonce: CspNonce) -> Html<String> {
    let Order {
        id,
        goods,
        quantity,
        cents,
        note,
        status,
        ..
    } = &*order;
    let (goods, status) = (Text(goods), Text(status));
    // It was cleaned before it was stored, and nothing else writes this column.
    let note = SafeHtml::<Ugc>::dangerous_from_trusted(note.clone());
    let (whole, rest) = (cents / 100, cents % 100);
    let content = format!(
        "<p>{quantity} x {goods}: {whole}.{rest:02}, {status}</p><div class=note>{note}</div>\
         <form method=post action=\"/orders/{id}/pay\"><button>pay</button></form>"
    );
    page(&nonce, &format!("Order {id}"), &content)
}

pub async fn search(
    State(shop): State<Shop>,
    authz: Authz,
    Query(wanted): Query<Wanted>,
    nonce: CspNonce,
) -> Result<Html<String>, Rejection> {
    let found = orders::matching(&shop.db, &authz, &wanted).await?;
    let asked = Text(wanted.q.as_ref().map_or("", PlainLine::as_str));
    let rows: String = found
        .iter()
        .map(|order| {
            format!(
                "<li><a href=\"/orders/{0}/page\">{0}</a> {1}",
                order.id,
                Text(&order.goods)
            )
        })
        .collect();
    Ok(page(
        &nonce,
        "Search",
        &format!("<p>You asked for {asked}</p><ul>{rows}</ul>"),
    ))
}
