//! kube-rs: objects, patches, pages, errors, and caches that follow a watch.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::pin::pin;

use futures_util::{Stream, StreamExt};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams, PostParams,
    PropagationPolicy,
};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{PartialObjectMeta, Status};
use kube::runtime::reflector::{self, ObjectRef};
use kube::runtime::wait::{await_condition, conditions};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Client, Config, ResourceExt};
use serde_json::json;

use crate::apiserver::pair::Pair;
use crate::harness::{Kind, LONG, skip, tools};

/// A client with the rights of this context of the kubeconfig.
pub(crate) async fn client(pair: &Pair, context: &str) -> Client {
    let file = pair.folder().join(format!("config-{context}"));
    pair.kubeconfig(&file, "default");
    let options = KubeConfigOptions {
        context: Some(context.to_owned()),
        ..KubeConfigOptions::default()
    };
    let config = Config::from_custom_kubeconfig(Kubeconfig::read_from(file).unwrap(), &options);
    Client::try_from(config.await.unwrap()).unwrap()
}

async fn api<K>(pair: &Pair) -> Api<K>
where
    K: kube::Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
{
    Api::namespaced(client(pair, "admin").await, "default")
}

fn map(name: &str, data: &[(&str, &str)]) -> ConfigMap {
    let data: BTreeMap<String, String> = data.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        },
        data: (!data.is_empty()).then_some(data),
        ..ConfigMap::default()
    }
}

/// What the apiserver has refused.
fn refused<T: Debug>(answer: Result<T, kube::Error>) -> Box<Status> {
    match answer {
        Err(kube::Error::Api(status)) => status,
        other => panic!("it must be refused: {other:?}"),
    }
}

/// The next item of a stream, which must come.
async fn next<S: Stream + Unpin>(stream: &mut S) -> S::Item {
    let item = tokio::time::timeout(LONG, stream.next()).await;
    item.expect("the stream says nothing").expect("the stream has ended")
}

