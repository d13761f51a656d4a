//! Randomness of the operating system, drawn in larger portions.
#![expect(
    clippy::disallowed_types,
    reason = "a buffer that belongs to one thread and is borrowed for one copy"
)]

use std::cell::RefCell;

/// One system call serves 32 ids of 16 bytes.
const PORTION: usize = 512;

struct Buffer {
    bytes: [u8; PORTION],
    /// How many bytes at the end have not been handed out.
    left: usize,
}

thread_local! {
    static BUFFER: RefCell<Buffer> = const {
        RefCell::new(Buffer { bytes: [0; PORTION], left: 0 })
    };
}

/// `N` random bytes, each handed out once and wiped from the buffer; `None` when the operating system has none to give.
///
/// A process that forks without `exec` would hand out the same bytes twice.
pub(crate) fn bytes<const N: usize>() -> Option<[u8; N]> {
    const { debug_assert!(N <= PORTION) };
    BUFFER
        .try_with(|buffer| {
            let buffer = &mut *buffer.try_borrow_mut().ok()?;
            if buffer.left < N {
                getrandom::fill(&mut buffer.bytes).ok()?;
                buffer.left = PORTION;
            }
            let source = buffer.bytes.get_mut(..buffer.left)?.last_chunk_mut::<N>()?;
            let drawn = *source;
            source.fill(0);
            buffer.left = buffer.left.checked_sub(N)?;
            Some(drawn)
        })
        .ok()
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_portion_is_handed_out_twice() {
        let drawn: HashSet<[u8; 24]> = (0..1000).map(|_| bytes::<24>().unwrap()).collect();
        assert_eq!(drawn.len(), 1000);
        assert!(!drawn.contains(&[0; 24]));
    }
}
