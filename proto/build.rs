//! Compiles the `.proto` files with protox, so that no protoc is needed.

use std::path::PathBuf;

use prost::Message;

const FILES: &[&str] = &[
    "etcd/kv.proto",
    "etcd/watch.proto",
    "etcd/lease.proto",
    "etcd/cluster.proto",
    "etcd/maintenance.proto",
    "etcd/auth.proto",
    "etcd/election.proto",
    "etcd/lock.proto",
    "keelson/store.proto",
    "keelson/peer.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    println!("cargo:rerun-if-changed=etcd");
    println!("cargo:rerun-if-changed=keelson");

    // Key-values and events exist twice: decoded here, and as `Encoded` wherever an answer carries them. What is
    // named by an extern path below is not generated there.
    let plain = out.join("plain");
    std::fs::create_dir_all(&plain)?;
    prost_build::Config::new()
        .bytes(["."])
        .out_dir(&plain)
        .compile_fds(protox::compile(["etcd/mvcc.proto", "etcd/authpb.proto"], ["."])?)?;

    let all = protox::compile(FILES, ["."])?;
    std::fs::write(out.join("descriptors.bin"), all.encode_to_vec())?;
    tonic_prost_build::configure()
        .bytes(".")
        .extern_path(".mvccpb.KeyValue", "crate::Encoded<crate::mvcc::KeyValue>")
        .extern_path(".mvccpb.Event", "crate::Encoded<crate::mvcc::Event>")
        .extern_path(".authpb", "crate::auth")
        .compile_fds(all)?;
    Ok(())
}
