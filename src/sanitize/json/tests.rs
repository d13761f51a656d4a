use super::*;
use crate::sanitize::Rule;

fn fields(pointers: &[&str]) -> Fields {
    let pointers = pointers
        .iter()
        .map(|text| Pointer::parse(text).expect("a pointer"));
    Fields::new(&pointers.collect::<Vec<_>>())
}

/// The fields that are found, each with its text.
fn found(text: &str, pointers: &[&str]) -> Vec<(usize, String)> {
    all_found(text, pointers).0
}

/// The same, and those that may be fields by their places.
fn all_found(text: &str, pointers: &[&str]) -> (Vec<(usize, String)>, Vec<(usize, String)>) {
    let (mut named, mut placed) = (Vec::new(), Vec::new());
    visit(text.as_bytes(), &fields(pointers), |field, found| {
        let (list, found) = match found {
            Found::Text(string) => (&mut named, string.decode().expect("a string").into_owned()),
            Found::Placed(string) => (&mut placed, string.decode().expect("a string").into_owned()),
            Found::Scalar => (&mut named, "scalar".to_owned()),
            Found::Container => (&mut named, "container".to_owned()),
        };
        list.push((field, found));
        Ok(())
    })
    .expect("nothing is refused");
    (named, placed)
}

#[test]
fn a_pointer_leads_to_its_fields_and_no_others() {
    let text = r#"{
        "a": "1", "b": {"a": "2", "c": ["3", "4", {"a": "5"}], "": "6"}, "a/b": "7", "m~n": "8",
        "c": [["9"], "10", {"d": "11"}], "\u0061b": "12", "0": "13", "e": 14, "f": null, "*": "15", "01": "16", "a": "17"
    }"#;
    let rows: &[(&[&str], &[(usize, &str)])] = &[
        (&["/a"], &[(0, "1"), (0, "17")]),
        (&["/b/a"], &[(0, "2")]),
        (&["/b/c/0"], &[(0, "3")]),
        (&["/b/c/*"], &[(0, "3"), (0, "4"), (0, "container")]),
        (&["/b/c/*/a"], &[(0, "5")]),
        (&["/*/c/2/a"], &[(0, "5")]),
        (&["/b/"], &[(0, "6")]),
        (&["/a~1b"], &[(0, "7")]),
        (&["/m~0n"], &[(0, "8")]),
        (
            &["/c/0/0", "/c/1", "/c/2/d"],
            &[(0, "9"), (1, "10"), (2, "11")],
        ),
        (&["/c/00/0", "/c/3", "/c/-"], &[]),
        (&["/ab"], &[(0, "12")]),
        (&["/0"], &[(0, "13")]),
        (&["/e", "/f"], &[(0, "scalar"), (1, "scalar")]),
        (&["/b"], &[(0, "container")]),
        (&["/nothing", "/a/b", "/e/0"], &[]),
        // The one that names a step goes before.
        (&["/b/*/0", "/b/c/0"], &[(1, "3")]),
        (
            &["/*/c/*", "/b/*/1"],
            &[(0, "3"), (1, "4"), (0, "container")],
        ),
    ];
    for (pointers, expected) in rows {
        let expected = expected
            .iter()
            .map(|(field, text)| (*field, (*text).to_owned()));
        let mut expected = expected.collect::<Vec<_>>();
        let mut found = found(text, pointers);
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "{pointers:?}");
    }
}

