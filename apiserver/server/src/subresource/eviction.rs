//! `pods/eviction`: a pod away, if those that it is one of can do without it (upstream's `eviction.go`).

use std::time::Duration;

use apiserver_api::meta;
use apiserver_api::status::{Reason, Status};
use apiserver_api::tree::Tree;
use apiserver_kinds::Asked;
use axum::body::Body;

use super::budget::{self, Guard};
use super::pod::set_condition;
use super::posted::{Post, done};
use super::spoken::{PLAIN, Spoken};
use crate::answer::Answer;
use crate::catalog::Resource;
use crate::machine::{Deletion, Machine, Place, Preconditions, Speech, check_preconditions};
use crate::options::DeleteOptions;
use crate::request::Call;

const SPOKEN: &Spoken = &Spoken {
    schema: "io.k8s.api.policy.v1.Eviction",
    api_version: "policy/v1",
    kind: "Eviction",
    ..PLAIN
};
/// As it was sent before; it says the same.
const OLD: &Spoken = &Spoken {
    api_version: "policy/v1beta1",
    ..*SPOKEN
};

/// How often something is tried that others keep getting ahead of, and how long it waits in between, at least; upstream's.
pub(super) const TRIES: usize = 20;
const PAUSE: Duration = Duration::from_millis(500);
/// So much longer at most, in milliseconds.
const JITTER: u64 = 50;

/// Answers what is posted below a pod.
pub(super) async fn serve(machine: &Machine, pods: &Resource, call: &Call, body: Body) -> Result<Answer, Status> {
    let post = Post {
        machine,
        resource: pods,
        call,
        subresource: "eviction",
    };
    let mut posted = post.read(body, false, of_version).await?;
    SPOKEN.settle(&mut posted.object);
    let write = post.write(SPOKEN, &posted.options, &call.info.name);
    machine.admit_posted(&write, &mut posted.object).await?;
    if meta::name(&posted.object) != write.name {
        return Err(Status::bad_request(
            "name in URL does not match name in Eviction object",
        ));
    }
    let own = posted.object.at("deleteOptions").clone();
    let tree = settle_dry_run(own, posted.options.tree.at("dryRun"))?;
    // Upstream looks at them when the budget is spent already.
    let options = DeleteOptions::of_tree(tree)?;
    machine.validate_posted(&write, &posted.object).await?;
    let eviction = Eviction {
        machine,
        call,
        place: Place {
            resource: pods,
            namespace: write.namespace,
            name: write.name,
        },
        options,
    };
    eviction.carry_out().await?;
    Ok(done(call, posted.wanted))
}

fn of_version(api_version: &str) -> &'static Spoken {
    if api_version == OLD.api_version { OLD } else { SPOKEN }
}

/// Waits before something is tried again.
pub(super) async fn pause(machine: &Machine) {
    let longer = Duration::from_millis(machine.random.below(JITTER + 1));
    machine.clock.sleep(PAUSE + longer).await;
}

/// The options of the deletion, which is dry where the request or its body says so.
fn settle_dry_run(mut options: Tree, asked: &Tree) -> Result<Tree, Status> {
    let own = options.at("dryRun");
    if asked.is_zero() {
        return Ok(options);
    }
    if own.is_zero() {
        options.set("dryRun", asked.clone());
        return Ok(options);
    }
    if own == asked {
        return Ok(options);
    }
    let shown = |values: &Tree| {
        let values = values.as_list().unwrap_or_default();
        let values: Vec<&str> = values.iter().filter_map(Tree::as_str).collect();
        format!("[{}]", values.join(" "))
    };
    let (asked, own) = (shown(asked), shown(own));
    Err(Status::unknown(format!(
        "Non-matching dry-run options in request and content: {asked} and {own}"
    )))
}

struct Eviction<'e> {
    machine: &'e Machine,
    call: &'e Call,
    place: Place<'e>,
    options: DeleteOptions,
}

