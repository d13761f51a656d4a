//! Lines into a writer, none of them twice and none torn.

use std::io::{self, ErrorKind, Write};
use std::mem::take;

/// Memory that is kept for the next batch.
const KEPT: usize = 1 << 20;

/// A writer, and what it has not taken of the last batch.
#[derive(Debug)]
pub(super) struct Lines<W> {
    writer: W,
    rest: Vec<u8>,
    /// Where the writer stopped.
    at: usize,
}

impl<W: Write> Lines<W> {
    pub(super) const fn new(writer: W) -> Self {
        Self {
            writer,
            rest: Vec::new(),
            at: 0,
        }
    }

    /// Writes the lines of a batch. After an error the same batch is to come again, and goes on where the writer stopped.
    pub(super) fn write(&mut self, render: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        // Should the writer panic, they are gone: the next batch is another one.
        let (mut lines, mut at) = (take(&mut self.rest), take(&mut self.at));
        if at == 0 {
            lines.clear();
            render(&mut lines);
        }
        let outcome = write_from(&mut self.writer, &lines, &mut at);
        if outcome.is_ok() {
            at = 0;
            lines.clear();
            lines.shrink_to(KEPT);
        }
        (self.rest, self.at) = (lines, at);
        outcome
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

fn write_from(writer: &mut impl Write, lines: &[u8], at: &mut usize) -> io::Result<()> {
    while let Some(left) = lines.get(*at..)
        && !left.is_empty()
    {
        match writer.write(left) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => *at = at.saturating_add(written),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
