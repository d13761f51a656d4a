//! Writes the headers into an answer.

use std::mem::replace;

use http::header::{
    CACHE_CONTROL, CONNECTION, Entry, OccupiedEntry, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use super::check::{Notes, Seen};
use super::names::CLEAR_SITE_DATA;
use super::settings::Settings;
use crate::core::field;

/// One header that is written into every answer.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub(super) name: HeaderName,
    pub(super) value: HeaderValue,
    pub(super) write: Write,
}

/// What happens to the handler's own lines of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Write {
    /// They stay, and ours is added: for a dictionary that other layers write into too.
    Append,
    /// They stay, and ours is left out.
    IfAbsent,
    /// They go.
    Overwrite,
}

/// What is written, in the forms in which it is written.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) settings: Settings,
    base: Base,
    /// The same with `Cache-Control`.
    base_no_store: Base,
    /// Whether every header replaces the handler's.
    is_plain: bool,
    nosniff: Option<HeaderValue>,
}

/// Names that keep a place in a copy. Nobody can configure one of them: they are forbidden.
static PLACES: [HeaderName; 5] = [TE, TRAILER, UPGRADE, CONNECTION, TRANSFER_ENCODING];

/// The headers as maps to clone: hashing their names takes longer than all the rest.
///
/// The clone of a map has room for what is in it and no more. So the map at place `n` holds `n` names that are taken out of the clone
/// again, and what the handler has set goes there without another allocation.
#[derive(Debug)]
struct Base(Vec<HeaderMap>);

impl Base {
    /// `most` is the number of names that a handler may have set.
    fn of(headers: &HeaderMap, most: usize) -> Self {
        let mut maps = vec![headers.clone()];
        for place in PLACES.iter().take(most) {
            let mut map = maps.last().cloned().unwrap_or_default();
            field::set(&mut map, place.clone(), HeaderValue::from_static(""));
            maps.push(map);
        }
        Self(maps)
    }

    /// A copy with room for `names` more; `None` for more than it was made for.
    fn copy(&self, names: usize) -> Option<HeaderMap> {
        let mut copy = self.0.get(names)?.clone();
        // The last first: nothing has to move.
        for place in PLACES.iter().take(names).rev() {
            copy.remove(place);
        }
        Some(copy)
    }
}

impl Plan {
    pub(super) fn of(settings: Settings) -> Self {
        // Measured for ten headers and a map that has to grow: a copy saves a fifth, and each name that is taken over from the
        // handler costs a fifth of that.
        let most = settings.headers.len() / 2;
        // Room for what most handlers set: the clone keeps the size of its table.
        let mut base = HeaderMap::with_capacity(settings.headers.len().saturating_add(6));
        let set = |pair: &&Pair| pair.write != Write::Append;
        for pair in settings.headers.iter().filter(set) {
            field::set(&mut base, pair.name.clone(), pair.value.clone());
        }
        let mut base_no_store = base.clone();
        field::set(&mut base_no_store, CACHE_CONTROL, settings.no_store.clone());
        let nosniff = base.get(X_CONTENT_TYPE_OPTIONS).cloned();
        let is_plain = settings
            .headers
            .iter()
            .all(|pair| pair.write == Write::Overwrite);
        Self {
            settings,
            base: Base::of(&base, most),
            base_no_store: Base::of(&base_no_store, most),
            is_plain,
            nosniff,
        }
    }

    pub(super) fn amend<B>(&self, response: &mut Response<B>, notes: Notes) {
        let status = response.status();
        if !status.is_informational() {
            self.amend_headers(status, response.headers_mut(), notes);
        }
    }

    /// Not generic, so that it is compiled once.
    fn amend_headers(&self, status: StatusCode, headers: &mut HeaderMap, notes: Notes) {
        let seen = Seen::of(headers, &self.settings.removed);
        let no_store =
            status != StatusCode::NOT_MODIFIED && self.settings.writes_cache_control(notes, seen);
        if no_store && seen.has_targeted_cache_control() && self.settings.overrules_caching() {
            field::take_off_targeted_cache_control(headers);
        }
        if seen.is_grpc() {
            self.amend_grpc(headers, seen, no_store);
            return;
        }
        match self.copy_for(headers, no_store) {
            Some(copy) => self.rebuild(headers, copy, seen),
            None => self.insert(headers, seen, no_store),
        }
        let clear = notes.clear();
        if !clear.is_empty()
            && status.as_u16() < 400
            && !(self.settings.clear_if_absent && headers.contains_key(&CLEAR_SITE_DATA))
        {
            clear.insert_into(headers);
        }
    }

