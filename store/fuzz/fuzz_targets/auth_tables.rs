//! libFuzzer's way to the target `auth_tables`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = store_fuzz::targets::auth_tables::run(data);
});
