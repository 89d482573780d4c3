//! What becomes of each frame that a node sends: passed on at once, kept for a while, doubled or lost.
//!
//! It knows neither interfaces nor clocks: it is told what time it is, and the same seed, frames and times give the
//! same fates. Only frames between two nodes that have weather between them are touched; frames that are no IPv4 (who
//! has this address?) always pass.

use std::collections::{BTreeMap, HashMap};
use std::net::Ipv4Addr;
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;

/// Who sends to whom.
pub(super) type Route = (Ipv4Addr, Ipv4Addr);

/// What frames meet on their way. The default is fair weather.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Weather {
    /// How long each takes.
    pub(crate) delay: Duration,
    /// How much longer or shorter, at most.
    pub(crate) jitter: Duration,
    /// The share that is lost, 0 to 1.
    pub(crate) loss: f64,
    /// The share that arrives twice.
    pub(crate) duplicate: f64,
    /// The share that is overtaken by what was sent after it. The others keep their order, whatever the jitter.
    pub(crate) reorder: f64,
}

/// How many frames met which fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    /// Were passed on at once.
    pub(crate) passed: u64,
    /// Were lost.
    pub(crate) lost: u64,
    /// Were kept for a while.
    pub(crate) delayed: u64,
    /// Were sent twice.
    pub(crate) duplicated: u64,
    /// Were held back behind others.
    pub(crate) reordered: u64,
    /// Had arrived and were not taken by an interface that was full: a machine that is too busy.
    pub(crate) refused: u64,
}

/// A frame that is held back comes so much later than its delay says.
const HELD_BACK: Duration = Duration::from_millis(10);

/// Frames on their way.
pub(super) struct Schedule {
    random: StdRng,
    weather: HashMap<Route, Weather>,
    /// By the time at which they arrive, then by the order in which they came: where they go, and what they are.
    waiting: BTreeMap<(Duration, u64), (usize, Vec<u8>)>,
    /// When the last frame of a route arrives that keeps its order.
    last: HashMap<Route, Duration>,
    next: u64,
    pub(super) traffic: Traffic,
}

impl Schedule {
    /// Nothing on the way, in fair weather.
    pub(super) fn new(random: StdRng) -> Self {
        Self {
            random,
            weather: HashMap::new(),
            waiting: BTreeMap::new(),
            last: HashMap::new(),
            next: 0,
            traffic: Traffic::default(),
        }
    }

    /// Changes the weather of a route.
    pub(super) fn set(&mut self, route: Route, weather: Weather) {
        if weather == Weather::default() {
            self.weather.remove(&route);
        } else {
            self.weather.insert(route, weather);
        }
    }

    /// Makes the weather fair everywhere.
    pub(super) fn clear(&mut self) {
        self.weather.clear();
    }

    /// A frame comes from a cable. True: it is to be passed on now; otherwise it was kept or is lost.
    pub(super) fn offer(&mut self, now: Duration, cable: usize, frame: &[u8]) -> bool {
        let Some(route) = route(frame) else {
            self.traffic.passed += 1;
            return true;
        };
        let weather = self.weather.get(&route).copied().unwrap_or_default();
        if self.happens(weather.loss) {
            self.traffic.lost += 1;
            return false;
        }
        let mut arrival = now + self.delay(weather);
        if self.happens(weather.reorder) {
            self.traffic.reordered += 1;
            self.keep(arrival + HELD_BACK, cable, frame);
            return false;
        }
        // Nobody overtakes who is not meant to, also when the weather has become better meanwhile.
        match self.last.get(&route) {
            Some(last) if *last > now => arrival = arrival.max(*last),
            _ => {}
        }
        if self.happens(weather.duplicate) {
            self.traffic.duplicated += 1;
            self.keep(arrival, cable, frame);
        }
        if arrival <= now {
            self.last.remove(&route);
            self.traffic.passed += 1;
            return true;
        }
        self.last.insert(route, arrival);
        self.traffic.delayed += 1;
        self.keep(arrival, cable, frame);
        false
    }

