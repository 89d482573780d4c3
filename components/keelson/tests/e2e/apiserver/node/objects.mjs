// Typed calls, the patches, and objects of any kind.
import assert from "node:assert";
import * as k8s from "@kubernetes/client-node";

const config = new k8s.KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(k8s.CoreV1Api);
const apps = config.makeApiClient(k8s.AppsV1Api);
const namespace = "default";

async function refused(code, reason, call) {
  const error = await call.then(() => assert.fail(`it must be refused: ${reason}`), (error) => error);
  assert.equal(error.code, code, String(error));
  assert.equal(JSON.parse(error.body).reason, reason);
}

const body = (name, data) => ({ metadata: { name, labels: { app: "x" } }, data });
const made = await core.createNamespacedConfigMap({ namespace, body: body("a", { k: "1" }) });
assert.ok(made.metadata.uid && made.metadata.creationTimestamp instanceof Date);
await refused(409, "AlreadyExists", core.createNamespacedConfigMap({ namespace, body: body("a") }));
await refused(422, "Invalid", core.createNamespacedConfigMap({ namespace, body: body("Not_A_Name") }));
await refused(404, "NotFound", core.readNamespacedConfigMap({ namespace, name: "none" }));

const changed = await core.replaceNamespacedConfigMap({ namespace, name: "a", body: { ...made, data: { k: "2" } } });
assert.deepEqual(changed.data, { k: "2" });
await refused(409, "Conflict", core.replaceNamespacedConfigMap({ namespace, name: "a", body: made }));

const operations = [{ op: "replace", path: "/data/k", value: "3" }];
assert.equal((await core.patchNamespacedConfigMap({ namespace, name: "a", body: operations })).data.k, "3");
const as = (type) => k8s.setHeaderOptions("Content-Type", type);
const merged = await core.patchNamespacedConfigMap(
  { namespace, name: "a", body: { data: { k: null, l: "4" } } },
  as(k8s.PatchStrategy.MergePatch),
);
assert.deepEqual(merged.data, { l: "4" });
const applied = await core.patchNamespacedConfigMap(
  {
    namespace,
    name: "a",
    fieldManager: "me",
    force: true,
    body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" }, data: { m: "5" } },
  },
  as(k8s.PatchStrategy.ServerSideApply),
);
assert.deepEqual(applied.data, { l: "4", m: "5" });

const labels = { app: "web" };
const container = { name: "c", image: "i:1" };
const spec = { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [container] } } };
const web = await apps.createNamespacedDeployment({ namespace, body: { metadata: { name: "web" }, spec } });
assert.equal(web.spec.replicas, 1);
const scale = await apps.readNamespacedDeploymentScale({ namespace, name: "web" });
scale.spec.replicas = 3;
assert.equal((await apps.replaceNamespacedDeploymentScale({ namespace, name: "web", body: scale })).spec.replicas, 3);

for (let n = 0; n < 5; n++) await core.createNamespacedConfigMap({ namespace, body: body(`m${n}`) });
const names = [];
let token;
do {
  const page = await core.listNamespacedConfigMap({ namespace, limit: 4, _continue: token, labelSelector: "app=x" });
  names.push(...page.items.map((item) => item.metadata.name));
  token = page.metadata._continue;
} while (token);
assert.deepEqual(names, ["a", "m0", "m1", "m2", "m3", "m4"]);

// Without types: the kind is looked up by discovery.
const objects = k8s.KubernetesObjectApi.makeApiClient(config);
const job = {
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name: "j", namespace },
  spec: { template: { spec: { restartPolicy: "Never", containers: [container] } } },
};
assert.equal((await objects.create(job)).spec.backoffLimit, 6);
const patched = await objects.patch({ ...job, spec: { suspend: true } });
assert.equal(patched.spec.suspend, true);
assert.equal((await objects.list("batch/v1", "Job", namespace)).items.length, 1);
await objects.delete(job, undefined, undefined, 0, undefined, "Background");
await refused(404, "NotFound", objects.read(job));

await core.deleteNamespacedConfigMap({ namespace, name: "a" });
await core.deleteCollectionNamespacedConfigMap({ namespace, labelSelector: "app=x" });
assert.equal((await core.listNamespacedConfigMap({ namespace, labelSelector: "app=x" })).items.length, 0);
console.log("ok");
