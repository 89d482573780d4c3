//! The network between the members: packets that take their time, links that lose and cut them, and who listens where.
//!
//! What is modelled is TCP below HTTP/2. A packet that is lost is sent again later, so it comes late and not never; one on a
//! link that is cut is sent again until the link is mended or its sender is gone. Packets of one stream keep their
//! order, packets of different streams and calls overtake each other. A process that is killed has its connections
//! reset once the other end sends something; a caller learns of nothing else but by waiting.

mod call;
mod stream;
mod transport;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use store_node::Member;
use tokio::runtime::Handle;

pub(crate) use transport::{Wire, url};

/// A node's number, from 0.
pub(crate) type Number = usize;

/// How long a lost packet waits before it is sent again, in microseconds.
const AGAIN: RangeInclusive<u64> = 200_000..=1_000_000;
/// The same on a link that is cut.
const RETRY: u64 = 250_000;

/// One life of a node's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) node: Number,
    /// Counts the node's starts; [`KERNEL`] for what answers when no process does.
    pub(crate) boot: u64,
}

/// The boot of packets that the machine itself sends.
const KERNEL: u64 = u64::MAX;

/// Who listens at a node.
#[derive(Clone)]
pub(crate) struct Port {
    pub(crate) boot: u64,
    /// Where its requests are served.
    pub(crate) runtime: Handle,
    pub(crate) member: Member,
}

/// How a link behaves, in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Weather {
    /// Nothing passes.
    pub(crate) cut: bool,
    /// Packets of a thousand that are lost at first.
    pub(crate) loss: u32,
    /// The least and the most that a packet takes, in microseconds.
    pub(crate) delay: (u64, u64),
    /// Votes of a thousand that come twice.
    pub(crate) twice: u32,
}

impl Default for Weather {
    /// A quiet network of one data centre.
    fn default() -> Self {
        Self {
            cut: false,
            loss: 0,
            delay: (500, 3_000),
            twice: 0,
        }
    }
}

/// What happens when a packet arrives; given who listens there, if anybody does.
type Arrival = Box<dyn FnOnce(&Net, Option<Port>) + Send>;

/// A stream's direction: its number, and whether it goes to the one who was called.
type Flow = (u64, bool);

struct Packet {
    from: End,
    to: Number,
    flow: Option<Flow>,
    arrival: Arrival,
}

/// What keeps the packets of a flow in order, in microseconds of the world's time.
#[derive(Default)]
struct Order {
    /// When the last one arrives; the next does not arrive before.
    due: u64,
    /// Until then nothing arrives, as the first one is being sent again.
    held: u64,
}

/// The network. Clones share it.
#[derive(Clone)]
pub(crate) struct Net(Arc<Mutex<Inner>>);

struct Inner {
    /// Microseconds since the world began.
    now: u64,
    next: u64,
    random: StdRng,
    weather: BTreeMap<(Number, Number), Weather>,
    /// On its way, by the time of arrival, then by the order of sending.
    packets: BTreeMap<(u64, u64), Packet>,
    flows: BTreeMap<Flow, Order>,
    ports: BTreeMap<Number, Port>,
    /// Nodes whose process runs, and which life that is.
    boots: BTreeMap<Number, u64>,
    carried: u64,
}

