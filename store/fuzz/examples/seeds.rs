//! Writes the seeds of all targets, or of those named, as files below a folder, for libFuzzer to begin with.

use std::path::PathBuf;
use std::{env, fs, io};

use store_fuzz::targets;

fn main() -> io::Result<()> {
    let mut arguments = env::args().skip(1);
    let Some(folder) = arguments.next().map(PathBuf::from) else {
        return Err(io::Error::other("give a folder, and perhaps names of targets"));
    };
    let names: Vec<String> = arguments.collect();
    for target in targets::ALL {
        if !names.is_empty() && !names.iter().any(|name| name == target.name) {
            continue;
        }
        let folder = folder.join(target.name);
        fs::create_dir_all(&folder)?;
        for (number, seed) in (target.seeds)().iter().enumerate() {
            fs::write(folder.join(format!("seed-{number:03}")), seed)?;
        }
    }
    Ok(())
}
