//! The search for an order of the calls on one register.

use std::collections::{HashMap, HashSet};

/// So many of the calls last placed are told of an order that leads nowhere.
const TOLD: usize = 3;
/// The node before the first and behind the last.
const HEAD: usize = 0;

/// What the register must hold for a call to fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Needs {
    Nothing,
    Is(u32),
    Not(u32),
}

/// One call on the register. Values are numbers, 0 for none; that is what the register holds at first.
#[derive(Clone, Debug)]
pub(super) struct Move {
    /// Its index in the history.
    pub(super) operation: usize,
    pub(super) start: u64,
    /// `None`: it may have taken effect at any time since, or never.
    pub(super) end: Option<u64>,
    pub(super) needs: Needs,
    /// What the register holds afterwards; `None`: the same as before.
    pub(super) sets: Option<u32>,
}

/// What came of a search.
#[derive(Debug)]
pub(super) enum Answer {
    Linearizable,
    Stuck(Stuck),
    GaveUp,
}

/// The longest order that explains some of the calls, by their places in the list of moves.
#[derive(Debug)]
pub(super) struct Stuck {
    /// The calls placed last that changed the register.
    pub(super) last: Vec<usize>,
    /// What it holds then.
    pub(super) state: u32,
    /// The first to end of the calls that do not fit.
    pub(super) blocked: usize,
    /// Other calls that could come next and do not fit, or lead nowhere.
    pub(super) open: Vec<usize>,
}

pub(super) fn search(moves: &[Move], steps: u64) -> Answer {
    Search::new(moves, steps).run()
}

/// A call that was placed.
struct Placed {
    place: usize,
    before: u32,
    /// It changes nothing, so placing it at once is as good as placing it later: other choices need not be tried.
    at_once: bool,
}

/// Starts and ends of the calls that are not placed yet are a list in the order of time: the call of move `n` is node
/// `2n + 1`, its end `2n + 2`. What can be placed next is what starts before the first end.
struct Search<'a> {
    moves: &'a [Move],
    next: Vec<usize>,
    prev: Vec<usize>,
    /// Of a call with an unknown outcome: the one before it that does the same.
    twins: Vec<Option<usize>>,
    /// A bit for every call placed.
    done: Vec<u64>,
    state: u32,
    /// How many answered calls are not placed yet.
    left: usize,
    placed: Vec<Placed>,
    /// What was tried: calls placed and value held.
    seen: HashSet<Box<[u64]>>,
    steps: u64,
    best: Option<(usize, Stuck)>,
}

const fn start_node(place: usize) -> usize {
    2 * place + 1
}

const fn end_node(place: usize) -> usize {
    2 * place + 2
}

/// The move that starts at a node.
const fn started(node: usize) -> Option<usize> {
    if node % 2 == 1 { Some(node / 2) } else { None }
}

/// The move that ends at a node.
const fn ended(node: usize) -> Option<usize> {
    if node.is_multiple_of(2) && node != HEAD {
        Some(node / 2 - 1)
    } else {
        None
    }
}

impl Needs {
    fn holds(self, state: u32) -> bool {
        match self {
            Self::Nothing => true,
            Self::Is(wanted) => state == wanted,
            Self::Not(unwanted) => state != unwanted,
        }
    }
}

impl<'a> Search<'a> {
    fn new(moves: &'a [Move], steps: u64) -> Self {
        let mut nodes: Vec<(u64, bool, usize)> = Vec::with_capacity(2 * moves.len());
        for (place, one) in moves.iter().enumerate() {
            nodes.push((one.start, false, start_node(place)));
            if let Some(end) = one.end {
                nodes.push((end, true, end_node(place)));
            }
        }
        // Of one time: first starts, then ends, so that the calls count as concurrent.
        nodes.sort_unstable();
        let mut next = vec![HEAD; 2 * moves.len() + 1];
        let mut prev = next.clone();
        let mut last = HEAD;
        for (_, _, node) in nodes {
            next[last] = node;
            prev[node] = last;
            last = node;
        }
        prev[HEAD] = last;
        Self {
            moves,
            next,
            prev,
            twins: twins(moves),
            done: vec![0; moves.len().div_ceil(64)],
            state: 0,
            left: moves.iter().filter(|one| one.end.is_some()).count(),
            placed: Vec::new(),
            seen: HashSet::new(),
            steps,
            best: None,
        }
    }

    fn run(mut self) -> Answer {
        self.place_reads();
        let mut node = self.next[HEAD];
        while self.left > 0 {
            let Some(steps) = self.steps.checked_sub(1) else {
                return Answer::GaveUp;
            };
            self.steps = steps;
            if let Some(place) = started(node) {
                if self.try_place(place) {
                    self.place_reads();
                    node = self.next[HEAD];
                } else {
                    node = self.next[node];
                }
                continue;
            }
            self.remember(node);
            match self.take_back() {
                Some(place) => node = self.next[start_node(place)],
                None => return self.best.map_or(Answer::GaveUp, |(_, stuck)| Answer::Stuck(stuck)),
            }
        }
        Answer::Linearizable
    }

