//! Returns freed memory to the system, where the allocator is glibc's.
//!
//! glibc keeps freed memory: after a burst of uploads, hundreds of megabytes. Other allocators
//! return it themselves.

use std::sync::OnceLock;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// How long freed memory stays. Under load it is soon used again, and each returned page costs a
/// page fault.
const DELAY: Duration = Duration::from_secs(2);

static CALLS: OnceLock<SyncSender<()>> = OnceLock::new();

/// Lets this process return freed memory within seconds after a request or a connection. Call it
/// once, at the start.
pub fn return_freed_memory() {
    return_large_buffers_at_once();
    let (sender, calls) = sync_channel(1);
    if CALLS.set(sender).is_ok() {
        thread::spawn(move || {
            while calls.recv().is_ok() {
                thread::sleep(DELAY);
                return_memory();
            }
        });
    }
}

/// Returns the memory that is free two seconds from now. More calls until then change nothing.
pub(crate) fn return_memory_soon() {
    if let Some(calls) = CALLS.get() {
        // Full: a call is waiting.
        let _ = calls.try_send(());
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "calls of the C library")]
fn return_large_buffers_at_once() {
    /// Left to itself, glibc raises this to 32 MB.
    const LARGE: libc::c_int = 1 << 20;
    /// The bytes that each arena may keep at its end. glibc's 128 KiB would be returned and fetched
    /// again with every body.
    const KEPT: libc::c_int = 2 << 20;
    // SAFETY: mallopt changes only settings of the allocator, under its lock.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "a call of the C library")]
fn return_memory() {
    // SAFETY: malloc_trim takes no pointer, and locks each arena while it returns its free pages.
    unsafe { libc::malloc_trim(0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn return_large_buffers_at_once() {}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn return_memory() {}
