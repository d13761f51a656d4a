//! Policies made of policies, and those that look only at who is asking.
//!
//! Joined policies that all answer at once answer at once together: no box, no wait.
//!
//! # Example
//!
//! Orders belong to users; an administrator of the same tenant may read them, and nobody may touch what is archived.
//!
//! ```
//! use tower_security::ownership::policy::{all_of, any_of, deny_if, only, role, same_tenant};
//! use tower_security::ownership::{AccessRequest, Action, Decision, OwnershipGuard};
//!
//! let owner = |request: &AccessRequest| match request.id() {
//!     "1" if request.principal().subject() == "alice" => Decision::Allow,
//!     "1" => Decision::Deny,
//!     _ => Decision::NotFound,
//! };
//! let admin = all_of((same_tenant("tenant"), only([Action::Read], role("admin").as_admin())));
//! let is_archived = |request: &AccessRequest| request.id().starts_with("archived-");
//! let policy = deny_if(is_archived, any_of((owner, admin)));
//!
//! let guard = OwnershipGuard::builder()
//!     .resource_param("/t/{tenant}/orders/{id}", "id", policy)
//!     .build()?;
//! # let _ = guard;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;
use std::sync::Arc;

use super::decision::{Decision, Policy, Verdict};
use super::request::{AccessRequest, Action};

/// Several policies: a tuple of up to eight, an array, or a `Vec<Arc<dyn Policy>>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no list of policies",
    note = "write a tuple, `any_of((owner, admin))`"
)]
pub trait PolicyList: sealed::Sealed {
    #[doc(hidden)]
    fn into_list(self) -> Vec<Arc<dyn Policy>>;
}

mod sealed {
    #[expect(unnameable_types, reason = "sealed")]
    pub trait Sealed {}
}

impl sealed::Sealed for Vec<Arc<dyn Policy>> {}

impl PolicyList for Vec<Arc<dyn Policy>> {
    fn into_list(self) -> Vec<Arc<dyn Policy>> {
        self
    }
}

impl<P: Policy, const N: usize> sealed::Sealed for [P; N] {}

impl<P: Policy, const N: usize> PolicyList for [P; N] {
    fn into_list(self) -> Vec<Arc<dyn Policy>> {
        self.into_iter()
            .map(|policy| Arc::new(policy) as Arc<dyn Policy>)
            .collect()
    }
}

macro_rules! tuples {
    ($($first:ident $(, $rest:ident)*;)*) => {
        $(
            impl<$first: Policy, $($rest: Policy),*> sealed::Sealed for ($first, $($rest,)*) {}

            impl<$first: Policy, $($rest: Policy),*> PolicyList for ($first, $($rest,)*) {
                #[expect(non_snake_case, reason = "one variable for each type")]
                fn into_list(self) -> Vec<Arc<dyn Policy>> {
                    let ($first, $($rest,)*) = self;
                    vec![Arc::new($first), $(Arc::new($rest)),*]
                }
            }
        )*
    };
}

tuples! {
    A;
    A, B;
    A, B, C;
    A, B, C, D;
    A, B, C, D, E;
    A, B, C, D, E, F;
    A, B, C, D, E, F, G;
    A, B, C, D, E, F, G, H;
}

/// Allows what one of the policies allows, asked in order; the first that does so ends it. Put the owner before the administrator, so that
/// an administrator's own objects are no override.
///
/// Where none allows: unavailable if one is, since it could have allowed; else a step up, if one asks for it; else denied, if one
/// denies; else not found. No policy at all denies.
pub fn any_of(policies: impl PolicyList) -> Joined {
    Joined {
        word: Word::Any,
        policies: policies.into_list().into(),
    }
}

/// Allows what all policies allow, asked in order; the first that denies or finds nothing ends it.
///
/// Where none denies: unavailable if one is, else a step up, if one asks for it. It is an administrator's doing if it is so for one of
/// them. No policy at all denies.
pub fn all_of(policies: impl PolicyList) -> Joined {
    Joined {
        word: Word::All,
        policies: policies.into_list().into(),
    }
}

