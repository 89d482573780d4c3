//! A bad network: frames are lost, late, doubled and overtaken.

use std::time::Duration;

use async_trait::async_trait;
use rand::Rng;

use super::chance::Chance;
use super::target::Target;
use super::{Nemesis, Seen, Started};
use crate::cluster::Cluster;
use crate::net::{Traffic, Weather, shapes};

/// What is bad about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bad {
    Loss,
    Delay,
    Reorder,
}

/// A bad network, between all members or around some of them.
pub(super) struct Storminess {
    bad: Bad,
    before: Traffic,
}

impl Storminess {
    pub(super) fn new(bad: Bad) -> Self {
        Self {
            bad,
            before: Traffic::default(),
        }
    }
}

/// Bad, but so that a leader can be elected now and then: its heartbeats come each 100 ms, and are missed after 1 s.
fn weather(bad: Bad, random: &mut impl Rng) -> Weather {
    let mut ms = |from: u64, to: u64| Duration::from_millis(random.random_range(from..=to));
    match bad {
        Bad::Loss => Weather {
            loss: random.random_range(0.05..0.3),
            ..Weather::default()
        },
        Bad::Delay => {
            let delay = ms(10, 80);
            let jitter = delay.mul_f64(0.8);
            Weather {
                delay,
                jitter,
                ..Weather::default()
            }
        }
        Bad::Reorder => Weather {
            delay: ms(1, 10),
            duplicate: random.random_range(0.01..0.1),
            reorder: random.random_range(0.05..0.3),
            ..Weather::default()
        },
    }
}

fn describe(weather: Weather) -> String {
    let mut words = Vec::new();
    if !weather.delay.is_zero() {
        words.push(format!("{:?} late, {:?} more or less", weather.delay, weather.jitter));
    }
    for (share, what) in [
        (weather.loss, "lost"),
        (weather.duplicate, "twice"),
        (weather.reorder, "overtaken"),
    ] {
        if share > 0.0 {
            words.push(format!("{:.0}% {what}", share * 100.0));
        }
    }
    words.join(", ")
}

#[async_trait]
impl Nemesis for Storminess {
    async fn start(&mut self, cluster: &Cluster, random: &mut Chance) -> anyhow::Result<Started> {
        let target = Target::among(&[Target::All, Target::One, Target::Leader, Target::Minority], random);
        let nodes = target.nodes(cluster, random).await;
        let weather = weather(self.bad, random);
        let mut pairs = shapes::all(&cluster.nodes());
        pairs.retain(|(from, to)| nodes.contains(from) || nodes.contains(to));
        if pairs.is_empty() {
            return Ok(Started::Skipped("there is no network of one".to_owned()));
        }
        self.before = cluster.net().traffic();
        cluster.net().set_weather(&pairs, weather);
        Ok(Started::Installed(format!(
            "around {}: {}",
            cluster.names(&nodes),
            describe(weather)
        )))
    }

    async fn observe(&mut self, cluster: &Cluster) -> Seen {
        let (before, now) = (self.before, cluster.net().traffic());
        let lost = now.lost - before.lost;
        let delayed = now.delayed - before.delayed;
        let reordered = now.reordered - before.reordered;
        let doubled = now.duplicated - before.duplicated;
        let passed = now.passed - before.passed;
        let refused = now.refused - before.refused;
        Seen {
            seen: match self.bad {
                Bad::Loss => lost > 0,
                Bad::Delay => delayed > 0,
                Bad::Reorder => reordered > 0,
            },
            evidence: format!(
                "of the frames {lost} were lost, {delayed} late, {reordered} overtaken, {doubled} doubled, {passed} \
                 passed at once, {refused} found an interface full"
            ),
        }
    }

    async fn stop(&mut self, cluster: &Cluster) -> anyhow::Result<()> {
        cluster.net().clear_weather();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn each_kind_of_bad_weather_is_bad_in_its_way() {
        let mut random = StdRng::seed_from_u64(1);
        for _ in 0..50 {
            let loss = weather(Bad::Loss, &mut random);
            assert!(loss.loss > 0.0 && loss.delay.is_zero(), "{loss:?}");
            let delay = weather(Bad::Delay, &mut random);
            assert!(delay.delay > delay.jitter && !delay.jitter.is_zero(), "{delay:?}");
            let reorder = weather(Bad::Reorder, &mut random);
            assert!(reorder.reorder > 0.0 && reorder.duplicate > 0.0, "{reorder:?}");
        }
    }

    #[test]
    fn the_weather_is_told_in_words() {
        let weather = Weather {
            loss: 0.25,
            ..Weather::default()
        };
        assert_eq!(describe(weather), "25% lost");
    }
}
