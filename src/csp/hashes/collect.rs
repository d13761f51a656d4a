//! What of a page needs a hash.

use sha2::{Digest, Sha256};

use super::error::{CspHashesError, MOST_SRCDOC};
use super::page::{Element, Scripting, elements};
use crate::csp::Source;
use crate::csp::media::is_javascript;

/// What was found in the pages, in their order, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) scripts: Vec<Source>,
    pub(super) styles: Vec<Source>,
    /// Whether some of the hashes are those of attributes.
    pub(super) has_script_attributes: bool,
    pub(super) has_style_attributes: bool,
    /// The addresses of scripts without `integrity`.
    pub(super) external: Vec<String>,
}

impl Found {
    /// An empty script runs nothing, and no browser asks the policy about it.
    pub(super) fn script(&mut self, text: &str) {
        if !text.is_empty() {
            add(&mut self.scripts, hash(text));
        }
    }

    /// Browsers ask about an empty style: a script may fill it.
    pub(super) fn style(&mut self, text: &str) {
        add(&mut self.styles, hash(text));
    }
}

fn add<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

fn hash(text: &str) -> Source {
    Source::sha256(Sha256::digest(text.as_bytes()).into())
}

/// Whether attributes are hashed or refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Attributes {
    #[default]
    Refuse,
    Hash,
}

/// Reads one page into `found` and returns what no hash allows, in the order of lines.
pub(super) fn read_page(
    html: &str,
    attributes: Attributes,
    found: &mut Found,
) -> Vec<CspHashesError> {
    let mut reader = Reader {
        found,
        attributes,
        problems: Vec::new(),
    };
    // Where scripts are off, the styles in `<noscript>` apply; the scripts in it never run.
    for scripting in [Scripting::On, Scripting::Off] {
        reader.document(html, scripting, None, 0);
    }
    let mut problems = reader.problems;
    problems.sort_by_key(|(line, _)| *line);
    problems.into_iter().map(|(_, problem)| problem).collect()
}

struct Reader<'a> {
    found: &'a mut Found,
    attributes: Attributes,
    problems: Vec<(u64, CspHashesError)>,
}

