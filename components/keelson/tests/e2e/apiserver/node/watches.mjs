// A watch by hand, and an informer that keeps a cache.
import assert from "node:assert";
import { once, EventEmitter } from "node:events";
import * as k8s from "@kubernetes/client-node";

const config = new k8s.KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(k8s.CoreV1Api);
const namespace = "default";
const path = `/api/v1/namespaces/${namespace}/configmaps`;
const create = (name) => core.createNamespacedConfigMap({ namespace, body: { metadata: { name } } });
const patience = { signal: AbortSignal.timeout(30000) };

await create("early");
const listed = await core.listNamespacedConfigMap({ namespace });
const seen = [];
const told = new EventEmitter();
const request = await new k8s.Watch(config).watch(
  path,
  { resourceVersion: listed.metadata.resourceVersion, allowWatchBookmarks: true },
  (type, object) => {
    if (type === "BOOKMARK") return;
    seen.push(`${type} ${object.metadata.name}`);
    told.emit(String(seen.length));
  },
  () => {},
);
const third = once(told, "3", patience);
await create("late");
await core.replaceNamespacedConfigMap({ namespace, name: "late", body: { metadata: { name: "late" }, data: { k: "v" } } });
await core.deleteNamespacedConfigMap({ namespace, name: "late" });
await third;
request.abort();
assert.deepEqual(seen, ["ADDED late", "MODIFIED late", "DELETED late"]);

const informer = k8s.makeInformer(config, path, () => core.listNamespacedConfigMap({ namespace }));
const events = new EventEmitter();
for (const type of ["add", "update", "delete"])
  informer.on(type, (object) => events.emit(`${type} ${object.metadata.name}`, object));
// Being stopped is an error to it as well.
let stopped = false;
informer.on("error", (error) => stopped || assert.fail(error));
const until = (what) => once(events, what, patience);
const first = until("add early");
await informer.start();
await first;
const added = until("add later");
await create("later");
await added;
assert.deepEqual(informer.list(namespace).map((object) => object.metadata.name).sort(), ["early", "later"]);
const updated = until("update early");
await core.replaceNamespacedConfigMap({ namespace, name: "early", body: { metadata: { name: "early" }, data: { k: "v" } } });
await updated;
assert.equal(informer.get("early", namespace).data.k, "v");
const deleted = until("delete later");
await core.deleteNamespacedConfigMap({ namespace, name: "later" });
await deleted;
assert.equal(informer.get("later", namespace), undefined);
stopped = true;
await informer.stop();
console.log("ok");
