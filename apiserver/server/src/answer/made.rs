//! Lists of what is made when somebody asks for it, and is of no revision.

use apiserver_api::tree::Tree;
use apiserver_schema::protobuf;

use super::list::{PARTIAL, messages_stream, no_list};
use super::{Answer, Tables, metadata, status, tree};
use crate::catalog::Resource;
use crate::request::Call;
use crate::request::accept::{Form, Shape, Wanted};

/// A list of objects of the stored version that do not say what they are.
pub(crate) fn made(call: &Call, wanted: Wanted, resource: &Resource, mut objects: Vec<Tree>) -> Answer {
    let list = match wanted.shape {
        Shape::Whole => whole(&resource.api_version, &resource.list_kind(), objects),
        Shape::MetadataList(version) if wanted.form == Form::Protobuf => {
            let items = objects
                .iter()
                .map(|object| protobuf::partial(object.at("metadata")).into());
            return messages_stream(call, version, PARTIAL, &Tree::map(), items.collect());
        }
        Shape::MetadataList(version) if objects.is_empty() => whole(version, PARTIAL, Tree::Null),
        Shape::MetadataList(version) => {
            let items = objects.iter().map(|object| metadata(version, object, &[]));
            whole(version, PARTIAL, items.collect::<Vec<Tree>>())
        }
        Shape::Table(version) => match Tables::new(call, version) {
            Ok(mut tables) => {
                for object in &mut objects {
                    resource.to_served(object);
                }
                tables.all(resource, objects)
            }
            Err(refusal) => return status(call, &refusal),
        },
        Shape::Metadata(_) => return status(call, &no_list(resource)),
    };
    tree(call, wanted, 200, &list)
}

fn whole(version: &str, kind: &str, items: impl Into<Tree>) -> Tree {
    let mut list = Tree::map();
    list.set("kind", kind);
    list.set("apiVersion", version);
    list.set("metadata", Tree::map());
    list.set("items", items);
    list
}
