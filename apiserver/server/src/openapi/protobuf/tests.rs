//! Messages byte by byte.

use apiserver_api::tree::{Tree, parse};

use super::document;
use crate::openapi::Dialect;

fn tree(json: &str) -> Tree {
    parse(json.as_bytes()).unwrap().tree
}

/// A field with a length, below 128 bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    // Numbers from 16 on take two bytes.
    if number < 16 {
        out.push(number << 3 | 2);
    } else {
        out.extend_from_slice(&[number << 3 | 2 | 0x80, number >> 4]);
    }
    out.push(content.len() as u8);
    out.extend_from_slice(content);
    out
}

fn all(parts: &[Vec<u8>]) -> Vec<u8> {
    parts.concat()
}

#[test]
fn a_definition_keeps_its_type_reference_and_extensions() {
    let bytes = document(
        Dialect::V2,
        &tree(r##"{"definitions":{"A":{"type":"object","x-k":"v","properties":{"b":{"$ref":"#/definitions/B"}}}}}"##),
    );
    let reference = all(&[field(1, b"b"), field(2, &field(1, b"#/definitions/B"))]);
    let extension = all(&[field(1, b"x-k"), field(2, &field(2, b"v\n"))]);
    let schema = all(&[
        field(22, &field(1, b"object")),
        field(25, &field(1, &reference)),
        field(31, &extension),
    ]);
    let named = all(&[field(1, b"A"), field(2, &schema)]);
    assert_eq!(bytes, field(9, &field(1, &named)));
}

#[test]
fn a_parameter_stands_in_the_messages_of_its_place() {
    let bytes = document(
        Dialect::V2,
        &tree(
            r##"{"paths":{"/a":{"parameters":[{"$ref":"#/parameters/p"},{"in":"path","name":"n","required":true}]}}}"##,
        ),
    );
    let reference = field(2, &field(1, b"#/parameters/p"));
    let own = all(&[vec![8, 1], field(2, b"path"), field(4, b"n")]);
    let own = field(1, &field(2, &field(4, &own)));
    let item = all(&[field(9, &reference), field(9, &own)]);
    let path = all(&[field(1, b"/a"), field(2, &item)]);
    assert_eq!(bytes, field(8, &field(2, &path)));
}

#[test]
fn a_default_is_a_scalar_or_nothing() {
    let bytes = |default: &str| {
        let json = format!(r#"{{"components":{{"schemas":{{"A":{{"default":{default}}}}}}}}}"#);
        document(Dialect::V3, &tree(&json))
    };
    let around = |default: &[u8]| {
        let schema = field(1, &field(33, default));
        let named = all(&[field(1, b"A"), field(2, &schema)]);
        field(5, &field(1, &field(1, &named)))
    };
    assert_eq!(bytes("{}"), around(b""));
    assert_eq!(bytes(r#""x""#), around(&field(3, b"x")));
    assert_eq!(bytes("true"), around(&[16, 1]));
    assert_eq!(bytes("1"), around(&[9, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]));
}

#[test]
fn a_length_of_more_than_a_byte_is_a_varint() {
    let bytes = document(Dialect::V3, &tree(&format!(r#"{{"openapi":"{}"}}"#, "x".repeat(300))));
    assert_eq!((&bytes[..3], bytes.len()), ([0x0a, 0xac, 0x02].as_slice(), 303));
}
