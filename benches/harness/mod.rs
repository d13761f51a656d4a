//! Compares rows that answer the same request: allocations (exact), time (as a ratio within one run) and instructions.
//!
//! ```text
//! cargo bench --all-features --bench cors                            allocations and time
//! cargo bench --all-features --bench cors -- preflight               groups with "preflight" in their name
//! cargo bench --all-features --bench cors -- --instructions          instructions, counted by valgrind's callgrind
//! cargo bench --all-features --bench cors -- --instructions --save   the same; later runs are compared with it
//! ```
//!
//! A bench is a list of groups, a group one request, a row one service that answers it:
//!
//! ```text
//! Group::new("GET allowed", "tower-http")
//!     .row("bare", || (get_allowed, go(bare())))
//!     .row("tower-http", || (get_allowed, go(rival().layer(bare()))))
//! ```
//!
//! The first row is the floor: what the others cost is their difference to it. The second argument of `Group::new` names the
//! row that the others are compared with. A row is a pair made once: the first closure makes an input, outside of what is
//! measured, the second one answers it and is measured together with the drop of its answer.

mod alloc;
mod callgrind;
mod service;
mod time;

use std::hint::black_box;
use std::process::ExitCode;

#[allow(
    unused_imports,
    reason = "a bench whose handlers set other headers has a floor of its own"
)]
pub(crate) use self::service::{Bare, bare, go, go_axum};

/// Calls per sample: enough to make the resolution of the clock invisible.
const BATCH: usize = 64;

/// One request, answered by several services.
pub(crate) struct Group {
    name: &'static str,
    rival: &'static str,
    samples: usize,
    rows: Vec<Row>,
}

struct Row {
    name: &'static str,
    make: Box<dyn Fn() -> Box<dyn Subject>>,
}

impl Group {
    /// Starts a group whose rows are compared with the row named `rival`.
    pub(crate) fn new(name: &'static str, rival: &'static str) -> Self {
        Self {
            name,
            rival,
            samples: time::SAMPLES,
            rows: Vec::new(),
        }
    }

    /// Takes so many samples of the time: fewer, where one call takes long.
    #[allow(dead_code, reason = "most benches measure short calls")]
    pub(crate) fn samples(mut self, samples: usize) -> Self {
        self.samples = samples;
        self
    }

    /// Adds a row. The first one is the floor.
    pub(crate) fn row<I, O, P, C>(
        mut self,
        name: &'static str,
        make: impl Fn() -> (P, C) + 'static,
    ) -> Self
    where
        I: 'static,
        P: FnMut() -> I + 'static,
        C: FnMut(I) -> O + 'static,
    {
        let make = move || -> Box<dyn Subject> {
            let (input, call) = make();
            Box::new(Measured {
                input,
                call,
                inputs: Vec::with_capacity(BATCH),
            })
        };
        self.rows.push(Row {
            name,
            make: Box::new(make),
        });
        self
    }
}

/// A row with its types erased around the loop, not inside it.
trait Subject {
    /// Makes the inputs of one batch.
    fn prepare(&mut self);

    /// Answers the prepared inputs.
    fn run(&mut self);

    /// Answers one input and returns its allocations.
    fn allocations(&mut self) -> usize;

    /// Answers one input inside the function that callgrind looks for.
    fn collect(&mut self);
}

struct Measured<I, P, C> {
    input: P,
    call: C,
    inputs: Vec<I>,
}

impl<I, O, P, C> Subject for Measured<I, P, C>
where
    P: FnMut() -> I,
    C: FnMut(I) -> O,
{
    fn prepare(&mut self) {
        self.inputs.clear();
        self.inputs.extend((0..BATCH).map(|_| (self.input)()));
    }

    fn run(&mut self) {
        for input in self.inputs.drain(..) {
            black_box((self.call)(black_box(input)));
        }
    }

    fn allocations(&mut self) -> usize {
        let input = black_box((self.input)());
        let before = alloc::allocations();
        black_box((self.call)(input));
        alloc::allocations() - before
    }

    fn collect(&mut self) {
        let input = black_box((self.input)());
        callgrind::tower_security_measured_call(&mut self.call, input);
    }
}

struct Options {
    filter: Option<String>,
    instructions: bool,
    save: bool,
}

/// Runs what the command line asks for.
pub(crate) fn main(bench: &str, groups: &[Group]) -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut options = Options {
        filter: None,
        instructions: false,
        save: false,
    };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            // Passed by cargo.
            "--bench" => {}
            "--instructions" => options.instructions = true,
            "--save" => options.save = true,
            callgrind::CHILD => {
                return callgrind::child(groups, arguments.next(), arguments.next());
            }
            flag if flag.starts_with('-') => {
                eprintln!("unknown option {flag}; there are --instructions and --save");
                return ExitCode::FAILURE;
            }
            filter => options.filter = Some(filter.to_owned()),
        }
    }

    let groups = groups
        .iter()
        .filter(|group| {
            options
                .filter
                .as_deref()
                .is_none_or(|part| group.name.contains(part))
        })
        .collect::<Vec<_>>();
    if groups.is_empty() {
        eprintln!("no group matches");
        return ExitCode::FAILURE;
    }
    if options.instructions {
        if options.save && options.filter.is_some() {
            eprintln!("--save stores all groups: leave the filter out");
            return ExitCode::FAILURE;
        }
        return callgrind::table(bench, &groups, options.save);
    }
    time::table(bench, &groups);
    ExitCode::SUCCESS
}
