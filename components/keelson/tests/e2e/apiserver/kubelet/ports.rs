//! Forwarded ports: what is said to them comes back in upper case. Of the pod `mute` all are closed.

use std::collections::BTreeMap;

use super::spdy::{Connection, Frame};
use super::{Head, Shared, Stream, switch};

/// Answers in all connections that are forwarded.
pub(super) async fn serve(stream: Stream, shared: &Shared, head: &Head, pod: &str) {
    let Some(stream) = switch(stream, head).await else {
        return;
    };
    let mut connection = Connection::new(stream, &shared.tasks);
    let _ = speak(&mut connection, pod).await;
    shared.heard.lock().push("ports end".to_owned());
}

async fn speak(connection: &mut Connection, pod: &str) -> Option<()> {
    // Data streams and those for errors, which clients open first.
    let mut pairs: BTreeMap<u32, u32> = BTreeMap::new();
    let mut first = None;
    loop {
        match connection.next().await? {
            Frame::Open(id) => {
                connection.take(id).await?;
                let Some(errors) = first.take() else {
                    first = Some(id);
                    continue;
                };
                if pod == "mute" {
                    connection.say(errors, b"connection refused", true).await?;
                    connection.say(id, b"", true).await?;
                } else {
                    pairs.insert(id, errors);
                }
            }
            Frame::Data(id, bytes, is_last) => {
                let Some(errors) = pairs.get(&id).copied() else {
                    continue;
                };
                connection.say(id, &bytes.to_ascii_uppercase(), is_last).await?;
                if is_last {
                    connection.say(errors, b"", true).await?;
                }
            }
        }
    }
}
