//! How large, how deep and how often repeated the parts of an expression are: Go refuses what is beyond its limits.
//!
//! What was read is kept as Go keeps it while it reads: a stack of parts, in which what is done is one. Of a part only
//! its measures are kept. Go writes alternatives that begin alike in another way; here they are measured as they stand,
//! which makes no difference but within a few steps of a limit.

/// So often may a part be repeated, by all repetitions around it together.
pub(super) const COPIES: u64 = 1000;
/// So many parts may lie within each other.
const HEIGHT: usize = 1000;
/// So many instructions an expression may become: 128 MiB of 40 bytes.
const SIZE: u64 = (128 << 20) / 40;

/// A limit that was met.
#[derive(Clone, Copy)]
pub(super) enum Limit {
    Size,
    Height,
}

/// How often a part may come.
#[derive(Clone, Copy)]
pub(super) enum Times {
    /// `*`
    Any,
    /// `+`
    Some,
    /// `?`
    Once,
    /// `{2,3}`, or `{2,}`
    Counted(u64, Option<u64>),
}

/// What a part is, as far as it matters to what it becomes a part of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// A group that is not closed; whether it is kept apart, and whether large letters were small ones before it.
    Open(bool, bool),
    /// Before this stand alternatives.
    Bar,
    /// So many letters; whether large ones are small ones.
    Letters(u64, bool),
    Class,
    Chain,
    Choice,
    /// A part that comes so often.
    Counted(u64),
    Empty,
    Other,
}

#[derive(Clone, Copy)]
struct Part {
    sort: Sort,
    height: usize,
    size: u64,
    /// Of a chain or a choice, of how many parts it is made.
    parts: u64,
    /// How often a part of it is repeated.
    copies: u64,
}

/// What was read so far.
pub(super) struct Stack {
    parts: Vec<Part>,
    /// How many parts Go holds, and the most it held.
    held: u64,
    most: u64,
    /// Numbers of repetitions multiplied, as often as Go looks at them.
    repeats: u64,
    /// Whether it came so close to the limit that Go measures.
    measures: bool,
}

impl Stack {
    pub(super) const fn new() -> Self {
        Self {
            parts: Vec::new(),
            held: 0,
            most: 0,
            repeats: 1,
            measures: false,
        }
    }

    pub(super) fn letter(&mut self, fold: bool) -> Result<(), Limit> {
        self.make(Sort::Letters(1, fold))
    }

    pub(super) fn letter_in_brackets(&mut self) -> Result<(), Limit> {
        self.hold();
        if self.join() {
            self.held += 1;
            self.parts.push(Part::new(Sort::Letters(1, false)));
            return Ok(());
        }
        self.parts.push(Part::new(Sort::Letters(1, false)));
        self.check()
    }

    pub(super) fn class(&mut self) -> Result<(), Limit> {
        self.make(Sort::Class)
    }

    /// What is between letters.
    pub(super) fn place(&mut self) -> Result<(), Limit> {
        self.make(Sort::Other)
    }

    pub(super) fn open(&mut self, captures: bool, fold: bool) -> Result<(), Limit> {
        self.make(Sort::Open(captures, fold))
    }

    pub(super) fn bar(&mut self) -> Result<(), Limit> {
        self.chain()?;
        if self.swap() {
            return Ok(());
        }
        self.make(Sort::Bar)
    }

    /// Closes a group: whether large letters are small ones behind it; nothing where no group is open.
    pub(super) fn close(&mut self) -> Result<Option<bool>, Limit> {
        self.end()?;
        let (Some(inner), Some(open)) = (self.parts.pop(), self.parts.pop()) else {
            return Ok(None);
        };
        let Sort::Open(captures, fold) = open.sort else {
            return Ok(None);
        };
        let outer = Part {
            sort: Sort::Other,
            height: inner.height + 1,
            size: inner.size + 2,
            ..inner
        };
        self.push(if captures { outer } else { inner })?;
        Ok(Some(fold))
    }

    /// Whether all groups are closed in the end.
    pub(super) fn finish(&mut self) -> Result<bool, Limit> {
        self.end()?;
        Ok(self.parts.len() == 1)
    }

    /// Whether there is something that can be repeated.
    pub(super) fn ends_with_a_part(&self) -> bool {
        self.parts.last().is_some_and(Part::is_whole)
    }

    /// Repeats what stands last; whether that is not too often.
    pub(super) fn repeat(&mut self, times: Times) -> Result<bool, Limit> {
        let Some(part) = self.parts.pop() else {
            return Ok(true);
        };
        self.hold();
        let repeated = part.repeated(times);
        self.parts.push(repeated);
        self.check()?;
        let counts = matches!(times, Times::Counted(least, most) if least.max(most.unwrap_or(0)) >= 2);
        Ok(!counts || repeated.copies <= COPIES)
    }

    fn hold(&mut self) {
        self.held += 1;
        self.most = self.most.max(self.held);
    }

    fn make(&mut self, sort: Sort) -> Result<(), Limit> {
        self.hold();
        self.push(Part::new(sort))
    }

    fn push(&mut self, part: Part) -> Result<(), Limit> {
        self.join();
        self.parts.push(part);
        self.check()
    }

