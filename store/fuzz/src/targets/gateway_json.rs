//! JSON as the gateway takes it, against the descriptors of the API that are compiled in.
//!
//! An input: a byte that says which message, then the text. The gateway's own reading of bodies is behind the port, see
//! [`super::client_port`]; here is what it relies on.

use std::sync::OnceLock;

use prost::Message;
use prost_reflect::{DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor, SerializeOptions};
use serde_json::Value;

use crate::Verdict;
use crate::support::must;

/// Every request and answer of the API.
fn shapes() -> &'static [MessageDescriptor] {
    static SHAPES: OnceLock<Vec<MessageDescriptor>> = OnceLock::new();
    SHAPES.get_or_init(|| {
        let pool = must("read the descriptors", DescriptorPool::decode(proto::DESCRIPTORS));
        let mut shapes: Vec<MessageDescriptor> = Vec::new();
        for service in pool.services() {
            for method in service.methods() {
                for shape in [method.input(), method.output()] {
                    if !shapes.contains(&shape) {
                        shapes.push(shape);
                    }
                }
            }
        }
        shapes
    })
}

/// Reads a text as a message, and writes it in both forms.
///
/// # Panics
/// Where one of the two forms is another message.
pub fn run(data: &[u8]) -> Verdict {
    let Some((which, text)) = data.split_first() else {
        return Verdict::Refused;
    };
    let shape = &shapes()[usize::from(*which) % shapes().len()];
    let Ok(value) = serde_json::from_slice::<Value>(text) else {
        return Verdict::Refused;
    };
    let Some(message) = read(shape, value) else {
        return Verdict::Refused;
    };
    let encoded = message.encode_to_vec();
    let decoded = DynamicMessage::decode(shape.clone(), encoded.as_slice());
    let decoded = must("decode a message that was read from JSON", decoded);
    assert_eq!(
        decoded.encode_to_vec(),
        encoded,
        "{} has two encodings",
        shape.full_name()
    );
    let Some(again) = read(shape, written(&decoded)) else {
        panic!("{} cannot be read as it was written", shape.full_name());
    };
    assert_eq!(
        again.encode_to_vec(),
        encoded,
        "{} is another in JSON",
        shape.full_name()
    );
    Verdict::Understood
}

fn read(shape: &MessageDescriptor, value: Value) -> Option<DynamicMessage> {
    let options = DeserializeOptions::new().deny_unknown_fields(false);
    DynamicMessage::deserialize_with_options(shape.clone(), value, &options).ok()
}

fn written(message: &DynamicMessage) -> Value {
    let options = SerializeOptions::new()
        .stringify_64_bit_integers(true)
        .use_enum_numbers(false)
        .use_proto_field_name(true)
        .skip_default_fields(true);
    let written = message.serialize_with_options(serde_json::value::Serializer, &options);
    must("write a message as JSON", written)
}

fn seed(name: &str, text: &str) -> Vec<u8> {
    let at = shapes().iter().position(|shape| shape.full_name() == name);
    let mut seed = vec![must("find a message", at.ok_or(name)) as u8];
    seed.extend_from_slice(text.as_bytes());
    seed
}

/// Requests in both spellings, answers, and text that is hard to read.
pub fn seeds() -> Vec<Vec<u8>> {
    let deep = format!(
        "{}{}",
        r#"{"success":[{"requestTxn":"#.repeat(30),
        "{}".to_owned() + &"}]}".repeat(30)
    );
    vec![
        seed(
            "etcdserverpb.RangeRequest",
            r#"{"key":"Zm9v","range_end":"AA==","limit":"7","sort_order":"DESCEND","keysOnly":true,"x":{"a":[1]}}"#,
        ),
        seed(
            "etcdserverpb.PutRequest",
            r#"{"key":"Zm9v","value":"YmFy","lease":"-1","prev_kv":true,"ignoreValue":false}"#,
        ),
        seed(
            "etcdserverpb.TxnRequest",
            r#"{"compare":[{"result":"EQUAL","target":"CREATE","key":"Zm9v","createRevision":"2"}],
                "success":[{"requestPut":{"key":"Zm9v","value":"YmFy"}}],"failure":[{"request_range":{"key":"Zm9v"}}]}"#,
        ),
        seed("etcdserverpb.TxnRequest", &deep),
        seed(
            "etcdserverpb.WatchRequest",
            r#"{"create_request":{"key":"Zm9v","filters":["NOPUT",1],"start_revision":"9223372036854775807"}}"#,
        ),
        seed(
            "etcdserverpb.AuthRoleGrantPermissionRequest",
            r#"{"name":"r","perm":{"permType":"READWRITE","key":"Zm9v","range_end":""}}"#,
        ),
        seed(
            "etcdserverpb.RangeResponse",
            r#"{"header":{"cluster_id":"18446744073709551615"},"kvs":[{"key":"Zm9v","version":"2"}],"count":"1"}"#,
        ),
        seed(
            "etcdserverpb.AlarmRequest",
            r#"{"action":1,"memberID":"0","alarm":"NOSPACE"}"#,
        ),
        seed("v3lockpb.LockRequest", r#"{"name":"bG9jaw==","lease":1e3}"#),
    ]
}
