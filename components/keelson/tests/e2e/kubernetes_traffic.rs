//! What a kube-apiserver sends, request by request, to etcd and to Keelson: the answers must be the same in every field.
//!
//! The shapes are those of its storage layer: writes are transactions on the revision of one key, lists are pages pinned
//! to a revision, watches of one client share a stream and ask for previous values and for progress.

use std::fmt::Debug;

use etcd_client::{
    Client, CompactionOptions, Compare, CompareOp, ConnectOptions, DeleteOptions, Error, GetOptions, PutOptions, Txn,
    TxnOp, WatchOptions, WatchStream,
};
use regex::Regex;

use crate::harness::{Cluster, Kind, LONG, Setup, skip, tools};

const PODS: &str = "/registry/pods/";
const SERVICES: &str = "/registry/services/";
const EVENTS: &str = "/registry/events/";
/// Behind the last key of a prefix: `/` is followed by `0`.
const PODS_END: &str = "/registry/pods0";
const COMPACTION: &str = "compact_rev_key";

/// One side, and all that it has answered.
struct Side {
    client: Client,
    answers: Vec<(String, String)>,
    /// Numbers that the server chose, by the names they get.
    chosen: Vec<(i64, &'static str)>,
}

impl Side {
    async fn new(cluster: &Cluster) -> Self {
        let options = ConnectOptions::new().with_require_leader(true);
        Self {
            client: Client::connect(cluster.endpoints(), Some(options)).await.unwrap(),
            answers: Vec::new(),
            chosen: Vec::new(),
        }
    }

    /// Takes an answer down: every field of it, but of the ids of cluster, member, term and lease only that they are there.
    fn note<T: Debug>(&mut self, what: &str, answer: Result<T, Error>) -> Option<T> {
        let text = match &answer {
            Ok(answer) => format!("{answer:#?}"),
            Err(Error::GRpcStatus(status)) => format!("{:?}: {}", status.code(), status.message()),
            Err(error) => panic!("{what}: {error}"),
        };
        let ids = Regex::new(r"\b(cluster_id|member_id|raft_term): [1-9]\d*").unwrap();
        let mut text = ids.replace_all(&text, "$1: _").into_owned();
        for (number, name) in &self.chosen {
            text = text.replace(&number.to_string(), name);
        }
        self.answers.push((what.to_owned(), text));
        answer.ok()
    }

    /// A write of one object: if it still has this revision (0 = it is not there) do that, else show it.
    async fn optimistic(&mut self, what: &str, key: &str, revision: i64, write: TxnOp, show: bool) -> i64 {
        let unchanged = Compare::mod_revision(key, CompareOp::Equal, revision);
        let mut txn = Txn::new().when([unchanged]).and_then([write]);
        if show {
            txn = txn.or_else([TxnOp::get(key, None)]);
        }
        let answer = self.client.txn(txn).await;
        let answer = self.note(what, answer).unwrap();
        answer.header().unwrap().revision()
    }

    async fn create(&mut self, what: &str, key: &str, value: &str, lease: i64) -> i64 {
        let put = TxnOp::put(key, value, Some(PutOptions::new().with_lease(lease)));
        self.optimistic(what, key, 0, put, false).await
    }

    async fn update(&mut self, what: &str, key: &str, revision: i64, value: &str) -> i64 {
        self.optimistic(what, key, revision, TxnOp::put(key, value, None), true)
            .await
    }

    async fn delete(&mut self, what: &str, key: &str, revision: i64) -> i64 {
        let delete = TxnOp::delete(key, Some(DeleteOptions::new()));
        self.optimistic(what, key, revision, delete, true).await
    }

    async fn get(&mut self, what: &str, key: &str, options: GetOptions) -> Option<etcd_client::GetResponse> {
        let answer = self.client.get(key, Some(options)).await;
        self.note(what, answer)
    }

