//! A report's page in a real browser: what Chromium makes of it, light and dark, and that no name in it does anything.

use crate::report::Played;
use halfstep::cli::report::html;
use halfstep::engine::report::samples::{Point, Served};
use halfstep::engine::report::{Report, samples};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A browser that shows nothing for so long is broken.
const LIMIT: Duration = Duration::from_secs(60);

/// How the reader has it.
#[derive(Clone, Copy)]
enum Light {
    Day,
    Night,
}

struct Browser {
    program: PathBuf,
    place: tempfile::TempDir,
}

impl Browser {
    /// `None`, and said aloud, where there is none.
    fn new() -> Option<Browser> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&path)
            .flat_map(|folder| ["chromium", "chromium-browser", "google-chrome"].map(|name| folder.join(name)))
            .find(|program| program.is_file());
        match found {
            Some(program) => Some(Browser { program, place: tempfile::tempdir().expect("a directory") }),
            None => {
                println!("skipped: chromium is not installed");
                None
            }
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// Opens a page, and ends when it was looked at. Answers with what it printed.
    fn open(&self, page: &str, light: Light, arguments: &[String]) -> String {
        let file = self.file("page.html");
        std::fs::write(&file, page).expect("written");
        let scheme = match light {
            Light::Night => 0,
            Light::Day => 1,
        };
        let out = self.file("out.txt");
        let mut browser = Command::new(&self.program)
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"])
            .args(["--no-first-run", "--disable-extensions", "--disable-background-networking", "--window-size=1100,1800"])
            .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
            .arg(format!("--user-data-dir={}", self.file("profile").display()))
            .args(arguments)
            .arg(format!("file://{}", file.display()))
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(&out).expect("a file"))
            .stderr(Stdio::null())
            .spawn()
            .expect("a browser");
        let began = Instant::now();
        while browser.try_wait().expect("asked").is_none() {
            if began.elapsed() > LIMIT {
                browser.kill().ok();
                browser.wait().ok();
                panic!("{} showed nothing in {LIMIT:?}", self.program.display());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        std::fs::read_to_string(out).expect("what it printed")
    }

    /// The document as the browser has it after all was run that runs.
    fn document(&self, page: &str) -> String {
        self.open(page, Light::Day, &["--dump-dom".to_owned()])
    }

    /// The pixels that a reader sees.
    fn picture(&self, page: &str, light: Light) -> Picture {
        let file = self.file("page.png");
        self.open(page, light, &[format!("--screenshot={}", file.display())]);
        Picture::read(&file)
    }
}

struct Picture {
    width: usize,
    pixels: Vec<[u8; 3]>,
}

impl Picture {
    fn read(path: &Path) -> Picture {
        let file = std::io::BufReader::new(std::fs::File::open(path).expect("a screenshot"));
        let mut reader = png::Decoder::new(file).read_info().expect("a PNG");
        let mut bytes = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut bytes).expect("a picture");
        let channels = info.color_type.samples();
        let pixels = bytes[..info.buffer_size()].chunks(channels).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
        Picture { width: info.width as usize, pixels }
    }

    fn at(&self, x: usize, y: usize) -> [u8; 3] {
        self.pixels[y * self.width + x]
    }

    fn count(&self, colour: [u8; 3]) -> usize {
        self.pixels.iter().filter(|pixel| **pixel == colour).count()
    }
}

fn rgb(colour: u32) -> [u8; 3] {
    let [_, red, green, blue] = colour.to_be_bytes();
    [red, green, blue]
}

/// The report of the demo, and its figures; a second of errors after the switch, which the demo has not.
fn played() -> (Report, Vec<Point>, String) {
    let played = Played::new();
    let printed = played.answer(&["report", "--format", "html"]);
    let report: Report = serde_json::from_str(&played.answer(&["report", "--format", "json"])).expect("a report");
    let directory = PathBuf::from(report.directory.as_ref().expect("a directory").as_str());
    let points = samples::read(&directory.join("samples.jsonl"));
    (report, points, printed)
}

#[test]
fn a_browser_shows_the_rollout_light_and_dark() {
    let Some(browser) = Browser::new() else { return };
    let (mut report, mut points, printed) = played();
    assert!(points.len() >= 2, "{points:?}");
    let versions: Vec<&str> = points.iter().flat_map(|point| &point.versions).map(|served| served.version.as_str()).collect();
    assert!(versions.contains(&"1.41.0") && versions.contains(&"1.42.0"), "{versions:?}");
    assert!(
        printed.contains("<polyline class=\"line current\"") && printed.contains("<polyline class=\"line next\""),
        "{printed}"
    );

    // As the browser has it: the drawings are there, and no text fell out of its frame.
    let document = browser.document(&printed);
    for part in [
        "demo: 1.41.0 -&gt; 1.42.0",
        "✔ done",
        "Timeline",
        "Traffic by version",
        "under a magnifier",
        "rejoin-b",
        "web1, web2, web3",
    ] {
        assert!(document.contains(part), "{part}\n{document}");
    }
    assert_eq!(document.matches("<svg").count(), 3, "timeline, traffic, magnifier");

    let last = points.last_mut().expect("a point");
    last.versions = vec![Served { version: report.next.clone(), requests_per_second: 300.0, errors_per_second: Some(40.0) }];
    report.notes.clear();
    let page = html(&report, &points);
    let day = browser.picture(&page, Light::Day);
    let night = browser.picture(&page, Light::Night);
    // (paper, current, next, bad) of the page's style
    for (picture, [paper, current, next, bad]) in
        [(&day, [0xfb_fbf9, 0x7a_3ab8, 0x0b_5cad, 0xb3_231f]), (&night, [0x15_181e, 0xc3_9cf0, 0x6c_b6ff, 0xff_8077])]
    {
        assert_eq!(picture.at(2, 2), rgb(paper), "the paper");
        assert!(picture.count(rgb(paper)) > 50_000);
        assert!(picture.count(rgb(current)) > 100, "the curve of current: {}", picture.count(rgb(current)));
        assert!(picture.count(rgb(next)) > 100, "the curve of next: {}", picture.count(rgb(next)));
        assert!(picture.count(rgb(bad)) > 50, "the errors: {}", picture.count(rgb(bad)));
    }
}

#[test]
fn a_browser_runs_nothing_of_what_names_hold() {
    let Some(browser) = Browser::new() else { return };
    let (mut report, points, _) = played();
    let owned = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">";
    report.pool = owned.into();
    report.who = format!("</dd></dl>{owned}\u{1b}[2J").into();
    report.notes = vec![format!("\"><svg onload=document.title='owned'>{owned}").into()];
    for switch in &mut report.switches {
        switch.into.push(owned.into());
        switch.text = owned.into();
    }
    let document = browser.document(&html(&report, &points));
    let title = document.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).expect("a title");
    assert!(title.contains("&lt;script&gt;"), "{title}");
    for element in ["<script", "<img", "<svg onload"] {
        assert!(!document.contains(element), "{element}\n{document}");
    }
    // It could run: the same browser runs what is really there.
    let control = browser.document("<!DOCTYPE html><title>x</title><script>document.title='owned'</script>");
    assert!(control.contains("<title>owned</title>"), "{control}");
}
