//! Makes certificates: an authority, and server, peer and client certificates under it, as PEM files.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyIdMethod, KeyUsagePurpose, RevokedCertParams, SerialNumber,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Why a certificate could not be made, read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    File {
        /// `read`, `write` or `create`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The request itself cannot be met, for example a host that is neither a DNS name nor an IP address.
    #[error("cannot make the certificate: {0}")]
    Make(#[from] rcgen::Error),
}

/// What a certificate may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// Proves a server to its clients.
    Server,
    /// Proves a client to a server.
    Client,
    /// Both: a member among its peers.
    Peer,
}

/// What is asked of one certificate.
#[derive(Clone, Debug)]
pub struct CertOptions {
    /// The subject's CN; for a client of a store with authentication this is the user name.
    pub common_name: String,
    /// The subject's organizations; Kubernetes reads groups from them.
    pub organizations: Vec<String>,
    /// DNS names and IP addresses, each becomes a subject alternative name.
    pub hosts: Vec<String>,
    /// Days from now until it expires.
    pub validity_days: u32,
    /// What it may be used for.
    pub usage: Usage,
}

/// Paths of a certificate and its private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPair {
    /// PEM file of the certificate.
    pub cert_file: PathBuf,
    /// PEM file of the private key, mode 0600.
    pub key_file: PathBuf,
}

/// A certificate with its private key, both as PEM text.
#[derive(Clone)]
pub struct Issued {
    /// The certificate.
    pub cert_pem: String,
    /// Its private key, PKCS#8.
    pub key_pem: String,
}

impl Issued {
    /// Writes `<name>.crt` and `<name>.key` (mode 0600) into `dir`, which is created if absent.
    ///
    /// # Errors
    /// The file that could not be written.
    pub fn save(&self, dir: &Path, name: &str) -> Result<KeyPair, Error> {
        let pair = KeyPair {
            cert_file: dir.join(format!("{name}.crt")),
            key_file: dir.join(format!("{name}.key")),
        };
        self.save_as(&pair)?;
        Ok(pair)
    }

    /// Writes the two files at the given paths, the key first and with mode 0600.
    ///
    /// # Errors
    /// The file that could not be written.
    pub fn save_as(&self, pair: &KeyPair) -> Result<(), Error> {
        for path in [&pair.key_file, &pair.cert_file] {
            if let Some(dir) = path.parent() {
                fs::create_dir_all(dir).map_err(|source| file_error("create", dir, source))?;
            }
        }
        write_file(&pair.key_file, &self.key_pem, 0o600)?;
        write_file(&pair.cert_file, &self.cert_pem, 0o644)
    }
}

/// A certificate authority that signs certificates.
pub struct Authority {
    issuer: Issuer<'static, rcgen::KeyPair>,
    issued: Issued,
}

impl Authority {
    /// A new authority, signed by itself.
    ///
    /// # Errors
    /// None in practice; those of the key generator.
    pub fn create(common_name: &str, validity_days: u32) -> Result<Self, Error> {
        let key = rcgen::KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        params.distinguished_name.push(DnType::CommonName, common_name);
        set_validity(&mut params, validity_days);
        let certificate = params.self_signed(&key)?;
        let issued = Issued {
            cert_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        };
        Ok(Self {
            issuer: Issuer::new(params, key),
            issued,
        })
    }

    /// Reads an authority back from its two PEM files.
    ///
    /// # Errors
    /// The file that could not be read, or that it is not an authority's.
    pub fn load(cert_file: &Path, key_file: &Path) -> Result<Self, Error> {
        let read = |path: &Path| fs::read_to_string(path).map_err(|source| file_error("read", path, source));
        let issued = Issued {
            cert_pem: read(cert_file)?,
            key_pem: read(key_file)?,
        };
        let key = rcgen::KeyPair::from_pem(&issued.key_pem)?;
        Ok(Self {
            issuer: Issuer::from_ca_cert_pem(&issued.cert_pem, key)?,
            issued,
        })
    }

    /// The authority's own certificate as PEM text, which those who trust it need.
    pub fn cert_pem(&self) -> &str {
        &self.issued.cert_pem
    }

    /// Writes the authority's certificate and key, see [`Issued::save`].
    ///
    /// # Errors
    /// The file that could not be written.
    pub fn save(&self, dir: &Path, name: &str) -> Result<KeyPair, Error> {
        self.issued.save(dir, name)
    }

    /// A new certificate signed by this authority.
    ///
    /// # Errors
    /// A host that is neither a DNS name nor an IP address.
    pub fn issue(&self, options: &CertOptions) -> Result<Issued, Error> {
        let key = rcgen::KeyPair::generate()?;
        let certificate = leaf(options)?.signed_by(&key, &self.issuer)?;
        Ok(Issued {
            cert_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        })
    }

