//! The judges of the attacks: they call blocked what met the refusal that is there for it, and nothing else.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::middleware::{Next, from_fn, map_response};
use axum::response::{Json, Response};
use serde_json::json;

use super::example::attack::trial::Outcome;
use super::example::attack::{Kind, Plan, Row, run};

async fn rows(plan: Plan) -> Vec<Row> {
    run(&plan, |_| {}).await.expect("the service starts")
}

fn outcome(row: &Row) -> Option<Outcome> {
    row.verdict.as_ref().ok().map(|verdict| verdict.outcome)
}

/// What an attack has to meet.
const REASONS: &[(&str, &str)] = &[
    ("SQL injection in the login", "401 login_failed"),
    ("SQL injection in the search", "200 []"),
    ("stored XSS in a note", "200 the note without them, a nonce"),
    ("reflected XSS in the search", "200 &lt;script&gt;, a nonce"),
    (
        "lines forged in the log",
        "422 unprocessable_content, 400 path_crlf",
    ),
    ("cross-site POST", "403 csrf_refused"),
    ("cross-site WebSocket", "403 csrf_refused"),
    (
        "CORS: a foreign origin reads",
        "no allow-origin, preflight 403",
    ),
    (
        "CORS: the origin null reads",
        "no allow-origin, preflight 403",
    ),
    (
        "brute force: one account",
        "429 login_throttled, retry-after",
    ),
    ("brute force: many accounts", "403 banned"),
    (
        "brute force: many addresses",
        "429 login_throttled, retry-after",
    ),
    (
        "token with alg: none",
        "401 token_invalid, error=\"invalid_token\"",
    ),
    (
        "token: key confusion",
        "401 token_invalid, error=\"invalid_token\"",
    ),
    (
        "token of a foreign issuer",
        "401 token_invalid, error=\"invalid_token\"",
    ),
    (
        "token that has expired",
        "401 token_expired, error=\"invalid_token\"",
    ),
    (
        "token for another service",
        "401 token_invalid, error=\"invalid_token\"",
    ),
    (
        "token with changed claims",
        "401 token_invalid, error=\"invalid_token\"",
    ),
    (
        "stolen refresh token",
        "400 invalid_grant, 401 token_invalid",
    ),
    ("cookies without flags", "3 cookies, all flags"),
    ("another's order: read", "404 not_found"),
    ("another's order: update", "404 not_found"),
    ("another's order: delete", "404 not_found"),
    ("mass assignment: order", "422 unprocessable_content"),
    ("mass assignment: account", "422 unprocessable_content"),
    ("admin function by a user", "403 forbidden"),
    ("path tricks to /admin", "403 forbidden, 404 not_found"),
    (
        "path traversal to a file",
        "400 path_dot_segment, 400 path_backslash, 400 path_nul",
    ),
    ("JSON: nested too deeply", "400 json_depth"),
    ("JSON: a key twice", "400 json_duplicate_key"),
    ("JSON: __proto__", "400 json_proto_key"),
    ("HTML bomb", "422 unprocessable_content"),
    ("oversized body", "413 body_too_large"),
    ("slow body", "408 body_too_slow"),
    ("forced error 500", "500 internal_error"),
    ("forced panic", "500 internal_error"),
    ("missing security headers", "all 7 on each"),
    ("plain HTTP", "308, https://shop.example/orders/44"),
    ("stolen database", "ciphertext, argon2id"),
    (
        "flood from one address",
        "429 rate_limited, retry-after, 120 served",
    ),
    (
        "flood from a /64",
        "429 rate_limited, retry-after, 120 served",
    ),
    (
        "flood behind a forged address",
        "429 rate_limited, retry-after, 120 served",
    ),
    ("inside by a forged address", "404 not_found"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_attack_has_its_reason() {
    let rows = rows(Plan::of(Kind::Protected)).await;
    let mut found = Vec::new();
    for row in rows.iter().filter(|row| !row.is_legitimate) {
        let verdict = row.verdict.as_ref().expect("it is made");
        assert_eq!(
            verdict.outcome,
            Outcome::Blocked,
            "{}: {}",
            row.name,
            verdict.came
        );
        found.push((row.name, verdict.expected.as_str()));
    }
    assert_eq!(found, REASONS);
}

/// Puts another refusal in the place of each, with the headers of the first.
async fn other(answer: Response, status: StatusCode, code: &str) -> Response {
    if !answer.status().is_client_error() && !answer.status().is_server_error() {
        return answer;
    }
    let (mut head, _) = answer.into_parts();
    head.status = status;
    head.headers.remove("content-length");
    head.headers
        .insert("retry-after", HeaderValue::from_static("7"));
    Response::from_parts(head, Body::from(json!({ "code": code }).to_string()))
}

fn malformed(router: Router) -> Router {
    router.layer(map_response(|answer| {
        other(answer, StatusCode::BAD_REQUEST, "bad_request")
    }))
}

fn flooded(router: Router) -> Router {
    router.layer(map_response(|answer| {
        other(answer, StatusCode::TOO_MANY_REQUESTS, "rate_limited")
    }))
}

fn lost(router: Router) -> Router {
    router.layer(map_response(|answer| {
        other(answer, StatusCode::NOT_FOUND, "not_found")
    }))
}

async fn blocked(between: fn(Router) -> Router) -> Vec<&'static str> {
    let mut plan = Plan::of(Kind::Protected);
    plan.between = between;
    let rows = rows(plan).await;
    for row in rows.iter().filter(|row| !row.is_legitimate) {
        assert_ne!(outcome(row), Some(Outcome::GotThrough), "{}", row.name);
    }
    let blocked = rows
        .iter()
        .filter(|row| row.is_as_promised(Kind::Protected) && !row.is_legitimate);
    blocked.map(|row| row.name).collect()
}

/// Blocked by what is seen in the answer, without a refusal.
const UNREFUSED: [&str; 6] = [
    "SQL injection in the search",
    "stored XSS in a note",
    "reflected XSS in the search",
    "cookies without flags",
    "plain HTTP",
    "stolen database",
];

/// A request that nobody could read, somebody else's flood, a path that is wrong: each is a refusal, and none proves anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_for_another_reason_proves_nothing() {
    assert_eq!(blocked(malformed).await, UNREFUSED);
    // Three of the attacks are floods.
    let floods = [
        "flood from one address",
        "flood from a /64",
        "flood behind a forged address",
    ];
    assert_eq!(blocked(flooded).await, [&UNREFUSED[..], &floods].concat());
    let absent = [
        "another's order: read",
        "another's order: update",
        "another's order: delete",
    ];
    let (mut expected, end) = (UNREFUSED.to_vec(), "inside by a forged address");
    expected.splice(4..4, absent);
    expected.push(end);
    assert_eq!(blocked(lost).await, expected);
}

