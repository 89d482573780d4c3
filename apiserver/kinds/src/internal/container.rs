//! The internal types of a container.

use super::{Type, amount, any, flag, list, number, pointer, text, within};

/// A container.
pub(super) static CONTAINER: Type = Type(&[
    text("Name", "name"),
    text("Image", "image"),
    any("Command", "command"),
    any("Args", "args"),
    text("WorkingDir", "workingDir"),
    list("Ports", "ports", &PORT),
    list("EnvFrom", "envFrom", &ENV_FROM),
    list("Env", "env", &ENV),
    within("Resources", "resources", &RESOURCES),
    list("ResizePolicy", "resizePolicy", &RESIZE),
    any("RestartPolicy", "restartPolicy"),
    list("RestartPolicyRules", "restartPolicyRules", &RESTART),
    list("VolumeMounts", "volumeMounts", &MOUNT),
    list(
        "VolumeDevices",
        "volumeDevices",
        &Type(&[text("Name", "name"), text("DevicePath", "devicePath")]),
    ),
    pointer("LivenessProbe", "livenessProbe", &PROBE),
    pointer("ReadinessProbe", "readinessProbe", &PROBE),
    pointer("StartupProbe", "startupProbe", &PROBE),
    pointer("Lifecycle", "lifecycle", &LIFECYCLE),
    text("TerminationMessagePath", "terminationMessagePath"),
    text("TerminationMessagePolicy", "terminationMessagePolicy"),
    text("ImagePullPolicy", "imagePullPolicy"),
    pointer("SecurityContext", "securityContext", &SECURITY),
    flag("Stdin", "stdin"),
    flag("StdinOnce", "stdinOnce"),
    flag("TTY", "tty"),
]);

static PORT: Type = Type(&[
    text("Name", "name"),
    number("HostPort", "hostPort"),
    number("ContainerPort", "containerPort"),
    text("Protocol", "protocol"),
    text("HostIP", "hostIP"),
]);

static ENV_FROM: Type = Type(&[
    text("Prefix", "prefix"),
    pointer("ConfigMapRef", "configMapRef", &OPTIONAL),
    pointer("SecretRef", "secretRef", &OPTIONAL),
]);

static OPTIONAL: Type = Type(&[text("Name", "name"), any("Optional", "optional")]);

static ENV: Type = Type(&[
    text("Name", "name"),
    text("Value", "value"),
    pointer("ValueFrom", "valueFrom", &ENV_SOURCE),
]);

static ENV_SOURCE: Type = Type(&[
    pointer("FieldRef", "fieldRef", &FIELD),
    pointer("ResourceFieldRef", "resourceFieldRef", &RESOURCE_FIELD),
    pointer("ConfigMapKeyRef", "configMapKeyRef", &KEY),
    pointer("SecretKeyRef", "secretKeyRef", &KEY),
    pointer("FileKeyRef", "fileKeyRef", &FILE_KEY),
]);

/// A field of the pod.
pub(super) static FIELD: Type = Type(&[text("APIVersion", "apiVersion"), text("FieldPath", "fieldPath")]);

/// An amount that a container has.
pub(super) static RESOURCE_FIELD: Type = Type(&[
    text("ContainerName", "containerName"),
    text("Resource", "resource"),
    amount("Divisor", "divisor"),
]);

static KEY: Type = Type(&[text("Name", "name"), text("Key", "key"), any("Optional", "optional")]);

static FILE_KEY: Type = Type(&[
    text("VolumeName", "volumeName"),
    text("Path", "path"),
    text("Key", "key"),
    any("Optional", "optional"),
]);

static RESIZE: Type = Type(&[
    text("ResourceName", "resourceName"),
    text("RestartPolicy", "restartPolicy"),
]);

static RESTART: Type = Type(&[
    text("Action", "action"),
    pointer(
        "ExitCodes",
        "exitCodes",
        &Type(&[text("Operator", "operator"), any("Values", "values")]),
    ),
]);

