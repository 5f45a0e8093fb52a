//! What daemon tests share: free ports, waiting for a condition, daemons that end with the test.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Child;
use std::sync::Once;
use std::time::{Duration, Instant};

/// The address for "any free port of loopback".
pub const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Installs the crypto provider that every TLS client needs, once in this process.
pub fn crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        rustls::crypto::ring::default_provider().install_default().ok();
    });
}

/// A port of loopback that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind(ANY).and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// Is that program here? Says aloud if not.
pub fn is_installed(program: &str, name: &str) -> bool {
    let is_here = Path::new(program).exists();
    if !is_here {
        println!("skipped: {name} is not installed");
    }
    is_here
}

/// Asks again until it holds, at most 20 s.
pub async fn until(what: &str, holds: impl AsyncFnMut() -> bool) {
    within(Duration::from_secs(20), what, holds).await;
}

/// Asks again until it holds, at most for that time.
pub async fn within(time: Duration, what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let limit = Instant::now() + time;
    while !holds().await {
        assert!(Instant::now() < limit, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A daemon in its own process group, which ends with this value, in a panic too.
pub struct Daemon(pub Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let group = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process_group(group, rustix::process::Signal::TERM).ok();
        let limit = Instant::now() + Duration::from_secs(3);
        while Instant::now() < limit && !matches!(self.0.try_wait(), Ok(Some(_))) {
            std::thread::sleep(Duration::from_millis(5));
        }
        rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
        self.0.wait().ok();
    }
}