/// Leads what a page of another site reads, and the longer of two registrations, to paths that do not exist.
fn misled(router: Router) -> Router {
    let lead = async |mut request: Request, next: Next| {
        if let Some(wrong) = wrong_path(&request) {
            *request.uri_mut() = wrong;
        }
        next.run(request).await
    };
    Router::new().fallback_service(router).layer(from_fn(lead))
}

fn wrong_path(request: &Request) -> Option<Uri> {
    let has = |name, value: &str| {
        request
            .headers()
            .get(name)
            .is_some_and(|line| line == value)
    };
    if has("origin", "https://evil.example") {
        return Some(Uri::from_static("/orders/plai"));
    }
    let is_longer = request.uri().path() == "/register" && has("content-length", LENGTH);
    is_longer.then(|| Uri::from_static("/registry"))
}

/// Of the registration with a role.
const LENGTH: &str = "73";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attack_on_a_wrong_path_proves_nothing() {
    let mut plan = Plan::of(Kind::Protected);
    plan.between = misled;
    plan.only = &["CORS: a foreign origin reads", "mass assignment: account"];
    let rows = rows(plan).await;
    assert_eq!(rows.len(), 2);
    for row in &rows {
        let verdict = row.verdict.as_ref().expect("it is made");
        let is_right = verdict.outcome == Outcome::NotProven && verdict.is_controlled;
        assert!(is_right, "{}: {}", row.name, verdict.came);
    }
}

/// Answers everybody as if there were nothing.
fn deserted(router: Router) -> Router {
    router.layer(map_response(async |_: Response| {
        (StatusCode::NOT_FOUND, Json(json!({ "code": "not_found" })))
    }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_refuses_everybody_is_no_proof() {
    assert_eq!(blocked(deserted).await, [""; 0]);
}

/// Each layer, what it is there for, and what is said when it is left out: that the attack got through, or where something else stands
/// behind the layer, that nothing is proven.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_layer_that_is_left_out_is_missed() {
    use Outcome::{GotThrough, NotProven};
    let cases: &[(&str, &'static [&'static str], Outcome)] = &[
        ("headers", &["missing security headers"], GotThrough),
        ("csp", &["missing security headers"], GotThrough),
        (
            "csp",
            &["stored XSS in a note", "reflected XSS in the search"],
            NotProven,
        ),
        ("error_mask", &["forced error 500"], GotThrough),
        ("bans", &["brute force: many accounts"], NotProven),
        (
            "rate_limit",
            &[
                "flood from one address",
                "flood from a /64",
                "flood behind a forged address",
            ],
            GotThrough,
        ),
        ("limits", &["slow body"], GotThrough),
        (
            "https",
            &["missing security headers", "plain HTTP"],
            GotThrough,
        ),
        (
            "csrf",
            &["cross-site POST", "cross-site WebSocket"],
            GotThrough,
        ),
        (
            "access",
            &["admin function by a user", "path tricks to /admin"],
            GotThrough,
        ),
        (
            "sanitize",
            &["JSON: nested too deeply", "JSON: __proto__"],
            GotThrough,
        ),
        (
            "sanitize",
            &["JSON: a key twice", "path traversal to a file"],
            NotProven,
        ),
        ("ownership", &["another's order: read"], NotProven),
    ];
    for (layer, only, wanted) in cases {
        let mut plan = Plan::of(Kind::Protected);
        (plan.without, plan.only) = (Some((*layer).to_owned()), only);
        let rows = rows(plan).await;
        assert_eq!(rows.len(), only.len(), "{layer}");
        for row in &rows {
            assert_eq!(outcome(row), Some(*wanted), "{} without {layer}", row.name);
            assert!(!row.is_as_promised(Kind::Protected), "{}", row.name);
        }
    }
}

#[tokio::test]
async fn a_layer_that_is_not_there_cannot_be_left_out() {
    let mut plan = Plan::of(Kind::Protected);
    plan.without = Some("crsf".to_owned());
    let error = run(&plan, |_| {}).await.err().expect("it is refused");
    assert!(error.to_string().contains("no layer \"crsf\""), "{error}");
}
