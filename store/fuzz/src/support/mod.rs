//! What several targets need: a runtime, machines with something in them, members, and nobody to talk to.

pub(crate) mod answering;
pub(crate) mod answers;
pub(crate) mod grpc;
pub(crate) mod leader;
pub(crate) mod machine;
pub(crate) mod member;
pub(crate) mod nobody;
pub(crate) mod sample;

use std::fmt::{Debug, Display};
use std::sync::OnceLock;

use bytes::Bytes;
use prost::Message;
use store_engine::{Engine, Order, Space};
use tokio::runtime::{Builder, Runtime};

/// The value, which must be there: what a promise says, or what a target itself needs.
pub(crate) fn must<T, E: Display>(what: &str, result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{what}: {error}"))
}

/// Waits for a future on the runtime of all targets, whose other tasks go on between inputs.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        must(
            "start a runtime",
            Builder::new_multi_thread().worker_threads(2).enable_all().build(),
        )
    });
    runtime.block_on(future)
}

/// Writes a message and reads it back, which must give the same message and the same bytes.
pub(crate) fn same_again<M: Message + Default + PartialEq + Debug>(message: &M) {
    let encoded = message.encode_to_vec();
    assert_eq!(message.encoded_len(), encoded.len(), "the length of {message:?}");
    let again = must(
        "read a message that was written",
        M::decode(Bytes::from(encoded.clone())),
    );
    assert_eq!(&again, message, "a message came back as another");
    assert_eq!(again.encode_to_vec(), encoded, "a message was written in two ways");
}

/// What an engine holds: space, key and value.
pub(crate) type Contents = Vec<(u8, Vec<u8>, Vec<u8>)>;

/// Everything that the spaces of the store hold.
///
/// # Errors
/// The engine's, where it cannot be read.
pub(crate) fn dump(engine: &dyn Engine) -> store_engine::Result<Contents> {
    let mut found = Vec::new();
    for space in 0..8 {
        let mut cursor = engine.scan(Space(space), b"", None, Order::Ascending);
        while cursor.valid() {
            found.push((space, cursor.key().to_vec(), cursor.value().to_vec()));
            cursor.advance();
        }
        cursor.status()?;
    }
    Ok(found)
}