impl Eviction<'_> {
    async fn carry_out(&self) -> Result<(), Status> {
        let Some(pod) = self.beyond_budgets().await? else {
            return Ok(());
        };
        let guard = budget::ask(self.machine, &pod, self.call.now, self.options.dry_run).await?;
        let Guard::Unhealthy(budget) = guard else {
            return self.delete(self.options.clone()).await;
        };
        // It must not have become one that counts.
        let mut options = self.options.clone();
        options.resource_version = Some(meta::resource_version(&pod).to_owned());
        match self.delete(options).await {
            Err(status) if status.reason == Reason::Conflict && self.options.resource_version.is_none() => {
                Err(budget::busy(&budget))
            }
            outcome => outcome,
        }
    }

    /// Deletes the pod where no budget counts it; if one may, gives the pod.
    async fn beyond_budgets(&self) -> Result<Option<Tree>, Status> {
        let (
            machine,
            Place {
                resource,
                namespace,
                name,
            },
        ) = (self.machine, &self.place);
        let is_pinned = self.options.resource_version.is_some();
        let mut refusal = None;
        for attempt in 0..TRIES {
            if attempt > 0 {
                pause(machine).await;
            }
            let pod = machine.get(resource, namespace, name, "").await?;
            let pod = resource.typed(pod.tree());
            let (phase, deleting) = (pod.at("status").text("phase"), meta::is_deleting(&pod));
            let over = deleting || matches!(phase, "Succeeded" | "Failed");
            if !over && phase != "Pending" {
                return Ok(Some(pod));
            }
            let mut options = self.options.clone();
            if !over && !is_pinned {
                options.resource_version = Some(meta::resource_version(&pod).to_owned());
            }
            match self.delete(options).await {
                Ok(()) => return Ok(None),
                Err(status) if status.reason == Reason::Conflict && !is_pinned => refusal = Some(status),
                Err(status) => return Err(status),
            }
        }
        Err(refusal.unwrap_or_else(|| Status::internal("an eviction was never tried")))
    }

    /// Says in the pod why it goes, and deletes it. Admission had its say of the eviction.
    async fn delete(&self, mut options: DeleteOptions) -> Result<(), Status> {
        let Place {
            resource,
            namespace,
            name,
        } = self.place;
        if !options.dry_run {
            let marked = self
                .machine
                .change(&self.place, &Preconditions::default(), false, |pod| {
                    check_preconditions(resource, name, &options, pod)?;
                    self.marked(pod)
                })
                .await?;
            if options.resource_version.is_some() {
                let marked = marked.tree(resource);
                options.resource_version = Some(meta::resource_version(&marked).to_owned());
            }
        }
        let deletion = Deletion {
            call: self.call,
            resource,
            namespace,
            name,
            options: &options,
            admission: false,
        };
        self.machine.delete(&deletion).await.map(drop)
    }

    /// A pod that says that it is evicted.
    fn marked(&self, pod: &Tree) -> Result<Tree, Status> {
        let mut new = pod.clone();
        let (reason, message) = ("EvictionByEvictionAPI", "Eviction API: evicting");
        set_condition(&mut new, self.call.now, "DisruptionTarget", reason, message);
        let user = self.call.user.to_tree();
        let asked = Asked {
            now: self.call.now,
            user: &user,
        };
        let kind = self.place.resource.kind;
        let mut new = self.place.resource.blank(new);
        kind.update_part("status", &asked, &mut new, pod)?;
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::{Tree, parse};

    use super::settle_dry_run;

    fn tree(json: &str) -> Tree {
        parse(json.as_bytes()).unwrap().tree
    }

    #[test]
    fn request_and_body_agree_on_whether_it_is_dry() {
        let all = tree(r#"["All"]"#);
        for (own, asked, dry) in [
            (r"null", &all, true),
            (r#"{"gracePeriodSeconds":1}"#, &all, true),
            (r#"{"dryRun":["All"]}"#, &Tree::Null, true),
            (r#"{"dryRun":["All"]}"#, &all, true),
            (r"null", &Tree::Null, false),
        ] {
            let options = settle_dry_run(tree(own), asked).unwrap();
            assert_eq!(!options.items("dryRun").is_empty(), dry, "{own}");
        }
        let refused = settle_dry_run(tree(r#"{"dryRun":["All","All"]}"#), &all).unwrap_err();
        let told = "Non-matching dry-run options in request and content: [All] and [All All]";
        assert_eq!((refused.code, refused.message.as_str()), (500, told));
    }
}
