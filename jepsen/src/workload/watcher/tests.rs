//! Watchers at members that serve, are gone, or give up, and what they do in the end.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use base::task::Tasks;
use jepsen_check::history::{Event, KeyValue, Kind, Line};
use parking_lot::Mutex;
use proto::etcd::watch_request::RequestUnion;
use proto::etcd::watch_server::{Watch as Service, WatchServer};
use proto::etcd::{ResponseHeader, WatchRequest, WatchResponse};
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio_stream::wrappers::{TcpListenerStream, UnboundedReceiverStream};
use tonic::{Request, Status, Streaming};

use super::*;
use crate::client::Route;
use crate::client::testing::{deserted, settled};

fn watcher() -> Watcher {
    auditor(0, &Audited::new(1), Seed::new(1))
}

fn event(mod_revision: i64) -> Event {
    Event {
        kind: Kind::Put,
        kv: KeyValue {
            mod_revision,
            ..KeyValue::default()
        },
        prev: None,
    }
}

#[test]
fn a_watcher_knows_where_to_go_on() {
    let mut watcher = watcher();
    let created = Response {
        revision: 5,
        created: true,
        ..Response::default()
    };
    watcher.note(&created);
    assert_eq!(watcher.next, 6);
    let audited = watcher.audit.as_ref().unwrap().audited.clone();
    assert_eq!(audited.by_all(), 5);
    let piece = Response {
        revision: 9,
        fragment: true,
        events: vec![event(7), event(8)],
        ..Response::default()
    };
    watcher.note(&piece);
    assert_eq!(watcher.next, 8, "the last revision of a piece may not be whole");
    watcher.note(&Response {
        fragment: false,
        ..piece
    });
    assert_eq!(watcher.next, 9);
    watcher.note(&Response {
        revision: 12,
        ..Response::default()
    });
    assert_eq!(watcher.next, 13);
    watcher.note(&Response {
        canceled: true,
        compact_revision: 20,
        ..Response::default()
    });
    assert_eq!(watcher.next, 20);
    assert_eq!(audited.by_all(), 19);
}

/// What is sent on an open watch.
type Answers = UnboundedSender<Result<WatchResponse, Status>>;

/// A store without keys at one revision, as one of its members shows it to those who watch.
#[derive(Clone)]
struct Member {
    revision: i64,
    tasks: Tasks,
    /// So many watches it ends without saying why.
    cancels: Arc<Mutex<usize>>,
    open: Arc<Mutex<Vec<Answers>>>,
    is_down: Arc<Mutex<bool>>,
}

impl Member {
    fn new(revision: i64) -> Self {
        Self {
            revision,
            tasks: Tasks::new(),
            cancels: Arc::default(),
            open: Arc::default(),
            is_down: Arc::default(),
        }
    }

    /// It breaks its streams and takes no others, or does again.
    fn set_down(&self, is_down: bool) {
        *self.is_down.lock() = is_down;
        for answers in self.open.lock().drain(..) {
            let _ = answers.send(Err(Status::unavailable("down")));
        }
    }

    fn answer(&self) -> WatchResponse {
        WatchResponse {
            header: Some(ResponseHeader {
                revision: self.revision,
                ..ResponseHeader::default()
            }),
            ..WatchResponse::default()
        }
    }

    /// Serves on a port of this machine, for as long as the test goes on.
    async fn serve(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tonic::transport::Server::builder().add_service(WatchServer::new(self.clone()));
        let serves = server.serve_with_incoming(TcpListenerStream::new(listener));
        self.tasks.spawn("member", async move { serves.await.unwrap() });
        format!("http://{address}")
    }
}

#[async_trait]
impl Service for Member {
    type WatchStream = UnboundedReceiverStream<Result<WatchResponse, Status>>;

    async fn watch(
        &self,
        request: Request<Streaming<WatchRequest>>,
    ) -> Result<tonic::Response<Self::WatchStream>, Status> {
        if *self.is_down.lock() {
            return Err(Status::unavailable("down"));
        }
        let (answers, stream) = mpsc::unbounded_channel();
        self.open.lock().push(answers.clone());
        let member = self.clone();
        let mut requests = request.into_inner();
        self.tasks.spawn("member-watch", async move {
            while let Ok(Some(request)) = requests.message().await {
                let is_new = matches!(request.request_union, Some(RequestUnion::CreateRequest(_)));
                let cancels = is_new && {
                    let mut left = member.cancels.lock();
                    let cancels = *left > 0;
                    *left = left.saturating_sub(1);
                    cancels
                };
                let answer = WatchResponse {
                    created: is_new,
                    canceled: cancels,
                    ..member.answer()
                };
                let _ = answers.send(Ok(answer));
            }
        });
        Ok(tonic::Response::new(UnboundedReceiverStream::new(stream)))
    }
}

