//! What a browser makes of a `Set-Cookie` line (RFC 6265bis, section 5.6).

/// Bytes of name and value together; browsers refuse more.
const MAX_PAIR: usize = 4096;
/// Bytes of an attribute's value; browsers ignore an attribute that has more.
const MAX_ATTRIBUTE: usize = 1024;

/// Which requests of other sites a cookie is sent with (RFC 6265bis, section 5.6.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum SameSite {
    /// With top-level navigations by safe methods: a link works, a form of another site does not. The default.
    #[default]
    Lax,
    /// With all of them. Browsers accept it only together with `Secure`.
    None,
    /// With none of them: even a link from another site arrives without it.
    Strict,
}

impl SameSite {
    /// Returns the value as it stands in `Set-Cookie`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lax => "Lax",
            Self::None => "None",
            Self::Strict => "Strict",
        }
    }

    fn parse(value: &[u8]) -> Option<Self> {
        [Self::Lax, Self::None, Self::Strict]
            .into_iter()
            .find(|known| value.eq_ignore_ascii_case(known.as_str().as_bytes()))
    }
}

/// A set of the attributes that matter here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Set(u8);

impl Set {
    pub(super) const NONE: Self = Self(0);
    pub(super) const DOMAIN: Self = Self(1);
    pub(super) const HTTP_ONLY: Self = Self(1 << 1);
    pub(super) const PARTITIONED: Self = Self(1 << 2);
    pub(super) const PATH: Self = Self(1 << 3);
    pub(super) const SAME_SITE: Self = Self(1 << 4);
    pub(super) const SECURE: Self = Self(1 << 5);

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// A line, split at its first `;`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    /// Name and value as they were written.
    pub(super) pair: &'a [u8],
    /// Everything behind the first `;`, if there is one.
    pub(super) attributes: Option<&'a [u8]>,
    /// Empty for a nameless cookie.
    pub(super) name: &'a [u8],
    pub(super) value: &'a [u8],
}

impl<'a> Line<'a> {
    pub(super) fn of(line: &'a [u8]) -> Self {
        let (pair, attributes) = match split_once(line, b';') {
            Some((pair, attributes)) => (pair, Some(attributes)),
            None => (line, None),
        };
        let (name, value) = split_once(pair, b'=').unwrap_or((&[], pair));
        Self {
            pair,
            attributes,
            // A header value has no white space but SP and TAB: this is the trimming of the specification.
            name: name.trim_ascii(),
            value: value.trim_ascii(),
        }
    }

    /// Whether browsers refuse it for its length when its name gets `more` bytes.
    pub(super) const fn is_too_long(&self, more: usize) -> bool {
        let pair = self.name.len().saturating_add(self.value.len());
        pair.saturating_add(more) > MAX_PAIR
    }

    /// The attributes as they were written, the empty ones among them.
    pub(super) fn segments(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.attributes
            .into_iter()
            .flat_map(|attributes| attributes.split(|byte| *byte == b';'))
    }
}

/// What the attributes of a line come to: of each the last one counts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Attributes {
    pub(super) present: Set,
    /// `None` also for a value that no browser knows.
    pub(super) same_site: Option<SameSite>,
    pub(super) path_is_root: bool,
    pub(super) has_domain: bool,
    /// A `Domain` with a value stands anywhere, even if a later one without a value takes it back.
    pub(super) names_domain: bool,
}

impl Attributes {
    pub(super) fn of(line: &Line<'_>) -> Self {
        let mut seen = Self::default();
        for segment in line.segments() {
            let Some((attribute, value)) = attribute(segment) else {
                continue;
            };
            seen.present.add(attribute);
            match attribute {
                Set::SAME_SITE => seen.same_site = SameSite::parse(value),
                Set::PATH => seen.path_is_root = value == b"/",
                Set::DOMAIN => {
                    seen.has_domain = !value.is_empty();
                    seen.names_domain |= seen.has_domain;
                }
                // The others count by their presence: `Secure=false` is secure.
                _ => {}
            }
        }
        seen
    }
}

/// The attribute that a segment is, if it is one of those that matter and no browser ignores it.
pub(super) fn attribute(segment: &[u8]) -> Option<(Set, &[u8])> {
    let (name, value) = split_once(segment, b'=').unwrap_or((segment, &[]));
    let name = name.trim_ascii();
    let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
    let attribute = match name.len() {
        4 if is(b"path") => Set::PATH,
        6 if is(b"secure") => Set::SECURE,
        6 if is(b"domain") => Set::DOMAIN,
        8 if is(b"httponly") => Set::HTTP_ONLY,
        8 if is(b"samesite") => Set::SAME_SITE,
        11 if is(b"partitioned") => Set::PARTITIONED,
        // `Expires`, `Max-Age`, empty ones and unknown ones are nobody's business here.
        _ => return None,
    };
    let value = value.trim_ascii();
    (value.len() <= MAX_ATTRIBUTE).then_some((attribute, value))
}

/// What the prefix of a name demands (RFC 6265bis, section 4.1.3, and the HTTP cookie prefixes): [`Set::PATH`] stands for
/// `Path=/` without a `Domain`.
pub(super) fn demands(name: &[u8]) -> Set {
    // The longer one first: it begins with the shorter one.
    const PREFIXES: [(&[u8], Set); 4] = [
        (
            b"__Host-Http-",
            Set::SECURE.and(Set::PATH).and(Set::HTTP_ONLY),
        ),
        (b"__Host-", Set::SECURE.and(Set::PATH)),
        (b"__Http-", Set::SECURE.and(Set::HTTP_ONLY)),
        (b"__Secure-", Set::SECURE),
    ];
    if !name.starts_with(b"__") {
        return Set::NONE;
    }
    PREFIXES
        .into_iter()
        .find(|(prefix, _)| starts_with_caseless(name, prefix))
        .map_or(Set::NONE, |(_, demands)| demands)
}

pub(super) fn starts_with_caseless(text: &[u8], prefix: &[u8]) -> bool {
    text.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

pub(super) fn split_once(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|byte| *byte == separator)?;
    let (before, rest) = bytes.split_at_checked(at)?;
    let (_, after) = rest.split_first()?;
    Some((before, after))
}
