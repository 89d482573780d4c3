//! A page that passes in pieces: its text goes on as it is, the tags that begin an element as they are rewritten.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use html5gum::{Emitter, Error as Mistake, Reader, State, Tokenizer};
use parking_lot::Mutex;

use super::links::Links;
use super::tag;

/// What a page may make this server hold at once, as by a tag that does not end.
pub(super) const HELD_MAX: usize = 1024 * 1024;

/// What comments begin with, and declarations.
const DECLARATION: &str = "<!";
/// What may follow, which the tokenizer wants whole.
const DECLARED: &[&str] = &["--", "doctype", "[CDATA["];

/// A page on its way.
pub(super) struct Page {
    tokenizer: Tokenizer<Feed, Cutter>,
    held: Arc<Mutex<Held>>,
}

impl Page {
    pub(super) fn new(links: Links) -> Self {
        let held = Arc::<Mutex<Held>>::default();
        let feed = Feed {
            held: held.clone(),
            piece: Vec::new(),
            letters: 0,
        };
        let cutter = Cutter {
            held: held.clone(),
            links,
            is_end: false,
            name: Vec::new(),
            begun: Vec::new(),
        };
        Self {
            tokenizer: Tokenizer::new_with_emitter(feed, cutter),
            held,
        }
    }

    /// What can be sent of all that was given; perhaps nothing.
    ///
    /// # Errors
    /// A tag does not end.
    pub(super) fn pass(&mut self, piece: &[u8]) -> io::Result<Bytes> {
        self.held.lock().bytes.extend_from_slice(piece);
        self.read()?;
        let mut held = self.held.lock();
        let kept = held.kept_from();
        held.give(kept);
        if held.bytes.len() > HELD_MAX {
            return Err(too_long());
        }
        Ok(held.out.split().freeze())
    }

    /// The rest. A tag that did not end is no part of a page.
    ///
    /// # Errors
    /// A tag does not end.
    pub(super) fn end(mut self) -> io::Result<Bytes> {
        self.held.lock().ended = true;
        self.read()?;
        let mut held = self.held.lock();
        let rest = held.tag.unwrap_or(held.bytes.len());
        held.give(rest);
        Ok(held.out.split().freeze())
    }

    fn read(&mut self) -> io::Result<()> {
        match self.tokenizer.next() {
            None | Some(Err(Stop::More)) => Ok(()),
            Some(Err(Stop::TooLong)) => Err(too_long()),
            Some(Ok(never)) => match never {},
        }
    }
}

fn too_long() -> io::Error {
    io::Error::other("a tag of the page is too long")
}

/// What was given and not yet sent.
#[derive(Default)]
struct Held {
    bytes: BytesMut,
    /// How many of the bytes were read.
    read: usize,
    /// Where in the bytes the tag begins that is being read.
    tag: Option<usize>,
    /// No more will be given.
    ended: bool,
    /// What can be sent.
    out: BytesMut,
}

impl Held {
    /// From where on bytes wait for what is yet to come: a tag, or what may become one.
    fn kept_from(&self) -> usize {
        let read = &self.bytes[..self.read];
        let begins = ["<", DECLARATION]
            .into_iter()
            .find(|begin| read.ends_with(begin.as_bytes()));
        self.tag.unwrap_or(self.read - begins.map_or(0, str::len))
    }

    /// Whether what comes next may be the first part of a comment or its like, which is read at once.
    fn may_be_declared(&self) -> bool {
        let (read, rest) = self.bytes.split_at(self.read);
        let is_begun = |word: &&str| {
            let word = word.as_bytes();
            rest.len() < word.len() && rest.eq_ignore_ascii_case(&word[..rest.len()])
        };
        read.ends_with(DECLARATION.as_bytes()) && DECLARED.iter().any(is_begun)
    }

    /// So many bytes can be sent as they are.
    fn give(&mut self, count: usize) {
        let given = self.bytes.split_to(count);
        self.out.extend_from_slice(&given);
        self.read = self.read.saturating_sub(count);
        self.tag = self.tag.map(|at| at - count);
    }
}

/// Why reading does not go on.
#[derive(Debug, thiserror::Error)]
enum Stop {
    /// It does once there is more.
    #[error("there is no more yet")]
    More,
    #[error("a name is too long")]
    TooLong,
}

/// What the tokenizer reads from. It goes on where it stopped: each of its states begins with a byte, and of what is read at once
/// behind such a byte only the begin of a comment or declaration says what is a tag.
struct Feed {
    held: Arc<Mutex<Held>>,
    /// What it was given last.
    piece: Vec<u8>,
    /// So many letters it has read one by one, which are those that it keeps.
    letters: usize,
}

impl Reader for Feed {
    type Error = Stop;

