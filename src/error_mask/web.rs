//! gRPC-Web: trailers that travel as the last frame of the body, with the highest bit of its flags set, in the text variant in base64
//! ([gRPC Web](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md)).

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::grpc::{fault, mask};
use super::watch::Watch;
use crate::core::base64;

/// Flags and length.
const FRAME_HEAD: usize = 5;
const TRAILERS: u8 = 0x80;
/// What no reader can make sense of, in place of which a status without words goes out.
const UNREADABLE: &[u8] = b"\x80\0\0\0\x2cgrpc-status:2\r\ngrpc-message:internal error\r\n";
/// The longest trailers that are read: what servers allow the headers of a request.
const MOST: usize = 64 * 1_024;

/// Reads the frames of a body as it passes, and holds its trailers back until they are whole.
#[derive(Debug)]
pub(super) struct Frames {
    /// `None`: the body is no base64.
    letters: Option<Letters>,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// In the head of a message: how much of it has passed, and the length that it has told so far.
    Head { passed: usize, length: u32 },
    /// In a message with so many bytes to come.
    Message { left: usize },
    /// In the trailers.
    Trailers(Vec<u8>),
    /// Behind them, where nothing is sent.
    End,
}

impl Place {
    const START: Self = Self::Head {
        passed: 0,
        length: 0,
    };
}

impl Frames {
    /// For a body with this content type; `None` for one of plain gRPC.
    pub(super) fn of(content_type: &[u8]) -> Option<Self> {
        const WEB: &[u8] = b"application/grpc-web";
        const TEXT: &[u8] = b"-text";
        let starts = |text: &[u8], with: &[u8]| {
            text.get(..with.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(with))
        };
        let rest = content_type.get(WEB.len()..)?;
        starts(content_type, WEB).then(|| Self {
            letters: starts(rest, TEXT).then(Letters::default),
            place: Place::START,
        })
    }

    /// What goes out of the next bytes of the body; empty while they are held back.
    pub(super) fn pass(&mut self, data: Bytes, watch: &Watch) -> Bytes {
        let Some(letters) = &mut self.letters else {
            return self.place.pass(data, watch);
        };
        let Some(raw) = letters.read(&data) else {
            self.place = Place::End;
            return encoded(UNREADABLE);
        };
        encoded(&self.place.pass(Bytes::from(raw), watch))
    }

    /// What goes out when the body has ended: trailers that it has not finished were never whole.
    pub(super) fn end(&mut self) -> Option<Bytes> {
        let is_open = matches!(self.place, Place::Trailers(_));
        self.place = Place::End;
        is_open.then(|| match self.letters {
            Some(_) => encoded(UNREADABLE),
            None => Bytes::from_static(UNREADABLE),
        })
    }
}

impl Place {
    fn pass(&mut self, mut data: Bytes, watch: &Watch) -> Bytes {
        let whole = data.clone();
        while let Some(first) = data.first() {
            match self {
                Self::Head { passed: 0, .. } if first & TRAILERS != 0 => {
                    *self = Self::Trailers(Vec::new());
                }
                Self::Head { passed, length } => {
                    // The flags are shifted out by the four bytes of the length.
                    *length = length.wrapping_shl(8) | u32::from(*first);
                    *passed = passed.saturating_add(1);
                    let (passed, length) = (*passed, *length);
                    let _ = data.split_to(1);
                    if passed == FRAME_HEAD {
                        *self = match usize::try_from(length) {
                            Ok(0) => Self::START,
                            Ok(left) => Self::Message { left },
                            // No memory holds such a message.
                            Err(_) => Self::End,
                        };
                    }
                }
                Self::Message { left } => {
                    let taken = data.len().min(*left);
                    let _ = data.split_to(taken);
                    *left = left.saturating_sub(taken);
                    if *left == 0 {
                        *self = Self::START;
                    }
                }
                Self::Trailers(held) => {
                    held.extend_from_slice(&data);
                    let masked = match trailers_of(held) {
                        Trailers::Open => Bytes::new(),
                        Trailers::Whole(frame, lines) => {
                            masked(lines, watch).unwrap_or_else(|| Bytes::copy_from_slice(frame))
                        }
                        Trailers::Unreadable => Bytes::from_static(UNREADABLE),
                    };
                    if !masked.is_empty() {
                        *self = Self::End;
                    }
                    return joined(&whole, &data, masked);
                }
                Self::End => return joined(&whole, &data, Bytes::new()),
            }
        }
        whole
    }
}

