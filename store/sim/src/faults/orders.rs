//! What an operator asks of a member: leadership moved, an orderly stop, a defragmentation, a flush.

use proto::etcd::{DefragmentRequest, MoveLeaderRequest};
use store_node::Caller;

use super::{Fault, Ground};
use crate::net::Number;

/// Who was asked to leave, and in which life: another fault may end it first.
#[derive(Default)]
pub(crate) struct Orders {
    stopped: Option<(Number, u64)>,
}

impl Fault for Orders {
    fn begin(&mut self, ground: &mut Ground<'_>) -> Option<String> {
        let choice = ground.below(4);
        let number = match choice {
            0 => ground.leader()?,
            _ => ground.victim(),
        };
        let member = ground.nodes[number].member()?;
        let heir = ground.below(ground.nodes.len());
        let heir = ground.nodes[heir].member().map(|member| member.id());
        let node = &mut ground.nodes[number];
        match choice {
            0 => {
                let target_id = heir?;
                node.spawn(async move {
                    // Refused or not, the cluster must stand it.
                    drop(
                        member
                            .move_leader(&Caller::default(), MoveLeaderRequest { target_id })
                            .await,
                    );
                });
                Some(format!("node {number} hands leadership to {target_id:x}"))
            }
            1 => {
                node.stop();
                self.stopped = Some((number, node.lives()));
                Some(format!("node {number} stops in order"))
            }
            2 => {
                node.spawn(async move {
                    drop(member.defragment(&Caller::default(), DefragmentRequest {}).await);
                });
                Some(format!("node {number} defragments"))
            }
            _ => {
                node.spawn(async move {
                    // A failing engine ends the process by itself.
                    drop(member.consensus().snapshot().await);
                });
                Some(format!("node {number} flushes"))
            }
        }
    }

    fn step(&mut self, ground: &mut Ground<'_>) -> bool {
        self.stopped.is_none_or(|(number, life)| {
            let node = &ground.nodes[number];
            node.lives() != life || node.ended().is_some() || !node.runs()
        })
    }

    fn holds(&self) -> Option<Number> {
        self.stopped.map(|(node, _)| node)
    }

    fn end(&mut self, ground: &mut Ground<'_>) {
        if let Some((node, life)) = self.stopped.take()
            && ground.nodes[node].lives() == life
        {
            ground.crash(node, crate::node::Crash::Kill);
            ground.start(node);
        }
    }
}
