//! Scripts in HTML: every place where the standard runs one, in every spelling that a tokenizer reads, and the shapes that mean one thing
//! before they are cleaned and another after.
//!
//! They are put together from the [HTML standard](https://html.spec.whatwg.org/), the [URL standard](https://url.spec.whatwg.org/) and
//! OWASP's cheat sheets on cross-site scripting. Each calls `alert(1)`; where that is out of reach, in a frame of its own or in a document
//! of another origin, it sends its number to the window at the top.

/// One text that wants to run a script.
#[derive(Clone, Debug)]
pub(crate) struct Vector {
    /// What it is an example of.
    pub(crate) group: &'static str,
    pub(crate) html: String,
}

/// Groups none of which a browser of today runs: of browsers gone by, or breakouts out of a place where the text is not put here.
pub(crate) const OLD: &[&str] = &["old", "clobbering"];

/// Stands for a message to the top with the number of the vector.
const TOP: &str = "TOP";
/// A picture that is not there, and says so.
const IMG: &str = "<img src=x onerror=alert(1)>";

struct Collection(Vec<Vector>);

impl Collection {
    fn add(&mut self, group: &'static str, html: impl Into<String>) {
        let number = self.0.len();
        // Without a quote, a space and a sign that ends a value.
        let message = format!("top.postMessage({number},String.fromCharCode(42))");
        let html = html.into().replace(TOP, &message);
        self.0.push(Vector { group, html });
    }

    fn all<T: Into<String>>(&mut self, group: &'static str, html: impl IntoIterator<Item = T>) {
        for html in html {
            self.add(group, html);
        }
    }
}

/// All vectors. Their numbers are their places.
pub(crate) fn all() -> Vec<Vector> {
    let mut all = Collection(Vec::new());
    handlers(&mut all);
    spellings(&mut all);
    code(&mut all);
    by_themselves(&mut all);
    addresses(&mut all);
    data(&mut all);
    scripts(&mut all);
    foreign(&mut all);
    raw_text(&mut all);
    comments(&mut all);
    tables(&mut all);
    formatting(&mut all);
    animation(&mut all);
    frames(&mut all);
    breakouts(&mut all);
    old(&mut all);
    clobbering(&mut all);
    all.0
}

/// Handlers of the standard (HTML, section 8.1.8.2), of pointers, touch, animations, selections and full screen.
const HANDLERS: &[&str] = &[
    "abort",
    "animationcancel",
    "animationend",
    "animationiteration",
    "animationstart",
    "auxclick",
    "beforecopy",
    "beforecut",
    "beforeinput",
    "beforematch",
    "beforepaste",
    "beforetoggle",
    "beforexrselect",
    "blur",
    "cancel",
    "canplay",
    "canplaythrough",
    "change",
    "click",
    "close",
    "command",
    "contentvisibilityautostatechange",
    "contextlost",
    "contextmenu",
    "contextrestored",
    "copy",
    "cuechange",
    "cut",
    "dblclick",
    "drag",
    "dragend",
    "dragenter",
    "dragleave",
    "dragover",
    "dragstart",
    "drop",
    "durationchange",
    "emptied",
    "ended",
    "error",
    "focus",
    "formdata",
    "fullscreenchange",
    "fullscreenerror",
    "gotpointercapture",
    "input",
    "invalid",
    "keydown",
    "keypress",
    "keyup",
    "load",
    "loadeddata",
    "loadedmetadata",
    "loadstart",
    "lostpointercapture",
    "mousedown",
    "mouseenter",
    "mouseleave",
    "mousemove",
    "mouseout",
    "mouseover",
    "mouseup",
    "mousewheel",
    "paste",
    "pause",
    "play",
    "playing",
    "pointercancel",
    "pointerdown",
    "pointerenter",
    "pointerleave",
    "pointermove",
    "pointerout",
    "pointerover",
    "pointerrawupdate",
    "pointerup",
    "progress",
    "ratechange",
    "reset",
    "resize",
    "scroll",
    "scrollend",
    "search",
    "securitypolicyviolation",
    "seeked",
    "seeking",
    "select",
    "selectionchange",
    "selectstart",
    "slotchange",
    "stalled",
    "submit",
    "suspend",
    "timeupdate",
    "toggle",
    "transitioncancel",
    "transitionend",
    "transitionrun",
    "transitionstart",
    "volumechange",
    "waiting",
    "webkitanimationend",
    "webkitanimationiteration",
    "webkitanimationstart",
    "webkittransitionend",
    "wheel",
];

