//! What containers ask for where they say nothing, and the note that a pod gets of it.

use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::{Map, Text, Tree};

/// Annotation of a pod: what was set.
const ANNOTATION: &str = "kubernetes.io/limit-ranger";
/// So many bytes are filled into a pod at most, as many as a request may have. Each container gets each amount: a small pod
/// and a small range may make one that no store takes.
pub(super) const BYTES_MAX: usize = 3 << 20;
/// What an amount takes beside its name, which stands in the note, too, and itself: quotes, a colon and commas.
const AROUND: usize = 8;

/// Gives a pod's containers what a limit range says for them, where they do not say it. `room` is how many bytes may be
/// filled in.
///
/// # Errors
/// 413 where there are more.
pub(super) fn fill(pod: &mut Tree, range: &Tree, room: &mut usize) -> Result<(), Status> {
    let (requests, limits) = (
        Defaults::read(range, "defaultRequest", "requests"),
        Defaults::read(range, "default", "limits"),
    );
    let spec = pod.at("spec");
    let containers = spec.items("containers").iter().chain(spec.items("initContainers"));
    let needed: usize = containers
        .map(|container| requests.missing_bytes(container) + limits.missing_bytes(container))
        .sum();
    let Some(left) = room.checked_sub(needed) else {
        return Err(Status::request_entity_too_large(format!("limit is {BYTES_MAX}")));
    };
    *room = left;
    let mut set = Vec::new();
    let spec = pod.child("spec");
    for (list, words) in [("containers", "container"), ("initContainers", "init container")] {
        for container in spec.get_mut(list).and_then(Tree::as_list_mut).into_iter().flatten() {
            let requested = requests.merge(container);
            let limited = limits.merge(container);
            for (names, what) in [(requested, "request"), (limited, "limit")] {
                if !names.is_empty() {
                    let name = container.text("name");
                    set.push(format!("{} {what} for {words} {name}", names.join(", ")));
                }
            }
        }
    }
    if !set.is_empty() {
        let note = format!("LimitRanger plugin set: {}", set.join("; "));
        meta::set_annotation(pod, ANNOTATION, &note);
    }
    Ok(())
}

/// What a range says for the containers, of requests or of limits.
struct Defaults {
    /// The list of a container.
    list: &'static str,
    amounts: Map,
    bytes: usize,
}

fn bytes(name: &str, amount: &Tree) -> usize {
    2 * name.len() + amount.as_str().map_or(0, str::len) + AROUND
}

impl Defaults {
    fn read(range: &Tree, from: &str, list: &'static str) -> Self {
        let mut amounts = Map::new();
        for item in range.at("spec").items("limits") {
            if item.text("type") == "Container" {
                amounts.absorb(item.entries(from).clone(), |known, amount| *known = amount);
            }
        }
        let bytes = amounts.iter().map(|(name, amount)| bytes(name, amount)).sum();
        Self { list, amounts, bytes }
    }

    /// How many bytes a container is to get. Only what it says itself is looked at.
    fn missing_bytes(&self, container: &Tree) -> usize {
        let said = container.at("resources").entries(self.list).keys();
        let said = said.filter_map(|name| Some(bytes(name, self.amounts.get(name)?)));
        self.bytes - said.sum::<usize>()
    }

    /// Adds the amounts that a container does not have; returns their names in order.
    fn merge(&self, container: &mut Tree) -> Vec<&str> {
        let said = container.at("resources").entries(self.list);
        let missing = self.amounts.iter().filter(|(name, _)| !said.contains(name));
        let missing: Vec<(&str, &Tree)> = missing.collect();
        if !missing.is_empty() {
            let own = container.child("resources").child(self.list).make_map();
            let written = missing
                .iter()
                .map(|(name, amount)| (Text::from(*name), (*amount).clone()));
            own.absorb(written, |_, _| {});
        }
        missing.into_iter().map(|(name, _)| name).collect()
    }
}
