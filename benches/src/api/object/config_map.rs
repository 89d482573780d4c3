//! Configuration of 1 KiB an object.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;

use super::{Changes, NAMESPACE, Resource};

/// Makes the whole object 1 KiB.
const PAYLOAD_BYTES: usize = 704;

/// Config maps with one long value and a few short ones.
pub(crate) fn config_maps() -> Resource {
    let object = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "config-<number>",
            "namespace": NAMESPACE,
            "labels": {"app.kubernetes.io/name": "shop", "app.kubernetes.io/component": "settings"},
        },
        "data": {"log-level": "info", "turn": "<turn>", "payload": payload()},
    });
    let changes = Changes {
        apply: json!({"data": {"turn": "<turn>", "applied": "yes"}}),
        ..Changes::all(json!({"data": {"turn": "<turn>"}}))
    };
    let folder = format!("/api/v1/namespaces/{NAMESPACE}/configmaps");
    Resource::of("configmaps", &folder, object, changes)
}

/// Letters and digits that cannot be compressed much.
fn payload() -> String {
    let mut random = StdRng::seed_from_u64(1);
    let letters = std::iter::repeat_with(|| char::from(random.sample(rand::distr::Alphanumeric)));
    letters.take(PAYLOAD_BYTES).collect()
}
