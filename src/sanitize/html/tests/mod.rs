//! Tests of cleaning.

use super::tag_state::Tags;
use super::*;
use crate::core::{ConfigErrorKind, ErrorClass};

mod policy;

fn clean(policy: HtmlPolicy, html: &str) -> String {
    policy.build().unwrap().clean(html).unwrap().into_owned()
}

/// What is at a cap passes, what is above it does not.
#[test]
fn both_sides_of_each_cap() {
    let attributes = |count: usize| -> String {
        let attributes: String = (0..count).map(|number| format!(" a{number}")).collect();
        format!("<b{attributes}>")
    };
    let bold =
        |count: usize| -> String { (0..count).map(|number| format!("<b x={number}>")).collect() };
    let rows: [(HtmlError, String, String); 9] = [
        (
            HtmlError::TooLarge,
            format!("<p>{}", "x".repeat(65_533)),
            format!("<p>{}", "x".repeat(65_534)),
        ),
        (
            HtmlError::TooManyTags,
            "<br>".repeat(1_000),
            "<br>".repeat(1_001),
        ),
        (
            HtmlError::TagTooLong,
            format!("<b title={}>", "x".repeat(8_182)),
            format!("<b title={}>", "x".repeat(8_183)),
        ),
        (
            HtmlError::TagTooLong,
            format!("<b title=\"{}\">", "<".repeat(999)),
            format!("<b title=\"{}\">", "> ".repeat(4_091)),
        ),
        (HtmlError::TooManyAttributes, attributes(64), attributes(65)),
        (
            HtmlError::TooManyEntities,
            format!("<p>{}", "&".repeat(4_000)),
            format!("<p>{}", "&".repeat(4_001)),
        ),
        (
            HtmlError::TooManyEntities,
            format!("<p>{}", "\u{a0}".repeat(4_000)),
            format!("<p>{}", "\u{a0}".repeat(4_001)),
        ),
        // 125 * 126 = 15,750; 126 * 127 = 16,002.
        (HtmlError::TooCostly, bold(125), bold(126)),
        // (997 + 3) * (1 + 3 * 5) = 16,000.
        (
            HtmlError::TooCostly,
            format!(
                "{}{}",
                "<b></b><i></i><u></u><s></s><em></em>".repeat(3),
                "<br>".repeat(970)
            ),
            format!(
                "{}<tt>{}",
                "<b></b><i></i><u></u><s></s><em></em>".repeat(3),
                "<br>".repeat(969)
            ),
        ),
    ];
    let cleaner = HtmlPolicy::ugc().build().unwrap();
    for (error, within, above) in rows {
        let shape: String = within.chars().take(40).collect();
        assert!(cleaner.clean(&within).is_ok(), "{error}, {shape}");
        assert_eq!(cleaner.clean(&above), Err(error), "{shape}");
    }
    // Nothing is parsed without `<`.
    assert!(cleaner.clean(&"&>".repeat(100_000)).is_ok());
}

/// A parser keeps three elements open that are alike, in their attributes too.
#[test]
fn formatting_that_is_alike_costs_little() {
    let cleaner = HtmlPolicy::ugc().build().unwrap();
    let article = |code: fn(usize) -> String| -> String {
        (0..200)
            .map(|number| format!("<p>{}x</code></p>", code(number)))
            .collect()
    };
    let rows: [(fn(usize) -> String, bool); 6] = [
        (|_| "<code>".to_owned(), true),
        (|_| "<code class=\"inline\">".to_owned(), true),
        (|_| "<code class='a > b'>".to_owned(), true),
        (|number| format!("<code class=\"n{number}\">"), false),
        // As far as the first `>` they are alike.
        (|number| format!("<code class='>{number}'>"), false),
        // Too long to be compared.
        (|_| format!("<code class=\"{}\">", "x".repeat(250)), false),
    ];
    for (code, passes) in rows {
        let cleaned = cleaner.clean(&article(code)).map(|_| ());
        let expected = if passes {
            Ok(())
        } else {
            Err(HtmlError::TooCostly)
        };
        assert_eq!(cleaned, expected, "{}", code(1));
    }
}

