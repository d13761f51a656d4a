//! What holds for every text.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::oracle::{faults, presets};

/// Pieces that a tokenizer and a tree builder trip over.
const PIECES: &[&str] = &[
    "<p>",
    "</p>",
    "<b>",
    "</b>",
    "<i x=1>",
    "</i>",
    "<a href=/x>",
    "<a href=javascript:x()>",
    "</a>",
    "<table>",
    "</table>",
    "<tr>",
    "<td>",
    "</td>",
    "<caption>",
    "<li>",
    "<ul>",
    "</ul>",
    "<h1>",
    "<h2>",
    "</h1>",
    "<pre>\n",
    "<pre>\n\n",
    "</pre>",
    "<object>",
    "</object>",
    "<section>",
    "</section>",
    "<svg>",
    "</svg>",
    "<math>",
    "<mtext>",
    "<mglyph>",
    "<foreignObject>",
    "<desc>",
    "<title>",
    "</title>",
    "<style>",
    "</style>",
    "<script>",
    "</script>",
    "<textarea>",
    "</textarea>",
    "<noscript>",
    "</noscript>",
    "<xmp>",
    "</xmp>",
    "<select>",
    "<option>",
    "</select>",
    "<template>",
    "</template>",
    "<form>",
    "</form>",
    "<button>",
    "<nobr>",
    "<marquee>",
    "<br>",
    "</br>",
    "<img src=x>",
    "<details open>",
    "<summary>",
    "<figure>",
    "<!--",
    "-->",
    "--!>",
    "<![CDATA[",
    "]]>",
    "<?",
    "<!",
    "</",
    "<",
    ">",
    "\"",
    "'",
    "=",
    "/",
    "&lt;",
    "&amp",
    "&",
    "&#60;",
    "\u{0}",
    "\u{a0}",
    "\u{e9}",
    "text",
    " ",
    "\n",
    "onclick=x ",
    "title=\"<b>\" ",
    "<frameset>",
    "<body x>",
    "<html>",
    "<col>",
    "<colgroup>",
    "<annotation-xml encoding=text/html>",
    "<plaintext>",
    "<blockquote cite=data:x>",
    "<ol start=2>",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn a_result_is_allowed_and_stays_as_it_is(pieces in vec(select(PIECES), 0..40)) {
        let html = pieces.concat();
        for (name, cleaner, allowed) in presets() {
            let cleaned = cleaner.clean(&html).unwrap();
            if html.contains('<') {
                prop_assert_eq!(faults(&cleaned, allowed), [""; 0], "{}: {:?}", name, cleaned);
            }
            let again = cleaner.clean(&cleaned).unwrap();
            prop_assert_eq!(&again, &cleaned, "{}", name);
        }
    }

    #[test]
    fn text_without_a_tag_is_the_callers_own(text in "[^<]{0,200}") {
        for (_, cleaner, _) in presets() {
            let cleaned = cleaner.clean(&text).unwrap();
            prop_assert!(std::ptr::eq(&raw const *cleaned, &raw const *text));
        }
    }

    /// The words of a text survive, whatever stands between them.
    #[test]
    fn text_between_plain_elements_stays(words in vec("[a-z]{1,8}", 1..10), tags in vec(select(&["<b>", "<i>", "</b>", "<p>", "<br>", "<em>"][..]), 10)) {
        let html: String = words.iter().zip(&tags).map(|(word, tag)| format!("{word}{tag}")).collect();
        for (_, cleaner, _) in presets() {
            let cleaned = cleaner.clean(&html).unwrap();
            let mut text = String::new();
            let mut inside = false;
            for character in cleaned.chars() {
                match character {
                    '<' => inside = true,
                    '>' => inside = false,
                    other if !inside => text.push(other),
                    _ => {}
                }
            }
            prop_assert_eq!(&text, &words.concat());
        }
    }
}
