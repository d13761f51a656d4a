//! `SafeFileName`: a name that a file can have anywhere.

use std::path::Path;

use super::newtype::checked_text;

/// The longest name of a file in bytes, on Linux and macOS.
const MAX: usize = 255;

/// Why a text is no [`SafeFileName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum FileNameError {
    /// It has a character that no file name has, or that cannot be seen.
    #[error(
        "a file name has no `/ \\ : * ? \" < > |`, no control character and none that is invisible"
    )]
    Character,
    /// It is the name of a device of Windows, whatever its extension.
    #[error("the file name is that of a device, such as CON, NUL or COM1")]
    Device,
    /// It begins with a dot, or ends in a dot or a space.
    #[error("a file name does not begin with a dot, nor end in a dot or a space")]
    Edge,
    /// It is empty.
    #[error("a file name is not empty")]
    Empty,
    /// It has more than 255 bytes.
    #[error("a file name has 255 bytes at most")]
    TooLong,
}

/// The name of an uploaded file, without a path: one that names one file of one folder, on every system.
///
/// It has 1 to 255 bytes. Refused are
///
/// - `/ \ : * ? " < > |` and control characters: paths ([CWE-22](https://cwe.mitre.org/data/definitions/22.html),
///   [CWE-73](https://cwe.mitre.org/data/definitions/73.html)), alternate data streams, wildcards,
/// - bidirectional and invisible characters, with which `exe` looks like `jpg`,
/// - a dot at the start (`.`, `..`, `.htaccess`), a dot or a space at the end, which Windows drops,
/// - devices of Windows: `CON PRN AUX NUL CONIN$ CONOUT$`, `COM` and `LPT` with a digit or a superscript one, in any case, with any
///   extension ([naming files](https://learn.microsoft.com/windows/win32/fileio/naming-a-file)).
///
/// Nothing is trimmed: a name that was repaired is another one's. A safe name says nothing of what is in the file, nor that its extension is
/// a harmless one: `page.html` and `shell.php` are safe names. Store uploads under names of your own, and keep this one for display.
///
/// # Example
///
/// ```
/// use tower_security::sanitize::{FileNameError, SafeFileName};
///
/// assert_eq!(SafeFileName::new("report (final).pdf")?.as_str(), "report (final).pdf");
///
/// assert_eq!(SafeFileName::new("../../etc/passwd"), Err(FileNameError::Character));
/// assert_eq!(SafeFileName::new(".bashrc"), Err(FileNameError::Edge));
/// assert_eq!(SafeFileName::new("con.txt"), Err(FileNameError::Device));
/// # Ok::<(), FileNameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SafeFileName(String);

checked_text!(SafeFileName, FileNameError, check);

impl AsRef<Path> for SafeFileName {
    fn as_ref(&self) -> &Path {
        self.0.as_ref()
    }
}

/// Whether a file may have this name.
pub(super) fn check(name: &str) -> Result<(), FileNameError> {
    if name.is_empty() {
        return Err(FileNameError::Empty);
    }
    if name.len() > MAX {
        return Err(FileNameError::TooLong);
    }
    if name.chars().any(is_refused) {
        return Err(FileNameError::Character);
    }
    if name.starts_with('.') || name.ends_with(['.', ' ']) {
        return Err(FileNameError::Edge);
    }
    if is_device(name) {
        return Err(FileNameError::Device);
    }
    Ok(())
}

