//! What a policy keeps, and which of them are none.

use super::*;

#[test]
#[expect(clippy::too_many_lines, reason = "a table of rows")]
fn what_each_policy_keeps() {
    let link = "<a href=\"https://example.com\" rel=\"noopener noreferrer nofollow ugc\">x</a>";
    let rows = [
        // Input, and what `text`, `basic` and `ugc` make of it.
        ("<b>x</b>", "x", "<b>x</b>", "<b>x</b>"),
        ("<h1>x</h1>", "x", "x", "<h1>x</h1>"),
        ("<p>x", "x", "<p>x</p>", "<p>x</p>"),
        ("<a href=https://example.com>x</a>", "x", link, link),
        (
            "<a href=https://example.com rel=opener target=_blank>x</a>",
            "x",
            link,
            link,
        ),
        (
            "<b class=a id=b name=c style=d onclick=e data-f=g>x</b>",
            "x",
            "<b>x</b>",
            "<b>x</b>",
        ),
        (
            "<b lang=en title=t>x</b>",
            "x",
            "<b lang=\"en\" title=\"t\">x</b>",
            "<b lang=\"en\" title=\"t\">x</b>",
        ),
        (
            "<ol start=3><li>x</ol>",
            "x",
            "<ol start=\"3\"><li>x</li></ol>",
            "<ol start=\"3\"><li>x</li></ol>",
        ),
        (
            "<blockquote cite=https://a.example>x</blockquote>",
            "x",
            "<blockquote cite=\"https://a.example\">x</blockquote>",
            "<blockquote cite=\"https://a.example\">x</blockquote>",
        ),
        (
            "<blockquote cite=javascript:x()>x</blockquote>",
            "x",
            "<blockquote>x</blockquote>",
            "<blockquote>x</blockquote>",
        ),
        (
            "<details open><summary>x</summary></details>",
            "x",
            "x",
            "<details open=\"\"><summary>x</summary></details>",
        ),
        (
            "<table><tr><td colspan=2>x",
            "x",
            "x",
            "<table><tbody><tr><td colspan=\"2\">x</td></tr></tbody></table>",
        ),
        (
            "<img src=a.png alt=b width=1 height=2 srcset=c>",
            "",
            "",
            "<img src=\"a.png\" alt=\"b\" width=\"1\" height=\"2\">",
        ),
        (
            "a<script>x()</script>b<style>p{}</style>c",
            "abc",
            "abc",
            "abc",
        ),
        ("<!-- x --><?y?><!doctype z>a", "a", "a", "a"),
        ("<svg><b>x</b></svg>", "x", "<b>x</b>", "<b>x</b>"),
        ("<math><mi>x</mi></math>", "", "", ""),
        (
            "<textarea><b>x</b></textarea>",
            "&lt;b&gt;x&lt;/b&gt;",
            "&lt;b&gt;x&lt;/b&gt;",
            "&lt;b&gt;x&lt;/b&gt;",
        ),
        ("<form action=/x><input name=y></form>z", "z", "z", "z"),
        (
            "a < b & c",
            "a &lt; b &amp; c",
            "a &lt; b &amp; c",
            "a &lt; b &amp; c",
        ),
        // Without `<` nothing is parsed.
        (
            "a & b > c &lt;script&gt; \u{0}",
            "a & b > c &lt;script&gt; \u{0}",
            "a & b > c &lt;script&gt; \u{0}",
            "a & b > c &lt;script&gt; \u{0}",
        ),
    ];
    for (html, text, basic, ugc) in rows {
        assert_eq!(clean(HtmlPolicy::text(), html), text, "text, {html}");
        assert_eq!(clean(HtmlPolicy::basic(), html), basic, "basic, {html}");
        assert_eq!(clean(HtmlPolicy::ugc(), html), ugc, "ugc, {html}");
    }
}

#[test]
fn addresses() {
    // Address, and whether it stays in a link and in a picture.
    let rows = [
        ("https://example.com/", true, true),
        ("HTTP://example.com/", true, true),
        ("mailto:a@example.com", true, false),
        ("tel:+1", true, false),
        ("/path", true, true),
        ("//other.example", true, true),
        ("#part", true, true),
        ("ftp://example.com/", false, false),
        ("xmpp:a@example.com", false, false),
        ("javascript:x()", false, false),
        ("JaVaScRiPt:x()", false, false),
        ("java&#9;script:x()", false, false),
        ("java&NewLine;script:x()", false, false),
        ("&#1;javascript:x()", false, false),
        ("javascript&colon;x()", false, false),
        ("vbscript:x", false, false),
        ("data:text/html,x", false, false),
        ("data:image/svg+xml,x", false, false),
        ("blob:https://example.com/x", false, false),
        ("file:///etc/passwd", false, false),
        ("https://", false, false),
    ];
    for (address, link, picture) in rows {
        let html = format!("<a href=\"{address}\">x</a>");
        assert_eq!(
            clean(HtmlPolicy::ugc(), &html).contains("href"),
            link,
            "{html}"
        );
        let html = format!("<img src=\"{address}\">");
        assert_eq!(
            clean(HtmlPolicy::ugc(), &html).contains("src"),
            picture,
            "{html}"
        );
    }
    let html =
        "<a href=/x>x</a><a href=//x.example>x</a><a href=https://x.example>x</a><img src=y>";
    let rel = "rel=\"noopener noreferrer nofollow ugc\"";
    assert_eq!(
        clean(HtmlPolicy::ugc().deny_relative_urls(), html),
        format!("<a {rel}>x</a><a {rel}>x</a><a href=\"https://x.example\" {rel}>x</a><img>"),
    );
    let html = "<a href=xmpp:a@example.com>x</a>";
    let kept = format!("<a href=\"xmpp:a@example.com\" {rel}>x</a>");
    assert_eq!(clean(HtmlPolicy::basic().scheme("xmpp"), html), kept);
}