/// What of `whole` stands before its end `rest`, and `behind`.
fn joined(whole: &Bytes, rest: &Bytes, behind: Bytes) -> Bytes {
    let before = whole.slice(..whole.len().saturating_sub(rest.len()));
    if before.is_empty() {
        return behind;
    }
    if behind.is_empty() {
        return before;
    }
    Bytes::from([&*before, &*behind].concat())
}

enum Trailers<'a> {
    Open,
    /// The frame, without what stands behind it, and its lines.
    Whole(&'a [u8], &'a [u8]),
    Unreadable,
}

/// The lines of a frame of trailers.
fn trailers_of(held: &[u8]) -> Trailers<'_> {
    let Some((head, lines)) = held.split_first_chunk::<FRAME_HEAD>() else {
        return Trailers::Open;
    };
    let [flags, length @ ..] = *head;
    let length = match usize::try_from(u32::from_be_bytes(length)) {
        Ok(length) if flags == TRAILERS && length <= MOST => length,
        // Compressed, or longer than any reader allows.
        _ => return Trailers::Unreadable,
    };
    let frame = held.get(..FRAME_HEAD.saturating_add(length));
    match (frame, lines.get(..length)) {
        (Some(frame), Some(lines)) => Trailers::Whole(frame, lines),
        _ => Trailers::Open,
    }
}

/// The frame that goes out in place of these lines; `None` if they may.
fn masked(lines: &[u8], watch: &Watch) -> Option<Bytes> {
    let Some(mut trailers) = read(lines) else {
        return Some(Bytes::from_static(UNREADABLE));
    };
    let fault = fault(&trailers, true)?;
    mask(&mut trailers, watch, fault).then(|| framed(&trailers))
}

fn read(lines: &[u8]) -> Option<HeaderMap> {
    let mut trailers = HeaderMap::new();
    let lines = lines.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    for line in lines.filter(|line| !line.is_empty()) {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at_checked(colon)?;
        let name = HeaderName::from_bytes(name).ok()?;
        let value = value.get(1..)?.trim_ascii();
        let value = HeaderValue::from_bytes(value).ok()?;
        trailers.try_append(name, value).ok()?;
    }
    Some(trailers)
}

fn framed(trailers: &HeaderMap) -> Bytes {
    let mut lines = Vec::with_capacity(128);
    for (name, value) in trailers {
        lines.extend_from_slice(name.as_str().as_bytes());
        lines.push(b':');
        lines.extend_from_slice(value.as_bytes());
        lines.extend_from_slice(b"\r\n");
    }
    let Ok(length) = u32::try_from(lines.len()) else {
        return Bytes::from_static(UNREADABLE);
    };
    let mut frame = vec![TRAILERS];
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(&lines);
    Bytes::from(frame)
}

fn encoded(raw: &[u8]) -> Bytes {
    let mut text = base64::encode(raw);
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    Bytes::from(text)
}

/// Base64 as it comes: each chunk may end within a group of four letters, and each group may be padded.
#[derive(Debug, Default)]
struct Letters {
    bits: u32,
    held: usize,
    padding: usize,
}

impl Letters {
    /// The bytes that these letters stand for; `None` if they are none.
    fn read(&mut self, text: &[u8]) -> Option<Vec<u8>> {
        let mut raw = Vec::with_capacity(text.len());
        for letter in text {
            let value = match letter {
                // At the end of a group alone.
                b'=' if self.held >= 2 => {
                    self.padding = self.padding.saturating_add(1);
                    0
                }
                _ if self.padding == 0 => base64::value(*letter)?,
                _ => return None,
            };
            self.bits = self.bits << 6 | value;
            self.held = self.held.saturating_add(1);
            if self.held == 4 {
                let [_, bytes @ ..] = self.bits.to_be_bytes();
                raw.extend(bytes.iter().take(3_usize.saturating_sub(self.padding)));
                *self = Self::default();
            }
        }
        Some(raw)
    }
}
