use std::fmt;
use std::hash::{Hash, Hasher};
use std::iter;
use std::str::FromStr;

use super::{CanonicalPath, PathParams, TemplateError, TemplateSyntax};
use crate::core::percent;

/// A path template in axum's syntax: `{name}` stands for one segment that is not empty, a final `{*name}` for all that is left.
///
/// Everything is compared literally and case-sensitively; `/orders` and `/orders/` are two paths.
///
/// | accepted | refused | why |
/// |---|---|---|
/// | `/orders/{id}` | `orders/{id}`, `/orders/:id`, `/orders/{id` | syntax |
/// | `/files/{*path}` | `/files/{*path}/raw` | nothing is left behind the rest |
/// | `/t/{tenant}/o/{id}` | `/t/{id}/o/{id}` | routers disagree on the value of `id` |
/// | `/api/v1` | `/caf%C3%A9`, `/a//b`, `/a/../b`, `/a;v=1` | read in different ways by different programs |
///
/// # Example
///
/// ```
/// use tower_security::core::Template;
///
/// let webhooks = Template::parse("/webhooks/{*rest}")?;
/// assert!(webhooks.match_raw("/webhooks/stripe"));
/// assert!(!webhooks.match_raw("/webhooks"));
/// assert!(!webhooks.match_raw("/webhooks/%2e%2e/account"));
/// assert!(Template::parse("/webhooks/*").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Template {
    text: Box<str>,
    segments: Box<[Segment]>,
    /// How many bytes of the text, and how many segments, stand before the first parameter: they are compared at once.
    literal: (usize, usize),
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Segment {
    Literal(Box<str>),
    Param(Box<str>),
    CatchAll(Box<str>),
}

