//! What a row of the page means: rotation, health, and the name by which the config calls it. Pure.
//!
//! Rotation as httpd elects: of the sets, the lowest in which a member is usable gets everything. A member above that
//! set takes new requests only when nobody below can, so it is `draining` here ("resting"), and so is a hot standby or
//! spare beside a usable ordinary member. `N` is draining, `D` and `S` are out. A member in `Err` stays `in`, because it
//! was asked to take requests, but is not healthy. Where the page comes from: [`super::page`].

use super::page::{Balancer, Worker};
use crate::model::{Failure, MemberName, MemberReading, Printable, Rotation};
use std::collections::{BTreeMap, HashMap};

/// Can it be given requests now? Drained members say `Ok` too.
pub fn takes_requests(worker: &Worker) -> bool {
    is_usable(worker) && !worker.says("Drn")
}

fn is_usable(worker: &Worker) -> bool {
    worker.says("Ok") && !["Err", "Dis", "Stop", "HcFl"].iter().any(|word| worker.says(word))
}

fn is_spare(worker: &Worker) -> bool {
    worker.says("Stby") || worker.says("Spar")
}

/// The rotation of each worker, in the order of the page.
pub fn rotations(workers: &[Worker]) -> Vec<Rotation> {
    let active = workers.iter().filter(|w| takes_requests(w)).map(|w| w.set).min();
    let ordinary = workers.iter().any(|w| Some(w.set) == active && takes_requests(w) && !is_spare(w));
    let rotation = |worker: &Worker| {
        if worker.says("Dis") || worker.says("Stop") {
            Rotation::Out
        } else if worker.says("Drn")
            || active.is_some_and(|active| worker.set > active)
            || (Some(worker.set) == active && is_spare(worker) && ordinary)
        {
            Rotation::Draining
        } else {
            Rotation::In
        }
    };
    workers.iter().map(rotation).collect()
}

/// `Ok` is httpd's own belief: no request to it failed of late. Of a member that is taken out it believes nothing.
fn healthy(worker: &Worker) -> Option<bool> {
    if worker.says("Err") || worker.says("HcFl") {
        Some(false)
    } else if worker.says("Dis") || worker.says("Stop") {
        None
    } else {
        Some(worker.says("Ok"))
    }
}

/// What is read of one member.
pub fn reading(worker: &Worker, name: MemberName, rotation: Rotation) -> MemberReading {
    let mut word = worker.words.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    if rotation == Rotation::Draining && !worker.says("Drn") {
        word.push_str(&format!(" (resting in set {})", worker.set));
    }
    let mut raw = BTreeMap::from([
        ("url".to_owned(), worker.url.clone()),
        ("status".to_owned(), worker.words.iter().map(String::as_str).collect::<Vec<_>>().join(" ")),
        ("set".to_owned(), worker.set.to_string()),
        ("factor".to_owned(), worker.factor.clone()),
        ("route".to_owned(), worker.route.clone()),
    ]);
    if !worker.redirect.is_empty() {
        raw.insert("redirect".to_owned(), worker.redirect.clone());
    }
    for (key, value) in [("to", worker.to), ("from", worker.from)] {
        raw.extend(value.map(|value| (key.to_owned(), value.to_string())));
    }
    MemberReading {
        name,
        rotation,
        word: Printable::cut(&word, 80),
        healthy: healthy(worker),
        in_flight: worker.busy,
        total: worker.elected,
        errors: None,
        time: None,
        weight: worker.factor.parse::<f64>().ok().map(|factor| factor.round() as u32),
        raw,
    }
}

/// Finds the workers of one page by the names that people use: the exact URL, or the address of only one worker.
#[derive(Debug)]
pub struct Index<'a> {
    workers: &'a [Worker],
    exact: HashMap<&'a str, usize>,
    /// By address, and by URL in small letters without a slash at the end. `None`: more than one.
    loose: HashMap<String, Option<usize>>,
}

impl<'a> Index<'a> {
    /// Of the workers of one balancer.
    pub fn new(workers: &'a [Worker]) -> Index<'a> {
        let mut index = Index { workers, exact: HashMap::new(), loose: HashMap::new() };
        for (number, worker) in workers.iter().enumerate() {
            index.exact.insert(&worker.url, number);
            let url = worker.url.trim_end_matches('/').to_ascii_lowercase();
            for key in authority(&url).into_iter().chain([url]) {
                index.loose.entry(key).and_modify(|known| *known = None).or_insert(Some(number));
            }
        }
        index
    }

    fn number(&self, name: &MemberName) -> Option<usize> {
        let loose = || *self.loose.get(&name.as_str().trim_end_matches('/').to_ascii_lowercase())?;
        self.exact.get(name.as_str()).copied().or_else(loose)
    }

    /// The worker of that name.
    pub fn find(&self, name: &MemberName) -> Option<&'a Worker> {
        self.workers.get(self.number(name)?)
    }

    /// What each worker is called in readings: the one name that the config has for it, else its URL.
    pub fn names(&self, known: &[MemberName]) -> Vec<MemberName> {
        let mut claims: Vec<Vec<&MemberName>> = vec![Vec::new(); self.workers.len()];
        for name in known {
            if let Some(claim) = self.number(name).and_then(|number| claims.get_mut(number)) {
                claim.push(name);
            }
        }
        let name = |(worker, claims): (&Worker, &Vec<&MemberName>)| match claims.as_slice() {
            [only] => (*only).clone(),
            _ => MemberName::new(&worker.url),
        };
        self.workers.iter().zip(&claims).map(name).collect()
    }
}

