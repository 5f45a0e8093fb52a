//! Reads the balancer-manager's HTML page: which balancers, which members, in which state.
//!
//! HTML and not the XML (`?xml=1`): the page needs no accepted Referer, holds the nonce on every 2.4, and says whether
//! changes outlive a restart. Columns are found by their heading, status words are a set, and a page that is not whole
//! is refused. What a state means is not known here: see [`super::member`].

use crate::model::Failure;
use html5gum::{Token, Tokenizer};
use std::collections::{BTreeMap, BTreeSet};

/// What one page says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// Of `Load Balancer Manager for NAME`: the name that the host of a Referer is compared with.
    pub server_name: Option<String>,
    /// `Balancer changes will [NOT] be persisted on restart`; `None` where the page does not say (before 2.4.5).
    pub persisted: Option<bool>,
    pub balancers: Vec<Balancer>,
    /// The form `Edit worker settings for URL`: only there when Referer, nonce and worker of the request were accepted.
    pub editing: Option<String>,
}

/// One `balancer://NAME`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Balancer {
    /// Without `balancer://`, as the page spells it (newer httpd: in lower case).
    pub name: String,
    /// Must go with each change. `None` with `nonce=None`, where httpd refuses changes without a word.
    pub nonce: Option<String>,
    /// The `StickySession` cell, unless it is empty or `(None)`.
    pub sticky: Option<String>,
    pub workers: Vec<Worker>,
}

/// One row of the worker table.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Worker {
    /// The exact name that a change must carry.
    pub url: String,
    pub route: String,
    pub redirect: String,
    /// As shown, `1` or `1.00`.
    pub factor: String,
    pub set: u32,
    /// `Init`, `Ok`, `Drn`, `Dis`, `Stop`, `Stby`, `Spar`, `Ign`, `HcFl`, `Err`.
    pub words: BTreeSet<String>,
    /// Requests given to it since the start.
    pub elected: Option<u64>,
    /// Requests in flight, as far as httpd knows: the counter leaks.
    pub busy: Option<u64>,
    /// Bytes to and from it, rounded as the page rounds them (`1.2K`).
    pub to: Option<u64>,
    pub from: Option<u64>,
}

impl Worker {
    /// Is that word among its status words?
    #[must_use]
    pub fn says(&self, word: &str) -> bool {
        self.words.contains(word)
    }
}

/// Reads a page. `at` names the place in errors.
pub fn parse(body: &[u8], at: &str) -> Result<Page, Failure> {
    let pieces = pieces(body);
    let mut page = Page::default();
    for piece in &pieces.list {
        match piece {
            Piece::Heading(text) => heading(text, &mut page),
            Piece::Fact(text) => fact(text, &mut page),
            Piece::Table(rows) => table(rows, &mut page),
        }
    }
    let is_manager = page.server_name.is_some() || !page.balancers.is_empty();
    if !is_manager {
        return Err(Failure::new(format!("{at} answered with a page that is not Apache's balancer-manager"))
            .next("look whether the url is that of `SetHandler balancer-manager`, and whether `ProxyPass /balancer-manager !` stands before the catch-all ProxyPass"));
    }
    if !pieces.whole {
        return Err(Failure::new(format!("{at} answered with half a balancer-manager page")).next("try again"));
    }
    Ok(page)
}

#[derive(Debug, Clone, Default)]
struct Text {
    text: String,
    link: Option<String>,
}

#[derive(Debug)]
enum Piece {
    Heading(Text),
    Fact(String),
    Table(Vec<Vec<Text>>),
}

#[derive(Debug, Default)]
struct Pieces {
    list: Vec<Piece>,
    whole: bool,
}

