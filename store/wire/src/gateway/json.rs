//! Messages as JSON, in the form upstream's gateway gives them.
//!
//! Names are those of the `.proto` files (either form is read), 64-bit numbers are strings, enums are names, bytes are
//! base64, and what has its default value is left out. Unknown names are skipped.

use bytes::{Buf, Bytes, BytesMut};
use http::StatusCode;
use prost::Message;
use prost_reflect::{DeserializeOptions, DynamicMessage, MessageDescriptor, SerializeOptions};
use serde_json::{Value, json};
use tonic::{Code, Status};

const READ: DeserializeOptions = DeserializeOptions::new().deny_unknown_fields(false);

const fn write() -> SerializeOptions {
    SerializeOptions::new()
        .stringify_64_bit_integers(true)
        .use_enum_numbers(false)
        .use_proto_field_name(true)
        .skip_default_fields(true)
}

fn unreadable(error: &dyn std::fmt::Display) -> Status {
    Status::invalid_argument(error.to_string())
}

/// Takes the first value out of a buffer of JSON text. Nothing: more bytes are needed.
fn next_value(buffer: &mut BytesMut) -> Result<Option<Value>, Status> {
    let mut values = serde_json::Deserializer::from_slice(buffer).into_iter::<Value>();
    match values.next() {
        Some(Ok(value)) => {
            let taken = values.byte_offset();
            buffer.advance(taken);
            Ok(Some(value))
        }
        Some(Err(error)) if !error.is_eof() => Err(unreadable(&error)),
        _ => Ok(None),
    }
}

/// Takes the first message out of a buffer of JSON text, encoded. Nothing: more bytes are needed.
pub(super) fn next_message(buffer: &mut BytesMut, shape: &MessageDescriptor) -> Result<Option<Bytes>, Status> {
    let Some(value) = next_value(buffer)? else {
        return Ok(None);
    };
    let message =
        DynamicMessage::deserialize_with_options(shape.clone(), value, &READ).map_err(|error| unreadable(&error))?;
    Ok(Some(message.encode_to_vec().into()))
}

/// Whether nothing but white space is left.
pub(super) fn is_blank(buffer: &[u8]) -> bool {
    buffer.iter().all(u8::is_ascii_whitespace)
}

/// The message of a whole body; an empty body is an empty message, and what follows the first value is not read.
pub(super) fn whole(body: Bytes, shape: &MessageDescriptor) -> Result<Bytes, Status> {
    if is_blank(&body) {
        return Ok(Bytes::new());
    }
    next_message(&mut BytesMut::from(body), shape)?.ok_or_else(|| Status::invalid_argument("unexpected EOF"))
}

/// An encoded message as JSON text, fields in the order of their numbers.
pub(super) fn written(message: Bytes, shape: &MessageDescriptor) -> Result<String, Status> {
    let internal = |error: &dyn std::fmt::Display| Status::internal(error.to_string());
    let message = DynamicMessage::decode(shape.clone(), message).map_err(|error| internal(&error))?;
    let mut text = Vec::new();
    message
        .serialize_with_options(&mut serde_json::Serializer::new(&mut text), &write())
        .map_err(|error| internal(&error))?;
    String::from_utf8(text).map_err(|error| internal(&error))
}

/// A refusal as the body of an answer. Old and new forms of upstream's gateway at once: both keys, the same text.
pub(super) fn refusal(status: &Status) -> Value {
    json!({
        "error": status.message(),
        "code": status.code() as i32,
        "message": status.message(),
        "details": [],
    })
}

/// A refusal in the middle of a stream.
pub(super) fn refusal_in_stream(status: &Status) -> Value {
    let http = http_status(status.code());
    json!({
        "error": {
            "grpc_code": status.code() as i32,
            "http_code": http.as_u16(),
            "http_status": http.canonical_reason().unwrap_or_default(),
            "code": status.code() as i32,
            "message": status.message(),
            "details": [],
        }
    })
}

