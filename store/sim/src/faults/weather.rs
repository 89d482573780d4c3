//! Links that are slow, lose packets and deliver votes twice.

use rand::Rng;

use super::{Fault, Ground};
use crate::net::{Number, Weather};

/// Bad weather on some links.
#[derive(Default)]
pub(crate) struct Storm {
    links: Vec<(Number, Number)>,
}

impl Fault for Storm {
    fn begin(&mut self, ground: &mut Ground<'_>) -> Option<String> {
        let all = ground.nodes.len();
        let everywhere: bool = ground.random.random();
        let pairs = (0..all)
            .flat_map(|a| (0..all).map(move |b| (a, b)))
            .filter(|(a, b)| a != b);
        let pairs: Vec<_> = pairs
            .filter(|_| everywhere || ground.random.random_ratio(1, 3))
            .collect();
        let least = ground.random.random_range(500..60_000);
        let storm = Weather {
            cut: false,
            loss: ground.random.random_range(0..300),
            delay: (least, least + ground.random.random_range(1_000..150_000)),
            twice: ground.random.random_range(0..300),
        };
        for (from, to) in &pairs {
            ground.net.set_weather(*from, *to, |weather| {
                *weather = Weather {
                    cut: weather.cut,
                    ..storm
                };
            });
        }
        self.links = pairs;
        (!self.links.is_empty()).then(|| format!("{} links, {storm:?}", self.links.len()))
    }

    fn end(&mut self, ground: &mut Ground<'_>) {
        for (from, to) in self.links.drain(..) {
            ground.net.set_weather(from, to, |weather| {
                *weather = Weather {
                    cut: weather.cut,
                    ..Weather::default()
                };
            });
        }
    }
}
