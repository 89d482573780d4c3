//! Ingresses that are taken, and what is said of those that are not.

use apiserver_api::refusal::Refusals;
use apiserver_api::tree::{Tree, parse};

use super::{INGRESS, Leniency, addresses, hosts, validate_ingress};

fn tree(text: &str) -> Tree {
    parse(text.as_bytes()).unwrap().tree
}

fn ingress(spec: &str) -> Tree {
    tree(&format!(
        r#"{{"metadata":{{"name":"a","namespace":"b"}},"spec":{spec}}}"#
    ))
}

fn path(kind: &str, path: &str, backend: &str) -> Tree {
    ingress(&format!(
        r#"{{"rules":[{{"http":{{"paths":[{{"pathType":"{kind}","path":"{path}","backend":{backend}}}]}}}}]}}"#
    ))
}

fn fields(object: &Tree, leniency: Leniency) -> Vec<String> {
    let mut refusals = Refusals::new();
    validate_ingress(object, leniency, &mut refusals);
    refusals.iter().map(|refusal| refusal.field.clone()).collect()
}

#[test]
fn an_ingress_leads_somewhere() {
    let service = r#"{"service":{"name":"s","port":{"number":80}}}"#;
    let at = "spec.rules[0].http.paths[0]";
    for (object, wrong) in [
        (ingress(&format!(r#"{{"defaultBackend":{service}}}"#)), ""),
        (ingress("{}"), "spec"),
        (ingress(r#"{"rules":[{"host":"1.2.3.4"}]}"#), "spec.rules[0].host"),
        (ingress(r#"{"rules":[{"host":"*.a.b"}]}"#), ""),
        (ingress(r#"{"rules":[{"host":"a.*"}]}"#), "spec.rules[0].host"),
        (ingress(r#"{"rules":[{"http":{}}]}"#), "spec.rules[0].http.paths"),
        (path("Exact", "/a", service), ""),
        (path("Exact", "a", service), &format!("{at}.path")),
        (path("Prefix", "/a//b", service), &format!("{at}.path")),
        (path("Prefix", "/a/..", service), &format!("{at}.path")),
        (path("ImplementationSpecific", "", service), ""),
        (path("x", "/", service), &format!("{at}.pathType")),
        (path("Exact", "/", "{}"), &format!("{at}.backend")),
        (
            path("Exact", "/", r#"{"service":{"name":"s"}}"#),
            &format!("{at}.backend"),
        ),
        (
            path("Exact", "/", r#"{"service":{"name":"A","port":{"name":"x"}}}"#),
            &format!("{at}.backend.service.name"),
        ),
        (path("Exact", "/", r#"{"resource":{"kind":"K","name":"n"}}"#), ""),
    ] {
        assert_eq!(fields(&object, Leniency::default()).join(" "), wrong, "{object:?}");
    }
}

#[test]
fn what_an_ingress_of_old_has_it_may_keep() {
    let old = ingress(r#"{"tls":[{"secretName":"a_b"}],"rules":[{"host":"*.a.b","http":{}}]}"#);
    assert_eq!(fields(&old, Leniency::default()).len(), 2);
    assert_eq!(fields(&old, Leniency::of(&old)).len(), 0);
}

#[test]
fn tables_show_hosts_and_addresses() {
    let rules = |hosts: &[&str]| -> Vec<Tree> { hosts.iter().map(|h| tree(&format!(r#"{{"host":"{h}"}}"#))).collect() };
    assert_eq!(hosts(&rules(&[""])), "*");
    assert_eq!(hosts(&rules(&["a", "", "b"])), "a,b");
    assert_eq!(hosts(&rules(&["a", "b", "c", "d", "e"])), "a,b,c + 2 more...");
    assert_eq!(hosts(&rules(&["a", "b", "c", ""])), "a,b,c + 1 more...");
    assert_eq!(hosts(&rules(&["", "a", "b", "c"])), "a,b,c");
    assert_eq!(hosts(&rules(&["", "a", "b", "c", "d"])), "a,b,c + 2 more...");
    let points = [
        tree(r#"{"ip":"2.2.2.2"}"#),
        tree(r#"{"hostname":"h"}"#),
        tree(r#"{"ip":"1.1.1.1"}"#),
    ];
    assert_eq!(addresses(&points), "1.1.1.1,2.2.2.2,h");
    assert_eq!(INGRESS.columns.len(), 6);
}

#[test]
fn who_names_a_class_only_in_the_old_way_is_warned_once() {
    let mut object = ingress("{}");
    assert!(INGRESS.rules.warnings(&object, None).is_empty());
    let annotations = tree(r#"{"kubernetes.io/ingress.class":"a"}"#);
    object.child("metadata").set("annotations", annotations);
    let told = r#"annotation "kubernetes.io/ingress.class" is deprecated, please use 'spec.ingressClassName' instead"#;
    assert_eq!(INGRESS.rules.warnings(&object, None), [told]);
    assert!(INGRESS.rules.warnings(&object, Some(&object)).is_empty());
    object.child("spec").set("ingressClassName", "a");
    assert!(INGRESS.rules.warnings(&object, None).is_empty());
}