impl Segment {
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Literal(_) => None,
            Self::Param(name) | Self::CatchAll(name) => Some(name),
        }
    }

    /// Takes the part of this segment off the front of `rest`, which is `None` once the path is over.
    pub(super) fn take<'p>(&self, rest: &mut Option<&'p str>) -> Option<&'p str> {
        let text = rest.take()?;
        if let Self::Literal(_) | Self::Param(_) = self
            // A segment is short: a search by `split_once` is set up for longer than it takes.
            && let Some(at) = text.bytes().position(|byte| byte == b'/')
            && let (Some(part), Some(after)) = (text.get(..at), text.get(at.saturating_add(1)..))
        {
            *rest = Some(after);
            return Some(part);
        }
        Some(text)
    }

    fn is_empty_literal(&self) -> bool {
        matches!(self, Self::Literal(text) if text.is_empty())
    }
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    ///
    /// [`TemplateError`] with the first thing that is wrong.
    pub fn parse(pattern: &str) -> Result<Self, TemplateError> {
        let owned = || pattern.to_owned();
        let Some(path) = pattern.strip_prefix('/') else {
            return Err(TemplateError::InvalidPatternPath { pattern: owned() });
        };
        if let Some(found) = pattern.chars().find(|c| !is_template_char(*c)) {
            return Err(TemplateError::InvalidPatternByte {
                pattern: owned(),
                found,
            });
        }
        if let Some(found) = ambiguity(path) {
            return Err(TemplateError::RefusedPatternAmbiguous {
                pattern: owned(),
                found,
            });
        }
        if path == "*" {
            return Err(TemplateError::RefusedPatternEverything { pattern: owned() });
        }

        let mut segments = Vec::new();
        for text in path.split('/') {
            if matches!(segments.last(), Some(Segment::CatchAll(_))) {
                return Err(TemplateError::InvalidPatternCatchAll { pattern: owned() });
            }
            let segment = parse_segment(text)
                .and_then(|segment| is_new_name(segment, &segments))
                .map_err(|problem| TemplateError::InvalidPatternSyntax {
                    pattern: owned(),
                    problem,
                })?;
            segments.push(segment);
        }
        let is_literal = |segment: &&Segment| segment.name().is_none();
        let literal = (
            pattern.find('{').unwrap_or(pattern.len()),
            segments.iter().take_while(is_literal).count(),
        );
        Ok(Self {
            text: pattern.into(),
            segments: segments.into(),
            literal,
        })
    }

    /// Returns the template as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the names of the parameters in order, that of a catch-all last.
    pub fn params(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(Segment::name)
    }

    /// Whether the first segment is a parameter, so that the template covers every path of its length.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.segments
            .first()
            .is_some_and(|first| first.name().is_some())
    }

    /// Whether `path` matches as it was sent, without decoding anything.
    ///
    /// `path` is that of the request target, without the query. What two programs could read differently never matches: an empty
    /// segment (but the last), a `.` or `..` segment in any escaped form or with blanks, an escaped `/`, `\`, `;`, `?`, `#`, `%` or
    /// control character, an invalid escape, escapes that are no UTF-8, `\`, `;`, and in a literal segment any escape at all.
    /// Neither does what is no path: `*`, an authority. It allocates nothing.
    ///
    /// # Example
    ///
    /// ```
    /// # use tower_security::core::Template;
    /// let hook = Template::parse("/hooks/{name}")?;
    /// assert!(hook.match_raw("/hooks/caf%C3%A9"));
    /// for path in ["/hooks/a/", "/hooks//a", "/hooks/a%2Fb", "/h%6Foks/a", "/hooks/%2e%2e", "/Hooks/a"] {
    ///     assert!(!hook.match_raw(path), "{path}");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn match_raw(&self, path: &str) -> bool {
        self.matched(path, is_read_one_way).is_some()
    }

    /// The parameters of `path` when it matches.
    ///
    /// The path is decoded already, so that one can be asked for against many templates. It allocates nothing.
    ///
    /// # Example
    ///
    /// ```
    /// # use tower_security::core::{CanonicalPath, Template};
    /// let order = Template::parse("/orders/{id}")?;
    /// let path = CanonicalPath::parse("/orders/%31").ok_or("not canonical")?;
    /// let params = order.match_canonical(&path).ok_or("no match")?;
    /// assert_eq!(params.get("id"), Some("1"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn match_canonical<'t, 'p>(
        &'t self,
        path: &'p CanonicalPath<'_>,
    ) -> Option<PathParams<'t, 'p>> {
        self.matched(path.as_str(), |_| true)
    }

    pub(super) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Whether the literal segments of `path`, which matches when it is decoded, are spelt as they are here: without escapes.
    pub(crate) fn is_spelt_in(&self, path: &str) -> bool {
        self.matched(path, |_| true).is_some()
    }

    /// Returns how many segments a path must have to match; at least so many with a catch-all.
    #[must_use]
    pub fn segment_count(&self) -> usize {
        self.segments.len()
    }

    /// Whether the last segment stands for all that is left.
    #[must_use]
    pub fn has_catch_all(&self) -> bool {
        matches!(self.segments.last(), Some(Segment::CatchAll(_)))
    }

    /// Whether every path that matches `other` matches this template too, whatever the parameters are called.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        let mut theirs = other.segments.iter();
        for ours in &self.segments {
            let Some(their) = theirs.next() else {
                return false;
            };
            let covered = match (ours, their) {
                (Segment::CatchAll(_), their) => return !their.is_empty_literal(),
                (Segment::Param(_), Segment::Param(_)) => true,
                (Segment::Param(_), Segment::Literal(_)) => !their.is_empty_literal(),
                (Segment::Literal(ours), Segment::Literal(their)) => ours == their,
                (Segment::Param(_), Segment::CatchAll(_))
                | (Segment::Literal(_), Segment::Param(_) | Segment::CatchAll(_)) => false,
            };
            if !covered {
                return false;
            }
        }
        theirs.next().is_none()
    }

    /// Whether there is a spelling that one program may read as a path of this template, and another as one of `other`: where an escaped
    /// slash is one for the second alone, a parameter stands for one segment or several.
    #[cfg(feature = "limits")]
    pub(crate) fn shares_a_spelling(&self, other: &Self) -> bool {
        let is_open = |segment: &Segment| !matches!(segment, Segment::Literal(_));
        // Whether all segments of ours so far, and so many of theirs, can be spelt alike.
        let mut alike = vec![false; other.segments.len().saturating_add(1)];
        if let Some(first) = alike.first_mut() {
            *first = true;
        }
        for ours in &self.segments {
            let mut next = vec![false; alike.len()];
            for (at, their) in other.segments.iter().enumerate() {
                let is_at = |row: &[bool], at: usize| row.get(at).copied().unwrap_or_default();
                let may_both = is_open(ours)
                    || is_open(their)
                    || matches!((ours, their), (Segment::Literal(one), Segment::Literal(other)) if one == other);
                let from_both = is_at(&alike, at);
                let stays_here = is_open(ours) && is_at(&next, at);
                let stays_there = is_open(their) && is_at(&alike, at.saturating_add(1));
                if let Some(place) = next.get_mut(at.saturating_add(1)) {
                    *place = may_both && (from_both || stays_here || stays_there);
                }
            }
            alike = next;
        }
        alike.last().copied().unwrap_or_default()
    }

    /// The parameters of `path` if it matches.
    #[inline]
    fn matched<'t, 'p>(
        &'t self,
        path: &'p str,
        accepts_value: impl Fn(&str) -> bool,
    ) -> Option<PathParams<'t, 'p>> {
        let (length, count) = self.literal;
        let behind = path.strip_prefix(self.text.get(..length)?)?;
        let segments = self.segments.get(count..)?;
        let Some((last, front)) = segments.split_last() else {
            return behind
                .is_empty()
                .then_some(PathParams::new(segments, behind));
        };
        let fits = |segment: &Segment, part: &str| match segment {
            Segment::Literal(literal) => **literal == *part,
            Segment::Param(_) | Segment::CatchAll(_) => !part.is_empty() && accepts_value(part),
        };
        let mut rest = Some(behind);
        let front_fits = front.iter().all(|segment| {
            segment
                .take(&mut rest)
                .is_some_and(|part| fits(segment, part))
        });
        // Nothing is left behind the last one.
        let is_left =
            |part: &str| matches!(last, Segment::Param(_)) && part.bytes().any(|byte| byte == b'/');
        let is_matched = front_fits && rest.is_some_and(|part| !is_left(part) && fits(last, part));
        is_matched.then_some(PathParams::new(segments, behind))
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(pattern: &str) -> Result<Self, TemplateError> {
        Self::parse(pattern)
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Template {}

impl Hash for Template {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Template").field(&self.text).finish()
    }
}

const fn is_template_char(c: char) -> bool {
    matches!(c, '!'..='~') && !matches!(c, '?' | '#' | '\\')
}

/// What servers, proxies and routers do not agree on: whether it is decoded, merged, resolved or cut off.
fn ambiguity(path: &str) -> Option<&'static str> {
    if path.contains('%') {
        return Some("%");
    }
    if path.contains(';') {
        return Some(";");
    }
    if path.starts_with('/') || path.contains("//") {
        return Some("//");
    }
    path.split('/').find_map(|segment| match segment {
        "." => Some("."),
        ".." => Some(".."),
        _ => None,
    })
}

