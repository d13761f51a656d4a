//! Hashes of static pages. Expected values were made by `printf TEXT | openssl dgst -sha256 -binary | base64`.

use tower_security::core::ErrorClass;
use tower_security::csp::{Csp, CspHashes, CspHashesError};

const A: &str = "'sha256-qVpDBgj7bpq5hMAcGp3AOc79J3Y1Z4HvySTwKrWDoy4='"; // a()
const B: &str = "'sha256-cf242PFc/kb7xD0Qzhsmd9vvRkc+cWFmbi+k+YvtdKc='"; // b()
const LESS: &str = "'sha256-SoJqrPWAdXxRg7jwZ37lj0qYOp/6UL5JlO2fdBNz0l8='"; // a<b
const P: &str = "'sha256-gG2yISYereRMiG2lMXrbiUgi0Ubw9p7QCeWcroOvy9Y='"; // p{}
const CHILD: &str = "'sha256-PdWuJVkiYhVq6NDbsyvlCvEDi+gNbazWmtASm9e+9IY='"; // a>b{}
const RED: &str = "'sha256-8f935d27GvUutRyY9yWScUMiFUk4WTdZURISiYfPOeQ='"; // color:red
const NOTHING: &str = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='";
const BLANK: &str = "'sha256-Nqnn8clbgv+5l0PgxcTOldg8mkMKrFn4TvPL+rYUUGg='";
const X256: &str = "'sha256-D6IGS8VMvCoyaR/l0h9tERrBTATY01CoPS7l6xDv0kI='";
const X384: &str = "'sha384-cHpwNWfZewU1VQsG3Dbk+hSwO33e9lUJ4vPY3oC6Pc1XRmblyhh1Jea1MQC2uBVB'";

fn scripts(hashes: &CspHashes) -> Vec<String> {
    hashes.scripts().map(|source| source.to_string()).collect()
}

fn styles(hashes: &CspHashes) -> Vec<String> {
    hashes.styles().map(|source| source.to_string()).collect()
}

fn read(name: &str, html: &str) -> CspHashes {
    CspHashes::from_html(html).unwrap_or_else(|errors| panic!("{name}: {errors}"))
}

const SCRIPT_TEXTS: [(&str, &str, &[&str]); 24] = [
    ("plain", "<script>a()</script>", &[A]),
    ("in capitals", "<SCRIPT>a()</SCRIPT >", &[A]),
    ("another end tag in it", "<script>a()</script foo>", &[A]),
    (
        "blanks and lines count",
        "<script>\na()\n</script>",
        &["'sha256-x+0K41gpPfNZvjHhZ26OxEXtxRMEPkgtUEMZoFwk0HA='"],
    ),
    (
        "CR LF and CR are LF",
        "<script>a()\r\nb()\rc()</script>",
        &["'sha256-eMDTcoi5S0sr/8LAs0T7n8fRp31NIN27NKVI/tgh2eA='"],
    ),
    (
        "NUL is a replacement character",
        "<script>a\0b</script>",
        &["'sha256-BQh4Ezku/Bb+j/RIkgxjKOU6+GXfOUGUNmWdn/2pD3s='"],
    ),
    ("no entity is decoded", "<script>a()</script><p>&lt;", &[A]),
    (
        "in order, each once",
        "<script>b()</script><script>a()</script><script>b()</script>",
        &[B, A],
    ),
    (
        "an empty one",
        "<script></script><script>a()</script>",
        &[A],
    ),
    ("a blank is not empty", "<script> </script>", &[BLANK]),
    (
        "in a comment",
        "<!-- <script>b()</script> --><script>a()</script>",
        &[A],
    ),
    (
        "in a title",
        "<title><script>b()</script></title><script>a()</script>",
        &[A],
    ),
    (
        "in a text area",
        "<textarea><script>b()</script></textarea>",
        &[],
    ),
    (
        "in raw text",
        "<xmp><script>b()</script></xmp><noframes><script>b()</script></noframes>",
        &[],
    ),
    ("in plain text", "<plaintext><script>b()</script>", &[]),
    (
        "in an attribute",
        "<p title='<script>b()</script>'><script>a()</script>",
        &[A],
    ),
    (
        "an open comment in it",
        "<script><!-- a() </script>b() -->",
        &["'sha256-IBA0Arwggw59RGPNet49sBFVCGp3UUk/x4Xvx7TwiaA='"],
    ),
    (
        "a script in a comment in it",
        "<script><!--<script>a()</script>--></script>",
        &["'sha256-jjj3fXu4AeT7Gwc4mNwGVLfFxglV9UUtuoh4uaNcmsk='"],
    ),
    (
        "a comment in it that swallows its end",
        "<script><!--<script></script><p>",
        &[],
    ),
    ("without an end", "<script>a()</script><script>b()", &[A]),
    (
        "CDATA is no markup in HTML",
        "<script><![CDATA[a]]></script>",
        &["'sha256-h63eEp3+46dvT2ymSA8zXRC6QuQ8B5ldQEXr8uX/JbI='"],
    ),
    (
        "in a table",
        "<table><tr><script>a()</script></table>",
        &[A],
    ),
    (
        "in a frame set, which has none",
        "<frameset><script>b()</script></frameset>",
        &[],
    ),
    (
        "behind a byte-order mark",
        "\u{feff}<script>a()</script>",
        &[A],
    ),
];

