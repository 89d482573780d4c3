//! The wire contracts: etcd's v3 API, and Keelson's own log and peer messages, generated from `proto/**/*.proto`.
//!
//! This crate must not know who speaks them: no behaviour beyond encoding, no IO. Start reading at the `.proto`
//! files; `encoded` explains why answers carry bytes instead of structs, `fault` holds the error table.

mod encoded;
pub mod fault;

pub use encoded::Encoded;

/// The generated modules, nested as the packages are, since their code names each other by that path.
#[allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    reason = "generated"
)]
mod generated {
    pub mod mvccpb {
        include!(concat!(env!("OUT_DIR"), "/plain/mvccpb.rs"));
    }
    pub mod authpb {
        include!(concat!(env!("OUT_DIR"), "/plain/authpb.rs"));
    }
    pub mod etcdserverpb {
        include!(concat!(env!("OUT_DIR"), "/etcdserverpb.rs"));
    }
    pub mod v3electionpb {
        include!(concat!(env!("OUT_DIR"), "/v3electionpb.rs"));
    }
    pub mod v3lockpb {
        include!(concat!(env!("OUT_DIR"), "/v3lockpb.rs"));
    }
    pub mod keelson {
        pub mod store {
            pub mod v1 {
                include!(concat!(env!("OUT_DIR"), "/keelson.store.v1.rs"));
            }
        }
        pub mod peer {
            pub mod v1 {
                include!(concat!(env!("OUT_DIR"), "/keelson.peer.v1.rs"));
            }
        }
    }
}

/// Users, roles and permissions as stored.
pub use generated::authpb as auth;
/// The client API. Key-values and events inside answers are [`Encoded`].
pub use generated::etcdserverpb as etcd;
/// What members say to each other.
pub use generated::keelson::peer::v1 as peer;
/// The log: commands, replies, faults.
pub use generated::keelson::store::v1 as store;
/// Keys, values and events, decoded.
pub use generated::mvccpb as mvcc;
/// Leader election among clients.
pub use generated::v3electionpb as election;
/// Locks held by leases.
pub use generated::v3lockpb as lock;

/// The descriptors of all of the above, for the JSON gateway.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
