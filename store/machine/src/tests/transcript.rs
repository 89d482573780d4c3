//! Runs `testdata/*.txt`: each command is followed, indented, by what it answered and what it changed.
//!
//! With `BLESS` set in the environment the files are written anew instead; read the difference before you keep it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use proto::etcd::Member;
use proto::fault::Fault;
use proto::store::Command;
use proto::store::command::Action;
use store_auth::Caller;
use store_engine::{Engine, Memory};
use store_lease::Leases;

use super::parse::{Words, action, range};
use super::show;
use crate::{Ask, Genesis, Limits, Machine, OWN, Stamp, authorize};

struct Session {
    engine: Arc<dyn Engine>,
    machine: Machine,
    stamp: Stamp,
    user: String,
    /// The auth revision that commands carry; `None` for whatever is current.
    revision: Option<u64>,
}

impl Session {
    fn new() -> Self {
        let member = |id: u64| Member {
            id,
            peer_ur_ls: vec![format!("http://m{id}:2380")],
            ..Member::default()
        };
        let genesis = Genesis {
            cluster_id: 7,
            members: vec![member(1), member(2)],
            cluster_version: None,
        };
        let engine: Arc<dyn Engine> = Arc::new(Memory::new());
        let machine = Machine::open(Arc::clone(&engine), Some(genesis), Limits::default()).unwrap();
        let stamp = Stamp {
            index: 0,
            term: 1,
            now_ms: 1000,
        };
        Self {
            engine,
            machine,
            stamp,
            user: String::new(),
            revision: Some(OWN),
        }
    }

    fn run(&mut self, line: &str) -> Vec<String> {
        let mut words = Words::new(line);
        match words.next().as_str() {
            "as" => self.speak_as(&mut words),
            "term" => self.stamp.term = words.next().parse().unwrap(),
            "show" => return show::state(&self.machine.reader().state(), &words.next()),
            "get" => return vec![self.get(&mut words)],
            "reopen" => {
                let before = self.machine.reader().state();
                self.machine = Machine::open(Arc::clone(&self.engine), None, Limits::default()).unwrap();
                assert_eq!(self.machine.reader().state(), before);
            }
            "unknown" => return self.apply(None),
            _ => return self.apply(Some(action(&mut Words::new(line)))),
        }
        Vec::new()
    }

    /// `as root`, `as u@3` (authenticated at auth revision 3), `as nobody`, `as cluster`.
    fn speak_as(&mut self, words: &mut Words) {
        let word = words.next();
        (self.user, self.revision) = match word.split_once('@') {
            Some((user, revision)) => (user.to_owned(), Some(revision.parse().unwrap())),
            None if word == "nobody" => (String::new(), Some(0)),
            None if word == "cluster" => (String::new(), Some(OWN)),
            None => (word, None),
        };
    }

    fn auth_revision(&self) -> u64 {
        self.revision
            .unwrap_or_else(|| self.machine.reader().state().auth.revision())
    }

    fn get(&self, words: &mut Words) -> String {
        let (request, reader) = (range(words), self.machine.reader());
        let caller = Caller {
            user: &self.user,
            revision: self.auth_revision(),
        };
        if let Err(fault) = authorize(&reader.state().auth, &Leases::default(), caller, Ask::Range(&request)) {
            return show::fault(fault);
        }
        match reader.mvcc().view().range(&request) {
            Ok(response) => show::range(&response),
            Err(error) => show::fault(error.fault().unwrap()),
        }
    }

    fn apply(&mut self, action: Option<Action>) -> Vec<String> {
        self.stamp.index += 1;
        self.stamp.now_ms += 10;
        let user = self.user.clone();
        let auth_revision = self.auth_revision();
        let command = Command {
            now_ms: self.stamp.now_ms,
            user,
            auth_revision,
            origin: 1,
            id: 0,
            action,
        };
        let mut run = self.machine.begin();
        let reply = run.apply(self.stamp, &command);
        let effects = run.commit(b"raft").unwrap();
        assert_eq!((reply.index, reply.term), (self.stamp.index, self.stamp.term));
        let effects = effects.iter().map(|effect| format!("! {}", show::effect(effect)));
        show::reply(&reply).into_iter().chain(effects).collect()
    }
}

fn transcript(name: &str) {
    let path = Path::new("testdata").join(name);
    let written = std::fs::read_to_string(&path).unwrap();
    let (mut session, mut replayed) = (Session::new(), String::new());
    for line in written.lines().filter(|line| !line.starts_with("    ")) {
        writeln!(replayed, "{line}").unwrap();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        for answer in session.run(line) {
            writeln!(replayed, "    {answer}").unwrap();
        }
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, replayed).unwrap();
    } else {
        assert_eq!(
            replayed, written,
            "{name}; run again with BLESS=1 if the new answers are right"
        );
    }
}

#[test]
fn kv() {
    transcript("kv.txt");
}

#[test]
fn txn() {
    transcript("txn.txt");
}

#[test]
fn lease() {
    transcript("lease.txt");
}

#[test]
fn auth() {
    transcript("auth.txt");
}

#[test]
fn permissions() {
    transcript("permissions.txt");
}

#[test]
fn members() {
    transcript("members.txt");
}

#[test]
fn alarms() {
    transcript("alarms.txt");
}

#[test]
fn versions() {
    transcript("versions.txt");
}

/// Every refusal that applying can answer is in a transcript, with upstream's text.
#[test]
fn all_refusals_are_shown() {
    use Fault::*;
    let folder = "testdata";
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let lines: BTreeSet<String> = files
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    for fault in [
        EmptyKey,
        KeyNotFound,
        ValueProvided,
        LeaseProvided,
        DuplicateKey,
        InvalidSortOption,
        UserEmpty,
        RoleEmpty,
        AuthFailed,
        PermissionNotGiven,
        InvalidAuthManagement,
        AuthOldRevision,
        WrongDowngradeVersionFormat,
        InvalidDowngradeTargetVersion,
        Compacted,
        FutureRevision,
        LeaseTtlTooLarge,
        NoSpace,
        LeaseNotFound,
        MemberNotFound,
        LeaseExist,
        MemberExist,
        PeerUrlExist,
        MemberNotEnoughStarted,
        MemberNotLearner,
        TooManyLearners,
        RootUserNotExist,
        RootRoleNotExist,
        UserAlreadyExist,
        UserNotFound,
        RoleAlreadyExist,
        RoleNotFound,
        RoleNotGranted,
        PermissionNotGranted,
        NotCapable,
        ClusterVersionUnavailable,
        DowngradeInProgress,
        NoInflightDowngrade,
        PermissionDenied,
        Corrupt,
    ] {
        assert!(lines.contains(&format!("    {}", show::fault(fault))), "{fault:?}");
    }
}
