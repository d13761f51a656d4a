//! Instructions, counted by callgrind.
//!
//! Each row runs in a process of its own: this binary, started again under valgrind. Counting starts and stops at the symbol
//! of one function that only the row calls, after a warm-up outside of it: first calls fill caches and bind symbols.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::{env, fs, io};

use super::Group;

/// First argument of the process that runs one row.
pub(super) const CHILD: &str = "--counted-row";

/// Calls that are counted, and averaged; no more than the samples of a group, since valgrind makes a slow call a very slow one.
const CALLS: usize = 64;
const WARM_UP: usize = 256;
/// A change above this share, in percent, is pointed out.
const NOTABLE: f64 = 5.0;

/// The function whose instructions are counted. Its name must not be part of any other symbol: callgrind matches a pattern,
/// and another match would switch the counting off and on again in the middle of the call.
#[inline(never)]
pub(super) fn tower_security_measured_call<I, O>(call: &mut impl FnMut(I) -> O, input: I) {
    black_box(call(input));
}

/// Runs one row, for the parent process to count.
pub(super) fn child(groups: &[Group], group: Option<String>, row: Option<String>) -> ExitCode {
    let named = groups
        .iter()
        .find(|of| Some(of.name) == group.as_deref())
        .and_then(|group| {
            let mut rows = group.rows.iter();
            let row = rows.find(|of| Some(of.name) == row.as_deref())?;
            Some((group, row))
        });
    let Some((group, row)) = named else {
        eprintln!("no such row");
        return ExitCode::FAILURE;
    };
    let mut subject = (row.make)();
    for _ in 0..WARM_UP.min(group.samples) {
        subject.allocations();
    }
    for _ in 0..calls(group) {
        subject.collect();
    }
    ExitCode::SUCCESS
}

fn calls(group: &Group) -> usize {
    CALLS.min(group.samples)
}

/// Prints a table of every group, compared with the stored counts; `save` stores these instead.
pub(super) fn table(bench: &str, groups: &[&Group], save: bool) -> ExitCode {
    match try_table(bench, groups, save) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn try_table(bench: &str, groups: &[&Group], save: bool) -> io::Result<()> {
    let store = store(bench);
    let stored = if save { BTreeMap::new() } else { read(&store)? };
    let mut new = String::new();
    let mut notable = 0;

    println!(
        "{bench}: instructions per call; above = difference to the first row; ratio = above, divided by that of the rival; \
         stored = change of above"
    );
    for group in groups {
        println!("\n{} (rival: {})", group.name, group.rival);
        println!(
            "  {:<32} {:>9} {:>9} {:>7} {:>9}",
            "", "instr.", "above", "ratio", "stored"
        );
        let counts = group
            .rows
            .iter()
            .map(|row| count(group, row.name))
            .collect::<io::Result<Vec<_>>>()?;
        let Some(&floor) = counts.first() else {
            continue;
        };
        let rival = group
            .rows
            .iter()
            .position(|row| row.name == group.rival)
            .and_then(|index| counts.get(index))
            .map(|count| count - floor);
        for (index, (row, count)) in group.rows.iter().zip(counts).enumerate() {
            print!("  {:<32} {count:>9.0}", row.name);
            if index == 0 {
                println!();
                continue;
            }
            let above = count - floor;
            print!(" {above:>+9.0}");
            match rival {
                Some(rival) => print!(" {:>7.2}", above / rival),
                None => print!(" {:>7}", "-"),
            }
            let key = format!("{}\t{}", group.name, row.name);
            if let Some(before) = stored.get(&key) {
                let change = (above - before) / before.abs().max(1.0) * 100.0;
                print!(" {change:>+8.1}%");
                if change.abs() > NOTABLE {
                    notable += 1;
                    print!(" <-");
                }
            }
            println!();
            let _ = writeln!(new, "{key}\t{above:.0}");
        }
    }
    if save {
        fs::create_dir_all(store.parent().unwrap_or(&store))?;
        fs::write(&store, new)?;
        println!("\nstored in {}", store.display());
    } else if notable > 0 {
        println!(
            "\nwarning: {notable} rows changed by more than {NOTABLE} %; `--save` stores the new counts"
        );
    }
    Ok(())
}

/// Runs one row under callgrind and returns its instructions per call.
fn count(group: &Group, row: &str) -> io::Result<f64> {
    let (name, calls) = (group.name, calls(group));
    let out = env::temp_dir().join(format!("callgrind.out.{}", std::process::id()));
    let status = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--quiet",
            "--collect-atstart=no",
            "--toggle-collect=*tower_security_measured_call*",
        ])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(env::current_exe()?)
        .args([CHILD, name, row])
        .stdout(Stdio::null())
        .status()
        .map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("cannot start valgrind ({error}): apt-get install valgrind"),
            )
        })?;
    if !status.success() {
        return Err(io::Error::other(format!(
            "{name}, {row}: valgrind: {status}"
        )));
    }
    let profile = fs::read_to_string(&out)?;
    fs::remove_file(&out)?;
    let total = profile
        .lines()
        .filter_map(|line| {
            line.strip_prefix("totals: ")
                .or_else(|| line.strip_prefix("summary: "))
        })
        .find_map(|total| total.trim().parse::<u64>().ok())
        .filter(|&total| total > 0)
        .ok_or_else(|| io::Error::other(format!("{name}, {row}: callgrind counted nothing")))?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 instructions")]
    Ok(total as f64 / calls as f64)
}

fn store(bench: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("benches/instructions")
        .join(format!("{bench}.tsv"))
}

/// Reads the stored counts; without a file there are none.
fn read(store: &Path) -> io::Result<BTreeMap<String, f64>> {
    let text = match fs::read_to_string(store) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error),
    };
    Ok(text
        .lines()
        .filter_map(|line| {
            let (key, count) = line.rsplit_once('\t')?;
            Some((key.to_owned(), count.parse().ok()?))
        })
        .collect())
}
