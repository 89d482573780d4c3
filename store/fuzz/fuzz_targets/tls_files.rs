//! libFuzzer's way to the target `tls_files`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = store_fuzz::targets::tls_files::run(data);
});
