//! The histories that Jepsen recorded of etcd 0.4 in 2014, and what is known of each.
//!
//! They are logs of one register as [`crate::history::porcupine`] reads them. Their verdicts are those that the authors
//! of Porcupine and of todc-utils publish with them.

/// Those that are linearizable; of the other numbers up to the last all but [`MISSING`], which was never recorded, are
/// not.
const LINEARIZABLE: [usize; 23] = [
    2, 5, 7, 18, 25, 31, 38, 45, 48, 49, 51, 53, 56, 67, 75, 76, 80, 87, 92, 98, 100, 101, 102,
];
const LAST: usize = 102;
const MISSING: usize = 95;

/// The names of their files, and whether each is linearizable.
pub fn histories() -> impl Iterator<Item = (String, bool)> {
    (0..=LAST)
        .filter(|number| *number != MISSING)
        .map(|number| (format!("etcd_{number:03}.log"), LINEARIZABLE.contains(&number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_102_of_which_23_are_good() {
        assert_eq!(histories().count(), 102);
        assert_eq!(histories().filter(|(_, is_linearizable)| *is_linearizable).count(), 23);
    }
}
