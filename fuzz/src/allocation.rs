//! Counts what is allocated, so that a decoder can be held to what its input justifies.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, which counts for each thread.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    /// Bytes that are allocated now, and the most that were since it was last looked at.
    static COUNT: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

fn count(change: isize) {
    // A thread that is ending counts no more.
    let _ = COUNT.try_with(|count| {
        let (now, peak) = count.get();
        let now = now + change;
        count.set((now, peak.max(now)));
    });
}

// SAFETY: every call goes to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both may be there while the bytes are copied.
        count(size.cast_signed());
        count(-layout.size().cast_signed());
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Does the work, and gives the bytes that it had allocated at most at one time.
pub fn peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = COUNT.with(|count| {
        let (now, _) = count.get();
        count.set((now, now));
        now
    });
    let value = work();
    let (_, peak) = COUNT.with(Cell::get);
    (value, usize::try_from(peak - before).unwrap_or(0))
}

/// Does the work, which `input` bytes are given to.
///
/// # Panics
/// If more than `each` bytes for each byte of the input and `fixed` bytes besides were allocated at one time.
pub fn justified<T>(input: usize, each: usize, fixed: usize, work: impl FnOnce() -> T) -> T {
    let (value, peak) = peak(work);
    let most = input.saturating_mul(each).saturating_add(fixed);
    assert!(
        peak <= most,
        "{peak} bytes were allocated for an input of {input}, which justifies {most}"
    );
    value
}

#[test]
fn sees_what_is_allocated_and_freed() {
    let (kept, most) = peak(|| {
        drop(vec![1_u8; 1000]);
        vec![1_u8; 10]
    });
    assert_eq!((kept.len(), most), (10, 1000));
    let refused = std::panic::catch_unwind(|| justified(10, 2, 5, || vec![1_u8; 26]));
    assert!(refused.is_err());
    assert_eq!(justified(10, 2, 5, || vec![1_u8; 25]).len(), 25);
}
