//! TLS on the client port: certificates asked for, names taken from them, plaintext refused.

use std::path::Path;
use std::time::Duration;

use base::certs::{Authority, CertOptions, Usage};
use base::task::Tasks;
use base::tls::{ClientOptions, ClientTls, ServerOptions, ServerTls};
use prometheus::Registry;
use proto::etcd::auth_client::AuthClient;
use proto::etcd::kv_client::KvClient;
use proto::etcd::{
    AuthDisableRequest, AuthEnableRequest, AuthRoleAddRequest, AuthUserAddRequest, AuthUserGrantRoleRequest, PutRequest,
};
use proto::peer::ClusterInfoRequest;
use store_node::Peers;
use store_raft::TransportError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Node, Wanted, channel, one, send_over, single, whole, within};
use crate::address::Address;
use crate::{Channels, ChannelsOptions, Options, alpn, bind};

/// A certificate authority with a member's and a user's certificates.
struct Pki {
    dir: tempfile::TempDir,
    authority: Authority,
}

impl Pki {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::create("test-ca", 1).unwrap();
        authority.save(dir.path(), "ca").unwrap();
        Self { dir, authority }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn server(&self) -> ServerTls {
        let options = CertOptions {
            common_name: "member".into(),
            organizations: Vec::new(),
            hosts: vec!["127.0.0.1".into(), "localhost".into()],
            validity_days: 1,
            usage: Usage::Server,
        };
        let pair = self
            .authority
            .issue(&options)
            .unwrap()
            .save(self.path(), "server")
            .unwrap();
        ServerTls::new(ServerOptions {
            cert_file: pair.cert_file,
            key_file: pair.key_file,
            trusted_ca_file: Some(self.path().join("ca.crt")),
            client_cert_auth: true,
            alpn: alpn(),
            ..ServerOptions::default()
        })
        .unwrap()
    }

    fn client(&self, user: Option<&str>) -> ClientTls {
        let pair = user.map(|user| {
            let options = CertOptions {
                common_name: user.into(),
                organizations: Vec::new(),
                hosts: Vec::new(),
                validity_days: 1,
                usage: Usage::Client,
            };
            self.authority.issue(&options).unwrap().save(self.path(), user).unwrap()
        });
        ClientTls::new(ClientOptions {
            cert_file: pair.as_ref().map(|pair| pair.cert_file.clone()),
            key_file: pair.map(|pair| pair.key_file),
            trusted_ca_file: Some(self.path().join("ca.crt")),
            alpn: alpn(),
            ..ClientOptions::default()
        })
        .unwrap()
    }
}

async fn secured(pki: &Pki, options: Options) -> Node {
    let config = store_node::Config {
        client_cert_auth: true,
        ..store_node::Config::default()
    };
    one(Wanted {
        tls: Some(pki.server()),
        config,
        options,
    })
    .await
}

