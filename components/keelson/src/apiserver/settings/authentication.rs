//! Who calls: certificates, tokens, proxies and service accounts.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base::flags::pflag::Parsed;

use super::{Findings, path, url};
use crate::apiserver::gates::Gates;

/// Seconds that a token lives whose reader should have been told to read it anew.
const WARN_ONLY_SECONDS: u64 = 3_607;
/// Seconds that such tokens are extended to.
const EXTENDED_SECONDS: u64 = 31_536_000;

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authentication {
    /// `--anonymous-auth`, unless everyone may do everything.
    pub(crate) anonymous: bool,
    /// `--api-audiences`, or the issuers of service accounts' tokens.
    pub(crate) audiences: Vec<String>,
    /// `--enable-bootstrap-token-auth`
    pub(crate) bootstrap_tokens: bool,
    /// `--client-ca-file`
    pub(crate) client_ca_file: Option<PathBuf>,
    /// `--token-auth-file`
    pub(crate) token_file: Option<PathBuf>,
    /// Proxies that say who calls.
    pub(crate) proxies: Proxies,
    /// Service accounts' tokens.
    pub(crate) service_accounts: ServiceAccounts,
}

/// Proxies that say in headers who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proxies {
    /// `--requestheader-client-ca-file`; without it there are none.
    pub(crate) ca_file: Option<PathBuf>,
    /// `--requestheader-allowed-names`; none is all.
    pub(crate) allowed_names: Vec<String>,
    /// `--requestheader-username-headers`
    pub(crate) username_headers: Vec<String>,
    /// `--requestheader-uid-headers`
    pub(crate) uid_headers: Vec<String>,
    /// `--requestheader-group-headers`
    pub(crate) group_headers: Vec<String>,
    /// `--requestheader-extra-headers-prefix`
    pub(crate) extra_prefixes: Vec<String>,
}

/// Service accounts' tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceAccounts {
    /// `--service-account-issuer`: the first signs, all are taken.
    pub(crate) issuers: Vec<String>,
    /// `--service-account-key-file`: any of their keys may have signed.
    pub(crate) key_files: Vec<PathBuf>,
    /// `--service-account-signing-key-file`
    pub(crate) signing_key_file: Option<PathBuf>,
    /// `--service-account-jwks-uri`, if it is not this apiserver's own.
    pub(crate) jwks_uri: Option<String>,
    /// `--service-account-lookup`
    pub(crate) lookup: bool,
    /// `--service-account-max-token-expiration`, if there is a limit.
    pub(crate) max_expiration: Option<Duration>,
    /// `--service-account-extend-token-expiration`
    pub(crate) extend_expiration: bool,
}

/// Holds the longest life of a token against its limits.
///
/// # Errors
/// It is outside of them.
pub(super) fn check_lifetime(parsed: &Parsed, found: &mut Findings) -> Result<(), String> {
    let span = parsed.span("service-account-max-token-expiration");
    if span.nanos() == 0 {
        return Ok(());
    }
    let life = span.as_duration();
    if span.is_negative() || life < Duration::from_secs(3_600) || life > Duration::from_secs(1 << 32) {
        return Err("the service-account-max-token-expiration must be between 1 hour and 2^32 seconds".to_owned());
    }
    if parsed.bool("service-account-extend-token-expiration") {
        if life < Duration::from_secs(WARN_ONLY_SECONDS) {
            found.note(format!(
                "service-account-extend-token-expiration is true, in order to correctly trigger safe transition logic, \
                 service-account-max-token-expiration must be set longer than {WARN_ONLY_SECONDS} seconds (currently {span})"
            ));
        }
        if life < Duration::from_secs(EXTENDED_SECONDS) {
            found.note(format!(
                "service-account-extend-token-expiration is true, enabling tokens valid up to {EXTENDED_SECONDS} seconds, \
                 which is longer than service-account-max-token-expiration set to {span}"
            ));
        }
    }
    Ok(())
}

impl Authentication {
    pub(super) fn read(parsed: &Parsed, modes: &[String], gates: &Gates, found: &mut Findings) -> Self {
        let mut anonymous = parsed.bool("anonymous-auth");
        if anonymous && modes.iter().any(|mode| mode == "AlwaysAllow") {
            anonymous = false;
            found.note(
                "AnonymousAuth is not allowed with the AlwaysAllow authorizer. Resetting AnonymousAuth to false. You should \
                 use a different authorizer",
            );
        }
        let service_accounts = ServiceAccounts::read(parsed, found);
        let client_ca_file = path(parsed, "client-ca-file");
        let proxies = Proxies::read(parsed, gates, found);
        if let (Some(clients), Some(proxy), []) = (&client_ca_file, &proxies.ca_file, proxies.allowed_names.as_slice())
            && overlap(clients, proxy)
        {
            found.error(
                "--requestheader-client-ca-file and --client-ca-file contain overlapping certificates; \
                 --requestheader-allowed-names must be specified to ensure regular client certificates cannot set \
                 authenticating proxy headers for arbitrary users",
            );
        }
        Self {
            anonymous,
            audiences: match parsed.texts("api-audiences") {
                [] => service_accounts.issuers.clone(),
                audiences => audiences.to_vec(),
            },
            bootstrap_tokens: parsed.bool("enable-bootstrap-token-auth"),
            client_ca_file,
            token_file: path(parsed, "token-auth-file"),
            proxies,
            service_accounts,
        }
    }

