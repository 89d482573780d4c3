//! Tokens that callers bring along: simple ones and JSON Web Tokens, read by a member.
//!
//! An input: a byte that says which kind, then the token. The third kind is a JSON Web Token without its signature, which
//! is made here, so that noise gets as far as what is signed.

use std::sync::OnceLock;

use base::task::Tasks;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prometheus::Registry;
use proto::etcd::{
    AuthEnableRequest, AuthUserAddRequest, AuthUserGrantRoleRequest, AuthUserListRequest, AuthenticateRequest,
};
use ring::hmac;
use store_node::{Caller, Member};
use tempfile::TempDir;

use crate::support::{block_on, member, must};
use crate::{Verdict, pieces};

const ROOT: &str = "root";
const PASSWORD: &str = "not much of a secret";
/// What JSON Web Tokens are signed with.
const SECRET: &str = "a secret of some length";

/// A member with authentication, and a token that it gave.
struct Guarded {
    member: Member,
    token: String,
    _tasks: Tasks,
    _folder: Option<TempDir>,
}

fn simple() -> &'static Guarded {
    static SIMPLE: OnceLock<Guarded> = OnceLock::new();
    SIMPLE.get_or_init(|| block_on(guarded("simple".to_owned(), None)))
}

fn jwt() -> &'static Guarded {
    static JWT: OnceLock<Guarded> = OnceLock::new();
    JWT.get_or_init(|| {
        let folder = must("make a folder", TempDir::new());
        let secret = folder.path().join("secret");
        must("write a secret", std::fs::write(&secret, SECRET));
        let options = format!("jwt,sign-method=HS256,priv-key={},ttl=1000h", secret.display());
        block_on(guarded(options, Some(folder)))
    })
}

async fn guarded(auth_token: String, folder: Option<TempDir>) -> Guarded {
    let tasks = Tasks::new();
    let config = store_node::Config {
        auth_token,
        ..member::config()
    };
    let member = member::start(config, &Registry::new(), &tasks).await;
    let nobody = Caller::default();
    let add = AuthUserAddRequest {
        name: ROOT.to_owned(),
        password: PASSWORD.to_owned(),
        ..AuthUserAddRequest::default()
    };
    must("add a user", member.user_add(&nobody, add).await);
    let grant = AuthUserGrantRoleRequest {
        user: ROOT.to_owned(),
        role: ROOT.to_owned(),
    };
    must("grant a role", member.user_grant_role(&nobody, grant).await);
    must(
        "turn authentication on",
        member.auth_enable(&nobody, AuthEnableRequest {}).await,
    );
    let login = AuthenticateRequest {
        name: ROOT.to_owned(),
        password: PASSWORD.to_owned(),
    };
    let token = must("get a token", member.authenticate(&nobody, login).await).token;
    Guarded {
        member,
        token,
        _tasks: tasks,
        _folder: folder,
    }
}

/// Brings a token along to a call that needs one.
///
/// # Panics
/// Where a token is good that was never given.
pub fn run(data: &[u8]) -> Verdict {
    let Some((which, token)) = data.split_first() else {
        return Verdict::Refused;
    };
    match which % 3 {
        0 => {
            let token = pieces::text(token);
            let answered = bring(simple(), &token);
            // Where in the log the issuer stood may be spelled in several ways; what is sealed may not.
            let sealed = |token: &str| token.rsplit_once('.').map(|(sealed, _)| sealed.to_owned());
            let given = sealed(&token).is_some() && sealed(&token) == sealed(&simple().token);
            assert!(!answered || given, "{token:?} was never given");
            Verdict::of(answered)
        }
        1 => {
            let token = pieces::text(token);
            let answered = bring(jwt(), &token);
            assert!(!answered || token == jwt().token, "{token:?} was never given");
            Verdict::of(answered)
        }
        _ => Verdict::of(bring(jwt(), &signed(token))),
    }
}

/// Whether a token opens a call that needs one.
fn bring(guarded: &Guarded, token: &str) -> bool {
    let caller = Caller {
        token: Some(token.to_owned()),
        ..Caller::default()
    };
    let answered = guarded.member.user_list(&caller, AuthUserListRequest {});
    block_on(answered).is_ok()
}

/// A token of a head and claims, one a line, under a signature that is right.
fn signed(data: &[u8]) -> String {
    let (head, claims) = match data.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &[][..]),
    };
    let message = [head, claims].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The head and the claims of a token, one a line.
fn unsigned(token: &str) -> Vec<u8> {
    let mut parts = token
        .split('.')
        .map(|part| must("read a token", URL_SAFE_NO_PAD.decode(part)));
    let (head, claims) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    [&head[..], b"\n", &claims].concat()
}

/// One good token of each kind, and shapes of tokens.
pub fn seeds() -> Vec<Vec<u8>> {
    let seed = |which: u8, token: &str| [&[which][..], token.as_bytes()].concat();
    vec![
        seed(0, &simple().token),
        seed(1, &jwt().token),
        [&[2][..], &unsigned(&jwt().token)].concat(),
        [&[2][..], &unsigned(&jwt().token), b" "].concat(),
        seed(0, "letters.7"),
        seed(0, "."),
        seed(0, ".18446744073709551615"),
        seed(1, "e30.e30.e30"),
        seed(1, ".."),
        seed(
            1,
            "eyJhbGciOiJub25lIn0.eyJ1c2VybmFtZSI6InJvb3QiLCJyZXZpc2lvbiI6MSwiZXhwIjo5OTk5OTk5OTk5fQ.",
        ),
    ]
}
