//! The node's side of a child: start, feed, watch, listen, bury.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, Instant};

use command_fds::{CommandFdExt, FdMapping};

use super::fd;
use super::wire::{Frame, Limits, Task, write_control};
use crate::error::Fault;

/// How often memory, time and the wish to stop are looked at.
const WATCH_EVERY: Duration = Duration::from_millis(20);

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// By itself, after it said everything.
    Clean,
    /// It held more memory than it may.
    Memory,
    /// It ran longer, or worked more, than it may.
    Time,
    /// It wrote more than it may.
    Output,
    /// It died: abort, segmentation fault, killed by the system, or nonsense on the pipe.
    Died,
}

/// A child's errand.
pub(super) struct Errand<'a> {
    pub program: &'a Path,
    pub limits: &'a Limits,
    pub task: &'a Task,
    /// Sealed output and sealed preview, where the task has them.
    pub outputs: Vec<File>,
    /// Sealed files to be read.
    pub inputs: Vec<File>,
    /// Set when nobody waits for the result any longer.
    pub cancelled: &'a AtomicBool,
}

/// Runs a child to its end, handing every frame to `hear`.
///
/// # Errors
/// When no child could be started, when it ended before it had its task, when it was told
/// to stop from outside, or what `hear` answers: all of them no fault of the file.
pub(super) fn run(
    errand: Errand<'_>,
    hear: &mut dyn FnMut(Frame) -> Result<(), Fault>,
) -> Result<End, Fault> {
    let (control_reader, control) = io::pipe().map_err(Fault::internal)?;
    let (results, results_writer) = io::pipe().map_err(Fault::internal)?;
    let mut child = spawn(
        errand.program,
        control_reader,
        results_writer,
        errand.outputs,
        errand.inputs,
    )?;
    let watch = Watch {
        reason: AtomicU8::new(0),
        done: AtomicBool::new(false),
    };
    let heard = std::thread::scope(|scope| {
        let pid = child.id();
        let watch = &watch;
        scope.spawn(move || watch.keep(pid, errand.limits, errand.cancelled));
        let heard = talk(control, results, errand.limits, errand.task, hear);
        if heard.is_err() {
            // Nobody listens any more.
            kill(pid);
        }
        watch.done.store(true, Ordering::SeqCst);
        heard
    });
    // The watch has ended, so the process id cannot belong to anybody else when it is reaped.
    let status = child.wait().map_err(Fault::internal)?;
    judge(&watch, status, heard)
}

fn spawn(
    program: &Path,
    control: PipeReader,
    results: PipeWriter,
    outputs: Vec<File>,
    inputs: Vec<File>,
) -> Result<Child, Fault> {
    let mut mappings = vec![
        FdMapping {
            parent_fd: OwnedFd::from(control),
            child_fd: fd::CONTROL,
        },
        FdMapping {
            parent_fd: OwnedFd::from(results),
            child_fd: fd::RESULTS,
        },
    ];
    for (file, child_fd) in outputs.into_iter().zip([fd::OUTPUT, fd::PREVIEW]) {
        mappings.push(FdMapping {
            parent_fd: file.into(),
            child_fd,
        });
    }
    for (file, child_fd) in inputs.into_iter().zip(fd::INPUTS..) {
        mappings.push(FdMapping {
            parent_fd: file.into(),
            child_fd,
        });
    }
    let mut command = Command::new(program);
    command
        .arg("worker")
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Keys pressed in the node's terminal do not reach it.
        .process_group(0);
    command.fd_mappings(mappings).map_err(Fault::internal)?;
    // The command keeps the handed-over descriptors; dropped here, only the child has them.
    command.spawn().map_err(Fault::internal)
}

/// Gives the child its limits, then its task, and listens. The control pipe stays open to
/// the end: the child ends itself when the node is gone.
fn talk(
    mut control: PipeWriter,
    mut results: PipeReader,
    limits: &Limits,
    task: &Task,
    hear: &mut dyn FnMut(Frame) -> Result<(), Fault>,
) -> Result<(), Break> {
    write_control(&mut control, limits).map_err(|_| Break::Early)?;
    match Frame::read(&mut results) {
        Ok(Some(frame @ Frame::Limits(_))) => hear(frame).map_err(Break::Unheard)?,
        _ => return Err(Break::Early),
    }
    // A child that dies while it is being told its task is judged by how it died.
    write_control(&mut control, task).map_err(|_| Break::Late)?;
    loop {
        match Frame::read(&mut results) {
            Ok(Some(frame)) => hear(frame).map_err(Break::Unheard)?,
            Ok(None) => return Ok(()),
            Err(_) => return Err(Break::Late),
        }
    }
}

/// Why listening ended before the child did.
enum Break {
    /// The child did not get as far as its task.
    Early,
    /// Nonsense, or a torn frame.
    Late,
    /// The node could not use what was said.
    Unheard(Fault),
}

struct Watch {
    reason: AtomicU8,
    done: AtomicBool,
}

const MEMORY: u8 = 1;
const TIME: u8 = 2;
const CANCELLED: u8 = 3;

impl Watch {
    fn keep(&self, pid: u32, limits: &Limits, cancelled: &AtomicBool) {
        let start = Instant::now();
        let statm = format!("/proc/{pid}/statm");
        while !self.done.load(Ordering::SeqCst) {
            let reason = if cancelled.load(Ordering::SeqCst) {
                CANCELLED
            } else if start.elapsed() > Duration::from_secs(limits.seconds) {
                TIME
            } else if resident(&statm) > limits.memory_bytes {
                MEMORY
            } else {
                0
            };
            if reason != 0 {
                self.reason.store(reason, Ordering::SeqCst);
                kill(pid);
                return;
            }
            std::thread::sleep(WATCH_EVERY);
        }
    }
}

/// Resident bytes of a process; 0 when it is gone.
fn resident(statm: &str) -> u64 {
    let text = std::fs::read_to_string(statm).unwrap_or_default();
    let pages: u64 = text
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .unwrap_or(0);
    pages * page_size()
}

fn page_size() -> u64 {
    // SAFETY: sysconf takes a plain integer and touches no memory of ours.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(size).unwrap_or(4096)
}

/// Ends a child that has not been reaped yet: its process id is still its own.
fn kill(pid: u32) {
    if let Ok(pid) = i32::try_from(pid) {
        // SAFETY: kill takes plain integers and touches no memory of ours.
        unsafe { libc::kill(pid, libc::SIGKILL) };
    }
}

fn judge(watch: &Watch, status: ExitStatus, heard: Result<(), Break>) -> Result<End, Fault> {
    let end = match (watch.reason.load(Ordering::SeqCst), status.signal()) {
        (MEMORY, _) => End::Memory,
        (TIME, _) | (0, Some(libc::SIGXCPU)) => End::Time,
        (CANCELLED, _) => return Err(Fault::internal("the work was called off")),
        (_, Some(libc::SIGXFSZ)) => End::Output,
        // Somebody stops the whole node; it is not about the file.
        (_, Some(libc::SIGTERM | libc::SIGINT | libc::SIGHUP | libc::SIGQUIT)) => {
            return Err(Fault::internal("the checker was told to stop from outside"));
        }
        _ if status.success() => End::Clean,
        _ => End::Died,
    };
    match heard {
        Err(Break::Unheard(fault)) => Err(fault),
        Err(Break::Early) => Err(Fault::internal(format!(
            "the checker did not start: {status}"
        ))),
        Err(Break::Late) if end == End::Clean => Ok(End::Died),
        Err(Break::Late) | Ok(()) => Ok(end),
    }
}
