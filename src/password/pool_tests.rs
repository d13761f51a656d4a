//! The pool by itself: what a hash leaves behind, also when it panics.

use std::sync::mpsc;

use super::*;

const PASSES: u64 = 64;

fn pool(concurrency: u32, blocks: usize) -> Arc<Pool> {
    let bounds = Bounds {
        concurrency,
        queue: 8,
        timeout: Duration::from_secs(20),
        blocks,
    };
    Arc::new(Pool::new(bounds, Events::default()))
}

/// Idle buffers, in blocks; whether all of them are wiped; permits; who waits; work.
fn state(pool: &Pool) -> (Vec<usize>, bool, usize, u32, u64) {
    let state = pool.state();
    let words = |buffer: &[Block]| buffer.iter().all(|block| block.as_ref() == [0; 128]);
    (
        state.idle.iter().map(|buffer| buffer.len()).collect(),
        state.idle.iter().all(|buffer| words(buffer)),
        pool.permits.available_permits(),
        state.waiting,
        state.work,
    )
}

fn scribble(place: &mut Place, blocks: usize) {
    for block in place.memory(Load::new(blocks, PASSES)).unwrap() {
        block.as_mut().fill(7);
    }
}

#[tokio::test]
async fn memory_is_wiped_and_used_again() {
    let pool = pool(2, 16);
    assert_eq!(state(&pool), (vec![], true, 2, 0, 0), "none until needed");
    for _ in 0..5 {
        let work = |place: &mut Place| scribble(place, 16);
        pool.run(Load::new(16, PASSES), work).await.unwrap();
        assert_eq!(state(&pool), (vec![16], true, 2, 0, 0));
    }
    pool.run_blocking(Load::new(16, PASSES), |place| {
        scribble(place, 4);
        assert_eq!(state(&pool), (vec![], true, 1, 0, PASSES));
        // A second hash of the same call: the same memory.
        scribble(place, 16);
    })
    .unwrap();
    assert_eq!(state(&pool), (vec![16], true, 2, 0, 0));
}

#[tokio::test]
async fn a_panic_returns_the_permit_and_loses_the_buffer() {
    let pool = pool(1, 16);
    for _ in 0..3 {
        let panicking = |place: &mut Place| {
            scribble(place, 16);
            panic!("on purpose");
        };
        let load = Load::new(16, PASSES);
        let outcome: Result<(), _> = pool.run(load, panicking).await;
        assert_eq!(outcome, Err(Refused::Fault(PasswordFault::Panicked)));
        assert_eq!(state(&pool), (vec![], true, 1, 0, 0));
        let outcome: Result<(), _> = pool.run_blocking(load, panicking);
        assert_eq!(outcome, Err(Refused::Fault(PasswordFault::Panicked)));
        assert_eq!(state(&pool), (vec![], true, 1, 0, 0));
        pool.run(load, |place| scribble(place, 16)).await.unwrap();
        assert_eq!(state(&pool), (vec![16], true, 1, 0, 0));
        pool.state().idle.clear();
    }
}

/// Pool and larger hash together stay below what the pool alone may take.
#[test]
fn a_larger_hash_takes_its_memory_from_the_buffers_that_it_keeps_idle() {
    let pool = pool(4, 16);
    let four = || {
        let (begun, begins) = mpsc::channel();
        thread::scope(|scope| {
            let ends: Vec<_> = (0..4)
                .map(|_| {
                    let (pool, begun) = (&pool, begun.clone());
                    let (end, ended) = mpsc::channel::<()>();
                    scope.spawn(move || {
                        pool.run_blocking(Load::new(16, PASSES), |place| {
                            scribble(place, 16);
                            begun.send(()).unwrap();
                            ended.recv().unwrap();
                        })
                    });
                    end
                })
                .collect();
            for _ in &ends {
                begins.recv().unwrap();
            }
            assert_eq!(state(&pool).2, 0);
            for end in ends {
                end.send(()).unwrap();
            }
        });
    };
    four();
    assert_eq!(state(&pool).0, [16; 4]);
    for (blocks, held, left) in [(17, 2, 2), (32, 2, 2), (33, 3, 1), (64, 4, 0), (999, 4, 0)] {
        four();
        assert_eq!(state(&pool).0, [16; 4]);
        pool.run_blocking(Load::new(blocks, PASSES), |place| {
            scribble(place, blocks);
            assert_eq!(state(&pool).0.len(), left, "{blocks}");
            assert_eq!(state(&pool).2, 4 - held, "{blocks}");
            // A second hash of the pool's size takes nothing more.
            scribble(place, 16);
            assert_eq!(state(&pool).0.len(), left, "{blocks}");
        })
        .unwrap();
        assert_eq!(state(&pool).0.len(), left, "its own is given back");
    }
}

