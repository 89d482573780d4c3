//! Lists of many pods, in every form that clients ask for.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use base::task::Tasks;
use bytes::Bytes;
use http::{Method, header};

use super::{Phase, Unit, bulk, closed};
use crate::api::client::{Answer, Ask, Connection, text};
use crate::api::report::{BYTES_PER_ANSWER, COMPRESSED, Group};
use crate::api::server::Side;
use crate::load::{Client, Done, Turn};
use crate::report::Outcome;
use crate::rpc::Fault;

/// Objects of a page.
const PAGE: u64 = 500;
const PATH: &str = "/api/v1/pods";

/// How a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Whole,
    /// With `resourceVersion=0`: what any cache has, however old. Servers before 1.31 ask their store for every other list.
    Cached,
    Metadata,
    Table,
    Paged,
    /// With a selector that no pod matches.
    Nothing,
}

impl Form {
    /// All of them.
    pub(crate) const ALL: &'static [Self] = &[
        Self::Whole,
        Self::Cached,
        Self::Metadata,
        Self::Table,
        Self::Paged,
        Self::Nothing,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Whole => "JSON",
            Self::Cached => "JSON, resourceVersion=0",
            Self::Metadata => "metadata",
            Self::Table => "table",
            Self::Paged => "pages of 500",
            Self::Nothing => "selector that matches nothing",
        }
    }

    fn accept(self) -> &'static str {
        match self {
            Self::Whole | Self::Cached | Self::Paged | Self::Nothing => "application/json",
            Self::Metadata => "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
            Self::Table => "application/json;as=Table;g=meta.k8s.io;v=v1",
        }
    }

    fn query(self) -> String {
        match self {
            Self::Whole | Self::Metadata | Self::Table => String::new(),
            Self::Cached => "?resourceVersion=0".to_owned(),
            Self::Paged => format!("?limit={PAGE}"),
            Self::Nothing => "?labelSelector=keelson-bench%3Dnothing".to_owned(),
        }
    }
}

/// Lists of so many pods in one form.
pub(crate) struct Lists {
    pub(crate) pods: u64,
    pub(crate) nodes: u64,
    pub(crate) form: Form,
    pub(crate) gzip: bool,
    pub(crate) clients: usize,
    pub(crate) duration: Duration,
}

#[async_trait]
impl Unit for Lists {
    fn name(&self) -> String {
        let gzip = if self.gzip { ", gzip" } else { "" };
        format!("{} pods, {}{gzip}", self.pods, self.form.name())
    }

    fn group(&self) -> Group {
        Group::Lists
    }

    async fn run(&self, side: &mut Side, phases: &mut Vec<Phase>) -> anyhow::Result<()> {
        phases.extend(bulk::fill(side, self.pods, self.nodes).await?);
        let group = side.group();
        let outcome = self.load(side, &group).await;
        group.shutdown().await;
        phases.push(Phase {
            name: self.name(),
            outcome: outcome?,
        });
        Ok(())
    }
}

impl Lists {
    async fn load(&self, side: &Side, group: &Tasks) -> anyhow::Result<Outcome> {
        let dialer = side.dialer(group);
        let mut headers = vec![(header::ACCEPT, self.form.accept())];
        if self.gzip {
            headers.push((header::ACCEPT_ENCODING, "gzip"));
        }
        let shared = Arc::new(Shared {
            ask: dialer.ask(Method::GET, &headers),
            form: self.form,
            expected: if self.form == Form::Nothing { 0 } else { side.pods },
            bytes: AtomicU64::new(0),
            compressed: AtomicBool::new(false),
        });
        let mut clients = Vec::new();
        for _ in 0..self.clients.max(1) {
            let mut connection = Connection::new(dialer.clone());
            connection.open().await?;
            clients.push(Lister {
                shared: Arc::clone(&shared),
                connection,
                answer: Answer::default(),
                checked: false,
            });
        }
        let mut outcome = side.load(&closed(self.duration), "list", clients, group).await?;
        let bytes = shared.bytes.load(Ordering::Relaxed) as f64;
        outcome.set(BYTES_PER_ANSWER, bytes / outcome.requests as f64);
        if self.gzip {
            let compressed = shared.compressed.load(Ordering::Relaxed);
            outcome.set(COMPRESSED, f64::from(u8::from(compressed)));
        }
        Ok(outcome)
    }
}

/// What all clients have in common.
struct Shared {
    ask: Ask,
    form: Form,
    /// Pods that a list must have at least.
    expected: u64,
    bytes: AtomicU64,
    compressed: AtomicBool,
}

/// One client.
struct Lister {
    shared: Arc<Shared>,
    connection: Connection,
    answer: Answer,
    /// Whether an answer was looked into; counting objects costs time, so only one is.
    checked: bool,
}

impl Client for Lister {
    async fn step(&mut self, _: Turn) -> Result<Done, Fault> {
        let shared = Arc::clone(&self.shared);
        let mut path = format!("{PATH}{}", shared.form.query());
        let (mut objects, mut bytes, mut compressed) = (0, 0, false);
        self.answer.count_objects(!self.checked);
        loop {
            self.connection
                .call(&shared.ask, path.into(), Bytes::new(), &mut self.answer)
                .await?;
            objects += self.answer.objects;
            bytes += self.answer.bytes;
            compressed |= self.answer.compressed;
            let token = match shared.form {
                Form::Paged => text(&self.answer.first(), "continue").map(escaped).unwrap_or_default(),
                _ => String::new(),
            };
            if token.is_empty() {
                break;
            }
            path = format!("{PATH}{}&continue={token}", shared.form.query());
        }
        shared.bytes.fetch_add(bytes, Ordering::Relaxed);
        if compressed {
            shared.compressed.store(true, Ordering::Relaxed);
        } else if !self.checked && objects < shared.expected {
            let expected = shared.expected;
            return Err(Fault::Broken(format!("a list held {objects} of the {expected} pods")));
        }
        self.checked = true;
        Ok(Done::default())
    }
}

/// A text as the value of a parameter.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            escaped.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_escaped() {
        assert_eq!(escaped("aZ0-._~"), "aZ0-._~");
        assert_eq!(escaped("a=b&c+d/é"), "a%3Db%26c%2Bd%2F%C3%A9");
    }

    #[test]
    fn forms_differ_in_what_they_ask_for() {
        let asked: Vec<_> = Form::ALL.iter().map(|form| (form.accept(), form.query())).collect();
        for (place, one) in asked.iter().enumerate() {
            assert!(!asked[..place].contains(one), "{one:?}");
        }
    }
}
