//! What stands before nodes and documents: anchors, tags, directives.

use super::scan::Scanner;
use super::token::{Fault, Kind};

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// What may stand in a tag.
const fn is_uri(byte: u8) -> bool {
    is_word(byte)
        || matches!(
            byte,
            b';' | b'/'
                | b'?'
                | b':'
                | b'@'
                | b'&'
                | b'='
                | b'+'
                | b'$'
                | b','
                | b'.'
                | b'!'
                | b'~'
                | b'*'
                | b'\''
                | b'('
                | b')'
                | b'['
                | b']'
        )
}

impl Scanner<'_> {
    fn word(&mut self) -> String {
        let mut word = String::new();
        while is_word(self.byte(0)) {
            self.read(&mut word);
        }
        word
    }

    /// The name behind `&` or `*`.
    pub(super) fn anchor(&mut self) -> Result<String, Fault> {
        let start = self.mark.line;
        self.skip();
        let name = self.word();
        let ends = self.ends_word(0) || matches!(self.byte(0), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if name.is_empty() || !ends {
            let problem = "did not find expected alphabetic or numeric character";
            return Err(self.fault(problem, start));
        }
        Ok(name)
    }

    /// `!<tag>`, `!handle!suffix`, `!suffix` or `!`.
    pub(super) fn tag(&mut self) -> Result<Kind, Fault> {
        let start = self.mark.line;
        let kind = if self.byte(1) == b'<' {
            self.skip();
            self.skip();
            let suffix = self.tag_uri("", start)?;
            if self.byte(0) != b'>' {
                return Err(self.fault("did not find the expected '>'", start));
            }
            self.skip();
            Kind::Tag(String::new(), suffix)
        } else {
            let handle = self.tag_handle(false, start)?;
            if handle.len() > 1 && handle.ends_with('!') {
                let suffix = self.tag_uri("", start)?;
                Kind::Tag(handle, suffix)
            } else {
                // It was no handle but the beginning of the tag.
                match self.tag_uri(&handle, start)? {
                    suffix if suffix.is_empty() => Kind::Tag(suffix, "!".to_owned()),
                    suffix => Kind::Tag("!".to_owned(), suffix),
                }
            }
        };
        if !self.ends_word(0) {
            let problem = "did not find expected whitespace or line break";
            return Err(self.fault(problem, start));
        }
        Ok(kind)
    }

    fn tag_handle(&mut self, directive: bool, start: usize) -> Result<String, Fault> {
        let mut handle = String::new();
        if self.byte(0) != b'!' {
            return Err(self.fault("did not find expected '!'", start));
        }
        self.read(&mut handle);
        handle += &self.word();
        if self.byte(0) == b'!' {
            self.read(&mut handle);
        } else if directive && handle != "!" {
            return Err(self.fault("did not find expected '!'", start));
        }
        Ok(handle)
    }

    /// The rest of a tag whose head was read.
    fn tag_uri(&mut self, head: &str, start: usize) -> Result<String, Fault> {
        let mut bytes = head.as_bytes().get(1..).unwrap_or_default().to_vec();
        let before = self.at;
        loop {
            match self.byte(0) {
                b'%' => {
                    let digit = |byte: u8| char::from(byte).to_digit(16);
                    let (Some(high), Some(low)) = (digit(self.byte(1)), digit(self.byte(2))) else {
                        return Err(self.fault("did not find URI escaped octet", start));
                    };
                    bytes.push((high << 4 | low) as u8);
                    for _ in 0..3 {
                        self.skip();
                    }
                }
                byte if is_uri(byte) => {
                    bytes.push(byte);
                    self.skip();
                }
                _ => break,
            }
        }
        if head.is_empty() && self.at == before {
            return Err(self.fault("did not find expected tag URI", start));
        }
        String::from_utf8(bytes).map_err(|_| self.fault("found an incorrect leading UTF-8 octet", start))
    }

    /// `%YAML 1.1`, `%TAG ! prefix`.
    pub(super) fn directive(&mut self) -> Result<Kind, Fault> {
        let start = self.mark.line;
        self.skip();
        let name = self.word();
        if name.is_empty() {
            return Err(self.fault("could not find expected directive name", start));
        }
        if !self.ends_word(0) {
            return Err(self.fault("found unexpected non-alphabetical character", start));
        }
        self.skip_blanks();
        let kind = match name.as_str() {
            "YAML" => {
                let major = self.version(start)?;
                if self.byte(0) != b'.' {
                    return Err(self.fault("did not find expected digit or '.' character", start));
                }
                self.skip();
                Kind::Version(major, self.version(start)?)
            }
            "TAG" => {
                let handle = self.tag_handle(true, start)?;
                if !self.is_blank() {
                    return Err(self.fault("did not find expected whitespace", start));
                }
                self.skip_blanks();
                let prefix = self.tag_uri("", start)?;
                if !self.ends_word(0) {
                    let problem = "did not find expected whitespace or line break";
                    return Err(self.fault(problem, start));
                }
                Kind::TagDirective(handle, prefix)
            }
            _ => return Err(self.fault("found unknown directive name", start)),
        };
        self.end_line(start)?;
        Ok(kind)
    }

    fn version(&mut self, start: usize) -> Result<u32, Fault> {
        let mut value = 0;
        let mut digits = 0;
        while let digit @ b'0'..=b'9' = self.byte(0) {
            digits += 1;
            if digits > 2 {
                return Err(self.fault("found extremely long version number", start));
            }
            value = value * 10 + u32::from(digit - b'0');
            self.skip();
        }
        if digits == 0 {
            return Err(self.fault("did not find expected version number", start));
        }
        Ok(value)
    }
}
