//! Tokens and their users in a file (`--token-auth-file`).

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use apiserver_api::user::User;
use async_trait::async_trait;

use super::{Asked, Authenticated, Outcome, TokenAuthenticator, csv};

/// Why a token file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    /// It cannot be read.
    #[error("open {path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no table.
    #[error("{0}")]
    Table(String),
    /// A line says too little.
    #[error(
        "token file '{path}' must have at least 3 columns (token, user name, user uid), found {found}",
        path = path.display()
    )]
    Columns {
        /// The file.
        path: PathBuf,
        /// How many columns the line has.
        found: usize,
    },
}

/// Tokens that somebody wrote down, and whose they are. They do not change while the server runs, as upstream's.
#[derive(Clone, Default)]
pub struct TokenFile {
    users: HashMap<String, User>,
}

impl TokenFile {
    /// Reads a file of lines `token,user name,uid,"group,group"`; the groups may be left out.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(path: &Path) -> Result<Self, TokenFileError> {
        let bytes = fs::read(path).map_err(|source| TokenFileError::Read {
            path: path.to_path_buf(),
            source,
        })?;
        let text = String::from_utf8_lossy(&bytes);
        let records = csv::records(&text).map_err(|error| TokenFileError::Table(error.to_string()))?;
        let mut users = HashMap::new();
        for (at, record) in records.into_iter().enumerate() {
            let [token, name, uid, rest @ ..] = record.as_slice() else {
                return Err(TokenFileError::Columns {
                    path: path.to_path_buf(),
                    found: record.len(),
                });
            };
            let (file, record) = (path.display(), at + 1);
            if token.is_empty() {
                tracing::warn!(%file, record, "empty token has been found in token file");
                continue;
            }
            let groups = rest.first().map_or("", String::as_str);
            let user = User {
                uid: uid.into(),
                ..User::new(name, groups.split(',').filter(|_| !rest.is_empty()))
            };
            if users.insert(token.clone(), user).is_some() {
                tracing::warn!(%file, record, "duplicate token has been found in token file");
            }
        }
        Ok(Self { users })
    }

    /// One token and its user.
    #[cfg(test)]
    pub(super) fn one(token: String, user: User) -> Self {
        Self {
            users: HashMap::from([(token, user)]),
        }
    }
}

#[async_trait]
impl TokenAuthenticator for TokenFile {
    async fn authenticate(&self, token: &str, _asked: Asked<'_>) -> Outcome {
        Ok(self.users.get(token).cloned().map(Authenticated::user))
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::Trial;
    use super::TokenFile;

    fn read(text: &str) -> Result<TokenFile, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tokens.csv");
        std::fs::write(&path, text).unwrap();
        let told = |error: super::TokenFileError| error.to_string().replace(path.to_str().unwrap(), "FILE");
        TokenFile::read(&path).map_err(told)
    }

    #[tokio::test]
    async fn a_line_gives_a_token_a_name_a_uid_and_perhaps_groups() {
        let file = read("t1,jane,7,\"dev,ops\"\nt2,bob,8\n,nobody,9\nt3,eve,1,\nt1,jane,10,dev,more\n").unwrap();
        let asked = async |token: &str| Trial::new().ask_token(&file, token).await.unwrap();
        let jane = asked("t1").await.unwrap().user;
        assert_eq!(
            (&*jane.name, &*jane.uid, &jane.groups),
            ("jane", "10", &vec!["dev".into()])
        );
        let bob = asked("t2").await.unwrap().user;
        assert_eq!((&*bob.name, bob.groups.len()), ("bob", 0));
        // As upstream: a column that is there and empty is one group without a name.
        assert_eq!(asked("t3").await.unwrap().user.groups, [""]);
        assert_eq!(asked("").await, None);
        assert_eq!(asked("t4").await, None);
    }

    #[test]
    fn a_file_that_says_too_little_is_refused() {
        let text = "token file 'FILE' must have at least 3 columns (token, user name, user uid), found 2";
        assert_eq!(read("a,b\n").err().unwrap(), text);
        let text = "parse error on line 1, column 3: extraneous or missing \" in quoted-field";
        assert_eq!(read("\"a\"b,c,d\n").err().unwrap(), text);
        assert!(TokenFile::read(std::path::Path::new("/nowhere/at/all")).is_err());
    }
}
