//! libFuzzer's way to the target `restore`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = store_fuzz::targets::restore::run(data);
});
