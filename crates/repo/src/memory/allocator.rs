//! Tells the C library's allocator to give large buffers back.
#![expect(unsafe_code, reason = "the allocator is set up by a call into the C library")]

/// Buffers from this size on are mapped one by one and unmapped when they are freed.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MAP_FROM: libc::c_int = 1 << 20;

/// So much may stay free at the end of each of the allocator's heaps. The default of 128 KiB gives
/// the buffer of one read back and maps it anew for the next: restoring the bench's disk took 740
/// thousand page faults and 2.6 s of system time so, half of the faults and 1.7 s with this.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEEP_FREE: libc::c_int = 4 << 20;

/// Lets freed buffers go back to the system at once, so that the shares of a
/// [`super::MemoryBudget`] are what the process really holds. To be called once, before sessions
/// run.
///
/// glibc raises the size from which it maps buffers up to 32 MiB as soon as large ones are freed;
/// from then on packs and chunks lie in heaps that fragment. Twelve backups and restores under one
/// share of 248 MiB peaked at 539 MiB of anonymous memory so, and at 130 MiB with this call.
pub fn return_large_buffers() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `mallopt` takes two integers and changes a setting of the allocator under its own
    // lock; it may be called at any time from any thread.
    let _are_set = unsafe {
        (
            libc::mallopt(libc::M_MMAP_THRESHOLD, MAP_FROM),
            libc::mallopt(libc::M_TRIM_THRESHOLD, KEEP_FREE),
        )
    };
}
