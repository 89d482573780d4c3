//! libFuzzer's way to the target `consensus`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = store_fuzz::targets::consensus::run(data);
});
