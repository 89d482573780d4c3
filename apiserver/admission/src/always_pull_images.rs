//! `AlwaysPullImages`: images are pulled every time, so that a node's copy serves only those who may pull it.

use std::collections::BTreeSet;

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use async_trait::async_trait;

use crate::plugin::{Operation, Plugin, Request};
use crate::pods::{LISTS, containers};
use crate::refuse::{forbidden, together};

const ALWAYS: &str = "Always";

/// The plugin.
pub(crate) struct AlwaysPullImages;

/// Whether the write is about a pod that runs an image which it did not run before.
fn concerns(request: &Request<'_>, pod: &Tree) -> bool {
    if !request.is_of("", "pods") {
        return false;
    }
    match request.old.filter(|_| request.operation == Operation::Update) {
        None => true,
        Some(old) => {
            let known: BTreeSet<&str> = images(old).collect();
            images(pod).any(|image| !known.contains(image))
        }
    }
}

/// The images of containers and volumes.
fn images(pod: &Tree) -> impl Iterator<Item = &str> {
    let spec = pod.at("spec");
    let volumes = spec.items("volumes").iter().filter(|volume| volume.has("image"));
    let volumes = volumes.map(|volume| volume.at("image").text("reference"));
    containers(spec).map(|container| container.text("image")).chain(volumes)
}

#[async_trait]
impl Plugin for AlwaysPullImages {
    fn name(&self) -> &'static str {
        "AlwaysPullImages"
    }

    fn handles(&self, operation: Operation) -> bool {
        matches!(operation, Operation::Create | Operation::Update)
    }

    async fn admit(&self, request: &Request<'_>, object: Option<&mut Tree>) -> Result<(), Status> {
        let Some(pod) = object.filter(|pod| concerns(request, pod)) else {
            return Ok(());
        };
        let spec = pod.child("spec");
        for list in LISTS {
            for container in spec.get_mut(list).and_then(Tree::as_list_mut).into_iter().flatten() {
                container.set("imagePullPolicy", ALWAYS);
            }
        }
        for volume in spec
            .get_mut("volumes")
            .and_then(Tree::as_list_mut)
            .into_iter()
            .flatten()
        {
            if volume.has("image") {
                volume.child("image").set("pullPolicy", ALWAYS);
            }
        }
        Ok(())
    }

    async fn validate(&self, request: &Request<'_>, object: Option<&Tree>) -> Result<(), Status> {
        let Some(pod) = object.filter(|pod| concerns(request, pod)) else {
            return Ok(());
        };
        let mut refusals = Refusals::new();
        let path = Path::of("spec");
        for list in LISTS {
            for (at, container) in pod.at("spec").items(list).iter().enumerate() {
                let path = path.field(list);
                check(
                    &path.index(at).field("imagePullPolicy"),
                    container.text("imagePullPolicy"),
                    &mut refusals,
                );
            }
        }
        for (at, volume) in pod.at("spec").items("volumes").iter().enumerate() {
            if volume.has("image") {
                let (path, source) = (path.field("volumes"), volume.at("image"));
                let path = path.index(at);
                check(
                    &path.field("image").field("pullPolicy"),
                    source.text("pullPolicy"),
                    &mut refusals,
                );
            }
        }
        let mistakes = refusals.iter();
        let mistakes = mistakes.map(|refusal| forbidden(request, object, refusal).message);
        // An aggregate of answers is no answer of its own: upstream tells it as an unknown failure.
        match together(&mistakes.collect::<Vec<_>>()) {
            None => Ok(()),
            Some(text) => Err(Status::unknown(text)),
        }
    }
}

fn check(path: &Path<'_>, policy: &str, refusals: &mut Refusals) {
    if policy != ALWAYS {
        refusals.not_supported(path, policy, &[ALWAYS]);
    }
}

#[cfg(test)]
mod tests {
    use super::AlwaysPullImages;
    use crate::testing::{Ask, tree};

    const POD: &str = r#"{"spec":{"initContainers":[{"image":"a","imagePullPolicy":"Never"}],"containers":[{"image":"b"}],
        "volumes":[{"image":{"reference":"c","pullPolicy":"IfNotPresent"}},{"emptyDir":{}}]}}"#;

    fn ask() -> Ask {
        Ask::create("", "v1", "Pod", "pods").within("t").named("123")
    }

    #[tokio::test]
    async fn every_image_is_pulled() {
        let pod = ask().admit(&AlwaysPullImages, POD).await.unwrap();
        let expected = r#"{"spec":{"initContainers":[{"image":"a","imagePullPolicy":"Always"}],
            "containers":[{"image":"b","imagePullPolicy":"Always"}],
            "volumes":[{"image":{"reference":"c","pullPolicy":"Always"}},{"emptyDir":{}}]}}"#;
        assert_eq!(pod, tree(expected));
    }

    #[tokio::test]
    async fn what_others_changed_since_is_refused() {
        let refused = ask().validate(&AlwaysPullImages, POD).await.unwrap_err();
        let head = r#"pods "123" is forbidden: spec."#;
        let tail = r#"supported values: "Always""#;
        let expected = format!(
            r#"[{head}initContainers[0].imagePullPolicy: Unsupported value: "Never": {tail}, {head}containers[0].imagePullPolicy: Unsupported value: "": {tail}, {head}volumes[0].image.pullPolicy: Unsupported value: "IfNotPresent": {tail}]"#
        );
        assert_eq!((refused.code, refused.message), (500, expected));
    }

    #[tokio::test]
    async fn an_update_without_a_new_image_is_left_alone() {
        let same = ask().changing(POD);
        assert_eq!(same.admit(&AlwaysPullImages, POD).await.unwrap(), tree(POD));
        let other = ask().changing(r#"{"spec":{"containers":[{"image":"b"}]}}"#);
        assert_ne!(other.admit(&AlwaysPullImages, POD).await.unwrap(), tree(POD));
    }
}
