//! SPDY/3.1 as far as kubelets speak it: streams in a connection that was taken over, without priorities, pushes or windows.
//!
//! Start reading at [`Writer`] and [`Reader`].

mod reader;
mod writer;

#[cfg(test)]
mod tests;

pub(super) use self::reader::{Frame, Reader};
pub(super) use self::writer::{REFUSED, Writer};

/// As requests name it that switch to it.
pub(super) const SPDY: &str = "SPDY/3.1";

/// The first half-word of control frames: the control bit, and version 3.
const CONTROL: u16 = 0x8003;
const SYN_STREAM: u16 = 1;
const SYN_REPLY: u16 = 2;
const RST_STREAM: u16 = 3;
const PING: u16 = 6;
const GO_AWAY: u16 = 7;
const HEADERS: u16 = 8;
/// The sender says no more in the stream.
const FIN: u8 = 1;
/// Lengths have three bytes.
const LENGTH_MAX: usize = 0xff_ffff;
