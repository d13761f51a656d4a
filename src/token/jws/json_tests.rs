use std::collections::HashSet;

use proptest::prelude::*;
use serde::de::{Deserializer as _, MapAccess, Visitor};

use super::*;

const WIDE: Limits = Limits {
    members: 1000,
    depth: 100,
};

/// Names and values in one form for both readers.
type Members = Vec<(String, serde_json::Value)>;

fn ours(text: &[u8], limits: Limits) -> Result<Members, JsonError> {
    let mut members = Vec::new();
    object(text, limits, |name, value| {
        members.push((name.to_owned(), plain(value)));
        Ok::<_, JsonError>(())
    })?;
    Ok(members)
}

fn plain(value: Value<'_>) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => value.into(),
        Value::Number(number) => number.value().into(),
        Value::String(text) => text.unescaped().into_owned().into(),
        Value::Array(array) => {
            let mut values = Vec::new();
            let read = array.each(|value| {
                values.push(plain(value));
                Ok::<_, JsonError>(())
            });
            assert_eq!(read, Ok(()));
            values.into()
        }
        // Inside, a member may stand twice, as long as nobody reads it; the last one counts with `serde_json`.
        Value::Object(object) => {
            let mut reader = Reader::new(object.as_str(), 100);
            let mut map = serde_json::Map::new();
            let read = reader.members(|name, value| {
                map.insert(name.unescaped().into_owned(), plain(value));
                Ok::<_, JsonError>(())
            });
            assert_eq!(read, Ok(()));
            map.into()
        }
    }
}

/// What `serde_json` makes of it.
fn theirs(text: &[u8]) -> Result<Members, serde_json::Error> {
    struct Listed;
    impl<'de> Visitor<'de> for Listed {
        type Value = Members;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
            let mut members = Vec::new();
            while let Some((name, value)) = map.next_entry::<String, serde_json::Value>()? {
                members.push((name, as_floats(value)));
            }
            Ok(members)
        }
    }
    let mut reader = serde_json::Deserializer::from_slice(text);
    let members = reader.deserialize_any(Listed)?;
    reader.end().map(|()| members)
}

