//! Files, one system call or two each. What failed comes back as its name ("ENOSPC"), success as "".
use crate::failure;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read, Result, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};

fn outcome(result: Result<()>) -> String {
    result.map_or_else(|error| failure::name(&error), |()| String::new())
}

/// ["", text] or [what failed, ""]; never more than `limit` bytes.
pub fn read_file(path: String, limit: f64) -> Vec<String> {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(limit as u64).read_to_end(&mut bytes)) {
        Ok(_) => vec![String::new(), String::from_utf8_lossy(&bytes).into_owned()],
        Err(error) => vec![failure::name(&error), String::new()],
    }
}

/// Makes a file that was not there, mode 0600, and returns when its content is on the disk.
pub fn create_file(path: String, text: String) -> String {
    outcome((|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    })())
}

pub fn append_file(path: String, text: String) -> String {
    outcome((|| {
        let options = OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path);
        options?.write_all(text.as_bytes())
    })())
}

/// Renames within one directory and returns when the directory is on the disk.
pub fn rename_file(from: String, to: String, directory: String) -> String {
    outcome((|| {
        fs::rename(from, to)?;
        File::open(directory)?.sync_all()
    })())
}

pub fn remove_file(path: String) -> String {
    outcome(fs::remove_file(path))
}

pub fn make_directory(path: String) -> String {
    outcome(DirBuilder::new().recursive(true).mode(0o700).create(path))
}

/// ["", name, name, …] or [what failed].
pub fn list_directory(path: String) -> Vec<String> {
    match fs::read_dir(path) {
        Err(error) => vec![failure::name(&error)],
        Ok(entries) => {
            std::iter::once(String::new()).chain(entries.flatten().filter_map(|entry| entry.file_name().into_string().ok())).collect()
        }
    }
}

/// [what failed, "device:inode", size in bytes]
pub fn inspect_file(path: String) -> Vec<String> {
    match fs::metadata(path) {
        Ok(found) => vec![String::new(), format!("{}:{}", found.dev(), found.ino()), found.len().to_string()],
        Err(error) => vec![failure::name(&error), String::new(), String::new()],
    }
}
