//! Ports that nobody listens on.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

/// Below the range that the kernel gives to outgoing connections, so that none takes one away before it is used.
const RANGE: std::ops::Range<u64> = 10_000..32_000;

/// So many different ones. Tests that run side by side draw from the same range, hence the throw of dice.
pub(crate) fn free_ports(count: usize) -> Vec<u16> {
    static DRAWS: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_nanos() as u64;
    let seed = now ^ (u64::from(std::process::id()) << 32);
    let mut ports = BTreeSet::new();
    while ports.len() < count {
        let mut draw = seed.wrapping_add(
            DRAWS
                .fetch_add(1, Ordering::Relaxed)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15),
        );
        draw = (draw ^ (draw >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        draw = (draw ^ (draw >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let port = (RANGE.start + (draw ^ (draw >> 31)) % (RANGE.end - RANGE.start)) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            ports.insert(port);
        }
    }
    ports.into_iter().collect()
}