/// Elements of the policies and others, most of them with a handler in turn.
const ELEMENTS: &[&str] = &[
    "a",
    "p",
    "img",
    "b",
    "td",
    "li",
    "details",
    "blockquote",
    "code",
    "h1",
    "div",
    "span",
    "svg",
    "video",
    "input",
    "button",
    "x-y",
    "font",
    "form",
    "section",
    "marquee",
    "center",
    "mark",
    "math",
    "label",
    "select",
    "textarea",
    "sup",
    "u",
    "s",
    "em",
    "figure",
    "summary",
    "ol",
];

/// What may stand between a name and an attribute.
const SEPARATORS: &[&str] = &[
    " ", "/", "\t", "\n", "\x0c", "\r\n", "/ /", " x=\"\"", " x=''", "//", " =", " \"x\" ",
    "\u{a0} ",
];

fn quoted(turn: usize, value: &str) -> String {
    match turn % 3 {
        0 => format!("\"{value}\""),
        1 => format!("'{value}'"),
        _ => value.to_owned(),
    }
}

fn handlers(all: &mut Collection) {
    for (number, handler) in HANDLERS.iter().enumerate() {
        for turn in 0..3 {
            let element = ELEMENTS[(number * 3 + turn) % ELEMENTS.len()];
            let value = quoted(number + turn, "alert(1)");
            let separator = SEPARATORS[(number + turn) % SEPARATORS.len()];
            let inside = if element == "td" { "<table><tr>" } else { "" };
            all.add(
                "handler",
                format!("{inside}<{element}{separator}on{handler}={value}>x</{element}>"),
            );
        }
    }
}

fn spellings(all: &mut Collection) {
    for (number, separator) in SEPARATORS.iter().enumerate() {
        for name in ["onerror", "ONERROR", "oNeRrOr"] {
            for equals in ["=", " = ", "\n=\t"] {
                let value = quoted(number, "alert(1)");
                all.add(
                    "spelling",
                    format!("<img src=x{separator} {name}{equals}{value}>"),
                );
            }
        }
    }
    all.all(
        "spelling",
        [
            "<img/src=x/onerror=alert(1)>",
            "<iMg SrC=x oNeRrOr=alert(1)>",
            "<img src=x onerror=alert(1)//",
            "<img src=x onerror=alert(1) ",
            "<img src=x onerror=alert(1) <p>x</p>",
            "<<img src=x onerror=alert(1)>",
            "<img src='x'onerror='alert(1)'>",
            "<img src=\"x\"onerror=\"alert(1)\">",
            "<img src=x onerror=\"alert(1)",
            "<img \u{0} src=x onerror=alert(1)>",
            "<img src=x\u{0} onerror=alert(1)>",
            "<image src=x onerror=alert(1)>",
            "<img src=x onerror=alert(1) onerror=x>",
            "<img src=x onerror=alert(1) ONERROR=x>",
            "<img src=x src=y onerror=alert(1)>",
            "<img alt='<' src=x onerror=alert(1)>",
            "<img alt='>' src=x onerror=alert(1)>",
            "<img alt=\"'\" src=x onerror=alert(1)>",
            "<img alt=` src=x onerror=alert(1) `>",
            "<img =x src=x onerror=alert(1)>",
            "<img \"' src=x onerror=alert(1)>",
            "</p x><img src=x onerror=alert(1)>",
            "</ x><img src=x onerror=alert(1)>",
            "<p\u{a0}x><img src=x onerror=alert(1)>",
            "<a\u{b}b><img src=x onerror=alert(1)>",
            "<x:y><img src=x onerror=alert(1)>",
        ],
    );
}

/// One call in many words.
fn code(all: &mut Collection) {
    for code in [
        "&#97;lert(1)",
        "&#x61;lert(1)",
        "&#x061lert(1)",
        "alert&#40;1&#41;",
        "alert&lpar;1&rpar;",
        "&#x5c;u0061lert(1)",
        "\\u0061lert(1)",
        "\\u{61}lert(1)",
        "alert`1`",
        "(alert)(1)",
        "[1].find(alert)",
        "globalThis.alert?.(1)",
        "window[`al`+`ert`](1)",
        "self[/al/.source+/ert/.source](1)",
        "eval(`ale`+`rt(1)`)",
        "eval(atob(`YWxlcnQoMSk=`))",
        "Function(`alert(1)`)()",
        "[].map.constructor(`alert(1)`)()",
        "setTimeout(alert)",
        "setTimeout`alert\\x281\\x29`",
        "Reflect.apply(alert,null,[1])",
        "javascript:alert(1)",
        "x:alert(1)",
        "/**/alert(1)//",
        "confirm(1)",
        "prompt(1)",
        "print()",
        "{alert(1)}",
        "if(1)alert(1)",
        "new&#32;Function(`alert(1)`)()",
        "onerror=alert;throw&#32;1",
        "import(`/hit.mjs`)",
        "document.body.append(Object.assign(document.createElement(`script`),{src:`/hit.js`}))",
    ] {
        all.add("code", format!("<img src=x onerror={code}>"));
        all.add("code", format!("<svg onload=\"{code}\"></svg>"));
        all.add("code", format!("<p onclick='{code}'>x</p>"));
    }
}

