//! What a request says of how it is to be connected: `PodExecOptions` and its like, read from the query.

use apiserver_api::go;
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;

use super::Asked;

/// Reads the options of a subresource as an object of the API, as admission sees it.
///
/// # Errors
/// 400 where a value is none.
pub(super) fn read(asked: &Asked<'_>) -> Result<Tree, Status> {
    let (kind, mut options) = match asked.part {
        "exec" => ("PodExecOptions", streams(asked, true)),
        "attach" => ("PodAttachOptions", streams(asked, false)),
        "portforward" => ("PodPortForwardOptions", ports(asked)?),
        _ => {
            let mut options = Tree::map();
            let path = path(asked);
            if !path.is_empty() {
                options.set("path", path);
            }
            let kind = match asked.resource.resource.as_str() {
                "nodes" => "NodeProxyOptions",
                "services" => "ServiceProxyOptions",
                _ => "PodProxyOptions",
            };
            (kind, options)
        }
    };
    meta::set_type(&mut options, "v1", kind);
    Ok(options)
}

fn streams(asked: &Asked<'_>, takes_command: bool) -> Tree {
    let query = &asked.call.query;
    let mut options = Tree::map();
    for stream in ["stdin", "stdout", "stderr", "tty"] {
        // Whoever says anything at all gets both outputs: upstream's defaults leave no way to say no.
        let given = match stream {
            "stdout" | "stderr" => asked.call.uri.query().is_some_and(|query| !query.is_empty()),
            _ => query.flag(stream).unwrap_or_default(),
        };
        if given {
            options.set(stream, true);
        }
    }
    let container = query.text("container");
    if !container.is_empty() {
        options.set("container", container);
    }
    if takes_command {
        options.set("command", query.all("command").collect::<Tree>());
    }
    options
}

fn ports(asked: &Asked<'_>) -> Result<Tree, Status> {
    let given = asked.call.query.all("ports").flat_map(|ports| ports.split(','));
    let ports = given.map(port).collect::<Result<Vec<Tree>, Status>>()?;
    let mut options = Tree::map();
    if !ports.is_empty() {
        options.set("ports", Tree::List(ports));
    }
    Ok(options)
}

fn port(text: &str) -> Result<Tree, Status> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let why = match text.parse::<u16>() {
        Ok(port) if is_number => return Ok(i64::from(port).into()),
        Err(_) if is_number => "value out of range",
        _ => "invalid syntax",
    };
    let quoted = go::quote(text);
    Err(Status::bad_request(format!(
        "cannot convert to []int32: strconv.ParseUint: parsing {quoted}: {why}"
    )))
}

/// What stands behind `proxy` in the path, with the slash at its end.
fn path(asked: &Asked<'_>) -> String {
    let mut path = asked.call.info.rest.join("/");
    if !path.is_empty() {
        path.insert(0, '/');
    }
    if asked.call.path.ends_with('/') && !path.ends_with('/') {
        path.push('/');
    }
    path
}