fn parse_segment(text: &str) -> Result<Segment, TemplateSyntax> {
    if text.starts_with([':', '*']) {
        return Err(TemplateSyntax::FormerSyntax);
    }
    let Some((before, rest)) = text.split_once('{') else {
        return match text.find(['}', '*']) {
            None => Ok(Segment::Literal(text.into())),
            Some(_) if text.contains('}') => Err(TemplateSyntax::Unbalanced),
            Some(_) => Err(TemplateSyntax::StrayStar),
        };
    };
    let (inside, after) = rest.split_once('}').ok_or(TemplateSyntax::Unbalanced)?;
    if inside.contains('{') {
        return Err(TemplateSyntax::Unbalanced);
    }
    if !before.is_empty() || !after.is_empty() {
        return Err(TemplateSyntax::BesideParam);
    }
    let (name, is_rest) = match inside.strip_prefix('*') {
        Some(name) => (name, true),
        None => (inside, false),
    };
    if name.is_empty() {
        return Err(TemplateSyntax::NoName);
    }
    if name.contains('*') {
        return Err(TemplateSyntax::StrayStar);
    }
    Ok(if is_rest {
        Segment::CatchAll(name.into())
    } else {
        Segment::Param(name.into())
    })
}

fn is_new_name(segment: Segment, before: &[Segment]) -> Result<Segment, TemplateSyntax> {
    match segment.name() {
        Some(name) if before.iter().any(|other| other.name() == Some(name)) => {
            Err(TemplateSyntax::RepeatedName(name.to_owned()))
        }
        _ => Ok(segment),
    }
}

/// Whether every program reads this value, sent for one parameter, as the same segments.
fn is_read_one_way(value: &str) -> bool {
    // The value of a catch-all may end in a slash, and that of neither begins with one or is empty.
    !value.starts_with('/')
        && !value.contains("//")
        && value.split('/').all(|segment| {
            segment_length_and_dots(segment)
                .is_some_and(|(length, dots)| length != dots || !matches!(dots, 1 | 2))
        })
}

/// Whether the decoded segment is UTF-8. A lenient decoder reads an overlong `%e0%80%ae` as a dot, and others replace it.
#[cold]
fn decodes_to_utf8(segment: &str) -> bool {
    let mut bytes = segment.bytes();
    let mut decoded = iter::from_fn(|| match bytes.next()? {
        b'%' => percent::escaped(&mut bytes),
        byte => Some(byte),
    });
    while let Some(first) = decoded.next() {
        let width = match first {
            0..0x80 => continue,
            0x80..0xE0 => 2,
            0xE0..0xF0 => 3,
            0xF0.. => 4,
        };
        // What the segment ends without stays zero, which continues no character.
        let mut character = [0; 4];
        let source = iter::once(first).chain(decoded.by_ref());
        for (place, byte) in character.iter_mut().take(width).zip(source) {
            *place = byte;
        }
        let is_character = character
            .get(..width)
            .is_some_and(|character| str::from_utf8(character).is_ok());
        if !is_character {
            return false;
        }
    }
    true
}

/// How many bytes a segment decodes to, blanks left out (some systems drop them behind a name), and how many of them are dots;
/// `None` for what is no plain segment.
fn segment_length_and_dots(segment: &str) -> Option<(usize, usize)> {
    let (mut length, mut dots) = (0_usize, 0_usize);
    let mut is_ascii = true;
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b';' | b'\\' | b'?' | b'#' | 0..=b' ' | 0x7F => return None,
            b'%' => match percent::escaped(&mut bytes)? {
                // What separates, ends or escapes in one reader or another.
                0..0x20 | 0x7F | b'/' | b'\\' | b';' | b'?' | b'#' | b'%' => return None,
                decoded => {
                    is_ascii &= decoded.is_ascii();
                    decoded
                }
            },
            byte => byte,
        };
        length = length.saturating_add(usize::from(byte != b' '));
        dots = dots.saturating_add(usize::from(byte == b'.'));
    }
    (is_ascii || decodes_to_utf8(segment)).then_some((length, dots))
}