/// Nobody has to do anything.
fn by_themselves(all: &mut Collection) {
    all.all(
        "by itself",
        [
            "<svg onload=alert(1)>",
            "<svg/onload=alert(1)>",
            "<svg><svg onload=alert(1)>",
            "<body onload=alert(1)>",
            "<body onpageshow=alert(1)>",
            "<html onfocus=alert(1)>",
            "<input autofocus onfocus=alert(1)>",
            "<select autofocus onfocus=alert(1)>",
            "<textarea autofocus onfocus=alert(1)>",
            "<button autofocus onfocus=alert(1)>",
            "<a href=x autofocus onfocus=alert(1)>x</a>",
            "<p tabindex=1 autofocus onfocus=alert(1)>x</p>",
            "<x tabindex=1 autofocus onfocus=alert(1)>x</x>",
            "<p contenteditable autofocus onfocus=alert(1)>x</p>",
            "<details open ontoggle=alert(1)>x</details>",
            "<video src=x onerror=alert(1)></video>",
            "<video><source onerror=alert(1)></video>",
            "<audio src=x onerror=alert(1)></audio>",
            "<audio><source src=x onerror=alert(1)></audio>",
            "<video src=x onloadstart=alert(1)></video>",
            "<input type=image src=x onerror=alert(1)>",
            "<object data=x onerror=alert(1)></object>",
            "<embed src=/hit.js type=image/png onerror=alert(1)>",
            "<embed src=x onload=alert(1)>",
            "<link rel=stylesheet href=x onerror=alert(1)>",
            "<link rel=stylesheet href=/empty.css onload=alert(1)>",
            "<script src=x onerror=alert(1)></script>",
            "<style onload=alert(1)>p{}</style>",
            "<iframe onload=alert(1)></iframe>",
            "<iframe src=/empty onload=alert(1)></iframe>",
            "<marquee onstart=alert(1)>x</marquee>",
            "<img src=/dot.svg onload=alert(1)>",
            "<picture><source srcset=x><img src=x onerror=alert(1)></picture>",
            "<img srcset=x onerror=alert(1)>",
            "<svg><image href=x onerror=alert(1)></image></svg>",
            "<svg><image xlink:href=x onerror=alert(1)></image></svg>",
            "<svg><style onload=alert(1)></style></svg>",
            "<svg><script href=/hit.js></script></svg>",
            "<style>@keyframes k{}</style><p style=animation-name:k onanimationstart=alert(1)>x</p>",
            "<style>@keyframes k{}</style><b style='animation:k 1ms' onanimationend=alert(1)>x</b>",
            "<math><mtext><img src=x onerror=alert(1)></mtext></math>",
            "<p><img src=x onerror=alert(1)></p>",
            "<noembed></noembed><img src=x onerror=alert(1)>",
            "<frameset onload=alert(1)>",
            "<dialog open onfocus=alert(1) tabindex=1 autofocus>x</dialog>",
            "<template shadowrootmode=open><img src=x onerror=alert(1)></template>",
            "<div><template shadowrootmode=open><img src=x onerror=alert(1)></template></div>",
            "<div><template shadowrootmode=closed><slot onslotchange=alert(1)></slot></template>x</div>",
        ],
    );
}

/// The scheme that runs a script, as the URL standard reads it: without tabs and line ends, without control characters before it.
const SCRIPT_URLS: &[&str] = &[
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "JAVASCRIPT:alert(1)",
    "&#106;avascript:alert(1)",
    "&#x6A;avascript:alert(1)",
    "&#0000106avascript:alert(1)",
    "javascript&colon;alert(1)",
    "javascript&#58;alert(1)",
    "java&#9;script:alert(1)",
    "java&Tab;script:alert(1)",
    "java&#10;script:alert(1)",
    "java&NewLine;script:alert(1)",
    "java&#13;script:alert(1)",
    "java\tscript:alert(1)",
    "java\nscript:alert(1)",
    "java\r\nscript:alert(1)",
    " javascript:alert(1)",
    "&#1;javascript:alert(1)",
    "&#32;&#9;javascript:alert(1)",
    "\x1bjavascript:alert(1)",
    "&#x1F;javascript:alert(1)",
    "javascript://example.com/%0aalert(1)",
    "javascript:/*https://example.com/*/alert(1)",
    "javascript:%61lert(1)",
    "javascript:void(alert(1))",
    "javascript:'<script>alert(1)</script>';alert(1)",
];

