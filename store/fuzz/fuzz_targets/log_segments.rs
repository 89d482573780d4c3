//! libFuzzer's way to the target `log_segments`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = store_fuzz::targets::log_segments::run(data);
});
