use std::borrow::Cow;
use std::fmt::Write;
use std::str;

pub(super) const ELLIPSIS: char = '\u{2026}';
/// The longest character in UTF-8.
const MAX_CHAR: usize = 4;

/// Spells out what must not reach a log raw, and cuts the result at `cap` bytes.
///
/// A cut falls between characters, never inside an escape, and is shown by an ellipsis. Text with nothing to spell out is borrowed.
pub(crate) fn clean(text: &str, cap: usize) -> Cow<'_, str> {
    if text.len() <= cap && text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(spell_out(text.as_bytes(), cap))
}

/// [`clean`] for bytes; those that are not UTF-8 become `\x..`.
pub(crate) fn clean_bytes(bytes: &[u8], cap: usize) -> Cow<'_, str> {
    if bytes.len() <= cap
        && let Ok(text) = str::from_utf8(bytes)
    {
        return clean(text, cap);
    }
    Cow::Owned(spell_out(bytes, cap))
}

/// Whether `c` may stand in a log as it is.
const fn is_plain(c: char) -> bool {
    !matches!(
        c,
        '\\' | '\0'..='\u{1F}'
            | '\u{7F}'..='\u{9F}'
            // Arabic letter mark, left-to-right and right-to-left marks.
            | '\u{061C}'
            | '\u{200E}'..='\u{200F}'
            // Line and paragraph separator, bidi embeddings and overrides.
            | '\u{2028}'..='\u{202E}'
            // Bidi isolates.
            | '\u{2066}'..='\u{2069}'
            // Byte-order mark.
            | '\u{FEFF}'
            // Tag characters: invisible text.
            | '\u{E0000}'..='\u{E007F}'
    )
}

fn spell_out(bytes: &[u8], cap: usize) -> String {
    // Nothing becomes shorter, so what starts behind `cap` cannot fit: a megabyte costs as little as a kilobyte. The character that
    // this cut may break starts there too.
    let start = bytes.get(..cap.saturating_add(MAX_CHAR)).unwrap_or(bytes);
    let mut line = Line::new(cap);
    let fitted = start.utf8_chunks().all(|chunk| {
        chunk.valid().chars().all(|c| line.push_char(c))
            && chunk.invalid().iter().all(|byte| line.push_byte(*byte))
    });
    if fitted { line.text } else { line.cut() }
}

/// Text that grows by whole escapes up to a limit.
struct Line {
    text: String,
    cap: usize,
    /// The longest length so far that leaves room for the ellipsis.
    cut_at: usize,
}

impl Line {
    fn new(cap: usize) -> Self {
        Self {
            text: String::new(),
            cap,
            cut_at: 0,
        }
    }

    fn push_char(&mut self, c: char) -> bool {
        match c {
            '\\' => self.text.push_str(r"\\"),
            c if is_plain(c) => self.text.push(c),
            c => self.push_fmt(format_args!("\\u{{{:x}}}", u32::from(c))),
        }
        self.fits()
    }

    fn push_byte(&mut self, byte: u8) -> bool {
        self.push_fmt(format_args!("\\x{byte:02x}"));
        self.fits()
    }

    fn push_fmt(&mut self, escape: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.text.write_fmt(escape);
    }

    fn fits(&mut self) -> bool {
        let length = self.text.len();
        if length.saturating_add(ELLIPSIS.len_utf8()) <= self.cap {
            self.cut_at = length;
        }
        length <= self.cap
    }

    fn cut(mut self) -> String {
        self.text.truncate(self.cut_at);
        if ELLIPSIS.len_utf8() <= self.cap {
            self.text.push(ELLIPSIS);
        }
        self.text
    }
}
