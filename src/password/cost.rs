//! How much work a hash is.

use std::fmt;

/// The cost of Argon2id: memory, passes over it, lanes ([RFC 9106], section 3.1).
///
/// A hash takes `memory_kib` KiB of memory for as long as it is computed, and about 20 ms for the default. More lanes make it no faster
/// here: they are computed one after the other.
///
/// # Example
///
/// ```
/// use tower_security::password::{Argon2Cost, PasswordHasher};
///
/// let hasher = PasswordHasher::builder().argon2id(Argon2Cost::new(47_104, 1, 1)).build()?;
/// assert_eq!(hasher.cost().memory_kib(), 47_104);
///
/// // Less than any of the three that OWASP recommends.
/// assert!(PasswordHasher::builder().argon2id(Argon2Cost::new(16_384, 2, 1)).build().is_err());
/// # Ok::<(), tower_security::core::ConfigErrors>(())
/// ```
///
/// [RFC 9106]: https://www.rfc-editor.org/rfc/rfc9106.html#section-3.1
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Argon2Cost {
    memory_kib: u32,
    iterations: u32,
    lanes: u32,
}

impl Argon2Cost {
    /// 19 MiB, two passes, one lane. The default, and one of those that [OWASP] recommends and the ASVS accepts (appendix C).
    ///
    /// [OWASP]: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#argon2id
    pub const OWASP: Self = Self::new(19_456, 2, 1);

    /// What a test can wait for.
    pub(super) const TEST: Self = Self::new(64, 1, 1);

    /// So many KiB of memory, passes and lanes.
    #[must_use]
    pub const fn new(memory_kib: u32, iterations: u32, lanes: u32) -> Self {
        Self {
            memory_kib,
            iterations,
            lanes,
        }
    }

    /// Returns the memory in KiB.
    #[must_use]
    pub const fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// Returns the number of passes over the memory.
    #[must_use]
    pub const fn iterations(self) -> u32 {
        self.iterations
    }

    /// Returns the number of lanes.
    #[must_use]
    pub const fn lanes(self) -> u32 {
        self.lanes
    }

    /// KiB of memory written, over all passes: what the time of a hash is proportional to.
    pub(super) fn passes(self) -> u64 {
        u64::from(self.memory_kib).saturating_mul(u64::from(self.iterations))
    }

    /// Whether it is as dear to attack as one of those that OWASP recommends.
    pub(super) const fn is_enough(self) -> bool {
        let least = match self.iterations {
            0 => return false,
            1 => 47_104,
            2 => 19_456,
            _ => 12_288,
        };
        self.memory_kib >= least
    }

    /// Whether Argon2 is defined for it: 8 blocks a lane.
    pub(super) const fn is_defined(self) -> bool {
        self.iterations >= 1
            && self.lanes >= 1
            && self.lanes < 1 << 24
            && self.memory_kib / 8 >= self.lanes
    }
}

impl Default for Argon2Cost {
    fn default() -> Self {
        Self::OWASP
    }
}

/// As stored hashes say it.
impl fmt::Display for Argon2Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            memory_kib,
            iterations,
            lanes,
        } = self;
        write!(f, "m={memory_kib},t={iterations},p={lanes}")
    }
}

/// The most that a stored Argon2 hash may ask for: what stands in the database is no reason to allocate 4 TiB.
///
/// The default is 128 MiB, 10 passes, 4 lanes. Raise it for hashes of another system that are dearer, up to 2 GiB, 100 passes and 64 lanes:
/// whoever can write to the table then has that much of memory and time with each login.
///
/// # Example
///
/// ```
/// use tower_security::password::{Ceiling, PasswordHasher};
///
/// let hasher = PasswordHasher::builder().ceiling(Ceiling::new(262_144, 4, 8)).build()?;
/// # let _ = hasher;
/// # Ok::<(), tower_security::core::ConfigErrors>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ceiling(Argon2Cost);

impl Ceiling {
    /// What no ceiling may exceed.
    const HIGHEST: Argon2Cost = Argon2Cost::new(2_097_152, 100, 64);

    /// At most so many KiB of memory, passes and lanes.
    #[must_use]
    pub const fn new(memory_kib: u32, iterations: u32, lanes: u32) -> Self {
        Self(Argon2Cost::new(memory_kib, iterations, lanes))
    }

    /// Whether a hash may ask for this.
    pub(super) const fn permits(self, cost: Argon2Cost) -> bool {
        cost.memory_kib <= self.0.memory_kib
            && cost.iterations <= self.0.iterations
            && cost.lanes <= self.0.lanes
    }

    /// Whether it is one, and holds.
    pub(super) const fn is_sound(self) -> bool {
        self.0.is_defined() && Self(Self::HIGHEST).permits(self.0)
    }
}

impl Default for Ceiling {
    fn default() -> Self {
        Self::new(131_072, 10, 4)
    }
}

impl fmt::Display for Ceiling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a bcrypt hash is in [`Argon2Cost::passes`]: measured, one of cost 12 takes as long as 14 of Argon2id with 19 MiB and two passes.
pub(super) const fn bcrypt_passes(cost: u32) -> u64 {
    const OF_COST_12: u64 = 14 * 19_456 * 2;
    match cost.checked_sub(12) {
        // Costs end at 31.
        Some(above) => OF_COST_12 << if above < 19 { above } else { 19 },
        None => OF_COST_12 >> (12_u32.saturating_sub(cost)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_is_that_of_owasp() {
        for (memory, iterations, is_enough) in [
            (47_104, 1, true),
            (47_103, 1, false),
            (19_456, 2, true),
            (19_455, 2, false),
            (12_288, 3, true),
            (12_287, 3, false),
            (12_288, 4, true),
            (1 << 20, 0, false),
        ] {
            let cost = Argon2Cost::new(memory, iterations, 1);
            assert_eq!(cost.is_enough(), is_enough, "{cost}");
        }
    }

    #[test]
    fn a_lane_has_eight_blocks() {
        for (cost, is_defined) in [
            (Argon2Cost::new(8, 1, 1), true),
            (Argon2Cost::new(7, 1, 1), false),
            (Argon2Cost::new(32, 1, 4), true),
            (Argon2Cost::new(31, 1, 4), false),
            (Argon2Cost::new(u32::MAX, 1, 1 << 24), false),
            (Argon2Cost::new(8, 0, 1), false),
            (Argon2Cost::new(8, 1, 0), false),
        ] {
            assert_eq!(cost.is_defined(), is_defined, "{cost}");
        }
    }

    #[test]
    fn each_step_of_bcrypt_is_twice_the_work() {
        assert_eq!(bcrypt_passes(12), 544_768);
        assert_eq!(bcrypt_passes(13), 1_089_536);
        assert_eq!(bcrypt_passes(4), 2_128);
        assert_eq!(bcrypt_passes(31), bcrypt_passes(99));
    }
}
