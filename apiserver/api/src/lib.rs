//! The words of the Kubernetes API: objects as trees, paths into them, refusals, names, quantities, selectors, times.
//!
//! Everything here is upstream's `apimachinery` in our form, and its texts are contracts: users search for them. This
//! crate must not know of any kind, of schemas, of storage or of HTTP, and does no IO. Start reading at [`tree::Tree`],
//! then [`refusal::Refusals`].

pub mod fields;
pub mod go;
pub mod gvk;
pub mod int_or_string;
pub mod labels;
pub mod meta;
pub mod names;
pub mod path;
pub mod quantity;
pub mod refusal;
pub mod status;
pub mod time;
pub mod tree;
pub mod user;
pub mod warnings;
pub mod yaml;
