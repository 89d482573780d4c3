//! `keelson certs`: an authority, and certificates for members and a client, with how to use them.

use std::path::{Path, PathBuf};

use base::certs::{Authority, CertOptions, Usage};

use crate::error::{Error, Result};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder to write to; an authority that is there (ca.crt, ca.key) is used again
    #[arg(long, default_value = "certs")]
    dir: PathBuf,
    /// Names and addresses of the members, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "localhost,127.0.0.1,::1")]
    hosts: Vec<String>,
    /// User that the client certificate stands for (its CN), once authentication is on
    #[arg(long, default_value = "root")]
    user: String,
    /// Days until the server, peer and client certificates expire
    #[arg(long, default_value_t = 365)]
    days: u32,
    /// Days until a new authority expires
    #[arg(long, default_value_t = 3650)]
    ca_days: u32,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let reused = make(args)?;
    print!("{}", guide(args, reused));
    Ok(())
}

/// Writes all files; whether an authority was there already.
fn make(args: &Args) -> Result<bool> {
    if args.days == 0 || args.ca_days == 0 {
        return Err(Error::new("--days and --ca-days must be at least 1"));
    }
    let (cert, key) = (args.dir.join("ca.crt"), args.dir.join("ca.key"));
    let reused = match (cert.exists(), key.exists()) {
        (true, true) => true,
        (false, false) => false,
        (true, false) => return Err(half(&cert, &key)),
        (false, true) => return Err(half(&key, &cert)),
    };
    let authority = if reused {
        Authority::load(&cert, &key)?
    } else {
        let authority = Authority::create("keelson CA", args.ca_days)?;
        authority.save(&args.dir, "ca")?;
        authority
    };
    let issue = |name: &str, common_name: &str, hosts: &[String], usage| {
        let options = CertOptions {
            common_name: common_name.to_owned(),
            organizations: Vec::new(),
            hosts: hosts.to_vec(),
            validity_days: args.days,
            usage,
        };
        authority.issue(&options)?.save(&args.dir, name)
    };
    issue("server", "server", &args.hosts, Usage::Peer)?;
    issue("peer", "peer", &args.hosts, Usage::Peer)?;
    issue("client", &args.user, &[], Usage::Client)?;
    Ok(reused)
}

fn half(there: &Path, missing: &Path) -> Error {
    Error::new(format!(
        "{} is there but {} is not; put it back, or remove both and a new authority is made",
        there.display(),
        missing.display()
    ))
}

fn guide(args: &Args, reused: bool) -> String {
    let dir = args.dir.display();
    let host = args
        .hosts
        .iter()
        .find(|host| host.parse::<std::net::Ipv4Addr>().is_ok());
    let host = host.map_or("127.0.0.1", String::as_str);
    let authority = if reused { "used again" } else { "new" };
    format!(
        "Written to {dir}, good for {days} days and for {hosts}:
  ca.crt     the authority ({authority}); give it to all who check certificates. Keep ca.key to yourself
  server.*   for the ports that clients call
  peer.*     for the ports between members
  client.*   for user {user}

Start a member:
  keelson store --name m1 --data-dir m1.data \\
    --listen-client-urls https://{host}:2379 --advertise-client-urls https://{host}:2379 \\
    --cert-file {dir}/server.crt --key-file {dir}/server.key \\
    --client-cert-auth --trusted-ca-file {dir}/ca.crt \\
    --listen-peer-urls https://{host}:2380 --initial-advertise-peer-urls https://{host}:2380 \\
    --peer-cert-file {dir}/peer.crt --peer-key-file {dir}/peer.key \\
    --peer-client-cert-auth --peer-trusted-ca-file {dir}/ca.crt

Talk to it:
  etcdctl --endpoints https://{host}:2379 \\
    --cacert {dir}/ca.crt --cert {dir}/client.crt --key {dir}/client.key put greeting hello
",
        days = args.days,
        hosts = args.hosts.join(", "),
        user = args.user,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(dir: &Path) -> Args {
        Args {
            dir: dir.to_path_buf(),
            hosts: vec!["localhost".into(), "10.0.0.1".into()],
            user: "alice".into(),
            days: 1,
            ca_days: 2,
        }
    }

    #[test]
    fn everything_is_made_and_the_authority_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let args = args(dir.path());
        assert!(!make(&args).unwrap());
        let ca = std::fs::read(dir.path().join("ca.crt")).unwrap();
        for name in ["ca", "server", "peer", "client"] {
            assert!(dir.path().join(format!("{name}.crt")).exists() && dir.path().join(format!("{name}.key")).exists());
        }
        assert!(make(&args).unwrap());
        assert_eq!(std::fs::read(dir.path().join("ca.crt")).unwrap(), ca);
        assert!(guide(&args, true).contains("https://10.0.0.1:2379"));
    }

    #[test]
    fn half_an_authority_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let args = args(dir.path());
        make(&args).unwrap();
        std::fs::remove_file(dir.path().join("ca.key")).unwrap();
        let text = make(&args).unwrap_err().text;
        assert!(
            text.contains("ca.crt is there but") && text.contains("put it back"),
            "{text}"
        );
        assert!(make(&Args { days: 0, ..args }).is_err());
    }
}
