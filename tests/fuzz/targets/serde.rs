#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    unspool_tests::loaders::serde(bytes);
});
