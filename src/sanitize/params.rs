//! The parameters of a query and of a form: `application/x-www-form-urlencoded`, as the URL standard reads it.

use std::borrow::Cow;
use std::collections::HashSet;

use super::config::ParamRules;
use super::file_name;
use super::report::{Part, Violation};
use super::rule::Rule;
use super::rule_set::RuleSet;
use super::units::{Form, Units};
use crate::core::text::cap;

/// Up to so many names are compared one by one.
const INLINE_NAMES: usize = 16;

impl ParamRules {
    /// Checks a query without its `?`, or the body of a form.
    ///
    /// It is checked as a form: tabs and line ends pass in values.
    ///
    /// # Errors
    ///
    /// The first rule, in the order of [`Rule::ALL`], that a parameter breaks and that is not only reported.
    pub fn check(&self, params: &[u8]) -> Result<(), Violation> {
        self.examine(params, Part::Body, &mut RuleSet::default())
    }

    pub(super) fn examine(
        &self,
        params: &[u8],
        part: Part,
        reported: &mut RuleSet,
    ) -> Result<(), Violation> {
        let mut names = Names::default();
        let mut hits = RuleSet::EMPTY;
        let mut worst: Option<(Rule, Pair<'_>)> = None;
        for (index, pair) in pairs(params).enumerate() {
            let mut broken = self.look_at(&pair, part, &mut names);
            if index >= self.max_count {
                broken.insert(Rule::ParamTooMany);
                // Nothing else comes before it, and what a sender may send more is not looked at.
                if self.actions.reject.contains(Rule::ParamTooMany) {
                    let rest = params.len().saturating_sub(pair.at);
                    return Err(Violation::new(Rule::ParamTooMany, part, pair.at, rest));
                }
            }
            if broken.is_empty() {
                continue;
            }
            hits = hits.union(broken);
            let rule = broken.intersection(self.actions.reject).first();
            if let Some(rule) = rule
                && worst.as_ref().is_none_or(|(first, _)| rule < *first)
            {
                worst = Some((rule, pair));
            }
        }
        self.actions.settle(hits, reported);
        match worst {
            None => Ok(()),
            Some((rule, pair)) => Err(pair.violation(rule, part)),
        }
    }

    /// The rules that a parameter breaks.
    #[inline]
    fn look_at<'a>(&self, pair: &Pair<'a>, part: Part, names: &mut Names<'a>) -> RuleSet {
        let mut hits = RuleSet::EMPTY;
        let name = pair.decoded_name(&mut hits);
        if pair.of_name & (ESCAPE | ODD) != 0 {
            look_at_odd_bytes(&name, false, &mut hits);
            look_at_segments(&name, &mut hits);
        } else if may_have_refused_step(pair.of_name, name.len()) {
            look_at_segments(&name, &mut hits);
        }
        let value = self.look_at_value(pair, &name, part);
        hits = hits.union(value);
        if name.len() > self.max_name_len {
            // It is not kept or compared.
            hits.insert(Rule::ParamNameTooLong);
            return hits;
        }
        let is_list = name.ends_with(b"[]") || is_among(&self.multi_value, &name);
        if !is_list && self.actions.is_on(Rule::ParamDuplicate) && names.is_known(name) {
            hits.insert(Rule::ParamDuplicate);
        }
        hits
    }

    #[inline]
    fn look_at_value(&self, pair: &Pair<'_>, name: &[u8], part: Part) -> RuleSet {
        let is_file_name = is_among(&self.file_names, name);
        if pair.of_value & (ESCAPE | ODD) == 0 && !is_file_name {
            let is_long = pair.value.len() > self.max_value_len;
            return match is_long {
                true => RuleSet::EMPTY.with(Rule::ParamValueTooLong),
                false => RuleSet::EMPTY,
            };
        }
        self.look_closely_at_value(pair, part, is_file_name)
    }

    fn look_closely_at_value(&self, pair: &Pair<'_>, part: Part, is_file_name: bool) -> RuleSet {
        let mut hits = RuleSet::EMPTY;
        let line_ends = part == Part::Body || self.query_line_ends;
        let mut look = |value: &[u8]| {
            look_at_odd_bytes(value, line_ends, &mut hits);
            if value.len() > self.max_value_len {
                hits.insert(Rule::ParamValueTooLong);
            }
            if is_file_name && !is_file_name_safe(value) {
                hits.insert(Rule::ParamFileName);
            }
        };
        if pair.of_value & ESCAPE == 0 {
            look(pair.value);
            return hits;
        }
        Units::of_form(pair.value).decoded(look);
        if has_bad_escape(pair.value) {
            hits.insert(Rule::ParamBadEscape);
        }
        hits
    }
}

