//! Players at work: each in a task of its own, at its pace, until they are told to stop.

use std::time::Duration;

use base::task::{Handle, Tasks};
use rand::Rng;
use rand::rngs::StdRng;
use tokio::time::Instant;

use crate::client::Client;
use crate::seed::Seed;
use crate::workload::{Pace, Player};

/// A player and the client that it plays.
pub(super) struct Actor {
    pub(super) player: Box<dyn Player>,
    pub(super) client: Client,
}

/// Actors at work.
pub(super) struct Load {
    tasks: Tasks,
    handles: Vec<Handle<Actor>>,
}

impl Load {
    /// Sets actors to work; those at the run's rate take a step every `interval` on average.
    pub(super) fn start(actors: Vec<Actor>, interval: Duration, seed: Seed, tasks: &Tasks) -> Self {
        let tasks = tasks.child();
        let handles = actors
            .into_iter()
            .enumerate()
            .map(|(number, actor)| {
                let rng = seed.part("pace", number as u64).rng();
                tasks.spawn_value("jepsen-actor", work(actor, interval, rng, tasks.clone()))
            })
            .collect();
        Self { tasks, handles }
    }

    /// Tells all to stop after the step that they are at, and waits for it.
    ///
    /// # Errors
    /// A player panicked.
    pub(super) async fn stop(self) -> anyhow::Result<Vec<Actor>> {
        self.tasks.cancel();
        let mut actors = Vec::with_capacity(self.handles.len());
        for handle in self.handles {
            let actor = handle.await;
            actors.push(actor.ok_or_else(|| anyhow::anyhow!("a client panicked"))?);
        }
        Ok(actors)
    }
}

async fn work(mut actor: Actor, interval: Duration, mut rng: StdRng, tasks: Tasks) -> Actor {
    let stop = tasks.token();
    let mut due = Instant::now();
    while !stop.is_cancelled() {
        if actor.player.pace() == Pace::Rate {
            // Not in step with the others, and without making up for what was missed: a burst after each fault would
            // hide what happens there.
            due = Instant::now().max(due + interval.mul_f64(rng.random_range(0.5..1.5)));
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep_until(due) => {}
            }
        }
        actor.player.step(&mut actor.client).await;
    }
    actor
}

/// Lets all give back what they hold, at the same time; what the store failed to do.
///
/// # Errors
/// A player panicked.
pub(super) async fn leave(actors: Vec<Actor>, through: i64, tasks: &Tasks) -> anyhow::Result<Vec<String>> {
    let handles: Vec<Handle<Result<(), String>>> = actors
        .into_iter()
        .map(|mut actor| {
            tasks.spawn_value("jepsen-leave", async move {
                actor.player.leave(&mut actor.client, through).await
            })
        })
        .collect();
    let mut failures = Vec::new();
    for handle in handles {
        let left = handle.await;
        failures.extend(
            left.ok_or_else(|| anyhow::anyhow!("a client panicked as it left"))?
                .err(),
        );
    }
    Ok(failures)
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::client::Route;
    use crate::client::testing::deserted;

    struct Counter {
        steps: tokio::sync::mpsc::UnboundedSender<i64>,
    }

    #[async_trait]
    impl Player for Counter {
        async fn step(&mut self, _: &mut Client) {
            self.steps.send(0).unwrap();
        }

        async fn leave(&mut self, _: &mut Client, through: i64) -> Result<(), String> {
            self.steps.send(through).unwrap();
            Err(format!("{through} is too far"))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn actors_keep_the_rate_until_they_stop_and_leave() {
        let (place, _lines) = deserted(1, 4);
        let (steps, mut seen) = tokio::sync::mpsc::unbounded_channel();
        let actor = |number| Actor {
            player: Box::new(Counter { steps: steps.clone() }),
            client: Client::new(&place, number, Route::Roaming, Seed::new(1)),
        };
        let tasks = Tasks::new();
        let load = Load::start(
            vec![actor(0), actor(1)],
            Duration::from_millis(10),
            Seed::new(1),
            &tasks,
        );
        tokio::time::sleep(Duration::from_secs(1)).await;
        let actors = load.stop().await.unwrap();
        assert_eq!(actors.len(), 2);
        let mut count = 0;
        while seen.try_recv().is_ok() {
            count += 1;
        }
        assert!((180..=220).contains(&count), "{count}");
        let failures = leave(actors, 7, &tasks).await.unwrap();
        assert_eq!(failures, ["7 is too far", "7 is too far"]);
        assert_eq!((seen.recv().await, seen.recv().await), (Some(7), Some(7)));
    }
}
