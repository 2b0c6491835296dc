//! Standard input, output and error.
use crate::failure;
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

static OUTPUT_WAS_CLOSED: AtomicBool = AtomicBool::new(false);
static PRINTED: AtomicBool = AtomicBool::new(false);

/// Runs before Rust's own start-up, which would put /dev/null in the place of a closed descriptor and make every
/// print a success that nobody reads.
extern "C" fn look_at_output() {
    // SAFETY: F_GETFD only asks.
    OUTPUT_WAS_CLOSED.store(unsafe { libc::fcntl(1, libc::F_GETFD) } < 0, Ordering::Relaxed);
}
#[used]
#[link_section = ".init_array"]
static LOOK_AT_OUTPUT: extern "C" fn() = look_at_output;

pub fn has_printed() -> bool {
    PRINTED.load(Ordering::Relaxed)
}

/// True when every byte was taken; SIGPIPE is ignored by Rust's start-up, so a reader that has gone is `false`.
pub fn print(text: String) -> bool {
    PRINTED.store(true, Ordering::Relaxed);
    let mut output = io::stdout().lock();
    !OUTPUT_WAS_CLOSED.load(Ordering::Relaxed) && output.write_all(text.as_bytes()).and_then(|()| output.flush()).is_ok()
}

pub fn complain(text: String) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// ["", text] once the other side has closed it, or [why not, ""].
pub fn read_stdin(limit: f64, milliseconds: f64) -> Vec<String> {
    let end = Instant::now() + Duration::from_millis(milliseconds as u64);
    let mut bytes = Vec::new();
    let mut chunk = [0u8; 16384];
    let failed = |why: &str| vec![why.to_string(), String::new()];
    loop {
        let mut waiting = libc::pollfd { fd: 0, events: libc::POLLIN, revents: 0 };
        let left = end.saturating_duration_since(Instant::now()).as_millis() as libc::c_int;
        // SAFETY: one valid pollfd.
        match unsafe { libc::poll(&mut waiting, 1, left) } {
            0 => return failed("ETIMEDOUT"),
            -1 if io::Error::last_os_error().kind() != io::ErrorKind::Interrupted => {
                return failed(&failure::name(&io::Error::last_os_error()))
            }
            -1 => continue,
            _ => {}
        }
        match io::stdin().lock().read(&mut chunk) {
            Ok(0) => return vec![String::new(), String::from_utf8_lossy(&bytes).into_owned()],
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return failed(&failure::name(&error)),
        }
        if bytes.len() as f64 > limit {
            return failed("EFBIG");
        }
    }
}
