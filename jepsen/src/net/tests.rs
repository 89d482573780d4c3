//! Real namespaces: what is cut, lost and late is seen by real sockets. Needs root, `ip` and `nft`.

use std::net::{Ipv4Addr, UdpSocket};
use std::process::Command;
use std::time::{Duration, Instant};

use super::*;

/// Longer than any frame takes here.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long what must not come is waited for.
const SILENCE: Duration = Duration::from_millis(400);
const PORT: u16 = 7000;

/// A network for a test, or why there is none here.
fn network(nodes: usize) -> Option<Net> {
    let missing = ["ip", "nft"].into_iter().find(|program| {
        let found = Command::new(program).arg("-V").output();
        found.is_err()
    });
    if !rustix::process::geteuid().is_root() || missing.is_some() {
        eprintln!("SKIPPED: needs root, ip and nft");
        return None;
    }
    isolate().unwrap();
    Some(Net::new(nodes, 1).unwrap())
}

#[test]
fn where_a_network_can_be_made_the_probe_says_so() {
    let Some(_net) = network(2) else { return };
    // A matrix that skips proves nothing, so it must not skip where runs are possible.
    probe().unwrap();
}

fn socket(net: &Net, node: usize) -> UdpSocket {
    let own = address(node);
    let socket = net.nodes[node]
        .run(move || UdpSocket::bind((own, PORT)))
        .unwrap()
        .unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// Whether a message arrives, and how long it takes.
fn arrives(from: &UdpSocket, to: &UdpSocket) -> Option<Duration> {
    sent(from, to, PATIENCE)
}

/// Whether a message does not arrive.
fn is_lost(from: &UdpSocket, to: &UdpSocket) -> bool {
    sent(from, to, SILENCE).is_none()
}

/// How long a message takes, if it arrives in this time.
fn sent(from: &UdpSocket, to: &UdpSocket, patience: Duration) -> Option<Duration> {
    to.set_read_timeout(Some(patience)).unwrap();
    let sent = Instant::now();
    from.send_to(b"hello", to.local_addr().unwrap()).unwrap();
    let mut buffer = [0; 16];
    to.recv_from(&mut buffer).ok().map(|_| sent.elapsed())
}

#[test]
fn cuts_are_one_way_counted_and_healed() {
    let Some(net) = network(3) else { return };
    let (a, b, c) = (socket(&net, 0), socket(&net, 1), socket(&net, 2));
    for (from, to) in [(&a, &b), (&b, &a), (&b, &c), (&c, &a)] {
        assert!(arrives(from, to).is_some(), "nothing is cut yet");
    }
    assert_eq!(net.cut_frames().unwrap(), 0);
    net.cut(&shapes::mute(0, &[0, 1, 2])).unwrap();
    assert!(is_lost(&a, &b) && is_lost(&a, &c));
    assert!(arrives(&b, &a).is_some() && arrives(&b, &c).is_some());
    assert_eq!(net.cut_frames().unwrap(), 2);
    net.cut(&[(1, 2)]).unwrap();
    assert!(arrives(&a, &b).is_some() && is_lost(&b, &c));
    net.heal().unwrap();
    assert!(arrives(&b, &c).is_some());
}

#[test]
fn clients_reach_every_node_whatever_is_cut() {
    let Some(net) = network(2) else { return };
    let node = socket(&net, 0);
    net.cut(&shapes::all(&[0, 1])).unwrap();
    let client = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    client.send_to(b"hello", node.local_addr().unwrap()).unwrap();
    let mut buffer = [0; 16];
    let (_, sender) = node.recv_from(&mut buffer).unwrap();
    assert_eq!(sender.ip(), CLIENTS);
}

#[test]
fn weather_delays_and_loses() {
    let Some(net) = network(2) else { return };
    let (a, b) = (socket(&net, 0), socket(&net, 1));
    assert!(arrives(&a, &b).is_some() && arrives(&b, &a).is_some());
    let delay = Duration::from_secs(1);
    let slow = Weather {
        delay,
        ..Weather::default()
    };
    net.set_weather(&[(0, 1)], slow);
    assert!(arrives(&a, &b).is_some_and(|took| took >= delay));
    assert!(arrives(&b, &a).is_some_and(|took| took < delay));
    let lossy = Weather {
        loss: 1.0,
        ..Weather::default()
    };
    net.set_weather(&[(0, 1)], lossy);
    assert!(is_lost(&a, &b));
    net.clear_weather();
    assert!(arrives(&a, &b).is_some());
    let traffic = net.traffic();
    assert!(traffic.delayed >= 1 && traffic.lost >= 1, "{traffic:?}");
}

#[test]
fn a_node_starts_processes_in_its_own_network() {
    let Some(net) = network(2) else { return };
    let mut command = Command::new("ip");
    command.args(["-brief", "address", "show", "dev", "eth0"]);
    command.stdout(std::process::Stdio::piped());
    let output = net.spawn(1, command).unwrap().wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("10.99.0.2/24"), "{text}");
    let links = Command::new("ip").arg("link").output().unwrap();
    assert!(!String::from_utf8_lossy(&links.stdout).contains("eth0"));
}
