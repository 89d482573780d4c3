//! What a client is warned of in a service.

use apiserver_api::meta;
use apiserver_api::names::{cidr_warnings, ip_warning};
use apiserver_api::path::Path;
use apiserver_api::tree::Tree;

use super::addresses::texts;
use super::traffic::{TOPOLOGY_HINTS, TOPOLOGY_MODE};
use super::{CLUSTER_IP, EXTERNAL_NAME};

pub(super) fn of(object: &Tree) -> Vec<String> {
    let spec = object.at("spec");
    let (of, root) = (spec.text("type"), Path::of("spec"));
    let mut warnings = Vec::new();
    if meta::annotation(object, TOPOLOGY_HINTS).is_some() {
        warnings.push(format!(
            "annotation {TOPOLOGY_HINTS} is deprecated, please use {TOPOLOGY_MODE} instead"
        ));
    }
    if !matches!(spec.text("clusterIP"), "" | "None") {
        warnings.extend(of_ips(&root, spec, "clusterIPs"));
    }
    let external = !spec.items("externalIPs").is_empty();
    let headless = of == CLUSTER_IP && spec.text("clusterIP") == "None";
    if headless {
        for (said, field) in [
            (!spec.text("loadBalancerIP").is_empty(), "loadBalancerIP"),
            (external, "externalIPs"),
            (spec.text("sessionAffinity") != "None", "SessionAffinity"),
        ] {
            if said {
                warnings.push(format!("spec.{field} is ignored for headless services"));
            }
        }
    }
    warnings.extend(of_ips(&root, spec, "externalIPs"));
    if external && !headless && of != EXTERNAL_NAME {
        warnings.push("spec.externalIPs is deprecated and may no longer be implemented in some clusters".to_owned());
    }
    warnings.extend(ip_warning(&root.field("loadBalancerIP"), spec.text("loadBalancerIP")));
    let path = root.field("loadBalancerSourceRanges");
    for (at, range) in texts(spec, "loadBalancerSourceRanges").into_iter().enumerate() {
        warnings.extend(cidr_warnings(&path.index(at), range));
    }
    if of == EXTERNAL_NAME && external {
        warnings.push(r#"spec.externalIPs is ignored when spec.type is "ExternalName""#.to_owned());
    }
    if of != EXTERNAL_NAME && !spec.text("externalName").is_empty() {
        warnings.push(r#"spec.externalName is ignored when spec.type is not "ExternalName""#.to_owned());
    }
    if spec.text("trafficDistribution") == "PreferClose" {
        warnings.push(r#"spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone""#.to_owned());
    }
    warnings
}

/// What a client is warned of in the addresses of a load balancer. Upstream tells it of the whole item.
pub(super) fn of_status(object: &Tree) -> Vec<String> {
    let status = Path::of("status");
    let balancer = status.field("loadBalancer");
    let path = balancer.field("ingress");
    let points = object.at("status").at("loadBalancer").items("ingress").iter();
    points
        .enumerate()
        .filter_map(|(at, point)| ip_warning(&path.index(at), point.text("ip")))
        .collect()
}

fn of_ips(root: &Path<'_>, spec: &Tree, field: &str) -> Vec<String> {
    let path = root.field(field);
    let ips = texts(spec, field).into_iter().enumerate();
    ips.filter_map(|(at, ip)| ip_warning(&path.index(at), ip)).collect()
}
