//! Claims as messages show them.

use crate::go_form::{Holds, Part, part};

/// The spec of a claim.
pub(super) const CLAIM_SPEC: &[Part] = &[part("Devices", "devices", Holds::Struct(DEVICES))];

const DEVICES: &[Part] = &[
    part("Requests", "requests", Holds::List(REQUEST)),
    part("Constraints", "constraints", Holds::List(CONSTRAINT)),
    part("Config", "config", Holds::List(CONFIG)),
];
const REQUEST: &[Part] = &[
    part("Name", "name", Holds::Text),
    part("Exactly", "exactly", Holds::Pointer(EXACTLY)),
    part("FirstAvailable", "firstAvailable", Holds::List(ALTERNATIVE)),
];
const EXACTLY: &[Part] = &[
    part("DeviceClassName", "deviceClassName", Holds::Text),
    part("Selectors", "selectors", Holds::List(SELECTOR)),
    part("AllocationMode", "allocationMode", Holds::Text),
    part("Count", "count", Holds::Int),
    part("AdminAccess", "adminAccess", Holds::Optional),
    part("Tolerations", "tolerations", Holds::List(TOLERATION)),
    part("Capacity", "capacity", Holds::Pointer(CAPACITY)),
];
const ALTERNATIVE: &[Part] = &[
    part("Name", "name", Holds::Text),
    part("DeviceClassName", "deviceClassName", Holds::Text),
    part("Selectors", "selectors", Holds::List(SELECTOR)),
    part("AllocationMode", "allocationMode", Holds::Text),
    part("Count", "count", Holds::Int),
    part("Tolerations", "tolerations", Holds::List(TOLERATION)),
    part("Capacity", "capacity", Holds::Pointer(CAPACITY)),
];
const SELECTOR: &[Part] = &[part("CEL", "cel", Holds::Pointer(CEL))];
const CEL: &[Part] = &[part("Expression", "expression", Holds::Text)];
const TOLERATION: &[Part] = &[
    part("Key", "key", Holds::Text),
    part("Operator", "operator", Holds::Text),
    part("Value", "value", Holds::Text),
    part("Effect", "effect", Holds::Text),
    part("TolerationSeconds", "tolerationSeconds", Holds::Optional),
];
const CAPACITY: &[Part] = &[part("Requests", "requests", Holds::Optional)];
const CONSTRAINT: &[Part] = &[
    part("Requests", "requests", Holds::Optional),
    part("MatchAttribute", "matchAttribute", Holds::Optional),
    part("DistinctAttribute", "distinctAttribute", Holds::Optional),
];
const CONFIG: &[Part] = &[
    part("Requests", "requests", Holds::Optional),
    part("Opaque", "opaque", Holds::Pointer(OPAQUE)),
];
const OPAQUE: &[Part] = &[
    part("Driver", "driver", Holds::Text),
    part("Parameters", "parameters", Holds::Optional),
];

/// Which part of which device a claim has.
pub(super) const DEVICE_ID: &[Part] = &[
    part("Driver", "driver", Holds::Text),
    part("Pool", "pool", Holds::Text),
    part("Device", "device", Holds::Text),
    part("ShareID", "shareID", Holds::Text),
];
