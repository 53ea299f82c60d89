//! Names in a folder that outlast the machine.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

use rustix::io::Errno;

/// Puts the names in a folder on the disk: a file that was made or renamed is found after a crash of the machine only then.
///
/// Nothing happens where folders cannot be put on the disk by themselves, as under WasmEdge 0.17 and on some file systems of
/// networks; their own ways have to do.
///
/// # Errors
/// If the folder cannot be opened, or the disk fails.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(test)]
    SYNCED.with_borrow_mut(|synced| synced.push(folder.to_owned()));
    let is_here = folder.as_os_str().is_empty();
    let folder = File::open(if is_here { Path::new(".") } else { folder })?;
    match folder.sync_all() {
        Err(error) if !is_possible(&error) => Ok(()),
        synced => synced,
    }
}

/// Finds out whether files can be made in a folder, and leaves none: `false` if it is not there and can be made.
///
/// # Errors
/// If the folder, or the one that it is to be made in, takes no files.
pub fn try_folder(folder: &Path) -> io::Result<bool> {
    let mut there = folder;
    let is_there = loop {
        let here = if there.as_os_str().is_empty() {
            Path::new(".")
        } else {
            there
        };
        match std::fs::metadata(here) {
            Ok(found) if !found.is_dir() => return Err(ErrorKind::NotADirectory.into()),
            Ok(_) => break here,
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Err(error) => there = there.parent().ok_or(error)?,
        }
    };
    let name = format!(".wlf-check-{:016x}", fastrand::u64(..));
    let probe = is_there.join(name);
    File::create_new(&probe)?;
    std::fs::remove_file(&probe)?;
    Ok(is_there == folder)
}

/// Whether a folder can be put on the disk where that ended in this error.
///
/// WasmEdge 0.14 does it, and 0.17 answers EBADF. Linux: "EROFS, EINVAL: fd is bound to a special file which does not support
/// synchronization", <https://man7.org/linux/man-pages/man2/fsync.2.html>.
fn is_possible(error: &io::Error) -> bool {
    !matches!(
        Errno::from_io_error(error),
        Some(Errno::BADF | Errno::INVAL | Errno::NOTSUP)
    )
}

#[cfg(test)]
thread_local! {
    /// The folders that were put on the disk by this thread.
    pub static SYNCED: std::cell::RefCell<Vec<std::path::PathBuf>> =
        const { std::cell::RefCell::new(Vec::new()) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_synced_and_one_that_is_not_there_is_an_error() {
        let place = tempfile::tempdir().expect("a directory");
        for folder in [place.path(), Path::new("."), Path::new("")] {
            sync_folder(folder).expect("synced");
        }
        let error = sync_folder(&place.path().join("none")).expect_err("no folder");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_folder_is_tried_and_left_as_it_was() {
        let place = tempfile::tempdir().expect("a directory");
        let at = |name: &str| place.path().join(name);
        assert!(try_folder(place.path()).expect("writable"));
        assert!(!try_folder(&at("a/b")).expect("can be made"));
        std::fs::write(at("file"), "").expect("written");
        let error = try_folder(&at("file/b")).expect_err("no folder");
        assert_eq!(error.kind(), io::ErrorKind::NotADirectory);
        let names = std::fs::read_dir(place.path()).expect("a directory");
        assert_eq!(names.count(), 1);
    }

    #[test]
    fn only_what_cannot_be_done_is_no_error() {
        for (errno, possible) in [
            (Errno::BADF, false),
            (Errno::INVAL, false),
            (Errno::NOTSUP, false),
            (Errno::IO, true),
            (Errno::NOSPC, true),
            (Errno::DQUOT, true),
        ] {
            assert_eq!(is_possible(&errno.into()), possible, "{errno}");
        }
    }
}
