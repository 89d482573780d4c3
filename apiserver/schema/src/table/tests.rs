//! The table that ships, and what is refused in one.

use apiserver_api::tree::Tree;

use super::{FILES, built_in, read};
use crate::model::{Lists, Omit, Shape};

#[test]
fn the_table_that_ships_is_read() {
    let schema = read(FILES).unwrap();
    let spec = schema.get(schema.named("io.k8s.api.core.v1.PodSpec").unwrap());
    let containers = spec.field("containers").unwrap();
    assert_eq!(
        (containers.number, containers.omit, containers.required),
        (2, Omit::Never, true)
    );
    assert_eq!(containers.patch.key.as_deref(), Some("name"));
    let Shape::List(item, Lists::Map(keys)) = &containers.shape else {
        panic!("{:?}", containers.shape)
    };
    assert_eq!(keys.iter().map(AsRef::as_ref).collect::<Vec<_>>(), ["name"]);
    assert_eq!(
        **item,
        Shape::Struct(schema.named("io.k8s.api.core.v1.Container").unwrap())
    );
    assert!(spec.field("volumes").unwrap().patch.retain_keys);
    let restart = spec.field("restartPolicy").unwrap();
    assert_eq!(restart.go.as_deref(), Some("v1.RestartPolicy"));
    assert!(schema.get(schema.named("io.k8s.api.core.v1.Pod").unwrap()).typed);
}

#[test]
fn what_go_embeds_stands_among_the_fields() {
    let schema = built_in();
    let volume = schema.get(schema.named("io.k8s.api.core.v1.Volume").unwrap());
    let source = schema.named("io.k8s.api.core.v1.VolumeSource").unwrap();
    assert_eq!(volume.field("emptyDir").unwrap().embedded, Some(source));
    assert_eq!(volume.field("name").unwrap().embedded, None);
    assert_eq!(volume.embedded, [(2, source)]);
    let declared: Vec<&str> = volume.declared().map(|field| &*field.name).collect();
    assert_eq!(declared[..4], ["name", "hostPath", "emptyDir", "gcePersistentDisk"]);
    let webhook = "io.k8s.api.admissionregistration.v1.NamedRuleWithOperations";
    assert!(schema.get(schema.named(webhook).unwrap()).field("apiGroups").is_some());
    assert!(
        schema
            .iter()
            .all(|(_, one)| one.fields.is_sorted_by(|a, b| a.name < b.name))
    );
}

#[test]
fn fields_keep_the_order_that_go_has() {
    let schema = built_in();
    let names = |name: &str| -> Vec<String> {
        let one = schema.get(schema.named(&format!("io.k8s.api.{name}")).unwrap());
        one.declared().map(|field| field.name.to_string()).collect()
    };
    assert_eq!(names("core.v1.ConfigMapProjection"), ["name", "items", "optional"]);
    // An embedded struct that embeds another.
    assert_eq!(
        names("admissionregistration.v1.NamedRuleWithOperations"),
        [
            "resourceNames",
            "operations",
            "apiGroups",
            "apiVersions",
            "resources",
            "scope"
        ]
    );
}

#[test]
fn what_only_documents_tell_is_kept() {
    let schema = built_in();
    let one = |name: &str| schema.get(schema.named(&format!("io.k8s.api.core.v1.{name}")).unwrap());
    let profile = one("AppArmorProfile");
    let union = profile.union.as_ref().unwrap();
    assert_eq!(&*union.discriminator, "type");
    assert_eq!(
        union.fields.iter().map(AsRef::as_ref).collect::<Vec<_>>(),
        ["localhostProfile"]
    );
    assert!(one("PersistentVolumeSpec").field("claimRef").unwrap().told);
    assert!(one("Container").field("args").unwrap().told);
    assert!(!one("ConfigMapList").field("items").unwrap().told);
    let protocol = one("ServicePort").field("protocol").unwrap().values.as_ref().unwrap();
    assert_eq!(
        protocol.all.iter().map(AsRef::as_ref).collect::<Vec<_>>(),
        ["SCTP", "TCP", "UDP"]
    );
}

#[test]
fn a_default_is_json() {
    let schema = built_in();
    let port = schema.get(schema.named("io.k8s.api.core.v1.ServicePort").unwrap());
    assert_eq!(port.field("protocol").unwrap().default, Some(Tree::from("TCP")));
}

#[test]
fn a_wrong_table_says_where() {
    for (text, message) in [
        ("  1 a string", "t, line 1: a field before any struct"),
        ("A", "t, line 1: the file says no prefix"),
        ("# p\nA odd", "t, line 2: \"odd\" says nothing of a struct"),
        ("# p\nA\n  1 a string one=V", "t, line 3: there are no values V in t"),
        ("# p\nA\n  x a string", "t, line 3: \"x\" is no number"),
        ("# p\nA\n  1 a B", "t, line 3: there is no struct B in t"),
        (
            "# p\nA\n  1 a string set",
            "t, line 3: \"set\" says nothing of such a field",
        ),
        ("# p\nA\n  1 a", "t, line 3: a field has a type"),
    ] {
        assert_eq!(read(&[("t", text)]).unwrap_err().to_string(), message);
    }
}
