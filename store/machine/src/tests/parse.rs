//! Commands as transcripts write them, one a line; `testdata/README.md` has the grammar.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use proto::auth::permission::Type;
use proto::auth::{Permission, UserAddOptions};
use proto::etcd::alarm_request::AlarmAction;
use proto::etcd::compare::{CompareResult, CompareTarget, TargetUnion};
use proto::etcd::request_op::Request;
use proto::etcd::*;
use proto::store::command::Action;
use proto::store::{ClusterVersion, LeaseExpire, MemberPublish};

/// The words of one line; brackets stand alone.
pub(super) struct Words(std::vec::IntoIter<String>);

impl Words {
    pub(super) fn new(line: &str) -> Self {
        let spaced = line.replace('[', " [ ").replace(']', " ] ");
        let words: Vec<String> = spaced.split_whitespace().map(ToOwned::to_owned).collect();
        Self(words.into_iter())
    }

    pub(super) fn next(&mut self) -> String {
        self.0.next().expect("another word")
    }

    fn number<T: std::str::FromStr<Err: std::fmt::Debug>>(&mut self) -> T {
        self.next().parse().expect("a number")
    }

    fn peek(&self) -> Option<&str> {
        self.0.as_slice().first().map(String::as_str)
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(word);
        if found {
            self.0.next();
        }
        found
    }

    /// The value of a word `name=value`, wherever it stands in the rest.
    fn named(&mut self, name: &str) -> Option<String> {
        let rest: Vec<String> = self.0.by_ref().collect();
        let (found, rest): (Vec<String>, Vec<String>) = rest
            .into_iter()
            .partition(|word| word.strip_prefix(name).is_some_and(|word| word.starts_with('=')));
        self.0 = rest.into_iter();
        found.first().map(|word| word[name.len() + 1..].to_owned())
    }

    fn named_number(&mut self, name: &str) -> i64 {
        self.named(name).map_or(0, |number| number.parse().expect("a number"))
    }

    fn flag(&mut self, name: &str) -> bool {
        let rest: Vec<String> = self.0.by_ref().collect();
        let (found, rest): (Vec<String>, Vec<String>) = rest.into_iter().partition(|word| word == name);
        self.0 = rest.into_iter();
        !found.is_empty()
    }

    /// `k`, `a..b` or `a..`.
    fn range(&mut self) -> (Bytes, Bytes) {
        let word = self.next();
        match word.split_once("..") {
            None => (text(&word), Bytes::new()),
            Some((from, "")) => (text(from), Bytes::from_static(&[0])),
            Some((from, to)) => (text(from), text(to)),
        }
    }

    fn list(&mut self) -> Vec<String> {
        self.next().split(',').map(ToOwned::to_owned).collect()
    }

    fn bracketed(&mut self) -> Self {
        assert_eq!(self.next(), "[");
        let (mut depth, mut inside) = (1, Vec::new());
        loop {
            let word = self.next();
            depth += i32::from(word == "[") - i32::from(word == "]");
            if depth == 0 {
                return Self(inside.into_iter());
            }
            inside.push(word);
        }
    }
}

/// `""` is the empty string, `^0` a zero byte.
fn text(word: &str) -> Bytes {
    if word == "\"\"" {
        Bytes::new()
    } else {
        Bytes::from(word.replace("^0", "\0"))
    }
}

pub(super) fn range(words: &mut Words) -> RangeRequest {
    let (key, range_end) = words.range();
    RangeRequest {
        key,
        range_end,
        revision: words.named_number("rev"),
        limit: words.named_number("limit"),
        count_only: words.flag("count"),
        keys_only: words.flag("keys"),
        sort_order: i32::try_from(words.named_number("sort")).unwrap(),
        ..RangeRequest::default()
    }
}

fn put(words: &mut Words) -> PutRequest {
    let (lease, prev_kv) = (words.named_number("lease"), words.flag("prev"));
    let (ignore_value, ignore_lease) = (words.flag("ignore_value"), words.flag("ignore_lease"));
    let (key, _) = words.range();
    let value = words.peek().map(text).unwrap_or_default();
    PutRequest {
        key,
        value,
        lease,
        prev_kv,
        ignore_value,
        ignore_lease,
    }
}

