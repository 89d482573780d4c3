//! A disk that is really mounted, used as a store uses it. Needs root and FUSE.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

use super::*;

/// A mounted disk and the folder that it is mounted on, which goes after it; or why there is none here.
fn mounted(strict: bool) -> Option<(tempfile::TempDir, Disk)> {
    if !rustix::process::geteuid().is_root() || File::open("/dev/fuse").is_err() {
        eprintln!("SKIPPED: needs root and FUSE");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::mount(folder.path(), strict).unwrap();
    Some((folder, disk))
}

fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

#[test]
fn files_and_folders_behave_as_on_any_disk() {
    let Some((folder, _disk)) = mounted(true) else { return };
    let below = folder.path().join("a/b");
    fs::create_dir_all(&below).unwrap();
    for n in 0..300 {
        fs::write(below.join(format!("file-{n:03}")), format!("content {n}")).unwrap();
    }
    assert_eq!(fs::read_dir(&below).unwrap().count(), 300);
    assert_eq!(fs::read_to_string(below.join("file-042")).unwrap(), "content 42");
    fs::rename(below.join("file-000"), below.join("renamed")).unwrap();
    fs::hard_link(below.join("renamed"), folder.path().join("link")).unwrap();
    fs::remove_file(below.join("renamed")).unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("link")).unwrap(), "content 0");
    let open = File::open(below.join("file-001")).unwrap();
    // Lists go on while names go: this must find all of them.
    fs::remove_dir_all(folder.path().join("a")).unwrap();
    let mut rest = String::new();
    (&open).read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "content 1", "what is open stays");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_preallocating_log_works_and_keeps_what_it_synced() {
    let Some((folder, disk)) = mounted(true) else { return };
    let path = folder.path().join("log");
    let log = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)
        .unwrap();
    #[expect(unsafe_code, reason = "std has no fallocate, no flock and no sync_file_range")]
    // SAFETY: the descriptor is open, and none of the calls touches memory.
    unsafe {
        assert_eq!(libc::fallocate(log.as_raw_fd(), 0, 0, 1 << 26), 0);
        assert_eq!(libc::flock(log.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB), 0);
        assert_eq!(libc::sync_file_range(log.as_raw_fd(), 0, 0, 0), 0);
    }
    assert_eq!(log.metadata().unwrap().len(), 1 << 26);
    sync_folder(folder.path()).unwrap();
    for n in 0..1000_u64 {
        log.write_all_at(&[n as u8; 100], n * 100).unwrap();
        log.sync_data().unwrap();
    }
    log.write_all_at(b"not synced", 100_000).unwrap();
    drop(log);
    let lost = disk.power_loss(Loss::Everything, 1).unwrap();
    assert_eq!(lost.changes, 1);
    let content = fs::read(&path).unwrap();
    assert_eq!(content.len(), 1 << 26);
    for n in 0..1000 {
        assert_eq!(content[n * 100..(n + 1) * 100], [n as u8; 100], "{n}");
    }
    assert_eq!(content[100_000..100_010], [0; 10]);
    assert!(disk.counters().syncs >= 1001);
}

#[test]
fn the_kernel_forgets_what_the_power_took() {
    let Some((folder, disk)) = mounted(true) else { return };
    let path = folder.path().join("a");
    fs::write(&path, "old").unwrap();
    File::open(&path).unwrap().sync_all().unwrap();
    sync_folder(folder.path()).unwrap();
    fs::write(&path, "newer").unwrap();
    fs::write(folder.path().join("b"), "b").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "newer");
    disk.power_loss(Loss::Everything, 1).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    assert!(!folder.path().join("b").exists());
}

#[test]
fn syncs_are_slow_or_fail_and_a_full_disk_is_full() {
    let Some((folder, disk)) = mounted(true) else { return };
    let mut file = File::create(folder.path().join("a")).unwrap();
    file.write_all(b"x").unwrap();
    let delay = Duration::from_millis(150);
    disk.set_faults(Faults {
        sync_delay: delay,
        ..Faults::default()
    });
    let began = Instant::now();
    file.sync_data().unwrap();
    assert!(began.elapsed() >= delay);
    disk.set_faults(Faults {
        fail_syncs: true,
        ..Faults::default()
    });
    assert_eq!(file.sync_all().unwrap_err().raw_os_error(), Some(libc::EIO));
    disk.set_faults(Faults {
        space_left: Some(8192),
        ..Faults::default()
    });
    let refused = file.write_all(&vec![1; 20_000]).unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(libc::ENOSPC));
    disk.heal();
    file.write_all(&vec![1; 20_000]).unwrap();
    file.sync_all().unwrap();
    let counters = disk.counters();
    assert_eq!((counters.slow_syncs, counters.failed_syncs), (1, 1));
    assert!(counters.refused >= 1);
}

#[test]
fn a_power_cut_waits_for_nobody_who_stays() {
    let Some((folder, disk)) = mounted(true) else { return };
    let path = folder.path().join("a");
    fs::write(&path, "x").unwrap();
    let open = File::open(&path).unwrap();
    let leaver = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        drop(open);
    });
    disk.power_loss(Loss::Everything, 1).unwrap();
    leaver.join().unwrap();
    assert!(!path.exists());
}
