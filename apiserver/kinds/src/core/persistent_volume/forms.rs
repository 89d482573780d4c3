//! Volumes as upstream's internal types print in messages.

use crate::go_form::{Holds, Part, part};

const TEXT: Holds = Holds::Text;
const BOOL: Holds = Holds::Bool;
const INT: Holds = Holds::Int;
const ANY: Holds = Holds::Optional;

const FS_TYPE: Part = part("FSType", "fsType", TEXT);
const READ_ONLY: Part = part("ReadOnly", "readOnly", BOOL);
const SECRET: &[Part] = &[part("Name", "name", TEXT), part("Namespace", "namespace", TEXT)];
const SECRET_REF: Part = part("SecretRef", "secretRef", Holds::Pointer(SECRET));
const REFERENCE: &[Part] = &[
    part("Kind", "kind", TEXT),
    part("Namespace", "namespace", TEXT),
    part("Name", "name", TEXT),
    part("UID", "uid", TEXT),
    part("APIVersion", "apiVersion", TEXT),
    part("ResourceVersion", "resourceVersion", TEXT),
    part("FieldPath", "fieldPath", TEXT),
];

const GCE: &[Part] = &[
    part("PDName", "pdName", TEXT),
    FS_TYPE,
    part("Partition", "partition", INT),
    READ_ONLY,
];
const AWS: &[Part] = &[
    part("VolumeID", "volumeID", TEXT),
    FS_TYPE,
    part("Partition", "partition", INT),
    READ_ONLY,
];
const HOST_PATH: &[Part] = &[part("Path", "path", TEXT), part("Type", "type", ANY)];
const GLUSTERFS: &[Part] = &[
    part("EndpointsName", "endpoints", TEXT),
    part("Path", "path", TEXT),
    READ_ONLY,
    part("EndpointsNamespace", "endpointsNamespace", ANY),
];
const NFS: &[Part] = &[part("Server", "server", TEXT), part("Path", "path", TEXT), READ_ONLY];
const RBD: &[Part] = &[
    part("CephMonitors", "monitors", ANY),
    part("RBDImage", "image", TEXT),
    FS_TYPE,
    part("RBDPool", "pool", TEXT),
    part("RadosUser", "user", TEXT),
    part("Keyring", "keyring", TEXT),
    SECRET_REF,
    READ_ONLY,
];
const QUOBYTE: &[Part] = &[
    part("Registry", "registry", TEXT),
    part("Volume", "volume", TEXT),
    READ_ONLY,
    part("User", "user", TEXT),
    part("Group", "group", TEXT),
    part("Tenant", "tenant", TEXT),
];
const ISCSI: &[Part] = &[
    part("TargetPortal", "targetPortal", TEXT),
    part("IQN", "iqn", TEXT),
    part("Lun", "lun", INT),
    part("ISCSIInterface", "iscsiInterface", TEXT),
    FS_TYPE,
    READ_ONLY,
    part("Portals", "portals", ANY),
    part("DiscoveryCHAPAuth", "chapAuthDiscovery", BOOL),
    part("SessionCHAPAuth", "chapAuthSession", BOOL),
    SECRET_REF,
    part("InitiatorName", "initiatorName", ANY),
];
const FLEX: &[Part] = &[
    part("Driver", "driver", TEXT),
    FS_TYPE,
    SECRET_REF,
    READ_ONLY,
    part("Options", "options", ANY),
];
const CINDER: &[Part] = &[part("VolumeID", "volumeID", TEXT), FS_TYPE, READ_ONLY, SECRET_REF];
const CEPHFS: &[Part] = &[
    part("Monitors", "monitors", ANY),
    part("Path", "path", TEXT),
    part("User", "user", TEXT),
    part("SecretFile", "secretFile", TEXT),
    SECRET_REF,
    READ_ONLY,
];
const FC: &[Part] = &[
    part("TargetWWNs", "targetWWNs", ANY),
    part("Lun", "lun", ANY),
    FS_TYPE,
    READ_ONLY,
    part("WWIDs", "wwids", ANY),
];
const FLOCKER: &[Part] = &[
    part("DatasetName", "datasetName", TEXT),
    part("DatasetUUID", "datasetUUID", TEXT),
];
const AZURE_FILE: &[Part] = &[
    part("SecretName", "secretName", TEXT),
    part("ShareName", "shareName", TEXT),
    READ_ONLY,
    part("SecretNamespace", "secretNamespace", ANY),
];
const VSPHERE: &[Part] = &[
    part("VolumePath", "volumePath", TEXT),
    FS_TYPE,
    part("StoragePolicyName", "storagePolicyName", TEXT),
    part("StoragePolicyID", "storagePolicyID", TEXT),
];
const AZURE_DISK: &[Part] = &[
    part("DiskName", "diskName", TEXT),
    part("DataDiskURI", "diskURI", TEXT),
    part("CachingMode", "cachingMode", ANY),
    part("FSType", "fsType", ANY),
    part("ReadOnly", "readOnly", ANY),
    part("Kind", "kind", ANY),
];
const PHOTON: &[Part] = &[part("PdID", "pdID", TEXT), FS_TYPE];
const PORTWORX: &[Part] = &[part("VolumeID", "volumeID", TEXT), FS_TYPE, READ_ONLY];
const SCALE_IO: &[Part] = &[
    part("Gateway", "gateway", TEXT),
    part("System", "system", TEXT),
    SECRET_REF,
    part("SSLEnabled", "sslEnabled", BOOL),
    part("ProtectionDomain", "protectionDomain", TEXT),
    part("StoragePool", "storagePool", TEXT),
    part("StorageMode", "storageMode", TEXT),
    part("VolumeName", "volumeName", TEXT),
    FS_TYPE,
    READ_ONLY,
];
const LOCAL: &[Part] = &[part("Path", "path", TEXT), part("FSType", "fsType", ANY)];
const STORAGE_OS: &[Part] = &[
    part("VolumeName", "volumeName", TEXT),
    part("VolumeNamespace", "volumeNamespace", TEXT),
    FS_TYPE,
    READ_ONLY,
    part("SecretRef", "secretRef", Holds::Pointer(REFERENCE)),
];
const CSI: &[Part] = &[
    part("Driver", "driver", TEXT),
    part("VolumeHandle", "volumeHandle", TEXT),
    READ_ONLY,
    FS_TYPE,
    part("VolumeAttributes", "volumeAttributes", ANY),
    part(
        "ControllerPublishSecretRef",
        "controllerPublishSecretRef",
        Holds::Pointer(SECRET),
    ),
    part("NodeStageSecretRef", "nodeStageSecretRef", Holds::Pointer(SECRET)),
    part("NodePublishSecretRef", "nodePublishSecretRef", Holds::Pointer(SECRET)),
    part(
        "ControllerExpandSecretRef",
        "controllerExpandSecretRef",
        Holds::Pointer(SECRET),
    ),
    part("NodeExpandSecretRef", "nodeExpandSecretRef", Holds::Pointer(SECRET)),
];