#[tokio::test]
async fn who_gives_up_leaves_nothing_behind() {
    let pool = pool(1, 16);
    let (end, ended) = mpsc::channel::<()>();
    let load = Load::new(16, PASSES);
    let mut running = Box::pin(pool.run(load, move |_: &mut Place| ended.recv().is_ok()));
    assert!(poll_once(running.as_mut()).is_pending());
    let mut waiting = Box::pin(pool.run(load, |_: &mut Place| true));
    assert!(poll_once(waiting.as_mut()).is_pending());
    assert_eq!(state(&pool), (vec![], true, 0, 1, 2 * PASSES));
    drop(waiting);
    assert_eq!(state(&pool), (vec![], true, 0, 0, PASSES));
    drop(running);
    assert_eq!(state(&pool), (vec![], true, 0, 0, PASSES), "it still runs");
    end.send(()).unwrap();
    // In its turn: when the other has ended.
    assert_eq!(pool.run(load, |_: &mut Place| true).await, Ok(true));
    assert_eq!(state(&pool), (vec![], true, 1, 0, 0));
}

fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> std::task::Poll<F::Output> {
    future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
}

#[test]
fn a_runtime_that_is_gone_computes_nothing() {
    let pool = pool(1, 16);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let handle = runtime.handle().clone();
    drop(runtime);
    let _guard = handle.enter();
    let mut call = Box::pin(pool.run(Load::new(16, PASSES), |_: &mut Place| true));
    let outcome = poll_once(call.as_mut());
    let gone = Refused::Fault(PasswordFault::ShutDown);
    assert_eq!(outcome, std::task::Poll::Ready(Err(gone)));
    assert_eq!(state(&pool), (vec![], true, 1, 0, 0));
}

#[test]
fn an_estimate_is_a_moving_average_from_20_ms() {
    let pool = pool(2, 19_456);
    let unit = Argon2Cost::OWASP.passes();
    pool.state().work = unit * 4;
    let wait = || pool.state().wait(2);
    assert_eq!(wait(), Duration::from_millis(40));
    pool.measured(unit, Duration::from_millis(100));
    assert_eq!(wait(), Duration::from_millis(60));
    pool.measured(unit * 14, Duration::from_millis(14 * 30));
    assert_eq!(wait(), Duration::from_millis(60));
    pool.measured(0, Duration::from_secs(9));
    assert_eq!(wait(), Duration::from_millis(60), "nothing was measured");

    for (wait, told) in [(0, 1_000), (1_000, 1_000), (1_001, 1_001), (30_001, 30_000)] {
        let told = Duration::from_millis(told);
        assert_eq!(retry_after(Duration::from_millis(wait)), told);
    }
}

/// A hash that is next to nothing takes as long as what is around it: memory that is taken for the first time, a thread that begins.
#[test]
fn what_a_tiny_hash_takes_says_nothing_of_a_large_one() {
    let pool = pool(2, 19_456);
    pool.state().work = Argon2Cost::OWASP.passes() * 4;
    let wait = || pool.state().wait(2);
    for _ in 0..100 {
        pool.measured(8, Duration::from_millis(10));
        pool.measured(19_455, Duration::from_secs(1));
    }
    assert_eq!(wait(), Duration::from_millis(40));
    pool.measured(19_456, Duration::from_millis(50));
    assert_eq!(wait(), Duration::from_millis(60));
}
