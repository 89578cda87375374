//! The files that the fuzz targets began with and have found, through the same functions: none makes a loader panic, break a
//! promise, or take much memory. One test: the memory is counted for the whole process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use unspool_tests::loaders::LOADERS;

/// Counts the bytes that are in use.
struct Counting;

static USED: AtomicUsize = AtomicUsize::new(0);
/// The most that were in use at once.
static MOST: AtomicUsize = AtomicUsize::new(0);
/// The most that a file of a few thousand bytes may need, some of which unpack to a million.
const LIMIT: usize = 16 << 20;

// SAFETY: hands every call on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let used = USED.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(used, Ordering::Relaxed);
        // SAFETY: the caller's promise is the one that the system's allocator needs.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        USED.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as in `alloc`, where the memory came from.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn every_file_of_the_corpus_is_loaded_or_refused() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    for (name, loader) in LOADERS {
        assert!(fuzz.join("targets").join(name).with_extension("rs").is_file(), "{name} has no fuzz target");
        let (mut loaded, mut refused) = (0, 0);
        for file in fs::read_dir(fuzz.join("corpus").join(name)).unwrap() {
            let path = file.unwrap().path();
            println!("{}", path.display()); // seen if it fails
            let bytes = fs::read(&path).unwrap();
            let used = USED.load(Ordering::Relaxed);
            MOST.store(used, Ordering::Relaxed);
            match loader(&bytes) {
                true => loaded += 1,
                false => refused += 1,
            }
            let taken = MOST.load(Ordering::Relaxed) - used;
            assert!(taken < LIMIT, "{} takes {taken} bytes", path.display());
        }
        assert!(loaded >= 4 && refused >= 4, "{name}: {loaded} files load, {refused} do not");
    }
}
