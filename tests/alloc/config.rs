//! A stack from a configuration, beside the same of code.

use tower_security::SecurityHeadersLayer;
use tower_security::stack::config::{SecurityConfig, Stack, StackParts};

use super::*;

const FILE: &str = r#"
    [headers]
    preset = "api"
    [cors]
    origins = ["https://app.example.com"]
    credentials = true
    [csrf]
"#;

fn stack(text: &str) -> Stack {
    let config: SecurityConfig = toml::from_str(text).expect("it is TOML");
    config.build(StackParts::new()).expect("it is sound")
}

fn request(method: &str, site: &str) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .header("host", "api.example.com")
        .header("origin", "https://app.example.com")
        .header("sec-fetch-site", site)
        .body(Full::default())
        .expect("a request")
}

#[test]
fn a_stack_of_an_empty_file_makes_none() {
    let stack = stack("");
    let mut service = stack.layer(Bare);
    for method in ["GET", "POST"] {
        let request = request(method, "cross-site");
        assert_eq!(allocations(|| go(&mut service, request)), 0, "{method}");
    }
}

#[test]
fn a_stack_of_a_file_makes_as_many_as_the_same_of_code() {
    let cors = CorsLayer::builder()
        .origins(["https://app.example.com"])
        .credentials(true)
        .build()
        .expect("it is sound");
    let mut of_code = SecurityStack::new()
        .headers(SecurityHeadersLayer::api())
        .cors(cors)
        .csrf(CsrfLayer::new())
        .layer(Bare);
    let stack = stack(FILE);
    let mut of_file = stack.layer(Bare);
    let rows = [
        ("GET", "same-site", 200),
        ("POST", "same-origin", 200),
        ("POST", "cross-site", 403),
    ];
    for reloads in 0..2 {
        for (method, site, status) in rows {
            // The first look of a thread at what was replaced makes its own list of what it looks at.
            drop(go(&mut of_file, request(method, site)));
            let [one, other] = [request(method, site), request(method, site)];
            let (answer, expected) = counted(|| go(&mut of_code, one));
            assert_eq!(answer.status().as_u16(), status);
            let (answer, made) = counted(|| go(&mut of_file, other));
            assert_eq!(answer.status().as_u16(), status);
            assert_eq!(made, expected, "{method} {site}, after {reloads} reloads");
        }
        let config = toml::from_str(FILE).expect("it is TOML");
        stack.handle().reload(config).expect("it is sound");
    }
}
