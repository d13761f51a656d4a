//! The table that `--attack` prints.

use std::io::{self, IsTerminal, Write};
use std::time::Instant;

use super::super::shop::Fault;
use super::trial::Outcome;
use super::{Kind, Plan, Row, Step, run};

const WIDTHS: [usize; 4] = [30, 37, 42, 40];

/// Attacks the service, prints a row for each attack while it goes on, and says whether all is as it should be.
pub async fn print(plan: &Plan) -> Result<bool, Fault> {
    let kind = plan.kind;
    let begun = Instant::now();
    let screen = Screen::new();
    let what = match (kind, &plan.without) {
        (Kind::Protected, None) => "the service".to_owned(),
        (Kind::Protected, Some(layer)) => format!("the service WITHOUT {layer}"),
        (Kind::Unprotected, _) => "the service WITHOUT any protection".to_owned(),
    };
    let rows = run(plan, |step| match step {
        Step::Started(addr) => {
            println!("attacking {what} on http://{addr}\n");
            let cells = ["attack", "sent", "blocked if this comes", "came back"];
            screen.line(cells, "", None);
        }
        Step::Begun {
            name,
            number,
            count,
        } => screen.progress(number, count, name),
        Step::Made(row) => screen.row(row, row.is_as_promised(kind)),
    });
    let rows = rows.await?;
    let seconds = begun.elapsed().as_secs_f32();
    let wrong = rows.iter().filter(|row| !row.is_as_promised(kind)).count();
    let count = rows.iter().filter(|row| !row.is_legitimate).count();
    let summary = match (kind, wrong) {
        (Kind::Protected, 0) => {
            format!(
                "{count} attacks, all blocked for the expected reason; the ordinary user noticed nothing"
            )
        }
        (Kind::Unprotected, 0) => {
            format!("{count} attacks, each got through, as it must without protection")
        }
        (Kind::Protected, wrong) => {
            format!("{wrong} rows are not as they must be: the service is NOT safe")
        }
        (Kind::Unprotected, wrong) => {
            format!("{wrong} rows are not as they must be: their blocks prove nothing")
        }
    };
    println!("\n{summary} ({seconds:.1} s)");
    Ok(wrong == 0)
}

struct Screen {
    has_colour: bool,
    has_progress: bool,
}

impl Screen {
    fn new() -> Self {
        let has_progress = io::stdout().is_terminal();
        let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            has_colour: has_progress && !is_plain,
            has_progress,
        }
    }

    /// The line that the next row takes the place of.
    fn progress(&self, number: usize, count: usize, name: &str) {
        if self.has_progress {
            print!("\r\x1b[K{number}/{count} {name} ..");
            let _ = io::stdout().flush();
        }
    }

    fn row(&self, row: &Row, is_as_promised: bool) {
        let (sent, expected, came, word) = match &row.verdict {
            Ok(verdict) => {
                let word = match (row.is_legitimate, verdict.outcome) {
                    (true, Outcome::GotThrough) => "works",
                    (true, Outcome::Blocked | Outcome::NotProven) => "BROKEN",
                    (false, Outcome::GotThrough) => "GOT THROUGH",
                    (false, Outcome::Blocked) => "blocked",
                    (false, Outcome::NotProven) => "NOT PROVEN",
                };
                (
                    verdict.sent.as_str(),
                    verdict.expected.as_str(),
                    verdict.came.clone(),
                    word,
                )
            }
            Err(fault) => ("", "", fault.to_string(), "NOT MADE"),
        };
        let word = format!("{word:<11} {:>5} ms", row.took.as_millis());
        self.line(
            [row.name, sent, expected, &came],
            &word,
            Some(is_as_promised),
        );
    }

    fn line(&self, cells: [&str; 4], word: &str, is_good: Option<bool>) {
        let mut line = String::new();
        for (cell, width) in cells.into_iter().zip(WIDTHS) {
            line += &format!("{:<width$} ", clipped(cell, width));
        }
        let start = if self.has_progress { "\r\x1b[K" } else { "" };
        let (colour, end) = match is_good {
            Some(true) if self.has_colour => ("\x1b[32m", "\x1b[0m"),
            Some(false) if self.has_colour => ("\x1b[31m", "\x1b[0m"),
            None if self.has_colour => ("\x1b[1m", "\x1b[0m"),
            _ => ("", ""),
        };
        match is_good {
            Some(_) => println!("{start}{line}{colour}{word}{end}"),
            None => println!("{start}{colour}{line}verdict      time{end}"),
        }
    }
}

fn clipped(text: &str, width: usize) -> String {
    // What came back may have any byte in it.
    let clean = |character: char| {
        if character.is_control() {
            ' '
        } else {
            character
        }
    };
    match text.chars().count() > width {
        true => text
            .chars()
            .take(width - 2)
            .map(clean)
            .chain("..".chars())
            .collect(),
        false => text.chars().map(clean).collect(),
    }
}
