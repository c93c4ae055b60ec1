//! The set of files, written whole or not at all, and over nothing.

use super::template::NAMES;
use anyhow::{Context as _, bail};
use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// A file's name and text.
pub type Text = (&'static str, String);

/// Whether any of ours stands there already, a broken link too.
pub fn none_stands_in(dir: &Path) -> anyhow::Result<()> {
    let stands = |name: &&&str| fs::symlink_metadata(dir.join(name)).is_ok();
    let standing: Vec<&str> = NAMES.iter().filter(stands).copied().collect();
    if standing.is_empty() {
        return Ok(());
    }
    bail!(
        "{} has {} already. Nothing is written over, and nothing was written.\nTry what is there (vigie check), or begin in \
         another folder: vigie init --dir ANOTHER",
        dir.display(),
        standing.join(" and ")
    )
}

/// Writes them under other names first, then gives each its own. Where one fails, those that have theirs are taken away again.
pub fn write(dir: &Path, texts: &[Text]) -> anyhow::Result<()> {
    let nothing = |what: &str| format!("{}: {what}; nothing was written", dir.display());
    fs::create_dir_all(dir).with_context(|| nothing("the folder cannot be made"))?;
    let mut made = Vec::new();
    for (name, text) in texts {
        // Others may read it: there is no secret in it.
        let mut file = tempfile::Builder::new()
            .prefix(".vigie-init-")
            .permissions(Permissions::from_mode(0o644))
            .tempfile_in(dir)
            .with_context(|| nothing("no file can be made there"))?;
        file.write_all(text.as_bytes())
            .and_then(|()| file.as_file().sync_all())
            .with_context(|| nothing(&format!("{name} cannot be written")))?;
        made.push((file, dir.join(name)));
    }
    let mut standing = Standing(Vec::new());
    for (file, path) in made {
        // The error would keep the file of the other name.
        file.persist_noclobber(&path)
            .map_err(|failed| failed.error)
            .with_context(|| nothing(&format!("{} cannot be made", path.display())))?;
        standing.0.push(path);
    }
    standing.0.clear();
    Ok(())
}

/// Files that go again unless all of them came to be.
struct Standing(Vec<PathBuf>);

impl Drop for Standing {
    fn drop(&mut self) {
        for path in &self.0 {
            // What cannot be taken away again is told by the next `vigie init`.
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).expect("the folder");
        entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_set_of_which_one_cannot_be_is_not_left_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        // It came to stand there after the first look.
        fs::write(folder.path().join("c"), "mine").expect("written");
        let texts = ["a", "b", "c"].map(|name| (name, "text".to_owned()));
        let failed = write(folder.path(), &texts).expect_err("the third stands already");
        assert!(failed.to_string().contains("nothing was written"), "{failed:#}");
        assert_eq!(names_in(folder.path()), ["c"]);
        assert_eq!(fs::read_to_string(folder.path().join("c")).expect("read"), "mine");
    }

    #[test]
    fn a_new_folder_is_made_and_the_files_are_for_all_to_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path().join("new/one");
        write(&dir, &[("a", "text".to_owned())]).expect("written");
        let mode = fs::metadata(dir.join("a")).expect("there").permissions().mode();
        assert_eq!(mode & 0o777 & 0o600, 0o600);
        assert_eq!(names_in(&dir), ["a"]);
    }
}
