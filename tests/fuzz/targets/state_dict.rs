#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use unspool_fuzz::mutate;

fuzz_target!(|bytes: &[u8]| {
    unspool_tests::loaders::state_dict(bytes);
});
fuzz_mutator!(|bytes: &mut [u8], size: usize, room: usize, seed: u32| { mutate(bytes, size, room, seed) });
