//! The peer port as a socket: what members ask of each other, from anybody who reaches the port.
//!
//! An input: a byte that says which kind, then pieces. The first kind is what is sent, in pieces. Of the others the frames
//! are made here: a call is its name, its fields, one a line, and its messages; the second kind comes from nobody, the
//! third from a member of the cluster, who names both ends. All inputs meet one member, until one of them made it follow
//! somebody; then comes a new one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base::task::Tasks;
use parking_lot::Mutex;
use prometheus::Registry;
use prost::Message;
use proto::peer;
use store_node::{Member, MemoryIdentity, Parts, assemble};
use store_wire::{Channels, ChannelsOptions, Options, Server, bind};

use crate::support::grpc::{DATA, END_HEADERS, HEADERS, answered, block, call, frame, head, hello, send};
use crate::support::{block_on, leader, member, must, sample};
use crate::{Verdict, pieces};

/// A member that leads alone does so again within this, whatever term it has heard of.
const SOON: Duration = Duration::from_millis(500);
/// Who calls.
const OTHER: u64 = 9;
/// What is said of a call that was not read, see the client port, and to whom is no member of the cluster: that it is
/// removed, of another cluster, or was to say who it is.
const UNREAD: &[u8] = &[5, 9, 11, 12, 13];
/// How the reason begins for which a member ends that was given a state that is none.
const NONSENSE: &str = "when Write Snapshot(";

/// A member whose peer port is open.
struct Port {
    at: SocketAddr,
    member: Member,
    tasks: Tasks,
    /// Why the member cannot go on.
    fatal: Arc<Mutex<Option<String>>>,
    /// A member of the cluster has spoken to it.
    trusting: bool,
    _server: Server,
}

static PORT: Mutex<Option<Port>> = Mutex::new(None);

async fn open() -> Port {
    let (registry, tasks) = (Registry::new(), Tasks::new());
    let identity = Arc::new(MemoryIdentity::default());
    let fatal: Arc<Mutex<Option<String>>> = Arc::default();
    let told = Arc::clone(&fatal);
    let parts = Parts {
        on_fatal: Arc::new(move |why: &str| {
            told.lock().get_or_insert_with(|| why.to_owned());
        }),
        ..member::parts(member::config(), identity, &registry, &tasks)
    };
    let member = must("start a member", assemble(parts).await);
    must("wait until the member serves", member.ready().await);
    let channels = must(
        "prepare the channels",
        Channels::new(ChannelsOptions::default(), &Registry::new(), &tasks),
    );
    let server = must(
        "prepare the ports",
        Server::new(member.clone(), &registry, Options::default(), &tasks),
    );
    let bound = must("bind a port", bind("http://127.0.0.1:0").await);
    let at = bound.url().trim_start_matches("http://").parse::<SocketAddr>();
    server.peer(bound, None, &channels);
    Port {
        at: must("read an address", at),
        member,
        tasks,
        fatal,
        trusting: false,
        _server: server,
    }
}

impl Port {
    /// Ends the member; answers what it could not go on for.
    async fn end(self) -> Option<String> {
        self.member.shutdown().await;
        self.tasks.shutdown().await;
        self.fatal.lock().take()
    }
}

/// Whether a member may end for this. A leader is believed what the state is, and who was given one that is none cannot
/// go on; nobody else is believed anything.
fn may_end(why: &str, trusting: bool) -> bool {
    trusting && why.starts_with(NONSENSE)
}

async fn leads(member: &Member) -> bool {
    let mut status = member.raft_status();
    let led = status.wait_for(|status| status.leader == Some(member.id()));
    matches!(tokio::time::timeout(SOON, led).await, Ok(Ok(_)))
}

/// Sends an input and reads until the port is quiet.
///
/// # Panics
/// Where the port takes no more connections, and where a member ends for what it need not believe.
pub fn run(data: &[u8]) -> Verdict {
    let Some((which, rest)) = data.split_first() else {
        return Verdict::Refused;
    };
    let pieces: Vec<&[u8]> = pieces::split(rest).collect();
    let mut port = PORT.lock();
    let open = port.get_or_insert_with(|| block_on(open()));
    let sent = match which % 3 {
        0 => pieces.concat(),
        1 => framed(&pieces, ""),
        _ => {
            open.trusting = true;
            framed(&pieces, &ends(&open.member))
        }
    };
    let answer = send(open.at, &sent);
    let trusting = open.trusting;
    let goes_on = block_on(leads(&open.member)) && open.fatal.lock().is_none();
    if !goes_on
        && let Some(ended) = port.take()
        && let Some(why) = block_on(ended.end())
    {
        assert!(may_end(&why, trusting), "a member cannot go on: {why}");
    }
    Verdict::of(answer.starts_with(b"HTTP/1.1 2") || answered(&answer, UNREAD))
}

fn ends(member: &Member) -> String {
    let (cluster, me) = (member.cluster_id(), member.id());
    format!("keelson-cluster-id={cluster}\nkeelson-from={OTHER}\nkeelson-to={me}\n")
}

/// A whole call, out of its pieces.
fn framed(pieces: &[&[u8]], ends: &str) -> Vec<u8> {
    let text = |at: usize| pieces::text(pieces.get(at).copied().unwrap_or_default());
    let path = format!("/keelson.peer.v1.Peer/{}", text(0));
    call(
        &path,
        &(ends.to_owned() + &text(1)),
        pieces.get(2..).unwrap_or_default(),
    )
}