    /// Places every call that fits and changes nothing.
    fn place_reads(&mut self) {
        let mut node = self.next[HEAD];
        while let Some(place) = started(node) {
            self.steps = self.steps.saturating_sub(1);
            let one = &self.moves[place];
            if one.sets.is_none() && one.needs.holds(self.state) {
                self.place(place, true);
                // Its end is gone, so more calls may have come into reach.
                node = self.next[HEAD];
            } else {
                node = self.next[node];
            }
        }
    }

    /// Places a call if it fits and leads to something new.
    fn try_place(&mut self, place: usize) -> bool {
        let one = &self.moves[place];
        if !one.needs.holds(self.state) {
            return false;
        }
        if one.end.is_none() {
            // Of two that do the same the first is placed first, and none without effect is placed at all.
            let waits = self.twins[place].is_some_and(|twin| !self.is_done(twin));
            if waits || one.sets.is_none_or(|value| value == self.state) {
                return false;
            }
        }
        self.flip(place);
        let key = self.key(one.sets.unwrap_or(self.state));
        self.flip(place);
        let is_new = self.seen.insert(key);
        if is_new {
            self.place(place, false);
        }
        is_new
    }

    fn place(&mut self, place: usize, at_once: bool) {
        let one = &self.moves[place];
        self.placed.push(Placed {
            place,
            before: self.state,
            at_once,
        });
        self.state = one.sets.unwrap_or(self.state);
        self.flip(place);
        self.unlink(start_node(place));
        if one.end.is_some() {
            self.unlink(end_node(place));
            self.left -= 1;
        }
    }

    /// Takes calls back up to the last one that was chosen among others, and gives it.
    fn take_back(&mut self) -> Option<usize> {
        while let Some(last) = self.placed.pop() {
            if self.moves[last.place].end.is_some() {
                self.relink(end_node(last.place));
                self.left += 1;
            }
            self.relink(start_node(last.place));
            self.flip(last.place);
            self.state = last.before;
            if !last.at_once {
                return Some(last.place);
            }
        }
        None
    }

    fn unlink(&mut self, node: usize) {
        let (before, after) = (self.prev[node], self.next[node]);
        self.next[before] = after;
        self.prev[after] = before;
    }

    fn relink(&mut self, node: usize) {
        let (before, after) = (self.prev[node], self.next[node]);
        self.next[before] = node;
        self.prev[after] = node;
    }

    fn flip(&mut self, place: usize) {
        self.done[place / 64] ^= 1 << (place % 64);
    }

    fn is_done(&self, place: usize) -> bool {
        (self.done[place / 64] >> (place % 64)) & 1 == 1
    }

    /// The calls placed and the value held. Full words at the front and empty ones at the back are left out.
    fn key(&self, state: u32) -> Box<[u64]> {
        let full = self.done.iter().take_while(|word| **word == u64::MAX).count();
        let rest = &self.done[full..];
        let used = rest.iter().rposition(|word| *word != 0).map_or(0, |last| last + 1);
        let mut key = Vec::with_capacity(used + 1);
        key.push((u64::from(state) << 32) | full as u64);
        key.extend_from_slice(&rest[..used]);
        key.into_boxed_slice()
    }

    /// Keeps the longest order so far; nothing fits before the end at this node.
    fn remember(&mut self, node: usize) {
        let Some(blocked) = ended(node) else {
            return;
        };
        let length = self.placed.len();
        if self.best.as_ref().is_some_and(|(best, _)| *best >= length) {
            return;
        }
        let changed = self.placed.iter().rev().map(|one| one.place);
        let mut last: Vec<usize> = changed
            .filter(|place| self.moves[*place].sets.is_some())
            .take(TOLD)
            .collect();
        last.reverse();
        let mut open = Vec::new();
        let mut other = self.next[HEAD];
        while let Some(place) = started(other) {
            if place != blocked {
                open.push(place);
            }
            other = self.next[other];
        }
        let stuck = Stuck {
            last,
            state: self.state,
            blocked,
            open,
        };
        self.best = Some((length, stuck));
    }
}

/// For each call with an unknown outcome the one before it, in the order of their starts, that does the same.
fn twins(moves: &[Move]) -> Vec<Option<usize>> {
    let mut unknown: Vec<usize> = (0..moves.len()).filter(|place| moves[*place].end.is_none()).collect();
    unknown.sort_by_key(|place| moves[*place].start);
    let mut twins = vec![None; moves.len()];
    let mut last: HashMap<(Needs, Option<u32>), usize> = HashMap::new();
    for place in unknown {
        twins[place] = last.insert((moves[place].needs, moves[place].sets), place);
    }
    twins
}
