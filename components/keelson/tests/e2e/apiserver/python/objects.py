# Typed calls: create, read, list, replace, the patches, delete, and how refusals look.
from kubernetes import client, config
from kubernetes.client.rest import ApiException

config.load_kube_config()
core, apps = client.CoreV1Api(), client.AppsV1Api()


def refused(status, reason, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except ApiException as error:
        assert error.status == status and '"reason":"%s"' % reason in error.body, error
        return
    raise AssertionError("it must be refused: %s" % reason)


def configmap(name, **data):
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name, labels={"app": "x"}), data=data)


made = core.create_namespaced_config_map("default", configmap("a", k="1"))
assert made.metadata.uid and made.metadata.creation_timestamp
refused(409, "AlreadyExists", core.create_namespaced_config_map, "default", configmap("a"))
refused(422, "Invalid", core.create_namespaced_config_map, "default", configmap("Not_A_Name"))
refused(404, "NotFound", core.read_namespaced_config_map, "none", "default")

changed = core.read_namespaced_config_map("a", "default")
changed.data = {"k": "2"}
changed = core.replace_namespaced_config_map("a", "default", changed)
refused(409, "Conflict", core.replace_namespaced_config_map, "a", "default", made)

patched = core.patch_namespaced_config_map("a", "default", {"data": {"k": None, "l": "3"}})
assert patched.data == {"l": "3"}, patched.data
operations = [{"op": "test", "path": "/data/l", "value": "3"}, {"op": "add", "path": "/data/m", "value": "4"}]
patched = core.patch_namespaced_config_map("a", "default", operations)
assert patched.data == {"l": "3", "m": "4"}, patched.data
assert core.create_namespaced_config_map("default", configmap("dry"), dry_run="All").metadata.name == "dry"
refused(404, "NotFound", core.read_namespaced_config_map, "dry", "default")

for n in range(5):
    core.create_namespaced_config_map("default", configmap("m%d" % n))
names, token = [], None
while token != "":
    page = core.list_namespaced_config_map("default", limit=4, _continue=token or None, label_selector="app=x")
    names += [item.metadata.name for item in page.items]
    token = page.metadata._continue or ""
assert names == ["a", "m0", "m1", "m2", "m3", "m4"], names
assert len(core.list_config_map_for_all_namespaces(field_selector="metadata.name=m1").items) == 1

container = client.V1Container(name="c", image="i:1", env=[client.V1EnvVar(name="A", value="1")])
labels = {"app": "web"}
deployment = client.V1Deployment(
    metadata=client.V1ObjectMeta(name="web"),
    spec=client.V1DeploymentSpec(
        replicas=2,
        selector=client.V1LabelSelector(match_labels=labels),
        template=client.V1PodTemplateSpec(
            metadata=client.V1ObjectMeta(labels=labels), spec=client.V1PodSpec(containers=[container])
        ),
    ),
)
assert apps.create_namespaced_deployment("default", deployment).spec.strategy.type == "RollingUpdate"
# A list is merged by the names in it.
web = apps.patch_namespaced_deployment(
    "web", "default", {"spec": {"template": {"spec": {"containers": [{"name": "d", "image": "d:1"}]}}}}
)
assert sorted(c.name for c in web.spec.template.spec.containers) == ["c", "d"], web
scale = apps.read_namespaced_deployment_scale("web", "default")
scale.spec.replicas = 5
assert apps.replace_namespaced_deployment_scale("web", "default", scale).spec.replicas == 5
web = apps.patch_namespaced_deployment_status("web", "default", {"status": {"readyReplicas": 1, "replicas": 1}})
assert web.status.ready_replicas == 1

service = client.V1Service(
    metadata=client.V1ObjectMeta(name="web"),
    spec=client.V1ServiceSpec(selector=labels, ports=[client.V1ServicePort(port=80, target_port="http")]),
)
assert core.create_namespaced_service("default", service).spec.cluster_ip.startswith("10.0.")
secret = client.V1Secret(metadata=client.V1ObjectMeta(name="s"), string_data={"a": "b"})
assert core.create_namespaced_secret("default", secret).data == {"a": "Yg=="}

review = client.AuthorizationV1Api().create_self_subject_access_review(
    client.V1SelfSubjectAccessReview(
        spec=client.V1SelfSubjectAccessReviewSpec(
            resource_attributes=client.V1ResourceAttributes(verb="get", resource="pods", namespace="default")
        )
    )
)
assert review.status.allowed
assert client.VersionApi().get_code().major == "1"

core.delete_namespaced_config_map("a", "default", propagation_policy="Background")
refused(404, "NotFound", core.delete_namespaced_config_map, "a", "default")
core.delete_collection_namespaced_config_map("default", label_selector="app=x")
assert not core.list_namespaced_config_map("default", label_selector="app=x").items
print("ok")
