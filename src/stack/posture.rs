//! What a stack protects, as data and as a table.

use std::borrow::Cow;
use std::fmt;

use super::answers::{self, Answers};
use super::slot::Protection;

/// What [`SecurityStack::posture`](super::SecurityStack::posture) says: each protection with the settings that matter and what it
/// answers, the slots that are empty, and warnings. `Display` prints it as a table; with the feature `serde` it is `Serialize`.
///
/// A warning is worth a look, not always a change: what a stack lacks may stand in a proxy in front of it. A test that names the
/// warnings one has decided to live with tells of each new one.
///
/// # Example
///
/// ```
/// use tower_security::cors::CorsLayer;
/// use tower_security::stack::SecurityStack;
///
/// let stack = SecurityStack::new().cors(CorsLayer::builder().any_origin().build()?);
/// let posture = stack.posture();
/// assert_eq!(
///     posture.warnings(),
///     ["cors: any origin may read answers", "https: absent", "limits: absent", "sanitize: absent"],
/// );
/// assert!(posture.absent().contains(&"csrf"));
/// assert_eq!(posture.entries()[0].answers().to_string(), "A01:2025 A02:2025 API8:2023 ASVS 3.4.2");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Posture {
    #[cfg_attr(feature = "serde", serde(rename = "protections"))]
    entries: Vec<PostureEntry>,
    absent: Vec<&'static str>,
    warnings: Vec<Cow<'static, str>>,
}

/// The name that the layer of both slots for rate limits gives itself.
const RATE_LIMIT: &str = "rate_limit";

/// Whether a protection is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
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
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct PostureEntry {
    protection: &'static str,
    state: PostureState,
    /// Pairs: one name may stand twice.
    settings: Vec<(&'static str, Cow<'static, str>)>,
    answers: Answers,
    /// What protections of this kind answer and this one does not, as it is set.
    #[cfg_attr(feature = "serde", serde(skip))]
    unmet: Vec<&'static str>,
}

impl Posture {
    /// Adds a protection.
    pub fn add(&mut self, mut entry: PostureEntry) {
        if entry.state == PostureState::On {
            entry.answers = Answers::of(entry.protection).without(&entry.unmet);
        }
        self.entries.push(entry);
    }

    /// Lets what stands in a slot describe itself.
    pub(super) fn ask(&mut self, slot: &'static str, layer: &impl Protection) {
        let before = self.entries.len();
        layer.describe(self);
        // One layer has two places: its line says in which of them it stands.
        let added = self.entries.iter_mut().skip(before);
        for entry in
            added.filter(|entry| entry.protection == RATE_LIMIT && slot.starts_with(RATE_LIMIT))
        {
            entry.protection = slot;
        }
        if self.entries.len() == before {
            self.leave_out(slot);
        }
    }

    /// Counts a slot as empty, whatever stands in it.
    pub(super) fn leave_out(&mut self, slot: &'static str) {
        if answers::is_slot(slot) {
            self.absent.push(slot);
        }
    }

    /// Warns of the slots that no service on the open network should leave empty, whatever it does.
    pub(super) fn warn_of_absence(&mut self, has_principal: bool) {
        for slot in ["https", "limits", "require_authorization", "sanitize"] {
            let is_needed = has_principal || slot != "require_authorization";
            if is_needed && self.absent.contains(&slot) {
                self.warn(format!("{slot}: absent"));
            }
        }
    }

    /// Adds a warning, such as `cors: any origin may read answers`. Every `dangerous_*` call is one.
    pub fn warn(&mut self, warning: impl Into<Cow<'static, str>>) {
        self.warnings.push(warning.into());
    }

    /// Returns the protections, outermost first. What is not among them is [`absent`](Self::absent).
    #[must_use]
    pub fn entries(&self) -> &[PostureEntry] {
        &self.entries
    }

    /// Returns the names of the slots that are empty, or hold a layer which says nothing of itself.
    #[must_use]
    pub fn absent(&self) -> &[&'static str] {
        &self.absent
    }

    /// Whether a protection has this word among those of a setting.
    pub(super) fn says(&self, name: &str, word: &str) -> bool {
        let mut settings = self.entries.iter().flat_map(PostureEntry::settings);
        settings.any(|(of, value)| of == name && value.split(',').any(|each| each == word))
    }

    /// The value of a setting of the first protection that has it.
    pub(super) fn setting(&self, name: &str) -> Option<&str> {
        let mut settings = self.entries.iter().flat_map(PostureEntry::settings);
        settings.find_map(|(of, value)| (of == name).then_some(value))
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
            answers: Answers::NONE,
            unmet: Vec::new(),
        }
    }

    /// Adds a setting that matters.
    #[must_use]
    pub fn setting(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.settings.push((name, value.into()));
        self
    }

    /// Takes a requirement of the ASVS out of what it answers.
    pub(super) fn unmet(mut self, requirement: &'static str) -> Self {
        self.unmet.push(requirement);
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

    /// Returns what it answers. Nothing, unless it is [on](PostureState::On) and part of a posture.
    #[must_use]
    pub const fn answers(&self) -> &Answers {
        &self.answers
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
            if !entry.answers.is_empty() {
                writeln!(f, "{:<37}answers {}", "", entry.answers)?;
            }
        }
        if !self.absent.is_empty() {
            writeln!(f, "{:<24} {}", "absent", self.absent.join(", "))?;
        }
        for warning in &self.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        Ok(())
    }
}
