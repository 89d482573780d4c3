//! The apiserver before real clients: kubectl of several versions, kube-rs, Python, Node, helm, Prometheus, curl, openssl.
//!
//! Each test starts its own store and its own apiserver. Clients that come from registries are fetched by
//! `deploy/clients.sh`; a test whose client is not there says so and does nothing.

mod access;
mod clients;
mod counted;
mod damage;
mod deletion;
mod documents;
mod helm;
mod hostile;
mod http;
mod kube_rs;
mod kubectl;
mod kubelet;
mod many;
mod node;
mod outage;
pub(crate) mod pair;
mod past;
mod patches;
mod prometheus;
mod proxy;
mod python;
mod reads;
mod streams;
mod tls;
mod transcript;
mod websocket;
mod writes;
