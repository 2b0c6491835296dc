//! Names for the operating system's errors. Never the system's own sentences: two of them, in the text of a DEL's
//! error, are taken for success by container runtimes.
use std::io::{Error, ErrorKind};

pub fn name(error: &Error) -> String {
    let errno = match error.raw_os_error() {
        Some(number) => number,
        None if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => libc::ETIMEDOUT,
        None => return error.to_string(),
    };
    let text = match errno {
        libc::ENOENT => "ENOENT",
        libc::EACCES => "EACCES",
        libc::EPERM => "EPERM",
        libc::EEXIST => "EEXIST",
        libc::ENOTDIR => "ENOTDIR",
        libc::EISDIR => "EISDIR",
        libc::ENOSPC => "ENOSPC",
        libc::EDQUOT => "EDQUOT",
        libc::EROFS => "EROFS",
        libc::EIO => "EIO",
        libc::ENAMETOOLONG => "ENAMETOOLONG",
        libc::ELOOP => "ELOOP",
        libc::EMFILE => "EMFILE",
        libc::ECONNREFUSED => "ECONNREFUSED",
        libc::ECONNRESET => "ECONNRESET",
        libc::EPIPE => "EPIPE",
        libc::ENETUNREACH => "ENETUNREACH",
        libc::EHOSTUNREACH => "EHOSTUNREACH",
        libc::ETIMEDOUT | libc::EAGAIN | libc::EINPROGRESS => "ETIMEDOUT",
        number => return format!("errno {number}"),
    };
    text.to_string()
}
