//! Reads a body from delimiter to delimiter, in one piece or as it comes.

use std::fmt;

use memchr::memmem;

use crate::sanitize::rule::Rule;
use crate::sanitize::rule_set::RuleSet;
use crate::sanitize::{MultipartRules, Part, Violation};

use super::head::{self, Head};

/// The longest boundary (RFC 2046, section 5.1.1).
const LONGEST: usize = 70;
/// Bytes of a frame that are looked at together with what was kept of the one before.
const SEAM: usize = 256;
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// A piece of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sanitize) enum Piece<'a> {
    /// A part of this name begins.
    Part(&'a str),
    /// Some of what is in it. The line end before a delimiter may be the last of it.
    Content(&'a [u8]),
}

type Look<'l> = &'l mut dyn FnMut(Piece<'_>) -> Result<(), Rule>;

/// Where a body has been read to. It keeps less than 9 KiB.
///
/// A delimiter is `--` and the boundary at the beginning of a line: at the beginning of the body, or behind the CR LF that belongs to it.
/// Behind it stands CR LF, or `--` when it is the last one. Whatever only some readers take for a delimiter is refused: one behind a bare
/// CR or LF, one among the lines of a head, one in the place of an empty part, one with something else behind it; and so is text before the
/// first and behind the last.
pub(in crate::sanitize) struct Scanner {
    rules: MultipartRules,
    delimiter: memmem::Finder<'static>,
    state: State,
    /// What has not been read yet because more is needed.
    kept: Vec<u8>,
    /// How much has been read.
    at: usize,
    parts: usize,
    files: usize,
    reported: RuleSet,
    head: Head,
    /// Bytes of the part that have been read, and the last two of them.
    content: usize,
    last: [u8; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first delimiter.
    Start,
    /// Behind a delimiter.
    Delimiter,
    Head,
    Content,
    /// Behind the last delimiter.
    End,
    /// It is known to be wrong and passes: nothing behind can be told.
    Lost,
}

/// What one step of reading did.
enum Step {
    /// It read so many bytes.
    Read(usize),
    /// It needs more than there are.
    More,
}

impl Scanner {
    /// Starts a body. Without a boundary there is none, or more than one.
    ///
    /// # Errors
    ///
    /// [`Rule::MultipartBoundary`].
    pub(in crate::sanitize) fn new(
        rules: &MultipartRules,
        boundary: Option<&[u8]>,
    ) -> Result<Self, Violation> {
        let legal = boundary.filter(|boundary| is_boundary(boundary));
        let delimiter = [b"--", legal.unwrap_or_default()].concat();
        let mut scanner = Self {
            rules: rules.clone(),
            delimiter: memmem::Finder::new(&delimiter).into_owned(),
            state: State::Start,
            kept: Vec::new(),
            at: 0,
            parts: 0,
            files: 0,
            reported: RuleSet::EMPTY,
            head: Head::default(),
            content: 0,
            last: [0; 2],
        };
        if legal.is_none() {
            scanner.lost(Rule::MultipartBoundary)?;
        }
        Ok(scanner)
    }

    /// Reads the next bytes.
    ///
    /// # Errors
    ///
    /// The first rule that is broken and enforced. There is nothing to be read behind it.
    pub(in crate::sanitize) fn read(&mut self, data: &[u8]) -> Result<(), Violation> {
        self.look_through(data, &mut |_| Ok(()))
    }

    /// The same, and `look` sees each piece and may refuse it.
    pub(super) fn look_through(&mut self, data: &[u8], look: Look<'_>) -> Result<(), Violation> {
        let mut data = data;
        while !self.kept.is_empty() {
            let (seam, behind) = data.split_at(data.len().min(SEAM));
            if seam.is_empty() {
                return Ok(());
            }
            let mut joined = std::mem::take(&mut self.kept);
            let kept = joined.len();
            joined.extend_from_slice(seam);
            let read = self.run(&joined, look)?;
            if let Some(of_seam) = read.checked_sub(kept) {
                data = data.get(of_seam..).unwrap_or_default();
                break;
            }
            joined.drain(..read);
            self.kept = joined;
            data = behind;
        }
        let read = self.run(data, look)?;
        let rest = data.get(read..).unwrap_or_default();
        self.kept.extend_from_slice(rest);
        Ok(())
    }

    /// Ends the body. The rules that are broken and not enforced come back.
    ///
    /// # Errors
    ///
    /// [`Rule::MultipartTruncated`].
    pub(in crate::sanitize) fn finish(&mut self) -> Result<RuleSet, Violation> {
        if !matches!(self.state, State::End | State::Lost) {
            self.at += self.kept.len();
            self.lost(Rule::MultipartTruncated)?;
        }
        Ok(self.reported)
    }

    #[cfg(test)]
    pub(super) const fn kept_len(&self) -> usize {
        self.kept.len()
    }

    /// Reads as much as can be read, and says how much that is.
    fn run(&mut self, data: &[u8], look: Look<'_>) -> Result<usize, Violation> {
        let mut read = 0;
        while let Some(rest) = data.get(read..)
            && !rest.is_empty()
        {
            let step = match self.state {
                State::Start => self.start(rest)?,
                State::Delimiter => self.behind_delimiter(rest)?,
                State::Head => self.part_head(rest, look)?,
                State::Content => self.part_content(rest, look)?,
                State::End => self.behind_end(rest)?,
                State::Lost => Step::Read(rest.len()),
            };
            match step {
                Step::Read(bytes) => {
                    read += bytes;
                    self.at += bytes;
                }
                Step::More => break,
            }
        }
        Ok(read)
    }

    fn start(&mut self, rest: &[u8]) -> Result<Step, Violation> {
        let delimiter = self.delimiter.needle();
        if rest.starts_with(delimiter) {
            self.state = State::Delimiter;
            return Ok(Step::Read(delimiter.len()));
        }
        // An empty line is what some clients begin with, and no reader makes anything of it.
        if rest.starts_with(b"\r\n") {
            return Ok(Step::Read(2));
        }
        if delimiter.starts_with(rest) || rest == b"\r" {
            return Ok(Step::More);
        }
        self.lost(Rule::MultipartBoundary)
    }

    fn behind_delimiter(&mut self, rest: &[u8]) -> Result<Step, Violation> {
        match rest {
            [b'-', b'-', ..] => self.state = State::End,
            [b'\r', b'\n', ..] => {
                self.state = State::Head;
                self.parts += 1;
                if self.parts > self.rules.max_parts {
                    self.broken(RuleSet::EMPTY.with(Rule::MultipartTooManyParts), 0)?;
                }
            }
            [b'-' | b'\r'] => return Ok(Step::More),
            // White space before the line end is legal (RFC 2046, section 5.1.1); nobody sends it, and not everybody reads it.
            _ => return self.lost(Rule::MultipartBoundary),
        }
        Ok(Step::Read(2))
    }

    fn part_head(&mut self, rest: &[u8], look: Look<'_>) -> Result<Step, Violation> {
        let most = self.rules.max_part_header_bytes;
        let most = most.saturating_add(END_OF_HEAD.len());
        let window = rest.get(..most).unwrap_or(rest);
        let (block, read) = if rest.starts_with(b"\r\n") {
            (&[][..], 2)
        } else if let Some(length) = memmem::find(window, END_OF_HEAD) {
            let block = rest.get(..length).unwrap_or_default();
            (block, length + END_OF_HEAD.len())
        } else if window.len() < most {
            return Ok(Step::More);
        } else {
            return self.lost(Rule::MultipartPartHeaders);
        };
        let (head, mut broken) = head::parse(block, self.rules.max_part_headers);
        // A line of the head is a delimiter to whoever looks for delimiters first.
        let delimiter = self.delimiter.needle();
        let mut lines = block.split(|byte| *byte == b'\n');
        if lines.any(|line| line.starts_with(delimiter)) {
            broken.insert(Rule::MultipartBoundary);
        }
        self.files += usize::from(head.is_file);
        if head.is_file && self.files > self.rules.max_files {
            broken.insert(Rule::MultipartTooManyFiles);
        }
        self.head = head;
        self.content = 0;
        self.last = [0; 2];
        self.state = State::Content;
        self.broken(broken, block.len())?;
        let looked = look(Piece::Part(&self.head.name));
        looked.map_err(|rule| self.violation(rule, block.len()))?;
        Ok(Step::Read(read))
    }

    fn part_content(&mut self, rest: &[u8], look: Look<'_>) -> Result<Step, Violation> {
        let delimiter = self.delimiter.needle().len();
        let Some(at) = self.delimiter.find(rest) else {
            // The last bytes may be the beginning of a delimiter.
            let read = rest.len().saturating_sub(delimiter - 1);
            if read == 0 {
                return Ok(Step::More);
            }
            self.take(rest.get(..read).unwrap_or_default(), look)?;
            return Ok(Step::Read(read));
        };
        let (content, _) = rest.split_at(at);
        self.take(content, look)?;
        match self.last {
            [b'\r', b'\n'] if self.content >= 2 => {
                self.content -= 2;
                self.file_without_name(0)?;
                self.head = Head::default();
                self.state = State::Delimiter;
                return Ok(Step::Read(at + delimiter));
            }
            // In the place of an empty part, or behind half a line end.
            [_, b'\r' | b'\n'] => {
                self.broken(RuleSet::EMPTY.with(Rule::MultipartBoundary), delimiter)?
            }
            _ if self.content == 0 => {
                self.broken(RuleSet::EMPTY.with(Rule::MultipartBoundary), delimiter)?;
            }
            _ => {}
        }
        self.take(b"-", look)?;
        Ok(Step::Read(at + 1))
    }

    /// Counts what is in a part.
    fn take(&mut self, content: &[u8], look: Look<'_>) -> Result<(), Violation> {
        self.content = self.content.saturating_add(content.len());
        let [_, before] = self.last;
        match content {
            [] => return Ok(()),
            [last] => self.last = [before, *last],
            [.., before, last] => self.last = [*before, *last],
        }
        // Two bytes may belong to the delimiter.
        self.file_without_name(2)?;
        look(Piece::Content(content)).map_err(|rule| self.violation(rule, content.len()))
    }

    fn file_without_name(&mut self, most: usize) -> Result<(), Violation> {
        if !self.head.has_no_file_name || self.content <= most {
            return Ok(());
        }
        self.head.has_no_file_name = false;
        self.broken(RuleSet::EMPTY.with(Rule::MultipartFileName), 0)
    }

    fn behind_end(&mut self, rest: &[u8]) -> Result<Step, Violation> {
        let is_blank = |byte: &u8| matches!(byte, b'\r' | b'\n' | b' ' | b'\t');
        if rest.iter().all(is_blank) {
            return Ok(Step::Read(rest.len()));
        }
        self.lost(Rule::MultipartBoundary)
    }

    /// Reports or refuses what makes the rest unreadable.
    fn lost(&mut self, rule: Rule) -> Result<Step, Violation> {
        self.state = State::Lost;
        self.broken(RuleSet::EMPTY.with(rule), 0)?;
        Ok(Step::Read(0))
    }

    fn broken(&mut self, rules: RuleSet, len: usize) -> Result<(), Violation> {
        match self.rules.actions.settle(rules, &mut self.reported) {
            None => Ok(()),
            Some(rule) => Err(self.violation(rule, len)),
        }
    }

    #[cold]
    fn violation(&self, rule: Rule, len: usize) -> Violation {
        let violation = Violation::new(rule, Part::Body, self.at, len);
        if self.head.name.is_empty() {
            return violation;
        }
        violation.in_field(&*self.head.name)
    }
}

impl fmt::Debug for Scanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scanner")
            .field("state", &self.state)
            .field("at", &self.at)
            .field("parts", &self.parts)
            .field("reported", &self.reported)
            .finish_non_exhaustive()
    }
}

/// Whether it is 1 to 70 `bchars`, a space not being the last (RFC 2046, section 5.1.1).
fn is_boundary(boundary: &[u8]) -> bool {
    let is_legal = |byte: &u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(byte);
    (1..=LONGEST).contains(&boundary.len())
        && boundary.iter().all(is_legal)
        && !boundary.ends_with(b" ")
}