async fn objects_come_change_and_go(pair: &Pair) {
    let maps: Api<ConfigMap> = api(pair).await;
    let made = maps
        .create(&PostParams::default(), &map("a", &[("k", "1")]))
        .await
        .unwrap();
    assert!(made.uid().is_some() && made.creation_timestamp().is_some());
    let again = refused(maps.create(&PostParams::default(), &map("a", &[])).await);
    assert_eq!((again.code, again.reason.as_str()), (409, "AlreadyExists"));

    let mut changed = made.clone();
    changed.data = map("a", &[("k", "2")]).data;
    let changed = maps.replace("a", &PostParams::default(), &changed).await.unwrap();
    assert_ne!(changed.resource_version(), made.resource_version());
    let stale = refused(maps.replace("a", &PostParams::default(), &made).await);
    assert_eq!((stale.code, stale.reason.as_str()), (409, "Conflict"));
    assert_eq!(maps.get("a").await.unwrap().data, changed.data);
    assert!(maps.get_opt("b").await.unwrap().is_none());

    let dry = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    maps.create(&dry, &map("dry", &[])).await.unwrap();
    assert!(maps.get_opt("dry").await.unwrap().is_none());

    let orphan = DeleteParams {
        propagation_policy: Some(PropagationPolicy::Background),
        ..DeleteParams::default()
    };
    maps.delete("a", &orphan).await.unwrap();
    assert_eq!(refused(maps.get("a").await).reason, "NotFound");
    maps.create(&PostParams::default(), &map("b", &[])).await.unwrap();
    let all = maps
        .delete_collection(&DeleteParams::default(), &ListParams::default())
        .await;
    all.unwrap();
    assert!(maps.list(&ListParams::default()).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn kube_rs_makes_changes_and_deletes_objects() {
    objects_come_change_and_go(&Pair::start()).await;
}

#[tokio::test]
async fn kube_rs_does_the_same_on_etcd() {
    if let Err(why) = tools() {
        return skip(why);
    }
    let pair = Pair::start_on(Kind::Etcd);
    objects_come_change_and_go(&pair).await;
    a_cache_follows(&pair).await;
}

#[tokio::test]
async fn kube_rs_patches_in_three_ways() {
    let pair = Pair::start();
    let deployments: Api<Deployment> = api(&pair).await;
    let web: Deployment = serde_json::from_value(json!({
        "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1"}]}
            }
        }
    }))
    .unwrap();
    deployments.create(&PostParams::default(), &web).await.unwrap();
    let images = |deployment: &Deployment| -> Vec<String> {
        let template = &deployment.spec.as_ref().unwrap().template;
        let containers = template.spec.as_ref().unwrap().containers.iter();
        containers.map(|container| container.image.clone().unwrap()).collect()
    };
    let plain = PatchParams::default();

    // By the names of the containers.
    let strategic = json!({"spec": {"template": {"spec": {"containers": [{"name": "b", "image": "b:2"}]}}}});
    let patched = deployments
        .patch("web", &plain, &Patch::Strategic(strategic))
        .await
        .unwrap();
    assert_eq!(images(&patched), ["a:1", "b:2"]);
    // The whole list.
    let merge = json!({"spec": {"template": {"spec": {"containers": [{"name": "b", "image": "b:3"}]}}}});
    let patched = deployments.patch("web", &plain, &Patch::Merge(merge)).await.unwrap();
    assert_eq!(images(&patched), ["b:3"]);
    // With an owner, who is told of a clash and may force it.
    let apply = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "spec": {"template": {"spec": {"containers": [{"name": "b", "image": "b:4"}, {"name": "c", "image": "c:1"}]}}}
    });
    let mine = PatchParams::apply("mine");
    let clash = refused(deployments.patch("web", &mine, &Patch::Apply(&apply)).await);
    assert_eq!((clash.code, clash.reason.as_str()), (409, "Conflict"));
    assert!(clash.message.contains('b'), "{}", clash.message);
    let patched = deployments
        .patch("web", &mine.clone().force(), &Patch::Apply(&apply))
        .await
        .unwrap();
    assert_eq!(images(&patched), ["b:4", "c:1"]);
    let managers: Vec<&str> = patched
        .managed_fields()
        .iter()
        .filter_map(|entry| entry.manager.as_deref())
        .collect();
    assert!(managers.contains(&"mine"), "{managers:?}");

    let status = json!({"status": {"replicas": 1, "readyReplicas": 1}});
    let patched = deployments
        .patch_status("web", &plain, &Patch::Merge(status))
        .await
        .unwrap();
    assert_eq!(patched.status.unwrap().ready_replicas, Some(1));
    let scale = json!({"spec": {"replicas": 7}});
    let scaled = deployments
        .patch_scale("web", &plain, &Patch::Merge(scale))
        .await
        .unwrap();
    assert_eq!(scaled.spec.unwrap().replicas, Some(7));

    let none = refused(deployments.patch("none", &plain, &Patch::Merge(json!({}))).await);
    assert_eq!((none.code, none.reason.as_str()), (404, "NotFound"));
}

#[tokio::test]
async fn kube_rs_reads_pages_of_one_moment() {
    let pair = Pair::start();
    let maps: Api<ConfigMap> = api(&pair).await;
    for n in 0..7 {
        maps.create(&PostParams::default(), &map(&format!("m{n}"), &[]))
            .await
            .unwrap();
    }
    let mut params = ListParams::default().limit(3);
    let (mut names, mut pages) = (Vec::new(), 0);
    loop {
        let page = maps.list(&params).await.unwrap();
        assert!(page.items.len() <= 3);
        pages += 1;
        names.extend(page.iter().map(ResourceExt::name_any));
        let Some(token) = page.metadata.continue_.filter(|token| !token.is_empty()) else {
            break;
        };
        assert_eq!(page.metadata.remaining_item_count, Some(7 - names.len() as i64));
        params = params.continue_token(&token);
        if pages == 1 {
            // What comes and goes between the pages is not in them.
            maps.create(&PostParams::default(), &map("m9", &[])).await.unwrap();
            maps.delete("m6", &DeleteParams::default()).await.unwrap();
        }
    }
    assert_eq!((pages, names.concat().as_str()), (3, "m0m1m2m3m4m5m6"));

    let some = maps
        .list(&ListParams::default().fields("metadata.name=m1"))
        .await
        .unwrap();
    assert_eq!(some.items.len(), 1);
    let metadata = maps.list_metadata(&ListParams::default()).await.unwrap();
    assert_eq!(metadata.items.len(), 7);
    let bad = refused(maps.list(&ListParams::default().continue_token("nonsense")).await);
    assert_eq!((bad.code, bad.reason.as_str()), (400, "BadRequest"));
}

