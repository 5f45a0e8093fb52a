//! Every section and key of the config file, as one table: what is read, refused and printed by `halfstep schema`.
//!
//! Reading (`section`) refuses what is not here, and the schema is made from here, so the two cannot differ. What a value
//! means is for the file named after its section. Adding a key is a line here and the line that reads it there.

/// What a value looks like.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    Text,
    Flag,
    Whole,
    Number,
    /// `"500ms"`, `"1h30m"`.
    Length,
    /// The same, or `"off"`.
    LengthOrOff,
    /// `"50%"`.
    Share,
    /// One of these.
    Word(&'static [&'static str]),
    Texts,
    TextOrTexts,
    WholeOrWholes,
    Words(&'static [&'static str]),
    /// Names with texts, as `{ X-Probe = "halfstep" }`.
    Pairs,
    Section(&'static Section),
    /// `[name]` once, or `[[name]]` several times.
    SectionOrSections(&'static Section),
    Sections(&'static Section),
    /// `[role.NAME]`.
    Named(&'static Section),
}

/// One key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub name: &'static str,
    pub shape: Shape,
    pub doc: &'static str,
}

/// One section: groups of keys, as several sections share some.
#[derive(Debug, Clone, Copy)]
pub(super) struct Section {
    pub groups: &'static [&'static [Key]],
    pub required: &'static [&'static str],
}

impl Section {
    /// All keys, in the order of the table.
    pub fn keys(&self) -> impl Iterator<Item = &'static Key> {
        self.groups.iter().copied().flatten()
    }

    /// The key of that name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys().find(|key| key.name == name)
    }
}

const fn key(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { name, shape, doc }
}

use Shape::{
    Flag, Length, LengthOrOff, Named, Number, Pairs, SectionOrSections, Sections, Share, Text, TextOrTexts, Texts, Whole,
    WholeOrWholes, Word, Words,
};

pub(super) const ROOT: Section = Section {
    groups: &[&[
        key("pool", Shape::Section(&POOL), "The pool that is rolled out."),
        key(
            "balancer",
            SectionOrSections(&BALANCER),
            "The load balancer; [[balancer]] for several nodes, which are switched together.",
        ),
        key(
            "health",
            Shape::Section(&HEALTH),
            "How a server is asked whether it is healthy. Left out: healthy when its version answers.",
        ),
        key("version", Shape::Section(&VERSION), "How a server is asked which version it is."),
        key("verify", Shape::Section(&VERIFY), "What is asked of a server, past the balancer, before it enters rotation."),
        key("commands", Shape::Section(&COMMANDS), "The commands that stop, update and start a server."),
        key(
            "role",
            Named(&ROLE),
            "What differs for servers with role = NAME; the rest comes from [commands], [health] and [version].",
        ),
        key("rollout", Shape::Section(&ROLLOUT), "How a rollout goes."),
        key("gates", Shape::Section(&GATES), "What must hold before going on. What is left out is off."),
        key(
            "migrations",
            Shape::Section(&MIGRATIONS),
            "Database migrations: commands run on this machine, or files that halfstep runs.",
        ),
        key("state", Shape::Section(&STATE), "Where locks and journals are kept."),
        key("server", Sections(&SERVER), "The servers, in order."),
    ]],
    required: &["pool", "balancer", "version", "server"],
};

pub(super) const POOL: Section = Section {
    groups: &[&[
        key("name", Text, "The pool's name: a-z 0-9 . _ -"),
        key("ignore", Texts, "Members of the balancer that are none of our business."),
    ]],
    required: &["name"],
};

/// The kinds that work.
pub(super) const KINDS: &[&str] = &["apache", "haproxy", "builtin", "command"];
/// The kinds that are known and not built yet.
pub(super) const LATER_KINDS: &[&str] = &["nginx", "caddy", "traefik", "envoy"];

