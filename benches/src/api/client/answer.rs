//! What is kept of an answer: its first bytes, how long it is, and how many objects it holds.

use std::borrow::Cow;
use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use http::{StatusCode, header, response};
use serde::Deserialize;

use super::Stamps;
use crate::rpc::Fault;

/// So many first bytes are kept: enough for the metadata of a list, or for a small object.
const HEAD_BYTES: usize = 8 << 10;
/// So many bytes of a compressed answer are read; the metadata of a list are shorter.
const FIRST_BYTES: u64 = 2 << 10;
/// Longer messages of errors are cut.
const MESSAGE_BYTES: usize = 200;

/// An answer; one is used for many requests.
#[derive(Default)]
pub(crate) struct Answer {
    /// Its first bytes.
    pub(crate) head: Vec<u8>,
    /// Its length as it came over the wire.
    pub(crate) bytes: u64,
    /// Whether it was compressed.
    pub(crate) compressed: bool,
    /// Objects of this program in it, if they are counted.
    pub(crate) objects: u64,
    counter: Option<Stamps>,
}

/// The fields of an error that are told.
#[derive(Default, Deserialize)]
struct Status {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
}

impl Answer {
    /// Whether the objects of answers are counted from now on.
    pub(crate) fn count_objects(&mut self, wanted: bool) {
        self.counter = wanted.then(Stamps::default);
    }

    /// Its first bytes as they were before they were compressed.
    pub(crate) fn first(&self) -> Cow<'_, [u8]> {
        if !self.compressed {
            return Cow::Borrowed(&self.head);
        }
        let mut first = Vec::new();
        // The rest of the answer is not there, which ends the reading with an error.
        let _ = MultiGzDecoder::new(self.head.as_slice())
            .take(FIRST_BYTES)
            .read_to_end(&mut first);
        Cow::Owned(first)
    }

    /// Forgets the last answer.
    pub(super) fn clear(&mut self) {
        self.head.clear();
        self.bytes = 0;
        self.objects = 0;
        self.compressed = false;
        if self.counter.is_some() {
            self.counter = Some(Stamps::default());
        }
    }

    /// The head has come.
    pub(super) fn begin(&mut self, head: &response::Parts) {
        self.compressed = head.headers.contains_key(header::CONTENT_ENCODING);
    }

    /// More of the body has come.
    pub(super) fn feed(&mut self, piece: &[u8]) {
        let room = HEAD_BYTES - self.head.len();
        self.head.extend_from_slice(&piece[..piece.len().min(room)]);
        self.bytes += piece.len() as u64;
        if let Some(counter) = &mut self.counter {
            let objects = &mut self.objects;
            counter.feed(piece, |_| *objects += 1);
        }
    }

    /// The error that the answer is, if it is one.
    ///
    /// # Errors
    /// [`Fault::Status`] with the code of HTTP and the server's reason and message, in which digits are left out, so that
    /// errors of the same kind are counted together.
    pub(super) fn fault(&self, code: StatusCode) -> Result<(), Fault> {
        if code.is_success() {
            return Ok(());
        }
        let status: Status = serde_json::from_slice(&self.head).unwrap_or_default();
        let message = if status.message.is_empty() {
            String::from_utf8_lossy(&self.head).into_owned()
        } else {
            format!("{}: {}", status.reason, status.message)
        };
        Err(Fault::Status {
            code: u32::from(code.as_u16()),
            message: without_digits(&message),
        })
    }
}

/// Runs of digits become one `#`, and what is long is cut.
fn without_digits(message: &str) -> String {
    let mut text = String::new();
    for letter in message.trim().chars() {
        if text.len() > MESSAGE_BYTES {
            text.push_str("...");
            break;
        }
        if !letter.is_ascii_digit() {
            text.push(letter);
        } else if !text.ends_with('#') {
            text.push('#');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use rand::{Rng, SeedableRng};

    use super::*;

    fn fed(pieces: &[&str]) -> Answer {
        let mut answer = Answer::default();
        answer.count_objects(true);
        answer.clear();
        for piece in pieces {
            answer.feed(piece.as_bytes());
        }
        answer
    }

    #[test]
    fn objects_are_counted_and_the_head_is_kept() {
        let object = format!(r#""keelson-bench-due":"{}","#, "0".repeat(24));
        let long = " ".repeat(HEAD_BYTES);
        let mut answer = fed(&["{", &object, &long, &object[..30], &object[30..]]);
        assert_eq!(answer.objects, 2);
        assert_eq!(answer.head.len(), HEAD_BYTES);
        assert_eq!(answer.bytes as usize, 1 + 2 * object.len() + long.len());
        answer.clear();
        answer.feed(object.as_bytes());
        assert_eq!((answer.objects, answer.bytes as usize), (1, object.len()));
    }

    #[test]
    fn the_first_bytes_of_a_compressed_answer_can_be_read() {
        let mut random = rand::rngs::StdRng::seed_from_u64(1);
        let noise: String = std::iter::repeat_with(|| char::from(random.sample(rand::distr::Alphanumeric)))
            .take(4 * HEAD_BYTES)
            .collect();
        let list = format!(r#"{{"metadata":{{"continue":"abc"}},"items":["{noise}"]}}"#);
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(list.as_bytes()).unwrap();
        let mut answer = Answer::default();
        answer.feed(&encoder.finish().unwrap());
        assert!(answer.head.len() as u64 >= FIRST_BYTES && answer.bytes > HEAD_BYTES as u64);
        assert_eq!(crate::api::client::text(&answer.first(), "continue"), None);
        answer.compressed = true;
        assert_eq!(crate::api::client::text(&answer.first(), "continue"), Some("abc"));
    }

    #[test]
    fn errors_of_the_same_kind_have_the_same_text() {
        let status =
            r#"{"kind":"Status","message":"pods \"p-0012\" already exists","reason":"AlreadyExists","code":409}"#;
        let fault = fed(&[status]).fault(StatusCode::CONFLICT).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "AlreadyExists: pods \"p-#\" already exists (code 409)"
        );
        let plain = fed(&["Too many requests, please try again later.\n"]);
        let fault = plain.fault(StatusCode::TOO_MANY_REQUESTS).unwrap_err();
        assert!(fault.to_string().starts_with("Too many requests"), "{fault}");
        assert!(plain.fault(StatusCode::CREATED).is_ok());
        assert!(without_digits(&"x".repeat(1000)).len() < 2 * MESSAGE_BYTES);
    }
}
