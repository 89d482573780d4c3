//! libFuzzer's way to the target `client_port`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = store_fuzz::targets::client_port::run(data);
});