/// Policies joined by [`any_of`] or [`all_of`].
#[derive(Clone)]
pub struct Joined {
    word: Word,
    policies: Arc<[Arc<dyn Policy>]>,
}

#[derive(Clone, Copy, Debug)]
enum Word {
    All,
    Any,
}

impl Policy for Joined {
    fn decide(&self, request: &AccessRequest) -> Verdict {
        let mut sum = Sum::new(self.word);
        for (index, policy) in self.policies.iter().enumerate() {
            match policy.decide(request) {
                Verdict::Now(decision) => {
                    if let Some(end) = sum.add(decision) {
                        return end.into();
                    }
                }
                Verdict::Later(first) => {
                    let policies = Arc::clone(&self.policies);
                    let request = request.clone();
                    return Verdict::later(async move {
                        if let Some(end) = sum.add(first.await) {
                            return end;
                        }
                        for policy in policies.iter().skip(index.saturating_add(1)) {
                            // Bound first: a verdict is no part of what is held while it is waited for.
                            let verdict = policy.decide(&request);
                            if let Some(end) = sum.add(verdict.wait().await) {
                                return end;
                            }
                        }
                        sum.total()
                    });
                }
            }
        }
        sum.total().into()
    }
}

impl fmt::Debug for Joined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({} policies)", self.word, self.policies.len())
    }
}

/// What several decisions are together.
struct Sum {
    word: Word,
    so_far: Option<Decision>,
}

impl Sum {
    const fn new(word: Word) -> Self {
        Self { word, so_far: None }
    }

    /// Adds a decision; the total, if the others cannot change it.
    fn add(&mut self, decision: Decision) -> Option<Decision> {
        let is_end = match self.word {
            Word::Any => decision.is_allowed(),
            Word::All => matches!(decision, Decision::Deny | Decision::NotFound),
        };
        if is_end {
            return Some(decision);
        }
        if self
            .so_far
            .is_none_or(|so_far| rank(decision) > rank(so_far))
        {
            self.so_far = Some(decision);
        }
        None
    }

    fn total(&self) -> Decision {
        self.so_far.unwrap_or(Decision::Deny)
    }
}

/// Which of two decisions counts, where neither ends it.
const fn rank(decision: Decision) -> u8 {
    match decision {
        Decision::Allow => 0,
        Decision::AllowAsAdmin => 1,
        Decision::NotFound => 2,
        Decision::Deny => 3,
        Decision::StepUp(_) => 4,
        Decision::Unavailable => 5,
    }
}

/// Denies where `is_denied` says so, whatever `policy` would say; asks `policy` everywhere else.
pub const fn deny_if<F, P>(is_denied: F, policy: P) -> DenyIf<F, P>
where
    F: Fn(&AccessRequest) -> bool + Send + Sync + 'static,
    P: Policy,
{
    DenyIf { is_denied, policy }
}

/// A policy with an exception. Made by [`deny_if`].
#[derive(Clone)]
pub struct DenyIf<F, P> {
    is_denied: F,
    policy: P,
}

impl<F, P> Policy for DenyIf<F, P>
where
    F: Fn(&AccessRequest) -> bool + Send + Sync + 'static,
    P: Policy,
{
    fn decide(&self, request: &AccessRequest) -> Verdict {
        if (self.is_denied)(request) {
            return Decision::Deny.into();
        }
        self.policy.decide(request)
    }
}

impl<F, P: fmt::Debug> fmt::Debug for DenyIf<F, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DenyIf")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// Asks `policy` about these actions alone, and denies all others.
pub fn only<P: Policy>(actions: impl IntoIterator<Item = Action>, policy: P) -> Only<P> {
    Only {
        actions: actions.into_iter().collect(),
        policy,
    }
}

/// A policy for some actions. Made by [`only`].
#[derive(Clone, Debug)]
pub struct Only<P> {
    actions: Box<[Action]>,
    policy: P,
}

