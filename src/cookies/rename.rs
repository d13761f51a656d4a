//! `Cookie`: the names that the handler knows, put back, and whatever could be taken for one of them, removed.
//!
//! A sibling host can set a cookie `session` for the whole domain, and a browser sends it beside `__Host-session`, which that
//! host cannot set (cookie tossing). So no cookie but the one with the prefix may reach the handler under its name, however its
//! reader trims, decodes or splits.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::check::CookiePolicy;
use super::parse::{split_once, starts_with_caseless};
use crate::core::{field, percent};

// A static, not the constant: that one is made and dropped again at each look-up.
static COOKIE: HeaderName = header::COOKIE;

/// The prefix that binds a cookie to one host.
pub(super) const HOST: &[u8] = b"__Host-";

/// Names that can be renamed: each is compared with each cookie of a request.
pub(super) const MAX_RENAMED: usize = 16;

/// What [`CookiePolicy::restore`] did to the cookies of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restored {
    /// Cookies that got the name back that the handler knows.
    pub renamed: usize,
    /// Cookies that were removed, since they could be taken for one of those.
    pub removed: usize,
}

/// Why cookies of a request were removed, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Planted {
    /// The name without the prefix: planted, or left from the time before renaming.
    Bare,
    /// A spelling that no browser sends and some reader understands: other case, `%69`, white space, no name.
    LookAlike,
    /// The name with the prefix, twice: which is the right one cannot be told.
    Duplicate,
}

impl Planted {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Bare => "bare_name",
            Self::LookAlike => "look_alike",
            Self::Duplicate => "duplicate",
        }
    }
}

/// One cookie of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Crumb {
    Other,
    /// The renamed cookie with this number.
    Own(usize),
    Planted(usize, Planted),
}

/// What the cookies of a request come to.
#[derive(Debug, Default)]
pub(super) struct Scan {
    found: [Found; MAX_RENAMED],
    restored: Restored,
    /// Of the line that is written.
    length: usize,
    lines: usize,
    is_sensitive: bool,
}

/// What is known of one renamed cookie after all lines were read.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    own: usize,
    own_length: usize,
    planted: usize,
    worst: Option<Planted>,
}

impl CookiePolicy {
    /// Gives the renamed cookies of a request the names that the handler knows, and removes what could be taken for them.
    ///
    /// All lines of `Cookie` are read as one list, and what is changed becomes one line (RFC 9113, section 8.2.3). Without
    /// [`host_prefix`](super::CookieBuilder::host_prefix) nothing is done. Allocates nothing, or the one line.
    ///
    /// # Example
    ///
    /// ```
    /// use http::HeaderMap;
    /// use http::header::COOKIE;
    /// use tower_security::cookies::CookieLayer;
    ///
    /// let policy = CookieLayer::builder().host_prefix(["session"]).build_policy()?;
    /// let mut headers = HeaderMap::new();
    /// headers.insert(COOKIE, "session=planted; theme=dark; __Host-session=real".parse()?);
    /// let restored = policy.restore(&mut headers);
    /// assert_eq!(headers[COOKIE], "theme=dark; session=real");
    /// assert_eq!((restored.renamed, restored.removed), (1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn restore(&self, headers: &mut HeaderMap) -> Restored {
        let Some(scan) = self.scan(headers) else {
            return Restored::default();
        };
        self.rewrite(&scan, headers);
        scan.restored
    }

    /// Looks for renamed and planted cookies; `None` if there are none.
    pub(super) fn scan(&self, headers: &HeaderMap) -> Option<Scan> {
        let names = &*self.renamed;
        if names.is_empty() {
            return None;
        }
        let lines = headers.get_all(&COOKIE);
        lines.iter().next()?;

        let mut scan = Scan::default();
        for line in lines {
            scan.lines = scan.lines.saturating_add(1);
            scan.is_sensitive |= line.is_sensitive();
            for crumb in field::crumbs(line) {
                scan.count(crumb, classify(crumb, names));
            }
        }
        scan.judge();
        (scan.restored != Restored::default()).then_some(scan)
    }

    /// Writes the cookies that `scan` keeps into one line, which has the size that it counted.
    pub(super) fn rewrite(&self, scan: &Scan, headers: &mut HeaderMap) {
        let length = scan.length.saturating_sub(SEPARATOR.len());
        let mut text = Vec::with_capacity(length);
        for crumb in headers.get_all(&COOKIE).iter().flat_map(field::crumbs) {
            match classify(crumb, &self.renamed) {
                Crumb::Other => join(&mut text, crumb),
                Crumb::Own(index) if scan.is_kept(index) => {
                    join(&mut text, crumb.strip_prefix(HOST).unwrap_or_default());
                }
                Crumb::Own(_) | Crumb::Planted(..) => {}
            }
        }
        replace(headers, scan, text);
    }
}

