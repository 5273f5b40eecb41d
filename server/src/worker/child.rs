//! The child's side: take rights away, then do one task.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};

use command_fds::inherited::{init_inherited_fds, take_fd_ownership};

use super::wire::{Finding, Frame, Limits, Task, read_control};
use super::{fd, limits, probe, tasks};

/// What a person reads who starts the command by hand.
const BY_HAND: &str = "granary worker: this command is started by the node to check one provider \
file, with its task on inherited descriptors. There is nothing to run by hand; to check a file \
of your own, use `granary assess FILE` or `granary upload FILE --dataset NAME`.";

/// Entry of the hidden command `granary worker`. Must be called while the process has one
/// thread, before any file is opened.
#[must_use]
pub fn child_main() -> ExitCode {
    // SAFETY: this is the first thing the command does, so no descriptor above 2 is owned.
    let inherited = unsafe { init_inherited_fds() };
    let pipes = inherited
        .ok()
        .and_then(|()| Some((take(fd::CONTROL)?, take(fd::RESULTS)?)));
    let Some((mut control, results)) = pipes else {
        return by_hand();
    };
    let Ok(wanted) = read_control::<Limits>(&mut control) else {
        return by_hand();
    };
    silence();
    let active = limits::apply(&wanted);
    let mut voice = Voice(BufWriter::new(results));
    let Ok(task) = voice
        .say(&Frame::Limits(active))
        .and_then(|()| read_control(&mut control))
    else {
        return ExitCode::FAILURE;
    };
    end_with_the_node(control);
    let finding = catch_unwind(AssertUnwindSafe(|| perform(task, &mut voice)));
    let finding = finding.unwrap_or_else(|_| panicked());
    let said = voice.say(&Frame::Finding(Box::new(finding)));
    // The node takes the end of the results for the end of the child, and lets go of the
    // lifeline: so the pipe is closed by the end of the process, not before it.
    std::mem::forget(voice);
    match said {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn by_hand() -> ExitCode {
    // Nobody to tell when standard error is closed.
    let _ = writeln!(io::stderr(), "{BY_HAND}");
    ExitCode::from(2)
}

fn perform(task: Task, voice: &mut Voice) -> Finding {
    match task {
        Task::Assess(task) => tasks::assess::run(task, voice),
        Task::Items(task) => tasks::items::run(&task, voice),
        Task::Prints(task) => tasks::prints::run(&task, voice),
        Task::Compose(task) => tasks::compose::run(task, voice),
        Task::Probe(task) => probe::run(&task),
    }
}

/// An inherited descriptor as a file.
pub(super) fn take(number: i32) -> Option<File> {
    take_fd_ownership(number).ok().map(File::from)
}

/// The way to the node.
pub(super) struct Voice(BufWriter<File>);

impl Voice {
    /// Sends a frame.
    pub fn say(&mut self, frame: &Frame) -> io::Result<()> {
        frame.write(&mut self.0)
    }

    /// Says what is being done. A node that does not listen is noticed at the end.
    pub fn stage(&mut self, text: &str) {
        let _ = self.say(&Frame::Stage(text.to_owned()));
    }
}

/// The node keeps the control pipe open as long as it lives.
fn end_with_the_node(mut control: File) {
    let wait = move || {
        let _ = control.read(&mut [0]);
        // SAFETY: ends the process at once; nothing of it is needed any more.
        unsafe { libc::_exit(3) };
    };
    // Without this thread an orphan runs until its limits stop it.
    let _ = std::thread::Builder::new()
        .name("lifeline".to_owned())
        .spawn(wait);
}

static PANIC_LINE: AtomicU32 = AtomicU32::new(0);

/// Panic messages may quote cells, so they are kept from everybody; the line is not secret.
fn silence() {
    std::panic::set_hook(Box::new(|info| {
        let line = info.location().map_or(0, std::panic::Location::line);
        PANIC_LINE.store(line, Ordering::SeqCst);
    }));
}

fn panicked() -> Finding {
    let line = PANIC_LINE.load(Ordering::SeqCst);
    Finding::Refused {
        code: "checker_died".to_owned(),
        message: format!(
            "The checker stopped while reading this file (panic, line {line}). \
             Write the file again with another program, then upload it."
        ),
        report: None,
    }
}