fn addresses(all: &mut Collection) {
    for (number, url) in SCRIPT_URLS.iter().enumerate() {
        let quote = if url.contains('\'') || number % 2 == 0 {
            '"'
        } else {
            '\''
        };
        let url = format!("{quote}{url}{quote}");
        for html in [
            format!("<a href={url}>x</a>"),
            format!("<a href={url} target=_self rel=opener>x</a>"),
            format!("<iframe src={url}></iframe>"),
            format!("<form action={url}><button>x</button></form>"),
            format!("<button formaction={url}>x</button>"),
            format!("<svg><a href={url}><text y=20>x</text></a></svg>"),
            format!("<svg><a xlink:href={url}><text y=20>x</text></a></svg>"),
        ] {
            all.add("address", html);
        }
    }
    let url = SCRIPT_URLS[0];
    all.all(
        "address",
        [
            format!(
                "<map name=m><area shape=default href={url}></map><img usemap=#m src=/dot.svg>"
            ),
            format!("<form><input type=submit formaction={url}></form>"),
            format!("<form id=f action={url}></form><button form=f>x</button>"),
            format!("<form><input type=image formaction={url}></form>"),
            format!("<embed src={url}>"),
            format!("<object data={url}></object>"),
            format!("<base href={url}//><a href=x>x</a>"),
            format!("<base href={url}/><a href=#x>x</a>"),
            format!("<a href=x href={url}>x</a><a href={url} href=x>x</a>"),
            format!("<a HREF={url}>x</a>"),
            format!("<math href={url}>x</math>"),
            format!("<math><mi xlink:href={url}>x</mi></math>"),
            format!("<frameset><frame src={url}></frameset>"),
            format!("<a title='x' lang=en\nhref={url}>x</a>"),
            format!("<a href={url} title='<a href=https://example.com>'>x</a>"),
        ],
    );
}

fn data(all: &mut Collection) {
    let page = "<script>TOP</script>";
    for url in [
        format!("data:text/html,{page}"),
        format!("DATA:text/html,{page}"),
        format!("data:text/html;charset=utf-8,{page}"),
        format!("da&#9;ta:text/html,{page}"),
        format!(" data:text/html,{page}"),
        "data:text/html,%3Cscript%3ETOP%3C/script%3E".to_owned(),
        "data:text/html,<img src=x onerror=TOP>".to_owned(),
        "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='TOP'/>".to_owned(),
        "data:application/xhtml+xml,<html xmlns='http://www.w3.org/1999/xhtml'><script>TOP</script></html>".to_owned(),
        "data:text/xml,<x xmlns:h='http://www.w3.org/1999/xhtml'><h:script>TOP</h:script></x>".to_owned(),
    ] {
        all.add("data", format!("<iframe src=\"{url}\"></iframe>"));
        all.add("data", format!("<object data=\"{url}\"></object>"));
        all.add("data", format!("<embed src=\"{url}\">"));
        all.add("data", format!("<a href=\"{url}\">x</a>"));
        all.add("data", format!("<img src=\"{url}\">"));
    }
    all.add("data", "<script src=data:,alert(1)></script>");
    all.add(
        "data",
        "<script src='data:text/javascript,alert(1)'></script>",
    );
    all.add(
        "data",
        "<script type=module src='data:text/javascript,alert(1)'></script>",
    );
    all.add("data", "<link rel=modulepreload href='data:text/javascript,alert(1)'><script type=module>import('data:text/javascript,top;'+0);alert(1)</script>");
}