    /// A revocation list (PEM) that names the serial numbers of `revoked`, valid for a year.
    ///
    /// # Errors
    /// A certificate that cannot be read.
    pub fn revoke(&self, revoked: &[&Issued]) -> Result<String, Error> {
        let now = SystemTime::now();
        let mut revoked_certs = Vec::new();
        for issued in revoked {
            let serial = serial_of(&issued.cert_pem).ok_or(rcgen::Error::CouldNotParseCertificate)?;
            revoked_certs.push(RevokedCertParams {
                serial_number: SerialNumber::from(serial),
                revocation_time: now.into(),
                reason_code: None,
                invalidity_date: None,
            });
        }
        let params = CertificateRevocationListParams {
            this_update: now.into(),
            next_update: (now + 365 * DAY).into(),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(params.signed_by(&self.issuer)?.pem()?)
    }
}

/// A certificate signed by its own key, for ports that need encryption but whose clients check no name.
///
/// # Errors
/// A host that is neither a DNS name nor an IP address.
pub fn self_signed(options: &CertOptions) -> Result<Issued, Error> {
    let key = rcgen::KeyPair::generate()?;
    let certificate = leaf(options)?.self_signed(&key)?;
    Ok(Issued {
        cert_pem: certificate.pem(),
        key_pem: key.serialize_pem(),
    })
}

fn leaf(options: &CertOptions) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::new(options.hosts.clone())?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, options.common_name.as_str());
    for organization in &options.organizations {
        params
            .distinguished_name
            .push(DnType::OrganizationName, organization.as_str());
    }
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages = match options.usage {
        Usage::Server => vec![ExtendedKeyUsagePurpose::ServerAuth],
        Usage::Client => vec![ExtendedKeyUsagePurpose::ClientAuth],
        Usage::Peer => vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth],
    };
    params.use_authority_key_identifier_extension = true;
    set_validity(&mut params, options.validity_days);
    Ok(params)
}

fn set_validity(params: &mut CertificateParams, days: u32) {
    let now = SystemTime::now();
    // A little in the past, for machines whose clocks are a little behind this one's.
    params.not_before = (now - Duration::from_secs(5 * 60)).into();
    params.not_after = (now + days * DAY).into();
}

fn serial_of(cert_pem: &str) -> Option<Vec<u8>> {
    let (_, pem) = x509_parser::pem::parse_x509_pem(cert_pem.as_bytes()).ok()?;
    Some(pem.parse_x509().ok()?.raw_serial().to_vec())
}

fn write_file(path: &Path, text: &str, mode: u32) -> Result<(), Error> {
    let write = || {
        // A new file, so that an old one's wider mode cannot live on.
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|source| file_error("write", path, source))
}

fn file_error(action: &'static str, path: &Path, source: io::Error) -> Error {
    Error::File {
        action,
        path: path.to_path_buf(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn options(hosts: &[&str]) -> CertOptions {
        CertOptions {
            common_name: "root".into(),
            organizations: vec!["system:masters".into()],
            hosts: hosts.iter().map(|host| (*host).into()).collect(),
            validity_days: 1,
            usage: Usage::Peer,
        }
    }

    #[test]
    fn an_authority_saved_and_loaded_signs_on() {
        let dir = tempfile::tempdir().unwrap();
        let created = Authority::create("test CA", 1).unwrap();
        let pair = created.save(dir.path(), "ca").unwrap();
        assert_eq!(
            fs::metadata(&pair.key_file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let loaded = Authority::load(&pair.cert_file, &pair.key_file).unwrap();
        let issued = loaded.issue(&options(&["localhost", "127.0.0.1"])).unwrap();
        let (_, pem) = x509_parser::pem::parse_x509_pem(issued.cert_pem.as_bytes()).unwrap();
        let certificate = pem.parse_x509().unwrap();
        assert_eq!(certificate.issuer().to_string(), "CN=test CA");
        assert_eq!(certificate.subject().to_string(), "CN=root, O=system:masters");
    }

    #[test]
    fn a_bad_host_and_a_missing_file_are_errors_that_say_so() {
        let authority = Authority::create("test CA", 1).unwrap();
        assert!(authority.issue(&options(&["höst"])).is_err());
        let missing = Path::new("/nowhere/ca.crt");
        let error = Authority::load(missing, missing).err().unwrap().to_string();
        assert!(error.starts_with("cannot read /nowhere/ca.crt: "), "{error}");
    }

    #[test]
    fn saving_again_replaces_a_key_that_others_could_read() {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("server.key");
        fs::write(&key, "old").unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        self_signed(&options(&["localhost"]))
            .unwrap()
            .save(dir.path(), "server")
            .unwrap();
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_revocation_list_names_the_serial() {
        let authority = Authority::create("test CA", 1).unwrap();
        let issued = authority.issue(&options(&["localhost"])).unwrap();
        let crl = authority.revoke(&[&issued]).unwrap();
        assert!(crl.starts_with("-----BEGIN X509 CRL-----"));
    }
}
