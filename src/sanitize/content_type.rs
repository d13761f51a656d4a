//! What kind of body a request has, told from its headers alone.

use std::borrow::Cow;

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Method, Version};

use super::check::Head;
use super::report::{Part, Violation};
use super::rule::{Rule, Section};
use super::rule_set::{RuleActions, RuleSet};
use crate::core::field::is_token;

/// The rules for bodies as a whole.
#[derive(Clone, Debug)]
pub(super) struct BodyRules {
    pub(super) actions: RuleActions,
    /// What is inspected is read up to here.
    pub(super) limit: usize,
    /// Types that pass without a look, lower case.
    pub(super) allowed: Vec<String>,
    /// Types that are JSON too, lower case.
    pub(super) json_types: Vec<String>,
    /// Whether the handlers speak gRPC, so that its calls pass without a look.
    pub(super) grpc: bool,
    /// Whether multipart bodies are checked while the handler reads them: they have no limit then.
    pub(super) streams_multipart: bool,
}

/// What is done with a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BodyClass {
    /// There is none, or it is not looked at.
    Opaque,
    Json,
    Form,
    Multipart(Boundary),
}

/// The subtype of forms.
const FORM: &str = "x-www-form-urlencoded";

/// The boundary of a multipart body; `None` if it is missing, stands twice or is written in a way that readers differ on.
pub(super) type Boundary = Option<Box<[u8]>>;

impl BodyRules {
    pub(super) const fn strict() -> Self {
        Self::of(RuleActions::strict(Section::Body))
    }

    pub(super) const fn compatible() -> Self {
        Self::of(RuleActions::compatible(Section::Body))
    }

    const fn of(actions: RuleActions) -> Self {
        Self {
            actions,
            limit: 1 << 20,
            allowed: Vec::new(),
            json_types: Vec::new(),
            grpc: false,
            streams_multipart: false,
        }
    }

    /// The class of a body that is there and not exempt. `least` is how long it is at least, as far as the server knows.
    pub(super) fn classify(
        &self,
        head: Head<'_>,
        least: u64,
        reported: &mut RuleSet,
    ) -> Result<BodyClass, Violation> {
        // A tunnel, which has no type (RFC 9110, section 9.3.6). With one a handler of any method takes it for a body.
        if head.method == Method::CONNECT && !head.headers.contains_key(CONTENT_TYPE) {
            return Ok(BodyClass::Opaque);
        }
        let mut hits = RuleSet::EMPTY;
        if matches!(*head.method, Method::GET | Method::HEAD) {
            hits.insert(Rule::BodyUnexpected);
        }
        let class = self.class_of_type(head, &mut hits);
        if class != BodyClass::Opaque {
            self.look_at_inspected(head.headers, least, &class, &mut hits);
        }
        match self.actions.settle(hits, reported) {
            None => Ok(class),
            Some(rule) => Err(Violation::new(rule, Part::Headers, 0, 0)),
        }
    }

    fn class_of_type(&self, head: Head<'_>, hits: &mut RuleSet) -> BodyClass {
        let Some(line) = head.headers.get(CONTENT_TYPE) else {
            hits.insert(Rule::BodyTypeMissing);
            return BodyClass::Opaque;
        };
        let Some(media) = MediaType::parse(line.as_bytes()) else {
            hits.insert(Rule::BodyTypeInvalid);
            return BodyClass::Opaque;
        };
        if media.passes_for_form() {
            hits.insert(Rule::BodyTypeInvalid);
            return BodyClass::Opaque;
        }
        let is_listed = |types: &[String]| types.iter().any(|known| media.is(known));
        if media.is_json() || is_listed(&self.json_types) {
            BodyClass::Json
        } else if media.is("application/x-www-form-urlencoded") {
            BodyClass::Form
        } else if media.is_built_from("multipart", "form-data") {
            BodyClass::Multipart(media.boundary())
        } else {
            let is_call = self.grpc && media.is_grpc_call(head.method, head.version);
            if !is_call && !is_listed(&self.allowed) {
                hits.insert(Rule::BodyTypeNotAllowed);
            }
            BodyClass::Opaque
        }
    }

