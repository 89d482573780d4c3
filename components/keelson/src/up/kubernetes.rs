//! The apiserver of `keelson up`: its certificates and keys, the kubeconfig of its administrator, and its flags.

use std::fs;
use std::io::Write as _;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use apiserver_access::tokens;
use base::certs::{Authority, CertOptions, KeyPair, Usage};
use base::random::SystemRandom;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::apiserver::default_address;
use crate::error::{Error, Result};

/// The network of services; kubeadm's.
const SERVICES: &str = "10.96.0.0/12";
/// The first address of it, which is that of the apiserver inside the cluster.
const FIRST: &str = "10.96.0.1";
const HOST: &str = "127.0.0.1";
/// The authority lives long; what it signs is made anew with each start.
const CA_DAYS: u32 = 3650;
const DAYS: u32 = 365;

/// Where everything of the apiserver is; the names are kubeadm's.
pub(super) struct Kubernetes {
    pki: PathBuf,
    /// The kubeconfig of the administrator.
    pub(super) config: PathBuf,
    port: u16,
    advertise: Option<IpAddr>,
}

impl Kubernetes {
    /// In a folder, at a port.
    pub(super) fn new(dir: &Path, port: u16) -> Self {
        Self {
            pki: dir.join("pki"),
            config: dir.join("admin.conf"),
            port,
            advertise: default_address(false),
        }
    }

    /// Makes what is not there: an authority, certificates, the keys of service accounts, the kubeconfig.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub(super) fn prepare(&self) -> Result<()> {
        base::folder::create(&self.pki).map_err(|error| unwritable(&self.pki, &error))?;
        let authority = self.authority()?;
        self.account_keys()?;
        let mut hosts = vec![
            HOST,
            "localhost",
            FIRST,
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
        ];
        let advertised = self.advertise.map(|address| address.to_string());
        hosts.extend(["kubernetes.default.svc.cluster.local"]);
        hosts.extend(advertised.as_deref());
        self.issue(&authority, "apiserver", "kube-apiserver", "", &hosts, Usage::Server)?;
        let admin = self.issue(
            &authority,
            "admin",
            "kubernetes-admin",
            "system:masters",
            &[],
            Usage::Client,
        )?;
        self.write_config(&authority, &admin)
    }

    fn authority(&self) -> Result<Authority> {
        let (cert, key) = (self.pki.join("ca.crt"), self.pki.join("ca.key"));
        if cert.exists() && key.exists() {
            return Ok(Authority::load(&cert, &key)?);
        }
        let made = Authority::create("kubernetes", CA_DAYS)?;
        made.save(&self.pki, "ca")?;
        Ok(made)
    }

    /// The keys that sign tokens of service accounts stay: tokens of before are good after a restart.
    fn account_keys(&self) -> Result<()> {
        let (private, public) = (self.pki.join("sa.key"), self.pki.join("sa.pub"));
        if private.exists() && public.exists() {
            return Ok(());
        }
        let made = tokens::generate(&SystemRandom).map_err(|error| Error::chain(&error))?;
        write_secret(&private, &made.private)?;
        fs::write(&public, &made.public).map_err(|error| unwritable(&public, &error))
    }

    fn issue(
        &self,
        authority: &Authority,
        file: &str,
        name: &str,
        group: &str,
        hosts: &[&str],
        usage: Usage,
    ) -> Result<KeyPair> {
        let options = CertOptions {
            common_name: name.to_owned(),
            organizations: Some(group.to_owned())
                .filter(|group| !group.is_empty())
                .into_iter()
                .collect(),
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            validity_days: DAYS,
            usage,
        };
        Ok(authority.issue(&options)?.save(&self.pki, file)?)
    }

    fn write_config(&self, authority: &Authority, admin: &KeyPair) -> Result<()> {
        let read = |path: &Path| {
            let bytes =
                fs::read(path).map_err(|error| Error::new(format!("cannot read {}: {error}", path.display())))?;
            Ok::<_, Error>(STANDARD.encode(bytes))
        };
        let text = format!(
            "apiVersion: v1
kind: Config
clusters:
- name: keelson
  cluster:
    server: https://{HOST}:{}
    certificate-authority-data: {}
users:
- name: kubernetes-admin
  user:
    client-certificate-data: {}
    client-key-data: {}
contexts:
- name: kubernetes-admin@keelson
  context:
    cluster: keelson
    user: kubernetes-admin
current-context: kubernetes-admin@keelson
",
            self.port,
            STANDARD.encode(authority.cert_pem()),
            read(&admin.cert_file)?,
            read(&admin.key_file)?,
        );
        write_secret(&self.config, &text)
    }

    /// The flags of the apiserver, those of `keelson apiserver`.
    pub(super) fn flags(&self, endpoints: &[String]) -> Vec<String> {
        let file = |name: &str| self.pki.join(name).display().to_string();
        let mut flags = vec![
            format!("--etcd-servers={}", endpoints.join(",")),
            format!("--bind-address={HOST}"),
            format!("--secure-port={}", self.port),
            format!("--cert-dir={}", self.pki.display()),
            format!("--tls-cert-file={}", file("apiserver.crt")),
            format!("--tls-private-key-file={}", file("apiserver.key")),
            format!("--client-ca-file={}", file("ca.crt")),
            format!("--service-account-key-file={}", file("sa.pub")),
            format!("--service-account-signing-key-file={}", file("sa.key")),
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local".to_owned(),
            format!("--service-cluster-ip-range={SERVICES}"),
            "--authorization-mode=Node,RBAC".to_owned(),
            "--enable-admission-plugins=NodeRestriction".to_owned(),
            "--enable-bootstrap-token-auth".to_owned(),
            "--allow-privileged".to_owned(),
        ];
        match self.advertise {
            Some(address) => flags.push(format!("--advertise-address={address}")),
            // A machine without a network: nobody else could reach it.
            None => flags.extend([
                format!("--advertise-address={HOST}"),
                "--endpoint-reconciler-type=none".to_owned(),
            ]),
        }
        flags
    }
}

fn write_secret(path: &Path, text: &str) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    Error::new(format!(
        "cannot write {}: {error}; give another --data-dir",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::Kubernetes;

    #[test]
    fn keys_stay_and_only_their_owner_reads_them() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let kubernetes = Kubernetes::new(dir.path(), 6443);
        kubernetes.prepare().unwrap();
        let read = |name: &str| std::fs::read(dir.path().join("pki").join(name)).unwrap();
        let before = (read("ca.crt"), read("sa.pub"), read("apiserver.crt"));
        kubernetes.prepare().unwrap();
        assert_eq!((read("ca.crt"), read("sa.pub")), (before.0, before.1));
        assert_ne!(read("apiserver.crt"), before.2);
        for file in ["admin.conf", "pki/sa.key", "pki/ca.key"] {
            let mode = dir.path().join(file).metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
    }

    #[test]
    fn the_apiserver_understands_its_flags() {
        let dir = tempfile::tempdir().unwrap();
        let kubernetes = Kubernetes::new(dir.path(), 7000);
        kubernetes.prepare().unwrap();
        let flags = kubernetes.flags(&["http://127.0.0.1:2379".to_owned()]);
        assert_eq!(crate::apiserver::settings(&flags).unwrap().serving.port, 7000);
    }
}