/// What `serde` reads as `{"a": ..}` can be an array: the field is one of its values.
#[test]
fn in_an_array_any_string_as_deep_may_be_the_field() {
    let rows: &[(&str, &[&str], &[(usize, &str)])] = &[
        (r#"["1", 2, ["3"], {"a": "4"}]"#, &["/a"], &[(0, "1")]),
        (r#"{"a": ["1", {"b": "2"}]}"#, &["/a/b"], &[(0, "1")]),
        (
            r#"[["1", 2], {"b": "3", "c": "4"}, "5", [["6"]]]"#,
            &["/a/b"],
            &[(0, "1"), (0, "3")],
        ),
        (r#"{"a": [["1", "2"]]}"#, &["/a/*/b"], &[(0, "1"), (0, "2")]),
        (
            r#"[[{"b": "1"}, ["2"]], 3]"#,
            &["/a/*/b"],
            &[(0, "1"), (0, "2")],
        ),
        (r#"["1"]"#, &["/a", "/b"], &[(0, "1")]),
        // An index leads to its place and to no other, and what is named stays what it is.
        (r#"["1", "2"]"#, &["/0"], &[]),
        (r#"["1", "2"]"#, &["/*", "/a"], &[]),
        (r#"{"b": ["1"], "c": {"a": "2"}}"#, &["/a"], &[]),
    ];
    for (text, pointers, expected) in rows {
        let placed = all_found(text, pointers).1;
        let placed: Vec<_> = placed.iter().map(|(at, text)| (*at, &**text)).collect();
        assert_eq!(placed, *expected, "{text}");
    }
}

#[test]
fn a_document_without_fields_is_walked_too() {
    for text in ["1", "\"a\"", "[]", "{}", "[[], {}, [{}]]", " null "] {
        assert_eq!(found(text, &["/a", "/0/a"]), [], "{text}");
        assert_eq!(found(text, &[]), [], "{text}");
    }
}

/// Takes out what stands between `<` and `>`.
fn without_tags(_: usize, text: &str) -> Result<Option<String>, Rule> {
    let mut kept = String::new();
    let mut is_tag = false;
    for char in text.chars() {
        match char {
            '<' => is_tag = true,
            '>' if is_tag => is_tag = false,
            _ if !is_tag => kept.push(char),
            _ => {}
        }
    }
    Ok((kept != text).then_some(kept))
}

#[test]
fn the_bytes_around_a_changed_field_stay() {
    let rows = [
        (
            "{\"a\" : \"x<b>y\" ,\n\t\"n\":1.0e+2,\"b\":\"<i>\"}",
            "{\"a\" : \"xy\" ,\n\t\"n\":1.0e+2,\"b\":\"<i>\"}",
        ),
        // Escaped, by either case, and beside other escapes.
        (r#"{"a":"\u003cb>\n\u00e4\/"}"#, "{\"a\":\"\\n\u{e4}/\"}"),
        (r#"{"a":"\u003Cb>"}"#, r#"{"a":""}"#),
        // Each occurrence of a repeated key.
        (
            r#"{"a":"<b>1","a":"2","a":"<b>3"}"#,
            r#"{"a":"1","a":"2","a":"3"}"#,
        ),
        (r#"{"\u0061":"<b>1"}"#, r#"{"\u0061":"1"}"#),
        // What has to be escaped is.
        (
            r#"{"a":"<b>\"\\\u0000\ud83d\ude00"}"#,
            "{\"a\":\"\\\"\\\\\\u0000\u{1f600}\"}",
        ),
    ];
    for (text, expected) in rows {
        let answer = rewrite(text.as_bytes(), &fields(&["/a"]), without_tags);
        let answer = answer.expect("it is text").expect("it changes");
        assert_eq!(String::from_utf8(answer.body).expect("UTF-8"), expected);
        assert_eq!(answer.changed, [0]);
    }
}

#[test]
fn an_unchanged_document_does_not_come_back() {
    let rows = [
        r#"{"a":"x"}"#,
        r#"{"a":"a > b & c"}"#,
        r#"{"a":"\u003e\\u003c"}"#,
        r#"{"b":"<b>"}"#,
        r#"{"a":7}"#,
        r#"{"a":null}"#,
        r#"["b", ["<b>"], {"b": "<b>"}]"#,
    ];
    for text in rows {
        let answer = rewrite(text.as_bytes(), &fields(&["/a"]), without_tags);
        assert_eq!(answer, Ok(None), "{text}");
    }
    let placed = rewrite(br#"["<b>"]"#, &fields(&["/a"]), without_tags);
    let refused = placed.expect_err("it may be the field");
    assert_eq!(
        (refused.rule(), refused.field()),
        (Rule::HtmlFieldNotText, Some("/0"))
    );
    let same = |_: usize, text: &str| Ok(Some(text.to_owned()));
    let answer = rewrite(br#"{"a":"\u003cb>"}"#, &fields(&["/a"]), same);
    assert_eq!(answer, Ok(None));
}

#[test]
fn the_fields_that_changed_are_named_once_each() {
    let text = br#"{"c":["<i>","<i>","x"],"b":"<i>","a":"x"}"#;
    let answer = rewrite(text, &fields(&["/a", "/b", "/c/*"]), without_tags);
    let answer = answer.expect("it is text").expect("it changes");
    assert_eq!(answer.changed, [1, 2]);
    assert_eq!(answer.body, br#"{"c":["","","x"],"b":"","a":"x"}"#);
}

#[test]
fn what_cannot_be_cleaned_is_refused_with_its_place() {
    let rows = [
        (r#"{"x":{"a":["<b>"]}}"#, Rule::HtmlFieldNotText, "/x/a"),
        (r#"{"x":{"a":{"b":"<b>"}}}"#, Rule::HtmlFieldNotText, "/x/a"),
        (r#"[0,{"a":"<p>"}]"#, Rule::HtmlTooCostly, "/1/a"),
    ];
    let refuse = |_: usize, _: &str| Err(Rule::HtmlTooCostly);
    for (text, rule, field) in rows {
        let refused = rewrite(text.as_bytes(), &fields(&["/*/a"]), refuse);
        let refused = refused.expect_err("it is refused");
        assert_eq!(
            (refused.rule(), refused.field()),
            (rule, Some(field)),
            "{text}"
        );
    }
    let text = br#"[0,{"a":"<p>"}]"#;
    let refused = rewrite(text, &fields(&["/*/a"]), refuse).expect_err("it is refused");
    assert_eq!(&text[refused.at()..][..refused.len()], br#""<p>""#);
}
