//! Objects and types that environments share.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::declared::Declared;
use crate::types::{Type, read, split};

/// Objects of admission, a line as `name: field type, field type`; one object may have several lines.
const TABLE: &str = "
kubernetes.GroupVersionKind: group string, version string, kind string
kubernetes.GroupVersionResource: group string, version string, resource string
kubernetes.UserInfo: username string, uid string, groups list(string), extra map(string, list(string))
kubernetes.AdmissionRequest: kind kubernetes.GroupVersionKind, resource kubernetes.GroupVersionResource, subResource string
kubernetes.AdmissionRequest: requestKind kubernetes.GroupVersionKind, requestResource kubernetes.GroupVersionResource
kubernetes.AdmissionRequest: requestSubResource string, name string, namespace string, operation string
kubernetes.AdmissionRequest: userInfo kubernetes.UserInfo, dryRun bool, options dyn
kubernetes.NamespaceSpec: finalizers list(string)
kubernetes.NamespaceCondition: status string, type string, lastTransitionTime timestamp, message string, reason string
kubernetes.NamespaceStatus: conditions list(kubernetes.NamespaceCondition), phase string
kubernetes.NamespaceMetadata: name string, generateName string, namespace string, labels map(string, string)
kubernetes.NamespaceMetadata: annotations map(string, string), UID string, creationTimestamp timestamp
kubernetes.NamespaceMetadata: deletionGracePeriodSeconds int, deletionTimestamp timestamp, generation int
kubernetes.NamespaceMetadata: resourceVersion string, finalizers list(string)
kubernetes.Namespace: metadata kubernetes.NamespaceMetadata, spec kubernetes.NamespaceSpec
kubernetes.Namespace: status kubernetes.NamespaceStatus
";

/// Objects by name, with the types of their fields.
pub(crate) static SHARED: LazyLock<BTreeMap<String, BTreeMap<String, Type>>> = LazyLock::new(|| {
    let mut all = BTreeMap::<String, BTreeMap<String, Type>>::new();
    for (name, fields) in TABLE.lines().filter_map(|line| line.split_once(':')) {
        let known = all.entry(name.to_owned()).or_default();
        for (field, of) in split(fields).iter().filter_map(|one| one.trim().split_once(' ')) {
            known.insert(field.to_owned(), read(of));
        }
    }
    all
});

/// The most attributes or capacities of a device.
const ATTRIBUTES_MAX: u64 = 32;
/// The longest domain of an attribute, and the longest name of a driver.
const DOMAIN_MAX: u64 = 63;
/// The longest name of an attribute within its domain.
const ID_MAX: u64 = 32;
/// The longest value of an attribute.
const ATTRIBUTE_MAX: u64 = 64;

/// A device, of which selectors choose some.
pub(crate) fn device() -> Declared {
    let nested = |of| {
        let text = |max| Declared::simple(Type::String, max);
        let inner = Declared::map(text(ID_MAX), of, ATTRIBUTES_MAX);
        Declared::map(text(DOMAIN_MAX), inner, ATTRIBUTES_MAX)
    };
    let mut attributes = nested(Declared::simple(Type::Any, ATTRIBUTE_MAX));
    if let Some(inner) = &mut attributes.element {
        inner.named_values = true;
    }
    let quantity = Declared::simple(Type::object("kubernetes.Quantity"), 0);
    let fields = [
        ("driver", Declared::simple(Type::String, DOMAIN_MAX)),
        ("allowMultipleAllocations", Declared::simple(Type::Bool, 1)),
        ("attributes", attributes),
        ("capacity", nested(quantity)),
    ];
    let fields = fields.into_iter().map(|(name, one)| (name.to_owned(), one));
    Declared::object("kubernetes.DRADevice", fields.collect())
}

/// Types that an expression may name.
pub(crate) fn named_type(name: &str) -> Option<Type> {
    Some(match name {
        "bool" | "bytes" | "double" | "int" | "string" | "uint" | "net.IP" | "net.CIDR" => read(name),
        "google.protobuf.Duration" | "duration" => Type::Duration,
        "google.protobuf.Timestamp" | "timestamp" => Type::Timestamp,
        "list" => Type::list(Type::Dyn),
        "map" => Type::map(Type::Dyn, Type::Dyn),
        "null_type" => Type::Null,
        "optional_type" => Type::optional(Type::Dyn),
        "type" => Type::Type(None),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_the_table_has_a_type() {
        assert_eq!(SHARED.len(), 9);
        for (name, fields) in SHARED.iter() {
            for (field, of) in fields {
                assert_ne!(*of, Type::Error, "{name}.{field}");
            }
        }
    }
}