fn scripts(all: &mut Collection) {
    all.all(
        "script",
        [
            "<script>alert(1)</script>",
            "<SCRIPT>alert(1)</SCRIPT>",
            "<script >alert(1)</script >",
            "<script/x>alert(1)</script/x>",
            "<script\n>alert(1)</script\n>",
            "<script\x0cx=y>alert(1)</script>",
            "<script>alert(1)",
            "<script>alert(1)</script",
            "<script type=text/javascript>alert(1)</script>",
            "<script type=' text/ecmascript '>alert(1)</script>",
            "<script language=javascript>alert(1)</script>",
            "<script type=module>alert(1)</script>",
            "<script async src=/hit.js></script>",
            "<script defer src=//LOCAL/hit.js></script>",
            "<script src=\\\\LOCAL\\hit.js></script>",
            "<script src=/hit.js onload=alert(1)></script>",
            "<script>/*</script><script>alert(1)//*/</script>",
            "<script><!--\nalert(1)\n--></script>",
            "<script>alert(1)<!-- </script>",
            "<scr<script>ipt>alert(1)</scr</script>ipt>",
            "<scr<script></script>ipt>alert(1)</script>",
            "<<script>alert(1)//<</script>",
            "<script>alert(1)</script\x00>",
            "<p><script>alert(1)</script></p>",
            "<table><script>alert(1)</script></table>",
            "<table><tr><script>alert(1)</script></table>",
            "<select><script>alert(1)</script></select>",
            "<select><option><script>alert(1)</script></select>",
            "<svg><script>alert(1)</script></svg>",
            "<svg><script>alert&#40;1&#41;</script></svg>",
            "<svg><script>alert&lpar;1)</script></svg>",
            "<svg><script><![CDATA[alert(1)]]></script></svg>",
            "<svg><script>/*<b>*/alert(1)</script></svg>",
            "<svg><script/href=/hit.js></svg>",
            "<svg><script xlink:href=data:,alert(1)></script></svg>",
            "<svg><desc><script>alert(1)</script></desc></svg>",
            "<svg><foreignObject><script>alert(1)</script></foreignObject></svg>",
            "<math><mi><script>alert(1)</script></mi></math>",
            "<math><annotation-xml encoding=text/html><script>alert(1)</script></annotation-xml></math>",
            "<template><script>alert(1)</script></template><script>document.body.append(document.querySelector('template').content)</script>",
            "<noscript><p title=\"</noscript><script>alert(1)</script>\">",
            "<script>document.write('<img src=x onerror=alert(1)>')</script>",
            "<script nomodule>x</script><script>alert(1)</script>",
            "<script type=importmap>{}</script><script type=module>import '/hit.mjs'</script>",
        ],
    );
}

const INTEGRATION: &[(&str, &str)] = &[
    ("svg", "foreignObject"),
    ("svg", "desc"),
    ("svg", "title"),
    ("svg", "g"),
    ("math", "mtext"),
    ("math", "mi"),
    ("math", "mo"),
    ("math", "mn"),
    ("math", "ms"),
    ("math", "annotation-xml"),
    ("math", "annotation-xml encoding=text/html"),
    ("math", "annotation-xml encoding=application/xhtml+xml"),
    ("math", "merror"),
];

/// Elements whose content is text in HTML, and elements in SVG and `MathML`.
const RAW: &[&str] = &[
    "style",
    "xmp",
    "iframe",
    "noembed",
    "noframes",
    "noscript",
    "title",
    "textarea",
    "script",
    "plaintext",
];

/// What is an attribute or a comment in one namespace is an element in the other.
fn foreign(all: &mut Collection) {
    for (root, point) in INTEGRATION {
        let end = point.split(' ').next().unwrap_or(point);
        all.add(
            "foreign",
            format!("<{root}><{point}>{IMG}</{end}></{root}>"),
        );
        all.add(
            "foreign",
            format!("<{root}><{point}><a href=javascript:alert(1)>x</a></{end}></{root}>"),
        );
        for raw in RAW {
            all.add(
                "foreign",
                format!("<{root}><{point}><{raw}><a title=\"</{raw}>{IMG}\">x"),
            );
            all.add(
                "foreign",
                format!("<{root}><{raw}><{point}><a title=\"</{raw}>{IMG}\">x"),
            );
            all.add(
                "foreign",
                format!("<{root}><{point}><{raw}><!--</{raw}>{IMG}-->"),
            );
        }
    }
    for root in ["svg", "math"] {
        for raw in RAW {
            all.add(
                "foreign",
                format!("<{root}></p><{raw}><a title=\"</{raw}>{IMG}\">"),
            );
            all.add(
                "foreign",
                format!("<{root}><p><{raw}><a title=\"</{raw}>{IMG}\">"),
            );
            all.add(
                "foreign",
                format!("<{root}></br><{raw}><g title=\"</{raw}>{IMG}\">"),
            );
            all.add(
                "foreign",
                format!("<form><{root}><mtext></form><form><mglyph><{raw}></math>{IMG}"),
            );
            all.add("foreign", format!("<{root}><mtext><table><mglyph><{raw}><!--</{raw}><img title=\"--&gt;&lt;img src=x onerror=alert(1)&gt;\">"));
            all.add(
                "foreign",
                format!("<{root}><mtext><table><malignmark><{raw}><![CDATA[</{raw}>{IMG}]]>"),
            );
            all.add(
                "foreign",
                format!("<{root}><font color=x><{raw}><a title=\"</{raw}>{IMG}\">"),
            );
        }
    }
    all.all(
        "foreign",
        [
            format!("<svg><![CDATA[><a title=\"]]>{IMG}\">"),
            format!("<svg><![CDATA[</svg>{IMG}]]>{IMG}"),
            format!("<math><![CDATA[<]]>{IMG}"),
            format!("<svg></svg><![CDATA[{IMG}]]>"),
            format!("<svg><title><style><!--</style></title>{IMG}"),
            format!("<svg><desc><table><svg><style><a title=\"</style>{IMG}\">"),
            format!("<math><mi><table><svg><style><a title=\"</style>{IMG}\">"),
            format!("<math><annotation-xml><svg><foreignObject><style><a title=\"</style>{IMG}\">"),
            format!("<svg><annotation-xml><foreignobject><style><!--</style><p title=\"--><img src=x onerror=alert(1)>\">{IMG}"),
            format!("<math><mtext><h1><a><h6></a></h6><mglyph><svg><mtext><style><a title=\"</style>{IMG}\"></style></h1>"),
            format!("<math><mtext><option><FAKE><option></option><mglyph><svg><mtext><style><a title=\"</style>{IMG}\">"),
            format!("<select><svg><style><a title=\"</style>{IMG}\">"),
            format!("<select><selectedcontent><svg><style><a title=\"</style>{IMG}\">"),
            format!("<svg><g/><p>{IMG}"),
            format!("<svg><font face=x>{IMG}</font></svg>"),
        ],
    );
}

