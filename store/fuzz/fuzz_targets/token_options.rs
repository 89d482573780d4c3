//! libFuzzer's way to the target `token_options`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = store_fuzz::targets::token_options::run(data);
});
