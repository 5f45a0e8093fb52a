//! The journal on a disk that is full.

use halfstep::journal::{BALLAST, Durability, Journal, read};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A small file system of its own, gone when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, size: &str) -> Option<SmallDisk> {
        let option = format!("size={size}");
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", &option, "halfstep-test"]).arg(at).output();
        done.is_ok_and(|done| done.status.success()).then(|| SmallDisk(at.to_owned()))
    }

    fn fill(&self) {
        let mut size = 64 << 10;
        while size > 0 {
            let path = self.0.join(format!("filler-{size}"));
            if fs::write(&path, vec![b'x'; size]).is_err() {
                size /= 2;
            } else {
                fs::rename(&path, self.0.join(format!("full-{}", fs::read_dir(&self.0).expect("listed").count())))
                    .expect("renamed");
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

fn line(number: usize) -> Value {
    json!({"event": "hold", "number": number, "text": "a line of some length, as a hold and a rollback write it"})
}

#[test]
fn a_full_disk_gives_up_the_ballast_first_and_then_refuses_without_tearing() {
    let dir = tempfile::tempdir().expect("a directory");
    let Some(disk) = SmallDisk::mount(dir.path(), "512k") else {
        println!("skipped: this account may not mount a tmpfs");
        return;
    };
    let path = dir.path().join("journal.jsonl");
    let mut journal = Journal::create(&path).expect("a new journal");
    journal.append(&line(0), Durability::Now).expect("room enough");
    disk.fill();
    assert!(journal.has_ballast());

    let mut with_ballast_spent = 0;
    let mut number = 1;
    let error = loop {
        match journal.append(&line(number), Durability::Now) {
            Ok(()) => number += 1,
            Err(error) => break error,
        }
        with_ballast_spent += usize::from(!journal.has_ballast());
        assert!(number < 10_000, "the disk never filled");
    };
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    assert!(error.to_string().contains("the line was taken back"), "{error}");
    assert!(!dir.path().join(BALLAST).exists());
    assert!(with_ballast_spent >= 200, "the ballast made room for {with_ballast_spent} lines only");

    let (lines, torn) = read(&path).expect("read");
    assert_eq!(torn, None);
    assert_eq!(lines.iter().map(|line| line.value.clone()).collect::<Vec<_>>(), (0..number).map(line).collect::<Vec<_>>());

    for entry in fs::read_dir(dir.path()).expect("listed") {
        let entry = entry.expect("an entry");
        if entry.file_name().to_string_lossy().starts_with("full-") {
            fs::remove_file(entry.path()).expect("removed");
        }
    }
    journal.append(&line(number), Durability::Now).expect("there is room again");
    let (journal, lines, torn) = Journal::open(&path).expect("opened");
    assert_eq!((lines.len(), torn, journal.has_ballast()), (number + 1, None, true));
}

#[test]
fn a_disk_that_is_full_at_the_start_is_told_before_anything_begins() {
    let dir = tempfile::tempdir().expect("a directory");
    let Some(disk) = SmallDisk::mount(dir.path(), "256k") else {
        println!("skipped: this account may not mount a tmpfs");
        return;
    };
    disk.fill();
    let error = Journal::create(&dir.path().join("journal.jsonl")).expect_err("no room");
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    assert!(!dir.path().join(BALLAST).exists());
    assert!(!dir.path().join("journal.jsonl").exists());
}