    fn read_byte(&mut self) -> Result<Option<u8>, Stop> {
        let mut held = self.held.lock();
        let Some(byte) = held.bytes.get(held.read).copied() else {
            return if held.ended { Ok(None) } else { Err(Stop::More) };
        };
        if !held.ended && held.may_be_declared() {
            return Err(Stop::More);
        }
        held.read += 1;
        self.letters = if byte.is_ascii_alphabetic() {
            self.letters + 1
        } else {
            0
        };
        if self.letters > HELD_MAX {
            return Err(Stop::TooLong);
        }
        Ok(Some(byte))
    }

    fn try_read_string(&mut self, wanted: &[u8], case_sensitive: bool) -> Result<bool, Stop> {
        let mut held = self.held.lock();
        let Some(found) = held.bytes[held.read..].get(..wanted.len()) else {
            return if held.ended { Ok(false) } else { Err(Stop::More) };
        };
        let is_it = found == wanted || !case_sensitive && found.eq_ignore_ascii_case(wanted);
        if is_it {
            held.read += wanted.len();
        }
        Ok(is_it)
    }

    fn read_until<'b>(&'b mut self, needle: &[u8], _: &'b mut [u8; 4]) -> Result<Option<&'b [u8]>, Stop> {
        let mut held = self.held.lock();
        let left = &held.bytes[held.read..];
        if left.is_empty() {
            return if held.ended { Ok(None) } else { Err(Stop::More) };
        }
        let end = left.iter().position(|byte| needle.contains(byte));
        // What is looked for comes alone.
        let length = end.map_or(left.len(), |end| end.max(1));
        self.piece.clear();
        self.piece.extend_from_slice(&left[..length]);
        held.read += length;
        self.letters = 0;
        Ok(Some(&self.piece))
    }
}

/// Hears of what is read. Of all that, only tags matter.
struct Cutter {
    held: Arc<Mutex<Held>>,
    links: Links,
    /// Whether the tag that is being read ends an element.
    is_end: bool,
    /// The name of that tag.
    name: Vec<u8>,
    /// The element that began last, within which text may stand that is no markup.
    begun: Vec<u8>,
}

impl Emitter for Cutter {
    type Token = Infallible;

    fn init_start_tag(&mut self) {
        (self.is_end, self.name) = (false, Vec::new());
        let mut held = self.held.lock();
        // Its first letter was read, to see that it is a tag.
        held.tag = Some(held.read.saturating_sub(2));
    }

    fn init_end_tag(&mut self) {
        (self.is_end, self.name) = (true, Vec::new());
    }

    fn push_tag_name(&mut self, part: &[u8]) {
        self.name.extend_from_slice(part);
    }

    fn emit_current_tag(&mut self) -> Option<State> {
        let mut held = self.held.lock();
        let Some(begin) = held.tag.take() else {
            self.begun.clear();
            return None;
        };
        held.give(begin);
        let length = held.read;
        let tag = held.bytes.split_to(length);
        held.read = 0;
        held.out.extend_from_slice(&tag::rewritten(&tag, &self.links));
        self.begun = std::mem::take(&mut self.name);
        text_within(&self.begun)
    }

    fn current_is_appropriate_end_tag_token(&mut self) -> bool {
        self.is_end && !self.begun.is_empty() && self.name == self.begun
    }

    fn set_last_start_tag(&mut self, name: Option<&[u8]>) {
        self.begun = name.unwrap_or_default().to_vec();
    }

    fn pop_token(&mut self) -> Option<Infallible> {
        None
    }

    fn should_emit_errors(&mut self) -> bool {
        false
    }

    fn emit_error(&mut self, _: Mistake) {}
    fn emit_eof(&mut self) {}
    fn emit_string(&mut self, _: &[u8]) {}
    fn init_comment(&mut self) {}
    fn push_comment(&mut self, _: &[u8]) {}
    fn emit_current_comment(&mut self) {}
    fn init_doctype(&mut self) {}
    fn push_doctype_name(&mut self, _: &[u8]) {}
    fn set_doctype_public_identifier(&mut self, _: &[u8]) {}
    fn set_doctype_system_identifier(&mut self, _: &[u8]) {}
    fn push_doctype_public_identifier(&mut self, _: &[u8]) {}
    fn push_doctype_system_identifier(&mut self, _: &[u8]) {}
    fn emit_current_doctype(&mut self) {}
    fn set_force_quirks(&mut self) {}
    fn set_self_closing(&mut self) {}
    fn init_attribute(&mut self) {}
    fn push_attribute_name(&mut self, _: &[u8]) {}
    fn push_attribute_value(&mut self, _: &[u8]) {}
}