/// The cache of a reflector has what is there, and then what happens.
async fn a_cache_follows(pair: &Pair) {
    let maps: Api<ConfigMap> = api(pair).await;
    maps.create(&PostParams::default(), &map("early", &[("k", "1")]))
        .await
        .unwrap();
    for config in [watcher::Config::default(), watcher::Config::default().streaming_lists()] {
        let (reader, writer) = reflector::store();
        let events = reflector::reflector(writer, watcher(maps.clone(), config).default_backoff());
        let mut events = pin!(events.touched_objects());
        assert_eq!(next(&mut events).await.unwrap().name_any(), "early");
        maps.create(&PostParams::default(), &map("late", &[])).await.unwrap();
        assert_eq!(next(&mut events).await.unwrap().name_any(), "late");
        let seen = |name: &str| reader.get(&ObjectRef::new(name).within("default"));
        assert_eq!(seen("early").unwrap().data, map("", &[("k", "1")]).data);
        assert!(seen("late").is_some());
        maps.delete("late", &DeleteParams::default()).await.unwrap();
        assert_eq!(next(&mut events).await.unwrap().name_any(), "late");
        assert!(seen("late").is_none());
    }
}

#[tokio::test]
async fn kube_rs_caches_follow_what_happens() {
    let pair = Pair::start();
    a_cache_follows(&pair).await;

    // The same of metadata only.
    let metadata: Api<PartialObjectMeta<ConfigMap>> = Api::namespaced(client(&pair, "admin").await, "default");
    let mut events = pin!(watcher(metadata, watcher::Config::default()).applied_objects());
    let early = next(&mut events).await.unwrap();
    assert_eq!(early.metadata.name.as_deref(), Some("early"));
}

#[tokio::test]
async fn kube_rs_waits_for_conditions() {
    let pair = Pair::start();
    let pods: Api<Pod> = api(&pair).await;
    let pod: Pod = serde_json::from_value(json!({
        "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}
    }))
    .unwrap();
    pods.create(&PostParams::default(), &pod).await.unwrap();
    let running = await_condition(pods.clone(), "p", conditions::is_pod_running());
    let run = async {
        let status = json!({"status": {"phase": "Running"}});
        pods.patch_status("p", &PatchParams::default(), &Patch::Merge(status))
            .await
            .unwrap();
    };
    let both = Box::pin(async { tokio::join!(running, run) });
    let (running, ()) = tokio::time::timeout(LONG, both).await.unwrap();
    assert_eq!(running.unwrap().unwrap().name_any(), "p");
}

#[tokio::test]
async fn kube_rs_finds_kinds_that_it_has_no_types_for() {
    let pair = Pair::start();
    let client = client(&pair, "carol").await;
    let found = kube::discovery::oneshot::pinned_kind(&client, &GroupVersionKind::gvk("batch", "v1", "Job")).await;
    let (resource, _): (ApiResource, _) = found.unwrap();
    assert_eq!(resource.plural, "jobs");
    let jobs: Api<DynamicObject> = Api::namespaced_with(client, "default", &resource);
    let template = json!({"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}});
    let job = DynamicObject::new("j", &resource).data(json!({"spec": {"template": template}}));
    let made = jobs.create(&PostParams::default(), &job).await.unwrap();
    assert_eq!(made.data["spec"]["backoffLimit"], 6, "a default is put in");
}

#[tokio::test]
async fn kube_rs_tells_refusals_apart() {
    let pair = Pair::start();
    let maps: Api<ConfigMap> = api(&pair).await;
    let invalid = refused(maps.create(&PostParams::default(), &map("Not_A_Name", &[])).await);
    assert_eq!((invalid.code, invalid.reason.as_str()), (422, "Invalid"));
    let details = invalid.details.unwrap();
    assert_eq!(details.causes[0].field, "metadata.name");

    let jane: Api<ConfigMap> = Api::namespaced(client(&pair, "jane").await, "default");
    let forbidden = refused(jane.list(&ListParams::default()).await);
    assert_eq!((forbidden.code, forbidden.reason.as_str()), (403, "Forbidden"));
    let nowhere: Api<ConfigMap> = Api::namespaced(client(&pair, "admin").await, "nowhere");
    let missing = refused(nowhere.create(&PostParams::default(), &map("a", &[])).await);
    assert_eq!((missing.code, missing.reason.as_str()), (404, "NotFound"));
}
