//! libFuzzer's way to the target `gateway_json`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = store_fuzz::targets::gateway_json::run(data);
});
