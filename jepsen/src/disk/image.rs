//! The bytes of a file, in pages that images share until one of them changes.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes in a page.
pub(super) const PAGE: u64 = 4096;
const PAGE_BYTES: usize = PAGE as usize;

/// The bytes of a file at one time. Pages that are not there are zeros. Copies cost a pointer a page.
#[derive(Clone, Debug, Default)]
pub(super) struct Image {
    pages: BTreeMap<u64, Arc<[u8; PAGE_BYTES]>>,
    bytes: u64,
}

impl Image {
    /// Its length.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How much room its pages take.
    pub(super) fn room(&self) -> u64 {
        self.pages.len() as u64 * PAGE
    }

    /// How much more room they would take if these bytes were written.
    pub(super) fn room_for(&self, offset: u64, length: u64) -> u64 {
        let Some(last) = (offset + length).checked_sub(1).filter(|_| length > 0) else {
            return 0;
        };
        let (first, last) = (offset / PAGE, last / PAGE);
        let there = self.pages.range(first..=last).count() as u64;
        (last - first + 1 - there) * PAGE
    }

    /// Up to so many bytes; fewer at the end.
    pub(super) fn read(&self, offset: u64, length: usize) -> Vec<u8> {
        let end = self.bytes.min(offset.saturating_add(length as u64));
        let mut data = vec![0; end.saturating_sub(offset) as usize];
        if data.is_empty() {
            return data;
        }
        for (number, page) in self.pages.range(offset / PAGE..=(end - 1) / PAGE) {
            let start = number * PAGE;
            let (from, to) = (offset.max(start), end.min(start + PAGE));
            let part = &page[(from - start) as usize..(to - start) as usize];
            data[(from - offset) as usize..(to - offset) as usize].copy_from_slice(part);
        }
        data
    }

    /// Writes bytes, and makes it longer if they reach beyond its end.
    pub(super) fn write(&mut self, offset: u64, data: &[u8]) {
        self.bytes = self.bytes.max(offset + data.len() as u64);
        let (mut at, mut rest) = (offset, data);
        while !rest.is_empty() {
            let within = (at % PAGE) as usize;
            let (now, later) = rest.split_at(rest.len().min(PAGE_BYTES - within));
            let page = self.pages.entry(at / PAGE).or_insert_with(|| Arc::new([0; PAGE_BYTES]));
            Arc::make_mut(page)[within..within + now.len()].copy_from_slice(now);
            at += now.len() as u64;
            rest = later;
        }
    }

    /// Cuts it off, or adds zeros.
    pub(super) fn resize(&mut self, bytes: u64) {
        if bytes < self.bytes {
            self.zero(bytes, self.bytes);
            drop(self.pages.split_off(&bytes.div_ceil(PAGE)));
        }
        self.bytes = bytes;
    }

    /// Makes these bytes zeros, without making it longer.
    pub(super) fn zero(&mut self, from: u64, to: u64) {
        let to = to.min(self.bytes);
        if from >= to {
            return;
        }
        let whole = from.div_ceil(PAGE)..to / PAGE;
        let mut inside = self.pages.split_off(&whole.start);
        let mut behind = inside.split_off(&whole.end.max(whole.start));
        self.pages.append(&mut behind);
        // The pages at both ends, of which a part stays; what lies beyond the end is zeros already.
        for number in [from / PAGE, to / PAGE] {
            let start = number * PAGE;
            let (from, to) = (from.max(start), to.min(start + PAGE));
            if from < to
                && let Some(page) = self.pages.get_mut(&number)
            {
                Arc::make_mut(page)[(from - start) as usize..(to - start) as usize].fill(0);
            }
        }
    }

    /// Makes the pages with these bytes those of another image; the length stays.
    pub(super) fn share(&mut self, other: &Self, from: u64, to: u64) {
        if from >= to {
            return;
        }
        let numbers = from / PAGE..=(to - 1) / PAGE;
        let gone: Vec<u64> = self
            .pages
            .range(numbers.clone())
            .map(|(number, _)| *number)
            .filter(|number| !other.pages.contains_key(number))
            .collect();
        for number in gone {
            self.pages.remove(&number);
        }
        for (number, page) in other.pages.range(numbers) {
            self.pages.insert(*number, Arc::clone(page));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Write(u64, Vec<u8>),
        Resize(u64),
        Zero(u64, u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        let at = 0..5 * PAGE;
        prop_oneof![
            (at.clone(), prop::collection::vec(1..=255_u8, 0..6000)).prop_map(|(at, data)| Step::Write(at, data)),
            at.clone().prop_map(Step::Resize),
            (at.clone(), at).prop_map(|(from, to)| Step::Zero(from, to)),
        ]
    }

    /// The same on plain bytes.
    fn apply(step: &Step, image: &mut Image, plain: &mut Vec<u8>) {
        match step {
            Step::Write(at, data) => {
                image.write(*at, data);
                let end = *at as usize + data.len();
                plain.resize(plain.len().max(end), 0);
                plain[*at as usize..end].copy_from_slice(data);
            }
            Step::Resize(bytes) => {
                image.resize(*bytes);
                plain.resize(*bytes as usize, 0);
            }
            Step::Zero(from, to) => {
                image.zero(*from, *to);
                let to = plain.len().min(*to as usize);
                if (*from as usize) < to {
                    plain[*from as usize..to].fill(0);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn an_image_is_its_bytes(
            steps in prop::collection::vec(step(), 1..20),
            at in 0..6 * PAGE,
            length in 0..9000_usize,
        ) {
            let (mut image, mut plain) = (Image::default(), Vec::new());
            for step in &steps {
                let older = image.clone();
                let before = plain.clone();
                apply(step, &mut image, &mut plain);
                prop_assert_eq!(older.read(0, usize::MAX / 2), before, "a copy changes with its origin");
            }
            prop_assert_eq!(image.bytes(), plain.len() as u64);
            prop_assert_eq!(image.read(0, plain.len() + 10), plain.clone());
            let from = plain.len().min(at as usize);
            let to = plain.len().min(from + length);
            if from == at as usize {
                prop_assert_eq!(image.read(at, length), plain[from..to].to_vec());
            }
            let before = image.room();
            let more = image.room_for(at, length as u64);
            image.write(at, &vec![1; length]);
            prop_assert_eq!(image.room(), before + more);
        }
    }

    #[test]
    fn shared_pages_are_the_others() {
        let (mut one, mut other) = (Image::default(), Image::default());
        one.write(0, &[1; 3 * PAGE_BYTES]);
        other.write(0, &[2; 100]);
        other.resize(3 * PAGE);
        one.share(&other, 10, PAGE + 1);
        assert_eq!(one.read(99, 2), [2, 0]);
        assert_eq!(one.read(PAGE, 1), [0], "a page that the other has not");
        assert_eq!(one.read(2 * PAGE, 1), [1], "a page that was not asked for");
    }
}
