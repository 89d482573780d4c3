//! A whole member of a cluster of one, in memory, for what only a member decodes.

use std::sync::Arc;
use std::time::Duration;

use base::clock::SystemClock;
use base::random::SystemRandom;
use base::task::Tasks;
use prometheus::Registry;
use store_engine::Memory;
use store_log::{Executor, MemoryDisk};
use store_node::{Config, IdentityStore, LogTuning, Member, MemoryIdentity, Parts, assemble};

use super::must;
use super::nobody::Nobody;

/// A configuration of a member that leads soon after it was started.
pub(crate) fn config() -> Config {
    Config {
        heartbeat_interval: Duration::from_millis(10),
        // A token that is ahead of its reader makes it wait so long.
        election_timeout: Duration::from_millis(50),
        // As long as any run takes: tokens that are seeds must not die.
        auth_token_ttl: Duration::from_secs(30 * 24 * 3600),
        bcrypt_cost: 4,
        ..Config::default()
    }
}

/// What a member is made of. Must be called on the runtime.
pub(crate) fn parts(config: Config, identity: Arc<dyn IdentityStore>, registry: &Registry, tasks: &Tasks) -> Parts {
    Parts {
        config,
        identity,
        engine: Arc::new(Memory::new()),
        disk: Arc::new(MemoryDisk::new()),
        log: LogTuning {
            executor: Executor::Thread,
            segment_bytes: 1 << 20,
            cache_bytes: 1 << 20,
        },
        clock: Arc::new(SystemClock::new()),
        random: Arc::new(SystemRandom),
        transport: Arc::new(Nobody),
        peers: Arc::new(Nobody),
        registry: registry.clone(),
        tasks: tasks.child(),
        on_fatal: Arc::new(|why: &str| panic!("the member cannot go on: {why}")),
    }
}

/// A member that leads and serves. It and its tasks live as long as the process.
pub(crate) async fn start(config: Config, registry: &Registry, tasks: &Tasks) -> Member {
    let identity = Arc::new(MemoryIdentity::default());
    let member = must(
        "start a member",
        assemble(parts(config, identity, registry, tasks)).await,
    );
    must("wait until the member serves", member.ready().await);
    member
}
