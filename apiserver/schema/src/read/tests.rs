//! What a real apiserver stores of such objects, and what it says of others.

use apiserver_api::tree::{Tree, parse};

use super::Findings;
use crate::built_in;

/// Reads a document as a type of a group and version: `core.v1.Pod`.
fn read(name: &str, document: &str) -> (Tree, Findings) {
    let id = built_in().named(&format!("io.k8s.api.{name}")).unwrap();
    let mut tree = parse(document.as_bytes()).unwrap().tree;
    let findings = built_in().read(id, &mut tree);
    (tree, findings)
}

fn stored(name: &str, document: &str) -> String {
    let (mut tree, findings) = read(name, document);
    assert_eq!(findings, Findings::default());
    built_in().omit(built_in().named(&format!("io.k8s.api.{name}")).unwrap(), &mut tree);
    String::from_utf8(tree.to_json()).unwrap()
}

/// The message of the mistake that is told.
fn mistake(name: &str, document: &str) -> String {
    let (_, findings) = read(name, document);
    findings.mistake(document.as_bytes()).unwrap().message
}

#[test]
fn what_is_empty_is_left_out_or_written_as_go_has_it() {
    assert_eq!(
        stored(
            "core.v1.Pod",
            r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","labels":{},"generation":0},
                "spec":{"containers":[{"name":"c","command":[],"tty":false,"ports":null}],"hostNetwork":false,
                "automountServiceAccountToken":false,"nodeName":""}}"#
        ),
        r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"automountServiceAccountToken":false,"containers":[{"name":"c","resources":{}}]},"status":{}}"#
    );
    assert_eq!(
        stored(
            "apps.v1.Deployment",
            r#"{"spec":{"template":{"spec":{"containers":null}}}}"#
        ),
        r#"{"metadata":{},"spec":{"selector":null,"strategy":{},"template":{"metadata":{},"spec":{"containers":null}}},"status":{}}"#
    );
    assert_eq!(
        stored("core.v1.Service", r#"{"spec":{"ports":[{"port":80}]}}"#),
        r#"{"metadata":{},"spec":{"ports":[{"port":80,"protocol":"TCP","targetPort":0}]},"status":{"loadBalancer":{}}}"#
    );
    assert_eq!(
        stored(
            "core.v1.PodSpec",
            r#"{"containers":[null],"hostAliases":[{"ip":"1.1.1.1","hostnames":[null]}]}"#
        ),
        r#"{"containers":[{"name":"","resources":{}}],"hostAliases":[{"hostnames":[""],"ip":"1.1.1.1"}]}"#
    );
}

