//! A real `granary serve`, to be killed.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use server::client::Client;

use super::granary;

/// A running node process. It is killed when this is dropped.
pub struct Process {
    child: Child,
    /// Where it listens.
    pub url: String,
    /// Token of the one-time link, when nobody runs the node yet.
    pub operator_token: Option<String>,
    // Kept open: a node whose standard output is gone could not say anything any more.
    _stdout: BufReader<ChildStdout>,
}

/// How to start a node again and again on the same data.
pub struct Home {
    pub data: PathBuf,
    pub database_url: Option<String>,
    pub log: PathBuf,
    /// Further variables of its commands.
    pub environment: Vec<(&'static str, String)>,
}

impl Home {
    pub fn new(folder: &Path, database_url: Option<String>) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        Self {
            data: folder.join("node"),
            database_url,
            log: folder.join("node.log"),
            environment: Vec::new(),
        }
    }

    /// A `granary` command on this node's data.
    pub fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(granary());
        command.arg(verb).arg("--data-dir").arg(&self.data);
        if let Some(url) = &self.database_url {
            command.args(["--database-url", url]);
        }
        command.envs(self.environment.iter().map(|(name, value)| (*name, value)));
        command.env("TMPDIR", self.data.parent().expect("a folder above"));
        command
    }

    /// Starts a node that has an operator already.
    pub fn start_with_operator(&self) -> Process {
        std::fs::create_dir_all(&self.data).unwrap();
        std::fs::write(self.data.join("link-seen"), "").unwrap();
        self.start()
    }

    /// Starts the node and waits until it says where it is open.
    pub fn start(&self) -> Process {
        let log = File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .unwrap();
        let mut child = self
            .command("serve")
            .args(["--listen", "127.0.0.1:0", "--password-memory-kib", "8"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let (mut url, mut operator_token) = (None, None);
        while url.is_none() || (operator_token.is_none() && expects_link(&self.data)) {
            let mut line = String::new();
            if stdout.read_line(&mut line).unwrap() == 0 {
                panic!(
                    "the node did not start: {}",
                    std::fs::read_to_string(&self.log).unwrap_or_default()
                );
            }
            let address = line
                .split_whitespace()
                .rfind(|word| word.starts_with("http://"));
            match address {
                Some(address) if url.is_none() => {
                    url = Some(address.trim_end_matches('/').to_owned())
                }
                Some(address) => {
                    operator_token = address.rsplit(['/', '=']).next().map(str::to_owned)
                }
                None => {}
            }
        }
        if operator_token.is_some() {
            std::fs::write(self.data.join("link-seen"), "").unwrap();
        }
        Process {
            child,
            url: url.unwrap(),
            operator_token,
            _stdout: stdout,
        }
    }
}

/// A failed test shows what its node said last: the folder is gone after it.
impl Drop for Home {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let said = std::fs::read_to_string(&self.log).unwrap_or_default();
            let lines: Vec<&str> = said.lines().collect();
            let last = &lines[lines.len().saturating_sub(60)..];
            eprintln!("the node said at the end:\n{}", last.join("\n"));
        }
    }
}

fn expects_link(data: &Path) -> bool {
    !data.join("link-seen").exists()
}

impl Process {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The node as a visitor sees it.
    pub fn client(&self) -> Client {
        Client::new(&self.url).unwrap()
    }

    /// Whether the process still runs.
    pub fn alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Ends it at once, as a power cut does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Memory it holds now, in bytes.
    pub fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        line.trim()
            .trim_end_matches(" kB")
            .trim()
            .parse::<u64>()
            .unwrap()
            * 1024
    }

    /// Its children that still run.
    pub fn children(&self) -> Vec<u32> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.pid()))
            .unwrap()
            .flatten();
        let lists =
            tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
        lists
            .flat_map(|list| {
                list.split_whitespace()
                    .filter_map(|pid| pid.parse().ok())
                    .collect::<Vec<_>>()
            })
            .collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
