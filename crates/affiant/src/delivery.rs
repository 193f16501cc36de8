//! Writes a bundle as a folder and as one zip of the same bytes.
//!
//! The folder appears under its name only when it is whole; an earlier one of that name is never overwritten.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

/// A bundle being written.
pub struct Delivery {
    folder: PathBuf,
    staging: PathBuf,
    zip_path: PathBuf,
    zip_staging: PathBuf,
    zip: ZipWriter<BufWriter<File>>,
    current: Option<(String, BufWriter<File>)>,
}

impl Delivery {
    /// Starts `<out>/<name>` and `<out>/<name>.zip`.
    pub fn start(out: &Path, name: &str) -> Result<Self> {
        let folder = out.join(name);
        let zip_path = out.join(format!("{name}.zip"));
        for taken in [&folder, &zip_path] {
            if taken.exists() {
                bail!("{} is already there; choose another --out", taken.display());
            }
        }
        fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
        let staging = out.join(format!(".{name}.partial"));
        if staging.exists() {
            fs::remove_dir_all(&staging).with_context(|| format!("cannot clear {}", staging.display()))?;
        }
        fs::create_dir(&staging).with_context(|| format!("cannot make {}", staging.display()))?;
        let zip_staging = out.join(format!(".{name}.zip.partial"));
        let file = File::create(&zip_staging).with_context(|| format!("cannot make {}", zip_staging.display()))?;
        Ok(Self { folder, staging, zip_path, zip_staging, zip: ZipWriter::new(BufWriter::new(file)), current: None })
    }

    /// Appends bytes to a file of the bundle; files come one after the other.
    pub fn write(&mut self, path: &str, bytes: &[u8]) -> Result<()> {
        if self.current.as_ref().is_none_or(|(open, _)| open != path) {
            self.next(path)?;
        }
        let (_, file) = self.current.as_mut().context("a file is open once next has returned")?;
        file.write_all(bytes).with_context(|| format!("cannot write {path}"))?;
        self.zip.write_all(bytes).with_context(|| format!("cannot write {path} to the zip"))
    }

    fn next(&mut self, path: &str) -> Result<()> {
        self.end_file()?;
        let target = self.staging.join(path);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        }
        let file = File::create_new(&target).with_context(|| format!("cannot make {}", target.display()))?;
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default())
            .unix_permissions(0o644)
            .large_file(true);
        self.zip.start_file(path, options).with_context(|| format!("cannot add {path} to the zip"))?;
        self.current = Some((path.to_string(), BufWriter::new(file)));
        Ok(())
    }

    fn end_file(&mut self) -> Result<()> {
        if let Some((path, file)) = self.current.take() {
            let file = file.into_inner().map_err(|fault| anyhow::anyhow!("cannot write {path}: {}", fault.error()))?;
            file.sync_all().with_context(|| format!("cannot write {path}"))?;
        }
        Ok(())
    }

    /// Makes the bundle appear under its name; returns the folder and the zip.
    pub fn finish(mut self) -> Result<(PathBuf, PathBuf)> {
        self.end_file()?;
        let zip = self.zip.finish().context("cannot end the zip")?;
        let zip = zip.into_inner().map_err(|fault| anyhow::anyhow!("cannot end the zip: {}", fault.error()))?;
        zip.sync_all().context("cannot end the zip")?;
        fs::rename(&self.zip_staging, &self.zip_path).with_context(|| format!("cannot make {}", self.zip_path.display()))?;
        fs::rename(&self.staging, &self.folder).with_context(|| format!("cannot make {}", self.folder.display()))?;
        Ok((self.folder, self.zip_path))
    }
}