#[test]
fn a_default_of_zero_is_written_only_where_go_tells_it_from_nothing() {
    assert_eq!(
        stored("core.v1.AzureDiskVolumeSource", r#"{"diskName":"d","diskURI":"u"}"#),
        r#"{"cachingMode":"ReadWrite","diskName":"d","diskURI":"u","fsType":"ext4","kind":"Shared","readOnly":false}"#
    );
    assert_eq!(stored("core.v1.LocalObjectReference", "{}"), "{}");
}

#[test]
fn a_list_without_items_is_told_from_none_until_it_is_stored() {
    for (name, document, read_as) in [
        ("core.v1.Capabilities", r#"{"add":[],"drop":null}"#, r#"{"add":[]}"#),
        (
            "core.v1.Secret",
            r#"{"data":{},"metadata":{"labels":{}}}"#,
            r#"{"data":{},"metadata":{"labels":{}}}"#,
        ),
        (
            "certificates.v1.CertificateSigningRequestStatus",
            r#"{"certificate":""}"#,
            r#"{"certificate":""}"#,
        ),
        ("core.v1.LocalObjectReference", r#"{"name":""}"#, "{}"),
    ] {
        let (tree, _) = read(name, document);
        assert_eq!(String::from_utf8(tree.to_json()).unwrap(), read_as);
    }
}

#[test]
fn values_take_their_normal_form() {
    assert_eq!(
        stored(
            "core.v1.ResourceRequirements",
            r#"{"limits":{"cpu":"1000m","memory":1073741824,"x":null}}"#
        ),
        r#"{"limits":{"cpu":"1","memory":"1073741824","x":"0"}}"#
    );
    assert_eq!(
        stored("core.v1.Secret", r#"{"data":{"a":"YQ==","b":"YW\nI="}}"#),
        r#"{"data":{"a":"YQ==","b":"YWI="},"metadata":{}}"#
    );
    assert_eq!(
        stored("core.v1.Secret", r#"{"data":{"a":[65,66],"b":[],"c":[255,null]}}"#),
        r#"{"data":{"a":"QUI=","b":"","c":"/wA="},"metadata":{}}"#
    );
    assert_eq!(
        stored(
            "coordination.v1.LeaseSpec",
            r#"{"renewTime":"2026-01-01T02:00:00.500000+02:00"}"#
        ),
        r#"{"renewTime":"2026-01-01T00:00:00.500000Z"}"#
    );
}

#[test]
fn go_s_zero_time_is_none() {
    for (name, given, null) in [
        (
            "core.v1.Event",
            r#"{"eventTime":"0001-01-01T00:00:00.000000Z","firstTimestamp":"0001-01-01T00:00:00Z","lastTimestamp":"0001-01-01T01:00:00+01:00","metadata":{"creationTimestamp":"0000-12-31T18:30:00-05:30"}}"#,
            r#"{"eventTime":null,"firstTimestamp":null,"lastTimestamp":null,"metadata":{"creationTimestamp":null}}"#,
        ),
        (
            "core.v1.PodStatus",
            r#"{"conditions":[{"lastTransitionTime":"0001-01-01T00:00:00Z","type":"A"}],"startTime":"0001-01-01T00:00:00Z"}"#,
            r#"{"conditions":[{"lastTransitionTime":null,"type":"A"}],"startTime":null}"#,
        ),
        (
            "coordination.v1.LeaseSpec",
            r#"{"acquireTime":"0001-01-01T00:00:00.000000Z"}"#,
            r#"{"acquireTime":null}"#,
        ),
    ] {
        assert_eq!(stored(name, given), stored(name, null));
    }
    // Nothing else is zero.
    let event = r#"{"eventTime":"0001-01-01T00:00:00.000001Z","firstTimestamp":"0001-01-01T00:00:01Z","lastTimestamp":"1970-01-01T00:00:00Z"}"#;
    let (read, _) = read("core.v1.Event", event);
    assert_eq!(read.at("eventTime").as_str(), Some("0001-01-01T00:00:00.000001Z"));
    assert_eq!(read.at("firstTimestamp").as_str(), Some("0001-01-01T00:00:01Z"));
    assert_eq!(read.at("lastTimestamp").as_str(), Some("1970-01-01T00:00:00Z"));
}

#[test]
fn unknown_fields_are_dropped_and_told() {
    let document = r#"{"spec":{"b":1,"template":{"spec":{"containers":[{"name":"c","x":{}}]}}},"Metadata":{}}"#;
    let (tree, findings) = read("apps.v1.Deployment", document);
    assert_eq!(
        findings.unknown,
        ["Metadata", "spec.b", "spec.template.spec.containers[0].x"]
    );
    assert!(tree.get("Metadata").is_none());
}

#[test]
fn a_value_that_does_not_fit_is_told_in_go_s_words() {
    for (name, document, message) in [
        (
            "core.v1.Pod",
            r#"{"spec":{"containers":[{"ports":[{"containerPort":2147483648}]}]}}"#,
            "json: cannot unmarshal number 2147483648 into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32",
        ),
        (
            "core.v1.Pod",
            r#"{"metadata":"x"}"#,
            "json: cannot unmarshal string into Go struct field Pod.metadata of type v1.ObjectMeta",
        ),
        (
            "core.v1.Pod",
            r#"{"spec":{"containers":{},"restartPolicy":1}}"#,
            "json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container",
        ),
        (
            "core.v1.Pod",
            r#"{"spec":{"containers":["c"]}}"#,
            "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type v1.Container",
        ),
        (
            "core.v1.Pod",
            r#"{"spec":{"restartPolicy":true}}"#,
            "json: cannot unmarshal bool into Go struct field PodSpec.spec.restartPolicy of type v1.RestartPolicy",
        ),
        (
            "core.v1.PersistentVolume",
            r#"{"spec":{"awsElasticBlockStore":{"partition":1.5}}}"#,
            "json: cannot unmarshal number 1.5 into Go struct field AWSElasticBlockStoreVolumeSource.spec.PersistentVolumeSource.awsElasticBlockStore.partition of type int32",
        ),
        (
            "core.v1.Pod",
            r#"{"metadata":{"labels":{"a":1}}}"#,
            "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string",
        ),
        (
            "certificates.v1.CertificateSigningRequest",
            r#"{"spec":{"extra":{"k":{}}}}"#,
            "json: cannot unmarshal object into Go struct field CertificateSigningRequestSpec.spec.extra of type v1.ExtraValue",
        ),
        (
            "core.v1.Pod",
            r#"{"metadata":{"creationTimestamp":5}}"#,
            "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.creationTimestamp of type string",
        ),
        (
            "core.v1.Secret",
            r#"{"data":{"a":[65,256]}}"#,
            "json: cannot unmarshal number 256 into Go struct field Secret.data of type uint8",
        ),
        (
            "core.v1.Secret",
            r#"{"data":{"a":["x"]}}"#,
            "json: cannot unmarshal string into Go struct field Secret.data of type uint8",
        ),
        (
            "core.v1.Secret",
            r#"{"data":{"a":"***"}}"#,
            "illegal base64 data at input byte 0",
        ),
    ] {
        assert_eq!(mistake(name, document), message, "{document}");
    }
}

#[test]
fn of_several_mistakes_the_first_in_the_document_is_told_but_for_what_stops_the_decoder() {
    let document = r#"{"spec":{"nodeName":1,"hostname":2}}"#;
    assert!(mistake("core.v1.Pod", document).contains("nodeName"));
    let document = r#"{"spec":{"nodeName":1,"overhead":{"cpu":"x"}}}"#;
    assert!(mistake("core.v1.Pod", document).starts_with("quantities must match"));
}

#[test]
fn a_long_key_is_not_told_with_each_field_below_it() {
    let key = "\u{7f}".repeat(1_000_000);
    let below: Vec<String> = (0..100).map(|at| format!(r#""x{at:03}":1"#)).collect();
    let document = format!(
        r#"{{"driver":"d","sharedCounters":[{{"name":"n","counters":{{"{key}":{{"value":"1",{}}}}}}}]}}"#,
        below.join(",")
    );
    let (_, findings) = read("resource.v1.ResourceSliceSpec", &document);
    let path = format!("sharedCounters[0].counters.{key}.x000");
    assert!(findings.unknown == [path]);
    // And so it is with those that do not fit.
    let document = format!(
        r#"{{"driver":"d","devices":[{{"name":"n","attributes":{{"{key}":{{"bool":1,"int":"1","string":1}}}}}}]}}"#
    );
    let (_, findings) = read("resource.v1.ResourceSliceSpec", &document);
    assert_eq!(findings.mistakes.len(), 1);
    assert!(findings.mistakes[0].path == format!("devices[0].attributes.{key}.bool"));
}