fn delete(words: &mut Words) -> DeleteRangeRequest {
    let (key, range_end) = words.range();
    DeleteRangeRequest {
        key,
        range_end,
        prev_kv: words.flag("prev"),
    }
}

fn txn(words: &mut Words) -> TxnRequest {
    let mut txn = TxnRequest::default();
    if words.take("if") {
        while !matches!(words.peek(), None | Some("then" | "else")) {
            txn.compare.push(compare(&mut words.bracketed()));
        }
    }
    for (word, ops) in [("then", &mut txn.success), ("else", &mut txn.failure)] {
        if words.take(word) {
            while words.peek() == Some("[") {
                ops.push(RequestOp {
                    request: op(&mut words.bracketed()),
                });
            }
        }
    }
    txn
}

fn op(words: &mut Words) -> Option<Request> {
    let word = words.peek()?.to_owned();
    words.next();
    Some(match word.as_str() {
        "get" => Request::RequestRange(range(words)),
        "put" => Request::RequestPut(put(words)),
        "del" => Request::RequestDeleteRange(delete(words)),
        "txn" => Request::RequestTxn(txn(words)),
        word => panic!("{word} is no operation"),
    })
}

fn compare(words: &mut Words) -> Compare {
    let target = words.next();
    let (key, range_end) = words.range();
    let result = match words.next().as_str() {
        "=" => CompareResult::Equal,
        "!=" => CompareResult::NotEqual,
        "<" => CompareResult::Less,
        ">" => CompareResult::Greater,
        word => panic!("{word} is no comparison"),
    };
    let (target, union) = match target.as_str() {
        "value" => (CompareTarget::Value, TargetUnion::Value(text(&words.next()))),
        "version" => (CompareTarget::Version, TargetUnion::Version(words.number())),
        "create" => (CompareTarget::Create, TargetUnion::CreateRevision(words.number())),
        "mod" => (CompareTarget::Mod, TargetUnion::ModRevision(words.number())),
        "lease" => (CompareTarget::Lease, TargetUnion::Lease(words.number())),
        word => panic!("{word} is nothing to compare"),
    };
    Compare {
        result: result.into(),
        target: target.into(),
        key,
        range_end,
        target_union: Some(union),
    }
}

pub(super) fn action(words: &mut Words) -> Action {
    match words.next().as_str() {
        "put" => Action::Put(put(words)),
        "del" => Action::DeleteRange(delete(words)),
        "txn" => Action::Txn(txn(words)),
        "compact" => Action::Compact(CompactionRequest {
            revision: words.number(),
            physical: false,
        }),
        "grant" => Action::LeaseGrant(LeaseGrantRequest {
            id: words.number(),
            ttl: words.number(),
        }),
        "revoke" => Action::LeaseRevoke(LeaseRevokeRequest { id: words.number() }),
        "expire" => {
            let term = words.number();
            Action::LeaseExpire(LeaseExpire {
                term,
                ids: words.list().iter().map(|id| id.parse().unwrap()).collect(),
            })
        }
        "checkpoint" => {
            let checkpoints = vec![LeaseCheckpoint {
                id: words.number(),
                remaining_ttl: words.number(),
            }];
            Action::LeaseCheckpoint(LeaseCheckpointRequest { checkpoints })
        }
        "alarm" => alarm(words),
        "version" => Action::ClusterVersion(ClusterVersion { version: words.next() }),
        "downgrade" => {
            let target_version = words.next();
            let enabled = target_version != "cancel";
            Action::Downgrade(DowngradeInfo {
                enabled,
                target_version,
            })
        }
        "member" => member(words),
        "auth" if words.take("enable") => Action::AuthEnable(AuthEnableRequest {}),
        "auth" if words.take("disable") => Action::AuthDisable(AuthDisableRequest {}),
        "user" => user(words),
        "role" => role(words),
        word => panic!("{word} is no command"),
    }
}

