//! Every panic of the process, also those that a task keeps to itself; each place is printed once.

use std::collections::BTreeSet;
use std::panic;
use std::sync::Once;

use parking_lot::Mutex;

/// Panics since they were last taken.
static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());
static PLACES: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Hears every panic from now on.
pub(crate) fn listen() {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let place = info.location().map_or_else(String::new, ToString::to_string);
            let payload = info.payload();
            let text = payload.downcast_ref::<&str>().copied();
            let why = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
            let why = why.unwrap_or("no text");
            HEARD.lock().push(format!("{place}: {why}"));
            if PLACES.lock().insert(place) {
                before(info);
            }
        }));
    });
}

/// The panics since this was asked last, each with its place.
pub(crate) fn take() -> Vec<String> {
    std::mem::take(&mut HEARD.lock())
}

#[test]
fn a_panic_of_a_thread_is_heard() {
    let _one = crate::ONE.lock();
    listen();
    assert!(std::thread::spawn(|| panic!("as it should")).join().is_err());
    let heard = take();
    assert!(heard.len() == 1 && heard[0].ends_with(": as it should"), "{heard:?}");
}
