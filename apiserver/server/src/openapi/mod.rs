//! What can be asked of an apiserver and what its objects look like: the documents of `OpenAPI` 2.0 and 3.0.
//!
//! They are made of the table of kinds (`apiserver-kinds`) and that of types (`apiserver-schema`), as upstream makes them of
//! its registries and Go types: `routes` are the operations of a kind, `definition` is a type, `v2` and `v3` write both in a
//! dialect. Nothing is made before it is asked for, and only compressed bytes are kept.
//!
//! Descriptions of types and fields are upstream's, and so are those of values as far as a package has them. Those of parameters
//! and lists are ours, since no package has upstream's.

mod definition;
mod document;
mod documents;
mod fixed;
mod media;
mod names;
mod parameters;
mod protobuf;
mod route;
mod routes;
mod serve;
mod types;
mod v2;
mod v3;

use apiserver_api::tree::Tree;

pub use definition::Dialect;
pub use document::{Document, Packed};
pub use documents::{Documents, index};

use documents::url;

/// The media type with which [`Document::protobuf`] is answered in `OpenAPI` 2.0.
pub const PROTOBUF_V2: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
/// The same as clients of old ask for it; no `Content-Type` may be spelled so.
pub const PROTOBUF_V2_OLD: &str = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
/// The media type with which [`Document::protobuf`] is answered in `OpenAPI` 3.0.
pub const PROTOBUF_V3: &str = "application/com.github.proto-openapi.spec.v3.v1.0+protobuf";
/// The same as clients of old ask for it; no `Content-Type` may be spelled so.
pub const PROTOBUF_V3_OLD: &str = "application/com.github.proto-openapi.spec.v3@v1.0+protobuf";

/// What changes documents beside what is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The version of the API as documents tell it: `1.36`.
    pub version: String,
    /// Whether the values are listed that a field may have (the feature gate `OpenAPIEnums`).
    pub enums: bool,
    /// Whether the server speaks CBOR (the feature gate `CBORServingAndStorage`).
    pub cbor: bool,
}

/// Where a version of a group is served.
fn root(group: &str, version: &str) -> String {
    if group.is_empty() {
        format!("/api/{version}")
    } else {
        format!("/apis/{group}/{version}")
    }
}

fn info(options: &Options) -> Tree {
    let mut info = Tree::map();
    info.set("title", "Kubernetes");
    info.set("version", &*options.version);
    info
}

/// How requests say who they are of.
fn bearer_token() -> Tree {
    let mut token = Tree::map();
    token.set("description", "Bearer Token authentication");
    token.set("in", "header");
    token.set("name", "authorization");
    token.set("type", "apiKey");
    token
}

/// What every operation may answer.
fn unauthorized() -> Tree {
    let mut answer = Tree::map();
    answer.set("description", "Unauthorized");
    answer
}

#[cfg(test)]
mod tests;
