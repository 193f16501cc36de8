//! A bundle as a folder. Links and special files are refused, never followed.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::{Exactly, Listed, MAX_FILES, Source, path_fault, refuse_excess};

/// No path of a bundle has more components; a deeper tree is not walked.
const MAX_DEPTH: usize = 8;

/// A bundle's folder.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Reads nothing yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
}

impl Source for Folder {
    fn list(&mut self) -> Result<Vec<Listed>, Vec<String>> {
        let (mut listed, mut faults) = (Vec::new(), Vec::new());
        walk(&self.root, "", 0, &mut listed, &mut faults);
        refuse_excess(&mut listed, &mut faults);
        if faults.is_empty() { Ok(listed) } else { Err(faults) }
    }

    fn open(&mut self, path: &str) -> io::Result<Box<dyn Read + '_>> {
        if let Some(fault) = path_fault(path) {
            return Err(io::Error::other(format!("its path {fault}")));
        }
        let place = self.root.join(path);
        // Looked at again: the folder may have changed since it was listed.
        if !fs::symlink_metadata(&place)?.is_file() {
            return Err(io::Error::other("it is not a plain file"));
        }
        let file = File::open(place)?;
        let bytes = file.metadata()?.len();
        Ok(Box::new(Exactly::new(file, bytes)))
    }
}

fn walk(folder: &Path, prefix: &str, depth: usize, listed: &mut Vec<Listed>, faults: &mut Vec<String>) {
    if depth > MAX_DEPTH {
        faults.push(format!("'{prefix}' is nested deeper than a bundle's folders are"));
        return;
    }
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(fault) => return faults.push(format!("folder '{prefix}' cannot be read: {fault}")),
    };
    for entry in entries {
        // One fault more than the limit is enough to refuse; a folder of millions is not walked to its end.
        if listed.len() > MAX_FILES || faults.len() > 100 {
            return;
        }
        let (name, kind) = match entry.and_then(|entry| Ok((entry.file_name(), fs::symlink_metadata(entry.path())?))) {
            Ok(found) => found,
            Err(fault) => {
                faults.push(format!("folder '{prefix}' cannot be read: {fault}"));
                continue;
            }
        };
        let Some(name) = name.to_str() else {
            faults.push(format!("a name in folder '{prefix}' is not UTF-8"));
            continue;
        };
        let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
        if kind.is_dir() {
            walk(&folder.join(name), &path, depth + 1, listed, faults);
        } else if kind.is_file() {
            listed.push(Listed { path, bytes: kind.len() });
        } else {
            faults.push(format!("'{path}' is a link or a special file, not a plain file"));
        }
    }
}
