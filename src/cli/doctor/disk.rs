//! The disk under the database: whether it is a local one, and whether there is room. Pure, but for two calls at the end.

use super::finding::Finding;
use std::path::Path;

const DISK: &str = "disk";
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
/// Below this much room a warning, and below that the store is about to refuse writes.
const LITTLE: u64 = GIB;
const TOO_LITTLE: u64 = 100 * MIB;

/// File systems of other machines. SQLite's WAL needs memory that is shared between processes, which they do not have
/// (sqlite.org/wal.html), and many of them lose locks.
const OVER_THE_NETWORK: [&str; 14] = [
    "nfs",
    "nfs4",
    "cifs",
    "smb2",
    "smb3",
    "smbfs",
    "9p",
    "afs",
    "ceph",
    "glusterfs",
    "lustre",
    "gpfs",
    "beegfs",
    "davfs",
];

/// Whether a file system of this type is on another machine. What FUSE serves is told by what stands behind the point.
fn is_over_the_network(kind: &str) -> bool {
    match kind.split_once('.') {
        Some(("fuse", served)) => {
            let others = ["sshfs", "s3fs", "rclone", "gcsfuse", "goofys", "curlftpfs"];
            others.contains(&served)
                || OVER_THE_NETWORK.iter().any(|network| served.starts_with(network))
        }
        _ => OVER_THE_NETWORK.contains(&kind),
    }
}

/// The type of the file system that a path is on, by the text of `/proc/self/mountinfo` (proc_pid_mountinfo(5)): of the mounts
/// that stand above it the nearest, and of several there the last.
fn kind_of<'a>(mountinfo: &'a str, path: &Path) -> Option<&'a str> {
    let mut nearest: Option<(usize, &str)> = None;
    for line in mountinfo.lines() {
        let Some((before, after)) = line.split_once(" - ") else { continue };
        let (Some(point), Some(kind)) = (before.split(' ').nth(4), after.split(' ').next()) else {
            continue;
        };
        let point = unescaped(point);
        let depth = Path::new(&point).components().count();
        if path.starts_with(&point) && nearest.is_none_or(|(deepest, _)| depth >= deepest) {
            nearest = Some((depth, kind));
        }
    }
    nearest.map(|(_, kind)| kind)
}

/// A space, a tab, a line's end and a backslash stand as three octal digits.
fn unescaped(point: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(point.to_owned(), |text, (written, meant)| text.replace(written, meant))
}

/// What the type of the file system means for the database in `folder`.
fn judge_kind(folder: &Path, kind: &str) -> Option<Finding> {
    is_over_the_network(kind).then(|| {
        let words = format!(
            "{} is on a network disk ({kind}), and the database does not work there: commits may be lost",
            folder.display()
        );
        let mend = "stop the bot, move the database to a disk of this machine, and name it in the config: store.path";
        Finding::mend(DISK, words, mend)
    })
}

/// What so many free bytes mean.
fn judge_room(free: u64) -> Finding {
    let words = match free {
        GIB.. => format!("{} GiB are free", free / GIB),
        _ => format!("{} MiB are free", free / MIB),
    };
    let how = "make room there, or move the database: store.path. A full disk takes no alerts and no clicks";
    match free {
        LITTLE.. => Finding::good(DISK, words),
        TOO_LITTLE.. => Finding::warning(DISK, format!("only {words}"), how.to_owned()),
        _ => Finding::mend(DISK, format!("only {words}"), how),
    }
}

/// Looks at the disk under a folder that exists.
pub fn look(folder: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    // Only Linux has it; elsewhere nobody can say.
    if let Ok(mounts) = std::fs::read_to_string("/proc/self/mountinfo")
        && let Some(kind) = kind_of(&mounts, folder)
    {
        findings.extend(judge_kind(folder, kind));
    }
    findings.push(match rustix::fs::statvfs(folder) {
        Ok(told) => judge_room(told.f_bavail.saturating_mul(told.f_frsize)),
        Err(why) => Finding::warning(
            DISK,
            format!("how much room {} has cannot be told: {why}", folder.display()),
            None,
        ),
    });
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Verdict;

    const MOUNTS: &str = "\
22 1 254:1 / / rw,relatime - ext4 /dev/vda1 rw
23 22 0:21 / /proc rw - proc proc rw
40 22 0:40 / /srv rw,relatime shared:1 - nfs4 filer:/export rw,vers=4.2
41 40 254:2 / /srv/local rw - xfs /dev/vdb rw
42 22 0:42 / /mnt/my\\040disk rw shared:2 master:3 - fuse.sshfs me@host:/ rw
43 22 0:43 / /twice rw - ext4 /dev/vdc rw
44 22 0:44 / /twice rw - cifs //filer/share rw
";

    #[test]
    fn the_nearest_mount_above_the_folder_tells_what_it_is_on() {
        for (path, kind) in [
            ("/var/lib/vigie", "ext4"),
            ("/srv/vigie", "nfs4"),
            ("/srv", "nfs4"),
            ("/srvother", "ext4"),
            ("/srv/local/vigie", "xfs"),
            ("/mnt/my disk/x", "fuse.sshfs"),
            ("/twice/x", "cifs"),
        ] {
            assert_eq!(kind_of(MOUNTS, Path::new(path)), Some(kind), "{path}");
        }
        assert_eq!(kind_of("", Path::new("/")), None);
    }

    #[test]
    fn a_network_disk_is_to_be_mended() {
        for kind in ["nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "fuse.sshfs", "fuse.glusterfs"] {
            let finding = judge_kind(Path::new("/srv"), kind).expect(kind);
            assert_eq!(finding.verdict, Verdict::Mend, "{kind}");
            assert!(finding.words.contains(kind), "{finding:?}");
        }
        for kind in ["ext4", "xfs", "btrfs", "zfs", "overlay", "tmpfs", "fuse.encfs", "fuseblk"] {
            assert_eq!(judge_kind(Path::new("/srv"), kind), None, "{kind}");
        }
    }

    #[test]
    fn little_room_is_a_warning_and_hardly_any_is_to_be_mended() {
        for (free, verdict, words) in [
            (60 * GIB, Verdict::Good, "60 GiB are free"),
            (GIB, Verdict::Good, "1 GiB are free"),
            (GIB - 1, Verdict::Warning, "only 1023 MiB are free"),
            (100 * MIB, Verdict::Warning, "only 100 MiB are free"),
            (100 * MIB - 1, Verdict::Mend, "only 99 MiB are free"),
            (0, Verdict::Mend, "only 0 MiB are free"),
        ] {
            let finding = judge_room(free);
            assert_eq!((finding.verdict, finding.words.as_str()), (verdict, words), "{free}");
        }
    }
}
