//! Allocations and time.

use std::time::{Duration, Instant};

use super::{BATCH, Group, Subject};

/// Samples per row.
pub(super) const SAMPLES: usize = 3000;
const WARM_UP: usize = 200;
/// Calls whose allocations are counted.
const COUNTED: usize = 32;

struct Figures {
    allocations: (usize, usize),
    nanoseconds: f64,
}

/// Prints a table of every group.
///
/// The rows of a group take turns, batch by batch, so that whatever slows the machine down slows all of them; the fifth
/// percentile leaves out the batches that were interrupted. Rows measured one after the other differ even if they are equal.
pub(super) fn table(bench: &str, groups: &[&Group]) {
    println!(
        "{bench}: per call; above = difference to the first row; ratio = above, divided by that of the rival"
    );
    for group in groups {
        println!("\n{} (rival: {})", group.name, group.rival);
        println!(
            "  {:<32} {:>7} {:>7} {:>10} {:>10} {:>7}",
            "", "allocs", "above", "ns", "above", "ratio"
        );
        let figures = measure(group);
        let Some(floor) = figures.first() else {
            continue;
        };
        let rival = group
            .rows
            .iter()
            .position(|row| row.name == group.rival)
            .and_then(|index| figures.get(index))
            .map(|figures| figures.nanoseconds - floor.nanoseconds);
        for (index, (row, of_row)) in group.rows.iter().zip(&figures).enumerate() {
            let (least, most) = of_row.allocations;
            let allocations = if least == most {
                least.to_string()
            } else {
                format!("{least}-{most}")
            };
            print!("  {:<32} {allocations:>7}", row.name);
            if index == 0 {
                println!(" {:>7} {:>10.1}", "", of_row.nanoseconds);
                continue;
            }
            let above = of_row.nanoseconds - floor.nanoseconds;
            print!(
                " {:>+7} {:>10.1} {above:>+10.1}",
                signed(most) - signed(floor.allocations.1),
                of_row.nanoseconds
            );
            match rival {
                Some(rival) => println!(" {:>7.2}", above / rival),
                None => println!(" {:>7}", "-"),
            }
        }
    }
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn measure(group: &Group) -> Vec<Figures> {
    let mut subjects = group
        .rows
        .iter()
        .map(|row| (row.make)())
        .collect::<Vec<_>>();
    for _ in 0..WARM_UP.min(group.samples) {
        for subject in &mut subjects {
            subject.prepare();
            subject.run();
        }
    }
    let allocations = subjects
        .iter_mut()
        .map(|subject| count(subject.as_mut()))
        .collect::<Vec<_>>();

    let mut samples = vec![Vec::with_capacity(group.samples); subjects.len()];
    for _ in 0..group.samples {
        for (subject, samples) in subjects.iter_mut().zip(&mut samples) {
            subject.prepare();
            let start = Instant::now();
            subject.run();
            samples.push(start.elapsed());
        }
    }
    allocations
        .into_iter()
        .zip(samples)
        .map(|(allocations, samples)| Figures {
            allocations,
            nanoseconds: fifth_percentile(samples),
        })
        .collect()
}

fn count(subject: &mut dyn Subject) -> (usize, usize) {
    let counts = (0..COUNTED).map(|_| subject.allocations());
    counts.fold((usize::MAX, 0), |(least, most), count| {
        (least.min(count), most.max(count))
    })
}

fn fifth_percentile(mut samples: Vec<Duration>) -> f64 {
    samples.sort_unstable();
    let index = samples.len() / 20;
    #[expect(clippy::cast_precision_loss, reason = "a batch is a small number")]
    samples
        .get(index)
        .map_or(f64::NAN, |sample| sample.as_secs_f64() * 1e9 / BATCH as f64)
}