/// The workers of those names, or a failure that lists the real ones.
pub fn find_all<'a>(
    names: impl IntoIterator<Item = &'a MemberName>,
    balancer: &Balancer,
    at: &str,
) -> Result<Vec<Worker>, Failure> {
    let index = Index::new(&balancer.workers);
    let mut found = Vec::new();
    let mut unknown = Vec::new();
    for name in names {
        match index.find(name) {
            Some(worker) => found.push(worker.clone()),
            None => unknown.push(name.to_string()),
        }
    }
    if unknown.is_empty() {
        return Ok(found);
    }
    let real: Vec<&str> = balancer.workers.iter().map(|worker| worker.url.as_str()).collect();
    Err(Failure::new(format!("{at}: balancer://{} has no member {}", balancer.name, unknown.join(", ")))
        .next(format!("its members are {}; set `member` of the server", Printable::cut(&real.join(", "), 1000))))
}

/// `host:port` of a worker URL; the port of its scheme where it names none.
fn authority(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let place = rest.split(['/', '?']).next()?;
    let has_port = place.rsplit_once(':').is_some_and(|(_, port)| port.chars().all(|c| c.is_ascii_digit()) && !port.is_empty());
    let port = match scheme {
        _ if has_port => return Some(place.to_owned()),
        "http" | "ws" | "h2c" => 80,
        "https" | "wss" | "h2" => 443,
        "ajp" => 8009,
        _ => return Some(place.to_owned()),
    };
    Some(format!("{place}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(url: &str, set: u32, words: &str) -> Worker {
        let words = words.split(' ').map(str::to_owned).collect();
        Worker { url: url.into(), set, words, factor: "1.00".into(), ..Worker::default() }
    }

    fn rotations_of(rows: &[(u32, &str)]) -> Vec<Rotation> {
        rotations(&rows.iter().map(|(set, words)| worker("http://x", *set, words)).collect::<Vec<_>>())
    }

    #[test]
    fn the_lowest_set_with_a_usable_member_is_in_and_those_above_rest() {
        use Rotation::{Draining, In, Out};
        assert_eq!(rotations_of(&[(0, "Init Ok"), (1, "Init Ok")]), [In, Draining]);
        assert_eq!(rotations_of(&[(0, "Init Drn Ok"), (1, "Init Ok")]), [Draining, In]);
        assert_eq!(rotations_of(&[(0, "Init Err"), (1, "Init Ok")]), [In, In]);
        assert_eq!(rotations_of(&[(0, "Init Dis"), (0, "Init Stop"), (2, "Init Ok")]), [Out, Out, In]);
        assert_eq!(rotations_of(&[(0, "Init Dis Err"), (0, "Init Err")]), [Out, In]);
        assert_eq!(rotations_of(&[(0, "Init Stby Ok"), (0, "Init Ok")]), [Draining, In]);
        assert_eq!(rotations_of(&[(0, "Init Stby Ok"), (0, "Init Drn Ok")]), [In, Draining]);
    }

    #[test]
    fn err_is_in_rotation_and_not_healthy() {
        let member = |words| reading(&worker("http://x", 0, words), MemberName::new("x"), Rotation::In);
        assert_eq!(member("Init Err").healthy, Some(false));
        assert_eq!(member("Init HcFl").healthy, Some(false));
        assert_eq!(member("Init Ok").healthy, Some(true));
        assert_eq!(member("Init").healthy, Some(false));
        assert_eq!(member("Init Dis").healthy, None);
    }

    #[test]
    fn an_address_names_the_one_worker_there() {
        let workers =
            [worker("http://10.0.0.1:8080", 0, "Ok"), worker("https://10.0.0.2", 0, "Ok"), worker("ajp://h:9", 0, "Ok")];
        let index = Index::new(&workers);
        let found = |name: &str| index.find(&MemberName::new(name)).map(|worker| worker.url.as_str());
        assert_eq!(found("10.0.0.1:8080"), Some("http://10.0.0.1:8080"));
        assert_eq!(found("10.0.0.2:443"), Some("https://10.0.0.2"));
        assert_eq!(found("H:9"), Some("ajp://h:9"));
        assert_eq!(found("10.0.0.1:80"), None);
        let names = index.names(&[MemberName::new("10.0.0.1:8080"), MemberName::new("nobody")]);
        assert_eq!(names.iter().map(MemberName::as_str).collect::<Vec<_>>(), ["10.0.0.1:8080", "https://10.0.0.2", "ajp://h:9"]);
        let twice = [worker("http://h:1/a", 0, "Ok"), worker("http://h:1/b", 0, "Ok")];
        assert_eq!(Index::new(&twice).find(&MemberName::new("h:1")), None);
        let both = index.names(&[MemberName::new("10.0.0.1:8080"), MemberName::new("http://10.0.0.1:8080")]);
        assert_eq!(both[0].as_str(), "http://10.0.0.1:8080");
    }
}
