//! What HAProxy lists, as values: `show info`, `show servers state` and `show stat`, by the names of their columns.
//!
//! Pure. It decides what a server's bits mean for new requests. `show servers state` is the administrative truth: a drained
//! server whose check fails has the status `DOWN` in `show stat`. Read next: `reading`, which puts backends together.

use crate::model::{Failure, MemberName, Rotation};
use std::collections::BTreeMap;
use std::time::Duration;

/// Administrative bits: forced, inherited and by DNS into maintenance. Bit 4, `disabled` in the config, stays after a
/// server was made ready and says nothing of what it does now.
const MAINT: u32 = 1 | 2 | 32 | 64;
/// Administrative bits: forced and inherited drain.
const DRAIN: u32 = 8 | 16;
/// `srv_op_state` of a server that takes what it is given.
const RUNNING: u32 = 2;
const STARTING: u32 = 1;
/// The bit of `srv_check_state` that says that a check is configured.
const CHECKED: u32 = 2;

/// One server in one backend.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub backend: String,
    pub name: MemberName,
    pub admin: u32,
    pub operation: u32,
    pub weight: u32,
    /// Has it a check, its own or that of the server that it tracks?
    pub checked: bool,
    /// The `status` column, as `UP 1/2`.
    pub status: String,
    /// The last result of the check, as `L7OK`; empty in maintenance and without a check of its own.
    pub check: String,
    /// As many good checks as it can have.
    pub fully_healthy: bool,
    pub counters: Option<Counters>,
    /// The value of its persistence cookie; empty where there is none.
    pub cookie: String,
}

/// Traffic of one server in one backend, since HAProxy started.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Counters {
    pub in_flight: u64,
    pub total: u64,
    pub errors: u64,
    /// Mean of the last 1024 answers. HAProxy measures it in HTTP mode.
    pub time: Option<Duration>,
}

impl Row {
    /// What was asked for, not what its check thinks: a ready server that its check finds down is `In` and not healthy.
    /// So a failing check is never taken for a person who took the server out. A weight of 0 is a drain by another name.
    pub(super) fn rotation(&self) -> Rotation {
        if self.admin & MAINT != 0 {
            Rotation::Out
        } else if self.admin & DRAIN != 0 || self.weight == 0 {
            Rotation::Draining
        } else {
            Rotation::In
        }
    }

    /// `None` where HAProxy does not look: no check, or in maintenance.
    pub(super) fn healthy(&self) -> Option<bool> {
        (self.checked && self.admin & MAINT == 0).then_some(matches!(self.operation, STARTING | RUNNING))
    }

    /// Has its check passed since it came out of maintenance, or is there none to wait for?
    ///
    /// Out of maintenance a server has its old result and just enough good checks to be up (`DRAIN 1/3`); the first good
    /// check gives it all of them. With `fall 1` these are the same number, and HAProxy shows no difference.
    pub(super) fn is_ready_for_traffic(&self) -> bool {
        if !self.checked {
            return true;
        }
        let passed = match self.check.as_str() {
            // A server that tracks another has no result of its own, only the other's count in its status.
            "" => !self.status.contains('/'),
            result => self.fully_healthy && ["L4OK", "L6OK", "L7OK", "PROCOK"].contains(&result),
        };
        passed && self.healthy() == Some(true)
    }
}

/// The process that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    pub pid: u64,
    /// Seconds since 1970, by its own clock. Since 2.5.
    pub started: Option<u64>,
    /// Seconds.
    pub uptime: u64,
}

/// Reads the answer to `show info`.
pub(super) fn process(text: &str) -> Result<Process, Failure> {
    let fields: BTreeMap<&str, &str> =
        text.lines().filter_map(|line| line.split_once(':')).map(|(name, value)| (name.trim(), value.trim())).collect();
    let number = |name: &str| fields.get(name).and_then(|value| value.parse::<u64>().ok());
    match (number("Pid"), number("Uptime_sec")) {
        (Some(pid), Some(uptime)) => Ok(Process { pid, uptime, started: number("Start_time_sec") }),
        _ => Err(odd("show info", text)),
    }
}

