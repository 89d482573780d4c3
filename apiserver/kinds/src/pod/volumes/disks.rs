//! Volumes that are disks of clouds and of storage products.

use apiserver_api::names::dns_label;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::optional_label;
use crate::text::{required, required_fields};

const CACHING: &[&str] = &["None", "ReadOnly", "ReadWrite"];
const AZURE_KINDS: &[&str] = &["Dedicated", "Managed", "Shared"];
const MANAGED_URI: &str =
    "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}";
const BLOB_URI: &str = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd";

/// A disk; `field` is the name of the source in a volume.
pub(super) fn validate(path: &Path<'_>, field: &str, source: &Tree, refusals: &mut Refusals) {
    let must: &[&str] = match field {
        "gcePersistentDisk" => &["pdName"],
        "awsElasticBlockStore" | "portworxVolume" | "cinder" => &["volumeID"],
        "vsphereVolume" => &["volumePath"],
        "photonPersistentDisk" => &["pdID"],
        "azureFile" => &["secretName", "shareName"],
        "azureDisk" => &["diskName", "diskURI"],
        "scaleIO" => &["gateway", "system", "volumeName"],
        _ => &[],
    };
    required_fields(path, source, must, refusals);
    match field {
        "gcePersistentDisk" | "awsElasticBlockStore" => {
            let partition = source.int("partition");
            if !(0..=255).contains(&partition) {
                let detail = "must be between 1 and 255, inclusive";
                refusals.invalid(&path.field("partition"), partition, detail);
            }
        }
        "cinder" => required_secret(path, source, refusals),
        "azureDisk" => validate_azure(path, source, refusals),
        "flocker" => validate_flocker(path, source, refusals),
        "storageos" => {
            required(
                &path.field("volumeName"),
                source.text("volumeName"),
                dns_label,
                refusals,
            );
            optional_label(&path.field("volumeNamespace"), source.text("volumeNamespace"), refusals);
            required_secret(path, source, refusals);
        }
        _ => {}
    }
}

/// A reference to a secret, where there is one, has a name.
fn required_secret(path: &Path<'_>, source: &Tree, refusals: &mut Refusals) {
    if source.has("secretRef") {
        required_fields(&path.field("secretRef"), source.at("secretRef"), &["name"], refusals);
    }
}

fn validate_azure(path: &Path<'_>, source: &Tree, refusals: &mut Refusals) {
    for (field, known) in [("cachingMode", CACHING), ("kind", AZURE_KINDS)] {
        if let Some(value) = source.at(field).as_str()
            && !known.contains(&value)
        {
            refusals.not_supported(&path.field(field), value, known);
        }
    }
    let (uri, path) = (source.text("diskURI"), path.field("diskURI"));
    match source.at("kind").as_str() {
        Some("Managed") if !uri.starts_with("/subscriptions/") => {
            refusals.not_supported(&path, uri, &[MANAGED_URI]);
        }
        Some(kind) if kind != "Managed" && !uri.starts_with("https://") => {
            refusals.not_supported(&path, uri, &[BLOB_URI]);
        }
        _ => {}
    }
}

fn validate_flocker(path: &Path<'_>, source: &Tree, refusals: &mut Refusals) {
    let (name, id) = (source.text("datasetName"), source.text("datasetUUID"));
    match (name.is_empty(), id.is_empty()) {
        (true, true) => refusals.required(path, "one of datasetName and datasetUUID is required"),
        (false, false) => {
            let detail = "datasetName and datasetUUID can not be specified simultaneously";
            refusals.invalid(path, "resource", detail);
        }
        _ => {}
    }
    if name.contains('/') {
        refusals.invalid(&path.field("datasetName"), name, "must not contain '/'");
    }
}

#[cfg(test)]
mod tests {
    use super::{Path, Refusals, validate};
    use crate::pod::testing::json;

    #[test]
    fn a_disk_is_named_as_its_owner_names_it() {
        for (field, source, wrong) in [
            ("gcePersistentDisk", r#"{"pdName":"d","partition":256}"#, 1),
            ("awsElasticBlockStore", r#"{"volumeID":"v"}"#, 0),
            ("azureDisk", r#"{"diskName":"d","diskURI":"x","kind":"Managed"}"#, 1),
            (
                "azureDisk",
                r#"{"diskName":"d","diskURI":"https://x","kind":"Shared"}"#,
                0,
            ),
            ("azureFile", "{}", 2),
            ("scaleIO", "{}", 3),
            ("flocker", "{}", 1),
            ("flocker", r#"{"datasetName":"a/b"}"#, 1),
            ("storageos", r#"{"volumeName":"v","secretRef":{}}"#, 1),
            ("cinder", r#"{"volumeID":"v","secretRef":{"name":"x"}}"#, 0),
        ] {
            let mut refusals = Refusals::new();
            validate(&Path::of(field), field, &json(source), &mut refusals);
            assert_eq!(refusals.len(), wrong, "{field} {source}");
        }
    }
}
