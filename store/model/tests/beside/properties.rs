//! Whatever is done to them, the machine and the model answer the same.

use proptest::prelude::*;

use crate::generate::{open, secured};
use crate::pair::{play, right};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_store_is_what_the_model_says(steps in open()) {
        play(right, &steps)?;
    }

    #[test]
    fn users_may_what_the_model_says(steps in secured()) {
        play(right, &steps)?;
    }
}