/// One backend: its servers in the order of the config, and the name of its cookie.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Listed {
    pub rows: Vec<Row>,
    pub cookie_name: String,
}

/// Reads the answers to `show servers state BACKEND` and `show stat BACKEND 6 -1`.
pub(super) fn backend(name: &str, state: &str, stat: &str) -> Result<Listed, Failure> {
    let traffic = Traffic::read(stat.trim_start_matches("# ")).ok_or_else(|| odd("show stat", stat))?;
    let mut lines = state.lines();
    let header = lines.find_map(|line| line.strip_prefix("# ")).ok_or_else(|| odd("show servers state", state))?;
    let columns: Vec<&str> = header.split_whitespace().collect();
    let mut rows = Vec::new();
    for line in lines.filter(|line| !line.trim().is_empty()) {
        let fields: BTreeMap<&str, &str> = columns.iter().copied().zip(line.split_whitespace()).collect();
        let server = fields.get("srv_name").ok_or_else(|| odd("show servers state", line))?;
        rows.push(row(name, &fields, traffic.of(server)).ok_or_else(|| odd("show servers state", line))?);
    }
    let cookie_name = traffic.of("BACKEND").and_then(|record| record.get("cookie")).unwrap_or_default().to_owned();
    Ok(Listed { rows, cookie_name })
}

fn row(backend: &str, state: &BTreeMap<&str, &str>, traffic: Option<Record<'_>>) -> Option<Row> {
    let bits = |name: &str| state.get(name).and_then(|value| value.parse::<u32>().ok());
    let text = |name: &str| traffic.and_then(|record| record.get(name)).unwrap_or_default();
    let number = |name: &str| text(name).parse::<u64>().ok();
    let (rise, fall, health) = (number("check_rise"), number("check_fall"), number("check_health"));
    Some(Row {
        backend: backend.to_owned(),
        name: MemberName::new(state.get("srv_name")?),
        admin: bits("srv_admin_state")?,
        operation: bits("srv_op_state")?,
        weight: bits("srv_uweight")?,
        checked: bits("srv_check_state")? & CHECKED != 0 || !text("tracked").is_empty(),
        status: text("status").to_owned(),
        // `* L7OK`: the last result, while the next check runs.
        check: text("check_status").trim_start_matches("* ").to_owned(),
        fully_healthy: matches!((rise, fall, health), (Some(rise), Some(fall), Some(health)) if health + 1 >= rise + fall),
        counters: number("stot").map(|total| Counters {
            in_flight: number("scur").unwrap_or(0) + number("qcur").unwrap_or(0),
            total,
            errors: ["hrsp_5xx", "econ", "eresp"].iter().filter_map(|name| number(name)).sum(),
            time: number("rtime").filter(|_| total > 0 && text("mode") == "http").map(Duration::from_millis),
        }),
        cookie: text("cookie").to_owned(),
    })
}

/// CSV with a header. HAProxy lists some ninety columns, of which few are asked for: they are found by their place.
struct Traffic {
    columns: BTreeMap<String, usize>,
    /// By `svname`.
    records: BTreeMap<String, csv::StringRecord>,
}

/// One line of it.
#[derive(Clone, Copy)]
struct Record<'a> {
    columns: &'a BTreeMap<String, usize>,
    fields: &'a csv::StringRecord,
}

impl<'a> Record<'a> {
    fn get(self, column: &str) -> Option<&'a str> {
        self.fields.get(*self.columns.get(column)?)
    }
}

impl Traffic {
    fn read(text: &str) -> Option<Traffic> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        let header = reader.headers().ok()?;
        let columns: BTreeMap<String, usize> = header.iter().enumerate().map(|(place, name)| (name.to_owned(), place)).collect();
        let name = *columns.get("svname")?;
        let mut records = BTreeMap::new();
        for record in reader.records() {
            let record = record.ok()?;
            if let Some(server) = record.get(name) {
                // Of two with one name the first counts.
                let server = server.to_owned();
                records.entry(server).or_insert(record);
            }
        }
        Some(Traffic { columns, records })
    }

    fn of(&self, server: &str) -> Option<Record<'_>> {
        self.records.get(server).map(|fields| Record { columns: &self.columns, fields })
    }
}

