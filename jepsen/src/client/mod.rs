//! One client of a run: calls one thing at a time, at a member of its choice, and records what it asked and was told.
//!
//! `outcome` decides what is known of a call that was not answered, `link` sends single requests to one member,
//! `services` those to the store's lock and election services, `stream` is an open watch, `wire` is how calls look to
//! the store. Nothing is repeated here: a client that repeats hides what happened.

mod link;
mod outcome;
mod services;
mod stream;
pub(crate) mod wire;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use jepsen_check::history::{Call, Reply};
use rand::Rng;
use rand::rngs::StdRng;
use tonic::transport::Endpoint;

use crate::recorder::Recorder;
use crate::seed::Seed;
pub(crate) use link::Link;
pub(crate) use outcome::{Effect, Mishap, classify, timed_out};
pub(crate) use stream::Stream;

/// Patience of clients, in milliseconds: short enough that faults leave calls unknown.
const PATIENCE: std::ops::RangeInclusive<u64> = 200..=500;
/// Longest wait for a connection.
const DIAL: Duration = Duration::from_millis(500);
/// A connection on which nothing comes for so long, though something should, is asked for a sign of life, and given up
/// if none comes in the same time again. Members allow no client to ask much more often.
const SILENCE: Duration = Duration::from_secs(2);

/// What a call was answered, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The answer itself.
    pub(crate) reply: Reply,
    /// The store's revision, from the header.
    pub(crate) revision: Option<i64>,
    /// The raft term, from the header.
    pub(crate) term: Option<u64>,
}

impl Answer {
    /// An answer that names no revision: that of a small protocol on top of the store.
    pub(crate) const fn bare(reply: Reply) -> Self {
        Self {
            reply,
            revision: None,
            term: None,
        }
    }
}

/// What became of a call.
pub(crate) type Done = Result<Answer, Mishap>;

/// Who can be asked. A node is a number that a member may hold for a while.
pub(crate) trait Members: Send + Sync {
    /// The nodes that hold a member now.
    fn nodes(&self) -> Vec<usize>;
    /// What a node is called in histories.
    fn name(&self, node: usize) -> String;
    /// Where its member is reached.
    fn endpoint(&self, node: usize) -> String;
}

/// What all clients of a run share.
pub(crate) struct Place {
    recorder: Arc<Recorder>,
    members: Arc<dyn Members>,
    endpoints: Vec<Endpoint>,
    width: u64,
}

impl Place {
    /// For at most `width` clients, and nodes numbered below `nodes`.
    ///
    /// # Errors
    /// An endpoint cannot be read.
    pub(crate) fn new(
        recorder: Arc<Recorder>,
        members: Arc<dyn Members>,
        nodes: usize,
        width: usize,
    ) -> anyhow::Result<Arc<Self>> {
        let endpoint = |node| -> anyhow::Result<Endpoint> {
            let address = members.endpoint(node);
            let endpoint = Endpoint::from_shared(address.clone()).with_context(|| address)?;
            Ok(endpoint
                .connect_timeout(DIAL)
                .http2_keep_alive_interval(SILENCE)
                .keep_alive_timeout(SILENCE)
                .keep_alive_while_idle(false))
        };
        let endpoints = (0..nodes).map(endpoint).collect::<anyhow::Result<_>>()?;
        Ok(Arc::new(Self {
            recorder,
            members,
            endpoints,
            width: width as u64,
        }))
    }

    /// The nodes that hold a member now.
    fn nodes(&self) -> Vec<usize> {
        self.members.nodes()
    }
}

/// Which members a client asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// Always the one on this node, as long as there is one.
    Pinned(usize),
    /// Another one for each call.
    Roaming,
}

/// One client.
pub(crate) struct Client {
    place: Arc<Place>,
    /// Connections of its own, opened when first used.
    links: HashMap<usize, Link>,
    route: Route,
    /// The node that the last call went to.
    node: usize,
    /// Under which number its calls are recorded; another one after each call with an unknown outcome.
    process: u64,
    patience: Duration,
    rng: StdRng,
}

impl Client {
    /// The client of this number, which must be below the place's width.
    pub(crate) fn new(place: &Arc<Place>, number: usize, route: Route, seed: Seed) -> Self {
        let mut rng = seed.part("client", number as u64).rng();
        Self {
            place: Arc::clone(place),
            links: HashMap::new(),
            route,
            node: 0,
            process: number as u64,
            patience: Duration::from_millis(rng.random_range(PATIENCE)),
            rng,
        }
    }

