//! Forwarding headers, read from the right: what stands left of the proxies' own entries was written by the client.

use std::net::{IpAddr, Ipv4Addr};
use std::ops::ControlFlow;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::address;

/// List elements that are looked at. A chain of 32 proxies is none; a longer list is an attempt to make us count.
pub(super) const MAX_ELEMENTS: usize = 32;

/// Bytes of a list that are looked at, over all lines, one more for each comma or line.
pub(super) const MAX_BYTES: usize = 4096;

/// The same for `Forwarded`, whose lines can be parsed from the left alone: more than servers take for all headers, so that what
/// a client puts before a proxy's element does not hide it.
pub(super) const MAX_PARSED_BYTES: usize = 64 * 1024;

/// A syntax of lists of proxies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    XForwardedFor,
    Forwarded,
}

/// One non-empty element of a list.
pub(super) enum Entry<'a> {
    /// An element of `X-Forwarded-For` that is an IPv4 address.
    Quad(Ipv4Addr),
    /// Another element of `X-Forwarded-For`.
    Listed(&'a [u8]),
    /// The `for` parameter of an element of `Forwarded`.
    Node(Parameter<'a>),
    /// From here to the left nothing can be relied on: a line that does not parse, or a cap was reached.
    Broken,
}

impl Entry<'_> {
    pub(super) fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Quad(v4) => Some(IpAddr::V4(*v4)),
            Self::Listed(element) => address::listed(element),
            Self::Node(Parameter::Once(value)) => {
                address::node(value.unescape(&mut [0; MAX_NODE])?)
            }
            Self::Node(Parameter::Absent | Parameter::Repeated) | Self::Broken => None,
        }
    }
}

/// Longest node that can be an address: bracketed IPv6 with a zone and a port is 86 bytes.
const MAX_NODE: usize = 96;