/// Where a volume comes from.
pub(super) const SOURCE: &[Part] = &[
    part("GCEPersistentDisk", "gcePersistentDisk", Holds::Pointer(GCE)),
    part("AWSElasticBlockStore", "awsElasticBlockStore", Holds::Pointer(AWS)),
    part("HostPath", "hostPath", Holds::Pointer(HOST_PATH)),
    part("Glusterfs", "glusterfs", Holds::Pointer(GLUSTERFS)),
    part("NFS", "nfs", Holds::Pointer(NFS)),
    part("RBD", "rbd", Holds::Pointer(RBD)),
    part("Quobyte", "quobyte", Holds::Pointer(QUOBYTE)),
    part("ISCSI", "iscsi", Holds::Pointer(ISCSI)),
    part("FlexVolume", "flexVolume", Holds::Pointer(FLEX)),
    part("Cinder", "cinder", Holds::Pointer(CINDER)),
    part("CephFS", "cephfs", Holds::Pointer(CEPHFS)),
    part("FC", "fc", Holds::Pointer(FC)),
    part("Flocker", "flocker", Holds::Pointer(FLOCKER)),
    part("AzureFile", "azureFile", Holds::Pointer(AZURE_FILE)),
    part("VsphereVolume", "vsphereVolume", Holds::Pointer(VSPHERE)),
    part("AzureDisk", "azureDisk", Holds::Pointer(AZURE_DISK)),
    part("PhotonPersistentDisk", "photonPersistentDisk", Holds::Pointer(PHOTON)),
    part("PortworxVolume", "portworxVolume", Holds::Pointer(PORTWORX)),
    part("ScaleIO", "scaleIO", Holds::Pointer(SCALE_IO)),
    part("Local", "local", Holds::Pointer(LOCAL)),
    part("StorageOS", "storageos", Holds::Pointer(STORAGE_OS)),
    part("CSI", "csi", Holds::Pointer(CSI)),
];

const REQUIREMENT: &[Part] = &[
    part("Key", "key", TEXT),
    part("Operator", "operator", TEXT),
    part("Values", "values", ANY),
];
const TERM: &[Part] = &[
    part("MatchExpressions", "matchExpressions", Holds::List(REQUIREMENT)),
    part("MatchFields", "matchFields", Holds::List(REQUIREMENT)),
];
const SELECTOR: &[Part] = &[part("NodeSelectorTerms", "nodeSelectorTerms", Holds::List(TERM))];

/// Which nodes a volume can be reached from.
pub(super) const NODE_AFFINITY: &[Part] = &[part("Required", "required", Holds::Pointer(SELECTOR))];
