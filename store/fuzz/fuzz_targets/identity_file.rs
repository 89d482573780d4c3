//! libFuzzer's way to the target `identity_file`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = store_fuzz::targets::identity_file::run(data);
});
