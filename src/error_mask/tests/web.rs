//! The last frame of gRPC-Web, in binary and in text, however it is cut.

use super::*;

const SECRET: &str = "no such table: users";
const MASKED: &[u8] = b"\x80\0\0\0\x2dgrpc-status:13\r\ngrpc-message:internal error\r\n";
const UNREADABLE: &[u8] = b"\x80\0\0\0\x2cgrpc-status:2\r\ngrpc-message:internal error\r\n";

fn frame(flags: u8, content: &[u8]) -> Vec<u8> {
    let mut frame = vec![flags];
    frame.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
    frame.extend(content);
    frame
}

fn failed() -> Vec<u8> {
    frame(
        0x80,
        format!("grpc-status:13\r\ngrpc-message:{SECRET}\r\nx-db:{SECRET}\r\n").as_bytes(),
    )
}

/// What comes out of these chunks.
fn sent<'a>(
    content_type: &str,
    chunks: impl IntoIterator<Item = &'a [u8]>,
    watch: &Watch,
) -> Vec<u8> {
    let mut frames = Frames::of(content_type.as_bytes()).unwrap();
    let mut sent = Vec::new();
    for chunk in chunks {
        sent.extend(frames.pass(Bytes::copy_from_slice(chunk), watch));
    }
    sent.extend(frames.end().unwrap_or_default());
    sent
}

fn binary(body: &[u8]) -> Vec<u8> {
    let watch = watch(ErrorMaskLayer::builder());
    sent("application/grpc-web+proto", [body], &watch)
}

#[test]
fn the_content_type_tells_the_variant() {
    for content_type in [
        "application/grpc-web",
        "application/GRPC-Web-Text+proto",
        "application/grpc-web+proto",
    ] {
        assert!(
            Frames::of(content_type.as_bytes()).is_some(),
            "{content_type}"
        );
    }
    for content_type in [
        "application/grpc",
        "application/grpc+proto",
        "",
        "application/json",
        "application/grpc-we",
    ] {
        assert!(
            Frames::of(content_type.as_bytes()).is_none(),
            "{content_type}"
        );
    }
}

#[test]
fn trailers_that_tell_are_replaced_and_others_are_not() {
    assert_eq!(binary(&failed()), MASKED);
    let served = frame(0x80, b"grpc-status:0\r\nx-a: b\r\n");
    assert_eq!(binary(&served), served);
    let refused = frame(0x80, b"grpc-status: 5\r\ngrpc-message: no such order\r\n");
    assert_eq!(binary(&refused), refused);
    // A message may look like a frame.
    let message = frame(0, &failed());
    assert_eq!(binary(&message), message);
    assert_eq!(
        binary(&[frame(1, b""), frame(0, b"abc"), failed()].concat()),
        [frame(1, b""), frame(0, b"abc"), MASKED.to_vec()].concat()
    );
}

#[test]
fn trailers_that_nobody_can_read_become_a_status_without_words() {
    for lines in [
        "x",
        "grpc status:5\r\n",
        "grpc-status 5",
        ":5\r\n",
        "grpc-status:5\r\ngrpc-message:\u{0}\r\n",
    ] {
        assert_eq!(
            binary(&frame(0x80, lines.as_bytes())),
            UNREADABLE,
            "{lines:?}"
        );
    }
    // Compressed.
    assert_eq!(binary(&frame(0x81, b"grpc-status:5\r\n")), UNREADABLE);
    // Longer than any reader allows.
    assert_eq!(binary(b"\x80\0\x01\0\x01grpc-status:5"), UNREADABLE);
    // Cut off.
    assert_eq!(binary(b"\x80\0\0\0\x20grpc-status:5"), UNREADABLE);
    assert_eq!(binary(b"\x80"), UNREADABLE);
    // No status: 2.
    assert_eq!(binary(&frame(0x80, b"x-a:b\r\n")), UNREADABLE);
}

#[test]
fn nothing_is_sent_behind_the_trailers() {
    let behind = [
        frame(0x80, b"grpc-status:0\r\n"),
        SECRET.as_bytes().to_vec(),
    ]
    .concat();
    assert_eq!(binary(&behind), frame(0x80, b"grpc-status:0\r\n"));
}

#[test]
fn a_mask_that_only_reports_hands_every_byte_on() {
    let watch = watch(ErrorMaskLayer::builder().mode(Mode::ReportOnly));
    let body = [frame(0, b"abc"), failed()].concat();
    assert_eq!(sent("application/grpc-web", body.chunks(2), &watch), body);
}

fn padded(raw: &[u8]) -> String {
    let text = base64::encode(raw);
    let padding = "=".repeat((4 - text.len() % 4) % 4);
    text + &padding
}

/// Undoes base64 of which any group may be padded.
fn plain(text: &[u8]) -> Vec<u8> {
    let groups = text.chunks(4).flat_map(|group| {
        let letters: Vec<_> = group.iter().filter(|letter| **letter != b'=').collect();
        let bits = letters.iter().fold(0_u32, |bits, letter| {
            bits << 6 | base64::value(**letter).unwrap()
        });
        let bits = bits << (6 * (4 - letters.len()));
        bits.to_be_bytes()[1..letters.len()].to_vec()
    });
    groups.collect()
}

#[test]
fn base64_that_is_none_ends_with_a_status_without_words() {
    let watch = watch(ErrorMaskLayer::builder());
    for wrong in ["AAAA!AAA", "A=AA", "AA=A", "====", "AAA\n"] {
        let sent = sent(
            "application/grpc-web-text",
            [wrong.as_bytes(), b"AAAA"],
            &watch,
        );
        assert!(sent.ends_with(padded(UNREADABLE).as_bytes()), "{wrong}");
        assert!(plain(&sent).ends_with(UNREADABLE), "{wrong}");
    }
}

proptest! {
    #[test]
    fn chunks_do_not_matter(
        messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..4),
        size in 1_usize..50,
        fails in any::<bool>(),
    ) {
        let watch = watch(ErrorMaskLayer::builder());
        let before: Vec<u8> = messages.iter().flat_map(|message| frame(0, message)).collect();
        let served = frame(0x80, b"grpc-status:0\r\n");
        let (last, expected) = if fails { (failed(), MASKED.to_vec()) } else { (served.clone(), served) };
        let body = [before.clone(), last].concat();
        let expected = [before, expected].concat();
        prop_assert_eq!(&sent("application/grpc-web", body.chunks(size), &watch), &expected);
        // One text, cut anywhere; and each chunk a text of its own, as tonic-web writes it.
        let text = padded(&body);
        let cut = sent("application/grpc-web-text", text.as_bytes().chunks(size), &watch);
        prop_assert_eq!(&plain(&cut), &expected);
        let texts: Vec<_> = body.chunks(size).map(padded).collect();
        let own = sent("application/grpc-web-text", texts.iter().map(String::as_bytes), &watch);
        prop_assert_eq!(&plain(&own), &expected);
    }

    #[test]
    fn no_bytes_bring_it_down(body: Vec<u8>, size in 1_usize..9) {
        let watch = watch(ErrorMaskLayer::builder());
        for content_type in ["application/grpc-web", "application/grpc-web-text"] {
            sent(content_type, body.chunks(size), &watch);
        }
    }
}