/// The HTTP status of a gRPC code.
pub(super) fn http_status(code: Code) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        Code::Cancelled => StatusCode::from_u16(499).unwrap_or(StatusCode::REQUEST_TIMEOUT),
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => StatusCode::BAD_REQUEST,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Unknown | Code::Internal | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost_reflect::DescriptorPool;

    fn shape(name: &str) -> MessageDescriptor {
        DescriptorPool::decode(proto::DESCRIPTORS)
            .unwrap()
            .get_message_by_name(name)
            .unwrap()
    }

    fn read<M: Message + Default>(name: &str, text: &str) -> M {
        M::decode(whole(Bytes::from(text.to_owned()), &shape(name)).unwrap()).unwrap()
    }

    #[test]
    fn both_spellings_and_both_numbers_are_read() {
        use proto::etcd::{RangeRequest, range_request::SortOrder};
        for text in [
            r#"{"key":"Zm9v","range_end":"AA==","limit":"7","sort_order":"DESCEND","keys_only":true}"#,
            r#"{"key":"Zm9v","rangeEnd":"AA==","limit":7,"sortOrder":2,"keysOnly":true,"unknown":{"a":[1]}}"#,
            " \n{\"key\":\"Zm9v\",\"rangeEnd\":\"AA\",\"limit\":7,\"sortOrder\":2,\"keysOnly\":true}\n{}",
        ] {
            let request: RangeRequest = read("etcdserverpb.RangeRequest", text);
            assert_eq!(request.key, "foo");
            assert_eq!(request.range_end, "\0");
            assert_eq!(request.limit, 7);
            assert_eq!(request.sort_order(), SortOrder::Descend);
            assert!(request.keys_only);
        }
        assert_eq!(
            read::<RangeRequest>("etcdserverpb.RangeRequest", ""),
            RangeRequest::default()
        );
    }

    #[test]
    fn answers_are_written_as_upstream_writes_them() {
        use proto::etcd::{AlarmMember, AlarmResponse, AlarmType, RangeResponse, ResponseHeader};
        let header = ResponseHeader {
            cluster_id: u64::MAX,
            member_id: 1,
            revision: 5,
            raft_term: 2,
        };
        let kv = proto::mvcc::KeyValue {
            key: "foo".into(),
            value: "bar".into(),
            create_revision: 2,
            mod_revision: 3,
            version: 2,
            lease: 0,
        };
        let range = RangeResponse {
            header: Some(header),
            kvs: vec![(&kv).into()],
            more: false,
            count: 1,
        };
        // As etcd 3.4.23 answered, but for the ids.
        assert_eq!(
            written(range.encode_to_vec().into(), &shape("etcdserverpb.RangeResponse")).unwrap(),
            concat!(
                r#"{"header":{"cluster_id":"18446744073709551615","member_id":"1","revision":"5","raft_term":"2"},"#,
                r#""kvs":[{"key":"Zm9v","create_revision":"2","mod_revision":"3","version":"2","value":"YmFy"}],"#,
                r#""count":"1"}"#
            )
        );
        let alarm = AlarmMember {
            member_id: 1,
            alarm: AlarmType::Nospace.into(),
        };
        let alarms = AlarmResponse {
            header: None,
            alarms: vec![alarm],
        };
        assert_eq!(
            written(alarms.encode_to_vec().into(), &shape("etcdserverpb.AlarmResponse")).unwrap(),
            r#"{"alarms":[{"memberID":"1","alarm":"NOSPACE"}]}"#
        );
    }

    #[test]
    fn every_code_has_its_http_status() {
        // As in grpc-gateway 2, which etcd has from 3.6 on; before, a failed precondition was 412.
        let statuses = [
            200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401,
        ];
        for (code, status) in (0..).zip(statuses) {
            assert_eq!(http_status(Code::from_i32(code)).as_u16(), status, "{code}");
        }
    }

    #[test]
    fn a_stream_of_values_is_cut_into_messages() {
        let shape = shape("etcdserverpb.WatchRequest");
        let mut buffer = BytesMut::from(&b"{\"create_request\":{\"key\":\"Zm9v\"}}\n {\"progress_requ"[..]);
        assert!(next_message(&mut buffer, &shape).unwrap().is_some());
        assert!(next_message(&mut buffer, &shape).unwrap().is_none());
        buffer.extend_from_slice(b"est\":{}} ");
        assert!(next_message(&mut buffer, &shape).unwrap().is_some());
        assert!(next_message(&mut buffer, &shape).unwrap().is_none());
        assert!(is_blank(&buffer));
        let error = next_message(&mut BytesMut::from(&b"{bad"[..]), &shape).unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
    }
}
