# A watch tells what is there and what happens, from now or from a version on, and ends in time.
import threading
from kubernetes import client, config, watch

config.load_kube_config()
core = client.CoreV1Api()


def configmap(name, **labels):
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name, labels=labels))


core.create_namespaced_config_map("default", configmap("a", app="x"))
listed = core.list_namespaced_config_map("default")


def changes():
    core.create_namespaced_config_map("default", configmap("b", app="x"))
    core.patch_namespaced_config_map("b", "default", {"metadata": {"labels": {"app": "y"}}})
    core.patch_namespaced_config_map("a", "default", {"data": {"k": "v"}})
    core.delete_namespaced_config_map("a", "default")


def follow(count, **options):
    seen, watcher = [], watch.Watch()
    for event in watcher.stream(core.list_namespaced_config_map, "default", **options):
        seen.append((event["type"], event["object"].metadata.name))
        if len(seen) == count:
            watcher.stop()
    return seen


version = listed.metadata.resource_version
thread = threading.Thread(target=changes)
thread.start()
seen = follow(4, resource_version=version, timeout_seconds=20)
thread.join()
assert seen == [("ADDED", "b"), ("MODIFIED", "b"), ("MODIFIED", "a"), ("DELETED", "a")], seen
# The same again from the past, with a selector: what stops to fit is gone.
seen = follow(4, resource_version=version, label_selector="app=x", timeout_seconds=5)
assert seen == [("ADDED", "b"), ("DELETED", "b"), ("MODIFIED", "a"), ("DELETED", "a")], seen
# From now on without a version: what is there comes first.
assert follow(1, timeout_seconds=5) == [("ADDED", "b")]

# An end in time, with nothing to tell.
assert follow(9, field_selector="metadata.name=none", timeout_seconds=1) == []
print("ok")
