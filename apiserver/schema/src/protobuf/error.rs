//! Why bytes are no object, in the words of upstream's decoder.

use apiserver_api::tree::SyntaxError;
use thiserror::Error;

/// Why bytes are no object.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// There are none.
    #[error("empty data")]
    Nothing,
    /// They do not begin as all do.
    #[error("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")]
    Prefix,
    /// Nothing comes after the beginning.
    #[error("empty body")]
    Body,
    /// They stop too early.
    #[error("unexpected EOF")]
    End,
    /// A number of more than 64 bits.
    #[error("proto: integer overflow")]
    Overflow,
    /// A length of more than 63 bits.
    #[error("proto: negative length found during unmarshaling")]
    Length,
    /// A group ends that did not begin.
    #[error("proto: unexpected end of group")]
    GroupEnd,
    /// The same, where a field should be.
    #[error("proto: {message}: wiretype end group for non-group")]
    NoGroup {
        /// What Go calls the type.
        message: String,
    },
    /// A number that no field has.
    #[error("proto: {message}: illegal tag {number} (wire type {key})")]
    Tag {
        /// What Go calls the type.
        message: String,
        /// The number.
        number: i32,
        /// What was read, with the wire type in its last three bits.
        key: u64,
    },
    /// There is no such wire type.
    #[error("proto: illegal wireType {0}")]
    WireType(u8),
    /// A field is written in another way.
    #[error("proto: wrong wireType = {wire} for field {field}")]
    Field {
        /// The wire type.
        wire: u8,
        /// What Go calls the field, but for few that have another name in JSON.
        field: String,
    },
    /// Neither a number nor a string.
    #[error("impossible IntOrString.Type")]
    IntOrString,
    /// A moment that no document can tell.
    #[error("Time.MarshalJSON: year outside of range [0,9999]")]
    Time,
    /// A double that no document can tell.
    #[error("json: unsupported value: {0}")]
    Float(&'static str),
    /// What is kept as it is is no JSON.
    #[error(transparent)]
    Json(#[from] SyntaxError),
}
