//! Objects in protobuf: encoded once as the cache has them, and put into envelopes, lists and frames.

use apiserver_api::status::{Reason, Status};
use apiserver_api::tree::Tree;
use apiserver_schema::protobuf;
use apiserver_storage::frame::Told;
use apiserver_storage::object::{Change, Object};
use bytes::Bytes;

use crate::catalog::Resource;

impl Resource {
    /// The message of an object in this version; nothing where it has no form in protobuf.
    pub(crate) fn message(&self, object: &Object) -> Option<Bytes> {
        let id = self.served?;
        let make = || {
            let mut tree = self.typed(object.tree());
            self.to_served(&mut tree);
            protobuf::encode(id, &tree)
        };
        Some(object.protobuf(self.version.schema, make))
    }

    /// The same in an envelope.
    pub(super) fn sealed(&self, object: &Object) -> Option<Vec<u8>> {
        let message = self.message(object)?;
        Some(protobuf::seal(&self.api_version, self.kind.kind, &message))
    }

    /// A frame that tells of an object.
    pub(crate) fn protobuf_event(&self, told: Told, object: &Object) -> Vec<u8> {
        let message = self.message(object).unwrap_or_default();
        protobuf::event(told.as_str(), &self.api_version, self.kind.kind, &message)
    }

    /// The frame that tells of a change.
    pub(crate) fn protobuf_frame(&self, told: Told, change: &Change) -> Bytes {
        let make = |object: &Object| self.protobuf_event(told, object);
        change.protobuf_frame(told, self.version.schema, make)
    }
}

/// A frame that tells of an object that says what it is.
pub(crate) fn protobuf_event(told: &str, object: &Tree) -> Bytes {
    let message = protobuf::message(object).unwrap_or_default();
    protobuf::event(told, object.text("apiVersion"), object.text("kind"), &message).into()
}

/// What is said of an object that has no form in protobuf, as those of custom resources.
pub(crate) const NOT_MARSHALABLE: &str = "object *unstructured.Unstructured does not implement the protobuf marshalling interface \
                                          and cannot be encoded to a protobuf message";

/// 406 for such an object.
pub(crate) fn not_marshalable() -> Status {
    Status::new(406, Reason::NotAcceptable, NOT_MARSHALABLE)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use apiserver_api::meta;
    use apiserver_api::tree::Tree;
    use apiserver_schema::protobuf;
    use apiserver_storage::frame::Told;
    use apiserver_storage::list::Page;
    use apiserver_storage::object::Object;
    use http_body_util::BodyExt;

    use crate::answer::samples::object;
    use crate::catalog::{Catalog, Resource};
    use crate::discovery::Served;
    use crate::request::accept::{Form, Shape, Wanted};
    use crate::request::tests::call;

    fn resource(group: &str, version: &str, plural: &str) -> Arc<Resource> {
        let catalog = Catalog::new(&Served::default(), |_| None);
        catalog.find(group, version, plural).unwrap().clone()
    }

    /// An object as it is served, sealed.
    fn sealed(resource: &Resource, object: &Object) -> Vec<u8> {
        let mut tree = resource.typed(object.tree());
        resource.to_served(&mut tree);
        protobuf::object(&tree).unwrap()
    }

    #[test]
    fn an_object_is_encoded_once_in_each_version() {
        let scaler = object(
            r#"{"metadata":{"name":"a"},"spec":{"maxReplicas":3,"metrics":[{"type":"Resource","resource":{"name":"cpu",
                "target":{"type":"Utilization","averageUtilization":80}}}]}}"#,
        );
        for version in ["v2", "v1"] {
            let resource = resource("autoscaling", version, "horizontalpodautoscalers");
            assert_eq!(
                resource.sealed(&scaler).unwrap(),
                sealed(&resource, &scaler),
                "{version}"
            );
        }
        let resource = resource("autoscaling", "v2", "horizontalpodautoscalers");
        let (one, two) = (resource.message(&scaler).unwrap(), resource.message(&scaler).unwrap());
        assert_eq!(one.as_ptr(), two.as_ptr());
    }

    #[test]
    fn a_frame_tells_of_an_object_in_its_envelope() {
        let (resource, map) = (
            resource("", "v1", "configmaps"),
            object(r#"{"data":{"a":"b"},"metadata":{"name":"a"}}"#),
        );
        let frame = resource.protobuf_event(Told::Deleted, &map);
        assert!(frame.ends_with(&sealed(&resource, &map)));
        let mut tree = resource.typed(map.tree());
        meta::set_type(&mut tree, "v1", "ConfigMap");
        assert_eq!(super::protobuf_event("DELETED", &tree), frame);
    }

    #[tokio::test]
    async fn a_list_is_what_it_would_be_in_one_piece() {
        let resource = resource("", "v1", "configmaps");
        let names = (0..200).map(|at| {
            format!(
                r#"{{"metadata":{{"name":"c{at}"}},"data":{{"k":"{}"}}}}"#,
                "v".repeat(at)
            )
        });
        let objects: Vec<_> = names.map(|json| Arc::new(object(&json))).collect();
        let items = objects.iter().map(|object| object.tree());
        let mut whole = Tree::map();
        meta::set_type(&mut whole, "v1", "ConfigMapList");
        whole.child("metadata").set("resourceVersion", "9");
        whole.child("metadata").set("remainingItemCount", 3);
        whole.set("items", items.collect::<Vec<Tree>>());
        for shape in [Shape::Whole, Shape::MetadataList("meta.k8s.io/v1")] {
            let page = Page {
                revision: 9,
                objects: objects.clone(),
                next: None,
                remaining: Some(3),
            };
            let wanted = Wanted {
                form: Form::Protobuf,
                shape,
                ..Wanted::PLAIN
            };
            let answer = super::super::list(&call("GET", "/"), wanted, &resource, page).await;
            assert_eq!(answer.headers()["content-type"], "application/vnd.kubernetes.protobuf");
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            if shape == Shape::Whole {
                assert_eq!(body, protobuf::object(&whole).unwrap());
            } else {
                let list = protobuf::open(&body).unwrap();
                assert_eq!(list.kind, "PartialObjectMetadataList");
                // The list's metadata, then each object's; a config map in which there is no data is the same.
                let id = protobuf::type_of("v1", "ConfigMapList").unwrap();
                let list = protobuf::decode(id, list.raw).unwrap();
                let names = list.items("items").iter().map(meta::name);
                assert!(names.eq(objects.iter().map(|object| &*object.index.name)));
            }
        }
    }
}
