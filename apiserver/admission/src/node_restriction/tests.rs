//! What nodes may write, and what they may not.

use apiserver_api::user::User;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::NodeRestriction;
use crate::plugin::Operation;
use crate::testing::{Allows, Ask};

const POD: &str = r#"{"metadata":{"name":"p","namespace":"t","uid":"u"},"spec":{"nodeName":"n"}}"#;
const ELSEWHERE: &str = r#"{"metadata":{"name":"p","namespace":"t","uid":"u"},"spec":{"nodeName":"m"}}"#;

fn kubelet() -> User {
    User::new("system:node:n", ["system:nodes"])
}

fn pods() -> Ask {
    Ask::create("", "v1", "Pod", "pods")
        .within("t")
        .named("p")
        .by(kubelet())
}

async fn refused(ask: Ask, object: &str) -> String {
    ask.admit(&NodeRestriction, object).await.unwrap_err().message
}

async fn forbidden(ask: Ask, object: &str) -> String {
    let message = refused(ask, object).await;
    message.split_once(" is forbidden: ").unwrap().1.to_owned()
}

fn mirror(owner: &str, spec: &str) -> String {
    format!(
        r#"{{"metadata":{{"name":"p","annotations":{{"kubernetes.io/config.mirror":"x"}},"ownerReferences":[{owner}]}},"spec":{spec}}}"#
    )
}

#[tokio::test]
async fn only_nodes_are_restricted() {
    for user in [User::new("jane", ["system:nodes"]), User::new("system:node:n", ["dev"])] {
        pods().by(user).admit(&NodeRestriction, "{}").await.unwrap();
    }
    let nameless = pods().by(User::new("system:node:", ["system:nodes"]));
    assert_eq!(
        forbidden(nameless, "{}").await,
        r#"could not determine node from user "system:node:""#
    );
    let other = Ask::create("", "v1", "ConfigMap", "configmaps")
        .within("t")
        .by(kubelet());
    other.admit(&NodeRestriction, "{}").await.unwrap();
}

const OWNER: &str = r#"{"apiVersion":"v1","kind":"Node","name":"n","uid":"1","controller":true}"#;