impl Scan {
    fn count(&mut self, crumb: &[u8], kind: Crumb) {
        let (Crumb::Own(index) | Crumb::Planted(index, _)) = kind else {
            self.length = self.length.saturating_add(joined(crumb.len()));
            return;
        };
        let Some(found) = self.found.get_mut(index) else {
            return;
        };
        if let Crumb::Planted(_, how) = kind {
            found.planted = found.planted.saturating_add(1);
            found.worst = found.worst.max(Some(how));
        } else {
            found.own = found.own.saturating_add(1);
            found.own_length = crumb.len().saturating_sub(HOST.len());
        }
    }

    fn judge(&mut self) {
        for found in &mut self.found {
            match found.own {
                0 => {}
                1 => {
                    self.restored.renamed = self.restored.renamed.saturating_add(1);
                    self.length = self.length.saturating_add(joined(found.own_length));
                }
                several => {
                    found.planted = found.planted.saturating_add(several);
                    found.worst = Some(Planted::Duplicate);
                }
            }
            self.restored.removed = self.restored.removed.saturating_add(found.planted);
        }
    }

    fn is_kept(&self, index: usize) -> bool {
        self.found.get(index).is_some_and(|found| found.own == 1)
    }

    /// Of each renamed cookie of which some were removed: its number, the worst reason, and how many.
    pub(super) fn planted(&self) -> impl Iterator<Item = (usize, Planted, usize)> {
        let found = self.found.iter().enumerate();
        found.filter_map(|(index, found)| Some((index, found.worst?, found.planted)))
    }
}

const SEPARATOR: &[u8] = b"; ";

const fn joined(length: usize) -> usize {
    length.saturating_add(SEPARATOR.len())
}

fn join(text: &mut Vec<u8>, crumb: &[u8]) {
    if !text.is_empty() {
        text.extend_from_slice(SEPARATOR);
    }
    text.extend_from_slice(crumb);
}

fn replace(headers: &mut HeaderMap, scan: &Scan, text: Vec<u8>) {
    let value = (!text.is_empty())
        .then(|| HeaderValue::try_from(text).ok())
        .flatten();
    let Some(mut value) = value else {
        headers.remove(&COOKIE);
        return;
    };
    value.set_sensitive(scan.is_sensitive);
    match headers.get_mut(&COOKIE) {
        Some(line) if scan.lines == 1 => *line = value,
        _ => {
            // Removed first: in a map that is full, the planted ones must not stay.
            headers.remove(&COOKIE);
            field::set(headers, header::COOKIE, value);
        }
    }
}

fn classify(crumb: &[u8], names: &[Box<str>]) -> Crumb {
    let position = |is: &dyn Fn(&[u8]) -> bool| names.iter().position(|name| is(name.as_bytes()));
    if let Some((name, _)) = crumb
        .strip_prefix(HOST)
        .and_then(|rest| split_once(rest, b'='))
        && let Some(index) = position(&|known| known == name)
    {
        return Crumb::Own(index);
    }
    let name = skip_to_name(crumb);
    let Some(index) = position(&|known| reads_as(name, known)) else {
        return match after_host(name).and_then(|name| position(&|known| reads_as(name, known))) {
            Some(index) => Crumb::Planted(index, Planted::LookAlike),
            None => Crumb::Other,
        };
    };
    let is_plain = split_once(crumb, b'=').is_some_and(|(name, _)| {
        names
            .get(index)
            .is_some_and(|known| known.as_bytes() == name)
    });
    Crumb::Planted(
        index,
        if is_plain {
            Planted::Bare
        } else {
            Planted::LookAlike
        },
    )
}

/// Drops what stands before the first character that a name can have: a reader may drop it too. `=__Host-session=1` is a cookie
/// without a name, which some read as `__Host-session`.
fn skip_to_name(mut raw: &[u8]) -> &[u8] {
    while let Some((byte, rest)) = percent::first(raw) {
        if is_name_byte(byte) {
            break;
        }
        raw = rest;
    }
    raw
}

/// What follows `__Host-` in any case and encoding.
fn after_host(raw: &[u8]) -> Option<&[u8]> {
    if let Some(rest) = raw.get(HOST.len()..)
        && starts_with_caseless(raw, HOST)
    {
        return Some(rest);
    }
    let mut name = Name(raw);
    let mut is_next = |byte: &u8| {
        name.next()
            .is_some_and(|found| found.eq_ignore_ascii_case(byte))
    };
    HOST.iter().all(&mut is_next).then_some(name.0)
}

/// Whether a lenient reader takes what stands before the next `=` for `name`: the `cookie` crate decodes percent signs in names,
/// and what it trims includes white space beyond ASCII.
fn reads_as(raw: &[u8], name: &[u8]) -> bool {
    let mut decoded = Name(raw);
    name.iter().all(|byte| decoded.next() == Some(*byte)) && !decoded.any(is_name_byte)
}

/// A name up to its `=`, percent signs decoded.
struct Name<'a>(&'a [u8]);

impl Iterator for Name<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        if self.0.first() == Some(&b'=') {
            return None;
        }
        let (byte, rest) = percent::first(self.0)?;
        self.0 = rest;
        Some(byte)
    }
}

fn is_name_byte(byte: u8) -> bool {
    field::is_token(&[byte])
}
