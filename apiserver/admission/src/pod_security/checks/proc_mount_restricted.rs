//! What runtimes hide below `/proc` stays hidden, whoever a pod's users are.

use super::{Check, proc_mount};

pub(super) const CHECK: Check = Check::restricted("procMount_restricted", &[(35, proc_mount::since_0)], &["procMount"]);
