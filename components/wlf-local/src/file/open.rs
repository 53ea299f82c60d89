//! Files that are open.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use rustix::fs::Stat;
use wlf_core::Fault;
use wlf_core::store::sync_folder;

use crate::lines::{Lines, fault};

/// Files that are open at a time; the one that was not written to for the longest time is closed for another.
const OPEN: usize = 64;

/// How much is read at once in search of a line's end, in bytes.
const READ: u64 = 64 << 10;

/// Files that are open, by their paths.
#[derive(Debug, Default)]
pub struct OpenFiles {
    files: HashMap<String, OpenFile>,
    uses: u64,
}

/// A file to which lines are appended.
#[derive(Debug)]
pub struct OpenFile {
    path: String,
    file: File,
    /// Whether it can be cut and has to be put on the disk; pipes and devices cannot.
    regular: bool,
    /// Tells which file was used last.
    used: u64,
    /// Where it ended before what a write has begun with.
    begun: Option<u64>,
}

impl OpenFiles {
    /// The file that has this path now; it is opened if it is not. One that was moved away or removed is closed, unless a
    /// write has begun in it.
    ///
    /// # Errors
    /// Also if the path is longer than the file system allows.
    pub fn file(&mut self, path: &str) -> io::Result<&mut OpenFile> {
        self.uses += 1;
        if let Some(file) = self.files.get(path)
            && file.begun.is_none()
            && !file.has_its_path()
        {
            tracing::info!(path, "the file was moved away or removed; it begins anew");
            self.files.remove(path);
        }
        if !self.files.contains_key(path) {
            if self.files.len() >= OPEN {
                let oldest = self.files.iter().min_by_key(|(_, file)| file.used);
                if let Some(oldest) = oldest.map(|(path, _)| path.clone()) {
                    self.files.remove(&oldest);
                }
            }
            let file = OpenFile::open(path)?;
            self.files.insert(path.to_owned(), file);
        }
        let file = self.files.get_mut(path).ok_or(ErrorKind::NotFound)?;
        file.used = self.uses;
        Ok(file)
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.files.len()
    }
}

impl OpenFile {
    /// Opens or creates a file and cuts off a torn last line.
    fn open(path: &str) -> io::Result<Self> {
        let folder = Path::new(path).parent().unwrap_or(Path::new(""));
        fs::create_dir_all(folder)?;
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .open(path)?;
        let metadata = file.metadata()?;
        let regular = metadata.is_file();
        if regular {
            let whole = end_of_last_line(&mut file, metadata.len())?;
            if whole < metadata.len() {
                tracing::warn!(
                    path,
                    bytes = metadata.len() - whole,
                    "cut off a torn last line, which an earlier run left"
                );
                file.set_len(whole)?;
            }
            // The file's name is in its folder, which is put on the disk by itself.
            sync_folder(folder)?;
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            regular,
            used: 0,
            begun: None,
        })
    }

    /// Whether its path leads to it, and not to nothing or to another file.
    fn has_its_path(&self) -> bool {
        if !self.regular {
            return true;
        }
        let (there, open) = (rustix::fs::stat(&*self.path), rustix::fs::fstat(&self.file));
        let is_same =
            |there: Stat, open: Stat| (there.st_dev, there.st_ino) == (open.st_dev, open.st_ino);
        matches!((there, open), (Ok(there), Ok(open)) if is_same(there, open))
    }

    /// Whether it is under no path any more.
    fn is_removed(&self) -> bool {
        let links = |stat: Stat| stat.st_nlink;
        self.regular && rustix::fs::fstat(&self.file).map(links) == Ok(0)
    }

    /// Appends lines that others of the same write follow: [`append`](Self::append) puts all of them on the disk. A write
    /// that fails leaves nothing behind.
    pub async fn begin(&mut self, lines: &Lines) -> Result<(), Fault> {
        if self.regular && self.begun.is_none() {
            let metadata = self.file.metadata();
            self.begun = Some(metadata.map_err(|error| self.fault(error))?.len());
        }
        let written = lines.write_to(&mut self.file).await;
        written.map_err(|failed| self.cut(failed.error))
    }

    /// Appends the last lines of a write and returns when all are on the disk. A write that fails leaves nothing behind.
    ///
    /// # Errors
    /// Also if the file was removed meanwhile, with the lines in it; then the write is to be tried again.
    pub async fn append(&mut self, lines: &Lines) -> Result<(), Fault> {
        self.begin(lines).await?;
        if self.regular
            && let Err(error) = self.file.sync_data()
        {
            return Err(self.cut(error));
        }
        self.begun = None;
        if self.is_removed() {
            let doing = format!("write to {}", self.path);
            return Err(Fault::retry(doing, "the file was removed meanwhile"));
        }
        Ok(())
    }

    fn fault(&self, error: io::Error) -> Fault {
        fault(format!("write to {}", self.path), error)
    }

    /// Lets the write under way fail.
    #[cfg(test)]
    pub fn fail(&mut self) {
        self.cut(ErrorKind::StorageFull.into());
    }

    /// Takes back what the write has begun with, and gives the fault that it failed with.
    fn cut(&mut self, error: io::Error) -> Fault {
        // Somebody may have cut it shorter meanwhile (`copytruncate`), and zeros are no lines.
        let is_longer = |begun: &u64| self.file.metadata().is_ok_and(|now| now.len() > *begun);
        if let Some(begun) = self.begun.take().filter(is_longer)
            && let Err(cut) = self.file.set_len(begun)
        {
            tracing::warn!(
                path = self.path,
                error = %cut,
                "what a failed write left cannot be cut off now; the next start does it"
            );
        }
        self.fault(error)
    }
}

/// Where the last whole line of a file ends.
fn end_of_last_line(file: &mut File, length: u64) -> io::Result<u64> {
    let mut end = length;
    let mut block = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(READ);
        file.seek(SeekFrom::Start(start))?;
        block.clear();
        file.by_ref().take(end - start).read_to_end(&mut block)?;
        if let Some(at) = block.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}