#[test]
fn a_result_is_bounded() {
    let cleaner = HtmlPolicy::ugc().build().unwrap();
    // `>` is four bytes in the result, and has to be read once more.
    let signs = |count: usize| format!("<p>{}", ">".repeat(count));
    assert!(cleaner.clean(&signs(8_000)).is_ok());
    assert_eq!(
        cleaner.clean(&signs(8_001)),
        Err(HtmlError::TooManyEntities)
    );
    let caps = HtmlCaps::new().output(17);
    assert!(cleaner.clean_with("<p>xxxxxxxxxx", &caps).is_ok());
    assert_eq!(
        cleaner.clean_with("<p>xxxxxxxxxxx", &caps),
        Err(HtmlError::OutputTooLarge)
    );
    // 15 open formatting elements in each of 900 rows: 27,000 tags of 900.
    let table = format!(
        "<table>{}{}",
        "<b><i><u><s><em>".repeat(3),
        "x<tr>".repeat(900)
    );
    assert_eq!(cleaner.clean(&table), Err(HtmlError::TooCostly));
}

/// Each of these is within its own cap, and all of them are not.
#[test]
fn everything_at_once_is_too_much() {
    let cleaner = HtmlPolicy::ugc().build().unwrap();
    let nested = "<details>".repeat(900);
    let signs = "&xxxxxxxxxxx".repeat(4_000);
    assert!(cleaner.clean(&nested).is_ok());
    assert!(cleaner.clean(&format!("<p>{signs}")).is_ok());
    assert_eq!(
        cleaner.clean(&format!("{nested}{signs}")),
        Err(HtmlError::TooCostly)
    );
    // As much of each as an article of 64 KB has, with links, quotations and code.
    let paragraph = "<p>\u{ab}\u{a0}Words\u{a0}\u{bb} &amp; <b>more</b> <code class=\"a\">words</code>, <em>even</em> \
        <a href=\"https://example.com/page\">more</a> ".to_owned() + &"of them, ".repeat(56) + "</p>\n";
    let article = paragraph.repeat(100);
    assert!(article.len() > 62_000, "{}", article.len());
    assert!(cleaner.clean(&article).is_ok());
}

#[test]
fn caps_of_ones_own() {
    let cleaner = HtmlPolicy::ugc().build().unwrap();
    let rows = [
        (HtmlCaps::new().bytes(3), HtmlError::TooLarge),
        (HtmlCaps::new().tags(1), HtmlError::TooManyTags),
        (HtmlCaps::new().tag_bytes(7), HtmlError::TagTooLong),
        (HtmlCaps::new().attributes(0), HtmlError::TooManyAttributes),
        (HtmlCaps::new().entities(0), HtmlError::TooManyEntities),
        (HtmlCaps::new().cost(3), HtmlError::TooCostly),
        (HtmlCaps::new().work(1), HtmlError::TooCostly),
        (HtmlCaps::new().output(5), HtmlError::OutputTooLarge),
    ];
    let html = "<b lang>&</b>";
    assert!(cleaner.clean(html).is_ok());
    for (caps, error) in rows {
        assert_eq!(cleaner.clean_with(html, &caps), Err(error), "{caps:?}");
    }
}

#[test]
fn a_request_has_twice_what_a_field_has() {
    let cleaner = HtmlPolicy::ugc().build().unwrap();
    let rows = [
        (
            format!("<p>{}</p>", "x".repeat(65_529)),
            HtmlError::TooLarge,
        ),
        (
            format!("<p>{}</p>", "&".repeat(4_000)),
            HtmlError::TooManyEntities,
        ),
        (
            "<b></b><i></i><u></u><s></s><em></em>".repeat(3) + &"<br>".repeat(970),
            HtmlError::TooCostly,
        ),
    ];
    for (field, error) in rows {
        let mut budget = HtmlBudget::default();
        assert!(cleaner.clean_field(&field, &mut budget).is_ok(), "{error}");
        assert!(cleaner.clean_field(&field, &mut budget).is_ok(), "{error}");
        assert_eq!(cleaner.clean_field("<p>&", &mut budget), Err(error));
        assert_eq!(cleaner.clean_field("no HTML &", &mut budget), Ok(None));
    }
}

