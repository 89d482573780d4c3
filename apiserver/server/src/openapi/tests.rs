//! Small facts of the documents, and the whole of them by digest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use apiserver_api::tree::{Tree, parse};
use apiserver_schema::built_in;
use sha2::{Digest as _, Sha256};

use super::types::Types;
use super::{Dialect, Document, Documents, Options, index, routes};
use crate::discovery::Served;

fn options() -> Options {
    Options {
        version: "1.36".to_owned(),
        enums: true,
        cbor: false,
    }
}

/// The documents of what is served by default; they are made once for all tests.
fn documents() -> &'static Documents {
    static DOCUMENTS: LazyLock<Documents> = LazyLock::new(|| Documents::new(Served::default(), options()));
    &DOCUMENTS
}

fn read(document: &Document) -> Tree {
    parse(&document.json().plain()).unwrap().tree
}

fn v3(path: &str) -> Tree {
    read(&documents().v3(path).unwrap())
}

fn definition(document: &Tree, name: &str) -> Tree {
    let name = format!("io.k8s.api.{name}");
    let definition = document.below(&["components", "schemas", &name]);
    if definition.is_null() {
        document.below(&["definitions", &name]).clone()
    } else {
        definition.clone()
    }
}

fn names(items: &[Tree], field: &str) -> Vec<String> {
    items.iter().map(|item| item.text(field).to_owned()).collect()
}

/// As JSON, without what is said.
fn bare(tree: &Tree) -> String {
    let mut tree = tree.clone();
    tree.remove("description");
    String::from_utf8(tree.to_json()).unwrap()
}

#[test]
fn every_type_that_is_spoken_stands_in_the_table() {
    let types = Types::new();
    for kind in apiserver_kinds::all() {
        for version in kind.versions {
            for route in routes::of_kind(&types, &options(), kind, version) {
                for name in route.types() {
                    assert!(built_in().named(name).is_some(), "{name}");
                }
            }
        }
    }
}

#[test]
fn operations_have_names_of_their_own() {
    let document = read(&documents().v2());
    let mut ids = BTreeSet::new();
    let mut count = 0;
    for (_, item) in document.entries("paths").iter() {
        for (method, operation) in item.as_map().unwrap().iter() {
            if method != "parameters" {
                count += 1;
                ids.insert(operation.text("operationId").to_owned());
            }
        }
    }
    assert_eq!(ids.len(), count);
}

#[test]
fn a_patch_says_that_it_checks_fields() {
    let document = v3("apis/apps/v1");
    let patch = document
        .at("paths")
        .below(&["/apis/apps/v1/namespaces/{namespace}/deployments/{name}", "patch"]);
    assert_eq!(patch.text("operationId"), "patchAppsV1NamespacedDeployment");
    assert_eq!(patch.text("description"), "partially update the specified Deployment");
    assert_eq!(patch.text("x-kubernetes-action"), "patch");
    assert_eq!(patch.at("x-kubernetes-group-version-kind").text("kind"), "Deployment");
    assert_eq!(
        names(patch.items("parameters"), "name"),
        ["dryRun", "fieldManager", "fieldValidation", "force"]
    );
    let body = patch.at("requestBody");
    assert!(body.flag("required"));
    assert_eq!(body.entries("content").len(), 4);
    assert_eq!(
        patch.at("responses").as_map().unwrap().keys().collect::<Vec<_>>(),
        ["200", "201", "401"]
    );
}

#[test]
fn what_all_operations_of_a_path_have_is_said_once() {
    let document = v3("api/v1");
    let item = document.at("paths").at("/api/v1/namespaces/{namespace}/pods/{name}");
    assert_eq!(names(item.items("parameters"), "name"), ["name", "namespace", "pretty"]);
    assert!(!item.at("get").has("parameters"));
    let finalize = document.at("paths").at("/api/v1/namespaces/{name}/finalize");
    assert_eq!(
        names(finalize.items("parameters"), "name"),
        ["dryRun", "fieldManager", "fieldValidation", "name", "pretty"]
    );
}

#[test]
fn a_connection_is_made_by_every_method_below_any_path() {
    let document = v3("api/v1");
    let item = document.at("paths").at("/api/v1/nodes/{name}/proxy/{path}");
    let methods: Vec<_> = item.as_map().unwrap().keys().collect();
    assert_eq!(
        methods,
        ["delete", "get", "head", "options", "parameters", "patch", "post", "put"]
    );
    let parameters = item.items("parameters");
    assert_eq!(names(parameters, "name"), ["name", "path", "path"]);
    assert_eq!(names(parameters, "in"), ["path", "path", "query"]);
    let get = item.at("get");
    assert_eq!(get.text("operationId"), "connectCoreV1GetNodeProxyWithPath");
    assert_eq!(
        bare(get.below(&["responses", "200", "content"])),
        r#"{"*/*":{"schema":{"type":"string"}}}"#
    );
}