/// How the text within an element is read whose `<` begin no tags. The elements are those of upstream's library.
fn text_within(name: &[u8]) -> Option<State> {
    match name {
        b"textarea" | b"title" => Some(State::RcData),
        b"iframe" | b"noembed" | b"noframes" | b"noscript" | b"style" | b"xmp" => Some(State::RawText),
        b"script" => Some(State::ScriptData),
        b"plaintext" => Some(State::PlainText),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{HELD_MAX, Links, Page};

    fn page() -> Page {
        let links = Links {
            before: "/p".to_owned(),
            backend: "10.0.0.1".to_owned(),
            client: "api".to_owned(),
        };
        Page::new(links)
    }

    fn passed(text: &str, size: usize) -> String {
        let mut page = page();
        let mut out = Vec::new();
        for piece in text.as_bytes().chunks(size) {
            out.extend_from_slice(&page.pass(piece).unwrap());
        }
        out.extend_from_slice(&page.end().unwrap());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_page_is_the_same_however_it_is_cut() {
        for (text, expected) in [
            ("<a href='/x?a=1&amp;b=&lt;'>", r#"<a href="/p/x?a=1&amp;b=&lt;">"#),
            ("a < b <3 </3> &lt;a href='/x'>", "a < b <3 </3> &lt;a href='/x'>"),
            (
                "<!-- <a href=/x> -->\r\n<!doctype html PUBLIC '>'><a href=/x>",
                "<!-- <a href=/x> -->\r\n<!doctype html PUBLIC '>'><a href=\"/p/x\">",
            ),
            (
                "<!--><a href=/x>--><!---><a href=/x>",
                "<!--><a href=\"/p/x\">--><!---><a href=\"/p/x\">",
            ),
            (
                "<!--a><a href=/x>--><!-a><a href=/x>",
                "<!--a><a href=/x>--><!-a><a href=\"/p/x\">",
            ),
            ("<!--a><a href=/x>", "<!--a><a href=/x>"),
            (
                "<!doctype html><a href=/x><!d><!dO><![C><a href=/x>",
                "<!doctype html><a href=\"/p/x\"><!d><!dO><![C><a href=\"/p/x\">",
            ),
            (
                "<title><a href=/x></TITLE ><A HREF=/x>",
                "<title><a href=/x></TITLE ><a href=\"/p/x\">",
            ),
            (
                "<script>'<a href=/x>'<!--<script></script>--></script><img src=/x>",
                "<script>'<a href=/x>'<!--<script></script>--></script><img src=\"/p/x\">",
            ),
            (
                "<style></styl></style x><img src=/x>",
                "<style></styl></style x><img src=\"/p/x\">",
            ),
            (
                "<plaintext></plaintext><a href=/x>",
                "<plaintext></plaintext><a href=/x>",
            ),
            (
                "<![CDATA[<a href=/x>]]><a href=/x>",
                "<![CDATA[<a href=/x>]]><a href=\"/p/x\">",
            ),
            ("<p title='>'><a\nhref\n=\n/x>", "<p title=\"&gt;\"><a href=\"/p/x\">"),
            ("ü<a href=/ü>", "ü<a href=\"/p/ü\">"),
        ] {
            for size in 1..=text.len() {
                let expected = expected.to_owned();
                assert_eq!(passed(text, size), expected, "in pieces of {size}");
            }
        }
    }

    #[test]
    fn what_ends_within_a_tag_ends_before_it() {
        for (text, expected) in [
            ("a<", "a<"),
            ("a<b", "a"),
            ("a<a href='/x>", "a"),
            ("a<!--", "a<!--"),
            ("a</", "a</"),
            ("a&am", "a&am"),
        ] {
            assert_eq!(passed(text, 1), expected);
        }
    }

    #[test]
    fn text_is_sent_at_once_and_tags_once_they_end() {
        let mut page = page();
        assert_eq!(page.pass(b"text <").unwrap(), "text ");
        assert_eq!(page.pass(b"a href='/x'").unwrap(), "");
        assert_eq!(page.pass(b">more").unwrap(), "<a href=\"/p/x\">more");
        assert_eq!(page.pass(b"<!-").unwrap(), "");
        assert_eq!(page.pass(b"- long").unwrap(), "<!-- long");
    }

    #[test]
    fn nothing_is_held_for_ever() {
        for begin in ["<a href='", "<", "<a ", "<title></", "<script><!--<", "&", "<a href='&"] {
            let mut page = page();
            page.pass(begin.as_bytes()).unwrap();
            let piece = [b'x'; 4096];
            let outcome = (0..=HELD_MAX / piece.len()).try_for_each(|_| page.pass(&piece).map(drop));
            assert!(outcome.is_err(), "{begin}");
        }
        let mut page = page();
        let piece = "<!-- -- <a href=/x ".repeat(100);
        for _ in 0..=2 * HELD_MAX / piece.len() {
            page.pass(piece.as_bytes()).unwrap();
            assert!(page.held.lock().bytes.capacity() < 64 * 1024);
        }
    }
}
