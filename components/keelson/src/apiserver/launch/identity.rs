//! How callers are known: files of authorities, tokens and keys are read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use apiserver_access::authenticate::{self, Anonymous, Authorities, FrontProxy, TokenFile};
use apiserver_access::tokens::{Issuer, Keys, Metadata, PrivateKey, Requests};
use apiserver_server::inside::AuthenticationInfo;
use base::random::Random;

use super::external;
use crate::apiserver::settings::{Authentication, Settings};
use crate::error::{Error, Result};

/// How callers are known, and what others may learn of that.
pub(super) struct Known {
    pub(super) options: authenticate::Options,
    pub(super) info: AuthenticationInfo,
    pub(super) documents: Option<(String, String)>,
}

pub(super) fn authentication(settings: &Settings) -> Result<Known> {
    let said = &settings.authentication;
    let authorities = |purpose: &str, file: &Option<PathBuf>| -> Result<Option<Arc<Authorities>>> {
        let read = file.as_ref().map(|file| Authorities::read(purpose, file)).transpose();
        Ok(read.map_err(|error| Error::chain(&error))?.map(Arc::new))
    };
    let clients = authorities("client-ca", &said.client_ca_file)?;
    let proxies = authorities("request-header", &said.proxies.ca_file)?;
    let keys = Arc::new(Keys::from_files(key_files(said)).map_err(|error| Error::chain(&error))?);
    let info = info(said, clients.as_deref(), proxies.as_deref());
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
        info,
        documents: documents(settings, &keys),
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
fn documents(settings: &Settings, keys: &Keys) -> Option<(String, String)> {
    let accounts = &settings.authentication.service_accounts;
    let issuer = accounts.issuers.first()?;
    let address = format!("{}:{}", external(settings), settings.serving.port);
    match Metadata::new(issuer, accounts.jwks_uri.as_deref().unwrap_or_default(), &address, keys) {
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
