//! Reading how to reach a server from a kubeconfig file.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::api::client::Access;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct File {
    #[serde(default)]
    clusters: Vec<Named<Cluster>>,
    #[serde(default)]
    users: Vec<Named<User>>,
    #[serde(default)]
    contexts: Vec<Named<Choice>>,
    #[serde(default)]
    current_context: String,
}

/// An entry of a list; its value stands under a field that is called as the list is.
#[derive(Deserialize)]
struct Named<T> {
    name: String,
    #[serde(alias = "cluster", alias = "user", alias = "context")]
    value: T,
}

#[derive(Default, Deserialize)]
struct Choice {
    #[serde(default)]
    cluster: String,
    #[serde(default)]
    user: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Cluster {
    #[serde(default)]
    server: String,
    certificate_authority: Option<PathBuf>,
    certificate_authority_data: Option<String>,
    #[serde(default)]
    insecure_skip_tls_verify: bool,
    tls_server_name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct User {
    token: Option<String>,
    #[serde(rename = "tokenFile")]
    token_file: Option<PathBuf>,
    client_certificate: Option<PathBuf>,
    client_certificate_data: Option<String>,
    client_key: Option<PathBuf>,
    client_key_data: Option<String>,
    exec: Option<serde_norway::Value>,
    auth_provider: Option<serde_norway::Value>,
    username: Option<String>,
}

/// What the file at `path` says about a context, the current one if none is named. Certificates that stand in the file are
/// written to `folder`.
///
/// # Errors
/// The file cannot be read, has no such context, or asks for credentials of a kind that this program does not have.
pub(crate) fn read(path: &Path, context: Option<&str>, folder: &Path) -> anyhow::Result<Access> {
    let shown = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
    let file: File = serde_norway::from_str(&text).with_context(|| format!("{shown} is no kubeconfig"))?;
    let wanted = context.unwrap_or(&file.current_context);
    let chosen = find(&file.contexts, wanted).with_context(|| format!("{shown} has no context {wanted:?}"))?;
    let cluster = find(&file.clusters, &chosen.cluster)
        .with_context(|| format!("{shown} has no cluster {:?}", chosen.cluster))?;
    let nobody = User::default();
    let user = if chosen.user.is_empty() {
        &nobody
    } else {
        find(&file.users, &chosen.user).with_context(|| format!("{shown} has no user {:?}", chosen.user))?
    };
    if user.exec.is_some() || user.auth_provider.is_some() || user.username.is_some() {
        bail!("the user of {shown} has neither token nor certificate; other credentials are not supported");
    }
    // Paths are relative to the file.
    let beside = |file: &PathBuf| path.parent().unwrap_or(Path::new("")).join(file);
    let material = |data: Option<&String>, file: Option<&PathBuf>, name: &str| match data {
        Some(data) => decode(data, &folder.join(name))
            .map(Some)
            .with_context(|| format!("{name} of {shown}")),
        None => Ok(file.map(beside)),
    };
    let token = match (&user.token, &user.token_file) {
        (Some(token), _) => Some(token.clone()),
        (None, Some(file)) => Some(read_token(&beside(file))?),
        (None, None) => None,
    };
    Ok(Access {
        url: cluster.server.clone(),
        token,
        ca: material(
            cluster.certificate_authority_data.as_ref(),
            cluster.certificate_authority.as_ref(),
            "certificate-authority",
        )?,
        cert: material(
            user.client_certificate_data.as_ref(),
            user.client_certificate.as_ref(),
            "client-certificate",
        )?,
        key: material(user.client_key_data.as_ref(), user.client_key.as_ref(), "client-key")?,
        insecure: cluster.insecure_skip_tls_verify,
        server_name: cluster.tls_server_name.clone(),
    })
}

/// The token in a file.
///
/// # Errors
/// It cannot be read.
pub(crate) fn read_token(path: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text.trim().to_owned())
}

fn find<'f, T>(list: &'f [Named<T>], name: &str) -> Option<&'f T> {
    list.iter().find(|one| one.name == name).map(|one| &one.value)
}

fn decode(data: &str, path: &Path) -> anyhow::Result<PathBuf> {
    let bytes = STANDARD.decode(data.trim()).context("is not base64")?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r"
apiVersion: v1
kind: Config
current-context: one
preferences: {}
clusters:
- name: a
  cluster: {server: 'https://a:6443', certificate-authority-data: Q0E=, tls-server-name: kubernetes}
- name: b
  cluster: {server: 'https://b:6443', insecure-skip-tls-verify: true}
users:
- name: cert
  user: {client-certificate: certs/a.crt, client-key-data: S0VZ}
- name: token
  user: {token: secret}
- name: file
  user: {tokenFile: token}
- name: plugin
  user: {exec: {command: aws}}
contexts:
- name: one
  context: {cluster: a, user: cert, namespace: default}
- name: two
  context: {cluster: b, user: token}
- name: three
  context: {cluster: b, user: plugin}
- name: four
  context: {cluster: b, user: file}
";

    fn read_context(context: Option<&str>) -> (tempfile::TempDir, anyhow::Result<Access>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config");
        fs::write(&path, TEXT).unwrap();
        fs::write(dir.path().join("token"), "from a file\n").unwrap();
        let access = read(&path, context, &dir.path().join("out"));
        (dir, access)
    }

    #[test]
    fn certificates_come_from_the_file_or_from_beside_it() {
        let (dir, access) = read_context(None);
        let access = access.unwrap();
        assert_eq!(access.url, "https://a:6443");
        assert_eq!(fs::read_to_string(access.ca.unwrap()).unwrap(), "CA");
        assert_eq!(access.cert.unwrap(), dir.path().join("certs/a.crt"));
        assert_eq!(fs::read_to_string(access.key.unwrap()).unwrap(), "KEY");
        assert_eq!(access.server_name.as_deref(), Some("kubernetes"));
        assert!(!access.insecure && access.token.is_none());
    }

    #[test]
    fn tokens_are_read_and_other_credentials_refused() {
        let access = read_context(Some("two")).1.unwrap();
        assert_eq!((access.token.as_deref(), access.insecure), (Some("secret"), true));
        let access = read_context(Some("four")).1.unwrap();
        assert_eq!(access.token.as_deref(), Some("from a file"));
        let error = read_context(Some("three")).1.unwrap_err().to_string();
        assert!(error.contains("not supported"), "{error}");
        let error = read_context(Some("none")).1.unwrap_err().to_string();
        assert!(error.contains("no context \"none\""), "{error}");
    }
}