#[test]
fn the_text_of_a_script_is_that_of_the_parser() {
    for (name, html, expected) in SCRIPT_TEXTS {
        assert_eq!(scripts(&read(name, html)), expected, "{name}");
    }
}

#[test]
fn the_type_decides_whether_a_script_runs() {
    let runs = [
        "",
        "type",
        "type=''",
        "type=text/javascript",
        "type=' TEXT/JavaScript\n'",
        "type=application/x-javascript",
        "type=text/javascript1.5",
        "type=text/jscript",
        "type=module",
        "type=Module",
        "type=importmap",
        "type=speculationrules",
        "language",
        "language=JavaScript",
        "language=javascript1.2",
        "type=module language=vbscript",
        "type=module type=text/plain",
        "nomodule",
        "async defer",
    ];
    for attributes in runs {
        let html = format!("<script {attributes}>a()</script>");
        assert_eq!(scripts(&read(attributes, &html)), [A], "{attributes}");
    }
    let data = [
        "type=application/json",
        "type=application/ld+json",
        "type=text/plain",
        "type=text/template",
        "type='text/javascript; charset=utf-8'",
        "type=text/javascript1.6",
        "type=modules",
        "type=' '",
        "type=vbscript language=javascript",
        "language=vbscript",
        "type=text/plain type=module",
    ];
    for attributes in data {
        let html = format!("<script {attributes}>a()</script>");
        assert_eq!(scripts(&read(attributes, &html)), [""; 0], "{attributes}");
    }
}

const INNER_DOCUMENTS: [(&str, &str, &[&str]); 17] = [
    ("SVG", "<svg><script>a()</script></svg>", &[A]),
    (
        "SVG decodes entities",
        "<svg><script>a&lt;b</script></svg>",
        &[LESS],
    ),
    (
        "SVG knows CDATA",
        "<svg><script><![CDATA[a<b]]></script></svg>",
        &[LESS],
    ),
    (
        "SVG knows comments",
        "<svg><script>a<!--x-->()</script></svg>",
        &[A],
    ),
    (
        "elements in it say nothing",
        "<svg><script>a<g>x</g>()</script></svg>",
        &[A],
    ),
    (
        "SVG loads by href",
        "<svg><script href=/x.js>b()</script></svg>",
        &[],
    ),
    (
        "SVG loads by xlink",
        "<svg><script xlink:href=/x.js>b()</script></svg>",
        &[],
    ),
    (
        "src is nothing there",
        "<svg><script src=/x.js>a()</script></svg>",
        &[A],
    ),
    (
        "HTML in SVG",
        "<svg><foreignObject><script>a()</script></foreignObject></svg>",
        &[A],
    ),
    ("MathML has none", "<math><script>b()</script></math>", &[]),
    (
        "HTML in MathML",
        "<math><mi><script>a()</script></mi></math>",
        &[A],
    ),
    (
        "an annotation",
        "<math><annotation-xml encoding=text/html><script>a()</script></annotation-xml></math>",
        &[A],
    ),
    (
        "a template",
        "<template><div><script>a()</script></div></template>",
        &[A],
    ),
    (
        "a declarative shadow root",
        "<div><template shadowrootmode=open><script>a()</script></template></div>",
        &[A],
    ),
    (
        "noscript",
        "<noscript><script>b()</script></noscript><script>a()</script>",
        &[A],
    ),
    (
        "what ends noscript for those with scripts",
        "<body><noscript><p title=\"</noscript><script>a()</script>\">",
        &[A],
    ),
    (
        "documents of frames",
        "<iframe srcdoc=\"<script>a()</script><iframe srcdoc='&lt;script>b()&lt;/script>'></iframe>\"></iframe>",
        &[A, B],
    ),
];

