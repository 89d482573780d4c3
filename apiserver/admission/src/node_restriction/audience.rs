//! For whom a pod has a use for tokens: what its volumes name, and what the drivers of its volumes ask for.

use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::tree::Tree;

use super::Asker;
use crate::pods::projected;
use crate::refuse::together;

const CLAIMS: GroupResource = GroupResource::known("", "persistentvolumeclaims");
const VOLUMES: GroupResource = GroupResource::known("", "persistentvolumes");
const DRIVERS: GroupResource = GroupResource::known("storage.k8s.io", "csidrivers");

/// Volumes of old and the drivers that took them over.
const TAKEN_OVER: [(&str, &str); 7] = [
    ("awsElasticBlockStore", "ebs.csi.aws.com"),
    ("azureDisk", "disk.csi.azure.com"),
    ("azureFile", "file.csi.azure.com"),
    ("cinder", "cinder.csi.openstack.org"),
    ("gcePersistentDisk", "pd.csi.storage.gke.io"),
    ("portworxVolume", "pxd.portworx.com"),
    ("vsphereVolume", "csi.vsphere.vmware.com"),
];

/// Whether a pod has a use for tokens for an audience.
///
/// # Errors
/// What could not be looked up, where nothing else answers the question.
pub(super) fn is_used(asker: &Asker<'_>, pod: &Tree, audience: &str) -> Result<bool, String> {
    let spec = pod.at("spec");
    let mut tokens = projected(spec).map(|source| source.at("serviceAccountToken"));
    if tokens.any(|token| !token.is_null() && token.text("audience") == audience) {
        return Ok(true);
    }
    let mut missing = Vec::new();
    for volume in spec.items("volumes") {
        match driver(asker, pod, volume).and_then(|driver| asks(asker, driver.as_deref(), audience)) {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(error) => missing.push(error),
        }
    }
    together(&missing).map_or(Ok(false), Err)
}

/// The driver of a pod's volume, if it has one.
fn driver(asker: &Asker<'_>, pod: &Tree, volume: &Tree) -> Result<Option<String>, String> {
    if volume.at("ephemeral").has("volumeClaimTemplate") {
        let claim = format!("{}-{}", meta::name(pod), volume.text("name"));
        return driver_of_claim(asker, &claim);
    }
    if volume.has("persistentVolumeClaim") {
        return driver_of_claim(asker, volume.at("persistentVolumeClaim").text("claimName"));
    }
    Ok(driver_of_source(volume))
}

fn driver_of_claim(asker: &Asker<'_>, name: &str) -> Result<Option<String>, String> {
    let namespace = asker.request.namespace;
    let claim = asker.cached(&CLAIMS, "persistentvolumeclaim", namespace, name);
    let claim = claim.map_err(|status| status.message)?;
    let volume = claim.at("spec").text("volumeName");
    let volume = asker.cached(&VOLUMES, "persistentvolume", "", volume);
    Ok(driver_of_source(volume.map_err(|status| status.message)?.at("spec")))
}

fn driver_of_source(source: &Tree) -> Option<String> {
    if source.has("csi") {
        return Some(source.at("csi").text("driver").to_owned());
    }
    let taken = TAKEN_OVER.iter().find(|(old, _)| source.has(old));
    taken.map(|(_, driver)| (*driver).to_owned())
}

/// Whether a driver asks for tokens for an audience.
fn asks(asker: &Asker<'_>, driver: Option<&str>, audience: &str) -> Result<bool, String> {
    let Some(driver) = driver.filter(|driver| !driver.is_empty()) else {
        return Ok(false);
    };
    let driver = asker.cached(&DRIVERS, "csidriver", "", driver);
    let driver = driver.map_err(|status| status.message)?;
    let mut requests = driver.at("spec").items("tokenRequests").iter();
    Ok(requests.any(|request| request.text("audience") == audience))
}
