//! Sets of rules, and what is done with each rule.

use std::fmt;

use super::rule::{Action, Rule, Section};

/// A set of rules.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct RuleSet(u128);

impl RuleSet {
    pub(super) const EMPTY: Self = Self(0);

    /// Whether the rule is in the set.
    #[must_use]
    #[inline]
    pub const fn contains(self, rule: Rule) -> bool {
        self.0 & bit(rule) != 0
    }

    /// Whether there is no rule in the set.
    #[must_use]
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns how many rules there are.
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Returns the rules in the order of [`Rule::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Rule> {
        Rule::ALL
            .iter()
            .copied()
            .filter(move |rule| self.contains(*rule))
    }

    /// The rule that decides.
    pub(super) fn first(self) -> Option<Rule> {
        let index = usize::try_from(self.0.trailing_zeros()).ok()?;
        Rule::ALL.get(index).copied()
    }

    #[inline]
    pub(super) const fn with(self, rule: Rule) -> Self {
        Self(self.0 | bit(rule))
    }

    pub(super) const fn without(self, rule: Rule) -> Self {
        Self(self.0 & !bit(rule))
    }

    #[inline]
    pub(super) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[inline]
    pub(super) const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    #[inline]
    pub(super) const fn insert(&mut self, rule: Rule) {
        *self = self.with(rule);
    }
}

#[inline]
const fn bit(rule: Rule) -> u128 {
    1 << (rule as u8)
}

impl fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codes = self.iter().map(Rule::as_str);
        f.debug_set().entries(codes).finish()
    }
}

/// What is done with the rules of one section.
#[derive(Clone, Copy, Debug)]
pub(super) struct RuleActions {
    section: Section,
    pub(super) reject: RuleSet,
    pub(super) report: RuleSet,
    /// Rules that a caller set in a way that is not to be had; `build` tells.
    pub(super) misplaced: RuleSet,
    pub(super) weakened: RuleSet,
}

impl RuleActions {
    pub(super) const fn strict(section: Section) -> Self {
        Self::preset(section, false)
    }

    pub(super) const fn compatible(section: Section) -> Self {
        Self::preset(section, true)
    }

    const fn preset(section: Section, compatible: bool) -> Self {
        Self {
            section,
            reject: Rule::all_of(section, compatible, Action::Reject),
            report: Rule::all_of(section, compatible, Action::Report),
            misplaced: RuleSet::EMPTY,
            weakened: RuleSet::EMPTY,
        }
    }

    /// Nothing but these rules, all refused.
    pub(super) fn only(section: Section, rules: &[Rule]) -> Self {
        let mut actions = Self::strict(section);
        actions.report = RuleSet::EMPTY;
        actions.reject = rules
            .iter()
            .fold(RuleSet::EMPTY, |set, rule| set.with(*rule));
        actions
    }

    /// What is done with what breaks a rule.
    #[inline]
    pub(super) const fn action(&self, rule: Rule) -> Action {
        if self.reject.contains(rule) {
            Action::Reject
        } else if self.report.contains(rule) {
            Action::Report
        } else {
            Action::Off
        }
    }

    /// Whether somebody wants to know of it.
    #[inline]
    pub(super) const fn is_on(&self, rule: Rule) -> bool {
        self.reject.union(self.report).contains(rule)
    }

    /// The rule that refuses, of those that were broken; notes those that are reported.
    #[inline]
    pub(super) fn settle(&self, hits: RuleSet, reported: &mut RuleSet) -> Option<Rule> {
        *reported = reported.union(hits.intersection(self.report));
        hits.intersection(self.reject).first()
    }

    /// Sets a rule of this section, and keeps a core rule as it is.
    pub(super) fn set(&mut self, rule: Rule, action: Action) {
        if rule.section() != self.section {
            self.misplaced.insert(rule);
        } else if rule.is_core() && action != Action::Reject {
            self.weakened.insert(rule);
        } else {
            self.force(rule, action);
        }
    }

    /// Sets a rule whatever it is.
    pub(super) const fn force(&mut self, rule: Rule, action: Action) {
        self.reject = self.reject.without(rule);
        self.report = self.report.without(rule);
        match action {
            Action::Reject => self.reject.insert(rule),
            Action::Report => self.report.insert(rule),
            Action::Off => {}
        }
    }

    /// Reports what would have been refused.
    pub(super) const fn report_only(&mut self) {
        self.report = self.report.union(self.reject);
        self.reject = RuleSet::EMPTY;
    }
}