#[test]
fn other_documents_inside_of_the_page_are_read() {
    for (name, html, expected) in INNER_DOCUMENTS {
        assert_eq!(scripts(&read(name, html)), expected, "{name}");
    }
}

#[test]
fn styles_are_hashed() {
    let rows: [(&str, &str, &[&str]); 16] = [
        ("plain", "<style>p{}</style>", &[P]),
        (
            "a type",
            "<style type=Text/CSS media=print>p{}</style>",
            &[P],
        ),
        ("an empty type", "<style type=''>p{}</style>", &[P]),
        ("another type", "<style type=text/less>p{}</style>", &[]),
        (
            "a type with a blank",
            "<style type=' text/css'>p{}</style>",
            &[],
        ),
        (
            "an empty one, which a script fills",
            "<style></style>",
            &[NOTHING],
        ),
        ("each once", "<style>p{}</style><style>p{}</style>", &[P]),
        (
            "no entity in HTML",
            "<style>p{}</style><style>a&gt;b{}</style>",
            &[P, "'sha256-hzl6zQN5EeK1pMRErERC0xcRv9BZekCZmq2VKOzLRJo='"],
        ),
        (
            "entities in SVG",
            "<svg><style>a&gt;b{}</style></svg>",
            &[CHILD],
        ),
        ("MathML has none", "<math><style>p{}</style></math>", &[]),
        (
            "noscript in the head",
            "<head><noscript><style>p{}</style></noscript>",
            &[P],
        ),
        (
            "noscript in the body",
            "<body><noscript><style>p{}</style></noscript>",
            &[P],
        ),
        (
            "a template",
            "<template><style>p{}</style></template>",
            &[P],
        ),
        (
            "a frame",
            "<iframe srcdoc='<style>p{}</style>'></iframe>",
            &[P],
        ),
        ("without an end", "<style>p{}", &[P]),
        ("in a comment", "<!--<style>p{}</style>-->", &[]),
    ];
    for (name, html, expected) in rows {
        let hashes = read(name, html);
        assert_eq!(styles(&hashes), expected, "{name}");
        assert_eq!(scripts(&hashes), [""; 0], "{name}");
    }
}

#[test]
fn external_scripts_bring_their_hashes_or_are_named() {
    let sha256 = "sha256-D6IGS8VMvCoyaR/l0h9tERrBTATY01CoPS7l6xDv0kI=";
    let sha384 = "sha384-cHpwNWfZewU1VQsG3Dbk+hSwO33e9lUJ4vPY3oC6Pc1XRmblyhh1Jea1MQC2uBVB";
    let url_safe = sha256.replace('/', "_");
    let rows: [(&str, String, &[&str], &[&str]); 19] = [
        ("a hash", format!("<script src=/x.js integrity={sha256}></script>"), &[X256], &[]),
        ("two", format!("<script src=/x.js integrity='{sha256}\t{sha384}'></script>"), &[X256, X384], &[]),
        ("an option", format!("<script src=/x.js integrity='{sha384}?x'></script>"), &[X384], &[]),
        ("in capitals", format!("<script src=/x.js integrity='{}'></script>", sha256.replace("sha", "SHA")), &[X256], &[]),
        ("base64url", format!("<script src=/x.js integrity='{url_safe}'></script>"), &[X256], &[]),
        ("a module", format!("<script type=module src=/x.js integrity='{sha256}'></script>"), &[X256], &[]),
        ("none", "<script src=/x.js>b()</script>".to_owned(), &[], &["/x.js"]),
        ("an empty one", "<script src=/x.js integrity=''></script>".to_owned(), &[], &["/x.js"]),
        ("none that is known", "<script src=/x.js integrity='sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk= md5-x junk'></script>".to_owned(), &[], &["/x.js"]),
        ("a known one beside", format!("<script src=/x.js integrity='sha1-x {sha256}'></script>"), &[X256], &[]),
        ("no address", "<script src=''>b()</script>".to_owned(), &[], &[]),
        ("a data block", "<script type=text/plain src=/x.txt></script>".to_owned(), &[], &[]),
        ("an import map is never loaded", "<script type=importmap src=/x.json></script>".to_owned(), &[], &[]),
        ("SVG has no integrity", format!("<svg><script href=/x.js integrity='{sha256}'/></svg>"), &[], &["/x.js"]),
        ("ahead of a module", format!("<link rel='x ModulePreload' href=/x.js integrity='{sha256}'>"), &[X256], &[]),
        ("ahead of a script", format!("<link rel=preload as=script href=/x.js integrity='{sha256}'>"), &[X256], &[]),
        ("ahead of a style", format!("<link rel=preload as=style href=/x.css integrity='{sha256}'>"), &[], &[]),
        ("a style sheet", format!("<link rel=stylesheet href=/x.css integrity='{sha256}'>"), &[], &[]),
        ("each address once", "<link rel=modulepreload href=/x.js><script type=module src=/x.js></script><script src=https://cdn.example/y.js></script>".to_owned(), &[], &["/x.js", "https://cdn.example/y.js"]),
    ];
    for (name, html, expected, external) in rows {
        let hashes = read(name, &html);
        assert_eq!(scripts(&hashes), expected, "{name}");
        let found: Vec<_> = hashes.external_scripts().collect();
        assert_eq!(found, external, "{name}");
    }
}

