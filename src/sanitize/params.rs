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
    fn look_at<'a>(&self, pair: &Pair<'a>, part: Part, names: &mut Names<'a>) -> RuleSet {
        let mut hits = RuleSet::EMPTY;
        let name = pair.decoded_name(&mut hits);
        if name.len() > self.max_name_len {
            hits.insert(Rule::ParamNameTooLong);
            // It is not kept or compared.
            return hits.union(self.look_at_value(pair, &name, part));
        }
        look_at_bytes(&name, false, &mut hits);
        look_at_segments(&name, &mut hits);
        if &*name == b"_method" {
            hits.insert(Rule::ParamMethodOverride);
        }
        hits = hits.union(self.look_at_value(pair, &name, part));
        let is_list = name.ends_with(b"[]") || is_among(&self.multi_value, &name);
        if !is_list && self.actions.is_on(Rule::ParamDuplicate) && names.is_known(name) {
            hits.insert(Rule::ParamDuplicate);
        }
        hits
    }

    fn look_at_value(&self, pair: &Pair<'_>, name: &[u8], part: Part) -> RuleSet {
        let mut hits = RuleSet::EMPTY;
        let line_ends = part == Part::Body || self.query_line_ends;
        let is_file_name = is_among(&self.file_names, name);
        let mut look = |value: &[u8]| {
            look_at_bytes(value, line_ends, &mut hits);
            if value.len() > self.max_value_len {
                hits.insert(Rule::ParamValueTooLong);
            }
            if is_file_name && !is_file_name_safe(value) {
                hits.insert(Rule::ParamFileName);
            }
        };
        if pair.value.iter().any(|byte| matches!(byte, b'%' | b'+')) {
            Units::of_form(pair.value).decoded(look);
            if Units::of_form(pair.value).any(|unit| unit.form == Form::BadEscape) {
                hits.insert(Rule::ParamBadEscape);
            }
        } else {
            look(pair.value);
        }
        hits
    }
}

/// One parameter as it stands.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    at: usize,
    name: &'a [u8],
    value: &'a [u8],
    len: usize,
}

/// What stands between two `&`; what is empty is no parameter.
pub(super) fn pairs(params: &[u8]) -> impl Iterator<Item = Pair<'_>> {
    let mut at = 0_usize;
    let parts = params.split(|byte| *byte == b'&').map(move |text| {
        let start = at;
        at = at.saturating_add(text.len()).saturating_add(1);
        let mut sides = text.splitn(2, |byte| *byte == b'=');
        Pair {
            at: start,
            name: sides.next().unwrap_or_default(),
            value: sides.next().unwrap_or_default(),
            len: text.len(),
        }
    });
    parts.filter(|pair| pair.len > 0)
}

impl<'a> Pair<'a> {
    fn decoded_name(&self, hits: &mut RuleSet) -> Cow<'a, [u8]> {
        if !self.name.iter().any(|byte| matches!(byte, b'%' | b'+')) {
            return Cow::Borrowed(self.name);
        }
        if Units::of_form(self.name).any(|unit| unit.form == Form::BadEscape) {
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
#[inline]
fn look_at_bytes(text: &[u8], line_ends: bool, hits: &mut RuleSet) {
    let is_usual = |byte: &u8| matches!(byte, 0x20..=0x7E);
    if !text.iter().all(is_usual) {
        look_at_odd_bytes(text, line_ends, hits);
    }
}

fn look_at_odd_bytes(text: &[u8], line_ends: bool, hits: &mut RuleSet) {
    if std::str::from_utf8(text).is_err() {
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
    few: [Cow<'a, [u8]>; INLINE_NAMES],
    count: usize,
    /// All of them, once there are many. The hasher is seeded: a sender cannot choose names that collide.
    many: HashSet<Cow<'a, [u8]>>,
}

impl<'a> Names<'a> {
    /// Keeps a name, and says whether it was there.
    fn is_known(&mut self, name: Cow<'a, [u8]>) -> bool {
        let few = self.few.get_mut(..self.count).unwrap_or_default();
        if self.many.is_empty() {
            if few.contains(&name) {
                return true;
            }
            if let Some(place) = self.few.get_mut(self.count) {
                *place = name;
                self.count = self.count.saturating_add(1);
                return false;
            }
            self.many.extend(self.few.iter_mut().map(std::mem::take));
        }
        !self.many.insert(name)
    }
}
