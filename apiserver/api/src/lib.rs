//! The words of the Kubernetes API: objects as trees, paths into them, refusals, names, quantities, selectors, times.
//!
//! Everything here is upstream's `apimachinery` in our form, and its texts are contracts: users search for them. This
//! crate must not know of any kind, of schemas, of storage or of HTTP, and does no IO. Start reading at [`tree::Tree`],
//! then [`refusal::Refusals`].

pub mod go;
pub mod path;
pub mod refusal;
pub mod tree;
