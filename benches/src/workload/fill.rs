//! Filling the key space before something else is measured.

use anyhow::ensure;

use super::txn_put::TxnPutter;
use crate::bench::Bench;
use crate::load::{Keys, Loaded, Order, Plan, Values, drive};

/// Below what etcd allows in one transaction unless told otherwise.
const OPERATIONS_MAX: usize = 100;
/// Well below what etcd allows in one request.
const REQUEST_BYTES_MAX: usize = 512 << 10;
/// Enough to keep the servers busy, and few enough to leave their queues short.
const CLIENTS: usize = 16;

/// Puts every key of `keys` once, in their order, many in one transaction. The last transaction begins anew at the
/// first key where they do not come out even.
///
/// # Errors
/// A put failed: what follows would measure something else.
pub(crate) async fn fill(bench: &Bench, keys: &Keys, values: &Values) -> anyhow::Result<Loaded> {
    let each = (REQUEST_BYTES_MAX / (keys.size() + values.size))
        .clamp(1, OPERATIONS_MAX)
        .min(keys.count as usize);
    let keys = keys.clone().ordered(Order::Sequential);
    let plan = Plan {
        total: Some(keys.count.div_ceil(each as u64)),
        duration: None,
        warmup: std::time::Duration::ZERO,
        rate: None,
    };
    let clients = (0..CLIENTS).map(|number| TxnPutter::new(bench.caller(number), &keys, values, each));
    let loaded = drive(&bench.stage(), &plan, 1, clients.collect()).await?;
    ensure!(loaded.errors.is_empty(), "filling failed: {:?}", loaded.errors);
    Ok(loaded)
}
