//! The names of elements, attributes and schemes that policies speak of.

/// Elements of [`HtmlPolicy::basic`](super::HtmlPolicy::basic).
pub(super) const BASIC_TAGS: [&str; 15] = [
    "p",
    "br",
    "b",
    "strong",
    "i",
    "em",
    "u",
    "s",
    "code",
    "pre",
    "blockquote",
    "ul",
    "ol",
    "li",
    "a",
];

/// What [`HtmlPolicy::ugc`](super::HtmlPolicy::ugc) adds.
pub(super) const UGC_TAGS: [&str; 24] = [
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "table",
    "thead",
    "tbody",
    "tfoot",
    "tr",
    "th",
    "td",
    "caption",
    "col",
    "colgroup",
    "img",
    "figure",
    "figcaption",
    "details",
    "summary",
    "sub",
    "sup",
];

pub(super) const BASIC_ATTRIBUTES: [(&str, &str); 3] =
    [("a", "href"), ("blockquote", "cite"), ("ol", "start")];

pub(super) const UGC_ATTRIBUTES: [(&str, &str); 12] = [
    ("img", "src"),
    ("img", "alt"),
    ("img", "width"),
    ("img", "height"),
    ("td", "colspan"),
    ("td", "rowspan"),
    ("th", "colspan"),
    ("th", "rowspan"),
    ("th", "scope"),
    ("col", "span"),
    ("colgroup", "span"),
    ("details", "open"),
];

/// Elements whose text is not for people.
pub(super) const DROPPED_WITH_CONTENT: [&str; 2] = ["script", "style"];

/// Elements that a policy may add. Each is plain: it runs, sends and embeds no document, its content is parsed as that of a `div` is, and
/// no element of SVG or `MathML` has its name, which would make it mean two things.
const ADDED_TAGS: [&str; 43] = [
    "abbr", "acronym", "address", "article", "aside", "audio", "bdi", "bdo", "big", "center",
    "cite", "data", "dd", "del", "dfn", "div", "dl", "dt", "footer", "header", "hgroup", "ins",
    "kbd", "main", "mark", "menu", "nav", "q", "rp", "rt", "ruby", "samp", "search", "section",
    "small", "source", "span", "strike", "time", "tt", "var", "video", "wbr",
];

/// Whether a policy may allow this element.
pub(super) fn is_allowed_tag(name: &str) -> bool {
    BASIC_TAGS.contains(&name) || UGC_TAGS.contains(&name) || ADDED_TAGS.contains(&name)
}

/// Attributes that no policy allows, beside those that begin with `on`. They run or embed what the writer made (`srcdoc`), send requests by
/// themselves (`ping`), dress one thing up as another (`style`, `class`), stand in for something of the page (`id`, `name`, `form`), open
/// other windows (`target`), steal the focus, or wake a framework (`is`, `slot`).
const REFUSED_ATTRIBUTES: [&str; 38] = [
    "accesskey",
    "action",
    "archive",
    "attributionsrc",
    "autofocus",
    "autoplay",
    "background",
    "class",
    "classid",
    "codebase",
    "command",
    "commandfor",
    "contenteditable",
    "data",
    "download",
    "dynsrc",
    "form",
    "formaction",
    "formtarget",
    "http-equiv",
    "id",
    "imagesrcset",
    "is",
    "lowsrc",
    "manifest",
    "name",
    "nonce",
    "part",
    "ping",
    "popover",
    "popovertarget",
    "referrerpolicy",
    "slot",
    "srcdoc",
    "srcset",
    "style",
    "target",
    "usemap",
];

/// Whether a policy may allow this attribute. A name with a colon, such as `xlink:href`, is of a namespace that HTML does not have.
pub(super) fn is_allowed_attribute(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(plain)
        && !name.starts_with("on")
        && !REFUSED_ATTRIBUTES.contains(&name)
}

/// Whether the value of an attribute is an address.
pub(super) fn is_url(attribute: &str) -> bool {
    matches!(
        attribute,
        "cite" | "href" | "longdesc" | "poster" | "profile" | "src"
    )
}

/// Whether an element fetches its addresses by itself.
pub(super) fn is_embedded(tag: &str) -> bool {
    matches!(tag, "audio" | "img" | "source" | "video")
}

/// Schemes that run scripts, show a document that the writer made, or reach into the machine or the browser.
pub(super) fn is_dangerous_scheme(scheme: &str) -> bool {
    [
        "about",
        "blob",
        "chrome",
        "data",
        "file",
        "filesystem",
        "intent",
        "jar",
        "javascript",
        "livescript",
        "mhtml",
        "mocha",
        "res",
        "resource",
        "vbscript",
        "view-source",
        "wyciwyg",
    ]
    .iter()
    .any(|dangerous| dangerous.eq_ignore_ascii_case(scheme))
}

/// Whether it is a scheme in lower case (RFC 3986 section 3.1).
pub(super) fn is_scheme(scheme: &str) -> bool {
    let plain = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.')
    };
    scheme.starts_with(|first: char| first.is_ascii_lowercase()) && scheme.bytes().all(plain)
}