#[test]
fn a_subresource_of_another_group_is_of_that_kind() {
    let document = v3("apis/apps/v1");
    let path = "/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale";
    let get = document.at("paths").at(path).at("get").clone();
    assert_eq!(get.text("description"), "read scale of the specified Deployment");
    assert_eq!(get.at("x-kubernetes-group-version-kind").text("group"), "autoscaling");
    let parameters = document.at("paths").at(path).items("parameters");
    assert_eq!(parameters[0].text("description"), "name of the Scale");
}

#[test]
fn a_deletion_answers_the_object_of_some_resources() {
    let document = read(&documents().v2());
    let answer = |path: &str| {
        document
            .at("paths")
            .at(path)
            .below(&["delete", "responses", "200", "schema"])
            .clone()
    };
    assert!(
        answer("/api/v1/namespaces/{namespace}/pods/{name}")
            .text("$ref")
            .ends_with("core.v1.Pod")
    );
    // A namespace is answered as well, of which no document says so.
    for path in [
        "/api/v1/namespaces/{namespace}/configmaps/{name}",
        "/api/v1/namespaces/{name}",
    ] {
        assert!(answer(path).text("$ref").ends_with("meta.v1.Status"), "{path}");
    }
}

#[test]
fn a_definition_says_how_its_fields_are_merged() {
    let document = v3("api/v1");
    let container = definition(&document, "core.v1.Container");
    assert_eq!(
        bare(container.at("properties").at("ports")),
        r##"{"items":{"$ref":"#/components/schemas/io.k8s.api.core.v1.ContainerPort"},"type":"array","x-kubernetes-list-map-keys":["containerPort","protocol"],"x-kubernetes-list-type":"map","x-kubernetes-patch-merge-key":"containerPort","x-kubernetes-patch-strategy":"merge"}"##
    );
    assert_eq!(
        bare(container.at("properties").at("args")),
        r#"{"items":{"type":"string"},"type":"array","x-kubernetes-list-type":"atomic"}"#
    );
    let volume = definition(&document, "core.v1.PersistentVolumeSpec");
    assert_eq!(
        volume.below(&["properties", "claimRef"]).text("x-kubernetes-map-type"),
        "granular"
    );
    let spec = definition(&document, "core.v1.PodSpec");
    let volumes = spec.below(&["properties", "volumes"]);
    assert_eq!(volumes.text("x-kubernetes-patch-strategy"), "merge,retainKeys");
}

#[test]
fn required_fields_stand_in_the_order_that_go_has() {
    let document = v3("version");
    let info = document.below(&["components", "schemas", "io.k8s.apimachinery.pkg.version.Info"]);
    let required: Vec<_> = info.items("required").iter().filter_map(Tree::as_str).collect();
    assert_eq!(required[..3], ["major", "minor", "gitVersion"]);
}