fn known() -> Ask {
    pods().knowing("", "nodes", r#"{"metadata":{"name":"n","uid":"1"}}"#)
}

#[tokio::test]
async fn a_node_makes_mirror_pods_that_belong_to_it() {
    let fine = mirror(OWNER, r#"{"nodeName":"n"}"#);
    known().admit(&NodeRestriction, &fine).await.unwrap();
    assert_eq!(refused(pods(), &fine).await, r#"node "n" not found"#);
    let head = r#"node "n" can only create pods with"#;
    for (pod, words) in [
        (
            "{}".to_owned(),
            r#"pod does not have "kubernetes.io/config.mirror" annotation, node "n" can only create mirror pods"#
                .to_owned(),
        ),
        (
            mirror(OWNER, r#"{"nodeName":"m"}"#),
            format!("{head} spec.nodeName set to itself"),
        ),
        (
            mirror("", r#"{"nodeName":"n"}"#),
            format!("{head} an owner reference set to itself"),
        ),
        (
            mirror(&format!("{OWNER},{OWNER}"), r#"{"nodeName":"n"}"#),
            format!("{head} a single owner reference set to itself"),
        ),
        (
            mirror(&OWNER.replace("true", "false"), r#"{"nodeName":"n"}"#),
            format!("{head} a controller owner reference set to itself"),
        ),
        (
            mirror(
                &OWNER.replace("true", r#"true,"blockOwnerDeletion":true"#),
                r#"{"nodeName":"n"}"#,
            ),
            r#"node "n" must not set blockOwnerDeletion on an owner reference"#.to_owned(),
        ),
        (
            mirror(&OWNER.replace(r#""1""#, r#""2""#), r#"{"nodeName":"n"}"#),
            "node n UID mismatch: expected 2 got 1".to_owned(),
        ),
    ] {
        assert_eq!(forbidden(known(), &pod).await, words);
    }
}

#[tokio::test]
async fn a_mirror_pod_names_no_objects() {
    for (spec, what) in [
        (r#""serviceAccountName":"s""#, "a service account"),
        (r#""volumes":[{"configMap":{"name":"m"}}]"#, "configmaps"),
        (
            r#""volumes":[{"persistentVolumeClaim":{"claimName":"c"}}]"#,
            "persistentvolumeclaims",
        ),
        (r#""resourceClaims":[{"name":"c"}]"#, "resourceclaims"),
        (
            r#""volumes":[{"emptyDir":{}},{"ephemeral":{}}]"#,
            "persistentvolumeclaims (via ephemeral volumes)",
        ),
        (
            r#""volumes":[{"projected":{"sources":[{"downwardAPI":{}},{"serviceAccountToken":{}}]}}]"#,
            "serviceaccounts (via projected volumes)",
        ),
    ] {
        let pod = mirror(OWNER, &format!(r#"{{"nodeName":"n",{spec}}}"#));
        let words = format!(r#"node "n" can not create pods that reference {what}"#);
        assert_eq!(forbidden(known(), &pod).await, words);
    }
}

#[tokio::test]
async fn a_node_takes_only_its_own_pods_away() {
    let delete = |pod: &str| pods().deleting(pod).knowing("", "pods", pod);
    delete(POD).admit_none(&NodeRestriction).await.unwrap();
    let refused = delete(ELSEWHERE).admit_none(&NodeRestriction).await.unwrap_err();
    assert!(
        refused
            .message
            .ends_with(r#"node "n" can only delete pods with spec.nodeName set to itself"#)
    );
    let missing = pods().deleting(POD).admit_none(&NodeRestriction).await.unwrap_err();
    assert_eq!((missing.code, missing.message.as_str()), (404, r#"pod "p" not found"#));
    let evict = |pod: &str| pods().part("eviction").knowing("", "pods", pod);
    evict(POD).admit(&NodeRestriction, "{}").await.unwrap();
    assert_eq!(
        forbidden(evict(ELSEWHERE), "{}").await,
        "node n can only evict pods with spec.nodeName set to itself"
    );
}

#[tokio::test]
async fn a_node_reports_on_its_own_pods() {
    let status = |old: &str| pods().part("status").changing(old);
    status(POD).admit(&NodeRestriction, POD).await.unwrap();
    let head = r#"node "n" cannot update"#;
    for (old, new, words) in [
        (
            ELSEWHERE,
            ELSEWHERE,
            r#"node "n" can only update pod status for pods with spec.nodeName set to itself"#.to_owned(),
        ),
        (
            POD,
            r#"{"metadata":{"labels":{"a":"b"}}}"#,
            format!("{head} labels through pod status"),
        ),
        (
            POD,
            r#"{"status":{"resourceClaimStatuses":[{"name":"a"}]}}"#,
            format!("{head} resource claim statues"),
        ),
        (
            POD,
            r#"{"status":{"extendedResourceClaimStatus":{"resourceClaimName":"a"}}}"#,
            format!("{head} extended resource claim status"),
        ),
    ] {
        assert_eq!(forbidden(status(old), new).await, words);
    }
    assert_eq!(
        forbidden(pods().changing(POD), POD).await,
        r#"unexpected operation "UPDATE", node "n" can only create and delete mirror pods"#
    );
    assert_eq!(
        forbidden(pods().part("resize").changing(POD), POD).await,
        r#"unexpected pod subresource "resize", only 'status' and 'eviction' are allowed"#
    );
}

#[tokio::test]
async fn a_node_does_not_choose_its_pods() {
    let node = |name: &str| Ask::create("", "v1", "Node", "nodes").named(name).by(kubelet());
    let labels = |labels: &str| format!(r#"{{"metadata":{{"name":"n","labels":{labels}}}}}"#);
    let fine = r#"{"kubernetes.io/hostname":"n","x.node.kubernetes.io/y":"","example.com/z":""}"#;
    node("n").admit(&NodeRestriction, &labels(fine)).await.unwrap();
    assert_eq!(
        forbidden(node("m"), "{}").await,
        r#"node "n" is not allowed to modify node "m""#
    );
    let bad = r#"{"x.k8s.io/b":"","foo.node-restriction.kubernetes.io/a":""}"#;
    assert_eq!(
        forbidden(node("n"), &labels(bad)).await,
        r#"node "n" is not allowed to set the following labels: foo.node-restriction.kubernetes.io/a, x.k8s.io/b"#
    );
    for (new, words) in [
        (
            r#"{"spec":{"taints":[{"key":"a"}]}}"#.to_owned(),
            r#"node "n" is not allowed to modify taints"#,
        ),
        (
            r#"{"metadata":{"ownerReferences":[{"name":"x"}]}}"#.to_owned(),
            r#"node "n" is not allowed to modify ownerReferences"#,
        ),
        (
            r#"{"spec":{"configSource":{}}}"#.to_owned(),
            r#"node "n" is not allowed to update configSource to a new non-nil configSource"#,
        ),
        (
            labels(r#"{"kubernetes.io/x":"1"}"#),
            "is not allowed to modify labels: kubernetes.io/x",
        ),
    ] {
        assert_eq!(forbidden(node("n").changing(&labels("{}")), &new).await, words);
    }
    let kept = labels(r#"{"kubernetes.io/x":"1"}"#);
    node("n").changing(&kept).admit(&NodeRestriction, &kept).await.unwrap();
}

#[tokio::test]
async fn a_node_reports_how_claims_grow() {
    let claims = |part: &str| {
        let ask = Ask::create("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims");
        ask.within("t").named("c").by(kubelet()).part(part)
    };
    let old = r#"{"metadata":{"resourceVersion":"1"},"spec":{"volumeName":"v"}}"#;
    let grown =
        r#"{"metadata":{},"spec":{"volumeName":"v"},"status":{"capacity":{"storage":"1Gi"},"conditions":[{}]}}"#;
    claims("status")
        .changing(old)
        .admit(&NodeRestriction, grown)
        .await
        .unwrap();
    let moved = r#"{"spec":{"volumeName":"w"},"status":{"phase":"Lost"}}"#;
    assert_eq!(
        forbidden(claims("status").changing(old), moved).await,
        r#"node "n" is not allowed to update fields other than status.quantity and status.conditions: spec.volumeName, status.phase"#
    );
    assert_eq!(
        forbidden(claims("").changing(old), grown).await,
        "may only update PVC status"
    );
}

fn token(pod: &str, audiences: &str) -> (Ask, String) {
    let ask = Ask::create("", "v1", "ServiceAccount", "serviceaccounts");
    let ask = ask
        .within("t")
        .named("s")
        .part("token")
        .by(kubelet())
        .knowing("", "pods", pod);
    let object = format!(
        r#"{{"spec":{{"audiences":{audiences},"boundObjectRef":{{"apiVersion":"v1","kind":"Pod","name":"p","uid":"u"}}}}}}"#
    );
    (ask, object)
}

#[tokio::test]
async fn a_node_asks_for_tokens_of_its_own_pods() {
    let used = POD.replace(
        r#""nodeName""#,
        r#""volumes":[{"projected":{"sources":[{"serviceAccountToken":{"path":"t"}}]}}],"nodeName""#,
    );
    let (ask, object) = token(&used, "[]");
    ask.admit(&NodeRestriction, &object).await.unwrap();
    let (ask, object) = token(ELSEWHERE, "[]");
    assert_eq!(
        forbidden(ask, &object).await,
        "node requested token bound to a pod scheduled on a different node"
    );
    let (ask, object) = token(&POD.replace(r#""u""#, r#""v""#), "[]");
    let words = "the UID in the bound object reference (u) does not match the UID in record. \
                 The object might have been deleted and then recreated";
    assert_eq!(forbidden(ask, &object).await, words);
    let (ask, _) = token(POD, "[]");
    assert_eq!(
        forbidden(ask, r#"{"spec":{}}"#).await,
        "node requested token not bound to a pod"
    );
    let (ask, object) = token(POD, r#"["a","b"]"#);
    assert_eq!(forbidden(ask, &object).await, "node may only request 0 or 1 audiences");
}

#[tokio::test]
async fn audiences_are_those_that_a_pod_has_a_use_for() {
    let pod = |volume: &str| POD.replace(r#""nodeName""#, &format!(r#""volumes":[{volume}],"nodeName""#));
    let driver = r#"{"metadata":{"name":"d.example.com"},"spec":{"tokenRequests":[{"audience":"foo"}]}}"#;
    let claimed = pod(r#"{"persistentVolumeClaim":{"claimName":"c"}}"#);
    let ephemeral = pod(r#"{"name":"e","ephemeral":{"volumeClaimTemplate":{}}}"#);
    let claim =
        |name: &str| format!(r#"{{"metadata":{{"name":"{name}","namespace":"t"}},"spec":{{"volumeName":"v"}}}}"#);
    let volume = r#"{"metadata":{"name":"v"},"spec":{"csi":{"driver":"d.example.com"}}}"#;
    for pod in [pod(r#"{"csi":{"driver":"d.example.com"}}"#), claimed.clone(), ephemeral] {
        let (ask, object) = token(&pod, r#"["foo"]"#);
        let ask = ask
            .knowing("storage.k8s.io", "csidrivers", driver)
            .knowing("", "persistentvolumeclaims", &claim("c"))
            .knowing("", "persistentvolumeclaims", &claim("p-e"))
            .knowing("", "persistentvolumes", volume);
        ask.admit(&NodeRestriction, &object).await.unwrap();
    }
    let (ask, object) = token(&claimed, r#"["foo"]"#);
    assert_eq!(
        forbidden(ask, &object).await,
        r#"error validating audience "foo": persistentvolumeclaim "c" not found"#
    );
    let (ask, object) = token(&pod(r#"{"azureFile":{}}"#), r#"["foo"]"#);
    assert_eq!(
        forbidden(ask, &object).await,
        r#"error validating audience "foo": csidriver.storage.k8s.io "file.csi.azure.com" not found"#
    );
    let (mut ask, object) = token(POD, r#"["foo"]"#);
    let words = "is not authorized to request tokens for this audience";
    assert_eq!(
        ask.admit(&NodeRestriction, &object).await.unwrap_err().message,
        format!(
            r#"serviceaccounts "s" is forbidden: audience "foo" not found in pod spec volume, system:node:n {words}"#
        )
    );
    ask.allows = Allows("request-serviceaccounts-token-audience", "foo");
    ask.admit(&NodeRestriction, &object).await.unwrap();
}

#[tokio::test]
async fn what_else_a_node_writes_is_named_after_it() {
    let lease = |namespace: &str| {
        let ask = Ask::create("coordination.k8s.io", "v1", "Lease", "leases");
        ask.within(namespace).named("n").by(kubelet())
    };
    let named = |name: &str| format!(r#"{{"metadata":{{"name":"{name}"}}}}"#);
    lease("kube-node-lease")
        .admit(&NodeRestriction, &named("n"))
        .await
        .unwrap();
    assert_eq!(
        forbidden(lease("t"), &named("n")).await,
        r#"can only access leases in the "kube-node-lease" system namespace"#
    );
    assert_eq!(
        forbidden(lease("kube-node-lease"), &named("m")).await,
        "can only access node lease with the same name as the requesting node"
    );
    let drivers = Ask::create("storage.k8s.io", "v1", "CSINode", "csinodes").by(kubelet());
    assert_eq!(
        forbidden(drivers, &named("m")).await,
        "can only access CSINode with the same name as the requesting node"
    );
    let slices = || Ask::create("resource.k8s.io", "v1", "ResourceSlice", "resourceslices").by(kubelet());
    let words = "ResourceSlice with the same NodeName as the requesting node";
    assert_eq!(forbidden(slices(), "{}").await, format!("can only create {words}"));
    let gone = slices().deleting("{}").admit_none(&NodeRestriction).await.unwrap_err();
    assert!(gone.message.ends_with(&format!("can only delete {words}")));
    slices()
        .admit(&NodeRestriction, r#"{"spec":{"nodeName":"n"}}"#)
        .await
        .unwrap();
}

#[tokio::test]
async fn certificates_are_asked_for_in_the_node_s_name() {
    let pem_of = |name: &str| {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.serialize_request(&key).unwrap().pem().unwrap()
    };
    let asked = |pem: &str, signer: &str| {
        format!(
            r#"{{"spec":{{"signerName":"kubernetes.io/{signer}","request":"{}"}}}}"#,
            STANDARD.encode(pem)
        )
    };
    let request = |name: &str, signer: &str| asked(&pem_of(name), signer);
    let ask = || {
        let ask = Ask::create(
            "certificates.k8s.io",
            "v1",
            "CertificateSigningRequest",
            "certificatesigningrequests",
        );
        ask.named("r").by(kubelet())
    };
    let fine = request("system:node:n", "kubelet-serving");
    ask().admit(&NodeRestriction, &fine).await.unwrap();
    let other = request("anybody", "kube-apiserver-client");
    ask().admit(&NodeRestriction, &other).await.unwrap();
    assert_eq!(
        forbidden(ask(), &request("system:node:m", "kube-apiserver-client-kubelet")).await,
        "can only create a node CSR with CN=system:node:n"
    );
    // What no signer takes for the beginning of a block is none here either.
    let first = pem_of("system:node:n").replacen("REQUEST-----", "REQUEST-----x", 1);
    let both = asked(&format!("{first}{}", pem_of("system:node:m")), "kubelet-serving");
    assert_eq!(
        forbidden(ask(), &both).await,
        "can only create a node CSR with CN=system:node:n"
    );
    let wrong = r#"{"spec":{"signerName":"kubernetes.io/kubelet-serving","request":"eA=="}}"#;
    assert_eq!(
        forbidden(ask(), wrong).await,
        "unable to parse csr: PEM block type must be CERTIFICATE REQUEST"
    );
    let mut change = ask();
    change.operation = Operation::Update;
    change.admit(&NodeRestriction, wrong).await.unwrap();
}
