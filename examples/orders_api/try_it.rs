//! What to try in another terminal.

use std::net::SocketAddr;

/// Each line with what it gives: a status, and a word of the answer. For bash, with curl alone.
pub const LINES: &[(&str, &str)] = &[
    (
        "a login: 200 access_token",
        r#"curl -s -c jar -X POST $SHOP/login -H 'Content-Type: application/json' -d '{"account":"alice","password":"correct horse battery"}'"#,
    ),
    (
        "for programs, the token out of it",
        r#"TOKEN=$(curl -s -X POST $SHOP/login -H 'Content-Type: application/json' -d '{"account":"alice","password":"correct horse battery"}' | cut -d'"' -f4)"#,
    ),
    (
        "an order of hers: 200 lamp",
        r#"curl -i $SHOP/orders/42 -H "Authorization: Bearer $TOKEN""#,
    ),
    (
        "one of bob's: 404 not_found",
        r#"curl -i $SHOP/orders/43 -H "Authorization: Bearer $TOKEN""#,
    ),
    (
        "a new one: 201 book",
        r#"curl -i -X POST $SHOP/orders -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"goods":"book","quantity":1,"note":"<b>wrap</b><script>steal()</script>"}'"#,
    ),
    (
        "a price of her own: 422 unprocessable_content",
        r#"curl -i -X POST $SHOP/orders -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"goods":"book","quantity":1,"cents":1}'"#,
    ),
    (
        "what administrators may: 403 forbidden",
        r#"curl -i $SHOP/admin/users -H "Authorization: Bearer $TOKEN""#,
    ),
    (
        "a form on another site: 403 csrf_refused",
        r#"curl -i -b jar -X POST $SHOP/orders/42/pay -H 'Sec-Fetch-Site: cross-site' -H 'Origin: https://evil.example'"#,
    ),
    (
        "the same by a page of the shop: 200 paid",
        r#"curl -i -b jar -X POST $SHOP/orders/42/pay -H 'Sec-Fetch-Site: same-origin'"#,
    ),
    (
        "a query that breaks: 500 internal_error",
        r#"curl -i $SHOP/reports/monthly -H "Authorization: Bearer $TOKEN""#,
    ),
    (
        "the next tokens: 200 access_token",
        r#"curl -i -b jar -c jar -X POST $SHOP/token -H 'Sec-Fetch-Site: same-origin'"#,
    ),
    (
        "the end of the session: 204",
        r#"curl -i -b jar -c jar -X POST $SHOP/logout -H 'Sec-Fetch-Site: same-origin'"#,
    ),
];

pub fn text(addr: SocketAddr) -> String {
    let mut text = format!(
        "listening on http://{addr}\n\nIn another terminal, in bash:\n\nSHOP=http://{addr}\n"
    );
    for (gives, line) in LINES {
        text += &format!("\n# {gives}\n{line}\n");
    }
    text + "\nBeside alice there are bob (nine purple otters) and root (a kettle of warm tea).\nThe security log:\n"
}