fn odd(command: &str, text: &str) -> Failure {
    let first: String = text.lines().next().unwrap_or("").chars().take(120).collect();
    Failure::new(format!("HAProxy's answer to `{command}` cannot be read: `{first}`"))
        .next("look whether it is HAProxy (1.8 or later) that listens there")
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: &str = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state";

    fn one(op: u32, admin: u32, weight: u32, check: &str, health: u32) -> Row {
        let state = format!("{STATE}\n3 app 1 a 10.0.0.1 {op} {admin} {weight} 1 1 8 2 0 6 0\n");
        let stat = format!(
            "# svname,scur,qcur,stot,hrsp_5xx,econ,eresp,rtime,mode,status,check_status,check_rise,check_fall,check_health,cookie,\n\
             a,2,1,40,1,2,3,7,http,UP,{check},1,2,{health},aa,\nBACKEND,0,0,40,1,2,3,7,http,UP,,,,,SRV,\n"
        );
        let listed = backend("app", &state, &stat).unwrap();
        assert_eq!(listed.cookie_name, "SRV");
        listed.rows[0].clone()
    }

    #[test]
    fn bits_say_what_was_asked_and_the_check_only_whether_it_is_well() {
        use Rotation::{Draining, In, Out};
        for (op, admin, weight, rotation, healthy) in [
            (2, 0, 1, In, Some(true)),
            (0, 0, 1, In, Some(false)),
            (2, 4, 1, In, Some(true)),
            (0, 5, 1, Out, None),
            (0, 1, 1, Out, None),
            (0, 32, 1, Out, None),
            (2, 8, 1, Draining, Some(true)),
            (0, 8, 1, Draining, Some(false)),
            (2, 12, 1, Draining, Some(true)),
            (2, 0, 0, Draining, Some(true)),
            (0, 9, 1, Out, None),
        ] {
            let row = one(op, admin, weight, "L7OK", 2);
            assert_eq!((row.rotation(), row.healthy()), (rotation, healthy), "{op}/{admin} weight {weight}");
        }
    }

    #[test]
    fn ready_is_a_passed_check_and_full_health() {
        assert!(one(2, 8, 1, "L7OK", 2).is_ready_for_traffic());
        assert!(one(2, 8, 1, "* L7OK", 2).is_ready_for_traffic());
        assert!(!one(2, 8, 1, "L7OK", 1).is_ready_for_traffic());
        assert!(!one(2, 8, 1, "INI", 1).is_ready_for_traffic());
        assert!(!one(0, 8, 1, "L4CON", 0).is_ready_for_traffic());
        let tracking = |status: &str| Row { status: status.into(), ..one(2, 16, 1, "", 0) };
        assert!(tracking("DRAIN").is_ready_for_traffic() && !tracking("DRAIN 1/3").is_ready_for_traffic());
    }

    #[test]
    fn counters_add_up() {
        let counters = one(2, 0, 1, "L7OK", 2).counters.unwrap();
        assert_eq!((counters.in_flight, counters.total, counters.errors), (3, 40, 6));
        assert_eq!(counters.time, Some(Duration::from_millis(7)));
    }

    #[test]
    fn nonsense_is_refused_and_shown() {
        for (state, stat) in [("", ""), ("Can't find it.", "# svname,\n"), (STATE, "nothing"), ("# srv_name\na\n", "# svname,\n")]
        {
            assert!(backend("app", state, stat).is_err());
        }
        assert!(process("Pid: x\nUptime_sec: 3").is_err());
        let known = Process { pid: 7, started: Some(1_700_000_000), uptime: 3 };
        assert_eq!(process("Pid: 7\nUptime_sec: 3\nStart_time_sec: 1700000000").unwrap(), known);
    }
}
