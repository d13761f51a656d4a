use std::time::SystemTime;

use super::{AuthMethod, Confirmation};

/// What is known of a principal.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Claims {
    /// All texts one after the other: a token with ten claims costs one string.
    pub(super) text: String,
    /// How much of the text, from its start, is the document that the claims were read from.
    #[cfg(feature = "_jwt")]
    pub(super) document: usize,
    pub(crate) subject: Span,
    pub(crate) issuer: Option<Span>,
    pub(crate) client_id: Option<Span>,
    pub(crate) tenant: Option<Span>,
    pub(crate) acr: Option<Span>,
    pub(crate) token_id: Option<Span>,
    pub(crate) session_id: Option<Span>,
    pub(crate) members: Vec<(List, Span)>,
    pub(crate) method: AuthMethod,
    pub(crate) auth_time: Option<SystemTime>,
    pub(crate) expires_at: Option<SystemTime>,
    pub(crate) confirmation: Option<Confirmation>,
}

/// A part of [`Claims::text`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: usize,
    end: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum List {
    Scopes,
    Roles,
    Amr,
}

impl Span {
    pub(crate) const fn at(start: usize, length: usize) -> Self {
        Self {
            start,
            end: start.saturating_add(length),
        }
    }

    /// Where `part` stands in `whole`, if it is a part of it and no copy.
    #[cfg(feature = "_jwt")]
    pub(crate) fn within(whole: &str, part: &str) -> Option<Self> {
        let start = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
        let span = Self::at(start, part.len());
        (span.end <= whole.len()).then_some(span)
    }
}

impl Claims {
    pub(super) fn new(subject: &str) -> Self {
        // Room for a usual set of claims: one allocation instead of five.
        const USUAL: usize = 256;
        let mut claims = Self::of_text(String::with_capacity(USUAL.max(subject.len())));
        claims.subject = claims.add(subject);
        claims
    }

    /// Claims that are about to be read out of a document.
    #[cfg(feature = "_jwt")]
    pub(crate) const fn unread() -> Self {
        Self::of_text(String::new())
    }

    /// Adds the document that the spans count in, and what of it had to be unescaped, which stands behind it.
    #[cfg(feature = "_jwt")]
    pub(crate) fn with_document(mut self, mut document: String, unescaped: &str) -> Self {
        self.document = document.len();
        document.push_str(unescaped);
        self.text = document;
        self
    }

    const fn of_text(text: String) -> Self {
        Self {
            text,
            #[cfg(feature = "_jwt")]
            document: 0,
            subject: Span { start: 0, end: 0 },
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
        }
    }

    pub(crate) fn add(&mut self, text: &str) -> Span {
        let span = Span::at(self.text.len(), text.len());
        self.text.push_str(text);
        span
    }

    pub(crate) fn text(&self, span: Span) -> &str {
        // Spans come from `add` and from the document, and nothing is ever taken away.
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    pub(super) fn list(&self, list: List) -> impl Iterator<Item = &str> {
        self.members
            .iter()
            .filter(move |(of, _)| *of == list)
            .map(|(_, span)| self.text(*span))
    }
}
