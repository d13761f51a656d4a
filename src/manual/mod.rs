//! Pages on how the parts stand together. They hold no code of their own.
//!
//! | page | answers |
//! |---|---|
//! | [`order`] | in which order the layers stand, why, and what each sees there |
//! | [`behind_a_proxy`] | what a proxy has to do, and what the service has to be told of it |
//! | `several_nodes` (feature `redis`) | what nodes share, and what happens in an outage |
//! | `login` (features `jwt`, `mfa` and `password`) | a whole login, step by step |
//! | [`errors_and_events`] | what a refusal looks like and what is told of it, with all codes |
//! | [`defaults`] | every default, with unit and reason |
//! | [`threat_model`] | who attacks what, which part answers, and what nothing here answers |
//! | [`coming_from`] | what a setter or a task of another crate is here |

#[doc = include_str!("behind_a_proxy.md")]
pub mod behind_a_proxy {}
#[doc = include_str!("coming_from.md")]
pub mod coming_from {}
#[doc = include_str!("defaults.md")]
pub mod defaults {}
#[doc = include_str!("errors_and_events.md")]
pub mod errors_and_events {}
#[cfg(all(feature = "_jwt", feature = "mfa", feature = "password"))]
#[doc = include_str!("login.md")]
pub mod login {}
#[doc = include_str!("order.md")]
pub mod order {}
#[cfg(feature = "redis")]
#[doc = include_str!("several_nodes.md")]
pub mod several_nodes {}
#[doc = include_str!("threat_model.md")]
pub mod threat_model {}