    /// The rules for what is to be read and understood.
    fn look_at_inspected(
        &self,
        headers: &HeaderMap,
        least: u64,
        class: &BodyClass,
        hits: &mut RuleSet,
    ) {
        let limit = u64::try_from(self.limit).unwrap_or(u64::MAX);
        let is_limited = !(self.streams_multipart && matches!(class, BodyClass::Multipart(_)));
        if is_limited && (least > limit || announced(headers) > limit) {
            hits.insert(Rule::BodyTooLarge);
        }
        let mut codings = headers.get_all(CONTENT_ENCODING).iter();
        if codings.any(|line| !line.as_bytes().eq_ignore_ascii_case(b"identity")) {
            hits.insert(Rule::BodyEncoded);
        }
        let media = headers.get(CONTENT_TYPE);
        let media = media.and_then(|line| MediaType::parse(line.as_bytes()));
        let is_foreign = |media: &MediaType<'_>| {
            media
                .values("charset")
                .any(|charset| !charset.eq_ignore_ascii_case(b"utf-8"))
        };
        if media.as_ref().is_some_and(is_foreign) {
            hits.insert(Rule::BodyCharset);
        }
    }
}

/// What `Content-Length` announces. The server has refused lines that contradict each other, and what is no number.
fn announced(headers: &HeaderMap) -> u64 {
    let line = headers.get(CONTENT_LENGTH);
    let text = line.and_then(|line| line.to_str().ok());
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// A media type (RFC 9110, section 8.3.1).
#[derive(Clone, Copy, Debug)]
pub(super) struct MediaType<'a> {
    kind: &'a [u8],
    subtype: &'a [u8],
    /// Begins with `;` or is empty. Its syntax is sound.
    params: &'a [u8],
}

impl<'a> MediaType<'a> {
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        let line = line.trim_ascii();
        let end = line.iter().position(|byte| *byte == b';');
        let (essence, params) = line.split_at(end.unwrap_or(line.len()));
        let essence = essence.trim_ascii_end();
        let slash = essence.iter().position(|byte| *byte == b'/')?;
        let (kind, subtype) = essence.split_at(slash);
        let subtype = subtype.strip_prefix(b"/")?;
        let is_sound = is_token(kind) && is_token(subtype) && are_sound(params);
        is_sound.then_some(Self {
            kind,
            subtype,
            params,
        })
    }

    /// Compares with `type/subtype` in lower case.
    pub(super) fn is(&self, essence: &str) -> bool {
        let (kind, subtype) = essence.split_once('/').unwrap_or_default();
        self.kind.eq_ignore_ascii_case(kind.as_bytes())
            && self.subtype.eq_ignore_ascii_case(subtype.as_bytes())
    }

    /// Whether it is this type, whatever suffix it has: readers that take a suffix off go by what stands before it.
    fn is_built_from(&self, kind: &str, subtype: &str) -> bool {
        let plus = self.subtype.iter().rposition(|byte| *byte == b'+');
        let before = plus.and_then(|at| self.subtype.get(..at));
        self.kind.eq_ignore_ascii_case(kind.as_bytes())
            && [Some(self.subtype), before]
                .iter()
                .flatten()
                .any(|name| name.eq_ignore_ascii_case(subtype.as_bytes()))
    }

    /// Another type than that of forms that begins like it: readers that compare the beginning alone read a form, and others not.
    fn passes_for_form(&self) -> bool {
        let start = self.subtype.split_at_checked(FORM.len());
        start.is_some_and(|(start, rest)| {
            start.eq_ignore_ascii_case(FORM.as_bytes()) && !rest.is_empty()
        }) && self.kind.eq_ignore_ascii_case(b"application")
    }

    /// `application/json`, `text/json` and what is built on it (RFC 6839, section 3.1).
    fn is_json(&self) -> bool {
        let suffix = self.subtype.len().checked_sub(b"+json".len());
        let suffix = suffix.and_then(|at| self.subtype.split_at_checked(at));
        let is_built_on = suffix.is_some_and(|(name, suffix)| {
            !name.is_empty() && suffix.eq_ignore_ascii_case(b"+json")
        });
        let is_application = self.kind.eq_ignore_ascii_case(b"application");
        (is_application && is_built_on)
            || self.is_built_from("application", "json")
            || self.is("text/json")
    }

    /// Whether a request of this type can be a call of gRPC, which is a POST over HTTP/2, or of gRPC-Web, a POST over any version. Both
    /// in any format of messages; that of JSON is JSON before it is gRPC, as readers of JSON take whatever ends in `+json`.
    fn is_grpc_call(&self, method: &Method, version: Version) -> bool {
        let is_any = |names: &[&str]| {
            let mut names = names.iter();
            names.any(|name| self.is_built_from("application", name))
        };
        *method == Method::POST
            && (is_any(&["grpc-web", "grpc-web-text"])
                || (version == Version::HTTP_2 && is_any(&["grpc"])))
    }

    /// The values of a parameter. Names are compared without case.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = Cow<'a, [u8]>> {
        Params(self.params)
            .flatten()
            .filter(move |param| param.name.eq_ignore_ascii_case(name.as_bytes()))
            .map(|param| param.value)
    }

    fn boundary(&self) -> Boundary {
        // No character of a boundary has to be escaped, and not all readers take escapes for what they stand for.
        if self.params.contains(&b'\\') {
            return None;
        }
        let mut values = self.values("boundary");
        let first = values.next()?;
        values.next().is_none().then(|| first.into())
    }
}