    /// The next frame that has arrived by now, and the cable it came from.
    pub(super) fn due(&mut self, now: Duration) -> Option<(usize, Vec<u8>)> {
        let first = self.waiting.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// How long there is nothing to do; `None`: until a frame comes.
    pub(super) fn pause(&self, now: Duration) -> Option<Duration> {
        let ((arrival, _), _) = self.waiting.first_key_value()?;
        Some(arrival.saturating_sub(now))
    }

    fn keep(&mut self, arrival: Duration, cable: usize, frame: &[u8]) {
        self.waiting.insert((arrival, self.next), (cable, frame.to_vec()));
        self.next += 1;
    }

    fn happens(&mut self, share: f64) -> bool {
        share > 0.0 && self.random.random_bool(share.min(1.0))
    }

    fn delay(&mut self, weather: Weather) -> Duration {
        if weather.jitter.is_zero() {
            return weather.delay;
        }
        let longest = weather.delay + weather.jitter;
        longest.saturating_sub(weather.jitter.mul_f64(self.random.random_range(0.0..2.0)))
    }
}

/// Who sends an Ethernet frame to whom, if it carries IPv4.
fn route(frame: &[u8]) -> Option<Route> {
    let address = |at: usize| -> Option<Ipv4Addr> {
        let bytes: [u8; 4] = frame.get(at..at + 4)?.try_into().ok()?;
        Some(bytes.into())
    };
    (frame.get(12..14)? == [0x08, 0x00]).then_some(())?;
    Some((address(26)?, address(30)?))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    const A: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);
    const B: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 2);

    fn frame(from: Ipv4Addr, to: Ipv4Addr, body: u8) -> Vec<u8> {
        let mut frame = vec![0; 34];
        frame[12] = 0x08;
        frame[26..30].copy_from_slice(&from.octets());
        frame[30..34].copy_from_slice(&to.octets());
        frame.push(body);
        frame
    }

    fn schedule(weather: Weather) -> Schedule {
        let mut schedule = Schedule::new(StdRng::seed_from_u64(7));
        schedule.set((A, B), weather);
        schedule
    }

    const fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    /// The bodies of all frames that have arrived by then.
    fn arrived(schedule: &mut Schedule, now: Duration) -> Vec<u8> {
        std::iter::from_fn(|| schedule.due(now))
            .map(|(_, frame)| frame[34])
            .collect()
    }

    #[test]
    fn fair_weather_and_other_routes_pass() {
        let mut schedule = schedule(Weather {
            loss: 1.0,
            ..Weather::default()
        });
        assert!(schedule.offer(ms(0), 1, &frame(B, A, 1)));
        assert!(schedule.offer(ms(0), 0, &[0; 60]), "no IPv4");
        assert!(schedule.offer(ms(0), 0, &[]), "no frame at all");
        assert!(!schedule.offer(ms(0), 0, &frame(A, B, 2)));
        schedule.clear();
        assert!(schedule.offer(ms(0), 0, &frame(A, B, 3)));
        assert_eq!((schedule.traffic.passed, schedule.traffic.lost), (4, 1));
    }

    #[test]
    fn a_delayed_frame_comes_when_its_time_has_come() {
        let mut schedule = schedule(Weather {
            delay: ms(50),
            ..Weather::default()
        });
        assert_eq!(schedule.pause(ms(0)), None);
        assert!(!schedule.offer(ms(0), 3, &frame(A, B, 1)));
        assert!(!schedule.offer(ms(10), 3, &frame(A, B, 2)));
        assert_eq!(schedule.pause(ms(20)), Some(ms(30)));
        assert_eq!(schedule.due(ms(49)), None);
        assert_eq!(schedule.due(ms(50)), Some((3, frame(A, B, 1))));
        assert_eq!(arrived(&mut schedule, ms(100)), [2]);
        assert_eq!(schedule.traffic.delayed, 2);
    }

    #[test]
    fn jitter_keeps_the_order_and_its_bounds() {
        let mut schedule = schedule(Weather {
            delay: ms(20),
            jitter: ms(15),
            ..Weather::default()
        });
        for body in 0..200 {
            assert!(!schedule.offer(ms(0), 0, &frame(A, B, body)));
        }
        assert_eq!(schedule.pause(ms(4)).map(|pause| pause > Duration::ZERO), Some(true));
        assert_eq!(arrived(&mut schedule, ms(35)), (0..200).collect::<Vec<u8>>());
    }

    #[test]
    fn who_comes_in_better_weather_does_not_overtake() {
        let mut schedule = schedule(Weather {
            delay: ms(50),
            ..Weather::default()
        });
        schedule.offer(ms(0), 0, &frame(A, B, 1));
        schedule.clear();
        assert!(!schedule.offer(ms(10), 0, &frame(A, B, 2)));
        assert_eq!(arrived(&mut schedule, ms(50)), [1, 2]);
        assert!(schedule.offer(ms(51), 0, &frame(A, B, 3)));
    }

    #[test]
    fn some_are_lost_doubled_and_overtaken() {
        let mut schedule = schedule(Weather {
            delay: ms(1),
            loss: 0.3,
            duplicate: 0.2,
            reorder: 0.2,
            ..Weather::default()
        });
        let mut seen = Vec::new();
        for step in 0..100 {
            schedule.offer(ms(2 * step), 0, &frame(A, B, step as u8));
            seen.extend(arrived(&mut schedule, ms(2 * step + 1)));
        }
        seen.extend(arrived(&mut schedule, ms(1000)));
        let traffic = schedule.traffic;
        assert!((15..45).contains(&traffic.lost), "{traffic:?}");
        assert!((5..30).contains(&traffic.duplicated), "{traffic:?}");
        assert!((5..30).contains(&traffic.reordered), "{traffic:?}");
        assert_eq!(seen.len() as u64, 100 - traffic.lost + traffic.duplicated);
        assert!(!seen.is_sorted(), "nobody was overtaken: {seen:?}");
    }

    #[test]
    fn a_seed_repeats_itself() {
        let run = || {
            let mut schedule = schedule(Weather {
                loss: 0.5,
                jitter: ms(5),
                ..Weather::default()
            });
            for body in 0..50 {
                schedule.offer(ms(u64::from(body)), 0, &frame(A, B, body));
            }
            (arrived(&mut schedule, ms(1000)), schedule.traffic)
        };
        assert_eq!(run(), run());
    }
}