/// A byte that stands for another, or begins to.
const ESCAPE: u8 = 1;
/// A byte that is not printable ASCII.
const ODD: u8 = 2;
/// Ends a name or a value.
const END: u8 = 4;
/// Ends a step of a name.
const STEP: u8 = 8;
const UNDERSCORE: u8 = 16;
const DOLLAR: u8 = 32;

/// Whether a name of these bytes could be one that is refused: most are told by a glance.
#[inline]
const fn may_have_refused_step(classes: u8, length: usize) -> bool {
    let is_long = length >= "constructor.prototype".len();
    (classes & UNDERSCORE != 0 && (length == "_method".len() || length >= "__proto__".len()))
        || (classes & STEP != 0 && (classes & DOLLAR != 0 || is_long))
}

#[expect(
    clippy::indexing_slicing,
    reason = "each index is below the length of the table, and the compiler runs this"
)]
const CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0_usize;
    while byte < table.len() {
        table[byte] = match byte {
            // `%` and `+`.
            0x25 | 0x2B => ESCAPE,
            0x00..=0x1F | 0x7F..=0xFF => ODD,
            // `.`, `[` and `]`.
            0x2E | 0x5B | 0x5D => STEP,
            0x5F => UNDERSCORE,
            0x24 => DOLLAR,
            // `&` and `=`.
            0x26 | 0x3D => END,
            _ => 0,
        };
        byte = byte.saturating_add(1);
    }
    table
};

fn has_bad_escape(text: &[u8]) -> bool {
    Units::of_form(text).any(|unit| unit.form == Form::BadEscape)
}

/// One parameter as it stands.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    at: usize,
    name: &'a [u8],
    value: &'a [u8],
    len: usize,
    /// The classes of the bytes of the name, and those of the value.
    of_name: u8,
    of_value: u8,
}

/// What stands between two `&`; what is empty is no parameter.
pub(super) const fn pairs(params: &[u8]) -> Pairs<'_> {
    Pairs {
        rest: params,
        at: 0,
    }
}

pub(super) struct Pairs<'a> {
    rest: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Pair<'a>;

    #[inline]
    fn next(&mut self) -> Option<Pair<'a>> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let pair = self.cut();
            if pair.len > 0 {
                return Some(pair);
            }
        }
    }
}

impl<'a> Pairs<'a> {
    /// Takes off what stands before the next `&`. Each byte is looked at once: every request pays for it.
    #[inline]
    fn cut(&mut self) -> Pair<'a> {
        let (mut of_name, mut seen) = (0, 0);
        let mut equals = None;
        let mut bytes = self.rest.iter().enumerate();
        let end = bytes.find_map(|(at, byte)| {
            let class = CLASSES.get(usize::from(*byte)).copied().unwrap_or(ODD);
            seen |= class;
            if class & END == 0 {
                return None;
            }
            if *byte == b'&' {
                return Some(at);
            }
            if equals.is_none() {
                equals = Some(at);
                (of_name, seen) = (seen, 0);
            }
            None
        });
        let len = end.unwrap_or(self.rest.len());
        let (text, behind) = self.rest.split_at_checked(len).unwrap_or_default();
        let (name, value, of_value) = match equals.and_then(|at| text.split_at_checked(at)) {
            Some((name, value)) => (name, value.get(1..).unwrap_or_default(), seen),
            None => (text, &[][..], 0),
        };
        let pair = Pair {
            at: self.at,
            name,
            value,
            len,
            of_name: if equals.is_some() { of_name } else { seen },
            of_value,
        };
        self.rest = behind.get(1..).unwrap_or_default();
        self.at = self.at.saturating_add(len).saturating_add(1);
        pair
    }
}

