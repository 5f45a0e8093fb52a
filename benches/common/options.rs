//! What can be told a bench: `cargo bench --bench switch -- --runs 3 --only haproxy`.

/// Told on the command line.
pub struct Options {
    /// How often each thing is measured.
    pub runs: usize,
    /// Only these parts, by name; empty: all.
    only: Vec<String>,
}

impl Options {
    /// Of this process. Ends it with a sentence if they cannot be understood.
    pub fn of_this_process(runs: usize, parts: &[&str]) -> Options {
        let mut options = Options { runs, only: vec![] };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            match (word.as_str(), words.next()) {
                // Cargo says this to every bench.
                ("--bench", None) => {}
                ("--runs", Some(number)) => match number.parse() {
                    Ok(runs) if runs > 0 => options.runs = runs,
                    Ok(_) | Err(_) => refuse(&format!("--runs {number} is no number of runs"), parts),
                },
                ("--only", Some(part)) if parts.contains(&part.as_str()) => options.only.push(part),
                (word, _) => refuse(&format!("{word} is not understood"), parts),
            }
        }
        options
    }

    /// Is that part to be measured?
    pub fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == part)
    }
}

fn refuse(why: &str, parts: &[&str]) {
    eprintln!("{why}. There are --runs NUMBER and --only PART; the parts are {}", parts.join(", "));
    std::process::exit(2);
}