/// A call whose message is announced with this length and does not come.
fn announced(name: &str, bytes: u32) -> Vec<u8> {
    let mut out = hello();
    let path = format!("/keelson.peer.v1.Peer/{name}");
    out.extend(frame(HEADERS, END_HEADERS, 1, &block(false, &head(&path, "localhost"))));
    let mut length = vec![0];
    length.extend_from_slice(&bytes.to_be_bytes());
    out.extend(frame(DATA, 0, 1, &length));
    out
}

/// Every call, with what its messages may be.
fn calls() -> Vec<(&'static str, &'static str, Vec<Vec<u8>>)> {
    let vote = peer::VoteRequest {
        vote: Some(peer::Vote {
            committed: false,
            ..leader::vote()
        }),
        last_log_id: Some(leader::at(7)),
        leadership_transfer: false,
    };
    let transfer = peer::TransferLeaderRequest {
        vote: Some(leader::vote()),
        to: OTHER,
        last_log_id: Some(leader::at(7)),
    };
    let own = |mut command: proto::store::Command| {
        command.origin = OTHER;
        command.encode_to_vec().into()
    };
    let commands = sample::commands().into_iter().map(own).collect();
    let propose = peer::ProposeRequest { commands }.encode_to_vec();
    let offer = leader::offer(b"state");
    let chunks = [
        peer::SnapshotChunk {
            head: Some(offer.clone()),
            ..peer::SnapshotChunk::default()
        },
        peer::SnapshotChunk {
            data: b"state".as_slice().into(),
            ..peer::SnapshotChunk::default()
        },
    ];
    vec![
        ("ClusterInfo", "", vec![Vec::new()]),
        ("ClusterInfo", "", vec![vec![8, 1]]),
        ("Append", "", vec![leader::append().encode_to_vec()]),
        ("Vote", "", vec![vote.encode_to_vec()]),
        ("PreVote", "", vec![vote.encode_to_vec()]),
        ("TransferLeader", "", vec![transfer.encode_to_vec()]),
        ("SnapshotOffer", "", vec![offer.encode_to_vec()]),
        ("Snapshot", "", chunks.iter().map(Message::encode_to_vec).collect()),
        ("Propose", "", vec![propose.clone(), propose.clone()]),
        ("Propose", "grpc-encoding=gzip", vec![propose]),
        ("ReadIndex", "grpc-timeout=100m", vec![Vec::new()]),
        ("LeaseKeepAlive", "", vec![vec![8, 77]]),
        ("LeaseTimeToLive", "", vec![vec![8, 77, 16, 1]]),
        ("Hashes", "", vec![vec![8, 1]]),
        ("Hashes", "", vec![Vec::new()]),
        ("Nothing", "", vec![Vec::new()]),
    ]
}

/// Every call from a member and from nobody, pages, and messages that are only announced.
pub fn seeds() -> Vec<Vec<u8>> {
    let seed = |which: u8, pieces: &[Vec<u8>]| [&[which][..], &pieces::join(pieces)].concat();
    let mut seeds = Vec::new();
    for (name, fields, messages) in calls() {
        let mut pieces = vec![name.as_bytes().to_vec(), fields.as_bytes().to_vec()];
        pieces.extend(messages);
        seeds.push(seed(2, &pieces));
    }
    seeds.push(seed(1, &[b"ClusterInfo".to_vec(), Vec::new(), Vec::new()]));
    seeds.push(seed(1, &[b"Vote".to_vec(), Vec::new(), Vec::new()]));
    for path in ["/members", "/version", "/raft"] {
        let page = format!("GET {path} HTTP/1.1\r\nHost: localhost:2380\r\nConnection: close\r\n\r\n");
        seeds.push(seed(0, &[page.into_bytes()]));
    }
    for bytes in [u32::MAX, 4 << 10, 1 << 30] {
        seeds.push(seed(0, &[announced("ClusterInfo", bytes)]));
    }
    seeds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_trusts_may_end_and_only_for_a_state_that_is_none() {
        let seed = |which: u8| {
            let (_, _, messages) = calls().into_iter().find(|(name, _, _)| *name == "Snapshot").unwrap();
            let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
            [
                &[which][..],
                &pieces::join([&[b"Snapshot".as_slice(), b""], &messages[..]].concat()),
            ]
            .concat()
        };
        assert_eq!(run(&seed(1)), Verdict::Refused, "from nobody");
        assert!(PORT.lock().as_ref().is_some_and(|port| port.fatal.lock().is_none()));
        let mut port = block_on(open());
        let sent = seed(2);
        let pieces: Vec<&[u8]> = pieces::split(&sent[1..]).collect();
        send(port.at, &framed(&pieces, &ends(&port.member)));
        port.trusting = true;
        let why = block_on(port.end()).unwrap();
        assert!(may_end(&why, true), "{why}");
        assert!(!may_end(&why, false));
        assert!(!may_end("when Write Logs: no space", true));
        assert!(!may_end("the log failed: no space", true));
    }

    #[test]
    fn a_stranger_gets_no_answer() {
        let call = |which: u8, name: &str| {
            let pieces = pieces::join([name.as_bytes(), b"", &[]]);
            run(&[&[which][..], &pieces].concat())
        };
        assert_eq!(call(1, "ClusterInfo"), Verdict::Understood);
        assert_eq!(call(1, "ReadIndex"), Verdict::Refused);
        assert_eq!(call(2, "ReadIndex"), Verdict::Understood);
        assert_eq!(call(2, "Nothing"), Verdict::Refused);
    }
}
