//! The folder of the engine on disk: which database counts, what else lies there, and a checkpoint that was received.
//!
//! An input: a byte that says which kind, then pieces. Of a folder: the name of the one database, what `ACTIVE` holds,
//! and then paths and contents of other files in turn. Of a checkpoint: its id, then names and contents of its files,
//! which arrive under their true checksums.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use bytes::Bytes;
use store_engine::{Batch, Engine, File, Space};
use store_rocks::{Options, ReadOnly, Rocks};
use tempfile::TempDir;

use crate::support::{Contents, dump, must};
use crate::{Verdict, pieces};

/// Other files of a folder, files of a checkpoint.
const MOST: usize = 16;
const ACTIVE: &str = "ACTIVE";

/// A good folder of one database, and what it holds.
struct Good {
    folder: TempDir,
    contents: Contents,
    image: Vec<(String, Bytes)>,
}

fn good() -> &'static Good {
    static GOOD: OnceLock<Good> = OnceLock::new();
    GOOD.get_or_init(|| {
        let folder = new_folder();
        let engine = must("open a new folder", open(folder.path()));
        let mut batch = Batch::new();
        for number in 0..40_u8 {
            batch.put(Space(number % 3), &[number], &[number; 30]);
        }
        must("write to a database", engine.write(&batch));
        let image = must("take a checkpoint", engine.checkpoint());
        let read = |(number, file): (usize, &File)| {
            let data = must("read a checkpoint", image.read(number, 0, file.bytes as usize));
            (file.name.clone(), data)
        };
        let files = image.files().iter().enumerate().map(read).collect();
        let contents = held(&engine);
        drop(image);
        drop(engine);
        Good {
            folder,
            contents,
            image: files,
        }
    })
}

fn new_folder() -> TempDir {
    must("make a folder", tempfile::tempdir())
}

/// Small, so that an engine costs little.
fn options() -> Options {
    Options {
        cache_bytes: 1 << 20,
        write_buffer_bytes: 4 << 20,
        background_jobs: 1,
        ..Options::default()
    }
}

fn open(path: &Path) -> store_engine::Result<Rocks> {
    Rocks::open(path, options())
}

/// Lays out a folder and opens it, or receives a checkpoint and installs it.
///
/// # Panics
/// Where a folder is opened that does not say what counts, what was there is lost, anything goes away that is not the
/// engine's, or a checkpoint that is refused changes anything.
pub fn run(data: &[u8]) -> Verdict {
    let Some((which, rest)) = data.split_first() else {
        return Verdict::Refused;
    };
    let pieces: Vec<&[u8]> = pieces::split(rest).collect();
    Verdict::of(match which % 2 {
        0 => opened(&pieces),
        _ => installed(&pieces),
    })
}

/// Whether this is the name of a database, as it is written.
fn is_database(name: &str) -> bool {
    let number = name.strip_prefix("db-").and_then(|digits| digits.parse::<u64>().ok());
    number.is_some_and(|number| name == format!("db-{number}"))
}

/// Whether what is at a path is the engine's: a database, checkpoints, or half a pointer to a database.
fn is_own(path: &str) -> bool {
    let first = path.split('/').next().unwrap_or_default();
    is_database(first) || ["checkpoints", "incoming", "ACTIVE.next"].contains(&first)
}

/// The folder of the database that counts, by what says so.
fn named(folder: &Path, active: &[u8]) -> Option<PathBuf> {
    let name = std::str::from_utf8(active).ok()?.strip_suffix('\n')?;
    is_database(name).then(|| folder.join(name))
}

fn opened(pieces: &[&[u8]]) -> bool {
    let folder = new_folder();
    let (Some(name), Some(active)) = (pieces.first(), pieces.get(1)) else {
        return false;
    };
    let name = pieces::text(name);
    let Some(database) = place(folder.path(), &name) else {
        return false;
    };
    let good = good();
    copy(&good.folder.path().join("db-1"), &database);
    must("write a file", fs::write(folder.path().join(ACTIVE), active));
    let mut foreign = Vec::new();
    if !is_own(&name) {
        foreign.push(database.join("CURRENT"));
    }
    for pair in pieces[2..].chunks_exact(2).take(MOST) {
        let path = pieces::text(pair[0]);
        let at = place(folder.path(), &path);
        foreign.extend(at.filter(|at| put(at, &path, pair[1]) && !is_own(&path)));
    }
    let look_after = || {
        let gone = foreign.iter().find(|path| !path.exists());
        assert_eq!(gone, None, "what is not the engine's went away");
    };
    let looked = ReadOnly::open(folder.path(), options())
        .ok()
        .map(|engine| held(&engine));
    let engine = open(folder.path());
    look_after();
    let Ok(engine) = engine else {
        assert!(looked.is_none(), "who looks sees what cannot be opened");
        return false;
    };
    let named = named(folder.path(), active).is_some_and(|named| named == database);
    assert!(named, "a folder was opened that does not say which database counts");
    assert_eq!(looked.as_ref(), Some(&good.contents), "who looks sees what is there");
    assert_eq!(held(&engine), good.contents, "what was there is there");
    assert!(receive(&engine, "again", &good.image), "a good checkpoint is installed");
    drop(engine);
    let engine = must("open what was installed", open(folder.path()));
    assert_eq!(held(&engine), good.contents, "what was installed is there");
    look_after();
    true
}

/// Puts a file there, or a folder where the path ends in a slash, unless something has the name. Answers whether it did.
fn put(at: &Path, path: &str, data: &[u8]) -> bool {
    let make = |folder: &Path| fs::create_dir_all(folder).is_ok();
    if at.exists() {
        false
    } else if path.ends_with('/') {
        make(at)
    } else {
        at.parent().is_some_and(make) && fs::write(at, data).is_ok()
    }
}

