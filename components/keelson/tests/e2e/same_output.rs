//! Every script in `scripts/`, against etcd and Keelson.

use crate::script::check;

macro_rules! scripts {
    ($($name:ident,)*) => {$(
        #[test]
        fn $name() {
            check(include_str!(concat!("scripts/", stringify!($name), ".txt")));
        }
    )*};
}

scripts! {
    keys,
    ranges,
    transactions,
    watches,
    leases,
    locks,
    users,
    maintenance,
    gateway,
    mistakes,
    snapshots,
    three_members,
    members,
    mirror,
}