const REFUSED: [(&str, &str, &[(&str, u64)]); 26] = [
    (
        "a handler",
        "<p>\n\n<button onclick=go()>",
        &[("refused_event_handler", 3)],
    ),
    (
        "in capitals",
        "<img OnError='go()'>",
        &[("refused_event_handler", 1)],
    ),
    (
        "of tomorrow",
        "<p ontomorrow=go()>",
        &[("refused_event_handler", 1)],
    ),
    (
        "in SVG",
        "<svg onload=go()>",
        &[("refused_event_handler", 1)],
    ),
    (
        "of a second body",
        "<body>\n<body onload=go()>",
        &[("refused_event_handler", 2)],
    ),
    (
        "in a template",
        "<template><p onclick=go()></template>",
        &[("refused_event_handler", 1)],
    ),
    ("without code", "<p onclick='' onload=' '>", &[]),
    (
        "no handler",
        "<p on-click=go() on:click=go() on=x data-onclick=go()>",
        &[],
    ),
    (
        "in noscript, where none runs",
        "<body><noscript><p onclick=go()></noscript>",
        &[],
    ),
    (
        "an address",
        "<a href=javascript:go()>",
        &[("refused_javascript_url", 1)],
    ),
    (
        "spelt with care",
        "<a href=' \u{1}Java\nScript\t:go()'>",
        &[("refused_javascript_url", 2)],
    ),
    (
        "with entities",
        "<a href='&#106;avascript&colon;go()'>",
        &[("refused_javascript_url", 1)],
    ),
    (
        "a form",
        "<form action=javascript:go()><button formaction=javascript:go()>",
        &[("refused_javascript_url", 1), ("refused_javascript_url", 1)],
    ),
    (
        "a frame",
        "<iframe src=javascript:go()></iframe><object data=javascript:go()>",
        &[("refused_javascript_url", 1), ("refused_javascript_url", 1)],
    ),
    (
        "SVG",
        "<svg><a xlink:href=javascript:go()>",
        &[("refused_javascript_url", 1)],
    ),
    (
        "animated",
        "<svg><animate values='#;javascript:go()'/><set to=javascript:go() />",
        &[("refused_javascript_url", 1), ("refused_javascript_url", 1)],
    ),
    (
        "a refresh",
        "<meta http-equiv=Refresh content=\"0; URL = 'javascript:go()'\">",
        &[("refused_javascript_url", 1)],
    ),
    (
        "a refresh to a page",
        "<meta http-equiv=refresh content='0; url=/javascript:go()'>",
        &[],
    ),
    (
        "text that is no address",
        "<a href='/javascript:go()' title=javascript:go()><meta name=x content=javascript:go()>",
        &[],
    ),
    (
        "other schemes",
        "<a href=mailto:a@b.example></a><a href=javascript-x:go>",
        &[],
    ),
    (
        "a style",
        "<p>\r\n<p style=color:red>",
        &[("refused_style_attribute", 2)],
    ),
    (
        "a style in noscript",
        "<noscript><p>\n<b style=color:red></noscript>",
        &[("refused_style_attribute", 2)],
    ),
    ("an empty style", "<p style=''>", &[]),
    (
        "in a frame, at the frame",
        "<p>\n<iframe srcdoc='<p>&#10;&#10;<p style=color:red>'></iframe>",
        &[("refused_style_attribute", 2)],
    ),
    (
        "a hash without an end",
        "<script src=/x.js\nintegrity=sha256-abc></script>",
        &[("invalid_integrity", 2)],
    ),
    (
        "all, in order",
        "<p style=color:red>\n<script src=x integrity=sha256-></script>\n<p onclick=go()>\n<a href=javascript:go()>",
        &[
            ("refused_style_attribute", 1),
            ("invalid_integrity", 2),
            ("refused_event_handler", 3),
            ("refused_javascript_url", 4),
        ],
    ),
];

