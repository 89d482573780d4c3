//! Log matching: two logs with the same entry at an index agree in all that both hold before it.

use super::{Broken, Entries};

pub(super) fn check(logs: &[Entries]) -> Result<(), Broken> {
    for (at, one) in logs.iter().enumerate() {
        for other in &logs[at + 1..] {
            pair(one, other)?;
        }
    }
    Ok(())
}

fn pair(one: &Entries, other: &Entries) -> Result<(), Broken> {
    let mut agreed = None;
    for (index, hash) in one.hashes.iter().rev() {
        let Some(found) = other.hashes.get(index) else {
            continue;
        };
        match agreed {
            _ if found == hash => agreed = agreed.or(Some(*index)),
            Some(later) => {
                return Err(format!(
                    "log matching: {:x} and {:x} have the same entry {later} and not the same entry {index}",
                    one.member, other.member
                ));
            }
            None => {}
        }
    }
    Ok(())
}
