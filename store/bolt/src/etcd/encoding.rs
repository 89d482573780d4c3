//! How etcd encodes revisions, numbers, members and versions.

use bytes::Bytes;
use proto::etcd::Member;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Error, Result};

/// Eight bytes, `_`, eight bytes.
const REVISION: usize = 17;
const SEPARATOR: u8 = b'_';
const TOMBSTONE: u8 = b't';

/// The key of a version: its revision, and a mark if it is a deletion.
pub(crate) fn encode_revision(main: i64, sub: i64, tombstone: bool) -> Vec<u8> {
    let mut key = Vec::with_capacity(REVISION + 1);
    key.extend_from_slice(&main.to_be_bytes());
    key.push(SEPARATOR);
    key.extend_from_slice(&sub.to_be_bytes());
    if tombstone {
        key.push(TOMBSTONE);
    }
    key
}

/// Main revision, sub revision and whether it is a deletion.
pub(crate) fn decode_revision(key: &[u8]) -> Result<(i64, i64, bool)> {
    let broken = || Error::corrupt(format!("not a revision: {key:02x?}"));
    let (main, rest) = key.split_first_chunk().ok_or_else(broken)?;
    let rest = rest.strip_prefix(&[SEPARATOR]).ok_or_else(broken)?;
    let (sub, mark) = rest.split_first_chunk().ok_or_else(broken)?;
    let tombstone = match mark {
        [] => false,
        [TOMBSTONE] => true,
        _ => return Err(broken()),
    };
    Ok((i64::from_be_bytes(*main), i64::from_be_bytes(*sub), tombstone))
}

pub(crate) fn decode_u64(value: &[u8]) -> Result<u64> {
    let bytes = value
        .try_into()
        .map_err(|_| Error::corrupt(format!("not a number of eight bytes: {value:02x?}")))?;
    Ok(u64::from_be_bytes(bytes))
}

pub(crate) fn decode_text(value: &[u8]) -> Result<String> {
    String::from_utf8(value.to_vec()).map_err(|_| Error::corrupt("text that is not UTF-8"))
}

pub(crate) fn decode_message<M: prost::Message + Default>(what: &str, value: Bytes) -> Result<M> {
    M::decode(value).map_err(|error| Error::corrupt(format!("{what}: {error}")))
}

pub(crate) fn decode_json<'a, T: Deserialize<'a>>(what: &str, value: &'a [u8]) -> Result<T> {
    serde_json::from_slice(value).map_err(|error| Error::corrupt(format!("{what}: {error}")))
}

pub(crate) fn encode_json<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| Error::Source(error.into()))
}

/// A member id as a key: lower-case hexadecimal without leading zeros.
pub(crate) fn encode_id(id: u64) -> Vec<u8> {
    format!("{id:x}").into_bytes()
}

pub(crate) fn decode_id(key: &[u8]) -> Result<u64> {
    let id = std::str::from_utf8(key)
        .ok()
        .and_then(|text| u64::from_str_radix(text, 16).ok());
    id.ok_or_else(|| Error::corrupt(format!("not a member id: {key:02x?}")))
}

/// A member as etcd writes it in JSON. Go writes a missing list as null.
#[derive(Serialize, Deserialize)]
struct JsonMember {
    id: u64,
    #[serde(rename = "peerURLs", default, deserialize_with = "list")]
    peer_urls: Vec<String>,
    #[serde(rename = "isLearner", default, skip_serializing_if = "std::ops::Not::not")]
    is_learner: bool,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(
        rename = "clientURLs",
        default,
        deserialize_with = "list",
        skip_serializing_if = "Vec::is_empty"
    )]
    client_urls: Vec<String>,
}

pub(crate) fn encode_member(member: &Member) -> Result<Vec<u8>> {
    encode_json(&JsonMember {
        id: member.id,
        peer_urls: member.peer_ur_ls.clone(),
        is_learner: member.is_learner,
        name: member.name.clone(),
        client_urls: member.client_ur_ls.clone(),
    })
}

pub(crate) fn decode_member(value: &[u8]) -> Result<Member> {
    let member: JsonMember = decode_json("member", value)?;
    Ok(Member {
        id: member.id,
        name: member.name,
        peer_ur_ls: member.peer_urls,
        client_ur_ls: member.client_urls,
        is_learner: member.is_learner,
    })
}

/// A list that may be null.
pub(crate) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(input: D) -> std::result::Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(input)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_sort_as_they_happened() {
        let keys = [(1, 0, false), (2, 0, true), (2, 1, false), (256, 0, false)];
        let encoded: Vec<_> = keys
            .iter()
            .map(|&(main, sub, tombstone)| encode_revision(main, sub, tombstone))
            .collect();
        assert!(encoded.is_sorted());
        for (key, bytes) in keys.iter().zip(&encoded) {
            assert_eq!(decode_revision(bytes).unwrap(), *key);
        }
        assert_eq!(encoded[1], b"\0\0\0\0\0\0\0\x02_\0\0\0\0\0\0\0\0t");
        for bad in [
            &b""[..],
            b"\0\0\0\0\0\0\0\x02_\0\0\0\0\0\0\0",
            b"\0\0\0\0\0\0\0\x02-\0\0\0\0\0\0\0\0",
            &[b'_'; 19],
        ] {
            assert!(decode_revision(bad).is_err());
        }
    }

    #[test]
    fn members_are_written_as_go_does() {
        let member = Member {
            id: 0x8e9e_05c5_2164_694d,
            name: "default".into(),
            peer_ur_ls: vec!["http://localhost:2380".into()],
            client_ur_ls: vec!["http://localhost:2379".into()],
            is_learner: false,
        };
        let text = r#"{"id":10276657743932975437,"peerURLs":["http://localhost:2380"],"name":"default","clientURLs":["http://localhost:2379"]}"#;
        assert_eq!(String::from_utf8(encode_member(&member).unwrap()).unwrap(), text);
        assert_eq!(decode_member(text.as_bytes()).unwrap(), member);
        let learner = decode_member(br#"{"id":1,"peerURLs":null,"isLearner":true}"#).unwrap();
        assert!(learner.is_learner && learner.name.is_empty());
        assert_eq!(encode_id(member.id), b"8e9e05c52164694d");
        assert_eq!(decode_id(b"8e9e05c52164694d").unwrap(), member.id);
        assert!(decode_id(b"").is_err() && decode_id(b"x").is_err());
    }
}
