//! libFuzzer's way to the target `peer_port`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = store_fuzz::targets::peer_port::run(data);
});