impl Net {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            now: 0,
            next: 0,
            random: StdRng::seed_from_u64(seed),
            weather: BTreeMap::new(),
            packets: BTreeMap::new(),
            flows: BTreeMap::new(),
            ports: BTreeMap::new(),
            boots: BTreeMap::new(),
            carried: 0,
        })))
    }

    /// The world's time.
    pub(crate) fn now(&self) -> Duration {
        Duration::from_micros(self.0.lock().now)
    }

    /// Packets that arrived so far.
    pub(crate) fn carried(&self) -> u64 {
        self.0.lock().carried
    }

    /// A process starts; nobody listens yet.
    pub(crate) fn boot(&self, end: End) {
        self.0.lock().boots.insert(end.node, end.boot);
    }

    /// A member listens at its node.
    pub(crate) fn listen(&self, node: Number, port: Port) {
        self.0.lock().ports.insert(node, port);
    }

    /// A node's process is gone.
    pub(crate) fn leave(&self, node: Number) {
        let mut inner = self.0.lock();
        inner.ports.remove(&node);
        inner.boots.remove(&node);
    }

    /// Changes how the link from one node to another behaves.
    pub(crate) fn set_weather(&self, from: Number, to: Number, change: impl FnOnce(&mut Weather)) {
        change(self.0.lock().weather.entry((from, to)).or_default());
    }

    /// All links are as they should be.
    pub(crate) fn calm(&self) {
        self.0.lock().weather.clear();
    }

    /// Whether this life of a node's process goes on.
    pub(crate) fn lives(&self, end: End) -> bool {
        self.0.lock().lives(end)
    }

    fn number(&self) -> u64 {
        let mut inner = self.0.lock();
        inner.next += 1;
        inner.next
    }

    /// Whether a vote on this link comes twice.
    fn doubles(&self, from: Number, to: Number) -> bool {
        let mut inner = self.0.lock();
        let twice = inner.weather.get(&(from, to)).map_or(0, |weather| weather.twice);
        twice > 0 && inner.random.random_range(0..1000) < twice
    }

    /// Sends a packet.
    fn post(&self, from: End, to: Number, flow: Option<Flow>, arrival: Arrival) {
        let mut inner = self.0.lock();
        if !inner.lives(from) {
            return;
        }
        let weather = inner.weather.get(&(from.node, to)).copied().unwrap_or_default();
        let mut due = inner.now + inner.random.random_range(weather.delay.0..=weather.delay.1);
        if weather.loss > 0 && inner.random.random_range(0..1000) < weather.loss {
            due += inner.random.random_range(AGAIN);
        }
        let packet = Packet {
            from,
            to,
            flow,
            arrival,
        };
        inner.enqueue(due, packet);
    }

    /// Time goes on to `now`, and what arrives until then arrives.
    pub(crate) fn advance(&self, now: u64) {
        self.0.lock().now = now;
        loop {
            // The lock is not held while a packet arrives, as answers are sent at once.
            let due = self.0.lock().due();
            let Some((packet, port)) = due else { return };
            (packet.arrival)(self, port);
        }
    }
}

impl Inner {
    /// Puts a packet on its way, not before those of its flow; answers when it arrives.
    fn enqueue(&mut self, mut due: u64, packet: Packet) -> u64 {
        if let Some(flow) = packet.flow {
            let last = self.flows.entry(flow).or_default();
            due = due.max(last.due);
            last.due = due;
        }
        self.next += 1;
        self.packets.insert((due, self.next), packet);
        due
    }

    /// The next packet that arrives by now, and who listens there.
    fn due(&mut self) -> Option<(Packet, Option<Port>)> {
        while let Some(entry) = self.packets.first_entry() {
            if entry.key().0 > self.now {
                return None;
            }
            let packet = entry.remove();
            let flow = packet.flow;
            let held = flow.and_then(|flow| self.flows.get(&flow)).map_or(0, |flow| flow.held);
            let cut = self
                .weather
                .get(&(packet.from.node, packet.to))
                .is_some_and(|weather| weather.cut);
            if held > self.now {
                // One before it is being sent again.
                self.enqueue(held, packet);
            } else if !cut {
                self.carried += 1;
                let port = self.ports.get(&packet.to).cloned();
                return Some((packet, port));
            } else if self.lives(packet.from) {
                let again = self.enqueue(self.now + RETRY, packet);
                if let Some(flow) = flow.and_then(|flow| self.flows.get_mut(&flow)) {
                    flow.held = again;
                }
            }
        }
        None
    }

    fn lives(&self, end: End) -> bool {
        end.boot == KERNEL || self.boots.get(&end.node) == Some(&end.boot)
    }
}
