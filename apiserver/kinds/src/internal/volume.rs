//! The internal types of a volume.

use super::container::{FIELD, RESOURCE_FIELD};
use super::pod::NAMED;
use super::{Type, any, flag, list, number, pointer, selector, text};

/// A volume; its source stands in it.
pub(super) static VOLUME: Type = Type(&[
    text("Name", "name"),
    pointer(
        "HostPath",
        "hostPath",
        &Type(&[text("Path", "path"), any("Type", "type")]),
    ),
    pointer(
        "EmptyDir",
        "emptyDir",
        &Type(&[text("Medium", "medium"), any("SizeLimit", "sizeLimit")]),
    ),
    pointer("GCEPersistentDisk", "gcePersistentDisk", &GCE_DISK),
    pointer("AWSElasticBlockStore", "awsElasticBlockStore", &AWS_DISK),
    pointer("GitRepo", "gitRepo", &GIT_REPO),
    pointer("Secret", "secret", &SECRET),
    pointer("NFS", "nfs", &NFS),
    pointer("ISCSI", "iscsi", &ISCSI),
    pointer("Glusterfs", "glusterfs", &GLUSTER),
    pointer("PersistentVolumeClaim", "persistentVolumeClaim", &CLAIM),
    pointer("RBD", "rbd", &RBD),
    pointer("Quobyte", "quobyte", &QUOBYTE),
    pointer("FlexVolume", "flexVolume", &FLEX),
    pointer("Cinder", "cinder", &CINDER),
    pointer("CephFS", "cephfs", &CEPH),
    pointer("Flocker", "flocker", &FLOCKER),
    pointer("DownwardAPI", "downwardAPI", &DOWNWARD),
    pointer("FC", "fc", &FC),
    pointer("AzureFile", "azureFile", &AZURE_FILE),
    pointer("ConfigMap", "configMap", &CONFIG_MAP),
    pointer("VsphereVolume", "vsphereVolume", &VSPHERE),
    pointer("AzureDisk", "azureDisk", &AZURE_DISK),
    pointer("PhotonPersistentDisk", "photonPersistentDisk", &PHOTON),
    pointer("Projected", "projected", &PROJECTED),
    pointer("PortworxVolume", "portworxVolume", &PORTWORX),
    pointer("ScaleIO", "scaleIO", &SCALE_IO),
    pointer("StorageOS", "storageos", &STORAGE_OS),
    pointer("CSI", "csi", &CSI),
    pointer(
        "Ephemeral",
        "ephemeral",
        &Type(&[any("VolumeClaimTemplate", "volumeClaimTemplate")]),
    ),
    pointer(
        "Image",
        "image",
        &Type(&[text("Reference", "reference"), text("PullPolicy", "pullPolicy")]),
    ),
]);

static GCE_DISK: Type = Type(&[
    text("PDName", "pdName"),
    text("FSType", "fsType"),
    number("Partition", "partition"),
    flag("ReadOnly", "readOnly"),
]);

static AWS_DISK: Type = Type(&[
    text("VolumeID", "volumeID"),
    text("FSType", "fsType"),
    number("Partition", "partition"),
    flag("ReadOnly", "readOnly"),
]);

static GIT_REPO: Type = Type(&[
    text("Repository", "repository"),
    text("Revision", "revision"),
    text("Directory", "directory"),
]);

static ITEM: Type = Type(&[text("Key", "key"), text("Path", "path"), any("Mode", "mode")]);

static SECRET: Type = Type(&[
    text("SecretName", "secretName"),
    list("Items", "items", &ITEM),
    any("DefaultMode", "defaultMode"),
    any("Optional", "optional"),
]);

static CONFIG_MAP: Type = Type(&[
    text("Name", "name"),
    list("Items", "items", &ITEM),
    any("DefaultMode", "defaultMode"),
    any("Optional", "optional"),
]);

static NFS: Type = Type(&[
    text("Server", "server"),
    text("Path", "path"),
    flag("ReadOnly", "readOnly"),
]);

static ISCSI: Type = Type(&[
    text("TargetPortal", "targetPortal"),
    text("IQN", "iqn"),
    number("Lun", "lun"),
    text("ISCSIInterface", "iscsiInterface"),
    text("FSType", "fsType"),
    flag("ReadOnly", "readOnly"),
    any("Portals", "portals"),
    flag("DiscoveryCHAPAuth", "chapAuthDiscovery"),
    flag("SessionCHAPAuth", "chapAuthSession"),
    pointer("SecretRef", "secretRef", &NAMED),
    any("InitiatorName", "initiatorName"),
]);

static GLUSTER: Type = Type(&[
    text("EndpointsName", "endpoints"),
    text("Path", "path"),
    flag("ReadOnly", "readOnly"),
]);

static CLAIM: Type = Type(&[text("ClaimName", "claimName"), flag("ReadOnly", "readOnly")]);

static RBD: Type = Type(&[
    any("CephMonitors", "monitors"),
    text("RBDImage", "image"),
    text("FSType", "fsType"),
    text("RBDPool", "pool"),
    text("RadosUser", "user"),
    text("Keyring", "keyring"),
    pointer("SecretRef", "secretRef", &NAMED),
    flag("ReadOnly", "readOnly"),
]);

static QUOBYTE: Type = Type(&[
    text("Registry", "registry"),
    text("Volume", "volume"),
    flag("ReadOnly", "readOnly"),
    text("User", "user"),
    text("Group", "group"),
    text("Tenant", "tenant"),
]);