    /// Tokens can only be made with an issuer and a key.
    pub(super) fn check_signing(&self, parsed: &Parsed, found: &mut Findings) {
        let accounts = &self.service_accounts;
        let issuer = accounts.issuers.first().is_some_and(|issuer| !issuer.is_empty());
        let key = accounts.signing_key_file.is_some();
        if !issuer && !key && parsed.texts("api-audiences").is_empty() {
            found.error("--service-account-signing-key-file and --service-account-issuer are required flags");
        } else if !(issuer && key) {
            found.error(
                "--service-account-signing-key-file, --service-account-issuer, and --api-audiences should be specified \
                 together",
            );
        }
    }
}

impl ServiceAccounts {
    fn read(parsed: &Parsed, found: &mut Findings) -> Self {
        let issuers = parsed.texts("service-account-issuer");
        for (place, issuer) in issuers.iter().enumerate() {
            if let Some(error) = issuer.contains(':').then(|| url::scheme(issuer).err()).flatten() {
                found.error(format!(
                    "service-account-issuer {issuer:?} contained a ':' but was not a valid URL: {error}"
                ));
            } else if issuer.is_empty() {
                found.error("service-account-issuer should not be an empty string");
            } else if issuers[..place].contains(issuer) {
                found.error(format!("service-account-issuer {issuer:?} is already specified"));
            }
        }
        if issuers.is_empty() {
            found.error("service-account-issuer is a required flag");
        }
        let key_files = parsed.texts("service-account-key-file");
        if key_files.is_empty() {
            found.error("either `--service-account-key-file` or `--service-account-signing-endpoint` must be set");
        }
        let keys = parsed.text("service-account-jwks-uri");
        match url::scheme(keys) {
            Err(error) => found.error(format!("service-account-jwks-uri must be a valid URL: {error}")),
            Ok(scheme) if !keys.is_empty() && !scheme.eq_ignore_ascii_case("https") => {
                found.error(format!(
                    "service-account-jwks-uri requires https scheme, parsed as: {keys}"
                ));
            }
            Ok(_) => {}
        }
        let life = parsed.span("service-account-max-token-expiration").as_duration();
        Self {
            issuers: issuers.to_vec(),
            key_files: key_files.iter().map(PathBuf::from).collect(),
            signing_key_file: path(parsed, "service-account-signing-key-file"),
            jwks_uri: Some(keys.to_owned()).filter(|keys| !keys.is_empty()),
            lookup: parsed.bool("service-account-lookup"),
            max_expiration: Some(life).filter(|life| !life.is_zero()),
            extend_expiration: parsed.bool("service-account-extend-token-expiration"),
        }
    }
}

impl Proxies {
    fn read(parsed: &Parsed, gates: &Gates, found: &mut Findings) -> Self {
        let texts = |name| parsed.texts(name).to_vec();
        let proxies = Self {
            ca_file: path(parsed, "requestheader-client-ca-file"),
            allowed_names: texts("requestheader-allowed-names"),
            username_headers: texts("requestheader-username-headers"),
            uid_headers: texts("requestheader-uid-headers"),
            group_headers: texts("requestheader-group-headers"),
            extra_prefixes: texts("requestheader-extra-headers-prefix"),
        };
        for (flag, values) in [
            ("requestheader-username-headers", &proxies.username_headers),
            ("requestheader-group-headers", &proxies.group_headers),
            ("requestheader-extra-headers-prefix", &proxies.extra_prefixes),
            ("requestheader-allowed-names", &proxies.allowed_names),
        ] {
            check_blank(flag, values, found);
        }
        let lacks = |values: &[String], standard: &str| {
            !values.is_empty() && !values.iter().any(|value| value.eq_ignore_ascii_case(standard))
        };
        for (flag, values, standard) in [
            (
                "requestheader-username-headers",
                &proxies.username_headers,
                "X-Remote-User header",
            ),
            (
                "requestheader-group-headers",
                &proxies.group_headers,
                "X-Remote-Group header",
            ),
            (
                "requestheader-extra-headers-prefix",
                &proxies.extra_prefixes,
                "X-Remote-Extra- header prefix",
            ),
        ] {
            let name = standard.split(' ').next().unwrap_or_default();
            if lacks(values, name) {
                found.note(format!(
                    "--{flag} is set without specifying the standard {standard} - API aggregation will not work"
                ));
            }
        }
        let uid = &proxies.uid_headers;
        if gates.on("RemoteRequestHeaderUID") {
            check_blank("requestheader-uid-headers", uid, found);
            if lacks(uid, "X-Remote-Uid") {
                found.error(
                    "--requestheader-uid-headers is set without specifying the standard X-Remote-Uid header - API \
                     aggregation will not work",
                );
            }
        } else if !uid.is_empty() {
            found.error("--requestheader-uid-headers requires the \"RemoteRequestHeaderUID\" feature to be enabled");
        }
        proxies
    }
}

fn check_blank(flag: &str, values: &[String], found: &mut Findings) {
    if values.iter().any(|value| value.trim().is_empty()) {
        found.error(format!("empty value in {flag:?}"));
    }
}

/// Whether two files hold the same certificate; what cannot be read has none.
fn overlap(one: &Path, other: &Path) -> bool {
    let certificates = |path: &Path| -> Vec<String> {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let parts = text.split("-----BEGIN CERTIFICATE-----").skip(1);
        parts
            .filter_map(|part| part.split_once("-----END CERTIFICATE-----"))
            .map(|(body, _)| body.split_ascii_whitespace().collect())
            .collect()
    };
    let other = certificates(other);
    certificates(one).iter().any(|certificate| other.contains(certificate))
}
