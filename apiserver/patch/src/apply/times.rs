//! Writes that change nothing but times.

use apiserver_api::tree::Tree;

/// What two versions of an object came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// Their managed fields differ by more than times, or by none: it was not looked further.
    ManagersDiffer,
    /// The rest differs.
    ObjectsDiffer,
    /// They differ by the times of managed fields only.
    Equal,
}

/// Gives a new object the times of the old one's managed fields, if nothing else is new. An apply that sets what is set
/// already would otherwise be a write, and wake everyone who watches.
pub fn keep_times(old: &Tree, new: &mut Tree) -> Compared {
    const PATH: [&str; 2] = ["metadata", "managedFields"];
    let (before, after) = (old.below(&PATH), new.below(&PATH));
    let (Tree::List(earlier), Tree::List(later)) = (before, after) else {
        return Compared::ManagersDiffer;
    };
    if later.is_empty() || before == after || !equal(earlier, later) {
        return Compared::ManagersDiffer;
    }
    if !equal_besides(old, new, &PATH) {
        return Compared::ObjectsDiffer;
    }
    let kept = before.clone();
    new.child("metadata").set("managedFields", kept);
    Compared::Equal
}

/// Whether entries are the same but for their times.
fn equal(earlier: &[Tree], later: &[Tree]) -> bool {
    earlier.len() == later.len()
        && earlier.iter().zip(later).all(|(a, b)| {
            let parts = [
                "apiVersion",
                "fieldsType",
                "fieldsV1",
                "manager",
                "operation",
                "subresource",
            ];
            parts.iter().all(|part| a.at(part) == b.at(part))
        })
}

/// Whether objects are the same but for what is under a path.
fn equal_besides(a: &Tree, b: &Tree, path: &[&str]) -> bool {
    let [first, rest @ ..] = path else {
        return true;
    };
    match (a, b) {
        (Tree::Map(a), Tree::Map(b)) => {
            a.len() == b.len()
                && a.iter().zip(b.iter()).all(|(a, b)| {
                    let same_value = if a.0 == *first {
                        equal_besides(a.1, b.1, rest)
                    } else {
                        a.1 == b.1
                    };
                    a.0 == b.0 && same_value
                })
        }
        _ => a == b,
    }
}
