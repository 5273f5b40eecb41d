//! Questions to the person at the keyboard.

use std::io::{self, BufRead, IsTerminal, Write};

use super::stop::{Exit, Outcome, Stop};
use crate::clock::{Clock, Ids};

/// Asks a yes-or-no question; without a terminal nobody can answer it.
pub fn confirm(question: &str) -> Outcome {
    if !io::stdin().is_terminal() {
        return Err(Stop::new(
            Exit::Usage,
            format!("{question} Nobody can be asked here: use --yes"),
        ));
    }
    eprint!("{question} [y/N] ");
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Stop::new(Exit::Refused, "nothing was done")),
    }
}

/// A password from standard input, or typed unseen.
pub fn password(from_stdin: bool) -> Outcome<String> {
    if from_stdin {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    Ok(rpassword::prompt_password("Password: ")?)
}

/// A new password, typed twice.
pub fn new_password(from_stdin: bool) -> Outcome<String> {
    let first = password(from_stdin)?;
    if !from_stdin && rpassword::prompt_password("The same again: ")? != first {
        return Err(Stop::new(Exit::Usage, "the two passwords differ"));
    }
    Ok(first)
}

/// The name under which a payment is made once: the person's own, or a random one.
#[must_use]
pub fn once(named: Option<&str>) -> String {
    match named {
        Some(name) => name.to_owned(),
        None => Ids::Random.next(Clock::System.now()).to_string(),
    }
}
