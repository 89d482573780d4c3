//! How callers are known: files of authorities, tokens and keys are read.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use apiserver_access::authenticate::{self, Anonymous, Authorities, FrontProxy, TokenFile};
use apiserver_access::tokens::{Issuer, Keys, Metadata, PrivateKey, Requests};
use apiserver_server::inside::AuthenticationInfo;
use base::random::Random;
use base::task::Tasks;
use tokio::sync::watch;

use crate::apiserver::settings::{Authentication, Settings};
use crate::error::{Error, Result};

/// How often it is looked whether files of authorities changed, for those who are told of them. Who calls is held against
/// what the files say at that moment.
const LOOK: Duration = Duration::from_secs(1);

/// Whom the server believes, as others may know.
pub(super) struct Believed {
    said: Authentication,
    clients: Option<Arc<Authorities>>,
    proxies: Option<Arc<Authorities>>,
}

impl Believed {
    fn now(&self) -> AuthenticationInfo {
        info(&self.said, self.clients.as_deref(), self.proxies.as_deref())
    }

    /// Tells of it, and again whenever a file changed, until the tasks end.
    pub(super) fn follow(self, tasks: &Tasks) -> watch::Receiver<AuthenticationInfo> {
        let (tell, told) = watch::channel(self.now());
        tasks.spawn_until("authorities", async move {
            loop {
                tokio::time::sleep(LOOK).await;
                let now = self.now();
                tell.send_if_modified(|info| {
                    let changed = *info != now;
                    *info = now;
                    changed
                });
            }
        });
        told
    }
}

/// How callers are known, and what others may learn of that.
pub(super) struct Known {
    pub(super) options: authenticate::Options,
    pub(super) believed: Believed,
    pub(super) documents: Option<(String, String)>,
}

/// `address` is where clients reach the server.
pub(super) fn authentication(settings: &Settings, address: &str) -> Result<Known> {
    let said = &settings.authentication;
    let authorities = |purpose: &str, file: &Option<PathBuf>| -> Result<Option<Arc<Authorities>>> {
        let read = file.as_ref().map(|file| Authorities::read(purpose, file)).transpose();
        Ok(read.map_err(|error| Error::chain(&error))?.map(Arc::new))
    };
    let clients = authorities("client-ca", &said.client_ca_file)?;
    let proxies = authorities("request-header", &said.proxies.ca_file)?;
    let keys = Arc::new(Keys::from_files(key_files(said)).map_err(|error| Error::chain(&error))?);
    let believed = Believed {
        said: said.clone(),
        clients: clients.clone(),
        proxies: proxies.clone(),
    };
    let token_file = said.token_file.as_deref().map(TokenFile::read).transpose();
    let options = authenticate::Options {
        client_authorities: clients,
        front_proxy: proxies.map(|authorities| FrontProxy {
            authorities,
            allowed_names: said.proxies.allowed_names.clone(),
            username_headers: said.proxies.username_headers.clone(),
            uid_headers: said.proxies.uid_headers.clone(),
            group_headers: said.proxies.group_headers.clone(),
            extra_prefixes: said.proxies.extra_prefixes.clone(),
        }),
        token_file: token_file.map_err(|error| Error::chain(&error))?,
        service_accounts: Some(authenticate::ServiceAccounts {
            keys: keys.clone(),
            issuers: said
                .service_accounts
                .issuers
                .iter()
                .map(|issuer| issuer.as_str().into())
                .collect(),
            lookup: said.service_accounts.lookup,
        }),
        bootstrap_tokens: said.bootstrap_tokens,
        anonymous: said.anonymous.then(Anonymous::everywhere),
        audiences: said.audiences.iter().map(|audience| audience.as_str().into()).collect(),
        ..authenticate::Options::default()
    };
    Ok(Known {
        options,
        believed,
        documents: documents(settings, address, &keys),
    })
}

/// The keys that may have signed tokens: those given, or the one that signs.
fn key_files(said: &Authentication) -> Vec<&Path> {
    let accounts = &said.service_accounts;
    if accounts.key_files.is_empty() {
        return accounts.signing_key_file.iter().map(PathBuf::as_path).collect();
    }
    accounts.key_files.iter().map(PathBuf::as_path).collect()
}

fn info(said: &Authentication, clients: Option<&Authorities>, proxies: Option<&Authorities>) -> AuthenticationInfo {
    let pem = |authorities: Option<&Authorities>| {
        let pem = authorities.map(Authorities::pem).unwrap_or_default();
        String::from_utf8_lossy(&pem).into_owned()
    };
    AuthenticationInfo {
        client_ca: pem(clients),
        proxy_ca: pem(proxies),
        username_headers: said.proxies.username_headers.clone(),
        uid_headers: said.proxies.uid_headers.clone(),
        group_headers: said.proxies.group_headers.clone(),
        extra_headers_prefix: said.proxies.extra_prefixes.clone(),
        allowed_names: said.proxies.allowed_names.clone(),
    }
}

/// The documents by which others check tokens. Upstream runs on without them where the issuer is no URL.
fn documents(settings: &Settings, address: &str, keys: &Keys) -> Option<(String, String)> {
    let accounts = &settings.authentication.service_accounts;
    let issuer = accounts.issuers.first()?;
    match Metadata::new(issuer, accounts.jwks_uri.as_deref().unwrap_or_default(), address, keys) {
        Ok(made) => {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            Some((text(&made.configuration), text(&made.keys)))
        }
        Err(error) => {
            tracing::warn!(%error, "the documents of the tokens' issuer are not served");
            None
        }
    }
}

pub(super) fn token_requests(settings: &Settings, random: &Arc<dyn Random>) -> Result<Option<Requests>> {
    let accounts = &settings.authentication.service_accounts;
    let (Some(file), Some(issuer)) = (&accounts.signing_key_file, accounts.issuers.first()) else {
        return Ok(None);
    };
    let key = PrivateKey::from_file(file).map_err(|error| Error::chain(&error))?;
    Ok(Some(Requests {
        issuer: Issuer::new(issuer, key),
        audiences: settings
            .authentication
            .audiences
            .iter()
            .map(|audience| audience.as_str().into())
            .collect(),
        max_seconds: accounts.max_expiration.map(|most| most.as_secs() as i64),
        extend: accounts.extend_expiration,
        random: random.clone(),
    }))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use base::certs::Authority;
    use base::task::Tasks;

    use super::{Authorities, Believed};
    use crate::apiserver::launch::tests::understood;

    #[tokio::test]
    async fn others_are_told_when_the_file_of_authorities_changes() {
        let dir = tempfile::tempdir().unwrap();
        let made = |name: &str| {
            Authority::create(name, 2)
                .unwrap()
                .save(dir.path(), name)
                .unwrap()
                .cert_file
        };
        let (file, other) = (made("one"), made("two"));
        let believed = Believed {
            said: understood(&[]).authentication,
            clients: Some(Arc::new(Authorities::read("client-ca", &file).unwrap())),
            proxies: None,
        };
        let tasks = Tasks::new();
        let mut told = believed.follow(&tasks);
        let pem = |file| fs::read_to_string(file).unwrap();
        assert_eq!(
            (told.borrow().client_ca.as_str(), told.borrow().proxy_ca.as_str()),
            (pem(&file).as_str(), "")
        );
        let both = pem(&file) + &pem(&other);
        fs::write(&file, &both).unwrap();
        told.changed().await.unwrap();
        assert_eq!(told.borrow().client_ca, both);
        tasks.shutdown().await;
    }
}
