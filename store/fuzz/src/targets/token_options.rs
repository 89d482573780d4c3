//! `--auth-token` with its key files, and `--auto-compaction-retention`, as a member reads them before it starts.
//!
//! An input is pieces: the token option, a private key, a public key, the retention, and what the retention counts. In
//! the option `<` stands for the file of the private key, and `>` for that of the public one.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use base::certs::{CertOptions, Usage, self_signed};
use base::task::Tasks;
use prometheus::Registry;
use store_node::{AssembleError, CompactionMode, Config, Identity, IdentityStore, assemble, folder};
use tempfile::TempDir;

use crate::support::{block_on, member, must};
use crate::{Verdict, pieces};

/// An identity that cannot be read, so that no member starts.
struct Refused;

impl IdentityStore for Refused {
    fn load(&self) -> Result<Option<Identity>, folder::Error> {
        Err(folder::Error::Damaged("of no member".to_owned()))
    }

    fn save(&self, _: &Identity) -> Result<(), folder::Error> {
        Ok(())
    }
}

fn files() -> (PathBuf, PathBuf) {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| must("make a folder", TempDir::new())).path();
    (folder.join("private"), folder.join("public"))
}

/// Gives the options to a member.
///
/// # Panics
/// Where the member starts, or says something of its folder that is not so.
pub fn run(data: &[u8]) -> Verdict {
    let pieces: Vec<&[u8]> = pieces::split(data).collect();
    let piece = |at: usize| pieces.get(at).copied().unwrap_or_default();
    let (private, public) = files();
    must("write a key", std::fs::write(&private, piece(1)));
    must("write a key", std::fs::write(&public, piece(2)));
    // No file but those two is ever opened.
    let option = pieces::text(piece(0)).replace('/', "|");
    let option = option.replace('<', &private.display().to_string());
    let config = Config {
        auth_token: option.replace('>', &public.display().to_string()),
        compaction_retention: pieces::text(piece(3)),
        compaction_mode: CompactionMode::parse(&pieces::text(piece(4))).unwrap_or_default(),
        ..member::config()
    };
    let outcome = block_on(async {
        let parts = member::parts(config, Arc::new(Refused), &Registry::new(), &Tasks::new());
        assemble(parts).await.map(drop)
    });
    match outcome {
        Err(AssembleError::Config(_) | AssembleError::Token(_)) => Verdict::Refused,
        // Only the folder was wrong.
        Err(AssembleError::Folder(_)) => Verdict::Understood,
        Err(error) => panic!("options were refused for another reason: {error}"),
        Ok(()) => panic!("a member started without an identity"),
    }
}

/// Options of every kind, with keys that fit and keys that do not.
pub fn seeds() -> Vec<Vec<u8>> {
    let options = CertOptions {
        common_name: "token".to_owned(),
        organizations: Vec::new(),
        hosts: vec!["localhost".to_owned()],
        validity_days: 3650,
        usage: Usage::Server,
    };
    let pair = must("make a certificate", self_signed(&options));
    let (private, public) = (pair.key_pem.as_str(), pair.cert_pem.as_str());
    [
        ["simple", "", "", "0", ""],
        [
            "jwt,sign-method=HS256,priv-key=<,ttl=10m",
            "a secret",
            "",
            "1h30m",
            "periodic",
        ],
        [
            "jwt,sign-method=ES256,priv-key=<,pub-key=>",
            private,
            public,
            "1000",
            "revision",
        ],
        ["jwt,pub-key=>,sign-method=ES256", "", public, "5", "periodic"],
        [
            "jwt,sign-method=RS256,priv-key=<,pub-key=>,x=y",
            private,
            public,
            "-1",
            "revision",
        ],
        ["jwt,sign-method=EdDSA,priv-key=<", private, "", "10ms", "periodic"],
        ["jwt,sign-method", "", "", "", ""],
    ]
    .iter()
    .map(pieces::join)
    .collect()
}