/// Shows `visit` the elements of all lines of `name`, last line and last element first, until it breaks.
///
/// After [`Entry::Broken`] nothing more is shown. `None` means that the list came to its end.
pub(super) fn from_right<T>(
    list: List,
    name: &HeaderName,
    headers: &HeaderMap,
    visit: impl FnMut(Entry<'_>) -> ControlFlow<T>,
) -> Option<T> {
    let lines = headers.get_all(name).iter().rev();
    let mut walk = Walk {
        visit,
        elements: MAX_ELEMENTS,
        bytes: match list {
            List::XForwardedFor => MAX_BYTES,
            List::Forwarded => MAX_PARSED_BYTES,
        },
    };
    let end = match list {
        List::XForwardedFor => walk.x_forwarded_for(lines),
        List::Forwarded => walk.forwarded(lines),
    };
    match end {
        ControlFlow::Continue(()) => None,
        ControlFlow::Break(Stop::Visitor(found)) => Some(found),
        ControlFlow::Break(Stop::Broken) => (walk.visit)(Entry::Broken).break_value(),
    }
}

enum Stop<T> {
    Visitor(T),
    Broken,
}

struct Walk<V> {
    visit: V,
    /// How many elements may still be shown.
    elements: usize,
    /// How many bytes may still be scanned.
    bytes: usize,
}

impl<V, T> Walk<V>
where
    V: FnMut(Entry<'_>) -> ControlFlow<T>,
{
    fn x_forwarded_for<'a>(
        &mut self,
        lines: impl Iterator<Item = &'a HeaderValue>,
    ) -> ControlFlow<Stop<T>> {
        for line in lines {
            let mut rest = Some(line.as_bytes());
            while let Some(list) = rest {
                if let Some((v4, before)) = address::last_quad(list) {
                    self.spend(list.len().saturating_sub(before.len()))?;
                    self.show(Entry::Quad(v4))?;
                    rest = before.strip_suffix(b",");
                    continue;
                }
                let (left, element) = self.last_element(list)?;
                self.spend(element.len())?;
                let element = trim_ows(element);
                if !element.is_empty() {
                    self.show(Entry::Listed(element))?;
                }
                rest = left;
            }
        }
        ControlFlow::Continue(())
    }

    /// The bytes behind the last comma, and what stands before it. Looks no farther than the bytes that are left to scan.
    fn last_element<'a>(
        &self,
        list: &'a [u8],
    ) -> ControlFlow<Stop<T>, (Option<&'a [u8]>, &'a [u8])> {
        let out_of_reach = list.len().saturating_sub(self.bytes.saturating_add(1));
        let (_, window) = list.split_at(out_of_reach);
        match window.iter().rposition(|&byte| byte == b',') {
            Some(comma) => {
                let (left, element) = list.split_at(out_of_reach.saturating_add(comma));
                ControlFlow::Continue((Some(left), element.get(1..).unwrap_or_default()))
            }
            None if out_of_reach == 0 => ControlFlow::Continue((None, list)),
            None => ControlFlow::Break(Stop::Broken),
        }
    }

    /// RFC 7239 section 4. Quoted strings can only be told apart from the left, so that each line is parsed as a whole; one that
    /// does not parse has no element that can be relied on.
    fn forwarded<'a>(
        &mut self,
        lines: impl Iterator<Item = &'a HeaderValue>,
    ) -> ControlFlow<Stop<T>> {
        for line in lines {
            self.spend(line.len())?;
            let mut last = [Parameter::Absent; MAX_ELEMENTS];
            let mut count = 0_usize;
            for element in Elements::of(line.as_bytes()) {
                let Ok(element) = element else {
                    return ControlFlow::Break(Stop::Broken);
                };
                if let Some(slot) = last.get_mut(count % MAX_ELEMENTS) {
                    *slot = element.node;
                }
                count = count.saturating_add(1);
            }
            for index in (0..count).rev() {
                // `show` refuses to go on before a slot would be read that a later element has overwritten.
                let node = last.get(index % MAX_ELEMENTS).copied();
                self.show(Entry::Node(node.unwrap_or(Parameter::Absent)))?;
            }
        }
        ControlFlow::Continue(())
    }

    fn spend(&mut self, bytes: usize) -> ControlFlow<Stop<T>> {
        match self.bytes.checked_sub(bytes) {
            // Nothing left and one more comma: an empty element costs, too.
            Some(0) if bytes == 0 => ControlFlow::Break(Stop::Broken),
            Some(left) => {
                self.bytes = left.saturating_sub(1);
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(Stop::Broken),
        }
    }

    fn show(&mut self, entry: Entry<'_>) -> ControlFlow<Stop<T>> {
        match self.elements.checked_sub(1) {
            Some(left) => {
                self.elements = left;
                (self.visit)(entry).map_break(Stop::Visitor)
            }
            None => ControlFlow::Break(Stop::Broken),
        }
    }
}

/// The elements of one `Forwarded` line, left to right; empty ones are passed over (RFC 9110 section 5.6.1).
///
/// After an error the iterator is at its end.
pub(in crate::core) struct Elements<'a> {
    cursor: Cursor<'a>,
}

/// What this crate reads of one element.
#[derive(Clone, Copy)]
pub(in crate::core) struct Element<'a> {
    /// `for`
    pub(super) node: Parameter<'a>,
    /// `proto`
    pub(in crate::core) proto: Parameter<'a>,
}

/// A parameter, of which RFC 7239 section 4 allows one per element.
#[derive(Clone, Copy)]
pub(in crate::core) enum Parameter<'a> {
    Absent,
    Once(Value<'a>),
    Repeated,
}

/// A token, or the inside of a quoted string with its backslashes.
#[derive(Clone, Copy)]
pub(in crate::core) struct Value<'a>(&'a [u8]);

/// The line does not follow the grammar of RFC 7239 section 4.
#[derive(Debug)]
pub(in crate::core) struct Malformed;

impl<'a> Elements<'a> {
    pub(in crate::core) const fn of(line: &'a [u8]) -> Self {
        Self {
            cursor: Cursor { rest: line },
        }
    }