impl<P: Policy> Policy for Only<P> {
    fn decide(&self, request: &AccessRequest) -> Verdict {
        if self.actions.contains(&request.action()) {
            self.policy.decide(request)
        } else {
            Decision::Deny.into()
        }
    }
}

/// Allows a principal of the tenant that stands in this parameter of the path, and nobody who has no tenant.
///
/// It says nothing of the object: join it with a policy that does by [`all_of`].
pub fn same_tenant(param: impl AsRef<str>) -> SameTenant {
    SameTenant(param.as_ref().into())
}

/// Compares tenants. Made by [`same_tenant`].
#[derive(Clone, Debug)]
pub struct SameTenant(Box<str>);

impl Policy for SameTenant {
    fn decide(&self, request: &AccessRequest) -> Verdict {
        let is_same = match (request.tenant(), request.param(&self.0)) {
            (Some(own), Some(other)) => own == other && !own.is_empty(),
            _ => false,
        };
        allow_if(is_same).into()
    }
}

/// Allows a principal who has this role, compared exactly, whatever the object.
pub fn role(role: impl AsRef<str>) -> Role {
    Role {
        role: role.as_ref().into(),
        allowed: Decision::Allow,
    }
}

/// Looks for a role. Made by [`role`].
#[derive(Clone, Debug)]
pub struct Role {
    role: Box<str>,
    allowed: Decision,
}

impl Role {
    /// Says that it is an administrator's role: what it allows is [`Decision::AllowAsAdmin`], and an event tells of it.
    #[must_use]
    pub const fn as_admin(mut self) -> Self {
        self.allowed = Decision::AllowAsAdmin;
        self
    }
}

impl Policy for Role {
    fn decide(&self, request: &AccessRequest) -> Verdict {
        let has_role = request.principal().has_role(&self.role);
        Verdict::Now(if has_role {
            self.allowed
        } else {
            Decision::Deny
        })
    }
}

/// Allows a principal to whom this scope was granted, compared exactly, whatever the object.
pub fn scope(scope: impl AsRef<str>) -> Scoped {
    Scoped(scope.as_ref().into())
}

/// Looks for a scope. Made by [`scope`].
#[derive(Clone, Debug)]
pub struct Scoped(Box<str>);

impl Policy for Scoped {
    fn decide(&self, request: &AccessRequest) -> Verdict {
        allow_if(request.principal().has_scope(&self.0)).into()
    }
}

const fn allow_if(is_allowed: bool) -> Decision {
    if is_allowed {
        Decision::Allow
    } else {
        Decision::Deny
    }
}

/// Lets a principal with the role `admin_role` do what `owner` denies, as an administrator's override that an event tells of.
///
/// What `owner` does not find stays absent, and an outage stays one. It crosses tenants: where there are some, join
/// [`same_tenant`] and [`role`] by [`all_of`].
pub fn owner_or_admin<P: Policy>(owner: P, admin_role: impl AsRef<str>) -> OwnerOrAdmin<P> {
    OwnerOrAdmin {
        owner,
        admin: admin_role.as_ref().into(),
    }
}

/// A policy that administrators override. Made by [`owner_or_admin`].
#[derive(Clone, Debug)]
pub struct OwnerOrAdmin<P> {
    owner: P,
    admin: Box<str>,
}

impl<P: Policy> Policy for OwnerOrAdmin<P> {
    fn decide(&self, request: &AccessRequest) -> Verdict {
        match self.owner.decide(request) {
            Verdict::Now(Decision::Deny) if request.principal().has_role(&self.admin) => {
                Decision::AllowAsAdmin.into()
            }
            Verdict::Later(decision) if request.principal().has_role(&self.admin) => {
                Verdict::later(async move {
                    match decision.await {
                        Decision::Deny => Decision::AllowAsAdmin,
                        other => other,
                    }
                })
            }
            verdict => verdict,
        }
    }
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