impl<'a> Pair<'a> {
    #[inline]
    fn decoded_name(&self, hits: &mut RuleSet) -> Cow<'a, [u8]> {
        if self.of_name & ESCAPE == 0 {
            return Cow::Borrowed(self.name);
        }
        if has_bad_escape(self.name) {
            hits.insert(Rule::ParamBadEscape);
        }
        Cow::Owned(Units::of_form(self.name).map(|unit| unit.byte).collect())
    }

    /// Whether this is its name when it is decoded.
    pub(super) fn is_called(&self, name: &str) -> bool {
        let units = Units::of_form(self.name).map(|unit| unit.byte);
        units.eq(name.bytes())
    }

    pub(super) fn decoded_value(&self) -> Vec<u8> {
        Units::of_form(self.value).map(|unit| unit.byte).collect()
    }

    /// The decoded value, if it has a `<`: which stands there itself or is escaped.
    pub(super) fn value_if_tagged(&self) -> Option<Vec<u8>> {
        memchr::memchr2(b'<', b'%', self.value)?;
        let value = self.decoded_value();
        value.contains(&b'<').then_some(value)
    }

    /// Where the value stands.
    pub(super) const fn value_range(&self) -> std::ops::Range<usize> {
        let end = self.at.saturating_add(self.len);
        end.saturating_sub(self.value.len())..end
    }

    #[cold]
    pub(super) fn violation(&self, rule: Rule, part: Part) -> Violation {
        let name = self.decoded_name(&mut RuleSet::default());
        let name = String::from_utf8(name.into_owned());
        let violation = Violation::new(rule, part, self.at, self.len);
        match name {
            Ok(name) => violation.in_field(cap::start_of(&name, cap::TARGET)),
            // Who cannot spell a name does not get it into a log.
            Err(_) => violation,
        }
    }
}

/// The rules that hold for decoded names and values alike.
fn look_at_odd_bytes(text: &[u8], line_ends: bool, hits: &mut RuleSet) {
    if !text.is_ascii() && std::str::from_utf8(text).is_err() {
        hits.insert(Rule::ParamNotUtf8);
    }
    for byte in text {
        match byte {
            0 => hits.insert(Rule::ParamNul),
            b'\t' | b'\n' | b'\r' if line_ends => {}
            0x01..=0x1F | 0x7F => hits.insert(Rule::ParamControl),
            _ => {}
        }
    }
}

/// The rules for the segments of a name: `a`, `b` and `c` of `a[b].c`.
fn look_at_segments(name: &[u8], hits: &mut RuleSet) {
    if name == b"_method" {
        hits.insert(Rule::ParamMethodOverride);
    }
    let segments = name.split(|byte| matches!(byte, b'[' | b']' | b'.'));
    let mut is_constructors = false;
    let mut is_first = true;
    for segment in segments {
        if segment.is_empty() && !is_first {
            // `][` stands between two segments.
            continue;
        }
        if segment == b"__proto__" || (is_constructors && segment == b"prototype") {
            hits.insert(Rule::ParamProto);
        }
        if !is_first && segment.starts_with(b"$") {
            hits.insert(Rule::ParamOperator);
        }
        is_constructors = segment == b"constructor";
        is_first = false;
    }
}

fn is_among(names: &[String], name: &[u8]) -> bool {
    names.iter().any(|known| known.as_bytes() == name)
}

fn is_file_name_safe(value: &[u8]) -> bool {
    std::str::from_utf8(value).is_ok_and(|name| file_name::check(name).is_ok())
}

/// Writes a value as forms have it (URL standard, "application/x-www-form-urlencoded serializing").
pub(super) fn encode(value: &str, into: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
    for byte in value.bytes() {
        match byte {
            b' ' => into.push(b'+'),
            b'*' | b'-' | b'.' | b'_' => into.push(byte),
            byte if byte.is_ascii_alphanumeric() => into.push(byte),
            byte => into.extend([b'%', digit(byte >> 4), digit(byte & 15)]),
        }
    }
}

/// The names so far.
#[derive(Default)]
struct Names<'a> {
    few: [&'a [u8]; INLINE_NAMES],
    count: usize,
    /// Those that had to be decoded.
    decoded: Vec<Vec<u8>>,
    /// All of them, once there are many. The hasher is seeded: a sender cannot choose names that collide.
    many: Option<HashSet<Cow<'a, [u8]>>>,
}

impl<'a> Names<'a> {
    /// Keeps a name, and says whether it was there.
    fn is_known(&mut self, name: Cow<'a, [u8]>) -> bool {
        if let Some(many) = &mut self.many {
            return !many.insert(name);
        }
        let few = self.few.get(..self.count).unwrap_or_default();
        if few.contains(&&*name) || self.decoded.iter().any(|known| **known == *name) {
            return true;
        }
        match name {
            Cow::Borrowed(name) if self.count < INLINE_NAMES => {
                if let Some(place) = self.few.get_mut(self.count) {
                    *place = name;
                }
                self.count = self.count.saturating_add(1);
            }
            Cow::Owned(name) if self.decoded.len() < INLINE_NAMES => self.decoded.push(name),
            name => {
                let decoded = std::mem::take(&mut self.decoded).into_iter();
                let mut many: HashSet<_> = decoded.map(Cow::Owned).collect();
                many.extend(few.iter().copied().map(Cow::Borrowed));
                many.insert(name);
                self.many = Some(many);
            }
        }
        false
    }
}
