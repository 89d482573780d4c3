//! A network interface whose frames are read and written by this program.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;

/// An interface; it is there for as long as this is.
pub(super) struct Tap(File);

impl Tap {
    /// Makes an interface of this name in the network of the calling thread.
    ///
    /// # Errors
    /// The kernel has no `/dev/net/tun`, refuses, or has one of that name.
    pub(super) fn open(name: &str) -> io::Result<Self> {
        let device = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
            .open("/dev/net/tun")?;
        attach(&device, name)?;
        Ok(Self(device))
    }

    /// The next frame that was sent to the interface; `None`: there is none now.
    pub(super) fn receive<'a>(&self, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
        // Apart from "nothing there" only an interface that is down says no, and then there are no frames either.
        let length = (&self.0).read(buffer).ok()?;
        buffer.get(..length)
    }

    /// Lets the interface receive a frame; false: it cannot take more just now, or is down.
    pub(super) fn send(&self, frame: &[u8]) -> bool {
        (&self.0).write(frame).is_ok_and(|sent| sent == frame.len())
    }
}

impl AsFd for Tap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[expect(unsafe_code, reason = "nothing safe makes a TAP of a descriptor")]
fn attach(device: &File, name: &str) -> io::Result<()> {
    let mut ifr_name = [0; libc::IFNAMSIZ];
    // The last byte stays zero: a name that is too long is cut, and then the kernel does not know it.
    for (to, from) in ifr_name[..libc::IFNAMSIZ - 1].iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    let mut request = libc::ifreq {
        ifr_name,
        ifr_ifru: libc::__c_anonymous_ifr_ifru {
            ifru_flags: (libc::IFF_TAP | libc::IFF_NO_PI) as libc::c_short,
        },
    };
    // SAFETY: the descriptor is open while `device` is borrowed, and the kernel reads and writes one `ifreq`, which
    // lives until after the call.
    let answer = unsafe { libc::ioctl(device.as_raw_fd(), libc::TUNSETIFF, &raw mut request) };
    if answer < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