fn as_floats(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Number(number) => number.as_f64().into(),
        serde_json::Value::Array(values) => values.into_iter().map(as_floats).collect(),
        serde_json::Value::Object(map) => map
            .into_iter()
            .map(|(name, value)| (name, as_floats(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other,
    }
}

fn agree(text: &[u8]) {
    let shown = text.escape_ascii();
    match (ours(text, WIDE), theirs(text)) {
        (Ok(ours), Ok(theirs)) => {
            // Parsing of floats may differ in the last digit.
            let shape = |members: &Members| format!("{members:?}").replace(char::is_numeric, "");
            let is_exact = !shown.to_string().contains(['e', 'E', '.']);
            assert!(
                ours == theirs || !is_exact && shape(&ours) == shape(&theirs),
                "{shown}"
            );
        }
        (Err(JsonError::Syntax), Err(_)) | (Err(JsonError::Depth), _) => {}
        (Err(JsonError::Duplicate), theirs) => {
            // Found before what is wrong behind it.
            if let Ok(theirs) = theirs {
                let names = theirs.iter().map(|(name, _)| name).collect::<HashSet<_>>();
                assert!(names.len() < theirs.len(), "{shown}");
            }
        }
        // A number that has no value there, and an infinite one here.
        (Ok(_), Err(error)) if error.to_string().contains("out of range") => {}
        (ours, theirs) => panic!("{shown}: {ours:?} and {theirs:?}"),
    }
}

#[test]
fn an_object_is_read_or_refused_for_its_reason() {
    use JsonError::{Duplicate, Syntax};
    let rows: &[(&[u8], Result<usize, JsonError>)] = &[
        (b"{}", Ok(0)),
        (b" \t\r\n{ \"a\" : 1 , \"b\" : [ ] } ", Ok(2)),
        (b"", Err(Syntax)),
        (b"null", Err(Syntax)),
        (b"[]", Err(Syntax)),
        (b"\"{}\"", Err(Syntax)),
        (b"1", Err(Syntax)),
        (b"{} {}", Err(Syntax)),
        (b"{}x", Err(Syntax)),
        (b"{}\0", Err(Syntax)),
        (b"\xef\xbb\xbf{}", Err(Syntax)),
        (b"\x0b{}", Err(Syntax)),
        (b"{\"a\":1", Err(Syntax)),
        (b"{\"a\":1,}", Err(Syntax)),
        (b"{,\"a\":1}", Err(Syntax)),
        (b"{\"a\" 1}", Err(Syntax)),
        (b"{a:1}", Err(Syntax)),
        (b"{'a':1}", Err(Syntax)),
        (b"{1:1}", Err(Syntax)),
        (b"{\"a\":}", Err(Syntax)),
        (b"{\"a\":1/**/}", Err(Syntax)),
        (b"{\"a\":1}//", Err(Syntax)),
        (b"{\"a\":[1,]}", Err(Syntax)),
        (b"{\"a\":[,1]}", Err(Syntax)),
        (b"{\"a\":[1 2]}", Err(Syntax)),
        (b"{\"a\":[1}", Err(Syntax)),
        (b"{\"a\":{]}", Err(Syntax)),
        (b"{\"a\":1,\"a\":1}", Err(Duplicate)),
        (b"{\"a\":1,\"\\u0061\":1}", Err(Duplicate)),
        (b"{\"\":1,\"\":1}", Err(Duplicate)),
        (b"{\"\":1,\"a\":1,\"A\":1}", Ok(3)),
        (b"{\"/\":1,\"\\/\":1}", Err(Duplicate)),
        // Once as a character, once as a pair of surrogates.
        (
            b"{\"\xf0\x9f\x98\x80\":1,\"\\ud83d\\uDE00\":1}",
            Err(Duplicate),
        ),
    ];
    for (text, expected) in rows {
        let found = ours(text, WIDE).map(|members| members.len());
        assert_eq!(found, *expected, "{}", text.escape_ascii());
        agree(text);
    }
}

#[test]
fn values_are_read_or_refused() {
    let good: &[(&[u8], serde_json::Value)] = &[
        (b"null", serde_json::Value::Null),
        (b"true", true.into()),
        (b"false", false.into()),
        (b"0", 0.0.into()),
        (b"-0", (-0.0).into()),
        (b"1700000000", 1_700_000_000.0.into()),
        (b"1.9e9", 1_900_000_000.0.into()),
        (b"-12.5E-1", (-1.25).into()),
        (b"1e+2", 100.0.into()),
        (b"\"\"", "".into()),
        (b"\"\xc3\xa9\x7f\"", "\u{e9}\u{7f}".into()),
        (
            b"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\ude00\\u0000.\"",
            "\"\\/\x08\x0c\n\r\t\u{e9}\u{1f600}\0.".into(),
        ),
        // Half a pair is none, and neither are two first halves; U+FFFF is a character.
        (
            b"\"\\uffff\\ud7ff\\ue000\"",
            "\u{ffff}\u{d7ff}\u{e000}".into(),
        ),
    ];
    for (value, expected) in good {
        let text = [b"{\"a\":", *value, b"}"].concat();
        let members = ours(&text, WIDE).unwrap();
        assert_eq!(members, [("a".to_owned(), expected.clone())]);
        agree(&text);
    }
    let bad: &[&[u8]] = &[
        b"nul",
        b"nulll",
        b"True",
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"+1",
        b"01",
        b"-",
        b"-01",
        b"1.",
        b".5",
        b"1.e2",
        b"1e",
        b"1e+",
        b"0x10",
        b"1_0",
        b"1f",
        b"\"",
        b"\"\\\"",
        b"\"\n\"",
        b"\"\0\"",
        b"\"\x1f\"",
        b"\"\\x41\"",
        b"\"\\u12\"",
        b"\"\\u123g\"",
        b"\"\\u+123\"",
        b"\"\\ud800\"",
        b"\"\\ud800\\u0041\"",
        b"\"\\ud800x\"",
        b"\"\\udc00\"",
        b"\"\\ud83d\\ud83d\"",
        b"\"\\U0041\"",
        b"\"\xff\"",
        b"\"\xed\xa0\x80\"",
        b"\"\xc0\xaf\"",
    ];
    for value in bad {
        for nested in [false, true] {
            let (open, close) = if nested { ("[{\"b\":", "}]") } else { ("", "") };
            let text = [b"{\"a\":", open.as_bytes(), value, close.as_bytes(), b"}"].concat();
            assert_eq!(
                ours(&text, WIDE),
                Err(JsonError::Syntax),
                "{}",
                text.escape_ascii()
            );
            agree(&text);
        }
    }
}

#[test]
fn members_and_depth_have_limits() {
    let limits = Limits {
        members: 64,
        depth: 32,
    };
    let wide = |count: usize| {
        let members = (0..count).map(|at| format!("\"m{at}\":{at}"));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    };
    assert_eq!(
        ours(wide(64).as_bytes(), limits).map(|all| all.len()),
        Ok(64)
    );
    assert_eq!(ours(wide(65).as_bytes(), limits), Err(JsonError::Members));
    // Up to 16 names are kept without an allocation.
    for (name, twin) in [(39, 38), (39, 16), (39, 15), (39, 0), (16, 15), (16, 17)] {
        let [name, twin] = [name, twin].map(|at| format!("\"m{at}\""));
        let twice = wide(40).replace(&name, &twin);
        let read = ours(twice.as_bytes(), limits);
        assert_eq!(read, Err(JsonError::Duplicate), "{name} {twin}");
    }

    let deep = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert!(ours(deep(31).as_bytes(), limits).is_ok());
    assert_eq!(ours(deep(32).as_bytes(), limits), Err(JsonError::Depth));
    assert_eq!(
        ours(deep(100_000).as_bytes(), limits),
        Err(JsonError::Depth)
    );
    let beside = format!("{{\"a\":[{}[]]}}", "[[]],".repeat(1000));
    assert!(ours(beside.as_bytes(), limits).is_ok());
}

#[test]
fn a_refusal_of_the_caller_ends_the_reading() {
    let mut seen = Vec::new();
    let answer = object(b"{\"a\":1,\"b\":2,\"c\":3}", WIDE, |name, _| {
        seen.push(name.to_owned());
        if name == "b" {
            Err(JsonError::Members)
        } else {
            Ok(())
        }
    });
    assert_eq!(answer, Err(JsonError::Members));
    assert_eq!(seen, ["a", "b"]);
}

#[test]
fn text_without_escapes_is_borrowed() {
    object(
        b"{\"a\":\"plain\",\"b\":\"esc\\u0061ped\"}",
        WIDE,
        |name, value| {
            let is_borrowed = matches!(value.text(), Some(Cow::Borrowed(_)));
            assert_eq!(is_borrowed, name == "a");
            Ok::<_, JsonError>(())
        },
    )
    .unwrap();
}

#[test]
fn debug_shows_no_value() {
    object(
        b"{\"a\":\"secret\",\"b\":[\"secret\"],\"c\":{\"d\":\"secret\"}}",
        WIDE,
        |_, value| {
            assert!(!format!("{value:?}").contains("secret"), "{value:?}");
            Ok::<_, JsonError>(())
        },
    )
    .unwrap();
}

/// Names that have the same mark, spelled in several ways, and others.
fn names() -> impl Strategy<Value = Vec<&'static str>> {
    let name = prop::sample::select(vec![
        "",
        "\\u0000",
        "a",
        "\\u0061",
        "aa",
        "a-a",
        "\\u0061-a",
        "a-\\u0061",
        "a.a",
        "a--a",
        "ea",
        "iss",
        "\\u0069ss",
        "sub",
        "exp",
        "aud",
        "\u{e9}",
        "\\u00e9",
    ]);
    prop::collection::vec(name, 0..6)
}

/// Pieces of JSON, so that most texts are nearly right.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"a\"",
        "\"b\"",
        "\"\\u0061\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"",
        "\\",
        "\\n",
        "1",
        "-1",
        "0",
        "1.5",
        "1e3",
        "1e999",
        "01",
        ".",
        "-",
        "true",
        "null",
        "nul",
        " ",
        "\n",
        "\u{e9}",
        "\u{0}",
        "\"a\":1",
        ",\"b\":\"x\"",
        "\"c\":[1,{}],",
        "{\"a\":",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn a_name_that_stands_there_twice_is_found_wherever_it_stands(
        before in 0_usize..20,
        first in names(),
        between in 0_usize..20,
        second in names(),
    ) {
        let filler = |from: usize, count: usize| (from..from + count).map(|at| format!("m{at}"));
        let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let all = filler(0, before)
            .chain(owned(first))
            .chain(filler(before, between))
            .chain(owned(second))
            .collect::<Vec<_>>();
        let members = all.iter().map(|name| format!("\"{name}\":0")).collect::<Vec<_>>();
        let text = format!("{{{}}}", members.join(","));
        let read = |name: &String| serde_json::from_str::<String>(&format!("\"{name}\"")).unwrap();
        let different = all.iter().map(read).collect::<HashSet<_>>();
        let expected = if different.len() == all.len() {
            Ok(all.len())
        } else {
            Err(JsonError::Duplicate)
        };
        let found = ours(text.as_bytes(), WIDE).map(|members| members.len());
        prop_assert_eq!(found, expected, "{}", text);
    }

    #[test]
    fn both_readers_agree(inside in pieces(), braces in any::<bool>(), noise in any::<(u8, u8, bool)>()) {
        let mut text = inside;
        if braces {
            text = [b"{", text.as_slice(), b"}"].concat();
        }
        let (at, byte, is_noisy) = noise;
        if is_noisy && !text.is_empty() {
            let at = usize::from(at) % text.len();
            text[at] = byte;
        }
        agree(&text);
    }
}
