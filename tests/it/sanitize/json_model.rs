//! The guard of JSON bodies against a model, over documents of all shapes.

use proptest::prelude::*;
use proptest::sample::select;
use tower_security::sanitize::{JsonRules, Rule};

use crate::fuzz_bodies::sanitize_json::json;

/// A key or string as it stands in the text.
fn strings() -> impl Strategy<Value = String> {
    let pieces = select(vec![
        "a",
        "b",
        "ab",
        "\\u0061",
        "\\u0062",
        "key",
        "\\n",
        "\\u0000",
        "\\u001f",
        "\u{7f}",
        "\u{e9}",
        "\\u00e9",
        "\\ud83d\\ude00",
        "__proto__",
        "constructor",
        "prototype",
        "\\u005f_proto__",
        "$",
        "$ne",
        "\\u0024",
        "$serde_json::private::Number",
        "<",
        "\\\"",
        "\\\\",
        "/",
        "",
        " ",
        "\\ud800",
        "\t",
        "\\x",
    ]);
    // Most are plain: one that is refused hides the rest.
    prop_oneof![
        8 => "[a-z]{0,3}",
        1 => prop::collection::vec(pieces, 0..4).prop_map(|pieces| pieces.concat()),
    ]
    .prop_map(|text| format!("\"{text}\""))
}

fn documents() -> impl Strategy<Value = String> {
    let scalars = select(vec![
        "0",
        "-1.5e3",
        "true",
        "false",
        "null",
        "1e999",
        "01",
        "12345678901234567890",
    ]);
    let leaves = prop_oneof![6 => Just("7".to_owned()), 1 => scalars.prop_map(str::to_owned), 4 => strings()];
    leaves.prop_recursive(5, 64, 8, |inner| {
        let entries = (strings(), inner.clone()).prop_map(|(key, value)| format!("{key}:{value}"));
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(|values| format!("[{}]", values.join(","))),
            prop::collection::vec(entries, 0..8)
                .prop_map(|entries| format!("{{{}}}", entries.join(" ,"))),
        ]
    })
}

/// A document whose keys all differ: letters, each once.
fn distinct() -> impl Strategy<Value = String> {
    let leaves = select(vec!["1", "\"a\"", "null"]).prop_map(str::to_owned);
    let values = leaves.prop_recursive(6, 128, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4)
                .prop_map(|values| format!("[{}]", values.join(","))),
            prop::collection::vec(inner, 1..40).prop_map(|values| {
                let entries = values.iter().enumerate();
                let entries = entries.map(|(at, value)| format!("\"k{at}\":{value}"));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
            }),
        ]
    });
    values.prop_map(|value| format!("{{\"k0\":{value}}}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn the_guard_finds_what_the_model_finds(text in documents()) {
        json(text.as_bytes());
    }

    /// One more key behind any key of any object, equal to one of that object and spelled in another way or the same.
    #[test]
    fn a_repeated_key_is_found_at_any_depth(text in distinct(), place in any::<prop::sample::Index>(), escaped in any::<bool>()) {
        prop_assert_eq!(JsonRules::strict().check(text.as_bytes()), Ok(()));
        let keys = text.match_indices("\"k").map(|(at, _)| at).collect::<Vec<_>>();
        let at = keys[place.index(keys.len())];
        let end = at + 1 + text[at + 1..].find('"').expect("a key ends");
        let name = &text[at + 2..end];
        let letter = if escaped { "\\u006b" } else { "k" };
        let again = format!("{}\"{letter}{name}\":0,{}", &text[..at], &text[at..]);
        let refused = JsonRules::strict().check(again.as_bytes());
        prop_assert_eq!(refused.map_err(|refused| refused.rule()), Err(Rule::JsonDuplicateKey));
        prop_assert_eq!(JsonRules::compatible().check(again.as_bytes()), Ok(()));
    }
}