#[test]
fn what_no_hash_allows_is_refused_with_its_line() {
    for (name, html, expected) in REFUSED {
        let errors = CspHashes::from_html(html)
            .map_or_else(|errors| errors.into_iter().collect(), |_| Vec::new());
        let found: Vec<_> = errors
            .iter()
            .map(|error| (error.code(), line(error.downcast().unwrap())))
            .collect();
        assert_eq!(found, expected, "{name}");
    }
}

fn line(error: &CspHashesError) -> u64 {
    match error {
        CspHashesError::InvalidIntegrity { line, .. }
        | CspHashesError::RefusedEventHandler { line, .. }
        | CspHashesError::RefusedJavascriptUrl { line, .. }
        | CspHashesError::RefusedSrcdocDepth { line }
        | CspHashesError::RefusedStyleAttribute { line, .. } => *line,
        other => panic!("{other} has no line"),
    }
}

#[test]
fn an_error_says_where_what_and_what_instead() {
    let errors = CspHashes::builder()
        .html("<p>")
        .html("<button onclick=go()>\n<a href=javascript:go() style=color:red><script src=x integrity=sha384-x></script>")
        .build()
        .unwrap_err();
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "csp.hashes.pages[1]: refused event handler \"onclick\" of <button> on line 1: hashes do not allow attributes, call \
             `addEventListener` in a script",
            "csp.hashes.pages[1]: refused `javascript:` address in \"href\" of <a> on line 2: hashes do not allow it, write a \
             button and call `addEventListener` in a script",
            "csp.hashes.pages[1]: refused style attribute of <a> on line 2: hashes do not allow attributes, write a class in a style \
             sheet",
            "csp.hashes.pages[1]: invalid integrity \"sha384-x\" on line 2: write \"sha256-\", \"sha384-\" or \"sha512-\" and the \
             digest in base64",
        ]
    );
    let classes: Vec<_> = errors.iter().map(|error| error.class()).collect();
    assert_eq!(classes[..3], [ErrorClass::Refused; 3]);
    assert_eq!(classes[3], ErrorClass::Invalid);
}

#[test]
fn attributes_are_hashed_on_demand() {
    let page = "<button onclick='a(&quot;b&quot;)'>\n<a href=' JavaScript:go()'>\n<p style=color:red>\n<script>a()</script>";
    assert_eq!(CspHashes::from_html(page).unwrap_err().len(), 3);
    let hashes = CspHashes::builder()
        .html(page)
        .dangerous_unsafe_hashes()
        .build()
        .unwrap();
    assert_eq!(
        scripts(&hashes),
        [
            // a("b")
            "'sha256-zF6vm1In/h+PvgDmJ16jlpnzzHU7YQzvZRzlN+64ZL8='",
            // javascript:go(), the scheme included
            "'sha256-jDbRdnWRhziiD2lk72MDyCAg2B/6fVdy02GN3Xik1hA='",
            A,
            "'unsafe-hashes'",
        ]
    );
    assert_eq!(styles(&hashes), [RED, "'unsafe-hashes'"]);
    assert!(hashes.has_unsafe_hashes());

    let without = CspHashes::builder()
        .html("<script>a()</script>")
        .dangerous_unsafe_hashes()
        .build()
        .unwrap();
    assert_eq!(scripts(&without), [A], "no attribute, no keyword");
    assert!(!without.has_unsafe_hashes());
}

#[test]
fn an_address_that_browsers_hash_in_two_ways_stays_refused() {
    let rows = [
        ("<a href='javascript:go(1, \"x\")'>", true),
        ("<a href='javascript:go%281%29'>", false),
        ("<a href='javascript:go(\u{e9})'>", false),
        (
            "<meta http-equiv=refresh content='0;javascript:go()'>",
            false,
        ),
    ];
    for (html, accepted) in rows {
        let built = CspHashes::builder()
            .html(html)
            .dangerous_unsafe_hashes()
            .build();
        assert_eq!(built.is_ok(), accepted, "{html}");
    }
}

