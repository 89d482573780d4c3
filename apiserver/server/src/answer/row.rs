//! What a table shows of an object, kept with the object: all of it but how long ago something was.

use apiserver_api::time::Time;
use apiserver_api::tree::{self, Tree};
use apiserver_kinds::{Ago, Cell, Column, Kind};
use apiserver_storage::object::Object;
use bytes::BytesMut;

/// The cells of a row, and what stands beside them.
pub(super) struct Row {
    /// Of which columns they are.
    columns: &'static [Column],
    /// The cells as JSON, without those that say how long ago something was, and the conditions.
    text: Box<[u8]>,
    /// The others, and where in the text they stand.
    ages: Box<[(usize, Ago)]>,
}

impl Row {
    /// Of an object of a kind as it is stored.
    fn new(kind: &'static Kind, stored: &Tree) -> Self {
        let (mut text, mut ages) = (br#"{"cells":["#.to_vec(), Vec::new());
        for (at, column) in kind.columns.iter().enumerate() {
            if at > 0 {
                text.push(b',');
            }
            match column.cell {
                Cell::Is(cell) => cell(stored).write_json(&mut text),
                Cell::Ages(cell) => ages.push((text.len(), cell(stored))),
            }
        }
        text.push(b']');
        if let Some(conditions) = conditions(kind, stored) {
            text.extend_from_slice(br#","conditions":"#);
            conditions.write_json(&mut text);
        }
        text.extend_from_slice(br#","object":"#);
        Self {
            columns: kind.columns,
            text: text.into(),
            ages: ages.into(),
        }
    }

    /// Writes the beginning of an object's row, up to the object that it carries.
    pub(super) fn begin(kind: &'static Kind, object: &Object, now: Time, out: &mut BytesMut) {
        let make = || Self::new(kind, &object.tree());
        match object.shown(make) {
            // What two kinds share is stored as one of them, and shown by both alike.
            Some(row) if std::ptr::eq(row.columns, kind.columns) => row.write(now, out),
            _ => make().write(now, out),
        }
    }

    fn write(&self, now: Time, out: &mut BytesMut) {
        let mut from = 0;
        for (at, ago) in &self.ages {
            out.extend_from_slice(&self.text[from..*at]);
            let mut shown = Vec::with_capacity(16);
            tree::quoted(&ago.shown(now), &mut shown);
            out.extend_from_slice(&shown);
            from = *at;
        }
        out.extend_from_slice(&self.text[from..]);
    }
}

/// What a row says beyond its cells.
pub(super) fn conditions(kind: &Kind, stored: &Tree) -> Option<Tree> {
    let (reason, message) = kind.rules.ended(stored)?;
    let mut condition = Tree::map();
    condition.set("type", "Completed");
    condition.set("status", "True");
    condition.set("reason", reason);
    condition.set("message", message);
    Some(vec![condition].into())
}

#[cfg(test)]
mod tests {
    use apiserver_api::time::Time;
    use apiserver_kinds::Kind;
    use apiserver_storage::object::Object;
    use bytes::BytesMut;

    use super::Row;
    use crate::answer::samples;

    fn shown(kind: &'static Kind, object: &Object, now: &str) -> String {
        let mut out = BytesMut::new();
        Row::begin(kind, object, Time::parse(now).unwrap(), &mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn a_row_that_was_kept_tells_the_age_of_the_moment() {
        let pod = r#"{"metadata":{"name":"a\"b","creationTimestamp":"2026-01-01T00:00:00Z"},"spec":{"containers":[{"name":"c"}]},
            "status":{"phase":"Succeeded","containerStatuses":[{"name":"c","restartCount":2,
            "lastState":{"terminated":{"finishedAt":"2026-01-01T00:00:30Z"}},"state":{"running":{}},"ready":true}]}}"#;
        let pod = samples::object(pod);
        let kind = apiserver_kinds::all().find(|kind| kind.kind == "Pod").unwrap();
        let none = r#""\u003cnone\u003e""#;
        let told = |restarts: &str, age: &str| {
            format!(
                r#"{{"cells":["a\"b","1/1","Succeeded","{restarts}","{age}",{none},{none},{none},{none}],"conditions":[{{"message":"The pod has completed successfully.","reason":"Succeeded","status":"True","type":"Completed"}}],"object":"#
            )
        };
        assert_eq!(shown(kind, &pod, "2026-01-01T00:01:00Z"), told("2 (30s ago)", "60s"));
        assert_eq!(shown(kind, &pod, "2026-01-01T01:00:30Z"), told("2 (60m ago)", "60m"));
        // Another kind's columns are not taken for it.
        let other = apiserver_kinds::all().find(|kind| kind.kind == "ConfigMap").unwrap();
        let text = r#"{"cells":["a\"b",0,"60m"],"object":"#;
        assert_eq!(shown(other, &pod, "2026-01-01T01:00:30Z"), text);
    }
}
