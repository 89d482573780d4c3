//! The alarms that stand, and who raised them.

use imbl::OrdMap;
use prost::Message;
use proto::etcd::{AlarmMember, AlarmType};
use store_engine::{Batch, Engine, Order, Space};

use crate::error::OpenError;

/// Kind (4 bytes, big-endian) and member (8 bytes) to `AlarmMember`.
const SPACE: Space = Space(6);

/// Alarms by kind and member. A clone is a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alarms(OrdMap<(i32, u64), ()>);

impl Alarms {
    pub(crate) fn open(engine: &dyn Engine) -> Result<Self, OpenError> {
        let mut alarms = Self::default();
        let mut cursor = engine.scan(SPACE, &[], None, Order::Ascending);
        while cursor.valid() {
            let alarm = AlarmMember::decode(cursor.value()).map_err(|error| OpenError::Corrupt(error.to_string()))?;
            alarms.0.insert((alarm.alarm, alarm.member_id), ());
            cursor.advance();
        }
        cursor.status()?;
        Ok(alarms)
    }

    /// The alarms of one kind, of all kinds for `None`.
    pub fn list(&self, kind: AlarmType) -> Vec<AlarmMember> {
        let wanted = |alarm: i32| kind == AlarmType::None || alarm == i32::from(kind);
        let alarms = self.0.keys().filter(|(alarm, _)| wanted(*alarm));
        alarms
            .map(|(alarm, member_id)| AlarmMember {
                member_id: *member_id,
                alarm: *alarm,
            })
            .collect()
    }

    /// Whether a member ran out of space, so that nothing may be put.
    pub fn no_space(&self) -> bool {
        self.any(AlarmType::Nospace)
    }

    /// Whether members disagree about the data, so that nothing may be touched.
    pub fn corrupt(&self) -> bool {
        self.any(AlarmType::Corrupt)
    }

    fn any(&self, kind: AlarmType) -> bool {
        self.0.keys().any(|(alarm, _)| *alarm == i32::from(kind))
    }

    /// Raises an alarm; false when it stands already.
    pub(crate) fn raise(&mut self, kind: AlarmType, member_id: u64, batch: &mut Batch) -> bool {
        let alarm = AlarmMember {
            member_id,
            alarm: kind.into(),
        };
        batch.put(SPACE, &key(kind, member_id), &alarm.encode_to_vec());
        self.0.insert((kind.into(), member_id), ()).is_none()
    }

    /// Lifts an alarm; false when it does not stand.
    pub(crate) fn lift(&mut self, kind: AlarmType, member_id: u64, batch: &mut Batch) -> bool {
        batch.delete(SPACE, &key(kind, member_id));
        self.0.remove(&(kind.into(), member_id)).is_some()
    }
}

fn key(kind: AlarmType, member: u64) -> Vec<u8> {
    [&i32::from(kind).to_be_bytes()[..], &member.to_be_bytes()].concat()
}
