//! Text that is written part by part as JSON looks, on one line or with each part on its own.

use apiserver_api::tree::{Tree, quoted};

/// What is written so far.
pub(super) struct Page {
    text: String,
    /// How far in the next line begins; on one line there is none.
    depth: Option<usize>,
    /// Whether nothing stands behind the last opening bracket yet.
    fresh: bool,
    /// From so many bytes on lists and maps end early.
    most: usize,
}

impl Page {
    pub(super) const fn on_one_line(most: usize) -> Self {
        Self {
            text: String::new(),
            depth: None,
            fresh: true,
            most,
        }
    }

    pub(super) fn on_many_lines() -> Self {
        Self {
            depth: Some(0),
            ..Self::on_one_line(usize::MAX)
        }
    }

    pub(super) fn text(self) -> String {
        self.text
    }

    pub(super) fn leaf(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub(super) fn null(&mut self) {
        self.leaf("null");
    }

    pub(super) fn json(&mut self, leaf: &Tree) {
        self.leaf(&String::from_utf8_lossy(&leaf.to_json()));
    }

    fn begin_line(&mut self) {
        if let Some(depth) = self.depth {
            self.text.push('\n');
            self.text.extend(std::iter::repeat_n(' ', depth));
        }
    }

    fn next(&mut self) {
        if !self.fresh {
            self.text.push(',');
        }
        self.fresh = false;
        self.begin_line();
    }

    fn within(&mut self, brackets: [char; 2], write: impl FnOnce(&mut Self)) {
        self.text.push(brackets[0]);
        self.depth = self.depth.map(|depth| depth + 1);
        self.fresh = true;
        write(self);
        self.depth = self.depth.map(|depth| depth - 1);
        if !self.fresh {
            self.begin_line();
        }
        self.fresh = false;
        self.text.push(brackets[1]);
    }

    /// What is written with [`Page::field`].
    pub(super) fn map(&mut self, write: impl FnOnce(&mut Self)) {
        self.within(['{', '}'], write);
    }

    /// The name of what is written next.
    pub(super) fn field(&mut self, name: &str) -> &mut Self {
        self.next();
        let mut bytes = Vec::new();
        quoted(name, &mut bytes);
        self.leaf(&String::from_utf8_lossy(&bytes));
        self.leaf(if self.depth.is_some() { ": " } else { ":" });
        self
    }

    /// Whether the page is full; then `...` says that something is missing.
    fn ends(&mut self) -> bool {
        let full = self.text.len() >= self.most;
        if full {
            self.next();
            self.leaf("...");
        }
        full
    }

    /// Items of which each is written by `write`.
    pub(super) fn list<T>(&mut self, items: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut Self, T)) {
        self.within(['[', ']'], |page| {
            for item in items {
                if page.ends() {
                    break;
                }
                page.next();
                write(page, item);
            }
        });
    }

    /// Entries of which each is written by `write`.
    pub(super) fn entries<'t, T>(
        &mut self,
        entries: impl IntoIterator<Item = (&'t str, T)>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        self.map(|page| {
            for (name, value) in entries {
                if page.ends() {
                    break;
                }
                write(page.field(name), value);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::Page;

    fn write(page: &mut Page) {
        page.map(|page| {
            page.field("A").list([1, 2], |page, item| page.leaf(&item.to_string()));
            page.field("B").list([0; 0], |_, _| {});
            page.field("C").map(|page| page.field("D").null());
        });
    }

    #[test]
    fn parts_stand_on_one_line_or_on_many() {
        let mut page = Page::on_one_line(100);
        write(&mut page);
        assert_eq!(page.text(), r#"{"A":[1,2],"B":[],"C":{"D":null}}"#);
        let mut page = Page::on_many_lines();
        write(&mut page);
        assert_eq!(
            page.text(),
            "{\n \"A\": [\n  1,\n  2\n ],\n \"B\": [],\n \"C\": {\n  \"D\": null\n }\n}"
        );
    }

    #[test]
    fn a_full_page_says_that_something_is_missing() {
        let mut page = Page::on_one_line(8);
        page.map(|page| {
            page.field("A")
                .list(1.., |page, item: i32| page.leaf(&item.to_string()));
        });
        assert_eq!(page.text(), r#"{"A":[1,2,...]}"#);
        let mut page = Page::on_one_line(4);
        page.entries([("a", 1), ("b", 2)], |page, item| page.leaf(&item.to_string()));
        assert_eq!(page.text(), r#"{"a":1,...}"#);
    }
}
