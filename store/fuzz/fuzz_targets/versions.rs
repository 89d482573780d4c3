//! libFuzzer's way to the target `versions`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = store_fuzz::targets::versions::run(data);
});