static MOUNT: Type = Type(&[
    text("Name", "name"),
    flag("ReadOnly", "readOnly"),
    any("RecursiveReadOnly", "recursiveReadOnly"),
    text("MountPath", "mountPath"),
    text("SubPath", "subPath"),
    any("MountPropagation", "mountPropagation"),
    text("SubPathExpr", "subPathExpr"),
]);

static PROBE: Type = Type(&[
    pointer("Exec", "exec", &EXEC),
    pointer("HTTPGet", "httpGet", &HTTP),
    pointer("TCPSocket", "tcpSocket", &TCP),
    pointer(
        "GRPC",
        "grpc",
        &Type(&[number("Port", "port"), any("Service", "service")]),
    ),
    number("InitialDelaySeconds", "initialDelaySeconds"),
    number("TimeoutSeconds", "timeoutSeconds"),
    number("PeriodSeconds", "periodSeconds"),
    number("SuccessThreshold", "successThreshold"),
    number("FailureThreshold", "failureThreshold"),
    any("TerminationGracePeriodSeconds", "terminationGracePeriodSeconds"),
]);

static EXEC: Type = Type(&[any("Command", "command")]);

static HTTP: Type = Type(&[
    text("Path", "path"),
    number("Port", "port"),
    text("Host", "host"),
    text("Scheme", "scheme"),
    list("HTTPHeaders", "httpHeaders", &NAME_AND_VALUE),
]);

static TCP: Type = Type(&[number("Port", "port"), text("Host", "host")]);

static LIFECYCLE: Type = Type(&[
    pointer("PostStart", "postStart", &HANDLER),
    pointer("PreStop", "preStop", &HANDLER),
    any("StopSignal", "stopSignal"),
]);

static HANDLER: Type = Type(&[
    pointer("Exec", "exec", &EXEC),
    pointer("HTTPGet", "httpGet", &HTTP),
    pointer("TCPSocket", "tcpSocket", &TCP),
    pointer("Sleep", "sleep", &Type(&[number("Seconds", "seconds")])),
]);

static SECURITY: Type = Type(&[
    pointer(
        "Capabilities",
        "capabilities",
        &Type(&[any("Add", "add"), any("Drop", "drop")]),
    ),
    any("Privileged", "privileged"),
    pointer("SELinuxOptions", "seLinuxOptions", &SE_LINUX),
    pointer("WindowsOptions", "windowsOptions", &WINDOWS),
    any("RunAsUser", "runAsUser"),
    any("RunAsGroup", "runAsGroup"),
    any("RunAsNonRoot", "runAsNonRoot"),
    any("ReadOnlyRootFilesystem", "readOnlyRootFilesystem"),
    any("AllowPrivilegeEscalation", "allowPrivilegeEscalation"),
    any("ProcMount", "procMount"),
    pointer("SeccompProfile", "seccompProfile", &PROFILE),
    pointer("AppArmorProfile", "appArmorProfile", &PROFILE),
]);

/// What is asked for and how much of it there may be.
pub(super) static RESOURCES: Type = Type(&[
    any("Limits", "limits"),
    any("Requests", "requests"),
    list(
        "Claims",
        "claims",
        &Type(&[text("Name", "name"), text("Request", "request")]),
    ),
]);

/// What `SELinux` knows it as.
pub(super) static SE_LINUX: Type = Type(&[
    text("User", "user"),
    text("Role", "role"),
    text("Type", "type"),
    text("Level", "level"),
]);

/// How it runs on Windows.
pub(super) static WINDOWS: Type = Type(&[
    any("GMSACredentialSpecName", "gmsaCredentialSpecName"),
    any("GMSACredentialSpec", "gmsaCredentialSpec"),
    any("RunAsUserName", "runAsUserName"),
    any("HostProcess", "hostProcess"),
]);

/// What it may do.
pub(super) static PROFILE: Type = Type(&[text("Type", "type"), any("LocalhostProfile", "localhostProfile")]);

/// A value with a name.
pub(super) static NAME_AND_VALUE: Type = Type(&[text("Name", "name"), text("Value", "value")]);