    /// Makes one of the last two parts if both are letters.
    fn join(&mut self) -> bool {
        let [.., before, last] = self.parts.as_mut_slice() else {
            return false;
        };
        let count = match (before.sort, last.sort) {
            (Sort::Letters(first, fold), Sort::Letters(second, same)) if fold == same => first + second,
            _ => return false,
        };
        before.sort = Sort::Letters(count, matches!(last.sort, Sort::Letters(_, true)));
        if !self.measures {
            before.size = count;
        }
        self.parts.pop();
        self.held -= 1;
        true
    }

    /// Checks what was pushed.
    fn check(&mut self) -> Result<(), Limit> {
        let Some(last) = self.parts.last_mut() else {
            return Ok(());
        };
        if let Sort::Letters(count, _) = last.sort {
            last.size = count;
        }
        let Part { sort, size, height, .. } = *last;
        if let Sort::Counted(times) = sort
            && !self.measures
        {
            self.repeats = self.repeats.saturating_mul(times).min(SIZE);
        }
        if !self.measures && self.most >= SIZE / self.repeats {
            self.measures = true;
            if self.parts.iter().any(|part| part.size > SIZE) {
                return Err(Limit::Size);
            }
        }
        if self.measures && size > SIZE {
            return Err(Limit::Size);
        }
        if height > HEIGHT {
            return Err(Limit::Height);
        }
        Ok(())
    }

    /// Makes one of what stands behind the last bar or open group.
    fn chain(&mut self) -> Result<(), Limit> {
        self.join();
        let from = self.behind();
        if from == self.parts.len() {
            return self.make(Sort::Empty);
        }
        let parts = self.parts.split_off(from);
        let one = self.gather(&parts, Sort::Chain, 0);
        self.push(one)
    }

    /// Makes one of what stands within the last open group, or of all.
    fn end(&mut self) -> Result<(), Limit> {
        self.chain()?;
        if self.swap() {
            self.parts.pop();
        }
        let from = self.behind();
        let mut parts = self.parts.split_off(from);
        parts.dedup_by(|next, part| next.sort == Sort::Empty && part.sort == Sort::Empty);
        let one = self.gather(&parts, Sort::Choice, 1);
        self.push(one)
    }

    /// What stands behind the last bar or open group begins here.
    fn behind(&self) -> usize {
        let front = self.parts.iter().rposition(|part| !part.is_whole());
        front.map_or(0, |at| at + 1)
    }

    /// Parts in one; what is of the same sort is taken apart. Between each two there may be more.
    fn gather(&mut self, parts: &[Part], sort: Sort, between: u64) -> Part {
        if let [one] = parts {
            return *one;
        }
        self.hold();
        let mut whole = Part::new(sort);
        (whole.size, whole.parts) = (0, 0);
        for part in parts {
            let mut height = part.height + 1;
            if part.sort == sort {
                self.held -= 1;
                height = part.height;
            }
            whole.height = whole.height.max(height);
            whole.copies = whole.copies.max(part.copies);
            let count = if part.sort == sort { part.parts } else { 1 };
            whole.parts += count;
            whole.size = whole.size.saturating_add(part.size - between * (count - 1));
        }
        whole.size = whole.size.saturating_add(between * (whole.parts - 1));
        whole
    }

    /// Brings the last part before the bar that stands before it, where there is one; letters and classes become one.
    fn swap(&mut self) -> bool {
        match self.parts.as_mut_slice() {
            [.., bar, last] if bar.sort == Sort::Bar => std::mem::swap(bar, last),
            _ => return false,
        }
        if let [.., before, last, _] = self.parts.as_mut_slice()
            && before.is_class()
            && last.is_class()
        {
            *before = Part::new(Sort::Class);
            self.parts.remove(self.parts.len() - 2);
            self.held -= 1;
        }
        true
    }
}

impl Part {
    const fn new(sort: Sort) -> Self {
        Self {
            sort,
            height: 1,
            size: 1,
            parts: 1,
            copies: 1,
        }
    }

    /// Whether it is not only the beginning of one.
    const fn is_whole(&self) -> bool {
        !matches!(self.sort, Sort::Open(..) | Sort::Bar)
    }

    /// Whether it is one letter of some.
    const fn is_class(&self) -> bool {
        matches!(self.sort, Sort::Letters(1, _) | Sort::Class)
    }

    fn repeated(self, times: Times) -> Self {
        let size = match times {
            Times::Any | Times::Counted(0, None) => self.size + 2,
            Times::Some | Times::Once => self.size + 1,
            Times::Counted(least, None) => self.size.saturating_mul(least) + 1,
            Times::Counted(least, Some(most)) => self.size.saturating_mul(most).saturating_add(most - least),
        };
        let copies = match times {
            // Of nothing there may be any number.
            Times::Counted(_, Some(0)) => 1,
            Times::Counted(0, None) | Times::Any | Times::Some | Times::Once => self.copies,
            Times::Counted(least, most) => self.copies.saturating_mul(most.unwrap_or(least)),
        };
        let sort = match times {
            Times::Counted(least, most) => Sort::Counted(most.unwrap_or(least).max(1)),
            _ => Sort::Other,
        };
        Self {
            sort,
            height: self.height + 1,
            size: size.max(1),
            parts: 1,
            copies,
        }
    }
}