const NODE: &[Key] = &[
    key("kind", Word(KINDS), "Which kind it is: apache, haproxy, builtin or command."),
    key("name", Text, "What this node is called on screen; left out: its kind, or lb1, lb2 and so on."),
    key("ssh", Text, "Paths and loopback addresses are those of this host, reached through one ssh connection kept open."),
    key("public", Text, "What a client asks, for the probe through the balancer: a URL that answers the version."),
    key("poll", Length, "Between two readings; default 500ms."),
];
const APACHE_KEYS: &[Key] = &[
    key("url", Text, "apache: the balancer-manager page, as https://lb1/balancer-manager."),
    key("balancer", Text, "apache: the balancer's name, as shop of balancer://shop."),
    key("user", Text, "apache: for basic authentication."),
    key("password", Text, "apache: env:NAME or file:PATH."),
    key("ca", Text, "apache: a PEM file with the certificate authority to trust instead of the system's."),
];
const HAPROXY_KEYS: &[Key] = &[
    key("socket", Text, "haproxy: the runtime API, a path or host:port, at level admin."),
    key("backend", TextOrTexts, "haproxy: one backend, or several that are switched together."),
    key("state_file", Text, "haproxy: where the servers' state is written after each change, so that a reload keeps it."),
];
const BUILTIN_KEYS: &[Key] = &[
    key("control", Text, "builtin: the Unix socket that halfstep serve answers on."),
    key("listen", Text, "builtin: where halfstep serve takes requests, as 0.0.0.0:80."),
];
const PROGRAM_KEYS: &[Key] = &[
    key("program", Text, "command: a program that takes a verb as first argument and answers JSON."),
    key("timeout", Length, "command: for each verb; default 10s."),
];

pub(super) const BALANCER: Section =
    Section { groups: &[NODE, APACHE_KEYS, HAPROXY_KEYS, BUILTIN_KEYS, PROGRAM_KEYS], required: &["kind"] };
pub(super) const APACHE: Section = Section { groups: &[NODE, APACHE_KEYS], required: &["url", "balancer"] };
pub(super) const HAPROXY: Section = Section { groups: &[NODE, HAPROXY_KEYS], required: &["socket", "backend"] };
pub(super) const BUILTIN: Section = Section { groups: &[NODE, BUILTIN_KEYS], required: &["control"] };
pub(super) const PROGRAM: Section = Section { groups: &[NODE, PROGRAM_KEYS], required: &["program"] };

const REQUEST: &[Key] = &[
    key("path", Text, "An HTTP GET of this path."),
    key("command", Text, "In the place of path: a command on this machine; {server} {host} {address} {port} {role}."),
    key("scheme", Word(&["http", "https"]), "Default http."),
    key("port", Whole, "In the place of the port of the server's address."),
    key("host_header", Text, "In the place of the server's address."),
    key("headers", Pairs, "More request headers; secrets as env:NAME or file:PATH."),
    key("ca", Text, "A PEM file with the certificate authority to trust instead of the system's."),
    key("insecure", Flag, "Take any certificate."),
    key("status", WholeOrWholes, "The good statuses; left out: any 2xx."),
    key("contains", Text, "The body must hold this."),
    key("via", Word(&["direct", "ssh"]), "From this machine, or from the server's own host; default direct."),
    key("timeout", Length, "For one request; default 2s."),
];
const TCP: &[Key] = &[key("tcp", Flag, "In the place of path: true when the port takes connections.")];
const WATCH: &[Key] = &[
    key("healthy_after", Whole, "Good answers in a row before a server counts as up; default 3."),
    key("interval", Length, "Between two looks at a server; default 1s."),
    key("within", Length, "How long a started server may take to become healthy; default 120s."),
];
const EXTRACT: &[Key] = &[
    key("json", Text, "Where in a JSON body the version stands, as /build/version."),
    key("header", Text, "Or: the response header that holds it."),
    key("regex", Text, "Or: a regular expression; its first group, else the whole match."),
    key("body", Flag, "Or: true when it is the whole body."),
    key("match", Word(&["exact", "prefix"]), "prefix for git SHAs, at least 7 characters; default exact."),
    key("instance", Text, "What changes when the process restarts: a JSON place, or a header."),
];
pub(super) const HEALTH: Section = Section { groups: &[REQUEST, TCP, WATCH], required: &[] };
pub(super) const ROLE_HEALTH: Section = Section { groups: &[REQUEST, TCP], required: &[] };
pub(super) const VERSION: Section = Section { groups: &[REQUEST, EXTRACT], required: &[] };

