//! Which container of a pod is meant.

use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;

/// The container that is named, or the only one.
///
/// # Errors
/// 400 where there is none of the name, or none is named and there is not one.
pub(super) fn choose(pod: &Tree, named: &str) -> Result<String, Status> {
    let spec = pod.at("spec");
    let lists = ["initContainers", "containers", "ephemeralContainers"];
    let names = || {
        lists
            .iter()
            .flat_map(|list| spec.items(list))
            .map(|one| one.text("name"))
    };
    let pod = meta::name(pod);
    if !named.is_empty() {
        return if names().any(|name| name == named) {
            Ok(named.to_owned())
        } else {
            Err(Status::bad_request(format!(
                "container {named} is not valid for pod {pod}"
            )))
        };
    }
    match spec.items("containers") {
        [only] => Ok(only.text("name").to_owned()),
        [] => Err(Status::bad_request(format!(
            "a container name must be specified for pod {pod}"
        ))),
        _ => {
            let names = names().collect::<Vec<_>>().join(" ");
            let message = format!("a container name must be specified for pod {pod}, choose one of: [{names}]");
            Err(Status::bad_request(message))
        }
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::parse;

    use super::choose;

    fn chosen(spec: &str, named: &str) -> Result<String, String> {
        let pod = format!(r#"{{"metadata":{{"name":"x"}},"spec":{spec}}}"#);
        choose(&parse(pod.as_bytes()).unwrap().tree, named).map_err(|status| status.message)
    }

    #[test]
    fn the_only_container_is_meant_where_none_is_named() {
        let one =
            r#"{"initContainers":[{"name":"i"}],"containers":[{"name":"a"}],"ephemeralContainers":[{"name":"e"}]}"#;
        for named in ["a", "i", "e"] {
            assert_eq!(chosen(one, named).as_deref(), Ok(named));
        }
        assert_eq!(chosen(one, "").as_deref(), Ok("a"));
        assert_eq!(chosen(one, "zz").unwrap_err(), "container zz is not valid for pod x");
        assert_eq!(
            chosen("{}", "").unwrap_err(),
            "a container name must be specified for pod x"
        );
    }

    #[test]
    fn of_several_containers_one_must_be_named() {
        let two = r#"{"containers":[{"name":"a"},{"name":"b"}],"initContainers":[{"name":"i"}]}"#;
        assert_eq!(
            chosen(two, "").unwrap_err(),
            "a container name must be specified for pod x, choose one of: [i a b]"
        );
    }
}