#[test]
fn what_is_added_stays_and_is_held_to_the_schemes() {
    let html = "<mark data-x=1 hidden>x</mark>";
    assert_eq!(clean(HtmlPolicy::basic(), html), "x");
    assert_eq!(
        clean(HtmlPolicy::basic().tag("mark"), html),
        "<mark>x</mark>"
    );
    let policy = HtmlPolicy::basic().tag("mark").attribute("mark", "data-x");
    assert_eq!(clean(policy, html), "<mark data-x=\"1\">x</mark>");

    let html = "<video src=javascript:x() poster=javascript:y()></video><q cite=data:,x>z</q>";
    let policy = HtmlPolicy::text()
        .tag("video")
        .tag("q")
        .attribute("video", "src")
        .attribute("video", "poster")
        .attribute("q", "cite");
    assert_eq!(clean(policy, html), "<video></video><q>z</q>");
}

#[test]
fn a_mistake_in_a_policy_is_refused_and_its_twin_is_not() {
    let tags = "script style svg math iframe frame object embed form input button select textarea template noscript noembed noframes \
        xmp plaintext title base link meta annotation-xml foreignobject head body html frameset applet marquee font image isindex \
        listing option optgroup keygen slot dialog portal desc mi mtext mglyph malignmark animate set use my-element B SPAN 1 \u{e9}";
    for tag in tags.split_whitespace() {
        let tag: &'static str = tag.to_owned().leak();
        let errors = HtmlPolicy::ugc().tag(tag).build().unwrap_err();
        let error = errors.iter().next().unwrap();
        assert_eq!(
            (errors.len(), error.code()),
            (1, "html_tag_refused"),
            "{tag}"
        );
        assert!(error.message().contains(&format!("{tag:?}")), "{error}");
    }
    for tag in ["", " b", "b>", "a b"] {
        assert!(HtmlPolicy::ugc().tag(tag).build().is_err(), "{tag:?}");
    }
    for tag in [
        "mark", "kbd", "div", "span", "dl", "ruby", "time", "video", "b",
    ] {
        HtmlPolicy::text().tag(tag).build().unwrap();
    }

    let attributes = "onclick onanything on style srcdoc srcset action formaction ping xlink:href xlink:title id name class target slot is \
        form autofocus usemap HREF :a @click";
    for name in attributes.split_whitespace() {
        let name: &'static str = name.to_owned().leak();
        let errors = HtmlPolicy::ugc().attribute("a", name).build().unwrap_err();
        let error = errors.iter().next().unwrap();
        assert_eq!(error.code(), "html_attribute_refused", "{name}");
        assert!(
            error.message().contains(&format!("{name:?} of \"a\"")),
            "{error}"
        );
    }
    for name in ["hreflang", "dir", "data-x", "aria-label", "role"] {
        HtmlPolicy::ugc().attribute("a", name).build().unwrap();
    }

    let invalid = [
        HtmlPolicy::ugc().attribute("a", "rel"),
        HtmlPolicy::ugc().attribute("h1", "rel"),
        HtmlPolicy::ugc().attribute("mark", "dir"),
        HtmlPolicy::basic().attribute("img", "src"),
        HtmlPolicy::ugc().scheme("javascript"),
        HtmlPolicy::ugc().scheme("VBScript"),
        HtmlPolicy::ugc().scheme("data"),
        HtmlPolicy::ugc().scheme("blob"),
        HtmlPolicy::ugc().scheme("file"),
        HtmlPolicy::ugc().scheme("XMPP"),
        HtmlPolicy::ugc().scheme("xmpp:"),
        HtmlPolicy::ugc().scheme(""),
    ];
    for policy in invalid {
        let errors = policy.clone().build().unwrap_err();
        let error = errors.iter().next().unwrap();
        assert_eq!(
            (errors.len(), error.code()),
            (1, "html_policy_invalid"),
            "{policy:?}"
        );
        assert_eq!(error.class(), ErrorClass::Invalid);
    }
    HtmlPolicy::ugc()
        .tag("mark")
        .attribute("mark", "dir")
        .scheme("git+ssh")
        .build()
        .unwrap();
}

#[test]
fn the_code_of_an_error_of_a_policy_has_its_class() {
    let value = || "x".to_owned();
    let refused = HtmlConfigError::HtmlTagRefused { value: value() };
    assert_eq!(
        (refused.class(), refused.code()),
        (ErrorClass::Refused, "html_tag_refused")
    );
    let tag = value();
    let refused = HtmlConfigError::HtmlAttributeRefused {
        tag,
        value: value(),
    };
    assert_eq!(
        (refused.class(), refused.code()),
        (ErrorClass::Refused, "html_attribute_refused")
    );
}