fn alarm(words: &mut Words) -> Action {
    let action = match words.next().as_str() {
        "raise" => AlarmAction::Activate,
        "lift" => AlarmAction::Deactivate,
        _ => AlarmAction::Get,
    };
    let alarm = match words.next().as_str() {
        "nospace" => AlarmType::Nospace,
        "corrupt" => AlarmType::Corrupt,
        _ => AlarmType::None,
    };
    let member_id = if words.peek().is_some() { words.number() } else { 0 };
    Action::Alarm(AlarmRequest {
        action: action.into(),
        member_id,
        alarm: alarm.into(),
    })
}

fn member(words: &mut Words) -> Action {
    let (what, id) = (words.next(), words.number());
    match what.as_str() {
        "add" => {
            let is_learner = words.flag("learner");
            let peer_ur_ls = if words.peek().is_some() {
                words.list()
            } else {
                Vec::new()
            };
            Action::MemberAdd(Member {
                id,
                peer_ur_ls,
                is_learner,
                ..Member::default()
            })
        }
        "remove" => Action::MemberRemove(MemberRemoveRequest { id }),
        "update" => Action::MemberUpdate(MemberUpdateRequest {
            id,
            peer_ur_ls: words.list(),
        }),
        "promote" => Action::MemberPromote(MemberPromoteRequest { id }),
        "publish" => Action::MemberPublish(MemberPublish {
            id,
            name: words.next(),
            client_urls: words.list(),
        }),
        word => panic!("{word} is nothing members do"),
    }
}

fn user(words: &mut Words) -> Action {
    let (what, name) = (words.next(), String::from_utf8(text(&words.next()).to_vec()).unwrap());
    match what.as_str() {
        "add" if words.take("nopassword") => Action::AuthUserAdd(AuthUserAddRequest {
            name,
            options: Some(UserAddOptions { no_password: true }),
            ..AuthUserAddRequest::default()
        }),
        "add" if words.take("clear") => {
            let password = words.next();
            Action::AuthUserAdd(AuthUserAddRequest {
                name,
                password,
                ..AuthUserAddRequest::default()
            })
        }
        "add" => {
            let hashed_password = STANDARD.encode(format!("hash of {name}"));
            Action::AuthUserAdd(AuthUserAddRequest {
                name,
                hashed_password,
                ..AuthUserAddRequest::default()
            })
        }
        "delete" => Action::AuthUserDelete(AuthUserDeleteRequest { name }),
        "password" => {
            let hashed_password = STANDARD.encode(words.next());
            let password = String::new();
            Action::AuthUserChangePassword(AuthUserChangePasswordRequest {
                name,
                password,
                hashed_password,
            })
        }
        "grant" => Action::AuthUserGrantRole(AuthUserGrantRoleRequest {
            user: name,
            role: words.next(),
        }),
        "revoke" => Action::AuthUserRevokeRole(AuthUserRevokeRoleRequest {
            name,
            role: words.next(),
        }),
        word => panic!("{word} is nothing done to users"),
    }
}

fn role(words: &mut Words) -> Action {
    let (what, role) = (words.next(), String::from_utf8(text(&words.next()).to_vec()).unwrap());
    match what.as_str() {
        "add" => Action::AuthRoleAdd(AuthRoleAddRequest { name: role }),
        "delete" => Action::AuthRoleDelete(AuthRoleDeleteRequest { role }),
        "allow" if words.take("nothing") => {
            Action::AuthRoleGrantPermission(AuthRoleGrantPermissionRequest { name: role, perm: None })
        }
        "allow" => {
            let kind = match words.next().as_str() {
                "read" => Type::Read,
                "write" => Type::Write,
                _ => Type::Readwrite,
            };
            let (key, range_end) = words.range();
            let perm = Some(Permission {
                perm_type: kind.into(),
                key,
                range_end,
            });
            Action::AuthRoleGrantPermission(AuthRoleGrantPermissionRequest { name: role, perm })
        }
        "forbid" => {
            let (key, range_end) = words.range();
            Action::AuthRoleRevokePermission(AuthRoleRevokePermissionRequest { role, key, range_end })
        }
        word => panic!("{word} is nothing done to roles"),
    }
}