    fn element(&mut self) -> Result<Element<'a>, Malformed> {
        let mut element = Element {
            node: Parameter::Absent,
            proto: Parameter::Absent,
        };
        loop {
            self.pair(&mut element)?;
            self.cursor.skip_ows();
            match self.cursor.rest {
                [] | [b',', ..] => return Ok(element),
                [b';', rest @ ..] => self.cursor.rest = rest,
                // The end of a value that is neither a token nor a whole quoted string.
                [_, ..] => return Err(Malformed),
            }
        }
    }

    /// `[ forwarded-pair ]`: between two semicolons there may be none.
    fn pair(&mut self, element: &mut Element<'a>) -> Result<(), Malformed> {
        self.cursor.skip_ows();
        if let [] | [b',' | b';', ..] = self.cursor.rest {
            return Ok(());
        }
        let name = self.cursor.token();
        let [b'=', rest @ ..] = self.cursor.rest else {
            return Err(Malformed);
        };
        self.cursor.rest = rest;
        let value = match rest {
            [b'"', rest @ ..] => {
                self.cursor.rest = rest;
                self.cursor.quoted()?
            }
            _ => self.cursor.token(),
        };
        let is_quoted = matches!(rest, [b'"', ..]);
        if name.is_empty() || (value.is_empty() && !is_quoted) {
            return Err(Malformed);
        }
        let parameter = if name.eq_ignore_ascii_case(b"for") {
            &mut element.node
        } else if name.eq_ignore_ascii_case(b"proto") {
            &mut element.proto
        } else {
            return Ok(());
        };
        *parameter = match parameter {
            Parameter::Absent => Parameter::Once(Value(value)),
            Parameter::Once(_) | Parameter::Repeated => Parameter::Repeated,
        };
        Ok(())
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<Element<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.cursor.skip_ows();
            match self.cursor.rest {
                [] => return None,
                [b',', rest @ ..] => self.cursor.rest = rest,
                [_, ..] => break,
            }
        }
        let element = self.element();
        if element.is_err() {
            self.cursor.rest = &[];
        }
        Some(element)
    }
}

impl<'a> Value<'a> {
    /// The value without its backslashes, in `buffer` if there are any; `None` if it is longer than the buffer.
    pub(in crate::core) fn unescape<'b>(&self, buffer: &'b mut [u8]) -> Option<&'b [u8]>
    where
        'a: 'b,
    {
        let Self(raw) = *self;
        if raw.len() <= buffer.len() && !raw.contains(&b'\\') {
            return Some(raw);
        }
        let mut written = 0_usize;
        let mut bytes = raw.iter();
        while let Some(&byte) = bytes.next() {
            let byte = match byte {
                b'\\' => *bytes.next()?,
                plain => plain,
            };
            *buffer.get_mut(written)? = byte;
            written = written.saturating_add(1);
        }
        buffer.get(..written)
    }
}

struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn skip_ows(&mut self) {
        while let [b' ' | b'\t', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    /// The longest token here, which may be empty.
    fn token(&mut self) -> &'a [u8] {
        let end = self.rest.iter().take_while(|&&byte| is_tchar(byte)).count();
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        token
    }

    /// What stands up to the closing quote, which is taken too.
    fn quoted(&mut self) -> Result<&'a [u8], Malformed> {
        let start = self.rest;
        let mut length = 0_usize;
        loop {
            let taken = match self.rest {
                [b'"', rest @ ..] => {
                    self.rest = rest;
                    return Ok(start.get(..length).unwrap_or_default());
                }
                [b'\\', _, rest @ ..] => {
                    self.rest = rest;
                    2
                }
                [] | [b'\\'] => return Err(Malformed),
                [_, rest @ ..] => {
                    self.rest = rest;
                    1
                }
            };
            length = length.saturating_add(taken);
        }
    }
}

/// `tchar` of RFC 9110 section 5.6.2.
fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// `bytes` without the optional whitespace (SP and HTAB, RFC 9110 section 5.6.3) around it.
pub(in crate::core) const fn trim_ows(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}