/// The attributes and the length of a tag as the tokenizer counts them, from whatever stands before it.
#[test]
fn a_tag_is_read_as_the_tokenizer_reads_it() {
    // A tag, its attributes, and its length without what follows.
    let rows = [
        ("<b>", 0, 3),
        ("<b x>", 1, 5),
        ("<b/x>", 1, 5),
        ("<b x=1 y='2' z=\"3\">", 3, 19),
        ("<b x = 1>", 1, 9),
        ("<b x='>'>", 1, 9),
        ("<b x=\">\" y>", 2, 11),
        ("<b x=>y>", 1, 6),
        ("<b ='a b'>", 2, 10),
        ("<b x='a'y='b'>", 2, 14),
        ("<b x=a'b c>", 2, 11),
        ("<b x=a/b>", 1, 9),
        ("<b / / x>", 1, 9),
        ("</b>", 0, 4),
        ("</b x y>", 2, 8),
        ("</b =\" \">", 2, 9),
        ("<b\tx\ny\x0cz\rw>", 4, 11),
        ("<b<c d>", 1, 7),
    ];
    let before = ["", "<!--", "\"", "'", "<script>", "<x y='", "<x y=\"z"];
    for (tag, attributes, length) in rows {
        let within =
            |text: &str, length, attributes| Tags::within(text.as_bytes(), length, attributes);
        assert_eq!(within(tag, length, 99), Ok(()), "{tag}");
        assert_eq!(
            within(tag, length - 1, 99),
            Err(HtmlError::TagTooLong),
            "{tag}"
        );
        assert_eq!(within(tag, 99, attributes), Ok(()), "{tag}");
        if attributes > 0 {
            for before in before {
                let found = within(&format!("{before}{tag}"), 99, attributes - 1);
                assert_eq!(found, Err(HtmlError::TooManyAttributes), "{before}{tag}");
            }
        }
    }
    for text in [
        "a < b and c",
        "<!-- a b c -->",
        "<1 a b c>",
        "</1 a b c>",
        "<",
        "</",
    ] {
        assert_eq!(Tags::within(text.as_bytes(), 3, 0), Ok(()), "{text}");
    }
}

#[test]
fn line_feeds_of_preformatted_text_stay() {
    for (html, expected) in [
        ("<pre>\n\nx</pre>", "<pre>\n\nx</pre>"),
        ("<pre>\nx</pre>", "<pre>x</pre>"),
        (
            "<pre lang=a>\n\n\n<b>x</pre>",
            "<pre lang=\"a\">\n\n\n<b>x</b></pre>",
        ),
        (
            "<pre title='>'>\n\nx</pre>",
            "<pre title=\"&gt;\">\n\nx</pre>",
        ),
        ("<p>&lt;pre>\n</p>", "<p>&lt;pre&gt;\n</p>"),
        (
            "<p title='<pre>\n'>x</p>",
            "<p title=\"&lt;pre&gt;\n\">x</p>",
        ),
    ] {
        assert_eq!(clean(HtmlPolicy::ugc(), html), expected, "{html}");
    }
}

/// A paragraph in an object in a paragraph is two paragraphs without the object.
#[test]
fn a_result_stays_as_it_is() {
    let cleaner = HtmlPolicy::ugc().build().unwrap();
    for (html, expected) in [
        ("<p><object><p>x</object>y", "<p></p><p>x</p>y<p></p>"),
        ("<ul><li><section><li>x", "<ul><li></li><li>x</li></ul>"),
        ("<a href=/1><table><td><a href=/2>x", ""),
        ("<h1><form><h2>x", ""),
    ] {
        let cleaned = cleaner.clean(html).unwrap();
        if !expected.is_empty() {
            assert_eq!(cleaned, expected, "{html}");
        }
        assert_eq!(cleaner.clean(&cleaned).unwrap(), cleaned, "{html}");
    }
}

#[test]
fn errors_name_the_rule_alone() {
    for error in [
        HtmlError::OutputTooLarge,
        HtmlError::TagTooLong,
        HtmlError::TooCostly,
        HtmlError::TooLarge,
        HtmlError::TooManyAttributes,
        HtmlError::TooManyEntities,
        HtmlError::TooManyTags,
    ] {
        assert_eq!(error.to_string(), error.rule().as_str());
        assert_eq!(error.rule().status(), 422);
    }
    let read = serde_json::from_str::<SafeHtml>(&format!("\"{}\"", "<p>secret".repeat(1_001)));
    let message = read.unwrap_err().to_string();
    assert!(
        message.starts_with("html_too_many_tags") && !message.contains("secret"),
        "{message}"
    );
}

#[test]
fn safe_html_is_read_cleaned_and_written_plain() {
    let read: SafeHtml<Basic> = serde_json::from_str("\"<b onclick=x>1</b><h1>2</h1>\"").unwrap();
    assert_eq!(read.as_html(), "<b>1</b>2");
    assert_eq!(serde_json::to_string(&read).unwrap(), "\"<b>1</b>2\"");
    assert_eq!(read.to_string(), "<b>1</b>2");
    assert_eq!(read.into_string(), "<b>1</b>2");
    let text: SafeHtml<TextOnly> = serde_json::from_str("\"<b>1</b> & 2\"").unwrap();
    assert_eq!(text.as_html(), "1 &amp; 2");
    let trusted = SafeHtml::<Ugc>::dangerous_from_trusted("<script>own()</script>".to_owned());
    assert_eq!(trusted.as_html(), "<script>own()</script>");
    assert_ne!(trusted, SafeHtml::clean("<script>own()</script>").unwrap());
}
