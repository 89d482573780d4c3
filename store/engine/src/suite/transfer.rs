//! Checkpoints and their way into another engine.

use super::{A, B, Opener, all, put, rest};
use crate::{Checkpoint, Engine, Error, Incoming, Order, Result};

/// Copies a checkpoint in pieces of `step` bytes, from where the incoming one already is.
fn copy(from: &dyn Checkpoint, to: &mut dyn Incoming, step: usize) -> Result<()> {
    for (number, file) in from.files().iter().enumerate() {
        let mut offset = to.held(&file.name)?;
        if file.bytes == 0 {
            to.write(&file.name, 0, b"")?;
        }
        while offset < file.bytes {
            let piece = from.read(number, offset, step)?;
            to.write(&file.name, offset, &piece)?;
            offset += piece.len() as u64;
        }
    }
    Ok(())
}

fn fill(engine: &dyn Engine, value: &[u8]) -> Result<()> {
    for number in 0..40u8 {
        put(engine, A, &[number], value)?;
    }
    put(engine, B, b"only", value)
}

fn invalid(outcome: Result<()>) -> bool {
    matches!(outcome, Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::InvalidInput)
}

pub(super) fn checkpoint_is_isolated(open: &Opener) -> Result<()> {
    let engine = open();
    fill(&*engine, b"one")?;
    let image = engine.checkpoint()?;
    let again = engine.checkpoint()?;
    fill(&*engine, b"two")?;
    put(&*engine, A, b"later", b"")?;
    engine.flush()?;
    drop(again);
    for (number, file) in image.files().iter().enumerate() {
        let mut whole = Vec::new();
        while (whole.len() as u64) < file.bytes {
            whole.extend_from_slice(&image.read(number, whole.len() as u64, 1000)?);
        }
        assert_eq!(crc32c::crc32c(&whole), file.crc, "{}", file.name);
        assert!(image.read(number, file.bytes, 10)?.is_empty());
    }
    assert!(image.read(image.files().len(), 0, 1).is_err());
    let mut incoming = engine.incoming("1")?;
    copy(&*image, &mut *incoming, 4096)?;
    incoming.finish(image.files())?;
    engine.install(incoming)?;
    assert_eq!(engine.get(A, b"later")?, None);
    assert_eq!(engine.get(A, &[7])?.as_deref(), Some(&b"one"[..]));
    Ok(())
}

pub(super) fn incoming_resumes(open: &Opener) -> Result<()> {
    let engine = open();
    fill(&*engine, &[9; 500])?;
    let image = engine.checkpoint()?;
    let (number, file) = (0, &image.files()[0]);
    let half = file.bytes / 2;
    let mut incoming = engine.incoming("seven")?;
    assert_eq!(incoming.id(), "seven");
    assert_eq!(incoming.held(&file.name)?, 0);
    incoming.write(&file.name, 0, &image.read(number, 0, half as usize)?)?;
    drop(incoming);
    let mut incoming = engine.incoming("seven")?;
    assert_eq!(incoming.held(&file.name)?, half, "the same id resumes");
    // A piece sent twice is written again.
    incoming.write(&file.name, half / 2, &image.read(number, half / 2, half as usize)?)?;
    copy(&*image, &mut *incoming, 333)?;
    incoming.finish(image.files())?;
    engine.install(incoming)?;
    assert_eq!(all(&*engine, A)?.len(), 40);
    let incoming = engine.incoming("eight")?;
    assert_eq!(incoming.held(&file.name)?, 0, "another id starts anew");
    Ok(())
}

pub(super) fn incoming_refuses_nonsense(open: &Opener) -> Result<()> {
    let engine = open();
    fill(&*engine, b"old")?;
    let image = engine.checkpoint()?;
    assert!(engine.incoming("../up").is_err());
    assert!(engine.incoming("").is_err());
    let mut incoming = engine.incoming("x")?;
    assert!(invalid(incoming.write("../../etc/passwd", 0, b"x")));
    assert!(invalid(incoming.write("gap", 1, b"x")));
    assert!(invalid(incoming.write("a b", 0, b"x")));
    incoming.write("extra", 0, b"extra")?;
    assert!(invalid(engine.install(incoming)), "not finished");

    let mut incoming = engine.incoming("x")?;
    copy(&*image, &mut *incoming, 1 << 16)?;
    let mut files = image.files().to_vec();
    files[0].crc ^= 1;
    assert!(matches!(incoming.finish(&files), Err(Error::Corrupt(_))), "wrong crc");
    assert!(invalid(engine.install(incoming)), "its check failed");
    let mut incoming = engine.incoming("x")?;
    assert_eq!(incoming.held(&files[0].name)?, 0, "a bad file is fetched again");
    copy(&*image, &mut *incoming, 1 << 16)?;
    files[0].crc ^= 1;
    files[0].bytes += 1;
    assert!(
        matches!(incoming.finish(&files), Err(Error::Corrupt(_))),
        "wrong length"
    );
    copy(&*image, &mut *incoming, 1 << 16)?;
    incoming.finish(image.files())?;
    assert_eq!(incoming.held("extra")?, 0, "what is not in the list is removed");
    incoming.write(&files[0].name, 0, b"changed after the check")?;
    assert!(invalid(engine.install(incoming)), "changed after the check");
    assert_eq!(all(&*engine, A)?.len(), 40, "the old contents are still there");
    Ok(())
}

pub(super) fn install_replaces_everything(open: &Opener) -> Result<()> {
    let engine = open();
    fill(&*engine, b"one")?;
    let image = engine.checkpoint()?;
    fill(&*engine, b"two")?;
    put(&*engine, A, b"flushed", b"")?;
    engine.flush()?;
    put(&*engine, A, b"unflushed", b"")?;
    let mut incoming = engine.incoming("x")?;
    copy(&*image, &mut *incoming, 1 << 16)?;
    incoming.finish(image.files())?;
    engine.install(incoming)?;
    let check = |engine: &dyn Engine| -> Result<()> {
        assert_eq!(all(engine, A)?.len(), 40);
        assert_eq!(all(engine, B)?, [(b"only".to_vec(), b"one".to_vec())]);
        assert_eq!(engine.get(A, b"flushed")?, None);
        assert_eq!(engine.get(A, b"unflushed")?, None);
        Ok(())
    };
    check(&*engine)?;
    drop(image);
    drop(engine);
    // Durable without a flush, and the engine goes on from there.
    let engine = open();
    check(&*engine)?;
    put(&*engine, A, b"after", b"")?;
    engine.flush()?;
    drop(engine);
    assert_eq!(all(&*open(), A)?.len(), 41);
    Ok(())
}

pub(super) fn install_keeps_old_cursors(open: &Opener) -> Result<()> {
    let engine = open();
    let image = engine.checkpoint()?;
    fill(&*engine, b"old")?;
    engine.flush()?;
    let mut cursor = engine.scan(A, b"", None, Order::Ascending);
    cursor.advance();
    let mut incoming = engine.incoming("x")?;
    copy(&*image, &mut *incoming, 1 << 16)?;
    incoming.finish(image.files())?;
    engine.install(incoming)?;
    assert_eq!(all(&*engine, A)?, []);
    assert_eq!(rest(&mut *cursor)?.len(), 39);
    cursor.seek(&[0]);
    assert_eq!(rest(&mut *cursor)?.len(), 40);
    Ok(())
}