    /// The next message of a stream, taken down.
    async fn next(&mut self, what: &str, stream: &mut WatchStream) -> etcd_client::WatchResponse {
        let message = tokio::time::timeout(LONG, stream.message()).await;
        let message = message.unwrap_or_else(|_| panic!("{what}: the stream says nothing"));
        self.note(what, message.map(Option::unwrap)).unwrap()
    }
}

fn list() -> GetOptions {
    GetOptions::new().with_range(PODS_END)
}

/// Objects come, change and go.
async fn objects(side: &mut Side) {
    side.get("health check", "/registry/health", GetOptions::new()).await;
    let pod = &format!("{PODS}default/a");
    let created = side.create("create", pod, "v1", 0).await;
    side.create("create what is there", pod, "v1", 0).await;
    side.get("get", pod, GetOptions::new()).await;
    side.get(
        "get what is not there",
        "/registry/pods/default/none",
        GetOptions::new(),
    )
    .await;
    let updated = side.update("update", pod, created, "v2").await;
    side.update("update of an old revision", pod, created, "v3").await;
    side.get("get of the past", pod, GetOptions::new().with_revision(created))
        .await;
    side.delete("delete of an old revision", pod, created).await;
    side.delete("delete", pod, updated).await;
    side.delete("delete what is gone", pod, updated).await;
    side.update("update of what is gone", pod, updated, "v4").await;
    side.create("create again", pod, "v5", 0).await;
    side.get("get of the future", pod, GetOptions::new().with_revision(1_000_000))
        .await;
}

/// Pages pinned to the revision of the first, while others write.
async fn lists(side: &mut Side) {
    for n in 0..12 {
        let key = format!("{PODS}ns{}/p{n:02}", n % 3);
        side.create("one of many", &key, "pod", 0).await;
    }
    let first = side.get("first page", PODS, list().with_limit(5)).await.unwrap();
    let pinned = first.header().unwrap().revision();
    let last = first.kvs().last().unwrap().clone();
    side.create("between the pages", &format!("{PODS}ns9/late"), "late", 0)
        .await;
    side.delete("and one is deleted", last.key_str().unwrap(), last.mod_revision())
        .await;
    let mut from = first;
    loop {
        let next = [from.kvs().last().unwrap().key(), b"\0"].concat();
        let options = list().with_limit(5).with_revision(pinned);
        let answer = side.client.get(next, Some(options)).await;
        from = side.note("next page", answer).unwrap();
        if !from.more() {
            break;
        }
    }
    side.get("all", PODS, list()).await;
    side.get("all, from this member's own data", PODS, list().with_serializable())
        .await;
    side.get("all of the past", PODS, list().with_revision(pinned)).await;
    side.get("count", PODS, list().with_count_only()).await;
    side.get("keys", PODS, list().with_keys_only()).await;
    side.get(
        "nothing of a kind",
        "/registry/secrets/",
        GetOptions::new().with_prefix(),
    )
    .await;
    side.get(
        "a page of the future",
        PODS,
        list().with_limit(5).with_revision(1_000_000),
    )
    .await;
}

/// Many objects hang on one lease, which is granted and then left alone.
async fn leases(side: &mut Side) {
    let lease = side.client.lease_grant(3660, None).await;
    let id = lease.as_ref().unwrap().id();
    side.chosen.push((id, "LEASE"));
    side.note("lease", lease);
    let event = format!("{EVENTS}default/e1");
    let created = side.create("an event with the lease", &event, "1", id).await;
    side.create("another with the same lease", &format!("{EVENTS}default/e2"), "1", id)
        .await;
    side.get("both", EVENTS, GetOptions::new().with_prefix()).await;
    side.update("updated without the lease", &event, created, "2").await;
    let key = format!("{EVENTS}default/e3");
    let put = TxnOp::put(&*key, "1", Some(PutOptions::new().with_lease(4711)));
    let absent = Compare::mod_revision(&*key, CompareOp::Equal, 0);
    let refused = side.client.txn(Txn::new().when([absent]).and_then([put])).await;
    side.note("with a lease that is not there", refused);
}

/// Two watches on one stream, with previous values and progress.
async fn watches(side: &mut Side) {
    let now = side.get("where to start", PODS, list()).await.unwrap();
    let from = now.header().unwrap().revision() + 1;
    let options = |from| {
        WatchOptions::new()
            .with_prefix()
            .with_start_revision(from)
            .with_prev_key()
            .with_progress_notify()
    };
    let mut stream = side.client.watch(PODS, Some(options(from))).await.unwrap();
    side.next("watch", &mut stream).await;
    stream.watch(SERVICES, Some(options(from))).await.unwrap();
    side.next("another on the stream", &mut stream).await;

    let (pod, service) = (format!("{PODS}watched/a"), format!("{SERVICES}watched/a"));
    let created = side.create("create what is watched", &pod, "1", 0).await;
    side.next("created", &mut stream).await;
    side.create("create for the other watch", &service, "1", 0).await;
    side.next("created for the other", &mut stream).await;
    let updated = side.update("update what is watched", &pod, created, "2").await;
    side.next("updated", &mut stream).await;
    side.update("a conflict is no event", &pod, created, "3").await;
    side.delete("delete what is watched", &pod, updated).await;
    side.next("deleted", &mut stream).await;

    // Revisions without an event for any watch: only progress tells of them.
    side.create("what nobody watches", "/registry/nodes/n", "1", 0).await;
    stream.request_progress().await.unwrap();
    let progress = side.next("progress when asked for", &mut stream).await;
    assert_eq!((progress.watch_id(), progress.events().len()), (-1, 0));

    // A watch cache that starts again reads what it missed.
    let mut behind = side.client.watch(PODS, Some(options(created))).await.unwrap();
    side.next("watch from the past", &mut behind).await;
    let mut missed = Vec::new();
    while missed.len() < 3 {
        let message = tokio::time::timeout(LONG, behind.message()).await.unwrap();
        missed.extend(message.unwrap().unwrap().events().to_vec());
    }
    side.note("missed", Ok(missed));
}

/// Progress by itself, as often as the member was told.
async fn progress(side: &mut Side) {
    let options = WatchOptions::new().with_prefix().with_prev_key().with_progress_notify();
    let mut stream = side.client.watch(PODS, Some(options)).await.unwrap();
    side.next("an idle watch", &mut stream).await;
    side.next("its progress", &mut stream).await;
}

/// The compactor: whoever wins the transaction compacts.
async fn compaction(side: &mut Side) {
    let round = |version: i64, revision: i64| {
        Txn::new()
            .when([Compare::version(COMPACTION, CompareOp::Equal, version)])
            .and_then([TxnOp::put(COMPACTION, revision.to_string(), None)])
            .or_else([TxnOp::get(COMPACTION, None)])
    };
    let options = WatchOptions::new();
    let mut stream = side.client.watch(COMPACTION, Some(options)).await.unwrap();
    side.next("watch of the compaction", &mut stream).await;
    let first = side.client.txn(round(0, 0)).await;
    let first = side.note("first round", first).unwrap();
    side.next("and its event", &mut stream).await;
    let revision = first.header().unwrap().revision();
    let lost = side.client.txn(round(0, 0)).await;
    side.note("a round that another won", lost);
    let won = side.client.txn(round(1, revision)).await;
    side.note("second round", won);
    let compacted = side.client.compact(revision, Some(CompactionOptions::new())).await;
    side.note("compaction", compacted);
    for (what, revision) in [("the same again", revision), ("of the future", 1_000_000)] {
        let refused = side.client.compact(revision, None).await;
        side.note(what, refused);
    }
    side.get(
        "a list at the compaction",
        PODS,
        list().with_limit(3).with_revision(revision),
    )
    .await;
    side.get(
        "a list before it",
        PODS,
        list().with_limit(3).with_revision(revision - 1),
    )
    .await;
    let options = WatchOptions::new().with_prefix().with_start_revision(2).with_prev_key();
    let mut late = side.client.watch(PODS, Some(options)).await.unwrap();
    side.next("a watch from before it", &mut late).await;
    side.next("is cancelled", &mut late).await;
}

/// What the apiserver reads of a status: the version, from which it knows what it may ask, and the size.
async fn status(side: &mut Side) {
    let status = side.client.status().await.unwrap();
    let numbers = status.version().split('.').map(str::parse::<u32>);
    assert_eq!(numbers.flatten().count(), 3, "{}", status.version());
    let fields = (
        status.db_size() > 0,
        status.raft_used_db_size() > 0,
        status.raft_index() > 0,
        status.raft_applied_index() > 0,
        status.leader() == status.header().unwrap().member_id(),
        status.header().unwrap().revision(),
        status.is_learner(),
        status.errors().to_vec(),
    );
    side.note("status", Ok(fields));
}

async fn everything(kind: Kind) -> Vec<(String, String)> {
    let mut cluster = Cluster::start(kind, Setup::of(1));
    let mut side = Side::new(&cluster).await;
    objects(&mut side).await;
    lists(&mut side).await;
    leases(&mut side).await;
    watches(&mut side).await;
    compaction(&mut side).await;
    status(&mut side).await;

    // As often as clusters ask for it; before, it would have come between the events.
    let member = &mut cluster.members[0];
    let interval = "--experimental-watch-progress-notify-interval=100ms";
    member.arguments.push(interval.to_owned());
    member.kill();
    member.start();
    member.wait_healthy();
    side.client = Side::new(&cluster).await.client;
    progress(&mut side).await;
    side.answers
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kube_apiserver_gets_the_same_answers_from_both() {
    if let Err(why) = tools() {
        return skip(why);
    }
    let theirs = everything(Kind::Etcd).await;
    let ours = everything(Kind::Keelson).await;
    assert_eq!(theirs.len(), ours.len());
    for ((what, theirs), (_, ours)) in theirs.iter().zip(&ours) {
        eprintln!("> {what}\n{theirs}");
        assert_eq!(theirs, ours, "{what}: etcd's answer on the left, ours on the right");
    }
}
