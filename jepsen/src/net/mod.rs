//! The network between members, and its faults.
//!
//! Every node is a network namespace with one interface, a TAP. A thread of this program is the cable between it and a
//! port of a bridge: what a node sends goes through a [`schedule`] that loses, delays, doubles and reorders frames; the
//! bridge then drops, by one set of nftables, what lies on a cut. So there is one wiring for all faults: cuts are made
//! by the kernel, at once and for all pairs together, and can hold any set of directed pairs; the rest needs no kernel
//! with netem, and repeats itself from a seed as far as the order of frames does.
//!
//! The bridge is in the program's own namespace, where clients run: they are a port that no cut and no weather touches.
//! No namespace has a name: all are gone with the program, however it ends, and several programs never meet. To look
//! around inside of one: `nsenter --net --mount --target PID ip address`, with the process id of a member, or of the
//! program for the bridge.
//!
//! Start reading at [`Net`], then [`shapes`].

mod cables;
mod isolate;
mod node;
mod rules;
mod schedule;
pub(crate) mod shapes;
mod tap;
#[cfg(test)]
mod tests;
mod tool;

use std::net::Ipv4Addr;
use std::process::{Child, Command};

use anyhow::{Context, ensure};

use cables::{Cable, Cables};
pub(crate) use isolate::{isolate, probe};
use node::Node;
pub(crate) use schedule::{Traffic, Weather};
use tap::Tap;

/// Frames from the first node to the second.
pub(crate) type Pair = (usize, usize);

/// The bridge, and the address of clients.
const BRIDGE: &str = "br0";
const CLIENTS: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 254);
/// Each node has an address and a port of its own.
const NODES_MAX: usize = 250;

/// Nodes and what lies between them. All of it is gone when it is dropped, and so is every process on a node.
pub(crate) struct Net {
    // In this order: the cables end before the namespaces that they lead into.
    cables: Cables,
    nodes: Vec<Node>,
    _bridge: Bridge,
}

/// The bridge, as long as this is there.
struct Bridge;

impl Net {
    /// So many nodes, all connected. The seed decides the fate of frames in bad weather.
    ///
    /// # Errors
    /// The program is not isolated (see [`isolate`]), or lacks `ip`, `nft`, their rights or what they need of the
    /// kernel.
    pub(crate) fn new(nodes: usize, seed: u64) -> anyhow::Result<Self> {
        ensure!(
            nodes <= NODES_MAX,
            "{nodes} nodes are asked for, {NODES_MAX} are possible"
        );
        isolate::check()?;
        tool::ip(&format!("link add {BRIDGE} type bridge\n")).context("the bridge cannot be made")?;
        let bridge = Bridge;
        tool::ip(&format!("addr add {CLIENTS}/24 dev {BRIDGE}\nlink set {BRIDGE} up\n"))
            .context("the bridge cannot be set up")?;
        tool::nft(&rules::fresh()).context("the table of cuts cannot be made")?;
        let (made, cables): (Vec<Node>, Vec<Cable>) = (0..nodes)
            .map(|node| connect(node).with_context(|| format!("node {} cannot be made", node + 1)))
            .collect::<anyhow::Result<Vec<_>>>()?
            .into_iter()
            .unzip();
        let cables = Cables::start(cables, seed).context("the cables cannot be laid")?;
        Ok(Self {
            cables,
            nodes: made,
            _bridge: bridge,
        })
    }

    /// Starts a process on a node. It is killed when this network is dropped or the program ends, if it is started by
    /// `setpriv --pdeathsig KILL`.
    ///
    /// # Errors
    /// The program cannot be started.
    pub(crate) fn spawn(&self, node: usize, mut command: Command) -> anyhow::Result<Child> {
        let at = self
            .nodes
            .get(node)
            .with_context(|| format!("there is no node {}", node + 1))?;
        Ok(at.run(move || command.spawn())??)
    }

    /// Drops from now on what these pairs send, and what others were cut from no more; connections that are open are
    /// cut too.
    ///
    /// # Errors
    /// `nft` fails; nothing has changed then.
    #[expect(clippy::unused_self, reason = "only where there is a network there are cuts")]
    pub(crate) fn cut(&self, pairs: &[Pair]) -> anyhow::Result<()> {
        let addresses: Vec<_> = pairs.iter().map(|(from, to)| (address(*from), address(*to))).collect();
        tool::nft(&rules::cut(&addresses)).context("the cut cannot be made")?;
        Ok(())
    }

    /// Cuts nothing any more.
    ///
    /// # Errors
    /// `nft` fails; nothing has changed then.
    pub(crate) fn heal(&self) -> anyhow::Result<()> {
        self.cut(&[])
    }

    /// How many frames the cuts have dropped so far.
    ///
    /// # Errors
    /// `nft` fails.
    #[expect(clippy::unused_self, reason = "only where there is a network there are cuts")]
    pub(crate) fn cut_frames(&self) -> anyhow::Result<u64> {
        let listed = tool::nft(rules::LIST)?;
        rules::dropped(&listed).with_context(|| format!("nft tells no count: {listed}"))
    }

    /// Makes this the weather between these pairs; other pairs keep theirs.
    pub(crate) fn set_weather(&self, pairs: &[Pair], weather: Weather) {
        let routes = pairs.iter().map(|(from, to)| (address(*from), address(*to)));
        self.cables.set_weather(routes, weather);
    }

    /// Fair weather everywhere. Frames that are on their way still arrive.
    pub(crate) fn clear_weather(&self) {
        self.cables.clear_weather();
    }

    /// What has become of the frames that nodes have sent so far.
    pub(crate) fn traffic(&self) -> Traffic {
        self.cables.traffic()
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        // The next network of this program wants the same names. The ports go with their descriptors.
        if let Err(error) = tool::ip(&format!("link del {BRIDGE}\n")) {
            tracing::warn!(%error, "the bridge stays");
        }
    }
}

/// Where a node is reached.
pub(crate) fn address(node: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 99, 0, node as u8 + 1)
}

/// Makes a node, and the two ends of its cable.
fn connect(node: usize) -> anyhow::Result<(Node, Cable)> {
    let made = Node::new(node)?;
    let inside = made.run(|| Tap::open("eth0"))??;
    let own = address(node);
    made.run(move || {
        tool::ip(&format!(
            "link set lo up\naddr add {own}/24 dev eth0\nlink set eth0 up\n"
        ))
    })??;
    let port = format!("p{}", node + 1);
    let outside = Tap::open(&port)?;
    tool::ip(&format!("link set {port} master {BRIDGE}\nlink set {port} up\n"))?;
    Ok((made, Cable { inside, outside }))
}
