//! libFuzzer's way to the target `tokens`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = store_fuzz::targets::tokens::run(data);
});