#[test]
fn values_that_have_names_are_listed_where_it_is_wanted() {
    let protocol = |document: Tree| {
        let port = definition(&document, "core.v1.ServicePort");
        port.below(&["properties", "protocol"]).clone()
    };
    let with = protocol(v3("api/v1"));
    assert_eq!(
        bare(&with),
        r#"{"default":"TCP","enum":["SCTP","TCP","UDP"],"type":"string"}"#
    );
    assert!(with.text("description").ends_with(
        "Default is TCP.\n\nPossible enum values:\n - `\"SCTP\"` is the SCTP protocol.\n - `\"TCP\"` is the TCP protocol.\n - `\"UDP\"` is the UDP protocol."
    ));
    // Where nothing is said of a value it ends with the value.
    let spec = definition(&v3("api/v1"), "core.v1.PodSpec");
    let restart = spec.below(&["properties", "restartPolicy"]).text("description");
    assert!(restart.ends_with("\n\nPossible enum values:\n - `\"Always\"`\n - `\"Never\"`\n - `\"OnFailure\"`"));
    let without = Documents::new(
        Served::default(),
        Options {
            enums: false,
            ..options()
        },
    );
    let without = protocol(read(&without.v3("api/v1").unwrap()));
    assert_eq!(bare(&without), r#"{"default":"TCP","type":"string"}"#);
    assert!(without.text("description").ends_with("Default is TCP."));
}

#[test]
fn cbor_stands_among_the_media_types_where_it_is_spoken() {
    let spoken = Documents::new(
        Served::default(),
        Options {
            cbor: true,
            ..options()
        },
    );
    for (documents, types) in [(documents(), 5), (&spoken, 7)] {
        let document = read(&documents.v2());
        let list = document.at("paths").below(&["/api/v1/nodes", "get"]);
        assert_eq!(list.items("produces").len(), types);
    }
}

#[test]
fn what_every_group_has_is_of_the_group_of_its_document() {
    let name = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";
    let document = v3("apis/batch/v1");
    let kinds = document
        .below(&["components", "schemas", name])
        .items("x-kubernetes-group-version-kind");
    assert_eq!(names(kinds, "group"), ["", "batch"]);
    let all = read(&documents().v2());
    assert_eq!(
        all.below(&["definitions", name])
            .items("x-kubernetes-group-version-kind")
            .len(),
        60
    );
}

#[test]
fn shared_parameters_are_named_by_what_they_say() {
    let document = read(&documents().v2());
    let shared = document.at("parameters");
    assert_eq!(
        bare(shared.at("body-78PwaGsr")),
        r##"{"in":"body","name":"body","required":true,"schema":{"$ref":"#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.Patch"}}"##
    );
    assert!(shared.has("orphanDependents-uRB25kX5"));
    let patch = document
        .at("paths")
        .below(&["/api/v1/namespaces/{namespace}/pods/{name}", "patch"]);
    let first = &patch.items("parameters")[0];
    assert_eq!(first.text("$ref"), "#/parameters/body-78PwaGsr");
}

#[test]
fn the_index_names_every_document_by_its_hash() {
    let documents = documents();
    let hashes = documents.hashes();
    for path in [
        ".well-known/openid-configuration",
        "api",
        "api/v1",
        "apis",
        "apis/apps",
        "apis/apps/v1",
        "logs",
        "openid/v1/jwks",
        "version",
    ] {
        assert!(hashes.iter().any(|(one, _)| one == path), "{path}");
    }
    let joined = [("apis/example.com/v1", "00FF")];
    let all = hashes.iter().map(|(path, hash)| (path.as_str(), hash.as_str()));
    let index = parse(&index(all.chain(joined))).unwrap().tree;
    let hash = documents.v3("apis/apps/v1").unwrap().hash().to_owned();
    assert_eq!(hash.len(), 128);
    let url = |path: &str| index.at("paths").at(path).text("serverRelativeURL").to_owned();
    assert_eq!(url("apis/apps/v1"), format!("/openapi/v3/apis/apps/v1?hash={hash}"));
    assert_eq!(url("apis/example.com/v1"), "/openapi/v3/apis/example.com/v1?hash=00FF");
}

#[test]
fn a_hash_stays_as_long_as_the_same_is_served() {
    let (one, other) = (documents(), Documents::new(Served::default(), options()));
    assert_eq!(one.v3("api/v1").unwrap().hash(), other.v3("api/v1").unwrap().hash());
    let config = BTreeMap::from([("batch/v1/cronjobs".to_owned(), "false".to_owned())]);
    let less = Documents::new(Served::configured(&config).unwrap(), options());
    assert_eq!(one.v3("api/v1").unwrap().hash(), less.v3("api/v1").unwrap().hash());
    assert_ne!(
        one.v3("apis/batch/v1").unwrap().hash(),
        less.v3("apis/batch/v1").unwrap().hash()
    );
}

#[test]
fn what_is_not_served_has_no_document() {
    assert!(documents().v3("apis/networking.k8s.io/v1beta1").is_none());
    let config = BTreeMap::from([("networking.k8s.io/v1beta1".to_owned(), "true".to_owned())]);
    let more = Documents::new(Served::configured(&config).unwrap(), options());
    let document = read(&more.v3("apis/networking.k8s.io/v1beta1").unwrap());
    assert!(
        document
            .at("paths")
            .has("/apis/networking.k8s.io/v1beta1/ipaddresses/{name}")
    );
    assert!(
        read(&more.v2())
            .at("paths")
            .has("/apis/networking.k8s.io/v1beta1/ipaddresses/{name}")
    );
}

#[test]
fn bytes_are_kept_compressed_and_come_back() {
    let mut tree = Tree::map();
    tree.set("openapi", "3.0.0");
    let document = Document::of(Dialect::V3, tree);
    assert_eq!(document.json().plain(), r#"{"openapi":"3.0.0"}"#);
    assert_eq!(document.json().gzip()[..2], [0x1f, 0x8b]);
    assert_eq!(document.protobuf().plain(), b"\x0a\x053.0.0".as_slice());
}

#[test]
fn the_documents_change_knowingly() {
    let documents = documents();
    let mut all = Sha256::new();
    for (path, hash) in documents.hashes() {
        all.update(path);
        all.update(hash);
    }
    let v2 = documents.v2();
    all.update(v2.hash());
    let document = read(&v2);
    let counts = ["definitions", "paths"].map(|part| document.entries(part).len());
    let digest = format!("{:x}", all.finalize());
    assert_eq!(
        (documents.hashes().len(), counts, &digest[..16]),
        (48, [584, 410], "2e09ec055e16136c")
    );
}
