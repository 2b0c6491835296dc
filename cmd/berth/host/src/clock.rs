//! Time: the monotonic clock for stamps and deadlines, the wall clock for log lines.
use std::time::{Duration, SystemTime, UNIX_EPOCH};

fn read(clock: libc::clockid_t) -> libc::timespec {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid timespec; a clock the kernel lacks leaves it zero.
    unsafe { libc::clock_gettime(clock, &mut now) };
    now
}

/// Nanoseconds of the monotonic clock.
pub fn monotonic_ns() -> u64 {
    let now = read(libc::CLOCK_MONOTONIC);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Hundredths of a second since boot, as /proc/self/stat counts a process's start.
pub fn boot_ticks() -> u64 {
    let now = read(libc::CLOCK_BOOTTIME);
    now.tv_sec as u64 * 100 + now.tv_nsec as u64 / 10_000_000
}

pub fn wall_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_millis() as f64)
}

pub fn sleep(milliseconds: f64) {
    std::thread::sleep(Duration::from_millis(milliseconds.max(0.0) as u64));
}