/// Members at a revision, the client of an auditor of the first of them, and what is recorded.
async fn cluster(members: &[Member], nodes: &Arc<Mutex<Vec<usize>>>) -> (Client, Receiver<Line>) {
    let mut endpoints = Vec::new();
    for member in members {
        endpoints.push(member.serve().await);
    }
    let (place, lines) = settled(endpoints, Arc::clone(nodes));
    (Client::new(&place, 0, Route::Pinned(0), Seed::new(1)), lines)
}

/// Where watches were opened, and from which revision on.
fn opened(lines: &Receiver<Line>) -> Vec<(String, i64)> {
    let opened = lines.try_iter().filter_map(|line| match line {
        Line::Invoke {
            member: Some(member),
            call: Call::Watch(watch),
            ..
        } => Some((member, watch.start_revision)),
        _ => None,
    });
    opened.collect()
}

fn at(node: &str, revision: i64) -> (String, i64) {
    (node.to_owned(), revision)
}

/// Steps until this holds.
async fn until(watcher: &mut Watcher, client: &mut Client, holds: impl Fn(&Watcher) -> bool) {
    while !holds(watcher) {
        watcher.step(client).await;
    }
}

#[tokio::test]
async fn an_auditor_returns_to_its_member_and_goes_on_where_that_one_broke_off() {
    let (first, second) = (Member::new(6), Member::new(9));
    let nodes = Arc::new(Mutex::new(vec![0, 1]));
    let (mut client, lines) = cluster(&[first.clone(), second.clone()], &nodes).await;
    let mut auditor = watcher();
    until(&mut auditor, &mut client, |auditor| auditor.next == 7).await;
    first.set_down(true);
    until(&mut auditor, &mut client, |auditor| auditor.next == 10).await;
    first.set_down(false);
    until(&mut auditor, &mut client, |auditor| {
        auditor.next == 7 && auditor.open.is_some()
    })
    .await;
    let opened = opened(&lines);
    assert_eq!(opened.first(), Some(&at("n1", 1)));
    assert!(opened.contains(&at("n2", 7)), "{opened:?}");
    assert_eq!(opened.last(), Some(&at("n1", 7)));
    assert_eq!(auditor.audit.as_ref().unwrap().audited.by_all(), 9);
}

#[tokio::test]
async fn in_the_end_every_member_is_watched_through_the_last_revision() {
    let members = [Member::new(6), Member::new(6), Member::new(6)];
    let nodes = Arc::new(Mutex::new(vec![0, 1]));
    let (mut client, lines) = cluster(&members, &nodes).await;
    let mut auditor = watcher();
    until(&mut auditor, &mut client, |auditor| auditor.next == 7).await;
    // The auditor's own member has left, and another one has come.
    *nodes.lock() = vec![1, 2];
    members[0].set_down(true);
    auditor.leave(&mut client, 6).await.unwrap();
    let opened = opened(&lines);
    for member in [at("n2", 1), at("n3", 1)] {
        assert!(opened.contains(&member), "{opened:?}");
    }
}

#[tokio::test]
async fn a_watch_that_the_store_ends_is_opened_again() {
    let member = Member::new(6);
    *member.cancels.lock() = 2;
    let nodes = Arc::new(Mutex::new(vec![0]));
    let (mut client, lines) = cluster(&[member], &nodes).await;
    let wish = Wish {
        watch: Watch {
            key: "x".into(),
            ..Watch::default()
        },
        stays: None,
        asks: 0,
    };
    let mut watcher = Watcher::new(Box::new(move |_, _| wish.clone()), Seed::new(1).rng());
    let mut seen = Vec::new();
    while seen.len() < 3 {
        watcher.step(&mut client).await;
        seen.extend(opened(&lines));
    }
    assert_eq!(seen, [at("n1", 0), at("n1", 7), at("n1", 7)]);
}

#[tokio::test(start_paused = true)]
async fn who_did_not_see_the_last_revision_says_so() {
    let (place, lines) = deserted(1, 4);
    let mut client = Client::new(&place, 0, Route::Pinned(0), Seed::new(1));
    let began = Instant::now();
    let failure = watcher().leave(&mut client, 7).await.unwrap_err();
    assert!(began.elapsed() >= LAST_WAIT);
    assert!(
        failure.contains("n1") && failure.contains("revision 0 and not to 7"),
        "{failure}"
    );
    assert!(opened(&lines).len() > 10);
    // Who watches nothing has nothing to wait for.
    let wish = Box::new(|_: &mut StdRng, _| unreachable!("nobody asks"));
    let mut idle = Watcher::new(wish, Seed::new(1).rng());
    assert_eq!(idle.leave(&mut client, 7).await, Ok(()));
}
