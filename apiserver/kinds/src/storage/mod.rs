//! The group `storage.k8s.io`.

mod attributes_class;
mod capacity;
mod class;
mod csi_driver;
mod csi_node;
mod parameters;
mod topology;
mod volume_attachment;

use crate::kind::Kind;

/// What it is called.
const GROUP: &str = "storage.k8s.io";

/// Its kinds, by plural.
pub(crate) const KINDS: &[Kind] = &[
    csi_driver::CSI_DRIVER,
    csi_node::CSI_NODE,
    capacity::CSI_STORAGE_CAPACITY,
    class::STORAGE_CLASS,
    volume_attachment::VOLUME_ATTACHMENT,
    attributes_class::VOLUME_ATTRIBUTES_CLASS,
];
