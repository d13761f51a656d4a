use super::Known;
use crate::token::claim_path::ClaimPath;

/// Which claims mean what, as far as a verifier's configuration says it.
#[derive(Debug)]
pub(in crate::token) struct ClaimRules {
    /// Whom the token may be for: one of its audiences is one of these.
    pub(in crate::token) audiences: Box<[Box<str>]>,
    pub(in crate::token) scope: ScopeClaim,
    pub(in crate::token) roles: Option<ClaimPath>,
    pub(in crate::token) tenant: Option<ClaimPath>,
    pub(in crate::token) required: Required,
    pub(in crate::token) refuses_id_tokens: bool,
}

/// The claim with the scopes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::token) enum ScopeClaim {
    /// `scope`, else `scp`.
    #[default]
    Usual,
    Named(Box<str>),
}

/// What has to be there.
#[derive(Debug, Default)]
pub(in crate::token) struct Required {
    known: u16,
    own: Box<[Box<str>]>,
}

impl Required {
    pub(in crate::token) fn new<'a>(
        known: &[Known],
        names: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut required = Self {
            known: known.iter().fold(0, |bits, known| bits | known.bit()),
            own: Box::default(),
        };
        let mut own = Vec::<Box<str>>::new();
        for name in names {
            match Known::of(name) {
                Some(known) => required.known |= known.bit(),
                None => own.push(name.into()),
            }
        }
        required.own = own.into();
        required
    }

    /// The first claim that is wanted and not there.
    pub(super) fn missing(&self, present: Present) -> Option<&'static str> {
        const ALL: [Known; 13] = [
            Known::Iss,
            Known::Aud,
            Known::Exp,
            Known::Sub,
            Known::ClientId,
            Known::Iat,
            Known::Jti,
            Known::Nbf,
            Known::Sid,
            Known::Acr,
            Known::Amr,
            Known::AuthTime,
            Known::Cnf,
        ];
        let missing = self.known & !present.known;
        let known = ALL.into_iter().find(|known| missing & known.bit() != 0);
        let own = present.own.count_ones() as usize != self.own.len();
        known
            .map(Known::fault)
            .or_else(|| own.then_some("claim_missing"))
    }
}

/// What is there.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Present {
    known: u16,
    /// A bit for each of [`Required::own`], of which there are 32 at most.
    own: u32,
}

impl Present {
    pub(super) const fn insert(&mut self, known: Known) {
        self.known |= known.bit();
    }

    pub(super) fn insert_own(&mut self, name: &str, required: &Required) {
        for (index, wanted) in (0_u32..).zip(&required.own) {
            if **wanted == *name {
                self.own |= 1_u32.checked_shl(index).unwrap_or_default();
            }
        }
    }
}
