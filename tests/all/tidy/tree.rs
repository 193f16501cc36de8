//! The files that are, or would be, in the repository.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A text file of the repository.
pub struct File {
    /// From the root, with `/`.
    pub path: String,
    pub text: String,
}

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every text file that git tracks or would add, in the order of their paths.
pub fn files() -> Vec<File> {
    let answer = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git lists the files that the rules are about");
    assert!(answer.status.success(), "git ls-files: {}", String::from_utf8_lossy(&answer.stderr));
    let list = String::from_utf8(answer.stdout).expect("paths here are UTF-8");
    let mut paths: Vec<&str> = list.split_terminator('\0').collect();
    paths.sort_unstable();
    paths.dedup();
    assert!(paths.len() > 100, "only {} files: is this the repository?", paths.len());
    // Deleted and not yet committed: listed, but not there. Not UTF-8: no text.
    let read = |path: &str| Some(File { path: path.into(), text: fs::read_to_string(root().join(path)).ok()? });
    paths.into_iter().filter_map(read).collect()
}

impl File {
    /// Whether the name ends in one of these.
    pub fn has_suffix(&self, suffixes: &[&str]) -> bool {
        suffixes.iter().any(|suffix| self.path.ends_with(suffix))
    }

    /// Whether it is a Rust file that ships, by its path: below a crate's `src`, and no test.
    pub fn is_shipped_rust(&self) -> bool {
        let in_src = self.path.strip_prefix("crates/").is_some_and(|rest| rest.split('/').nth(1) == Some("src"));
        in_src && self.has_suffix(&[".rs"]) && !self.has_suffix(&["/tests.rs"]) && !self.path.contains("/tests/")
    }

    /// The crate's folder name, if it lies in one.
    pub fn crate_name(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split_once('/').map(|(name, _)| name)
    }

    /// `path:line: text` of every line that `is_bad`.
    pub fn lines_where(&self, is_bad: impl Fn(&str) -> bool) -> Vec<String> {
        let numbered = self.text.lines().enumerate().filter(|(_, line)| is_bad(line));
        numbered.map(|(index, line)| format!("{}:{}: {}", self.path, index + 1, line.trim())).collect()
    }

    /// The code that ships, as `(line number, code)`: without comments and without `#[cfg(test)]` modules.
    pub fn code(&self) -> Vec<(usize, &str)> {
        let mut code = Vec::new();
        let mut lines = self.text.lines().enumerate().peekable();
        while let Some((index, line)) = lines.next() {
            if line == "#[cfg(test)]" && lines.peek().is_some_and(|(_, next)| next.starts_with("mod ")) {
                let is_inline = lines.next().is_some_and(|(_, head)| head.ends_with('{'));
                if is_inline {
                    // Formatted code closes a module with a brace of its own in the first column.
                    lines.by_ref().find(|(_, line)| *line == "}");
                }
                continue;
            }
            let before_comment = line.split_once(" // ").map_or(line, |(code, _)| code);
            if !line.trim_start().starts_with("//") {
                code.push((index + 1, before_comment));
            }
        }
        code
    }
}

#[test]
fn code_is_without_comments_and_test_modules() {
    let text = "//! a\nuse b; // c\n#[cfg(test)]\nmod testing;\nfn d() {}\n#[cfg(test)]\nmod tests {\n    e();\n}\nfn f() {}\n";
    let file = File { path: "crates/x/src/lib.rs".into(), text: text.into() };
    assert_eq!(file.code(), [(2, "use b;"), (5, "fn d() {}"), (10, "fn f() {}")]);
    assert!(file.is_shipped_rust());
    assert_eq!(file.crate_name(), Some("x"));
}
