//! `JSONTestSuite`: texts that every parser accepts, refuses, or may treat either way.

use std::fs;

use serde_json::Value;
use tower_security::sanitize::{JsonRules, Rule};

use crate::support::vectors;

/// Files of one kind, by their prefix.
fn texts(prefix: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let folder = vectors::folder("jsontestsuite")?;
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder).expect("it can be listed") {
        let path = entry.expect("it can be listed").path();
        let name = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        if name.starts_with(prefix) {
            texts.push((name, fs::read(&path).expect("it can be read")));
        }
    }
    texts.sort();
    Some(texts)
}

#[test]
fn what_is_json_is_accepted() {
    let Some(texts) = texts("y_") else { return };
    assert_eq!(texts.len(), 95);
    for (name, text) in texts {
        assert_eq!(JsonRules::syntax_only().check(&text), Ok(()), "{name}");
        assert_eq!(JsonRules::compatible().check(&text), Ok(()), "{name}");
    }
}

#[test]
fn what_is_no_json_is_refused() {
    let Some(texts) = texts("n_") else { return };
    assert_eq!(texts.len(), 188);
    for (name, text) in texts {
        for rules in [
            JsonRules::syntax_only(),
            JsonRules::compatible(),
            JsonRules::strict(),
        ] {
            let refused = rules.check(&text).expect_err(&name);
            let expected = [Rule::JsonSyntax, Rule::JsonDepth, Rule::JsonBom];
            assert!(expected.contains(&refused.rule()), "{name}: {refused}");
        }
    }
}

/// The strict preset refuses of what is JSON only what two programs may read differently, and says so.
#[test]
fn the_strict_preset_refuses_eight_of_them() {
    let Some(texts) = texts("y_") else { return };
    let refused = texts.into_iter().filter_map(|(name, text)| {
        let refused = JsonRules::strict().check(&text).err()?;
        Some((name, refused.rule()))
    });
    let expected = [
        ("y_object_duplicated_key", Rule::JsonDuplicateKey),
        ("y_object_duplicated_key_and_value", Rule::JsonDuplicateKey),
        ("y_object_escaped_null_in_key", Rule::JsonNul),
        ("y_string_allowed_escapes", Rule::JsonControl),
        ("y_string_escaped_control_character", Rule::JsonControl),
        ("y_string_null_escape", Rule::JsonNul),
        ("y_string_unescaped_char_delete", Rule::JsonControl),
        ("y_string_with_del_character", Rule::JsonControl),
    ];
    let refused = refused.collect::<Vec<_>>();
    let refused = refused.iter().map(|(name, rule)| (name.as_str(), *rule));
    assert_eq!(refused.collect::<Vec<_>>(), expected);
}

#[test]
fn what_may_be_either_is_what_the_parser_says() {
    let Some(texts) = texts("i_") else { return };
    assert_eq!(texts.len(), 35);
    let mut accepted = 0;
    for (name, text) in texts {
        let is_json = serde_json::from_slice::<Value>(&text).is_ok();
        assert_eq!(
            JsonRules::syntax_only().check(&text).is_ok(),
            is_json,
            "{name}"
        );
        assert_eq!(
            JsonRules::compatible().check(&text).is_ok(),
            is_json,
            "{name}"
        );
        accepted += usize::from(is_json);
    }
    assert!((1..35).contains(&accepted), "{accepted}");
}
