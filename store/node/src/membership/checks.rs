//! Whether the leader lets a change of members into its log (`--strict-reconfig-check`, learner readiness).

use proto::etcd::Member as Entry;
use proto::fault::Fault;
use proto::store::Command;
use proto::store::command::Action;
use store_raft::Status;
use url::Url;

use super::HEALTHY;
use crate::Member;
use crate::error::Result;

/// Part of the leader's log that a learner must hold before it may vote; upstream's number.
const READY_PERCENT: u64 = 90;

/// Whether [`Member::may_change`] has anything to say about a command.
pub(crate) fn changes_members(command: &Command) -> bool {
    matches!(
        command.action,
        Some(Action::MemberAdd(_) | Action::MemberRemove(_) | Action::MemberPromote(_))
    )
}

impl Member {
    /// Checks a command that this member is about to put in its log as leader.
    pub(crate) fn may_change(&self, command: &Command) -> Result<()> {
        let checked = match &command.action {
            Some(Action::MemberAdd(member)) => self.may_add(member),
            Some(Action::MemberRemove(request)) => self.may_remove(request.id),
            Some(Action::MemberPromote(request)) => self.may_promote(request.id),
            _ => return Ok(()),
        };
        if let Err(fault) = checked {
            tracing::warn!(error = %fault, action = ?command.action, "rejecting member change request");
            return Err(fault.into());
        }
        Ok(())
    }

    fn may_add(&self, member: &Entry) -> std::result::Result<(), Fault> {
        if !self.config.strict_reconfig_check {
            return Ok(());
        }
        let members = &self.reader.state().members;
        if !member.is_learner && !members.can_add_voter() {
            return Err(Fault::MemberNotEnoughStarted);
        }
        let status = self.consensus.look();
        if status.voters.iter().all(|id| self.hears(&status, *id)) {
            Ok(())
        } else {
            Err(Fault::Unhealthy)
        }
    }

    fn may_remove(&self, id: u64) -> std::result::Result<(), Fault> {
        let state = self.reader.state();
        let learner = state.members.get(id).is_some_and(|member| member.is_learner);
        if !self.config.strict_reconfig_check || learner || state.members.get(id).is_none() {
            return Ok(());
        }
        if !state.members.can_remove_voter(id) {
            return Err(Fault::MemberNotEnoughStarted);
        }
        let status = self.consensus.look();
        // One that is down is no part of the quorum: removing it can only help.
        if !status.voters.contains(&id) || !self.hears(&status, id) {
            return Ok(());
        }
        let active = status
            .voters
            .iter()
            .filter(|voter| self.hears(&status, **voter))
            .count();
        let quorum_after = 1 + (status.voters.len() - 1) / 2;
        if active > quorum_after {
            Ok(())
        } else {
            Err(Fault::Unhealthy)
        }
    }

    fn may_promote(&self, id: u64) -> std::result::Result<(), Fault> {
        let state = self.reader.state();
        let member = state.members.get(id).ok_or(Fault::MemberNotFound)?;
        if !member.is_learner {
            return Err(Fault::MemberNotLearner);
        }
        let last = self.consensus.look().last_index;
        let held = self.consensus.matched(id).unwrap_or(0);
        if held * 100 < last * READY_PERCENT {
            return Err(Fault::LearnerNotReady);
        }
        if self.config.strict_reconfig_check && !state.members.can_promote(id) {
            return Err(Fault::MemberNotEnoughStarted);
        }
        Ok(())
    }

    /// Whether a member answered lately. Leader only.
    pub(super) fn hears(&self, status: &Status, id: u64) -> bool {
        let silent = || status.heard_ms.get(&id).copied();
        id == self.id() || silent().is_some_and(|ms| u128::from(ms) <= HEALTHY.as_millis())
    }
}

/// Upstream's rules for peer URLs: a scheme it speaks, host and port, nothing behind.
pub(super) fn valid_urls(urls: &[String]) -> bool {
    !urls.is_empty() && urls.iter().all(|text| valid_url(text))
}

fn valid_url(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    match url.scheme() {
        "unix" | "unixs" => true,
        // The crate drops a port that is the scheme's own, so the text is asked.
        "http" | "https" => {
            let authority = text.split_once("://").map_or("", |(_, rest)| rest);
            url.host().is_some() && matches!(url.path(), "" | "/") && !authority.ends_with('/') && has_port(authority)
        }
        _ => false,
    }
}

fn has_port(authority: &str) -> bool {
    authority
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_checked_as_upstream_does() {
        let valid = |text: &str| valid_urls(&[text.to_owned()]);
        for good in [
            "http://127.0.0.1:2380",
            "https://a.b:443",
            "http://[::1]:80",
            "unix://sock",
        ] {
            assert!(valid(good), "{good}");
        }
        for bad in [
            "",
            "127.0.0.1:2380",
            "http://a",
            "http://a:1/path",
            "http://a:1/",
            "ftp://a:1",
            "http://:1",
        ] {
            assert!(!valid(bad), "{bad}");
        }
        assert!(!valid_urls(&[]));
    }
}
