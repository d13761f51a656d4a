use std::time::SystemTime;

use super::{AuthMethod, Confirmation};

/// What is known of a principal.
pub(super) struct Claims {
    /// All texts one after the other: a token with ten claims costs one string.
    pub(super) text: String,
    pub(super) subject: Span,
    pub(super) issuer: Option<Span>,
    pub(super) client_id: Option<Span>,
    pub(super) tenant: Option<Span>,
    pub(super) acr: Option<Span>,
    pub(super) token_id: Option<Span>,
    pub(super) session_id: Option<Span>,
    pub(super) members: Vec<(List, Span)>,
    pub(super) method: AuthMethod,
    pub(super) auth_time: Option<SystemTime>,
    pub(super) expires_at: Option<SystemTime>,
    pub(super) confirmation: Option<Confirmation>,
}

/// A part of [`Claims::text`].
#[derive(Clone, Copy, Default)]
pub(super) struct Span {
    start: usize,
    end: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    Scopes,
    Roles,
    Amr,
}

impl Claims {
    pub(super) fn new(subject: &str) -> Self {
        // Room for a usual set of claims: one allocation instead of five.
        const USUAL: usize = 256;
        let mut claims = Self {
            text: String::with_capacity(USUAL.max(subject.len())),
            subject: Span::default(),
            issuer: None,
            client_id: None,
            tenant: None,
            acr: None,
            token_id: None,
            session_id: None,
            members: Vec::new(),
            method: AuthMethod::Custom("custom"),
            auth_time: None,
            expires_at: None,
            confirmation: None,
        };
        claims.subject = claims.add(subject);
        claims
    }

    pub(super) fn add(&mut self, text: &str) -> Span {
        let start = self.text.len();
        self.text.push_str(text);
        Span {
            start,
            end: self.text.len(),
        }
    }

    pub(super) fn text(&self, span: Span) -> &str {
        // Spans come from `add` alone, and nothing is ever taken away.
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    pub(super) fn list(&self, list: List) -> impl Iterator<Item = &str> {
        self.members
            .iter()
            .filter(move |(of, _)| *of == list)
            .map(|(_, span)| self.text(*span))
    }
}
