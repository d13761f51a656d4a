//! What is counted when the answer is there.

use std::fmt;
use std::sync::Arc;

use http::{Extensions, Response};

use super::events::{Started, kind_name};
use super::layer::Core;
use super::service::{outcome, with_address};
use crate::core::{AbuseSignal, Amend, Caller, Mode, RequestContext};

/// Counts the sign of abuse of an answer, if it bears one. The answer stays as it is.
pub struct BanAmendment {
    core: Arc<Core>,
    mode: Mode,
    /// Its key is made when there is something to count.
    client: Option<Caller>,
    context: Option<RequestContext>,
}

impl BanAmendment {
    pub(super) fn new(
        core: &Arc<Core>,
        mode: Mode,
        client: Option<Caller>,
        extensions: &Extensions,
    ) -> Self {
        Self {
            core: Arc::clone(core),
            mode,
            client,
            context: RequestContext::from_extensions(extensions).cloned(),
        }
    }

    /// Whether no layer of this table has counted the answer. Marks it as counted, unless nothing of it is to be changed.
    fn is_first<B>(&self, response: &mut Response<B>) -> bool {
        let table = self.core.table.identity();
        let counted = response.extensions().get::<CountedBy>();
        if counted.is_some_and(|counted| counted.contains(table)) {
            return false;
        }
        if self.mode == Mode::Enforce {
            match response.extensions_mut().get_mut::<CountedBy>() {
                Some(counted) => counted.others.push(table),
                None => {
                    let others = Vec::new();
                    let first = CountedBy { table, others };
                    response.extensions_mut().insert(first);
                }
            }
        }
        true
    }
}

/// The tables that have counted the sign of abuse of an answer: a layer further outside with one of them does not count it again.
#[derive(Clone, Debug)]
struct CountedBy {
    table: usize,
    /// Empty, unless somebody nests layers of different tables.
    others: Vec<usize>,
}

impl CountedBy {
    fn contains(&self, table: usize) -> bool {
        self.table == table || self.others.contains(&table)
    }
}

impl Amend for BanAmendment {
    #[inline]
    fn amend<B>(self, response: &mut Response<B>) {
        let Some(kind) = AbuseSignal::of(response.extensions()) else {
            return;
        };
        if !self.is_first(response) {
            return;
        }
        let key = self.core.key(self.client.as_ref());
        let Some(started) = self.core.table.strike_by(key, kind) else {
            return;
        };
        let context = self.context.as_ref();
        self.core.events.emit(
            context.map(RequestContext::shared),
            Started::EVENT,
            Started::LEVEL,
            || {
                let mut event = started
                    .event(key)
                    .outcome(outcome(self.mode))
                    .rule(kind_name(kind));
                event.request_id = context.and_then(RequestContext::request_id);
                with_address(event, self.client.map(|client| client.ip()))
            },
        );
    }
}

impl fmt::Debug for BanAmendment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BanAmendment")
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}
