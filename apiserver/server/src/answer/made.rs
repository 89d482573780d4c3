//! Lists of what is made when somebody asks for it, and is of no revision.

use apiserver_api::tree::Tree;
use apiserver_schema::protobuf;

use super::list::{PARTIAL, messages_stream, no_list, with_items};
use super::{Answer, Tables, metadata, status, tree};
use crate::catalog::Resource;
use crate::request::Call;
use crate::request::accept::{Form, Shape, Wanted};

/// A list of objects of the stored version that do not say what they are.
pub(crate) fn made(call: &Call, wanted: Wanted, resource: &Resource, mut objects: Vec<Tree>) -> Answer {
    let list = match wanted.shape {
        Shape::Whole => with_items(&resource.api_version, &resource.list_kind(), Tree::map(), objects),
        Shape::MetadataList(version) if wanted.form == Form::Protobuf => {
            let items = objects
                .iter()
                .map(|object| protobuf::partial(object.at("metadata")).into());
            return messages_stream(call, version, PARTIAL, &Tree::map(), items.collect());
        }
        Shape::MetadataList(version) if objects.is_empty() => with_items(version, PARTIAL, Tree::map(), Tree::Null),
        Shape::MetadataList(version) => {
            let items = objects.iter().map(|object| metadata(version, object, &[]));
            with_items(version, PARTIAL, Tree::map(), items.collect::<Vec<Tree>>())
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
