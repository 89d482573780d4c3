//! Refusals become gRPC statuses here and nowhere else: upstream's code with upstream's text.

use proto::fault::Fault;
use tonic::{Code, Status};

/// The status of a fault.
pub(crate) fn of_fault(fault: Fault) -> Status {
    Status::new(Code::from_i32(fault.code() as i32), fault.text())
}

/// The status of what a member refused.
pub(crate) fn of_error(error: store_node::Error) -> Status {
    Status::new(Code::from_i32(error.code()), error.text())
}
