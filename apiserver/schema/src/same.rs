//! Whether two values mean the same.

use apiserver_api::quantity::Quantity;
use apiserver_api::tree::Tree;

use crate::model::{Field, Schema, Shape, Struct, TypeId};

impl Schema {
    /// Whether two objects of a type mean the same at a path of fields, as upstream's `equality.Semantic` has it: amounts
    /// are equal however they are written, and a list or map with nothing in it is none.
    pub fn same(&self, id: TypeId, path: &[&str], one: &Tree, other: &Tree) -> bool {
        let of = self.get(id);
        let Some((first, rest)) = path.split_first() else {
            return self.same_fields(of, one, other);
        };
        let (one, other) = (one.at(first), other.at(first));
        match of.field(first) {
            Some(field) => match (&field.shape, rest.is_empty()) {
                (Shape::Struct(id), false) => self.same(*id, rest, one, other),
                _ => self.same_field(field, one, other),
            },
            None => one.below(rest) == other.below(rest),
        }
    }

    /// What neither has is the same: of a type's many fields an object has few.
    fn same_fields(&self, of: &Struct, one: &Tree, other: &Tree) -> bool {
        let same = |name: &str, value: &Tree, opposite: &Tree| match of.field(name) {
            Some(field) => self.same_field(field, value, opposite),
            None => value == opposite,
        };
        let all = |object: &Tree, check: &dyn Fn(&str, &Tree) -> bool| {
            let map = object.as_map();
            map.is_none_or(|map| map.iter().all(|(name, value)| check(name, value)))
        };
        all(one, &|name, value| same(name, value, other.at(name)))
            && all(other, &|name, value| one.has(name) || same(name, value, &Tree::Null))
    }

    fn same_field(&self, field: &Field, one: &Tree, other: &Tree) -> bool {
        match (one, other) {
            (Tree::Null, Tree::Null) => true,
            (Tree::Null, _) | (_, Tree::Null) if field.pointer => false,
            // What is no pointer is zero where it is absent.
            _ => (one.is_zero() && other.is_zero()) || self.same_value(&field.shape, one, other),
        }
    }

    fn same_value(&self, shape: &Shape, one: &Tree, other: &Tree) -> bool {
        match (shape, one, other) {
            (Shape::Struct(id), one, other) => self.same_fields(self.get(*id), one, other),
            (Shape::List(item, _), Tree::List(one), Tree::List(other)) => {
                one.len() == other.len()
                    && one
                        .iter()
                        .zip(other)
                        .all(|(one, other)| self.same_value(item, one, other))
            }
            (Shape::Map(value, _), Tree::Map(one), Tree::Map(other)) => {
                let mut pairs = one.iter().zip(other.iter());
                one.len() == other.len() && pairs.all(|(a, b)| a.0 == b.0 && self.same_value(value, a.1, b.1))
            }
            (Shape::Quantity, one, other) if one != other => match (Quantity::read(one), Quantity::read(other)) {
                (Ok(one), Ok(other)) => one == other,
                _ => false,
            },
            _ => one == other,
        }
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::parse;

    use crate::built_in;

    fn same(of: &str, path: &[&str], one: &str, other: &str) -> bool {
        let tree = |text: &str| parse(text.as_bytes()).unwrap().tree;
        let id = built_in().named(&format!("io.k8s.api.core.v1.{of}")).unwrap();
        built_in().same(id, path, &tree(one), &tree(other))
    }

    #[test]
    fn nothing_in_a_list_is_none_and_an_empty_object_is_one() {
        assert!(same("PodSpec", &[], r#"{"volumes":[],"nodeSelector":{}}"#, "{}"));
        assert!(!same("PodSpec", &[], r#"{"securityContext":{}}"#, "{}"));
        assert!(!same(
            "PodSpec",
            &[],
            r#"{"containers":[{"name":"a"}]}"#,
            r#"{"containers":[{"name":"b"}]}"#
        ));
        assert!(!same(
            "PodSpec",
            &[],
            r#"{"tolerations":[{}]}"#,
            r#"{"tolerations":[{},{}]}"#
        ));
        assert!(same("PodSpec", &[], r#"{"containers":[]}"#, r#"{"containers":null}"#));
    }

    #[test]
    fn amounts_are_equal_by_what_they_are() {
        let (one, other) = (r#"{"limits":{"cpu":"1024"}}"#, r#"{"limits":{"cpu":"1Ki"}}"#);
        assert!(same("ResourceRequirements", &["limits"], one, other));
        assert!(!same(
            "ResourceRequirements",
            &["limits"],
            one,
            r#"{"limits":{"cpu":"1"}}"#
        ));
        assert!(!same(
            "ResourceRequirements",
            &[],
            one,
            r#"{"limits":{"memory":"1024"}}"#
        ));
    }

    #[test]
    fn a_path_leads_to_what_is_compared() {
        let (one, other) = (
            r#"{"spec":{"nodeName":"a","hostname":"b"}}"#,
            r#"{"spec":{"nodeName":"a"}}"#,
        );
        assert!(same("Pod", &["spec", "nodeName"], one, other));
        assert!(!same("Pod", &["spec"], one, other));
        assert!(same("Pod", &["metadata"], one, other));
        assert!(!same("Pod", &["x"], r#"{"x":1}"#, "{}"));
        assert!(!same("Pod", &[], r#"{"x":1}"#, "{}"));
    }
}
