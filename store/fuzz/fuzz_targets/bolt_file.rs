//! libFuzzer's way to the target `bolt_file`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = store_fuzz::targets::bolt_file::run(data);
});
