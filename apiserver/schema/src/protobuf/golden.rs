//! Upstream's own samples: an object of each kind with all fields filled by rule, and the digest of its bytes as Go wrote
//! them (the files `testdata/HEAD/*.pb` of `k8s.io/api`).
//!
//! The rule: a string is its field's name and `Value`, a map has one key, the name and `Key`, a list has one item; numbers
//! are the field's number in protobuf, which years count from 2000, too.

use apiserver_api::tree::{Number, Tree, parse};
use sha2::{Digest as _, Sha256};

use super::{decode, object, open, type_of};
use crate::model::{Field, Shape, TypeId};
use crate::table::built_in;

/// Group version, kind, size, and the first 64 bits of the SHA-256 of each sample.
const SAMPLES: &str = include_str!("golden.txt");
/// What stands in fields that hold any object.
const RAW: &str =
    r#"{"apiVersion":"example.com/v1","kind":"CustomType","spec":{"replicas":1},"status":{"available":1}}"#;

fn sample(api_version: &str, kind: &str, id: TypeId) -> Tree {
    let mut tree = filled(id);
    tree.set("apiVersion", api_version);
    tree.set("kind", kind);
    tree
}

fn filled(id: TypeId) -> Tree {
    let fields = built_in().get(id).fields.iter();
    let fields = fields.filter(|field| field.number > 0);
    Tree::Map(
        fields
            .map(|field| (field.name.to_string(), value(field, &field.shape)))
            .collect(),
    )
}

fn value(field: &Field, shape: &Shape) -> Tree {
    let number = field.number;
    let text = format!("{}Value", field.name);
    match shape {
        Shape::Bool => Tree::Bool(true),
        Shape::Int32 | Shape::Int64 => Tree::Int(number.into()),
        Shape::Float => Tree::Number(Number::from(f64::from(number) + 0.5)),
        Shape::Text | Shape::IntOrString => text.into(),
        Shape::Bytes => super::leaf::of_bytes(&[u8::try_from(number).unwrap()]),
        Shape::Quantity => "0".into(),
        Shape::Time => format!("{}-01-01T01:01:01Z", 2000 + number).into(),
        Shape::MicroTime => format!("{}-01-01T01:01:01.{number:06}Z", 2000 + number).into(),
        Shape::Duration => "1ns".into(),
        Shape::Raw => parse(RAW.as_bytes()).unwrap().tree,
        Shape::FieldsV1 => Tree::map(),
        Shape::Struct(id) => filled(*id),
        Shape::List(item, _) => Tree::List(vec![value(field, item)]),
        Shape::Map(inner, _) => {
            let inner = match **inner {
                // The rule for times is not met within maps.
                Shape::Time => Tree::Null,
                ref other => value(field, other),
            };
            Tree::Map([(format!("{}Key", field.name), inner)].into_iter().collect())
        }
        Shape::Json | Shape::PropsOrArray | Shape::PropsOrBool | Shape::PropsOrStringArray => {
            panic!("no sample has a schema of a custom resource")
        }
    }
}

#[test]
fn all_samples_are_written_as_go_writes_them_and_read_back() {
    for line in SAMPLES.lines() {
        let [api_version, kind, size, digest] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let id = type_of(api_version, kind).unwrap();
        let sample = sample(api_version, kind, id);
        let bytes = object(&sample).unwrap();
        assert_eq!(bytes.len().to_string(), size, "{line}");
        assert_eq!(format!("{:x}", Sha256::digest(&bytes))[..16], *digest, "{line}");
        let envelope = open(&bytes).unwrap();
        assert_eq!((&*envelope.api_version, &*envelope.kind), (api_version, kind));
        let mut back = decode(id, envelope.raw).unwrap();
        back.set("apiVersion", api_version);
        back.set("kind", kind);
        assert_eq!(back, sample, "{line}");
    }
}

#[test]
fn all_kinds_of_upstream_s_package_have_a_sample() {
    let kinds = built_in()
        .iter()
        .filter(|(_, one)| one.typed && one.name.starts_with("io.k8s.api."));
    for (_, one) in kinds.filter(|(_, one)| !one.go.ends_with("List")) {
        let kind = format!(" {} ", one.go);
        let version = one.name.rsplit('.').nth(1).unwrap();
        let known = SAMPLES.lines().any(|line| line.contains(&format!("{version}{kind}")));
        assert!(known, "{}", one.name);
    }
}
