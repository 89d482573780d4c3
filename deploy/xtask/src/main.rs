//! Tasks of this workspace; those that check something also run as tests.
//!
//! It must not know the product: it reads files and `cargo metadata`. Start reading at [`Task`].

mod answers;
mod gen_docs;
mod instructions;
mod layers;
mod tidy;
mod workspace;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Tasks of this workspace")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Check that crates use only lower layers, and that one crate alone names each big dependency.
    Layers,
    /// Check the habits of the house in every file.
    Tidy,
    /// Write the generated parts of the documents; with --check, say what would change.
    Gen {
        /// Change nothing; fail when something is out of date.
        #[arg(long)]
        check: bool,
    },
    /// Play recorded answers of a real kube-apiserver and hold the counts against the committed floor.
    Answers {
        /// Has the recordings in data/kubernetes-1.36/answers and their player in tools/answers/answers.py.
        folder: PathBuf,
        /// Raise the floor to what was reached.
        #[arg(long)]
        write: bool,
    },
    /// Tell what the recorded fields cost our apiserver and a kube-apiserver that `deploy/peer.sh` built.
    Cost {
        /// Has the recordings, as for `answers`.
        folder: PathBuf,
        #[arg(long)]
        kube_apiserver: PathBuf,
        /// On which it stands; ours stands on our store.
        #[arg(long)]
        etcd: PathBuf,
        /// How often each is played to; medians are compared.
        #[arg(long, default_value_t = 3)]
        rounds: usize,
    },
    /// Count the instructions of a put and a get with optimisation, and compare with the committed figures.
    Instructions {
        /// Write the figures of both profiles anew.
        #[arg(long)]
        write: bool,
    },
}

fn main() -> anyhow::Result<()> {
    let workspace = Workspace::load()?;
    let findings = match Arguments::parse().task {
        Task::Layers => layers::check(&workspace),
        Task::Tidy => tidy::check(&workspace)?,
        Task::Gen { check } => gen_docs::run(&workspace, check)?,
        Task::Answers { folder, write } => return answers::run(&workspace, &folder, write),
        Task::Cost {
            folder,
            kube_apiserver,
            etcd,
            rounds,
        } => {
            let peer = answers::cost::Peer { kube_apiserver, etcd };
            return answers::cost::run(&workspace, &folder, &peer, rounds);
        }
        Task::Instructions { write } => return instructions::run(&workspace, write),
    };
    for finding in &findings {
        eprintln!("{finding}");
    }
    anyhow::ensure!(findings.is_empty(), "{} finding(s)", findings.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_tree_keeps_its_layers() {
        let findings = layers::check(&Workspace::load().unwrap());
        assert!(findings.is_empty(), "{}", findings.join("\n"));
    }

    #[test]
    fn this_tree_is_tidy() {
        let findings = tidy::check(&Workspace::load().unwrap()).unwrap();
        assert!(findings.is_empty(), "{}", findings.join("\n"));
    }

    #[test]
    fn generated_parts_are_up_to_date() {
        let findings = gen_docs::run(&Workspace::load().unwrap(), true).unwrap();
        assert!(findings.is_empty(), "run `make gen`:\n{}", findings.join("\n"));
    }
}