fn raw_text(all: &mut Collection) {
    for raw in RAW {
        for quote in ['"', '\''] {
            all.add(
                "raw text",
                format!("<{raw}><img title={quote}</{raw}>{IMG}{quote}>"),
            );
        }
        all.add("raw text", format!("<{raw}></{raw}>{IMG}"));
        all.add("raw text", format!("<{raw}><p></{raw} x>{IMG}"));
        all.add("raw text", format!("<{raw}>&lt;/{raw}&gt;</{raw}>{IMG}"));
        all.add("raw text", format!("<p title='<{raw}>'>{IMG}"));
        all.add("raw text", format!("<!--<{raw}>-->{IMG}"));
        all.add("raw text", format!("<div><{raw}><div></{raw}></div>{IMG}"));
        all.add(
            "raw text",
            format!("<option><{raw}></option></{raw}><img src=x onerror=alert(1)></option>"),
        );
    }
    all.add(
        "raw text",
        format!("<template><style></template></style>{IMG}"),
    );
    all.add("raw text", format!("<listing>\n{IMG}</listing>"));
    all.add("raw text", format!("<pre>\n\n{IMG}</pre>"));
    all.add("raw text", format!("<isindex prompt=x>{IMG}"));
}

fn comments(all: &mut Collection) {
    for comment in [
        "<!-->",
        "<!--->",
        "<!---->",
        "<!-- -->",
        "<!-- --!>",
        "<!-- ---!>--!>",
        "<!-- -- > -->",
        "<!--[if gte IE 4]>-->",
        "<!-- <!-- -->",
        "<!-- <!-->",
        "<!>",
        "<!x>",
        "<!DOCTYPE x>",
        "<!doctype x \">",
        "<!doctype x SYSTEM '>",
        "<?x ?>",
        "<?>",
        "<?xml version='1.0'>",
        "</ >",
        "</1>",
        "</>",
        "</#x>",
        "<![CDATA[>",
        "<![CDATA[x]]>",
        "<!ENTITY x 'y'>",
        "<!ELEMENT x>",
        "<%x>",
        "<!-- x\u{0}-->",
    ] {
        all.add("comment", format!("{comment}{IMG}"));
        all.add("comment", format!("{comment}{IMG}-->"));
        all.add("comment", format!("<p>{comment}<svg onload=alert(1)>"));
    }
    all.add("comment", format!("<!-- <p title='-->{IMG}'>"));
    all.add("comment", format!("<p title='<!--'>{IMG}<p title='-->'>"));
    all.add("comment", format!("<!-- --\u{200b}> -->{IMG}"));
}

