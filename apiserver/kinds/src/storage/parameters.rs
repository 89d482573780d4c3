//! What classes of storage tell the driver: its name and its parameters.

use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::text::tell;

/// The most parameters.
const COUNT_MAX: usize = 512;
/// The most bytes of all keys and values.
const SIZE_MAX: usize = 256 << 10;

/// The name of who makes volumes; capitals do not count.
pub(super) fn validate_driver(path: &Path<'_>, name: &str, refusals: &mut Refusals) {
    if name.is_empty() {
        return refusals.required(path, "");
    }
    let name = name.to_lowercase();
    tell(path, &name, names::qualified_name(&name), refusals);
}

/// Parameters: not too many, not too large, each with a key.
pub(super) fn validate(path: &Path<'_>, object: &Tree, refusals: &mut Refusals) {
    let parameters = object.entries("parameters");
    if parameters.len() > COUNT_MAX {
        return refusals.too_long(path, COUNT_MAX);
    }
    let mut size = 0;
    for (key, value) in parameters.iter() {
        if key.is_empty() {
            refusals.invalid(path, key, "field can not be empty.");
        }
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > SIZE_MAX {
        refusals.too_long(path, SIZE_MAX);
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::Tree;

    use super::{validate, validate_driver};

    #[test]
    fn parameters_have_keys_and_are_few_and_small() {
        let big = "x".repeat(300 << 10);
        for (entries, wrong) in [
            (vec![("a".to_owned(), "b")], 0),
            (vec![(String::new(), "b")], 1),
            (vec![("a".to_owned(), big.as_str())], 1),
            ((0..513).map(|at| (at.to_string(), "")).collect(), 1),
        ] {
            let mut object = Tree::map();
            for (key, value) in entries {
                object.child("parameters").set(&key, value);
            }
            let mut refusals = Refusals::new();
            validate(&Path::of("parameters"), &object, &mut refusals);
            assert_eq!(refusals.len(), wrong);
        }
    }

    #[test]
    fn who_makes_volumes_has_a_name_in_any_case() {
        for (name, wrong) in [("Example.com/A", 0), ("a", 0), ("", 1), ("a b", 1)] {
            let mut refusals = Refusals::new();
            validate_driver(&Path::of("provisioner"), name, &mut refusals);
            assert_eq!(refusals.len(), wrong, "{name}");
        }
    }
}
