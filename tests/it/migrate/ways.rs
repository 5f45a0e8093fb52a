//! Ways to a database: encrypted, with certificates that are looked at, and through pgbouncer.

use super::servers::{open, own_postgres, postgres};
use crate::support::{Daemon, free_port, is_installed, until};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

fn openssl(dir: &Path, line: &str) {
    let output = Command::new("openssl").args(line.split(' ')).current_dir(dir).output().expect("openssl");
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn certificates_are_looked_at_as_the_url_says() {
    if !is_installed("/usr/bin/openssl", "openssl") {
        return;
    }
    let Some(server) = own_postgres().await else { return };
    let plain = server.url("postgres");
    let refused = open(&format!("{plain}?sslmode=require")).session().await.err().expect("it has no certificate").to_string();
    assert!(refused.contains("server does not support TLS"), "{refused}");

    let dir = tempfile::tempdir().expect("a directory");
    for name in ["ca", "other"] {
        openssl(
            dir.path(),
            &format!("req -x509 -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.pem -days 2 -subj /CN={name}"),
        );
    }
    openssl(dir.path(), "req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost");
    std::fs::write(dir.path().join("names"), "subjectAltName=DNS:localhost\n").expect("written");
    openssl(
        dir.path(),
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.pem -days 2 -extfile names",
    );
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).expect("readable");
    let mut admin = server.admin().await;
    // The server reads its key from its own directory, as its own user.
    let data =
        admin.query("SHOW data_directory", &[]).await.expect("asked").into_iter().flatten().flatten().next().expect("a path");
    let owner = std::fs::metadata(&data).expect("its directory");
    for name in ["server.key", "server.pem"] {
        let to = Path::new(&data).join(name);
        std::fs::copy(dir.path().join(name), &to).expect("copied");
        std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o600)).expect("kept");
        use std::os::unix::fs::MetadataExt;
        std::os::unix::fs::chown(&to, Some(owner.uid()), Some(owner.gid())).expect("given");
    }
    for sql in ["ALTER SYSTEM SET ssl_cert_file = 'server.pem'", "ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()"] {
        admin.query(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    until("the server speaks TLS", || {
        let database = open(&format!("{plain}?sslmode=require"));
        async move { database.session().await.is_ok() }
    })
    .await;

    let ca = dir.path().join("ca.pem").display().to_string();
    let by_name = plain.replace("127.0.0.1", "localhost");
    let ways = [
        (format!("{plain}?sslmode=disable"), Ok(false)),
        (format!("{plain}?sslmode=require"), Ok(true)),
        (plain.clone(), Ok(true)),
        (format!("{plain}?sslmode=verify-ca&sslrootcert={ca}"), Ok(true)),
        (format!("{by_name}?sslmode=verify-full&sslrootcert={ca}"), Ok(true)),
        (format!("{plain}?sslmode=verify-full&sslrootcert={ca}"), Err("not valid for name")),
        (format!("{by_name}?sslmode=verify-full&sslrootcert={}", ca.replace("ca.pem", "other.pem")), Err("UnknownIssuer")),
        (format!("{by_name}?sslmode=verify-full&sslrootcert=/nowhere/ca.pem"), Err("No such file")),
    ];
    for (url, expected) in ways {
        match (open(&url).session().await, expected) {
            (Ok(mut session), Ok(encrypted)) => {
                let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
                let rows = session.query(sql, &[]).await.expect("asked");
                assert_eq!(rows[0][0].as_deref(), Some(if encrypted { "true" } else { "false" }), "{url}");
            }
            (Err(failure), Err(why)) => {
                let said = failure.to_string();
                assert!(
                    said.contains(why) && said.contains("no encrypted connection") && said.contains("sslrootcert"),
                    "{url}: {said}"
                );
            }
            (Ok(_), Err(why)) => panic!("{url}: a session in spite of {why}"),
            (Err(failure), Ok(_)) => panic!("{url}: {failure}"),
        }
    }
}

#[tokio::test]
async fn a_pooler_of_transactions_is_refused_before_anything_runs_and_one_of_sessions_will_do() {
    if !is_installed("/usr/sbin/pgbouncer", "pgbouncer") {
        return;
    }
    let Some(server) = postgres().await else { return };
    let (database, url) = super::servers::fresh(server).await;
    let port = url.split(['/', ':']).find_map(|piece| piece.parse::<u16>().ok()).expect("a port");
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(dir.path().join("migrations")).expect("a folder");
    std::fs::write(
        dir.path().join("migrations/1_a.sql"),
        "CREATE TABLE a (id int PRIMARY KEY, n int);\nINSERT INTO a SELECT i, i FROM generate_series(1, 3000) i;\n",
    )
    .expect("written");
    std::fs::write(
        dir.path().join("migrations/2_b.sql"),
        "-- halfstep: phase=expand reason=\"nobody reads it\"\n-- halfstep: batch table=a key=id\nUPDATE a SET n = n + 1 WHERE (true);\n",
    )
    .expect("written");
    std::fs::write(dir.path().join("users.txt"), "\"halfstep\" \"\"\n").expect("written");
    // pgbouncer does not run as root.
    std::os::unix::fs::chown(dir.path(), Some(65534), Some(65534)).ok();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).expect("readable");
    let mut session = database.session().await.expect("a session");
    for mode in ["transaction", "session"] {
        let own = free_port();
        let config = dir.path().join(format!("{mode}.ini"));
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {own}\nauth_type = trust\n\
             auth_file = {}/users.txt\npool_mode = {mode}\nunix_socket_dir =\nlogfile =\npidfile =\n",
            dir.path().display()
        );
        std::fs::write(&config, text).expect("written");
        let mut command = Command::new("/usr/sbin/pgbouncer");
        command.args(["-q", "--"]).arg(&config).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        if rustix::process::getuid().is_root() {
            command.uid(65534).gid(65534);
        }
        let _pooler = Daemon(command.spawn().expect("pgbouncer"));
        let through = url.replace(&format!(":{port}/"), &format!(":{own}/"));
        until("pgbouncer listens", || async { std::net::TcpStream::connect(("127.0.0.1", own)).is_ok() }).await;
        let halfstep = |words: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_halfstep"));
            command.arg("migrations").args(words).args(["--database", &through, "--path"]).arg(dir.path().join("migrations"));
            let output = command.output().expect("it runs");
            (
                output.status.code(),
                format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)),
            )
        };
        let (code, said) = halfstep(&["list"]);
        assert!(code == Some(0) && said.contains("0 of 2 applied"), "{mode}: {said}");
        let (code, said) = halfstep(&["run", "--phase", "expand"]);
        if mode == "transaction" {
            assert!(code == Some(5) && said.contains("name the server itself in database_url"), "{said}");
            let made = session
                .query("SELECT count(*) FROM pg_class WHERE relname IN ('a', 'halfstep_steps')", &[])
                .await
                .expect("asked");
            assert_eq!(made[0][0].as_deref(), Some("0"), "nothing was made");
        } else {
            assert_eq!(code, Some(0), "{said}");
            let sum = session.query("SELECT sum(n - id) FROM a", &[]).await.expect("asked");
            assert_eq!(sum[0][0].as_deref(), Some("3000"));
        }
    }
}