    /// The same, with more patience: for what must succeed before and after the faults.
    #[must_use]
    pub(crate) fn patient(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Where everything is recorded.
    pub(crate) fn recorder(&self) -> &Recorder {
        &self.place.recorder
    }

    /// Chooses a member and gives the way to it, without recording anything.
    pub(crate) fn link(&mut self) -> Link {
        self.choose(None);
        self.current()
    }

    /// The nodes that hold a member now.
    pub(crate) fn nodes(&self) -> Vec<usize> {
        self.place.nodes()
    }

    /// The name of the node that the last call went to.
    pub(crate) fn asked(&self) -> String {
        self.place.members.name(self.node)
    }

    /// Asks this node from now on.
    pub(crate) const fn pin(&mut self, node: usize) {
        self.route = Route::Pinned(node);
    }

    /// Pins the client to another node than the last call went to, if there is one.
    pub(crate) fn move_on(&mut self) {
        let last = self.node;
        self.route = Route::Roaming;
        self.choose(Some(last));
        self.route = Route::Pinned(self.node);
    }

    /// Records that this call is made, and gives the way to the member that it goes to.
    pub(crate) fn begin(&mut self, call: Call) -> Link {
        self.choose(None);
        let link = self.current();
        let member = self.place.members.name(self.node);
        self.place.recorder.invoke(self.process, Some(member), call);
        link
    }

    /// Records what became of the call that was begun.
    pub(crate) fn end(&mut self, done: &Done) {
        let recorder = &self.place.recorder;
        match done {
            Ok(answer) => recorder.ok(self.process, answer.reply.clone(), answer.revision, answer.term),
            Err(Mishap::Refused(error)) => recorder.fail(self.process, error.clone()),
            Err(Mishap::Unknown(error)) => {
                recorder.info(self.process, error.clone());
                // The call may take effect at any time from now on, so whoever calls next is somebody else.
                self.process += self.place.width;
            }
        }
    }

    /// Makes a call that is one request.
    pub(crate) async fn call(&mut self, call: Call) -> Done {
        let link = self.begin(call.clone());
        let done = link.call(&call).await;
        self.end(&done);
        done
    }

    /// Records what the open watch delivered.
    pub(crate) fn respond(&self, response: jepsen_check::history::Response) {
        self.place.recorder.response(self.process, response);
    }

    fn choose(&mut self, not: Option<usize>) {
        let mut nodes = self.place.nodes();
        if let Route::Pinned(node) = self.route
            && (nodes.contains(&node) || nodes.is_empty())
        {
            self.node = node;
            return;
        }
        if nodes.len() > 1 {
            nodes.retain(|node| Some(*node) != not);
        }
        if !nodes.is_empty() {
            self.node = nodes[self.rng.random_range(0..nodes.len())];
        }
    }

    fn current(&mut self) -> Link {
        let (node, patience) = (self.node, self.patience);
        let endpoints = &self.place.endpoints;
        let link = self.links.entry(node).or_insert_with(|| Link::to(&endpoints[node]));
        link.patient(patience)
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! A run without a store: whoever is asked cannot be reached, or is the test itself.

    use std::sync::mpsc::{self, Receiver};

    use jepsen_check::history::Line;
    use parking_lot::Mutex;

    use super::*;

    struct Everybody {
        endpoints: Vec<String>,
        nodes: Arc<Mutex<Vec<usize>>>,
    }

    impl Members for Everybody {
        fn nodes(&self) -> Vec<usize> {
            self.nodes.lock().clone()
        }

        fn name(&self, node: usize) -> String {
            format!("n{}", node + 1)
        }

        fn endpoint(&self, node: usize) -> String {
            self.endpoints[node].clone()
        }
    }

    /// A place whose nodes are reached there; those of the list hold a member.
    pub(crate) fn settled(endpoints: Vec<String>, nodes: Arc<Mutex<Vec<usize>>>) -> (Arc<Place>, Receiver<Line>) {
        build(endpoints, nodes, 8)
    }

    fn build(endpoints: Vec<String>, nodes: Arc<Mutex<Vec<usize>>>, width: usize) -> (Arc<Place>, Receiver<Line>) {
        let (sender, lines) = mpsc::channel();
        let recorder = Arc::new(Recorder::to(sender));
        let count = endpoints.len();
        let place = Place::new(recorder, Arc::new(Everybody { endpoints, nodes }), count, width).unwrap();
        (place, lines)
    }

    /// A place with so many members, none of which answers, and what is recorded there.
    pub(crate) fn deserted(nodes: usize, width: usize) -> (Arc<Place>, Receiver<Line>) {
        // Port 1 of this machine is served by nobody.
        let endpoints = vec!["http://127.0.0.1:1".to_owned(); nodes];
        build(endpoints, Arc::new(Mutex::new((0..nodes).collect())), width)
    }
}

#[cfg(test)]
mod tests {
    use jepsen_check::history::{Get, Line};

    use super::testing::deserted;
    use super::*;

    fn get() -> Call {
        Call::Get(Get {
            key: "x".into(),
            ..Get::default()
        })
    }

    #[tokio::test]
    async fn a_process_gets_another_number_after_an_unknown_outcome() {
        let (place, lines) = deserted(3, 10);
        let mut client = Client::new(&place, 4, Route::Pinned(1), Seed::new(1));
        client.call(get()).await.unwrap_err();
        client.begin(get());
        client.end(&Err(Mishap::Unknown("lost".into())));
        client.begin(get());
        let processes: Vec<(u64, Option<String>)> = lines
            .try_iter()
            .filter_map(|line| match line {
                Line::Invoke { process, member, .. } => Some((process, member)),
                _ => None,
            })
            .collect();
        let at = |process| (process, Some("n2".to_owned()));
        assert_eq!(processes, [at(4), at(4), at(14)]);
        assert_eq!(place.recorder.outcomes(), (0, 1, 1));
    }

    #[tokio::test]
    async fn a_client_that_moves_on_asks_somebody_else() {
        let (place, _lines) = deserted(3, 10);
        let mut client = Client::new(&place, 0, Route::Pinned(2), Seed::new(1));
        client.link();
        assert_eq!(client.node, 2);
        client.move_on();
        let next = client.node;
        assert_ne!(next, 2);
        client.link();
        assert_eq!(client.node, next);
    }
}
