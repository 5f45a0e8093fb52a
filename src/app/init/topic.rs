//! What can be asked in the dialogue: its option, its short name, and how an answer to it is forgotten, so that Esc leads to
//! the question before. Pure.

use crate::cli::init::{InitArguments, InitRunOn};
use crate::model::Printable;
use crate::tui::setup::page::Known;

/// One question of the dialogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    Place,
    User,
    Password,
    Which,
    Pool,
    Name,
    Halves,
    Workers,
    Health,
    VersionPath,
    VersionPlace,
    Public,
    RunOn,
    Stop,
    Update,
    Start,
    /// The file, before it is written.
    File,
}

impl Topic {
    /// The option that answers it beforehand.
    #[must_use]
    pub fn flag(self) -> &'static str {
        match self {
            Topic::Place => "WHERE, --socket or --url",
            Topic::User => "--user",
            Topic::Password => "--password",
            Topic::Which => "--socket or --url",
            Topic::Pool => "--pool",
            Topic::Name => "--name",
            Topic::Halves => "--half",
            Topic::Workers => "--worker",
            Topic::Health => "--health",
            Topic::VersionPath => "--version-path",
            Topic::VersionPlace => "--version-json, --version-header or --version-body",
            Topic::Public => "--public",
            Topic::RunOn => "--run-on",
            Topic::Stop => "--stop",
            Topic::Update => "--update",
            Topic::Start => "--start",
            Topic::File => "--yes",
        }
    }

    /// Its short name beside an answer.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Topic::Place | Topic::Which => "at",
            Topic::User => "user",
            Topic::Password => "password",
            Topic::Pool => "pool",
            Topic::Name => "name",
            Topic::Halves => "halves",
            Topic::Workers => "workers",
            Topic::Health => "health",
            Topic::VersionPath => "version",
            Topic::VersionPlace => "in it",
            Topic::Public => "public",
            Topic::RunOn => "run on",
            Topic::Stop => "stop",
            Topic::Update => "update",
            Topic::Start => "start",
            Topic::File => "file",
        }
    }

    /// Takes its answer out of the options. What was moved between the halves stays: it is shown again.
    pub fn forget(self, arguments: &mut InitArguments) {
        match self {
            Topic::Place | Topic::Which => {
                (arguments.place, arguments.socket, arguments.url, arguments.balancer) = (None, None, None, None);
            }
            Topic::User | Topic::Password => (arguments.user, arguments.password) = (None, None),
            Topic::Pool => arguments.pool = None,
            Topic::Name => arguments.name = None,
            Topic::Halves | Topic::File => {}
            Topic::Workers => arguments.worker.clear(),
            Topic::Health => arguments.health = None,
            Topic::VersionPath => {
                (arguments.version_path, arguments.version_json, arguments.version_header, arguments.version_body) =
                    (None, None, None, false);
            }
            Topic::VersionPlace => {
                (arguments.version_json, arguments.version_header, arguments.version_body) = (None, None, false);
            }
            Topic::Public => arguments.public = None,
            Topic::RunOn => arguments.run_on = None,
            Topic::Stop => arguments.stop = None,
            Topic::Update => arguments.update = None,
            Topic::Start => arguments.start = None,
        }
    }
}

/// What the options say so far, in the order of the questions.
#[must_use]
pub fn known(arguments: &InitArguments) -> Vec<Known> {
    let mut all = Vec::new();
    let mut one = |topic: Topic, answer: Option<String>| {
        all.extend(answer.map(|answer| Known { label: topic.label(), answer: Printable::cut(&answer, 200) }));
    };
    one(Topic::Place, arguments.socket.clone().or(arguments.url.clone()).or(arguments.place.clone()));
    one(Topic::User, arguments.user.clone());
    one(Topic::Pool, arguments.pool.clone());
    one(Topic::Name, arguments.name.clone());
    one(Topic::Workers, (!arguments.worker.is_empty()).then(|| arguments.worker.join(" ")));
    one(Topic::Health, arguments.health.clone());
    one(Topic::VersionPath, arguments.version_path.clone());
    let body = arguments.version_body.then(|| "body".to_owned());
    one(Topic::VersionPlace, arguments.version_json.clone().or(arguments.version_header.clone()).or(body));
    one(Topic::Public, arguments.public.clone());
    one(Topic::RunOn, arguments.run_on.map(InitRunOn::word).map(str::to_owned));
    one(Topic::Stop, arguments.stop.clone());
    one(Topic::Update, arguments.update.clone());
    one(Topic::Start, arguments.start.clone());
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_forgotten_is_known_no_longer() {
        let mut arguments = InitArguments {
            pool: Some("shop".into()),
            version_path: Some("/version".into()),
            version_json: Some("/version".into()),
            ..InitArguments::default()
        };
        assert_eq!(known(&arguments).len(), 3);
        Topic::VersionPlace.forget(&mut arguments);
        assert_eq!(known(&arguments).len(), 2);
        Topic::VersionPath.forget(&mut arguments);
        Topic::Pool.forget(&mut arguments);
        assert_eq!(arguments, InitArguments::default());
    }
}
