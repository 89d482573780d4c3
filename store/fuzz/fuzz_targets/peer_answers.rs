//! libFuzzer's way to the target `peer_answers`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = store_fuzz::targets::peer_answers::run(data);
});
