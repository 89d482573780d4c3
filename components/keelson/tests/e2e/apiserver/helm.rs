//! helm: a chart is installed, upgraded, rolled back and uninstalled, and its history is kept in secrets.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::apiserver::clients::fetched;
use crate::apiserver::pair::Pair;
use crate::harness::{Output, run_for, skip};

const CHART: &[(&str, &str)] = &[
    (
        "Chart.yaml",
        "apiVersion: v2\nname: shop\nversion: 0.1.0\nappVersion: \"1\"\n",
    ),
    ("values.yaml", "colour: blue\nreplicas: 2\nservice: true\n"),
    (
        "templates/settings.yaml",
        "apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-settings, labels: {app: {{ .Chart.Name }}}}
data: {colour: {{ .Values.colour }}, revision: {{ .Release.Revision | quote }}}
",
    ),
    (
        "templates/deployment.yaml",
        "apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: shop, image: \"shop:{{ .Chart.AppVersion }}\"}]}
",
    ),
    (
        "templates/service.yaml",
        "{{ if .Values.service }}
apiVersion: v1
kind: Service
metadata: {name: {{ .Release.Name }}}
spec: {selector: {app: shop}, ports: [{port: 80}]}
{{ end }}
",
    ),
    (
        "templates/hook.yaml",
        "apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-hook
  annotations: {helm.sh/hook: \"pre-install,pre-upgrade\", helm.sh/hook-delete-policy: before-hook-creation}
data: {revision: {{ .Release.Revision | quote }}}
",
    ),
];

const SETTINGS: &str = "/api/v1/namespaces/default/configmaps/mine-settings";
const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/default/deployments/mine";
const SERVICE: &str = "/api/v1/namespaces/default/services/mine";

/// helm on a pair, in a folder of its own.
struct Helm<'p> {
    program: PathBuf,
    pair: &'p Pair,
    home: PathBuf,
}

impl Helm<'_> {
    fn output(&self, words: &[&str]) -> Output {
        let mut command = Command::new(&self.program);
        command.args(words).current_dir(&self.home).env_clear();
        command
            .env("HOME", &self.home)
            .env("KUBECONFIG", self.home.join("config"));
        run_for(&mut command, Duration::from_secs(60))
    }

    /// Runs a command that must work.
    fn run(&self, words: &[&str]) -> String {
        let output = self.output(words);
        assert_eq!(output.code, Some(0), "helm {words:?}: {}", output.stderr);
        output.stdout
    }

    fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.run(&[words, &["-o", "json"]].concat())).unwrap()
    }

    /// A field of an object in the namespace; null if it is not there.
    fn field(&self, path: &str, pointer: &str) -> Value {
        let answer = self.pair.send("GET", path, &[], "");
        answer.json().pointer(pointer).cloned().unwrap_or_default()
    }
}

fn write_chart(folder: &Path) {
    for (name, text) in CHART {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
}

#[test]
fn helm_installs_upgrades_rolls_back_and_uninstalls() {
    let program = match fetched("helm") {
        Ok(folder) => folder.join("bin/helm"),
        Err(why) => return skip(&why),
    };
    let pair = Pair::start();
    let home = pair.folder().join("helm");
    write_chart(&home.join("shop"));
    pair.kubeconfig(&home.join("config"), "default");
    let helm = Helm {
        program,
        pair: &pair,
        home,
    };
    installs(&helm);
    upgrades_and_uninstalls(&helm);
}

fn installs(helm: &Helm<'_>) {
    let dry = helm.run(&["install", "mine", "shop", "--dry-run=server"]);
    assert!(dry.contains("colour: blue"), "{dry}");
    assert_eq!(helm.field(SETTINGS, "/reason"), "NotFound");

    let installed = helm.json(&["install", "mine", "shop"]);
    assert_eq!(
        (&installed["version"], &installed["info"]["status"]),
        (&1.into(), &"deployed".into())
    );
    assert_eq!(helm.field(SETTINGS, "/data/colour"), "blue");
    assert_eq!(
        helm.field(SETTINGS, "/metadata/labels/app.kubernetes.io~1managed-by"),
        "Helm"
    );
    assert_eq!(helm.field(DEPLOYMENT, "/spec/replicas"), 2);
    assert_eq!(
        helm.field("/api/v1/namespaces/default/configmaps/mine-hook", "/data/revision"),
        "1"
    );
    let again = helm.output(&["install", "mine", "shop"]);
    assert_ne!(again.code, Some(0));
    assert!(again.stderr.contains("in use"), "{}", again.stderr);
}

fn upgrades_and_uninstalls(helm: &Helm<'_>) {
    // A value changes, and an object goes.
    helm.json(&[
        "upgrade",
        "mine",
        "shop",
        "--set",
        "colour=red,service=false,replicas=3",
    ]);
    assert_eq!(helm.field(SETTINGS, "/data/colour"), "red");
    assert_eq!(helm.field(DEPLOYMENT, "/spec/replicas"), 3);
    assert_eq!(helm.field(SERVICE, "/reason"), "NotFound");
    let values = helm.json(&["get", "values", "mine"]);
    assert_eq!(values["colour"], "red");
    let manifest = helm.run(&["get", "manifest", "mine"]);
    assert!(
        manifest.contains("replicas: 3") && !manifest.contains("kind: Service"),
        "{manifest}"
    );

    // An upgrade that the apiserver refuses is kept as failed.
    let failed = helm.output(&["upgrade", "mine", "shop", "--set", "replicas=-1"]);
    assert_ne!(failed.code, Some(0));
    assert!(
        failed.stderr.contains("must be greater than or equal to 0"),
        "{}",
        failed.stderr
    );

    helm.run(&["rollback", "mine", "1"]);
    assert_eq!(helm.field(SETTINGS, "/data/colour"), "blue");
    assert_eq!(helm.field(SETTINGS, "/data/revision"), "1");
    assert_eq!(helm.field(SERVICE, "/metadata/name"), "mine");
    let history = helm.json(&["history", "mine"]);
    let statuses: Vec<&str> = history
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["status"].as_str())
        .collect();
    assert_eq!(statuses, ["superseded", "superseded", "failed", "deployed"]);
    let secrets = helm
        .pair
        .send(
            "GET",
            "/api/v1/namespaces/default/secrets?labelSelector=owner%3Dhelm",
            &[],
            "",
        )
        .json();
    assert_eq!(secrets["items"].as_array().unwrap().len(), 4);
    assert_eq!(secrets["items"][0]["type"], "helm.sh/release.v1");
    assert_eq!(helm.json(&["list"])[0]["revision"], "4");
    assert_eq!(helm.json(&["status", "mine"])["info"]["status"], "deployed");

    helm.run(&["uninstall", "mine"]);
    for path in [SETTINGS, DEPLOYMENT, SERVICE] {
        assert_eq!(helm.field(path, "/reason"), "NotFound");
    }
    assert_eq!(helm.json(&["list"]).as_array().map(Vec::len), Some(0));
}