fn are_sound(params: &[u8]) -> bool {
    Params(params).all(|param| param.is_some())
}

/// A parameter, and its value without quotes.
struct Param<'a> {
    name: &'a [u8],
    value: Cow<'a, [u8]>,
}

/// `*( OWS ";" OWS [ parameter ] )` (RFC 9110, section 5.6.6). `None` for what is none, and then nothing more.
struct Params<'a>(&'a [u8]);

impl<'a> Iterator for Params<'a> {
    type Item = Option<Param<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let behind = match self.0.trim_ascii_start() {
                [] => return None,
                [b';', behind @ ..] => behind.trim_ascii_start(),
                // What does not begin with a `;` is no parameter.
                _ => &b"="[..],
            };
            if matches!(behind, [] | [b';', ..]) {
                self.0 = behind;
                continue;
            }
            let (param, rest) = parameter(behind).unzip();
            self.0 = rest.unwrap_or_default();
            return Some(param);
        }
    }
}

/// `token "=" ( token / quoted-string )` and what is behind it.
fn parameter(text: &[u8]) -> Option<(Param<'_>, &[u8])> {
    let equals = text.iter().position(|byte| *byte == b'=')?;
    let (name, value) = text.split_at(equals);
    let value = value.strip_prefix(b"=")?;
    if !is_token(name) {
        return None;
    }
    if let Some(quoted) = value.strip_prefix(b"\"") {
        let (value, rest) = quoted_string(quoted)?;
        return Some((Param { name, value }, rest));
    }
    let is_end = |byte: &u8| matches!(byte, b';' | b' ' | b'\t');
    let end = value.iter().position(is_end);
    let (value, rest) = value.split_at(end.unwrap_or(value.len()));
    let value = Cow::Borrowed(value);
    is_token(&value).then_some((Param { name, value }, rest))
}

/// The text of a quoted string behind its first quote, and what is behind its last one.
fn quoted_string(text: &[u8]) -> Option<(Cow<'_, [u8]>, &[u8])> {
    let mut bytes = text.iter().enumerate();
    let mut unquoted = None::<Vec<u8>>;
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => {
                let (value, rest) = text.split_at(at);
                let value = unquoted.map_or(Cow::Borrowed(value), Cow::Owned);
                return Some((value, rest.strip_prefix(b"\"")?));
            }
            b'\\' => {
                let so_far = text.get(..at).unwrap_or_default();
                let value = unquoted.get_or_insert_with(|| so_far.to_vec());
                value.push(*bytes.next()?.1);
            }
            byte => {
                if let Some(value) = &mut unquoted {
                    value.push(*byte);
                }
            }
        }
    }
    None
}
