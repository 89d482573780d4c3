//! The system's randomness, which a simulation takes over: hash tables, runtimes and timers draw from it where no code
//! of ours can hand them a source.
//!
//! The standard library and the crate `getrandom` both ask the C library's `getrandom`, and say that it may be replaced;
//! this is the replacement. A thread that called [`seed`] gets the same bytes each time, any other thread the system's.

use std::cell::Cell;
use std::ffi::{c_uint, c_void};

thread_local! {
    static STATE: Cell<Option<u64>> = const { Cell::new(None) };
}

/// From now on this thread draws from `seed`. Call it before the thread makes its first hash table.
pub fn seed(seed: u64) {
    STATE.with(|state| state.set(Some(seed)));
}

/// One step of `SplitMix64`, whose every state gives a different value.
fn next(state: u64) -> (u64, u64) {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (state, mixed ^ (mixed >> 31))
}

/// Fills `buffer`: as the C library's function of this name, but for threads with a seed.
///
/// # Safety
/// As the C library's: `buffer` has room for `length` bytes.
#[expect(unsafe_code, reason = "a function of the C library is replaced")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getrandom(buffer: *mut c_void, length: usize, flags: c_uint) -> isize {
    // A thread that ends may ask after its own state is gone.
    let seeded = STATE.try_with(Cell::get).ok().flatten();
    let Some(mut state) = seeded else {
        // SAFETY: the arguments are the caller's, who promised what the system call asks for.
        return unsafe { libc::syscall(libc::SYS_getrandom, buffer, length, flags) as isize };
    };
    // SAFETY: the caller promised room for `length` bytes, and nobody else uses them during the call.
    let bytes = unsafe { std::slice::from_raw_parts_mut(buffer.cast::<u8>(), length) };
    for chunk in bytes.chunks_mut(8) {
        let value;
        (state, value) = next(state);
        chunk.copy_from_slice(&value.to_le_bytes()[..chunk.len()]);
    }
    STATE.with(|place| place.set(Some(state)));
    length as isize
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, RandomState};

    use super::*;

    fn draws(number: u64) -> (u64, u64) {
        std::thread::spawn(move || {
            seed(number);
            (RandomState::new().hash_one(1), rand::random())
        })
        .join()
        .unwrap()
    }

    #[test]
    fn a_seed_decides_what_libraries_draw() {
        assert_eq!(draws(7), draws(7));
        let (one, other) = (draws(7), draws(8));
        assert_ne!(one.0, other.0);
        assert_ne!(one.1, other.1);
    }
}
