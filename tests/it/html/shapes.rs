//! Shapes that make a parser of HTML work, on both sides of the cap that bounds them. What they cost is in `benches/sanitize`.

use tower_security::sanitize::html::{HtmlError, HtmlPolicy};

/// A shape by its size, the size that is at a cap, and the refusal of twice that.
struct Shape {
    name: &'static str,
    most: usize,
    error: HtmlError,
    make: fn(usize) -> String,
}

fn numbered(count: usize, piece: fn(usize) -> String) -> String {
    (0..count).map(piece).collect()
}

const SHAPES: &[Shape] = &[
    Shape {
        name: "nested blocks",
        most: 1_000,
        error: HtmlError::TooManyTags,
        make: |count| "<details>".repeat(count),
    },
    Shape {
        name: "nested lists",
        most: 500,
        error: HtmlError::TooManyTags,
        make: |count| "<ul><li>".repeat(count),
    },
    Shape {
        name: "formatting that never ends",
        most: 500,
        error: HtmlError::TooManyTags,
        make: |count| "<b></p>".repeat(count),
    },
    Shape {
        name: "nested blocks, text and references between them",
        most: 1_000,
        error: HtmlError::TooManyTags,
        make: |count| "><details>\u{a0}&amp; xxxxx".repeat(count),
    },
    Shape {
        name: "nested tables",
        most: 400,
        error: HtmlError::TooManyTags,
        make: |count| "<table><td>".repeat(count),
    },
    Shape {
        // Its result has count x count tags.
        name: "formatting with attributes, in paragraphs",
        most: 20,
        error: HtmlError::TooCostly,
        make: |count| numbered(count, |number| format!("<i title={number}><p>")),
    },
    Shape {
        // As many in each row.
        name: "formatting with attributes, in rows",
        most: 15,
        error: HtmlError::TooCostly,
        make: |count| {
            format!(
                "<table>{}{}",
                numbered(count, |number| format!("<b x={number}>")),
                "x<tr>".repeat(100)
            )
        },
    },
    Shape {
        name: "attributes of one tag",
        most: 64,
        error: HtmlError::TooManyAttributes,
        make: |count| format!("<b{}>", numbered(count, |number| format!(" a{number}=1"))),
    },
    Shape {
        name: "attributes of many tags",
        most: 100,
        error: HtmlError::TooCostly,
        make: |count| {
            let attributes = numbered(63, |number| format!(" a{number}"));
            (0..count)
                .map(|tag| format!("<b a={tag}{attributes}>"))
                .collect()
        },
    },
    Shape {
        name: "ampersands",
        most: 4_000,
        error: HtmlError::TooManyEntities,
        make: |count| format!("<p>{}", "&".repeat(count)),
    },
    Shape {
        name: "ampersands in a long text",
        most: 4_000,
        error: HtmlError::TooManyEntities,
        make: |count| format!("<p>{}", "&xxxxxxx".repeat(count)),
    },
    Shape {
        name: "no-break spaces",
        most: 4_000,
        error: HtmlError::TooManyEntities,
        make: |count| format!("<p>{}", "\u{a0}".repeat(count)),
    },
    Shape {
        name: "degree signs in a long text",
        most: 4_000,
        error: HtmlError::TooManyEntities,
        make: |count| format!("<p>{}", "\u{b0}xxxxxx".repeat(count)),
    },
    Shape {
        name: "signs that are references in the result",
        most: 8_000,
        error: HtmlError::TooManyEntities,
        make: |count| format!("<p>{}", ">".repeat(count)),
    },
    Shape {
        name: "one long tag",
        most: 8_182,
        error: HtmlError::TagTooLong,
        make: |count| format!("<b title={}>", "x".repeat(count)),
    },
    Shape {
        name: "tags in a tag",
        most: 800,
        error: HtmlError::TooManyTags,
        make: |count| format!("<b title='{}'>", "<aaaaaaa".repeat(count)),
    },
    Shape {
        name: "text",
        most: 65_533,
        error: HtmlError::TooLarge,
        make: |count| format!("<p>{}", "x".repeat(count)),
    },
];

#[test]
fn each_shape_at_half_its_cap_at_it_and_above() {
    let cleaner = HtmlPolicy::ugc().build().unwrap();
    for Shape {
        name,
        most,
        error,
        make,
    } in SHAPES
    {
        for size in [most / 2, *most] {
            assert!(cleaner.clean(&make(size)).is_ok(), "{name}, {size}");
        }
        assert_eq!(cleaner.clean(&make(most * 2)), Err(*error), "{name}");
    }
}
