//! `evidence-schema/verify.html` in a headless Chromium, driven by ChromeDriver over its plain HTTP.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The last two lead nowhere: the page must work without a network.
const ARGUMENTS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--proxy-server=127.0.0.1:9",
];

/// Checks files given as hexadecimal, as the page checks a folder.
const CHECK: &str = "
const [files, anchorSha256, done] = arguments;
const list = Object.entries(files).map(([path, hex]) => [path, new Blob([Uint8Array.from(hex.match(/../g) ?? [], (two) => parseInt(two, 16))])]);
Verifier.verify(() => Verifier.readFolder(list), { anchorSha256 }).then(({ verdict }) => done(verdict), (wrong) => done(String(wrong)));
";

pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
    profile: TempDir,
}

impl Browser {
    /// `None`, loudly, if there is no browser; in CI that is a failure.
    pub fn start() -> Option<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let spawned =
            Command::new("chromedriver").arg(format!("--port={port}")).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let Ok(driver) = spawned else {
            assert!(std::env::var_os("CI").is_none(), "chromium and chromium-driver are not installed");
            eprintln!("!!! SKIPPED !!! the page cannot be tested without chromium and chromium-driver");
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        let mut browser = Self { driver, port, session: String::new(), profile };
        let until = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(Instant::now() < until, "chromedriver does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        let mut arguments: Vec<String> = ARGUMENTS.map(String::from).into();
        arguments.push(format!("--user-data-dir={}", browser.profile.path().display()));
        let options = json!({ "args": arguments });
        let wanted =
            json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": options, "timeouts": { "script": 120_000 } } } });
        let session = browser.ask("POST", "/session", Some(&wanted));
        browser.session = session["sessionId"].as_str().unwrap_or_else(|| panic!("{session}")).into();
        Some(browser)
    }

    pub fn open_page(&self, page: &Path) {
        let page = page.canonicalize().unwrap();
        self.in_session("/url", &json!({ "url": format!("file://{}", page.display()) }));
    }

    /// The verdict of the page's own code on these files.
    pub fn verdict(&self, files: &BTreeMap<String, Vec<u8>>, anchor_sha256: &str) -> Value {
        let hex = |bytes: &Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let files: BTreeMap<&String, String> = files.iter().map(|(path, bytes)| (path, hex(bytes))).collect();
        self.in_session("/execute/async", &json!({ "script": CHECK, "args": [files, anchor_sha256] }))
    }

    /// What the page says of an archive that is chosen by its button.
    pub fn shown(&self, zip: &Path, anchor_sha256: &str) -> String {
        let script = "byId('anchor').value = arguments[0]; byId('result').hidden = true;";
        self.in_session("/execute/sync", &json!({ "script": script, "args": [anchor_sha256] }));
        let found = self.in_session("/element", &json!({ "using": "css selector", "value": "#zip" }));
        let element = found.as_object().unwrap().values().next().unwrap().as_str().unwrap();
        self.in_session(&format!("/element/{element}/value"), &json!({ "text": zip.display().to_string() }));
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let script = "return byId('result').hidden ? null : byId('verdict').innerText;";
            if let Value::String(text) = self.in_session("/execute/sync", &json!({ "script": script, "args": [] })) {
                return text;
            }
            assert!(Instant::now() < until, "the page comes to no verdict");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn in_session(&self, path: &str, body: &Value) -> Value {
        self.ask("POST", &format!("/session/{}{path}", self.session), Some(body))
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: application/json\r\n", self.port);
        write!(stream, "{head}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).unwrap();
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut answer = vec![0; length];
        reader.read_exact(&mut answer).unwrap();
        let mut answer: Value = serde_json::from_slice(&answer).unwrap();
        assert!(answer["value"].get("error").is_none(), "{path}: {}", answer["value"]);
        answer["value"].take()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !std::thread::panicking() && !self.session.is_empty() {
            self.ask("DELETE", &format!("/session/{}", self.session), None);
        }
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}

/// The page with its copies of the schemas and of the names of the steps made anew, where they are not true.
pub fn with_copies(page: &str) -> String {
    let mut schemas = serde_json::Map::new();
    for entry in std::fs::read_dir(format!("{}/schemas", super::SCHEMA)).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_string();
        if name != "verdict" {
            schemas.insert(name, serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap());
        }
    }
    let text = std::fs::read_to_string(format!("{}/verify.md", super::SCHEMA)).unwrap();
    let steps: Vec<Value> = text
        .lines()
        .filter_map(|line| line.strip_prefix("### ")?.split_once(' '))
        .map(|(number, name)| json!([number, name]))
        .collect();
    let page = with_copy(page, "schemas", &Value::Object(schemas));
    with_copy(&page, "steps", &Value::Array(steps))
}

fn with_copy(page: &str, id: &str, value: &Value) -> String {
    let open = format!("<script type=\"application/json\" id=\"{id}\">");
    let (before, rest) = page.split_once(&open).unwrap();
    let (copy, after) = rest.split_once("</script>").unwrap();
    if serde_json::from_str::<Value>(copy).is_ok_and(|copy| copy == *value) {
        return page.into();
    }
    format!("{before}{open}{}</script>{after}", value.to_string().replace("</", "<\\/"))
}
