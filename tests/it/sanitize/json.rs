//! The guard of JSON bodies: each of its rules, on both sides of its limit.

use tower_security::sanitize::{JsonRules, Part, Rule, Violation};

fn strict(text: &str) -> Result<(), Violation> {
    JsonRules::strict().check(text.as_bytes())
}

fn compatible(text: &str) -> Result<(), Violation> {
    JsonRules::compatible().check(text.as_bytes())
}

fn rule(answer: &Result<(), Violation>) -> Option<Rule> {
    answer.as_ref().err().map(Violation::rule)
}

fn object(keys: usize) -> String {
    let keys = (0..keys).map(|key| format!(r#""k{key}":0"#));
    format!("{{{}}}", keys.collect::<Vec<_>>().join(","))
}

fn array(values: usize) -> String {
    format!("[{}]", vec!["0"; values].join(","))
}

/// Arrays or objects within each other, with a number in the innermost one: it is no level of its own.
fn nested(open: &str, close: &str, levels: usize) -> String {
    format!("{}7{}", open.repeat(levels), close.repeat(levels))
}

fn key(length: usize) -> String {
    format!(r#"{{"{}":1}}"#, "k".repeat(length))
}

/// Both presets refuse it, by this rule.
#[test]
fn core_rules_are_broken_in_both_presets() {
    let rows: Vec<(Rule, String)> = vec![
        (Rule::JsonSyntax, String::new()),
        (Rule::JsonSyntax, "{\"a\":1,}".into()),
        (Rule::JsonSyntax, "[1] 2".into()),
        (Rule::JsonSyntax, "[NaN]".into()),
        (Rule::JsonSyntax, "{'a':1}".into()),
        (Rule::JsonSyntax, "[1]\0".into()),
        (Rule::JsonSyntax, "[\"\t\"]".into()),
        (Rule::JsonSyntax, "[\"\\ud800\"]".into()),
        (Rule::JsonSyntax, "// a\n1".into()),
        (Rule::JsonBom, "\u{feff}{}".into()),
        (Rule::JsonBom, "\u{feff}".into()),
        (Rule::JsonBom, "\u{feff}[1".into()),
        (
            Rule::JsonReservedKey,
            r#"{"$serde_json::private::Number":"1"}"#.into(),
        ),
        (
            Rule::JsonReservedKey,
            r#"[{"a":1,"$serde_json::private::RawValue":"1"}]"#.into(),
        ),
        (
            Rule::JsonReservedKey,
            r#"{"\u0024serde_json::private::Number":"1"}"#.into(),
        ),
        (
            Rule::JsonReservedKey,
            r#"{"$serde_json::private":1}"#.into(),
        ),
        (Rule::JsonDepth, nested("[", "]", 65)),
        (Rule::JsonDepth, nested("{\"a\":", "}", 65)),
        (Rule::JsonDepth, "[".repeat(100_000)),
        (Rule::JsonTooManyKeys, object(10_001)),
        (Rule::JsonTooManyKeys, format!("[{}]", object(10_001))),
        (
            Rule::JsonTooManyKeys,
            format!("{{\"a\":{}}}", object(10_001)),
        ),
        (Rule::JsonArrayTooLong, {
            // Rather than the count of all values, which is the same number in the presets.
            format!("[{}]", vec!["0"; 100_001].join(","))
        }),
        (Rule::JsonKeyTooLong, key(1_025)),
        (Rule::JsonKeyTooLong, format!("[{}]", key(1_025))),
        (
            Rule::JsonKeyTooLong,
            format!(r#"{{"\u006b{}":1}}"#, "k".repeat(1_024)),
        ),
        (Rule::JsonProtoKey, r#"{"__proto__":{}}"#.into()),
        (
            Rule::JsonProtoKey,
            r#"{"a":[{"\u005f\u005fproto\u005F_":1}]}"#.into(),
        ),
        (
            Rule::JsonProtoKey,
            r#"{"constructor":{"prototype":{}}}"#.into(),
        ),
        (
            Rule::JsonProtoKey,
            r#"{"constructo\u0072":{"a":1,"prototyp\u0065":{}}}"#.into(),
        ),
    ];
    for (expected, text) in rows {
        let shown = &text[..text.len().min(60)];
        for answer in [strict(&text), compatible(&text)] {
            let broken = rule(&answer);
            let is_it = broken == Some(expected)
                // One array of so many values has as many values too many.
                || (expected, broken) == (Rule::JsonArrayTooLong, Some(Rule::JsonTooManyNodes));
            assert!(is_it, "{expected}: {shown}: {broken:?}");
        }
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn what_is_near_to_a_core_rule_passes_both_presets() {
    let rows: Vec<(Rule, String)> = vec![
        (Rule::JsonSyntax, " [1] \r\n".into()),
        (Rule::JsonSyntax, "\"NaN\"".into()),
        (Rule::JsonSyntax, "[\"\\t\\ud83d\\ude00\"]".into()),
        (Rule::JsonSyntax, "null".into()),
        (Rule::JsonBom, "[\"\u{feff}\"]".into()),
        (Rule::JsonBom, "{\"\u{feff}\":1}".into()),
        (Rule::JsonBom, "[\"\\ufeff\"]".into()),
        (
            Rule::JsonReservedKey,
            r#"{"a":"$serde_json::private::Number"}"#.into(),
        ),
        (Rule::JsonReservedKey, r#"{"$serde_json::":1}"#.into()),
        (
            Rule::JsonReservedKey,
            r#"{"serde_json::private::Number":"1"}"#.into(),
        ),
        (Rule::JsonDepth, nested("[", "]", 32)),
        (Rule::JsonDepth, nested("{\"a\":", "}", 32)),
        (
            Rule::JsonDepth,
            format!("[{}]", vec!["[]"; 9_000].join(",")),
        ),
        (Rule::JsonTooManyNodes, array(9_999)),
        (Rule::JsonTooManyKeys, object(1_000)),
        (
            Rule::JsonTooManyKeys,
            format!("[{},{}]", object(1_000), object(1_000)),
        ),
        (Rule::JsonKeyTooLong, key(256)),
        (
            Rule::JsonKeyTooLong,
            format!(r#"{{"{}":1}}"#, "\\u006b".repeat(256)),
        ),
        (
            Rule::JsonStringTooLong,
            format!("\"{}\"", "s".repeat(64 * 1024)),
        ),
        (
            Rule::JsonProtoKey,
            r#"{"proto":1,"__proto":2,"_proto__":3}"#.into(),
        ),
        (Rule::JsonProtoKey, r#"["__proto__"]"#.into()),
        (
            Rule::JsonProtoKey,
            r#"{"prototype":{"constructor":1},"a":{"prototype":1}}"#.into(),
        ),
        (
            Rule::JsonProtoKey,
            r#"{"constructor":[{"prototype":1}]}"#.into(),
        ),
        (
            Rule::JsonProtoKey,
            r#"{"constructor":{"a":{"prototype":1}}}"#.into(),
        ),
        (Rule::JsonProtoKey, r#"{"constructor":"prototype"}"#.into()),
        (Rule::JsonProtoKey, r#"{"__PROTO__":1}"#.into()),
        (
            Rule::JsonDuplicateKey,
            r#"{"a":{"a":1},"b":{"a":1}}"#.into(),
        ),
        (Rule::JsonDuplicateKey, r#"[{"a":1},{"a":1}]"#.into()),
        (Rule::JsonDuplicateKey, r#"{"a":1,"A":1,"":1," ":1}"#.into()),
        (Rule::JsonDuplicateKey, r#"{"\\u0061":1,"a":1}"#.into()),
        (Rule::JsonDuplicateKey, r#"{"\u00e9":1,"e\u0301":1}"#.into()),
        (Rule::JsonNul, r#"["\\u0000", "\u0030", "\u2400"]"#.into()),
        (
            Rule::JsonControl,
            r#"["\t\r\n\u0009\u000A\u000d \u0080"]"#.into(),
        ),
        (Rule::JsonControl, "{\"\\t\":\"\u{80}~\"}".into()),
        (
            Rule::JsonOperatorKey,
            r#"{"$ref":1,"\u0024gt":2,"a$":3}"#.into(),
        ),
    ];
    for (of, text) in rows {
        let shown = &text[..text.len().min(60)];
        assert_eq!(strict(&text), Ok(()), "{of}: {shown}");
        assert_eq!(compatible(&text), Ok(()), "{of}: {shown}");
    }
}

/// The strict preset refuses it; the compatible one lets it pass, by a report or a higher limit.
#[test]
fn the_strict_preset_refuses_more() {
    let string = |length: usize| format!("\"{}\"", "s".repeat(length));
    let rows: Vec<(Rule, String)> = vec![
        (Rule::JsonDuplicateKey, r#"{"a":1,"a":1}"#.into()),
        (Rule::JsonDuplicateKey, r#"{"a":1,"b":2,"\u0061":3}"#.into()),
        (
            Rule::JsonDuplicateKey,
            "[{\"x\":{\"\\u00e9\":1,\"\u{e9}\":2}}]".into(),
        ),
        (Rule::JsonDuplicateKey, r#"{"":1,"":2}"#.into()),
        (Rule::JsonDuplicateKey, r#"{"a":{},"a":{}}"#.into()),
        (Rule::JsonNul, r#""\u0000""#.into()),
        (Rule::JsonNul, r#"{"a":["x\u0000"]}"#.into()),
        (Rule::JsonNul, r#"{"\u0000":1}"#.into()),
        (Rule::JsonNul, r#"["\u0001\u0000"]"#.into()),
        (Rule::JsonControl, r#"["\u001b[31m"]"#.into()),
        (Rule::JsonControl, r#"["\b"]"#.into()),
        (Rule::JsonControl, "[\"a\u{7f}\"]".into()),
        (Rule::JsonControl, r#"["\u007f"]"#.into()),
        (Rule::JsonControl, "{\"a\u{7f}\":1}".into()),
        (Rule::JsonControl, r#"{"\f":1}"#.into()),
        (Rule::JsonDepth, nested("[", "]", 33)),
        (Rule::JsonDepth, nested("{\"a\":", "}", 64)),
        (Rule::JsonDepth, nested("[{\"a\":", "}]", 17)),
        (
            Rule::JsonTooManyNodes,
            format!("[{},{}]", array(5_000), array(4_998)),
        ),
        (
            Rule::JsonTooManyNodes,
            format!("[{}]", vec!["{}"; 10_000].join(",")),
        ),
        (
            Rule::JsonTooManyNodes,
            format!("[{}]", vec![r#"{"a":"b"}"#; 5_000].join(",")),
        ),
        (Rule::JsonTooManyKeys, object(1_001)),
        (Rule::JsonKeyTooLong, key(257)),
        (Rule::JsonKeyTooLong, key(1_024)),
        (Rule::JsonStringTooLong, string(64 * 1024 + 1)),
        (Rule::JsonStringTooLong, format!("[{}]", string(100_000))),
        (
            Rule::JsonStringTooLong,
            format!(r#"{{"a":"\n{}"}}"#, "s".repeat(64 * 1024)),
        ),
    ];
    for (expected, text) in rows {
        let shown = &text[..text.len().min(60)];
        assert_eq!(rule(&strict(&text)), Some(expected), "{shown}");
        assert_eq!(compatible(&text), Ok(()), "{shown}");
        if !expected.is_core() {
            let relaxed = JsonRules::strict().relax(expected);
            let relaxed = relaxed.relax(Rule::JsonControl).check(text.as_bytes());
            assert_eq!(relaxed, Ok(()), "{shown}");
            let refusing = JsonRules::compatible().reject(expected);
            assert_eq!(
                rule(&refusing.check(text.as_bytes())),
                Some(expected),
                "{shown}"
            );
        }
    }
}

#[test]
fn each_limit_has_two_sides() {
    type Limit = fn(JsonRules, usize) -> JsonRules;
    let rows: &[(Rule, Limit, usize, &str)] = &[
        (Rule::JsonDepth, JsonRules::max_depth, 3, r#"[{"a":[7]}]"#),
        (Rule::JsonDepth, JsonRules::max_depth, 1, "[1.5,-2]"),
        (
            Rule::JsonTooManyNodes,
            JsonRules::max_nodes,
            7,
            r#"[1,-2,3e4,"a",true,{}]"#,
        ),
        (Rule::JsonTooManyNodes, JsonRules::max_nodes, 1, "null"),
        (
            Rule::JsonTooManyKeys,
            JsonRules::max_keys,
            2,
            r#"{"a":{"b":1,"c":2}}"#,
        ),
        (
            Rule::JsonArrayTooLong,
            JsonRules::max_array_len,
            3,
            "[[],[1,2,3]]",
        ),
        (
            Rule::JsonKeyTooLong,
            JsonRules::max_key_len,
            2,
            r#"{"\u00e9":"abc"}"#,
        ),
        (
            Rule::JsonStringTooLong,
            JsonRules::max_string_len,
            4,
            r#"{"abcdef":"\ud83d\ude00"}"#,
        ),
        (
            Rule::JsonStringTooLong,
            JsonRules::max_string_len,
            4,
            "[\"\u{1f600}\"]",
        ),
    ];
    for (expected, limit, most, text) in rows {
        for rules in [JsonRules::strict(), JsonRules::compatible()] {
            let at = limit(rules.clone(), *most).check(text.as_bytes());
            assert_eq!(at, Ok(()), "{expected}: {text}");
            let below = limit(rules, most - 1).check(text.as_bytes());
            assert_eq!(rule(&below), Some(*expected), "{text}");
        }
    }
}

#[test]
fn operator_keys_are_refused_when_it_is_asked_for() {
    for text in [
        r#"{"a":{"$gt":""}}"#,
        r#"{"a":{"\u0024gt":""}}"#,
        r#"[{"$where":"sleep(1)"}]"#,
        r#"{"$":1}"#,
        r##"{"$ref":"#/a"}"##,
    ] {
        assert_eq!(strict(text), Ok(()), "{text}");
        for rules in [JsonRules::strict(), JsonRules::compatible()] {
            let answer = rules.deny_operator_keys().check(text.as_bytes());
            assert_eq!(rule(&answer), Some(Rule::JsonOperatorKey), "{text}");
        }
    }
    for text in [r#"{"a$gt":"$x"}"#, r#"["$gt"]"#, r#"{"a":"$","":1}"#] {
        let answer = JsonRules::strict()
            .deny_operator_keys()
            .check(text.as_bytes());
        assert_eq!(answer, Ok(()), "{text}");
    }
}

/// Two rules on one key or string: the one that stands first among all rules decides.
#[test]
fn the_first_rule_decides() {
    let long = format!(r#"{{"a":1,"$serde_json::private{}":2}}"#, "k".repeat(1_024));
    let rows = [
        (long.as_str(), Rule::JsonReservedKey),
        (r#"{"__proto__":1,"__proto__":2}"#, Rule::JsonProtoKey),
        (r#"{"\u0000":1,"\u0000":2}"#, Rule::JsonNul),
        (r#"{"\u0001\u0000":1}"#, Rule::JsonNul),
        (r#"{"a":1,"a":2"#, Rule::JsonDuplicateKey),
    ];
    for (text, expected) in rows {
        assert_eq!(rule(&strict(text)), Some(expected), "{text}");
    }
    let relaxed = JsonRules::strict().relax(Rule::JsonNul);
    let answer = relaxed.check(br#"{"\u0000":1,"\u0000":2}"#);
    assert_eq!(rule(&answer), Some(Rule::JsonDuplicateKey));
}

#[test]
fn a_violation_says_where() {
    // The text, and what of it is pointed at.
    let rows = [
        (r#"{"a":[0,{"b":1, "b":2}]}"#, "b", 17, "/a/1/b"),
        (r#"{"a/b":{"~":"x\u0000" }}"#, r"x\u0000", 13, "/a~1b/~0"),
        ("[\"a\",\n \"x\\\"\\u0001\"]", "x\\\"\\u0001", 8, "/1"),
        (
            "{\"x\":1,\n\"\\u005f_proto__\" : 2}",
            r"\u005f_proto__",
            9,
            "/__proto__",
        ),
        ("[\"\u{7f}\"]", "\u{7f}", 2, "/0"),
    ];
    for (text, piece, at, field) in rows {
        let refused = strict(text).expect_err(text);
        assert_eq!(refused.part(), Part::Body);
        assert_eq!((refused.at(), refused.field()), (at, Some(field)), "{text}");
        assert_eq!(&text[refused.at()..][..refused.len()], piece, "{text}");
    }
    for (text, at) in [("[1,", 3), ("{\"a\":x}", 6), ("[]\n\n x", 6), ("", 0)] {
        let refused = strict(text).expect_err(text);
        assert_eq!(refused.rule(), Rule::JsonSyntax, "{text}");
        assert_eq!((refused.at(), refused.len()), (at, 0), "{text}");
        assert_eq!(refused.field(), None, "{text}");
    }
    let bom = strict("\u{feff}{}").expect_err("a mark");
    assert_eq!((bom.at(), bom.len()), (0, 3));
}

/// Keys that are many are compared by another way than keys that are few.
#[test]
fn a_repeated_key_is_found_among_many() {
    for keys in [1, 2, 16, 31, 32, 33, 34, 64, 999] {
        let text = object(keys);
        let body = text.strip_suffix('}').expect("an object");
        for known in [0, keys / 2, keys - 1] {
            for spelled in [format!("k{known}"), format!("\\u006b{known}")] {
                let again = format!("{body},\"{spelled}\":1}}");
                assert_eq!(
                    rule(&strict(&again)),
                    Some(Rule::JsonDuplicateKey),
                    "{again}"
                );
                // Within other open objects of as many keys.
                let within = format!("{body},\"in\":{body},\"in\":{again}}}}}");
                assert_eq!(
                    rule(&strict(&within)),
                    Some(Rule::JsonDuplicateKey),
                    "{keys}"
                );
            }
        }
        let twice = format!("[{text},{text},{body},\"in\":{text}}}]");
        assert_eq!(strict(&twice), Ok(()), "{keys}");
    }
}

/// Each letter raw or escaped, by digits of either case.
#[test]
fn denied_keys_are_found_in_every_spelling() {
    let rows = [
        ("__proto__", Rule::JsonProtoKey),
        ("$gt", Rule::JsonOperatorKey),
        ("twice", Rule::JsonDuplicateKey),
    ];
    let rules = JsonRules::strict().deny_operator_keys();
    for (name, expected) in rows {
        for raw in 0..1_u32 << name.len() {
            for upper in [false, true] {
                let letter = |(at, char): (usize, char)| match (raw >> at & 1, upper) {
                    (1, _) => char.to_string(),
                    (_, true) => format!("\\u{:04X}", u32::from(char)),
                    (_, false) => format!("\\u{:04x}", u32::from(char)),
                };
                let key = name.chars().enumerate().map(letter).collect::<String>();
                let text = format!(r#"{{"twice":1,"a":[{{"twice":0}}],"{key}":2}}"#);
                assert_eq!(
                    rule(&rules.check(text.as_bytes())),
                    Some(expected),
                    "{text}"
                );
            }
        }
    }
}

/// With the feature `arbitrary_precision` of its own, the parser passes numbers as objects.
#[test]
fn numbers_are_values_and_no_objects() {
    let numbers = "0 -0 1 -1 1.5 1e3 1E-3 123456789012345678901234567890 -1.0e+2 0.1";
    for number in numbers.split(' ') {
        let text = format!(r#"[{number},{{"a":{number}}}]"#);
        let rules = JsonRules::strict()
            .max_depth(2)
            .max_nodes(4)
            .max_keys(1)
            .max_key_len(1);
        assert_eq!(rules.check(text.as_bytes()), Ok(()), "{text}");
        let rules = rules.max_nodes(3);
        assert_eq!(
            rule(&rules.check(text.as_bytes())),
            Some(Rule::JsonTooManyNodes)
        );
    }
    let rules = JsonRules::syntax_only().max_depth(1).deny_operator_keys();
    assert_eq!(rules.check(b"[1,2.5]"), Ok(()));
    let real = br#"{"$serde_json::private::Number":"7"}"#;
    assert_eq!(rule(&rules.check(real)), Some(Rule::JsonReservedKey));
}