const fn is_refused(character: char) -> bool {
    matches!(
        character,
        '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|'
            | '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            // Soft hyphen, grapheme joiner, Arabic letter mark, Mongolian vowel separator.
            | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}'
            // Fillers of Hangul, which are letters, and inherent vowels of Khmer.
            | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{3164}' | '\u{ffa0}'
            // Zero-width characters and marks, line separators, embeddings and overrides.
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            // Word joiner, invisible operators, isolates.
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            // Interlinear annotation and tag characters.
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// A device has its name up to the first dot, and spaces before it do not count.
fn is_device(name: &str) -> bool {
    const DEVICES: [&str; 6] = ["aux", "con", "conin$", "conout$", "nul", "prn"];
    let stem = name.split('.').next().unwrap_or_default();
    let stem = stem.trim_end_matches(' ').to_ascii_lowercase();
    if DEVICES.contains(&stem.as_str()) {
        return true;
    }
    let port = stem
        .strip_prefix("com")
        .or_else(|| stem.strip_prefix("lpt"));
    let mut number = port.unwrap_or_default().chars();
    matches!(
        (number.next(), number.next()),
        (Some('0'..='9' | '\u{b9}' | '\u{b2}' | '\u{b3}'), None)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_refused_and_their_twins() {
        let long = "a".repeat(255);
        let longer = "a".repeat(256);
        let rows: [(&str, FileNameError, &str); 38] = [
            ("", FileNameError::Empty, "a"),
            (&longer, FileNameError::TooLong, &long),
            (".", FileNameError::Edge, "a.b"),
            ("..", FileNameError::Edge, "a..b"),
            (".a", FileNameError::Edge, "a"),
            ("a.", FileNameError::Edge, "a.b"),
            ("a ", FileNameError::Edge, " a"),
            ("a/b", FileNameError::Character, "a_b"),
            ("a\\b", FileNameError::Character, "a-b"),
            ("a:b", FileNameError::Character, "a;b"),
            ("a*b", FileNameError::Character, "a+b"),
            ("a?b", FileNameError::Character, "a!b"),
            ("a\"b", FileNameError::Character, "a'b"),
            ("a<b", FileNameError::Character, "a(b"),
            ("a>b", FileNameError::Character, "a)b"),
            ("a|b", FileNameError::Character, "a,b"),
            ("a\0b", FileNameError::Character, "a b"),
            ("a\nb", FileNameError::Character, "a%0ab"),
            ("a\u{7f}", FileNameError::Character, "a~"),
            ("a\u{9f}", FileNameError::Character, "a\u{a0}b"),
            ("a\u{200b}b", FileNameError::Character, "a\u{2010}b"),
            ("a\u{202e}gpj.exe", FileNameError::Character, "agpj.exe"),
            ("a\u{2066}b", FileNameError::Character, "a\u{2070}b"),
            ("\u{feff}a", FileNameError::Character, "\u{e9}a"),
            ("a\u{34f}b", FileNameError::Character, "a\u{350}b"),
            ("a\u{115f}b", FileNameError::Character, "a\u{1161}b"),
            ("a\u{3164}", FileNameError::Character, "a\u{3163}"),
            ("a\u{ffa0}.exe", FileNameError::Character, "a\u{ffa1}.exe"),
            ("con", FileNameError::Device, "cons"),
            ("CON.tar.gz", FileNameError::Device, "a.CON"),
            ("nul .txt", FileNameError::Device, "nu l.txt"),
            ("Aux", FileNameError::Device, "auxiliary"),
            ("prn.c", FileNameError::Device, "prnt.c"),
            ("CONIN$", FileNameError::Device, "CONIN"),
            ("conout$.x", FileNameError::Device, "conout.x"),
            ("com0", FileNameError::Device, "com"),
            ("LPT9.log", FileNameError::Device, "LPT10.log"),
            ("com\u{b9}", FileNameError::Device, "com\u{b9}1"),
        ];
        for (refused, error, allowed) in rows {
            assert_eq!(SafeFileName::new(refused), Err(error), "{refused:?}");
            assert!(SafeFileName::new(allowed).is_ok(), "{allowed:?}");
        }
    }

    #[test]
    fn names_of_files_of_people_pass() {
        for name in [
            "photo.jpg",
            "R\u{e9}sum\u{e9} (2).docx",
            "\u{8cc7}\u{6599}.pdf",
            "a b.c d",
            "50% & more; $1.txt",
            "Makefile",
            "archive.tar.gz",
            "-rf",
        ] {
            assert_eq!(SafeFileName::new(name).unwrap().as_str(), name);
        }
        let name: SafeFileName = serde_json::from_str("\"a.txt\"").unwrap();
        assert_eq!(
            Path::new("/uploads").join(&name),
            Path::new("/uploads/a.txt")
        );
        let error = serde_json::from_str::<SafeFileName>("\"../secret\"").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