static FLEX: Type = Type(&[
    text("Driver", "driver"),
    text("FSType", "fsType"),
    pointer("SecretRef", "secretRef", &NAMED),
    flag("ReadOnly", "readOnly"),
    any("Options", "options"),
]);

static CINDER: Type = Type(&[
    text("VolumeID", "volumeID"),
    text("FSType", "fsType"),
    flag("ReadOnly", "readOnly"),
    pointer("SecretRef", "secretRef", &NAMED),
]);

static CEPH: Type = Type(&[
    any("Monitors", "monitors"),
    text("Path", "path"),
    text("User", "user"),
    text("SecretFile", "secretFile"),
    pointer("SecretRef", "secretRef", &NAMED),
    flag("ReadOnly", "readOnly"),
]);

static FLOCKER: Type = Type(&[text("DatasetName", "datasetName"), text("DatasetUUID", "datasetUUID")]);

static DOWNWARD: Type = Type(&[
    list("Items", "items", &DOWNWARD_ITEM),
    any("DefaultMode", "defaultMode"),
]);

static DOWNWARD_ITEM: Type = Type(&[
    text("Path", "path"),
    pointer("FieldRef", "fieldRef", &FIELD),
    pointer("ResourceFieldRef", "resourceFieldRef", &RESOURCE_FIELD),
    any("Mode", "mode"),
]);

static FC: Type = Type(&[
    any("TargetWWNs", "targetWWNs"),
    any("Lun", "lun"),
    text("FSType", "fsType"),
    flag("ReadOnly", "readOnly"),
    any("WWIDs", "wwids"),
]);

static AZURE_FILE: Type = Type(&[
    text("SecretName", "secretName"),
    text("ShareName", "shareName"),
    flag("ReadOnly", "readOnly"),
]);

static VSPHERE: Type = Type(&[
    text("VolumePath", "volumePath"),
    text("FSType", "fsType"),
    text("StoragePolicyName", "storagePolicyName"),
    text("StoragePolicyID", "storagePolicyID"),
]);

static AZURE_DISK: Type = Type(&[
    text("DiskName", "diskName"),
    text("DataDiskURI", "diskURI"),
    any("CachingMode", "cachingMode"),
    any("FSType", "fsType"),
    any("ReadOnly", "readOnly"),
    any("Kind", "kind"),
]);

static PHOTON: Type = Type(&[text("PdID", "pdID"), text("FSType", "fsType")]);

static PROJECTED: Type = Type(&[list("Sources", "sources", &SOURCE), any("DefaultMode", "defaultMode")]);

static SOURCE: Type = Type(&[
    pointer("Secret", "secret", &SOURCE_ITEMS),
    pointer(
        "DownwardAPI",
        "downwardAPI",
        &Type(&[list("Items", "items", &DOWNWARD_ITEM)]),
    ),
    pointer("ConfigMap", "configMap", &SOURCE_ITEMS),
    pointer("ServiceAccountToken", "serviceAccountToken", &TOKEN),
    pointer("ClusterTrustBundle", "clusterTrustBundle", &TRUST),
    pointer("PodCertificate", "podCertificate", &CERTIFICATE),
]);

static SOURCE_ITEMS: Type = Type(&[
    text("Name", "name"),
    list("Items", "items", &ITEM),
    any("Optional", "optional"),
]);

static TOKEN: Type = Type(&[
    text("Audience", "audience"),
    number("ExpirationSeconds", "expirationSeconds"),
    text("Path", "path"),
]);

static TRUST: Type = Type(&[
    any("Name", "name"),
    any("SignerName", "signerName"),
    selector("LabelSelector", "labelSelector"),
    any("Optional", "optional"),
    text("Path", "path"),
]);

static CERTIFICATE: Type = Type(&[
    text("SignerName", "signerName"),
    text("KeyType", "keyType"),
    any("MaxExpirationSeconds", "maxExpirationSeconds"),
    text("CredentialBundlePath", "credentialBundlePath"),
    text("KeyPath", "keyPath"),
    text("CertificateChainPath", "certificateChainPath"),
    any("UserAnnotations", "userAnnotations"),
]);

static PORTWORX: Type = Type(&[
    text("VolumeID", "volumeID"),
    text("FSType", "fsType"),
    flag("ReadOnly", "readOnly"),
]);

static SCALE_IO: Type = Type(&[
    text("Gateway", "gateway"),
    text("System", "system"),
    pointer("SecretRef", "secretRef", &NAMED),
    flag("SSLEnabled", "sslEnabled"),
    text("ProtectionDomain", "protectionDomain"),
    text("StoragePool", "storagePool"),
    text("StorageMode", "storageMode"),
    text("VolumeName", "volumeName"),
    text("FSType", "fsType"),
    flag("ReadOnly", "readOnly"),
]);

static STORAGE_OS: Type = Type(&[
    text("VolumeName", "volumeName"),
    text("VolumeNamespace", "volumeNamespace"),
    text("FSType", "fsType"),
    flag("ReadOnly", "readOnly"),
    pointer("SecretRef", "secretRef", &NAMED),
]);

static CSI: Type = Type(&[
    text("Driver", "driver"),
    any("ReadOnly", "readOnly"),
    any("FSType", "fsType"),
    any("VolumeAttributes", "volumeAttributes"),
    pointer("NodePublishSecretRef", "nodePublishSecretRef", &NAMED),
]);