/// Headings, definition terms and tables in their order; a table in a cell of another comes before it.
fn pieces(body: &[u8]) -> Pieces {
    let mut pieces = Pieces::default();
    let mut tables: Vec<Vec<Vec<Text>>> = Vec::new();
    let mut open = Text::default();
    for Ok(token) in Tokenizer::new(body) {
        match token {
            Token::StartTag(tag) => match tag.name.0.as_slice() {
                b"table" => tables.push(Vec::new()),
                b"tr" => {
                    if let Some(rows) = tables.last_mut() {
                        rows.push(Vec::new());
                    }
                }
                b"h1" | b"h3" | b"dt" | b"td" | b"th" | b"title" | b"style" => open = Text::default(),
                b"a" => open.link = tag.attributes.get(b"href".as_slice()).map(|link| lossy(link)),
                _ => {}
            },
            Token::String(text) => open.text.push_str(&lossy(&text)),
            Token::EndTag(tag) => match tag.name.0.as_slice() {
                b"h1" | b"h3" => pieces.list.push(Piece::Heading(std::mem::take(&mut open))),
                b"dt" => pieces.list.push(Piece::Fact(std::mem::take(&mut open).text)),
                b"td" | b"th" => {
                    if let Some(row) = tables.last_mut().and_then(|rows| rows.last_mut()) {
                        row.push(std::mem::take(&mut open));
                    }
                }
                b"table" => pieces.list.extend(tables.pop().map(Piece::Table)),
                b"html" => pieces.whole = tables.is_empty(),
                _ => {}
            },
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    pieces
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn heading(heading: &Text, page: &mut Page) {
    let text = heading.text.trim();
    if let Some(name) = text.strip_prefix("Load Balancer Manager for ") {
        page.server_name = Some(name.trim().to_owned());
    } else if let Some(rest) = text.strip_prefix("LoadBalancer Status for ") {
        let name = rest.split_whitespace().next().unwrap_or("");
        let name = name.strip_prefix("balancer://").unwrap_or(name).to_owned();
        let nonce = heading.link.as_deref().and_then(nonce_of);
        page.balancers.push(Balancer { name, nonce, ..Balancer::default() });
    } else if let Some(url) = text.strip_prefix("Edit worker settings for ") {
        page.editing = Some(url.trim().to_owned());
    }
}

fn fact(text: &str, page: &mut Page) {
    if let Some(rest) = text.trim().strip_prefix("Balancer changes will ") {
        page.persisted = Some(!rest.starts_with("NOT"));
    }
}

/// `nonce=…` of a link, unless it is empty.
fn nonce_of(link: &str) -> Option<String> {
    let (_, query) = link.split_once('?')?;
    let nonce = query.split('&').find_map(|pair| pair.strip_prefix("nonce="))?;
    (!nonce.is_empty()).then(|| nonce.to_owned())
}

fn table(rows: &[Vec<Text>], page: &mut Page) {
    let (Some((titles, rows)), Some(balancer)) = (rows.split_first(), page.balancers.last_mut()) else { return };
    let titles: Vec<String> = titles.iter().map(|cell| cell.text.trim().to_ascii_lowercase()).collect();
    let has = |title: &str| titles.iter().any(|known| known == title);
    let named = |row: &'_ Vec<Text>| -> BTreeMap<String, Text> { titles.iter().cloned().zip(row.iter().cloned()).collect() };
    if has("worker url") && has("status") {
        balancer.workers.extend(rows.iter().map(named).filter_map(|row| worker(&row, &mut balancer.nonce)));
    } else if has("stickysession") {
        let cell = rows.first().map(named).and_then(|row| row.get("stickysession").map(|cell| cell.text.trim().to_owned()));
        balancer.sticky = cell.filter(|text| !text.is_empty() && text != "(None)" && text != "-");
    }
}

fn worker(row: &BTreeMap<String, Text>, nonce: &mut Option<String>) -> Option<Worker> {
    let cell = |title: &str| row.get(title).map(|cell| cell.text.trim()).unwrap_or("");
    let url = row.get("worker url")?;
    if url.text.trim().is_empty() {
        return None;
    }
    if nonce.is_none() {
        *nonce = url.link.as_deref().and_then(nonce_of);
    }
    Some(Worker {
        url: url.text.trim().to_owned(),
        route: cell("route").to_owned(),
        redirect: cell("routeredir").to_owned(),
        factor: cell("factor").to_owned(),
        set: cell("set").parse().unwrap_or(0),
        words: cell("status").split_whitespace().map(str::to_owned).collect(),
        elected: cell("elected").parse().ok(),
        busy: cell("busy").parse().ok(),
        to: bytes(cell("to")),
        from: bytes(cell("from")),
    })
}

/// Apache's own rounding: `973`, `1.2K`, `12K`, `3.4M`.
fn bytes(text: &str) -> Option<u64> {
    let unit = text.chars().last()?;
    let power = match unit {
        '0'..='9' => 0,
        'K' => 1,
        'M' => 2,
        'G' => 3,
        'T' => 4,
        'P' => 5,
        'E' => 6,
        _ => return None,
    };
    let number: f64 = text.trim_end_matches(unit_of(power)).trim().parse().ok()?;
    Some((number * 1024_f64.powi(power)).round() as u64)
}

fn unit_of(power: i32) -> &'static [char] {
    if power == 0 { &[] } else { &['K', 'M', 'G', 'T', 'P', 'E'] }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: &str = include_str!("page/debian-2.4.71-hcheck.html");
    const OLD: &str = include_str!("page/2.4.1.html");

    #[test]
    fn a_new_page_with_health_check_columns_and_two_balancers() {
        let page = parse(NEW.as_bytes(), "lb1").expect("a page");
        assert_eq!(page.server_name.as_deref(), Some("127.0.0.1"));
        assert_eq!(page.persisted, Some(false));
        assert_eq!(page.balancers.iter().map(|b| b.name.as_str()).collect::<Vec<_>>(), ["shop", "other"]);
        let shop = &page.balancers[0];
        assert_eq!(shop.nonce.as_deref(), Some("6b6dcf17-0491-f240-0cdf-c75f9a004c92"));
        assert_eq!(shop.sticky.as_deref(), Some("JSESSIONID|jsessionid"));
        assert_eq!(page.balancers[1].sticky, None);
        let worker = &shop.workers[1];
        assert_eq!((worker.url.as_str(), worker.route.as_str(), worker.set), ("http://127.0.0.1:18082", "b", 1));
        assert!(worker.says("Drn") && worker.says("Ok") && !worker.says("Err"));
        assert_eq!((worker.elected, worker.busy, worker.to, worker.from), (Some(4711), Some(3), Some(1229), Some(12 << 20)));
        assert_eq!(page.editing.as_deref(), Some("http://127.0.0.1:18081"));
    }

    #[test]
    fn an_old_page_without_health_checks_busy_and_escaped_links() {
        let page = parse(OLD.as_bytes(), "lb1").expect("a page");
        let balancer = &page.balancers[0];
        assert_eq!((balancer.name.as_str(), balancer.sticky.as_deref()), ("Shop", None));
        assert_eq!(balancer.nonce.as_deref(), Some("0a1b2c3d-1111-2222-3333-444455556666"));
        assert_eq!(page.persisted, None);
        assert_eq!(balancer.workers.len(), 2);
        assert!(balancer.workers[0].says("Ok") && balancer.workers[1].says("Err"));
        assert_eq!((balancer.workers[1].busy, balancer.workers[1].elected), (None, Some(6)));
    }

    #[test]
    fn columns_may_stand_in_any_order() {
        let page = "<h1>Load Balancer Manager for x</h1><h3>LoadBalancer Status for balancer://p</h3>\
            <table><tr><th>Status</th><th>Busy</th><th>Worker URL</th></tr><tr><td>Init Ok</td><td>2</td>\
            <td><a href='?b=p&w=http://h&nonce=n1'>http://h</a></td></tr></table></body></html>";
        let page = parse(page.as_bytes(), "lb1").expect("a page");
        assert_eq!(page.balancers[0].nonce.as_deref(), Some("n1"));
        assert_eq!((page.balancers[0].workers[0].url.as_str(), page.balancers[0].workers[0].busy), ("http://h", Some(2)));
    }

    #[test]
    fn other_pages_garbage_and_half_a_page_are_refused() {
        let failure = |body: &[u8]| parse(body, "lb1").expect_err("no page").to_string();
        assert!(failure(b"<html><body><h1>It works!</h1></body></html>").contains("not Apache's balancer-manager"));
        assert!(failure(&[0, 159, 146, 150, 27, 255]).contains("not Apache's balancer-manager"));
        assert!(failure(b"").contains("SetHandler balancer-manager"));
        for cut in [NEW.len() - 9, NEW.len() / 2] {
            assert!(failure(&NEW.as_bytes()[..cut]).contains("half a balancer-manager page"), "cut at {cut}");
        }
    }

    #[test]
    fn beginnings_of_a_page_are_read_without_a_panic() {
        for cut in (0..NEW.len()).step_by(7) {
            assert!(parse(&NEW.as_bytes()[..cut], "lb1").is_err() || cut + 2 > NEW.trim_end().len(), "cut at {cut}");
        }
    }
}
