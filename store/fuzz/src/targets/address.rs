//! Addresses as flags, members and programs give them: where a port is, and where a client connects.

use std::sync::OnceLock;

use base::task::Tasks;
use store_client::{Client, Options};
use store_wire::{Address, Place};

use crate::Verdict;
use crate::support::block_on;

/// Reads an address in both ways.
///
/// # Panics
/// Where one that was read is another when it is written and read again, or a client connects where no port can be.
pub fn run(data: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(data);
    let read = Address::parse(&text).ok();
    if let Some(address) = &read {
        let again = Address::parse(&written(address)).ok();
        assert_eq!(
            again.as_ref(),
            Some(address),
            "{text:?} written as {:?}",
            written(address)
        );
    }
    let connects = client(&text);
    if connects && text.starts_with("http://") {
        assert!(read.is_some(), "a client connects to {text:?}, where no port can be");
    }
    Verdict::of(read.is_some())
}

/// Whether a client takes an address.
fn client(text: &str) -> bool {
    static TASKS: OnceLock<Tasks> = OnceLock::new();
    let tasks = TASKS.get_or_init(Tasks::new);
    // Channels need the runtime around them, though nothing is opened.
    block_on(async { Client::new(Options::new([text]), tasks).is_ok() })
}

fn written(address: &Address) -> String {
    let secure = if address.secure { "s" } else { "" };
    match &address.place {
        Place::Unix(path) => format!("unix{secure}://{}", path.display()),
        Place::Tcp { host, port } if host.contains(':') => format!("http{secure}://[{host}]:{port}"),
        Place::Tcp { host, port } => format!("http{secure}://{host}:{port}"),
    }
}

/// Addresses of every kind.
pub fn seeds() -> Vec<Vec<u8>> {
    [
        "http://127.0.0.1:2379",
        "https://etcd.example:2379/path?query#fragment",
        "http://user:password@host:80",
        "http://[::1]:2379",
        "http://[::ffff:10.0.0.1]:65535",
        "HTTP://EXAMPLE.org",
        "http://b\u{fc}cher.example:1",
        "http://0x7f.1:99",
        "unix://localhost:17",
        "unixs:///run/keelson.sock",
        "unix:///tmp/../run/a b",
        "unix:relative",
        "host:2379",
        "ftp://host:1",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}
