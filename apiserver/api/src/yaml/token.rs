//! What YAML's scanner gives to its parser.

/// A token and the line that it begins on, counted from 0.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) line: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    StreamEnd,
    /// `%YAML`, with its numbers.
    Version(u32, u32),
    /// `%TAG`, with a handle and what it stands for.
    TagDirective(String, String),
    DocumentStart,
    DocumentEnd,
    /// A list by indentation begins; nothing in the text says so.
    BlockSequenceStart,
    /// A map by indentation begins; nothing in the text says so.
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(String),
    Anchor(String),
    /// A handle, which may be empty, and what follows it.
    Tag(String, String),
    Scalar {
        text: String,
        /// Neither in quotes nor a block.
        plain: bool,
    },
}

/// What is wrong, and the lines that Go tells of, counted from 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    pub(super) problem: &'static str,
    /// Where it was found.
    pub(super) line: usize,
    /// Where what is wrong began.
    pub(super) context: usize,
    /// Whether the scanner found it, not the parser.
    pub(super) scanner: bool,
}