fn tables(all: &mut Collection) {
    for before in [
        "<table>",
        "<table><tr>",
        "<table><tbody>",
        "<table><tr><td>",
        "<table><caption>",
        "<table><colgroup>",
        "<table><col>",
        "<table><select>",
        "<table><tr><td><table>",
        "<table><form>",
        "<table><input type=hidden>",
        "<table><td><svg><td>",
        "<table><math><td>",
        "<table><p>",
        "<table><template>x</template>",
        "<a><table>",
        "<table><a>",
        "<b><table><tr>",
        "<table><thead><tr><th>",
    ] {
        all.add("table", format!("{before}{IMG}"));
        all.add(
            "table",
            format!("{before}<a href=javascript:alert(1)>x</a>"),
        );
        all.add("table", format!("{before}<svg onload=alert(1)>"));
    }
}

fn formatting(all: &mut Collection) {
    for before in [
        "<b><p></b>",
        "<a><b></a>",
        "<b><i><u><p></b></i>",
        "<b><b><b><b><p></b>",
        "<nobr><nobr>",
        "<font><p></font>",
        "<a href=x><a href=y>",
        "<a><div><a>",
        "<b><table><td></b>",
        "<p><b><object></p>",
        "<b><applet></b>",
        "<marquee><b></marquee>",
        "<button><p><button>",
        "<h1><h2>",
        "<li><li><div><li>",
        "<dd><dt><p>",
        "<form><p><form>",
        "<p><svg><p>",
        "<ruby><rt><rp>",
        "<b></p><i></p>",
        "<em><strong><code><p></em>",
        "<option><optgroup>",
        "<frameset><b>",
        "<body><b>",
        "</body></html><b>",
        "<head><b>",
        "<html><b>",
    ] {
        all.add("formatting", format!("{before}{IMG}"));
        all.add("formatting", format!("{before}<p onclick=alert(1)>x</p>"));
        all.add(
            "formatting",
            format!("{before}<a href=javascript:alert(1)>x"),
        );
    }
}

fn animation(all: &mut Collection) {
    let url = "javascript:alert(1)";
    for attribute in ["href", "xlink:href"] {
        all.all(
            "animation",
            [
                format!("<svg><a><animate attributeName={attribute} values={url} /><text y=20>x</text></a></svg>"),
                format!("<svg><a><animate attributeName={attribute} from={url} to={url} dur=9s /><text y=20>x</text></a></svg>"),
                format!("<svg><a><set attributeName={attribute} to={url} /><text y=20>x</text></a></svg>"),
                format!("<svg><a id=q><text y=20>x</text></a><animate href=#q attributeName={attribute} values='x;{url}' dur=1ms fill=freeze /></svg>"),
                format!("<svg><a id=q><text y=20>x</text></a><set xlink:href=#q attributeName={attribute} to={url} /></svg>"),
            ],
        );
    }
    for element in [
        "animate attributeName=x",
        "set attributeName=x",
        "animateTransform attributeName=transform",
        "animateMotion",
    ] {
        for event in ["begin", "end"] {
            all.add(
                "animation",
                format!("<svg><{element} on{event}=alert(1) dur=1ms to=1></svg>"),
            );
        }
    }
    all.all(
        "animation",
        [
            "<svg><rect id=r width=9 height=9><animate attributeName=width onrepeat=alert(1) dur=1ms from=1 to=2 repeatCount=3></rect></svg>".to_owned(),
            format!("<svg><discard onbegin=alert(1)></discard>{IMG}</svg>"),
            "<svg><animate onbegin=alert(1) attributeName=x dur=1s>".to_owned(),
            "<svg><use href=#x onload=alert(1)></use></svg><svg onload=alert(1)>".to_owned(),
            "<svg><use href=\"data:image/svg+xml,<svg id='x' xmlns='http://www.w3.org/2000/svg'><image href='1' onerror='alert(1)'/></svg>#x\"/></svg><svg onload=alert(1)>".to_owned(),
            "<svg><handler xmlns:ev='http://www.w3.org/2001/xml-events' ev:event=load>alert(1)</handler><svg onload=alert(1)></svg>".to_owned(),
        ],
    );
}

fn frames(all: &mut Collection) {
    for page in [
        "<script>TOP</script>",
        "<img src=x onerror=TOP>",
        "<svg onload=TOP>",
        "&lt;script&gt;TOP&lt;/script&gt;",
        "<body onload=TOP>",
    ] {
        for frame in [
            "iframe srcdoc",
            "iframe src=/empty srcdoc",
            "iframe sandbox=allow-scripts srcdoc",
            "IFRAME SRCDOC",
            "iframe x='>' srcdoc",
        ] {
            all.add("frame", format!("<{frame}=\"{page}\"></iframe>"));
        }
    }
    all.all(
        "frame",
        [
            "<meta http-equiv=refresh content='0;url=data:text/html,<script>TOP</script>'><img src=x onerror=alert(1)>",
            "<meta http-equiv=refresh content='9;url=javascript:alert(1)'><img src=x onerror=alert(1)>",
            "<object type=text/html data=/empty onload=alert(1)></object>",
            "<portal src=/empty onload=alert(1)></portal><img src=x onerror=alert(1)>",
            "<fencedframe></fencedframe><img src=x onerror=alert(1)>",
        ],
    );
}

