//! What finds addresses and ports that were lost, or that nobody took (upstream's `start-service-ip-repair-controllers`).

pub(in crate::inside) mod ips;
pub(in crate::inside) mod ports;

use std::time::Duration;

use tokio::sync::watch;

use crate::inside::Parts;
use ips::AddressRepair;
use ports::PortRepair;

/// How often everything is looked at, changed or not.
const EACH: Duration = Duration::from_secs(3 * 60);
/// How soon it is tried again where it failed.
const SOON: Duration = Duration::from_secs(1);
/// For so long the first look may take; then the hook has failed.
const GIVE_UP: Duration = Duration::from_secs(60);

/// Repairs until it is dropped. The hook is done once both repairs looked at everything.
pub(in crate::inside) async fn run(parts: Parts, addresses: AddressRepair, ports: PortRepair) {
    let hook = parts.hooks.begin("start-service-ip-repair-controllers");
    let ((first, mut addresses_done), (second, mut ports_done)) = (watch::channel(false), watch::channel(false));
    let both = async {
        let done = addresses_done.wait_for(|done| *done).await.is_ok();
        done && ports_done.wait_for(|done| *done).await.is_ok()
    };
    let tell = async {
        tokio::select! {
            true = both => hook.done(),
            () = parts.clock.sleep(GIVE_UP) => {
                hook.failed("unable to perform initial IP and Port allocation check");
            }
        }
    };
    tokio::join!(addresses.run(first), ports.run(second), tell);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::{AddressRepair, PortRepair, run};
    use crate::inside::addresses::{NodePorts, PortRange};
    use crate::inside::hooks::State;
    use crate::inside::objects::{SERVICE_CIDRS, object};
    use crate::inside::testing::{RangeKey, asleep, parts};

    const HOOK: &str = "start-service-ip-repair-controllers";

    #[tokio::test]
    async fn the_hook_fails_where_not_both_repairs_succeed_within_a_minute() {
        let (double, clock, parts) = parts();
        double.put(
            &SERVICE_CIDRS,
            object("networking.k8s.io/v1", "ServiceCIDR", "", "kubernetes"),
        );
        let key = Arc::new(RangeKey::default());
        *key.broken.lock() = true;
        let range = PortRange {
            first: 30_000,
            last: 32_767,
        };
        let ports = Arc::new(NodePorts::new(range, key.clone(), parts.random.clone()));
        let (addresses, repair) = (
            AddressRepair::new(&parts, "host"),
            PortRepair::new(&parts, ports, "host"),
        );
        parts.tasks.spawn_until("repair", run(parts.clone(), addresses, repair));
        for _ in 0..60 {
            asleep(&clock, 3).await;
            assert_eq!(parts.hooks.state(HOOK), Some(State::Running));
            clock.advance(Duration::from_secs(1));
        }
        let failed = parts.hooks.failed().await;
        assert_eq!(
            failed.state,
            State::Failed("unable to perform initial IP and Port allocation check".to_owned())
        );
        // The repairs go on.
        *key.broken.lock() = false;
        while key.value().is_empty() {
            asleep(&clock, 2).await;
            clock.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
        parts.tasks.shutdown().await;
    }
}
