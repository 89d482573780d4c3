//! libFuzzer's way to the target `engine_folder`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = store_fuzz::targets::engine_folder::run(data);
});
