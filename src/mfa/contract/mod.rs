//! What every store of second factors does.

mod attempts;
mod recovery;
mod totp;

pub use attempts::{
    any_user_has_attempts_of_its_own, attempts_are_charged_one_by_one,
    attempts_are_forgotten_when_one_was_right, attempts_count_for_their_window,
    attempts_in_the_future_count_as_now,
};
pub use recovery::{
    a_code_is_taken_once, any_user_has_codes_of_its_own, many_take_a_code_each,
    new_codes_take_the_place_of_all, of_many_one_takes_a_code,
};
pub use totp::{
    a_factor_that_was_deleted_stays_away, a_step_is_consumed_once,
    an_enrolment_counts_when_it_is_confirmed, an_enrolment_takes_the_place_of_the_one_before,
    any_secret_and_step_is_kept, any_user_has_a_secret_of_its_own,
    of_many_one_confirms_an_enrolment, of_many_one_consumes_a_step,
};
