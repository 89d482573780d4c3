//! The thread that is all cables: it carries frames between nodes and the bridge.
//!
//! What a node sends goes through the schedule before it reaches the bridge; what comes from the bridge has been
//! through it already and is delivered at once.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use parking_lot::Mutex;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

use super::schedule::{Route, Schedule, Traffic, Weather};
use super::tap::Tap;
use crate::seed::Seed;

/// Longer than any frame: the interfaces have the usual 1,500 bytes.
const FRAME_BYTES_MAX: usize = 1 << 16;
/// So many frames are taken from one interface before the next one has its turn.
const TURN: usize = 64;

/// The two ends of a cable.
pub(super) struct Cable {
    /// The node's interface.
    pub(super) inside: Tap,
    /// Its port of the bridge.
    pub(super) outside: Tap,
}

/// All cables; the thread ends when it is dropped.
pub(super) struct Cables {
    schedule: Arc<Mutex<Schedule>>,
    stop: Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl Cables {
    /// Begins to carry frames.
    ///
    /// # Errors
    /// There is no descriptor or no thread left.
    pub(super) fn start(cables: Vec<Cable>, seed: u64) -> io::Result<Self> {
        let random = Seed::new(seed).part("weather", 0).rng();
        let schedule = Arc::new(Mutex::new(Schedule::new(random)));
        let stop = Arc::new(eventfd(0, EventfdFlags::CLOEXEC)?);
        let (shared, stopped) = (Arc::clone(&schedule), Arc::clone(&stop));
        let thread = std::thread::Builder::new()
            .name("cables".to_owned())
            .spawn(move || carry(&cables, &shared, &stopped))?;
        Ok(Self {
            schedule,
            stop,
            thread: Some(thread),
        })
    }

    pub(super) fn set_weather(&self, routes: impl Iterator<Item = Route>, weather: Weather) {
        let mut schedule = self.schedule.lock();
        routes.for_each(|route| schedule.set(route, weather));
    }

    pub(super) fn clear_weather(&self) {
        self.schedule.lock().clear();
    }

    pub(super) fn traffic(&self) -> Traffic {
        self.schedule.lock().traffic
    }
}

impl Drop for Cables {
    fn drop(&mut self) {
        // The counter of an event takes eight bytes; a write that fails means that the thread has the event already.
        let _ = rustix::io::write(&*self.stop, &1_u64.to_ne_bytes());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn carry(cables: &[Cable], schedule: &Mutex<Schedule>, stop: &OwnedFd) {
    let start = Instant::now();
    let mut buffer = vec![0; FRAME_BYTES_MAX];
    loop {
        let pause = schedule.lock().pause(start.elapsed());
        let Some(ready) = wait(cables, stop, pause.and_then(|pause| Timespec::try_from(pause).ok())) else {
            return;
        };
        for (number, cable) in cables.iter().enumerate() {
            if ready[2 * number] {
                for _ in 0..TURN {
                    let Some(frame) = cable.inside.receive(&mut buffer) else {
                        break;
                    };
                    let passes = schedule.lock().offer(start.elapsed(), number, frame);
                    if passes && !cable.outside.send(frame) {
                        schedule.lock().traffic.refused += 1;
                    }
                }
            }
            if ready[2 * number + 1] {
                for _ in 0..TURN {
                    let Some(frame) = cable.outside.receive(&mut buffer) else {
                        break;
                    };
                    if !cable.inside.send(frame) {
                        schedule.lock().traffic.refused += 1;
                    }
                }
            }
        }
        loop {
            let due = schedule.lock().due(start.elapsed());
            let Some((number, frame)) = due else { break };
            if !cables[number].outside.send(&frame) {
                schedule.lock().traffic.refused += 1;
            }
        }
    }
}

/// Waits until something can be read or the time is over: for each cable whether its inside has a frame and whether its
/// outside has. `None`: it is time to end.
fn wait(cables: &[Cable], stop: &OwnedFd, pause: Option<Timespec>) -> Option<Vec<bool>> {
    let ends = cables.iter().flat_map(|cable| [&cable.inside, &cable.outside]);
    let mut events: Vec<PollFd<'_>> = ends
        .map(|end| PollFd::new(end, PollFlags::IN))
        .chain([PollFd::from_borrowed_fd(stop.as_fd(), PollFlags::IN)])
        .collect();
    match poll(&mut events, pause.as_ref()) {
        Ok(_) => {}
        Err(rustix::io::Errno::INTR) => return Some(vec![false; 2 * cables.len()]),
        Err(error) => {
            tracing::error!(%error, "the network between the members has ended");
            return None;
        }
    }
    let ready: Vec<bool> = events.iter().map(|event| !event.revents().is_empty()).collect();
    let (stopped, ready) = ready.split_last()?;
    (!stopped).then(|| ready.to_vec())
}
