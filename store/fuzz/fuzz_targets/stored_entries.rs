//! libFuzzer's way to the target `stored_entries`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = store_fuzz::targets::stored_entries::run(data);
});