pub(super) const VERIFY: Section = Section {
    groups: &[&[
        key("warm_up", Texts, "Paths that are asked once, so that the first user does not wait."),
        key("smoke", Sections(&SMOKE), "Requests that must answer as said."),
    ]],
    required: &[],
};
pub(super) const SMOKE: Section = Section {
    groups: &[&[
        key("path", Text, "The path."),
        key("status", Whole, "The good status; left out: any 2xx."),
        key("contains", Text, "The body must hold this."),
    ]],
    required: &["path"],
};

const COMMAND_KEYS: &[Key] = &[
    key("run_on", Word(&["local", "ssh"]), "Where commands run: on this machine, or on the server's host; default local."),
    key(
        "per",
        Word(&["server", "half"]),
        "One call for each server, or one for a whole half ({servers} {hosts}); default server.",
    ),
    key("check", Text, "In Preflight: can the commands be used on this host? Changes nothing."),
    key("restore_check", Text, "In Preflight: is the current release there to go back to? Changes nothing."),
    key("prepare", Text, "In Preflight, on all servers, nothing stopped yet; may be repeated."),
    key("quiet", Text, "Workers: take no new jobs."),
    key("stop", Text, "Stops the server."),
    key("update", Text, "Brings {release}."),
    key("start", Text, "Starts the server."),
    key("restart", Text, "In the place of stop and start in halfstep restart."),
    key("restore", Text, "Brings {current} back; left out: update with the current release."),
    key("prepare_timeout", Length, "For prepare; left out: timeout."),
    key("stop_timeout", Length, "For stop and quiet; left out: timeout."),
    key("update_timeout", Length, "For update and restore; left out: timeout."),
    key("start_timeout", Length, "For start and restart; left out: timeout."),
];
const COMMAND_TIMEOUT: &[Key] = &[key("timeout", Length, "For every command without a limit of its own; default 10m.")];
pub(super) const COMMANDS: Section = Section { groups: &[COMMAND_KEYS, COMMAND_TIMEOUT], required: &[] };

/// The keys of a role's sections may stand in `[role.NAME]` itself where only one of the sections has them.
pub(super) const ROLE: Section = Section {
    groups: &[
        &[
            key("commands", Shape::Section(&COMMANDS), "As [commands], for this role."),
            key("health", Shape::Section(&ROLE_HEALTH), "As [health], for this role."),
            key("version", Shape::Section(&VERSION), "As [version], for this role."),
        ],
        COMMAND_KEYS,
        TCP,
        EXTRACT,
    ],
    required: &[],
};

/// What `[role.NAME]` itself may say of each of its sections.
pub(super) const FLAT_COMMANDS: Section = Section { groups: &[COMMAND_KEYS], required: &[] };
pub(super) const FLAT_HEALTH: Section = Section { groups: &[TCP], required: &[] };
pub(super) const FLAT_VERSION: Section = Section { groups: &[EXTRACT], required: &[] };

const PHASES: &[&str] = &[
    "preflight",
    "expand",
    "drain-a",
    "update-a",
    "verify-a",
    "switch",
    "bake",
    "update-b",
    "verify-b",
    "rejoin-b",
    "contract",
    "report",
];

