//! Ports that nobody listens on.

use std::net::TcpListener;

use rand::Rng;

/// Below the range that the kernel gives to outgoing connections, so that none takes one away before it is used.
const RANGE: std::ops::Range<u16> = 10_000..32_000;

/// So many different ones.
pub(crate) fn free_ports(count: usize) -> Vec<u16> {
    let mut random = rand::rng();
    let mut ports = Vec::new();
    while ports.len() < count {
        let port = random.random_range(RANGE);
        if !ports.contains(&port) && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            ports.push(port);
        }
    }
    ports
}
