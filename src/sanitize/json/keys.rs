//! The keys of the objects that are open, to find one that stands twice.

use std::borrow::Cow;
use std::collections::HashSet;

/// Keys that fit without an allocation, and the most of one object that are compared one by one.
const NEAR: usize = 32;

/// The keys of all open objects, the outermost first.
///
/// Keys of an object with more than [`NEAR`] of them go to a table whose hash a client cannot foresee.
#[derive(Debug)]
pub(super) struct KeyStack<'de> {
    live: usize,
    marks: [u64; NEAR],
    near: [&'de str; NEAR],
    /// Those keys of the stack that no piece of the text spells, by their places, the highest last.
    escaped: Vec<(usize, String)>,
    far: Vec<(u64, &'de str)>,
    table: Table<'de>,
}

#[derive(Debug, Default)]
struct Table<'de> {
    keys: HashSet<(usize, Cow<'de, str>)>,
    /// Objects that have had keys here, which numbers them.
    objects: usize,
    open: usize,
}

/// An open object.
#[derive(Debug)]
pub(super) struct Object {
    base: usize,
    keys: usize,
    /// Its number in the table; 0 while its keys stand in the stack.
    number: usize,
}

impl Object {
    /// Counts a key, and says how many there are so far.
    #[inline]
    pub(super) const fn count(&mut self) -> usize {
        self.keys += 1;
        self.keys
    }

    /// How many keys have been counted.
    pub(super) const fn keys(&self) -> usize {
        self.keys
    }
}

impl<'de> KeyStack<'de> {
    pub(super) fn new() -> Self {
        Self {
            live: 0,
            marks: [0; NEAR],
            near: [""; NEAR],
            escaped: Vec::new(),
            far: Vec::new(),
            table: Table::default(),
        }
    }

    pub(super) const fn enter(&self) -> Object {
        Object {
            base: self.live,
            keys: 0,
            number: 0,
        }
    }

    /// Adds a key that has been counted, and says whether the object has it already.
    #[inline]
    pub(super) fn add(&mut self, object: &mut Object, key: &'de str) -> bool {
        if object.keys > NEAR {
            return self.add_to_table(object, Cow::Borrowed(key));
        }
        let mark = mark(key.as_bytes());
        let near = self.marks.get(object.base..self.live.min(NEAR));
        if near.is_some_and(|marks| marks.contains(&mark)) && self.has(object, mark, key) {
            return true;
        }
        if self.live >= NEAR {
            return self.add_far(object, mark, key);
        }
        if let Some(of_key) = self.marks.get_mut(self.live) {
            *of_key = mark;
        }
        if let Some(place) = self.near.get_mut(self.live) {
            *place = key;
        }
        self.live += 1;
        false
    }

    #[inline(never)]
    fn add_far(&mut self, object: &Object, mark: u64, key: &'de str) -> bool {
        if self.has(object, mark, key) {
            return true;
        }
        self.far.push((mark, key));
        self.live += 1;
        false
    }

    /// Adds a key that is spelled with an escape.
    #[inline(never)]
    pub(super) fn add_escaped(&mut self, object: &mut Object, key: String) -> bool {
        if object.keys > NEAR {
            return self.add_to_table(object, Cow::Owned(key));
        }
        let mark = mark(key.as_bytes());
        if self.has(object, mark, &key) {
            return true;
        }
        match self.marks.get_mut(self.live) {
            Some(of_key) => *of_key = mark,
            None => self.far.push((mark, "")),
        }
        self.escaped.push((self.live, key));
        self.live += 1;
        false
    }

    #[cold]
    #[inline(never)]
    fn has(&self, object: &Object, mark: u64, key: &str) -> bool {
        (object.base..self.live).any(|place| {
            self.mark_at(place) == Some(mark)
                && self.text_at(place).unwrap_or_else(|escaped| escaped) == key
        })
    }

    fn mark_at(&self, place: usize) -> Option<u64> {
        match self.marks.get(place) {
            Some(mark) => Some(*mark),
            None => self.far.get(place - NEAR).map(|(mark, _)| *mark),
        }
    }

    /// A key, as a piece of the text or as it was written down here.
    fn text_at(&self, place: usize) -> Result<&'de str, &str> {
        let escaped = self.escaped.binary_search_by_key(&place, |(of, _)| *of);
        if let Some((_, key)) = escaped.ok().and_then(|index| self.escaped.get(index)) {
            return Err(key);
        }
        match self.near.get(place) {
            Some(key) => Ok(key),
            None => Ok(self.far.get(place - NEAR).map_or("", |(_, key)| key)),
        }
    }

    #[inline(never)]
    fn add_to_table(&mut self, object: &mut Object, key: Cow<'de, str>) -> bool {
        if object.number == 0 {
            self.table.objects += 1;
            self.table.open += 1;
            object.number = self.table.objects;
            self.table.keys.reserve(2 * NEAR);
            for place in object.base..self.live {
                let known = match self.text_at(place) {
                    Ok(key) => Cow::Borrowed(key),
                    Err(escaped) => Cow::Owned(escaped.to_owned()),
                };
                self.table.keys.insert((object.number, known));
            }
        }
        !self.table.keys.insert((object.number, key))
    }

    #[inline]
    pub(super) fn leave(&mut self, object: &Object) {
        self.live = object.base;
        if !self.far.is_empty() {
            self.far.truncate(object.base.saturating_sub(NEAR));
        }
        while self
            .escaped
            .pop_if(|(place, _)| *place >= object.base)
            .is_some()
        {}
        if object.number != 0 {
            self.table.open -= 1;
            if self.table.open == 0 {
                self.table.keys.clear();
            }
        }
    }
}

