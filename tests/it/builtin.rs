//! The built-in balancer on loopback: practice servers behind it, counting clients before it, its adapter beside it.

mod control;
mod forwarding;
mod switch;

use crate::support::until;
use halfstep::balancer::builtin::{Builtin, Settings};
use halfstep::hand::Balancer;
use halfstep::lab::app::{App, AppSettings};
use halfstep::model::{Address, Change, MemberName, MemberReading, Receipt, Rotation};
use halfstep::proxy::{MemberSettings, Proxy, ServeSettings};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

fn name(text: &str) -> MemberName {
    MemberName::new(text)
}

fn change(into: &[&str], out: &[&str]) -> Change {
    Change::new(into.iter().map(|n| name(n)), out.iter().map(|n| name(n))).expect("a change")
}

async fn app(name: &str, version: &str, listen: SocketAddr) -> App {
    let settings = AppSettings {
        name: name.into(),
        version: version.into(),
        answer_after: Duration::from_millis(1),
        ..AppSettings::default()
    };
    App::start(settings, listen).await.expect("the app listens")
}

/// A balancer in a directory of its own.
struct Stage {
    dir: tempfile::TempDir,
    settings: ServeSettings,
    proxy: Proxy,
    balancer: Builtin,
}

impl Stage {
    async fn new(members: &[(&str, SocketAddr, Rotation)]) -> Stage {
        Stage::answering_within(members, Duration::from_secs(20)).await
    }

    async fn answering_within(members: &[(&str, SocketAddr, Rotation)], answer_within: Duration) -> Stage {
        let dir = tempfile::tempdir().expect("a directory");
        let control = dir.path().join("shop.sock");
        let member = |(text, at, rotation): &(&str, SocketAddr, Rotation)| MemberSettings {
            name: name(text),
            address: Address { host: at.ip().to_string(), port: at.port() },
            weight: 1.0,
            rotation: *rotation,
        };
        let members = members.iter().map(member).collect();
        let settings = ServeSettings { listen: ANY, control: control.clone(), members, answer_within };
        let proxy = Proxy::start(settings.clone()).await.expect("the balancer starts");
        Stage { dir, settings, proxy, balancer: Builtin::new(Settings { control, listen: None }) }
    }

    fn control(&self) -> PathBuf {
        self.settings.control.clone()
    }

    async fn switch(&self, into: &[&str], out: &[&str]) -> Receipt {
        let armed = self.balancer.prepare(&change(into, out)).await.expect("prepared");
        armed.commit().await.expect("committed")
    }

    async fn member(&self, text: &str) -> MemberReading {
        self.balancer.read().await.expect("read").member(&name(text)).expect("a member").clone()
    }

    async fn drained(&self, text: &str) {
        until("drained", async || self.member(text).await.in_flight == Some(0)).await;
    }

    async fn get(&self, path: &str) -> String {
        exchange(self.proxy.address(), &format!("GET {path} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n")).await
    }
}

/// Sends these bytes over a new connection and reads until it is closed.
async fn exchange(target: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(target).await.expect("connects");
    stream.write_all(request.as_bytes()).await.expect("sends");
    let mut answer = Vec::new();
    // An answer that is cut may end in a reset: what came before counts.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}
