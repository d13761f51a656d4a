//! What a stack protects, as data and as a table.

use std::borrow::Cow;
use std::fmt;

/// What [`SecurityStack::posture`](super::SecurityStack::posture) says: each protection with the settings that matter, and
/// warnings.
///
/// # Example
///
/// ```
/// use tower_security::cors::CorsLayer;
/// use tower_security::stack::SecurityStack;
///
/// let stack = SecurityStack::new().cors(CorsLayer::builder().any_origin().build()?);
/// assert_eq!(stack.posture().warnings(), ["cors: any origin may read answers"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Posture {
    entries: Vec<PostureEntry>,
    warnings: Vec<Cow<'static, str>>,
}

/// Whether a protection is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PostureState {
    /// It is in force.
    On,
    /// It reports what it would refuse.
    ReportOnly,
    /// It is there and does nothing.
    Off,
}

impl PostureState {
    /// Returns the state as it stands in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::ReportOnly => "report-only",
            Self::Off => "off",
        }
    }
}

/// One protection of a [`Posture`].
#[derive(Clone, Debug)]
pub struct PostureEntry {
    protection: &'static str,
    state: PostureState,
    settings: Vec<(&'static str, Cow<'static, str>)>,
}

impl Posture {
    /// Adds a protection.
    pub fn add(&mut self, entry: PostureEntry) {
        self.entries.push(entry);
    }

    /// Adds a warning, such as `cors: any origin may read answers`. Every `dangerous_*` call is one.
    pub fn warn(&mut self, warning: impl Into<Cow<'static, str>>) {
        self.warnings.push(warning.into());
    }

    /// Returns the protections, outermost first. What is not among them is absent.
    #[must_use]
    pub fn entries(&self) -> &[PostureEntry] {
        &self.entries
    }

    /// Whether a protection has this word among those of a setting.
    pub(super) fn says(&self, name: &str, word: &str) -> bool {
        let mut settings = self.entries.iter().flat_map(PostureEntry::settings);
        settings.any(|(of, value)| of == name && value.split(',').any(|each| each == word))
    }

    /// Whether a protection does anything at all.
    pub(super) fn has_any_on(&self) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.state != PostureState::Off)
    }

    /// Returns what a person should look at.
    #[must_use]
    pub fn warnings(&self) -> &[Cow<'static, str>] {
        &self.warnings
    }
}

impl PostureEntry {
    /// Describes the protection of the slot with this name.
    #[must_use]
    pub const fn new(protection: &'static str, state: PostureState) -> Self {
        Self {
            protection,
            state,
            settings: Vec::new(),
        }
    }

    /// Adds a setting that matters.
    #[must_use]
    pub fn setting(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.settings.push((name, value.into()));
        self
    }

    /// Returns the name of the protection, which is that of its slot.
    #[must_use]
    pub const fn protection(&self) -> &'static str {
        self.protection
    }

    /// Returns whether it is in force.
    #[must_use]
    pub const fn state(&self) -> PostureState {
        self.state
    }

    /// Returns the settings that matter, as name and value.
    pub fn settings(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.settings.iter().map(|(name, value)| (*name, &**value))
    }
}

impl fmt::Display for Posture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in &self.entries {
            write!(f, "{:<24} {:<11}", entry.protection, entry.state.as_str())?;
            for (name, value) in entry.settings() {
                write!(f, " {name}={value}")?;
            }
            writeln!(f)?;
        }
        for warning in &self.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        Ok(())
    }
}
