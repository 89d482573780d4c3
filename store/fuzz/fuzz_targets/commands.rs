//! libFuzzer's way to the target `commands`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = store_fuzz::targets::commands::run(data);
});