pub(super) const ROLLOUT: Section = Section {
    groups: &[&[
        key("drain_timeout", Length, "How long requests in flight may take to end; default 60s."),
        key("on_drain_timeout", Word(&["hold", "go-on", "rollback"]), "Then; default hold."),
        key("bake", Length, "After the switch, with half B dark and still on current; default 5m."),
        key("parallel", Whole, "Servers worked on at once; default 4."),
        key("stop_before", Words(PHASES), "Automatic stops before these phases; default switch, update-b, contract."),
        key("min_serving", Share, "Of the serving half; below it going on stops; default 50%."),
        key("rescue", Word(&["auto", "ask"]), "When nothing healthy is in rotation and a dark half is verified; default auto."),
        key("switch_timeout", Length, "How long a node may take to be as asked; default 2s."),
        key("probe", LengthOrOff, "Between two requests through the balancer during the switch; default 2ms."),
        key("on_failure", Word(&["hold", "rollback"]), "When a server fails; default hold."),
    ]],
    required: &[],
};

pub(super) const GATES: Section = Section {
    groups: &[&[
        key("error_rate", Share, "Errors of next may be this much above current's before."),
        key("max_latency_ratio", Number, "Answer time of next over current's before; left out: latency only warns."),
        key("min_requests", Whole, "Fewer than this, and error rate and latency are unknown; default 100."),
        key("capacity", Number, "Requests a second that one server carries."),
        key("auto_rollback", Length, "A failed gate in the bake flips back after this, unless somebody holds."),
    ]],
    required: &[],
};

/// The words of `source`; a test holds them against the tools that there are.
pub(super) const TOOLS: &[&str] = &[
    "plain",
    "sqlx",
    "diesel",
    "goose",
    "dbmate",
    "golang-migrate",
    "refinery",
    "flyway",
    "prisma",
    "drizzle",
    "liquibase",
    "sqitch",
    "node-pg-migrate",
    "rails",
    "django",
    "alembic",
];

pub(super) const MIGRATIONS: Section = Section {
    groups: &[&[
        key("expand", Text, "A command for migrations that old and new code both live with; {release} {current}."),
        key("contract", Text, "A command for migrations that only new code lives with; {release} {current}."),
        key("timeout", Length, "For each; default the timeout of [commands]."),
        key(
            "path",
            TextOrTexts,
            "The folder of the files. A phase without a command runs those that are pending; one with a command runs no file.",
        ),
        key("source", Word(TOOLS), "The tool that the files are of; left out: found by looking at the folder."),
        key("database_url", Text, "env:NAME or file:PATH; a url without a password may stand here."),
        key("app_role", Text, "The application's role in the database, for halfstep migrations prove."),
        key("lock_timeout", Length, "How long a statement waits for a lock before it is tried again; default 2s at most."),
        key("phase", Pairs, "What you decided: names of files with expand, contract or either."),
    ]],
    required: &[],
};

pub(super) const STATE: Section = Section {
    groups: &[&[
        key("dir", Text, "A directory shared by several accounts; left out: your own state directory."),
        key("group", Text, "The group that may use it."),
    ]],
    required: &[],
};

pub(super) const SERVER: Section = Section {
    groups: &[&[
        key("name", Text, "What we call it: a-z 0-9 . _ -"),
        key("address", Text, "Where it listens, host:port."),
        key("half", Word(&["A", "B"]), "Left out: split evenly, in order, alternating zones."),
        key("member", Text, "What the balancer calls it; left out: the name (haproxy) or the address (the rest)."),
        key("role", Text, "worker, observed, or a NAME of [role.NAME]; left out: behind the balancer."),
        key("ssh", Text, "Where commands run with run_on = \"ssh\"; left out: the host of the address."),
        key("zone", Text, "Servers of one zone are split over both halves."),
        key("weight", Number, "Share of the load, relative to the others; default 1."),
        key("capacity", Number, "Requests a second that it carries; left out: [gates] capacity."),
    ]],
    required: &["name", "address"],
};
