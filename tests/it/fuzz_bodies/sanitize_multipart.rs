//! The guard of multipart bodies beside the reader of axum and a model: what passes is the same to all.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body_util::{BodyDataStream, Full};
use multer::Multipart;
use tower_security::sanitize::MultipartRules;

/// The name of a part, that of its file, and what is in it.
pub type Field = (String, Option<String>, Vec<u8>);

/// The fields that multer reads; `None` if it cannot, or if one has no name.
pub fn read_by_multer(boundary: &str, body: &[u8]) -> Option<Vec<Field>> {
    let body = Full::new(Bytes::copy_from_slice(body));
    let mut reader = Multipart::new(BodyDataStream::new(body), boundary);
    let read = async {
        let mut fields = Vec::new();
        while let Some(field) = reader.next_field().await.ok()? {
            let name = field.name()?.to_owned();
            let file_name = field.file_name().map(str::to_owned);
            fields.push((name, file_name, field.bytes().await.ok()?.to_vec()));
        }
        Some(fields)
    };
    let mut context = Context::from_waker(Waker::noop());
    let mut read = pin!(read);
    // The whole body is there: it waits for nothing but itself.
    for _ in 0..16 {
        if let Poll::Ready(fields) = read.as_mut().poll(&mut context) {
            return fields;
        }
    }
    panic!("it waits");
}

/// The fields of a body that has passed: pieces between delimiters, a head and a content each.
fn read_by_model(boundary: &[u8], body: &[u8]) -> Vec<Field> {
    let delimiter = [b"\r\n--", boundary].concat();
    let body = [b"\r\n", body].concat();
    let mut pieces = split(&body, &delimiter);
    let last = pieces.pop().expect("one piece at least");
    assert!(last.starts_with(b"--"), "a closing delimiter");
    let fields = pieces.iter().skip(1).map(|piece| {
        let piece = piece.strip_prefix(b"\r\n").expect("a delimiter is a line");
        let end = find(piece, b"\r\n\r\n").expect("a head ends");
        let (head, content) = (&piece[..end], &piece[end + 4..]);
        let line = split(head, b"\r\n").into_iter().find(|line| {
            let name = line.split(|byte| *byte == b':').next();
            name.is_some_and(|name| name.eq_ignore_ascii_case(b"content-disposition"))
        });
        let line = std::str::from_utf8(line.expect("a disposition")).expect("UTF-8");
        let name = parameter(line, "name").expect("a name");
        (name, parameter(line, "filename"), content.to_vec())
    });
    fields.collect()
}

/// A parameter of a line in which no value is escaped: the pieces between quotes are values, the others are names.
fn parameter(line: &str, name: &str) -> Option<String> {
    let mut pieces = line.split('"');
    loop {
        let outside = pieces.next()?;
        for parameter in outside.split(';').map(str::trim) {
            match parameter.split_once('=') {
                Some((found, "")) if found == name => return pieces.next().map(str::to_owned),
                Some((found, value)) if found == name => return Some(value.to_owned()),
                _ => {}
            }
        }
        pieces.next()?;
    }
}

fn find(text: &[u8], piece: &[u8]) -> Option<usize> {
    text.windows(piece.len()).position(|window| window == piece)
}

fn split<'t>(text: &'t [u8], delimiter: &[u8]) -> Vec<&'t [u8]> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = find(rest, delimiter) {
        pieces.push(&rest[..at]);
        rest = &rest[at + delimiter.len()..];
    }
    pieces.push(rest);
    pieces
}

/// The first line is the boundary, the rest the body.
pub fn multipart(data: &[u8]) {
    let end = data
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(data.len());
    let (boundary, body) = data.split_at(end);
    let Ok(boundary) = std::str::from_utf8(boundary) else {
        return;
    };
    let body = body.strip_prefix(b"\n").unwrap_or(body);
    for rules in [MultipartRules::buffered(), MultipartRules::streaming()] {
        match rules.check(boundary, body) {
            Ok(()) => {
                let fields = read_by_multer(boundary, body).expect("what passes can be read");
                assert_eq!(fields, read_by_model(boundary.as_bytes(), body));
            }
            Err(refused) => assert!(
                refused.at() + refused.len() <= body.len().max(1),
                "{refused:?}"
            ),
        }
    }
}