impl Reader<'_> {
    /// `line` is that of the outermost frame for a document in a `srcdoc`.
    fn document(&mut self, html: &str, scripting: Scripting, line: Option<u64>, depth: usize) {
        for element in elements(html, scripting, depth > 0) {
            let at = line.unwrap_or(element.line);
            if scripting == Scripting::On {
                self.scripts(&element, at);
            }
            self.styles(&element, at);
            // The document in the frame has the policy of the page (HTML, section 7.1.7).
            if element.is_html()
                && element.local_name() == "iframe"
                && let Some(inner) = element.attribute("srcdoc")
            {
                if depth < MOST_SRCDOC {
                    self.document(inner, scripting, Some(at), depth.saturating_add(1));
                } else {
                    self.problem(at, CspHashesError::RefusedSrcdocDepth { line: at });
                }
            }
        }
    }

    fn problem(&mut self, line: u64, problem: CspHashesError) {
        add(&mut self.problems, (line, problem));
    }

    fn scripts(&mut self, element: &Element, line: u64) {
        if element.is_script() {
            self.script(element, line);
        } else if is_script_link(element) {
            self.load(element.attribute("href"), element, line);
        }
        for attribute in &element.attributes {
            let (name, value) = (&*attribute.name.local, &*attribute.value);
            if is_handler(name) {
                self.handler(element, name, value, line);
            } else if is_address(element, name) {
                for address in value.split(|c| c == ';' && name == "values") {
                    self.address(element, name, address, line);
                }
            } else if name == "content" && is_refresh(element) {
                self.refresh(element, value, line);
            }
        }
    }

    fn script(&mut self, element: &Element, line: u64) {
        let Some(kind) = script_kind(element) else {
            return;
        };
        let source = if element.is_svg() { "href" } else { "src" };
        match element.attribute(source) {
            // Only these are loaded from elsewhere.
            Some(address) if matches!(kind, Kind::Classic | Kind::Module) => {
                self.load(Some(address), element, line);
            }
            Some(_) => {}
            None if element.is_unfinished() => {}
            None => self.found.script(&element.take_text()),
        }
    }

    /// Takes the hashes of `integrity`: a policy allows the script if it has all of them (CSP3, section 6.7.1.1).
    fn load(&mut self, address: Option<&str>, element: &Element, line: u64) {
        let Some(address) = address.map(str::trim_ascii).filter(|at| !at.is_empty()) else {
            return;
        };
        // SVG scripts have no such attribute.
        let integrity = element.attribute("integrity").filter(|_| element.is_html());
        let mut has_hash = false;
        for token in integrity.unwrap_or_default().split_ascii_whitespace() {
            // Behind `?` stand options, of which there are none (SRI, section 3.1).
            let token = token.split('?').next().unwrap_or_default();
            if !is_known_algorithm(token) {
                continue;
            }
            has_hash = true;
            match Source::hash_str(token) {
                Ok(source) => add(&mut self.found.scripts, source),
                Err(_) => self.problem(
                    line,
                    CspHashesError::InvalidIntegrity {
                        line,
                        value: token.to_owned(),
                    },
                ),
            }
        }
        if !has_hash {
            add(&mut self.found.external, address.to_owned());
        }
    }

    fn handler(&mut self, element: &Element, name: &str, value: &str, line: u64) {
        // A handler without code does nothing, blocked or not.
        if value.trim_ascii().is_empty() {
            return;
        }
        match self.attributes {
            Attributes::Hash => {
                self.found.script(value);
                self.found.has_script_attributes = true;
            }
            Attributes::Refuse => self.problem(
                line,
                CspHashesError::RefusedEventHandler {
                    line,
                    element: element.local_name().to_owned(),
                    attribute: name.to_owned(),
                },
            ),
        }
    }

    fn address(&mut self, element: &Element, name: &str, value: &str, line: u64) {
        let Some(address) = javascript(value) else {
            return;
        };
        // Browsers hash the whole address, some with its escapes undone: one that has none is the same to all.
        let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'%';
        if self.attributes == Attributes::Hash && address.bytes().all(is_plain) {
            self.found.script(&address);
            self.found.has_script_attributes = true;
        } else {
            self.refuse_address(element, name, line);
        }
    }

    /// No browser follows it (HTML, section 4.2.5.3), and no hash helps.
    fn refresh(&mut self, element: &Element, content: &str, line: u64) {
        // "0; url='javascript:...'", with much freedom in between.
        let addresses = content.split([';', ',', '=', '\'', '"']);
        if addresses.into_iter().any(|part| javascript(part).is_some()) {
            self.refuse_address(element, "content", line);
        }
    }

    fn refuse_address(&mut self, element: &Element, attribute: &str, line: u64) {
        let problem = CspHashesError::RefusedJavascriptUrl {
            line,
            element: element.local_name().to_owned(),
            attribute: attribute.to_owned(),
        };
        self.problem(line, problem);
    }

    fn styles(&mut self, element: &Element, line: u64) {
        if element.is_style() && is_css(element) {
            self.found.style(&element.take_text());
        }
        let declarations = element
            .attribute("style")
            .filter(|value| !value.trim_ascii().is_empty());
        let Some(declarations) = declarations else {
            return;
        };
        match self.attributes {
            Attributes::Hash => {
                self.found.style(declarations);
                self.found.has_style_attributes = true;
            }
            Attributes::Refuse => self.problem(
                line,
                CspHashesError::RefusedStyleAttribute {
                    line,
                    element: element.local_name().to_owned(),
                },
            ),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Classic,
    Module,
    ImportMap,
    SpeculationRules,
}

/// What the `type` of a script says it is (HTML, section 4.12.1.1, "prepare the script element"); `None` for a data block.
fn script_kind(element: &Element) -> Option<Kind> {
    let word = match (element.attribute("type"), element.attribute("language")) {
        (Some(""), _) | (None, None | Some("")) => return Some(Kind::Classic),
        (Some(kind), _) => kind.trim_ascii().to_ascii_lowercase(),
        (None, Some(language)) => format!("text/{}", language.to_ascii_lowercase()),
    };
    match word.as_str() {
        "module" => Some(Kind::Module),
        "importmap" => Some(Kind::ImportMap),
        "speculationrules" => Some(Kind::SpeculationRules),
        // Whole: a type with parameters is that of a data block.
        word => is_javascript(word.as_bytes()).then_some(Kind::Classic),
    }
}

/// Whether a style is CSS (HTML, section 4.2.6, "update a style block").
fn is_css(element: &Element) -> bool {
    element
        .attribute("type")
        .is_none_or(|kind| kind.is_empty() || kind.eq_ignore_ascii_case("text/css"))
}

/// A link that loads a script ahead of its use, which the policy is asked about too.
fn is_script_link(element: &Element) -> bool {
    if !element.is_html() || element.local_name() != "link" {
        return false;
    }
    let rel = element.attribute("rel").unwrap_or_default();
    let has = |word| {
        rel.split_ascii_whitespace()
            .any(|token| token.eq_ignore_ascii_case(word))
    };
    let is_script = |kind: &str| kind.eq_ignore_ascii_case("script");
    let kind = element.attribute("as");
    (has("modulepreload") && kind.is_none_or(|kind| kind.is_empty() || is_script(kind)))
        || (has("preload") && kind.is_some_and(is_script))
}

fn is_known_algorithm(token: &str) -> bool {
    token.split_once('-').is_some_and(|(name, _)| {
        ["sha256", "sha384", "sha512"]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
    })
}

/// `on` and letters: also a handler that only tomorrow's browsers know.
fn is_handler(name: &str) -> bool {
    name.strip_prefix("on")
        .is_some_and(|event| !event.is_empty() && event.bytes().all(|b| b.is_ascii_lowercase()))
}

/// Attributes that browsers navigate to, and those of SVG that animate one.
fn is_address(element: &Element, name: &str) -> bool {
    match name {
        "action" | "data" | "formaction" | "href" | "src" => true,
        "by" | "from" | "to" | "values" => element.is_svg(),
        _ => false,
    }
}

fn is_refresh(element: &Element) -> bool {
    element.local_name() == "meta"
        && element
            .attribute("http-equiv")
            .is_some_and(|name| name.trim_ascii().eq_ignore_ascii_case("refresh"))
}

/// The address with the scheme `javascript` as a browser reads it: without control characters and blanks around it, tabs and
/// line ends in it (WHATWG URL, section 4.4), the scheme in lower case.
fn javascript(value: &str) -> Option<String> {
    const SCHEME: &str = "javascript:";
    let value = value.trim_matches(|c: char| c <= ' ');
    let address: String = value.chars().filter(|c| !"\t\n\r".contains(*c)).collect();
    let (scheme, code) = address.split_at_checked(SCHEME.len())?;
    scheme
        .eq_ignore_ascii_case(SCHEME)
        .then(|| format!("{SCHEME}{code}"))
}