    /// No browser shows what a gRPC client gets.
    fn amend_grpc(&self, headers: &mut HeaderMap, seen: Seen, no_store: bool) {
        if seen.has_banner() {
            self.settings.removed.take_off(headers);
        }
        if let Some(value) = &self.nosniff {
            let write = self.write_of(&X_CONTENT_TYPE_OPTIONS);
            write_one(headers, &X_CONTENT_TYPE_OPTIONS, value, write);
        }
        if no_store {
            field::set(headers, CACHE_CONTROL, self.settings.no_store.clone());
        }
    }

    /// Adds the headers to the handler's map.
    fn insert(&self, headers: &mut HeaderMap, seen: Seen, no_store: bool) {
        if seen.has_banner() {
            self.settings.removed.take_off(headers);
        }
        let pairs = &self.settings.headers;
        // A map that cannot grow is full: what does not fit is left out below.
        let _ = headers.try_reserve(pairs.len().saturating_add(usize::from(no_store)));
        for Pair { name, value, write } in pairs {
            write_one(headers, name, value, *write);
        }
        if no_store {
            field::set(headers, CACHE_CONTROL, self.settings.no_store.clone());
        }
    }

    /// A copy of the prepared map, for a handler's map that has few names and would have to grow. Second lines of a name stand in a
    /// table of their own, which the copy would have to make again.
    fn copy_for(&self, headers: &HeaderMap, no_store: bool) -> Option<HeaderMap> {
        let names = headers.keys_len();
        let has_room = headers.capacity() >= names.saturating_add(self.settings.headers.len());
        if has_room || headers.len() != names {
            return None;
        }
        self.base(no_store).copy(names)
    }

    const fn base(&self, no_store: bool) -> &Base {
        if no_store {
            &self.base_no_store
        } else {
            &self.base
        }
    }

    /// Puts what the handler set into the copy, so that only the handler's few names are hashed.
    fn rebuild(&self, headers: &mut HeaderMap, copy: HeaderMap, seen: Seen) {
        let mut lines = replace(headers, copy).into_iter();
        let mut next = lines.next();
        while let Some((Some(name), value)) = next {
            let mut entry = if seen.has_banner() && self.settings.removed.contains(&name) {
                None
            } else {
                self.place(headers, name, value)
            };
            next = lines.next();
            while let Some((None, value)) = next {
                if let Some(entry) = &mut entry {
                    entry.append(value);
                }
                next = lines.next();
            }
        }
        if !self.is_plain {
            let appended = |pair: &&Pair| pair.write == Write::Append;
            for Pair { name, value, .. } in self.settings.headers.iter().filter(appended) {
                field::add(headers, name.clone(), value.clone());
            }
        }
    }

    /// Puts the first line of a header of the handler into the copy. Its further lines follow into the entry.
    fn place<'a>(
        &self,
        headers: &'a mut HeaderMap,
        name: HeaderName,
        value: HeaderValue,
    ) -> Option<OccupiedEntry<'a, HeaderValue>> {
        match headers.try_entry(name).ok()? {
            Entry::Vacant(entry) => entry.try_insert_entry(value).ok(),
            Entry::Occupied(_) if self.is_plain => None,
            Entry::Occupied(mut entry) => match self.write_of(entry.key()) {
                Write::IfAbsent => {
                    entry.insert(value);
                    Some(entry)
                }
                // What is appended is not in the copy yet.
                Write::Append | Write::Overwrite => None,
            },
        }
    }

    /// `Cache-Control`, which stands among no pairs, is in the copy only where it replaces the handler's.
    fn write_of(&self, name: &HeaderName) -> Write {
        self.settings
            .headers
            .iter()
            .find(|pair| pair.name == *name)
            .map_or(Write::Overwrite, |pair| pair.write)
    }
}

fn write_one(headers: &mut HeaderMap, name: &HeaderName, value: &HeaderValue, write: Write) {
    match write {
        Write::IfAbsent if headers.contains_key(name) => {}
        Write::IfAbsent | Write::Overwrite => {
            let _ = headers.try_insert(name, value.clone());
        }
        Write::Append => {
            let _ = headers.try_append(name, value.clone());
        }
    }
}

#[cfg(test)]
#[path = "apply_tests.rs"]
mod tests;