/// Asks a page, or puts over the gateway, with the certificate of a user.
async fn by_gateway(node: &Node, pki: &Pki, user: Option<&str>, path: &str) -> (u16, String) {
    let address = Address::parse(&node.client).unwrap();
    let socket = address.dial().await.unwrap();
    let socket = pki.client(user).connect(address.host(), socket).await.unwrap();
    let request = match path {
        "/health" => http::Request::get(path),
        _ => http::Request::post(path),
    };
    let answer = send_over(Box::new(socket), &node.client, request, r#"{"key":"YQ=="}"#).await;
    whole(answer).await
}

fn put(key: &'static str) -> PutRequest {
    PutRequest {
        key: key.into(),
        ..PutRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_asked_for_and_name_the_user() {
    let pki = Pki::new();
    let node = secured(&pki, Options::default()).await;
    let as_user = |user| channel(&node.client, Some(pki.client(user)));
    within(KvClient::new(as_user(Some("root"))).put(put("a")))
        .await
        .unwrap();
    assert!(within(KvClient::new(as_user(None)).put(put("a"))).await.is_err());

    let mut auth = AuthClient::new(as_user(Some("root")));
    for user in ["root", "alice"] {
        let options = Some(proto::auth::UserAddOptions { no_password: true });
        let add = AuthUserAddRequest {
            name: user.into(),
            options,
            ..AuthUserAddRequest::default()
        };
        auth.user_add(add).await.unwrap();
    }
    auth.role_add(AuthRoleAddRequest { name: "root".into() }).await.unwrap();
    auth.user_grant_role(AuthUserGrantRoleRequest {
        user: "root".into(),
        role: "root".into(),
    })
    .await
    .unwrap();
    auth.auth_enable(AuthEnableRequest {}).await.unwrap();
    KvClient::new(as_user(Some("root"))).put(put("a")).await.unwrap();
    let refused = KvClient::new(as_user(Some("alice"))).put(put("a")).await.unwrap_err();
    assert_eq!(refused.message(), "etcdserver: permission denied");

    // Over the gateway nobody is named by a certificate, and whoever has one is told.
    assert_eq!(by_gateway(&node, &pki, Some("root"), "/health").await.0, 200);
    let told = "CommonName of client sending a request against gateway will be ignored and not used as expected\n";
    for path in ["/v3/kv/put", "/v3beta/kv/put"] {
        assert_eq!(
            by_gateway(&node, &pki, Some("root"), path).await,
            (400, told.to_owned())
        );
    }
    let (status, text) = by_gateway(&node, &pki, Some(""), "/v3/kv/put").await;
    assert!(
        status == 400 && text.contains("etcdserver: user name is empty"),
        "{text}"
    );
    auth.auth_disable(AuthDisableRequest {}).await.unwrap();
    assert_eq!(by_gateway(&node, &pki, Some("root"), "/v3/kv/put").await.0, 200);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plaintext_and_silence_end_the_connection() {
    let pki = Pki::new();
    let options = Options {
        // It is the bound of the client that means well, too.
        handshake_timeout: Duration::from_secs(3),
        ..Options::default()
    };
    let node = secured(&pki, options).await;
    let address = node.client.strip_prefix("https://").unwrap().to_owned();
    let mut socket = TcpStream::connect(&address).await.unwrap();
    socket
        .write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut read = Vec::new();
    let _ = within(socket.read_to_end(&mut read)).await;
    assert!(!read.starts_with(b"HTTP"), "nothing is answered in the clear");
    // A client that says nothing holds up neither the port nor its own slot.
    let mut silent = TcpStream::connect(&address).await.unwrap();
    within(KvClient::new(channel(&node.client, Some(pki.client(Some("root"))))).put(put("a")))
        .await
        .unwrap();
    let _ = within(silent.read_to_end(&mut Vec::new())).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_talk_over_tls() {
    let pki = Pki::new();
    let node = single().await;
    let port = bind("https://127.0.0.1:0").await.unwrap();
    let url = port.url().to_owned();
    let reach = |tls: Option<ClientTls>| {
        let options = ChannelsOptions {
            tls,
            ..ChannelsOptions::default()
        };
        Channels::new(options, &Registry::new(), &Tasks::new()).unwrap()
    };
    node.server.peer(port, Some(pki.server()), &reach(None));
    let limit = Duration::from_secs(5);
    let info = reach(Some(pki.client(Some("peer"))))
        .cluster_info(&url, ClusterInfoRequest::default(), limit)
        .await
        .unwrap();
    assert_eq!(info.member_id, node.member.id());
    // Without a certificate the handshake fails; without TLS there is nothing to dial with.
    assert!(
        reach(Some(pki.client(None)))
            .cluster_info(&url, ClusterInfoRequest::default(), limit)
            .await
            .is_err()
    );
    let failed = reach(None)
        .cluster_info(&url, ClusterInfoRequest::default(), limit)
        .await
        .unwrap_err();
    assert!(matches!(failed, TransportError::Unreachable(_)), "{failed}");
    node.stop().await;
}
