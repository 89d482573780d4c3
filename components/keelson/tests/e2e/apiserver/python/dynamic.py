# The client without types: kinds found by discovery, server-side apply, and apply of files.
from kubernetes import client, config, dynamic, utils
from kubernetes.dynamic.exceptions import ConflictError, NotFoundError

config.load_kube_config()
api = client.ApiClient()
found = dynamic.DynamicClient(api)
maps = found.resources.get(api_version="v1", kind="ConfigMap")
assert maps.namespaced and "cm" in maps.short_names, maps
assert found.resources.get(api_version="apps/v1", kind="Deployment").name == "deployments"

body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "1"}}
applied = maps.server_side_apply(body=body, name="a", namespace="default", field_manager="one")
assert applied.data.k == "1" and applied.metadata.managedFields[0].operation == "Apply"
body["data"] = {"k": "2"}
try:
    maps.server_side_apply(body=body, name="a", namespace="default", field_manager="two")
    raise AssertionError("it must clash")
except ConflictError as error:
    assert 'conflict with \\"one\\"' in str(error.body), error.body
forced = maps.server_side_apply(body=body, name="a", namespace="default", field_manager="two", force_conflicts=True)
assert forced.data.k == "2"
# What its owner no longer says goes.
body["data"] = {"l": "3"}
assert maps.server_side_apply(body=body, name="a", namespace="default", field_manager="two").data.to_dict() == {"l": "3"}

merged = maps.patch(
    body={"data": {"m": "4"}}, name="a", namespace="default", content_type="application/merge-patch+json"
)
assert merged.data.m == "4"
assert [item.metadata.name for item in maps.get(namespace="default").items] == ["a"]
for event in maps.watch(namespace="default", timeout=5):
    assert (event["type"], event["object"].metadata.name) == ("ADDED", "a")
    break
maps.delete(name="a", namespace="default")
try:
    maps.get(name="a", namespace="default")
    raise AssertionError("it must be gone")
except NotFoundError:
    pass

# Several objects from one description.
labels = {"app": "x"}
pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
utils.create_from_dict(
    api,
    {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "made"}},
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "web", "namespace": "made"},
                "spec": {"selector": {"matchLabels": labels}, "template": pod},
            },
        ],
    },
)
assert client.AppsV1Api().read_namespaced_deployment("web", "made").spec.replicas == 1
print("ok")
