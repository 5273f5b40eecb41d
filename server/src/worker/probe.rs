//! Tries what a child must not be able to do: how tests and `granary config` see that the
//! limits hold, not only that they were asked for.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::TcpStream;
use std::process::Command;

use super::wire::{Finding, ProbeTask};

/// Answers, by attempt, `denied: …` or what went through.
pub(super) fn run(task: &ProbeTask) -> Finding {
    let mut tried = BTreeMap::new();
    if let Some(address) = &task.connect {
        tried.insert(
            "connect".to_owned(),
            outcome(TcpStream::connect(address.as_str())),
        );
    }
    if let Some(path) = &task.open {
        tried.insert("open".to_owned(), outcome(File::open(path)));
        tried.insert(
            "create".to_owned(),
            outcome(File::create_new(format!("{path}.probe"))),
        );
        tried.insert("run".to_owned(), outcome(Command::new(path).spawn()));
    }
    if let Some(message) = &task.panic {
        std::panic::panic_any(message.clone());
    }
    if task.abort {
        std::process::abort();
    }
    hog(task.hog);
    spin(task.spin);
    // The environment, threads and descriptors as the child itself sees them.
    let variables: Vec<String> = std::env::vars_os()
        .map(|(name, _)| name.to_string_lossy().into_owned())
        .collect();
    tried.insert("environment".to_owned(), variables.join(" "));
    let thread = std::thread::Builder::new().spawn(|| "threads can be started");
    let thread = thread.map(|handle| handle.join().unwrap_or("a thread died"));
    tried.insert(
        "thread".to_owned(),
        thread.map_or_else(|e| e.to_string(), str::to_owned),
    );
    Finding::Probed(tried)
}

fn outcome<T>(attempt: std::io::Result<T>) -> String {
    match attempt {
        Ok(_) => "went through".to_owned(),
        Err(error) => format!("denied: {error}"),
    }
}

fn hog(wanted: bool) {
    let mut held: Vec<Vec<u8>> = Vec::new();
    if wanted {
        loop {
            held.push(vec![1; 8 << 20]);
        }
    }
}

fn spin(wanted: bool) {
    if wanted {
        loop {
            std::hint::spin_loop();
        }
    }
}
