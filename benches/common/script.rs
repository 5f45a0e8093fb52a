//! The switch as people write it by hand: a shell script with a line for each server, over the balancer's own interface.
//! It is what the program is compared with.

use super::pool::{Pool, SERVERS};
use halfstep::cli::DemoBalancer;
use std::process::{Command, Stdio};

/// A script that knows one pool.
pub struct Script {
    opening: String,
    into: fn(&Pool, &str) -> String,
    out: fn(&Pool, &str) -> String,
}

impl Script {
    /// `None` where nobody would write one: the built-in balancer changes all servers by one request.
    pub fn of(kind: DemoBalancer, pool: &Pool) -> Option<Script> {
        match kind {
            DemoBalancer::Builtin => None,
            DemoBalancer::Haproxy => Some(Script {
                opening: String::new(),
                into: |pool, server| socat(pool, &format!("set server shop/{server} state ready")),
                out: |pool, server| socat(pool, &format!("set server shop/{server} state maint")),
            }),
            DemoBalancer::Apache => Some(Script {
                // The page is asked once; every link of it carries the same nonce.
                opening: format!(
                    "page=http://{}/balancer-manager\n\
                     nonce=$(curl -s \"$page\" | grep -o 'nonce=[-0-9a-f]*' | head -n 1 | cut -d = -f 2)\n",
                    pool.address
                ),
                into: |pool, server| curl(pool, server, "w_status_D=0"),
                out: |pool, server| curl(pool, server, "w_status_D=1"),
            }),
        }
    }

    /// Half A in, then half B out.
    pub fn switch(&self, pool: &Pool) {
        self.run(pool, &SERVERS[..3], &SERVERS[3..]);
    }

    /// Some in, then others out.
    pub fn run(&self, pool: &Pool, into: &[&str], out: &[&str]) {
        let mut text = self.opening.clone();
        text.extend(into.iter().map(|server| (self.into)(pool, server)));
        text.extend(out.iter().map(|server| (self.out)(pool, server)));
        let status = Command::new("sh").arg("-c").arg(&text).stdin(Stdio::null()).stdout(Stdio::null()).status();
        assert!(status.is_ok_and(|status| status.success()), "the script failed: {text}");
    }
}

fn socat(pool: &Pool, line: &str) -> String {
    format!("echo '{line}' | socat stdio UNIX-CONNECT:{}\n", pool.dir.path().join("balancer.sock").display())
}

fn curl(pool: &Pool, server: &str, field: &str) -> String {
    let worker = format!("http://127.0.0.1:{}", pool.port(server));
    format!("curl -s -o /dev/null -e \"$page\" \"$page\" --data-urlencode w={worker} -d b=shop -d \"nonce=$nonce\" -d {field}\n")
}
