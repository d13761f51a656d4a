//! The guards of bodies.

use std::fmt::Write as _;

use tower_security::sanitize::{JsonRules, MultipartRules, Rule};

use super::*;

/// An object of so many keys, each of them with a value made of `value`.
fn object(keys: usize, value: &str) -> String {
    let keys = (0..keys).map(|key| format!("\"k{key}\":{value}"));
    format!("{{{}}}", keys.collect::<Vec<_>>().join(","))
}

fn made(rules: &JsonRules, body: &str) -> usize {
    let (answer, made) = counted(|| rules.check(body.as_bytes()));
    assert_eq!(answer.map_err(|refused| refused.rule()), Ok(()), "{body}");
    made
}

#[test]
fn clean_json_is_looked_at_without_one() {
    let mut large = String::from("[");
    for number in 0..1_000 {
        write!(
            large,
            "{},{number}.5,",
            object(7, "\"text of some length\"")
        )
        .expect("memory");
    }
    large.push_str("null]");
    let nested = object(8, &object(8, &object(8, "[1.5e3,true,\"a\"]")));
    let rows = [
        ("scalar", "null".to_owned()),
        ("32 keys", object(32, "1")),
        (
            "32 keys of three objects",
            object(16, &object(8, &object(8, "1"))),
        ),
        ("nested", nested),
        (
            "raw text outside of ASCII",
            "[\"\u{e9}\u{1f600}\"]".to_owned(),
        ),
        ("86 KB", large),
    ];
    let presets = [
        JsonRules::strict(),
        JsonRules::compatible(),
        JsonRules::syntax_only(),
    ];
    for (name, body) in rows {
        for rules in &presets {
            assert_eq!(made(rules, &body), 0, "{name}");
        }
    }
}

#[test]
fn an_escape_that_is_not_plain_costs_the_scratch_of_the_parser() {
    assert_eq!(made(&JsonRules::strict(), r#"["a\n","b\t","\u00e9"]"#), 0);
    assert_eq!(made(&JsonRules::strict(), r#"["a\n","\ud83d\ude00"]"#), 1);
    // The scratch, the key and the list of such keys.
    assert_eq!(made(&JsonRules::strict(), r#"{"\u0061":1}"#), 3);
}

#[test]
fn many_keys_cost_a_few() {
    // The table of an object with more than 32 keys grows.
    assert!(made(&JsonRules::strict(), &object(33, "1")) <= 2);
    assert!(made(&JsonRules::strict(), &object(1_000, "1")) <= 8);
    // More than 32 keys are open at once.
    assert!(made(&JsonRules::strict(), &object(20, &object(20, "1"))) <= 4);
}

#[test]
fn a_refusal_costs_a_few_whatever_the_body_is() {
    let long = format!("[{}1,\"\\u0000\"]", "\"text\",".repeat(5_000));
    let rows = [
        (r#"{"a":1,"a":2}"#, Rule::JsonDuplicateKey),
        ("[1,", Rule::JsonSyntax),
        ("\u{feff}1", Rule::JsonBom),
        (long.as_str(), Rule::JsonNul),
    ];
    for (body, expected) in rows {
        let (answer, made) = counted(|| JsonRules::strict().check(body.as_bytes()));
        assert_eq!(answer.map_err(|refused| refused.rule()), Err(expected));
        assert!(made <= 12, "{expected}: {made}");
    }
}

#[test]
fn a_multipart_body_is_not_copied() {
    let head = "Content-Disposition: form-data; name=\"f\"; filename=\"a.bin\"";
    let body = |length: usize| format!("--X\r\n{head}\r\n\r\n{}\r\n--X--\r\n", "x".repeat(length));
    let of = |body: String| {
        let rules = MultipartRules::buffered();
        let (answer, made) = counted(|| rules.check("X", body.as_bytes()));
        assert_eq!(answer.map_err(|refused| refused.rule()), Ok(()));
        made
    };
    let (short, long) = (of(body(1)), of(body(1_000_000)));
    assert_eq!(short, long);
    assert!(short <= 10, "{short}");
}