/// Out of an attribute, a raw text, a script or a style of the page: nothing of it may be left for such a place either.
fn breakouts(all: &mut Collection) {
    for before in [
        "\">",
        "'>",
        ">",
        "\"'>",
        "\"></p>",
        "-->",
        "--!>",
        "]]>",
        "</textarea>",
        "</title>",
        "</style>",
        "</script>",
        "</noscript>",
        "</xmp>",
        "</iframe>",
        "</select>",
        "</template>",
        "</svg>",
        "</math>",
        "</table>",
        "</a></p></div>",
        "</div></body></html>",
        "x\" y=\"z\">",
        "`>",
        "\\\">",
        "';//</script>",
        "*/</style>",
        "%22%3E\">",
        "&quot;>",
        "\u{0}\">",
        "\n\n\">",
    ] {
        all.add("breakout", format!("{before}{IMG}"));
        all.add("breakout", format!("{before}<script>alert(1)</script>"));
        all.add("breakout", format!("{before}<svg/onload=alert(1)>"));
    }
}

fn old(all: &mut Collection) {
    all.all(
        "old",
        [
            "<a href=vbscript:msgbox(1)>x</a>",
            "<a href=livescript:alert(1)>x</a>",
            "<img src=javascript:alert(1)>",
            "<img dynsrc=javascript:alert(1)>",
            "<img lowsrc=javascript:alert(1)>",
            "<body background=javascript:alert(1)>",
            "<table background=javascript:alert(1)>x</table>",
            "<td background=javascript:alert(1)>x",
            "<p style=width:expression(alert(1))>x</p>",
            "<p style=behavior:url(x.htc)>x</p>",
            "<p style=-moz-binding:url(x.xml#y)>x</p>",
            "<p style=background:url(javascript:alert(1))>x</p>",
            "<style>@import 'javascript:alert(1)';</style>",
            "<style>p{background:url('javascript:alert(1)')}</style>",
            "<link rel=stylesheet href=javascript:alert(1)>",
            "<link rel=import href=data:text/html,x>",
            "<bgsound src=javascript:alert(1)>",
            "<layer src=javascript:alert(1)>",
            "<xml id=x><i><b>&lt;img src=x onerror=alert(1)&gt;</b></i></xml>",
            "<!--[if gte IE 4]><script>alert(1)</script><![endif]-->",
            "<comment><img src=\"</comment><p onclick=alert(1)>\">",
            "<input value='``onmouseover=alert(1)'>",
            "<p \u{3000}onclick=x>x</p>",
            "<\u{ff53}cript>alert(1)</\u{ff53}cript>",
            "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
            "\u{fe64}script\u{fe65}alert(1)\u{fe64}/script\u{fe65}",
            "%3Cscript%3Ealert(1)%3C/script%3E",
            "&lt;script&gt;alert(1)&lt;/script&gt;",
            "&#60;img src=x onerror=alert(1)&#62;",
            "\\x3cscript\\x3ealert(1)",
            "<blockquote cite=javascript:alert(1)>x</blockquote>",
            "<q cite=javascript:alert(1)>x</q>",
            "<img longdesc=javascript:alert(1)>",
            "<video poster=javascript:alert(1)></video>",
            "<a ping=javascript:alert(1) href=#x>x</a>",
            "<applet code=x codebase=javascript:alert(1)></applet>",
            "<object classid=clsid:x><param name=url value=javascript:alert(1)></object>",
            "<html manifest=javascript:alert(1)>",
            "<svg><use href=data:image/svg+xml,x#y /></svg>",
            "<?xml-stylesheet href=javascript:alert(1)?>",
        ],
    );
}

/// Names that stand in for variables of a page's own scripts.
fn clobbering(all: &mut Collection) {
    for name in [
        "hits",
        "alert",
        "location",
        "cookie",
        "body",
        "forms",
        "attributes",
        "getElementById",
        "config",
    ] {
        all.add("clobbering", format!("<a id={name}>x</a>"));
        all.add("clobbering", format!("<img name={name}>"));
        all.add(
            "clobbering",
            format!("<form id=x><input name={name}></form>"),
        );
        all.add(
            "clobbering",
            format!("<a id=x></a><a id=x name={name} href=https://evil.test>x</a>"),
        );
    }
}