#[test]
fn snippets_are_hashed_as_the_parser_hands_them_on() {
    assert_eq!(scripts(&CspHashes::script("a()")), [A]);
    assert_eq!(
        scripts(&CspHashes::script("a()\r\nb()\rc()")),
        ["'sha256-eMDTcoi5S0sr/8LAs0T7n8fRp31NIN27NKVI/tgh2eA='"]
    );
    assert_eq!(
        scripts(&CspHashes::script("a\0b")),
        ["'sha256-BQh4Ezku/Bb+j/RIkgxjKOU6+GXfOUGUNmWdn/2pD3s='"]
    );
    assert_eq!(scripts(&CspHashes::script("")), [""; 0]);
    assert_eq!(styles(&CspHashes::style("p{}")), [P]);
    assert_eq!(styles(&CspHashes::script("a()")), [""; 0]);
    let all = CspHashes::builder()
        .script("b()")
        .html("<script>a()</script>")
        .style("p{}")
        .build()
        .unwrap();
    assert_eq!(scripts(&all), [B, A]);
    assert_eq!(styles(&all), [P]);
}

#[test]
fn pages_have_a_largest_length_and_frames_a_largest_depth() {
    let page = |bytes: usize| format!("<script>a()</script>{}", " ".repeat(bytes - 20));
    assert_eq!(scripts(&read("the limit", &page(16 * 1024 * 1024))), [A]);
    let errors = CspHashes::from_html(&page(16 * 1024 * 1024 + 1)).unwrap_err();
    assert_eq!(
        errors.iter().next().unwrap().downcast(),
        Some(&CspHashesError::RefusedPageLength { bytes: 16_777_217 })
    );

    // A document in a `srcdoc` without quotes needs none inside either, but its blanks and `>` spelt out once more.
    let nested = |depth: usize| {
        (0..depth).fold("<script>a()</script>".to_owned(), |inner, _| {
            let inner = inner.replace('&', "&amp;").replace('"', "&quot;");
            format!("<iframe srcdoc=\"{inner}\"></iframe>")
        })
    };
    assert_eq!(scripts(&read("eight", &nested(8))), [A]);
    let errors = CspHashes::from_html(&nested(9)).unwrap_err();
    let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
    assert_eq!(codes, ["refused_srcdoc_depth"]);
}

#[test]
fn a_page_that_was_built_for_production_is_read() {
    let html = "<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n<title>App</title>\n\
        <link rel=icon href=data:,>\n<script>a()</script>\n\
        <script type=module crossorigin src=/assets/index-x.js></script>\n\
        <link rel=modulepreload crossorigin href=/assets/vendor-y.js>\n<link rel=stylesheet href=/assets/index.css>\n\
        <style>p{}</style>\n</head>\n<body>\n<div id=root></div>\n<noscript>No scripts.</noscript>\n\
        <script type=application/ld+json>{\"@context\": \"https://schema.org\"}</script>\n</body>\n</html>\n";
    let hashes = read("a page", html);
    assert_eq!(scripts(&hashes), [A]);
    assert_eq!(styles(&hashes), [P]);
    let external: Vec<_> = hashes.external_scripts().collect();
    assert_eq!(external, ["/assets/index-x.js", "/assets/vendor-y.js"]);
}

#[test]
fn a_policy_takes_the_hashes() {
    let hashes = read("a page", "<script>a()</script><style>p{}</style>");
    let policy = Csp::spa(hashes.scripts())
        .add_style_src(hashes.styles())
        .build()
        .unwrap()
        .to_template();
    let scripts = format!("script-src {A} 'strict-dynamic' 'report-sample'");
    assert!(policy.contains(&scripts), "{policy}");
    assert!(
        policy.contains(&format!("style-src 'self' {P}")),
        "{policy}"
    );

    let hashes = CspHashes::builder()
        .html("<p onclick='a()' style='color:red'>")
        .dangerous_unsafe_hashes()
        .build()
        .unwrap();
    let policy = Csp::spa(hashes.scripts())
        .add_style_src(hashes.styles())
        .build()
        .unwrap()
        .to_template();
    assert!(policy.contains(&format!("{A} 'unsafe-hashes'")), "{policy}");
    assert!(
        policy.contains(&format!("{RED} 'unsafe-hashes'")),
        "{policy}"
    );
}