fn installed(pieces: &[&[u8]]) -> bool {
    let folder = new_folder();
    let engine = must("open a new folder", open(folder.path()));
    let mut batch = Batch::new();
    batch.put(Space(1), b"old", b"");
    must("write to a database", engine.write(&batch));
    must("flush a database", engine.flush());
    let before = held(&engine);
    let id = pieces::text(pieces.first().copied().unwrap_or_default());
    let files: Vec<(String, Bytes)> = pieces
        .get(1..)
        .unwrap_or_default()
        .chunks_exact(2)
        .take(MOST)
        .map(|pair| (pieces::text(pair[0]), Bytes::copy_from_slice(pair[1])))
        .collect();
    let taken = receive(&engine, &id, &files);
    // What has rotten in a table shows when it is read.
    let after = dump(&engine).ok();
    if !taken {
        assert_eq!(
            after.as_ref(),
            Some(&before),
            "a checkpoint that was refused changes nothing"
        );
    }
    drop(engine);
    let engine = must("open a folder again", open(folder.path()));
    let again = dump(&engine).ok();
    assert_eq!(again, after, "what is there once is there when it is opened again");
    taken
}

/// What an engine holds that is whole.
fn held(engine: &dyn Engine) -> Contents {
    must("scan an engine", dump(engine))
}

/// Gives an engine a checkpoint of these files. Answers whether it was installed.
fn receive(engine: &Rocks, id: &str, files: &[(String, Bytes)]) -> bool {
    let Ok(mut incoming) = engine.incoming(id) else {
        return false;
    };
    let mut whole: Vec<File> = Vec::new();
    for (name, data) in files {
        if incoming.write(name, 0, data).is_ok() {
            whole.retain(|file| file.name != *name);
            whole.push(File {
                name: name.clone(),
                bytes: data.len() as u64,
                crc: crc32c::crc32c(data),
            });
        }
    }
    must("finish what is held", incoming.finish(&whole));
    engine.install(incoming).is_ok()
}

/// Where a path of an input is, if that is inside the folder and not what holds it together.
fn place(folder: &Path, path: &str) -> Option<PathBuf> {
    let names: Vec<&str> = path.split('/').collect();
    let good = |name: &&str| !matches!(*name, "." | "..") && !name.contains('\0') && name.len() < 100;
    let inside = names.len() < 4 && !names[0].is_empty() && names.iter().all(good);
    (inside && !["LOCK", ACTIVE].contains(&names[0])).then(|| folder.join(path))
}

fn copy(from: &Path, to: &Path) {
    must("make a folder", fs::create_dir_all(to));
    for entry in must("list a folder", fs::read_dir(from)) {
        let entry = must("list a folder", entry);
        must("copy a file", fs::copy(entry.path(), to.join(entry.file_name())));
    }
}

/// Folders with leftovers, with names that only look like a database's and with the last number of all, and with files and
/// folders in the place of one another.
fn folders() -> Vec<Vec<u8>> {
    let last = format!("db-{}", u64::MAX);
    let last = format!("{last}|{last}\n");
    [
        "db-1|db-1\n",
        &last,
        "db-0|db-0\n|db-007|x|db-+7|x|db-7/CURRENT|MANIFEST-000001\n",
        "db-3|db-3\n|ACTIVE.next|db-4\n|db-4/000001.sst|x|notes.txt|",
        "db-2|db-2\n|incoming/1-2-3/CURRENT|x|incoming/x|x|checkpoints/1/CURRENT|x",
        "db-1|db-1\n|db-007/x|x|db-+7/x/y|x|notes/||db-9/|",
        "db-1|db-1\n|incoming|x|checkpoints|x|ACTIVE.next/x|x",
        "db-007|db-007\n",
        "db-1|db-1",
    ]
    .map(|pieces| [&[0][..], &pieces::join(pieces.split('|'))].concat())
    .into()
}

/// Folders, and checkpoints.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = folders();
    let checkpoint = |id: &str, more: &[(&str, &str)]| {
        let mut parts = vec![id.as_bytes().to_vec()];
        for (name, data) in &good().image {
            parts.extend([name.clone().into_bytes(), data.to_vec()]);
        }
        for (name, data) in more {
            parts.extend([name.as_bytes().to_vec(), data.as_bytes().to_vec()]);
        }
        [&[1][..], &pieces::join(parts)].concat()
    };
    seeds.push(checkpoint("1-40-0badcafe", &[]));
    seeds.push(checkpoint(
        "s",
        &[("000099.sst", "x"), ("LOCK", ""), ("000098.log", "x")],
    ));
    seeds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_engines_is_told_by_its_first_name() {
        for own in [
            "db-7",
            "db-7/x",
            "checkpoints/1/x",
            "incoming",
            "incoming/x",
            "ACTIVE.next/x",
        ] {
            assert!(is_own(own), "{own}");
        }
        for foreign in [
            "db-007/x",
            "db-007",
            "db-+7/",
            "notes/db-7",
            "checkpoints.old",
            "ACTIVE.old",
        ] {
            assert!(!is_own(foreign), "{foreign}");
        }
    }

    #[test]
    fn files_and_folders_are_laid_out_as_they_are_written() {
        let folder = new_folder();
        let made = |path: &str| place(folder.path(), path).is_some_and(|at| put(&at, path, b"x"));
        assert!(made("notes/") && folder.path().join("notes").is_dir());
        assert!(made("db-007/x") && folder.path().join("db-007/x").is_file());
        assert!(!made("db-007/x") && !made("db-007/x/y") && !made("ACTIVE") && !made("ACTIVE/x") && !made("../x"));
    }
}