/// Differs for most keys that differ: its length, its first bytes and its last ones.
#[inline]
fn mark(key: &[u8]) -> u64 {
    let (low, high) = match (key.first_chunk(), key.last_chunk()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => match (key.first_chunk(), key.last_chunk()) {
            (Some(first), Some(last)) => (
                u64::from(u32::from_le_bytes(*first)),
                u64::from(u32::from_le_bytes(*last)) << 32,
            ),
            _ => (
                key.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
                0,
            ),
        },
    };
    low ^ high.rotate_left(31) ^ (key.len() as u64).rotate_right(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Adds a key, every third one as one that is spelled with an escape.
    fn add(stack: &mut KeyStack<'static>, object: &mut Object, key: &str) -> bool {
        if object.count().is_multiple_of(3) {
            stack.add_escaped(object, key.to_owned())
        } else {
            stack.add(object, String::leak(key.to_owned()))
        }
    }

    #[test]
    fn a_key_is_found_in_its_own_object_alone() {
        let mut stack = KeyStack::new();
        let mut outer = stack.enter();
        assert!(!add(&mut stack, &mut outer, "a"));
        let mut inner = stack.enter();
        assert!(!add(&mut stack, &mut inner, "a"));
        assert!(add(&mut stack, &mut inner, "a"));
        assert!(!add(&mut stack, &mut inner, "b"));
        stack.leave(&inner);
        assert!(!add(&mut stack, &mut outer, "b"));
        assert!(add(&mut stack, &mut outer, "a"));
        assert_eq!(outer.count(), 4);
    }

    /// Objects of 1, 31, 32, 33 and 100 keys within objects of as many: the seams between the places that keys stand in.
    #[test]
    fn a_key_is_found_wherever_it_stands() {
        let sizes = [1, 31, 32, 33, 100];
        for of_outer in sizes {
            for of_inner in sizes {
                for again in 0..of_inner {
                    let mut stack = KeyStack::new();
                    let mut outer = stack.enter();
                    for key in 0..of_outer {
                        assert!(!add(&mut stack, &mut outer, &format!("k{key}")));
                    }
                    for _ in 0..2 {
                        let mut inner = stack.enter();
                        for key in 0..of_inner {
                            assert!(!add(&mut stack, &mut inner, &format!("k{key}")));
                        }
                        assert!(add(&mut stack, &mut inner, &format!("k{again}")));
                        stack.leave(&inner);
                    }
                    assert!(add(&mut stack, &mut outer, "k0"));
                    assert!(!add(&mut stack, &mut outer, "other"));
                }
            }
        }
    }

    #[test]
    fn keys_of_one_mark_are_told_apart() {
        let (one, other) = ("aaaaaaaa_1_bbbbbbbb", "aaaaaaaa_2_bbbbbbbb");
        assert_eq!(mark(one.as_bytes()), mark(other.as_bytes()));
        let mut stack = KeyStack::new();
        let mut object = stack.enter();
        assert!(!add(&mut stack, &mut object, one));
        assert!(!add(&mut stack, &mut object, other));
        assert!(add(&mut stack, &mut object, other));
    }

    #[test]
    fn marks_of_short_keys_differ() {
        let keys = [
            "",
            "a",
            "b",
            "ab",
            "ba",
            "abc",
            "abcd",
            "abce",
            "bbcd",
            "aaaa",
            "aaaaa",
            "aaaaaaa",
            "abcdefgh",
            "abcdefgi",
            "aaaaaaaa",
            "aaaaaaaaa",
        ];
        let marks: HashSet<_> = keys.iter().map(|key| mark(key.as_bytes())).collect();
        assert_eq!(marks.len(), keys.len());
    }
}
