//! The child: it runs a scenario under a plan and says each thing that was acknowledged, the moment it was.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use proto::etcd::{DefragmentRequest, MemberAddRequest, ResponseHeader};
use proto::store::command::Action;
use store_node::Member;

use crate::error::{Error, OrFail, Result};
use crate::life::{How, Life, caught_up, data_dir, joiner, nobody};
use crate::plan::{Plan, end, say};
use crate::script::{Change, Scenario, Step};

/// How long a member that refused a write may take to end; by its own clock.
const LAST_WORDS: Duration = Duration::from_secs(60);
/// How long a defragmentation may take.
const DEFRAGMENT: Duration = Duration::from_secs(2);

/// Runs a scenario in a folder. Ends the process where the plan says so.
///
/// # Errors
/// Why a member could not be started.
pub fn run(scenario: Scenario, folder: &Path, plan: Plan) -> Result<()> {
    let plan = Arc::new(plan);
    let how = How {
        scenario,
        plan: Some(Arc::clone(&plan)),
        on_fatal: Arc::new(|reason: &str| {
            say(&format!("fatal {reason}"));
            std::process::abort();
        }),
    };
    let life = Life::start(folder, &how).inspect_err(|error| say(&format!("refused {error}")))?;
    say("ready");
    for (number, step) in scenario.steps().iter().enumerate() {
        life.run(act(&life.members, folder, (scenario, number), step));
    }
    if let [first, second] = &life.members[..]
        && let Err(error) = life.run(caught_up(first, second))
    {
        say(&format!("failed {error}"));
        end();
    }
    plan.leave();
    life.stop();
    say("done");
    Ok(())
}

async fn act(members: &[Member], folder: &Path, at: (Scenario, usize), step: &Step) {
    let Some(member) = members.first() else { return };
    let outcome = match step {
        Step::Write(changes) => write(member, at, changes).await,
        Step::Wait(time) => {
            tokio::time::sleep(*time).await;
            Ok(())
        }
        Step::Defragment => defragment(member, folder).await,
        Step::Announce => announce(member).await,
    };
    let Err(error) = outcome else { return };
    // Whoever cannot write is about to end, or is stuck.
    say(&format!("failed {} {error}", at.1));
    let stop = tokio::time::timeout(LAST_WORDS, member.stopped()).await;
    say(&format!("stuck {stop:?}"));
    end();
}

async fn write(member: &Member, (scenario, number): (Scenario, usize), changes: &[Change]) -> Result<()> {
    say(&format!("begin {number}"));
    let revision = member.reader().state().revision;
    let asked = changes.iter().enumerate().map(|(at, change)| {
        let action = change.action(&tag(scenario, number, at), revision);
        ask(member, action)
    });
    let mut revisions = Vec::new();
    for answer in join_all(asked).await {
        let header = answer?.ok_or_else(|| Error::new("an answer without a header"))?;
        revisions.push(header.revision.to_string());
    }
    say(&format!("ack {number} {}", revisions.join(" ")));
    Ok(())
}

/// What makes a value like no other.
pub(crate) fn tag(scenario: Scenario, number: usize, at: usize) -> String {
    format!("{} {number}.{at}", scenario.name())
}

/// Asks a member for a change.
///
/// # Errors
/// The member's.
pub(crate) async fn ask(member: &Member, action: Action) -> Result<Option<ResponseHeader>> {
    let who = nobody();
    let header = match action {
        Action::Put(request) => member.put(&who, request).await.map(|answer| answer.header),
        Action::DeleteRange(request) => member.delete_range(&who, request).await.map(|answer| answer.header),
        Action::Txn(request) => member.txn(&who, request).await.map(|answer| answer.header),
        Action::Compact(request) => member.compact(&who, request).await.map(|answer| answer.header),
        Action::LeaseGrant(request) => member.lease_grant(&who, request).await.map(|answer| answer.header),
        Action::LeaseRevoke(request) => member.lease_revoke(&who, request).await.map(|answer| answer.header),
        other => return Err(Error::new(format!("{other:?} is not asked for here"))),
    };
    header.map_err(|error| Error::new(error.text()))
}

/// Asks for it, and waits, in real time, until tables have gone: it is done by a thread that nobody waits for.
async fn defragment(member: &Member, folder: &Path) -> Result<()> {
    let before = tables(folder)?;
    let asked = member.defragment(&nobody(), DefragmentRequest {}).await;
    asked.map_err(|error| Error::new(error.text()))?;
    // The request itself is done by a task.
    tokio::time::sleep(Duration::from_millis(1)).await;
    let started = Instant::now();
    while tables(folder)? >= before && started.elapsed() < DEFRAGMENT {
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

fn tables(folder: &Path) -> Result<usize> {
    let mut count = 0;
    let databases = std::fs::read_dir(data_dir(folder, 0).join("member/db")).or_fail("list the databases")?;
    for database in databases.flatten() {
        let Ok(files) = std::fs::read_dir(database.path()) else {
            continue;
        };
        let is_table = |path: &Path| path.extension().is_some_and(|end| end == "sst");
        count += files.flatten().filter(|file| is_table(&file.path())).count();
    }
    Ok(count)
}

async fn announce(member: &Member) -> Result<()> {
    let request = MemberAddRequest {
        peer_ur_ls: vec![joiner()],
        is_learner: true,
    };
    let added = member.member_add(&nobody(), request).await;
    added.map(drop).map_err(|error| Error::new(error.text()))
}
