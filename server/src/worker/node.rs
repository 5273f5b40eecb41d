//! What flows ask of a child.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Utc};
use dataset_core::digest::Sha256;
use dataset_core::seal::FileKey;
use serde_json::Value;
use uuid::Uuid;

use super::supervise::{self, End, Errand};
use super::wire::{
    AssessTask, AssessedFinding, ClaimTask, ComposeTask, ComposedFinding, EarlierTask, Finding,
    Frame, HoldingTask, ItemsTask, KeyText, Limit, Limits, ProbeTask, Task, Weighed, plain,
    plain_code,
};
use super::writers::{ItemWriter, MarkWriter, PrintWriter};
use crate::blobs::{Staged, full};
use crate::config::Config;
use crate::ctx::{Ctx, blocking};
use crate::error::Fault;

/// Why a file is refused.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// Stable code.
    pub code: String,
    /// Names limit, row or column, and what to do.
    pub message: String,
    /// The report, when it came that far.
    pub report: Option<Value>,
}

impl Refused {
    fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            report: None,
        }
    }
}

/// What a child made of a file: the errand's result, or a refusal, which is final.
#[derive(Debug)]
pub enum Outcome<T> {
    /// It is good.
    Done(T),
    /// It is not.
    Refused(Refused),
}

/// A provider's file to be assessed.
#[derive(Debug)]
pub struct AssessInput {
    /// The sealed file.
    pub sealed: File,
    /// Its key.
    pub key: FileKey,
    /// What the provider claimed its plaintext to be.
    pub claimed: Sha256,
    /// Contract of the dataset, once it has one.
    pub contract: Option<Value>,
    /// Time that timeliness is measured at.
    pub as_of: DateTime<Utc>,
    /// The dataset's current revision, if there is one.
    pub earlier: Option<Earlier>,
}

/// A revision that new rows are compared with.
#[derive(Debug)]
pub struct Earlier {
    /// What it is called in the report.
    pub name: String,
    /// Its sealed preview, and the key.
    pub preview: (File, FileKey),
}

impl Earlier {
    fn hand_over(self, inputs: &mut Vec<File>) -> EarlierTask {
        let (file, key) = self.preview;
        inputs.push(file);
        EarlierTask {
            name: self.name,
            key: KeyText::of(&key),
        }
    }
}

/// A good file.
#[derive(Debug)]
pub struct Assessed {
    /// Rows, grade, report and contract.
    pub finding: AssessedFinding,
    /// The cleaned file, sealed.
    pub cleaned: Staged,
    /// Keyed fingerprints and qualities, sealed.
    pub marks: Staged,
    /// Sample values, sealed.
    pub preview: Staged,
}

/// One contribution to be weighed, and joined unless withdrawn.
#[derive(Debug)]
pub struct Holding {
    /// The contribution.
    pub contribution: Uuid,
    /// Who earns.
    pub party: Uuid,
    /// The person or house behind the party.
    pub entity: Uuid,
    /// Whether its held-out rows judge others.
    pub judges: bool,
    /// Its receipt.
    pub receipt_no: u64,
    /// Last receipt given when it was first published.
    pub published_mark: Option<u64>,
    /// Q in hundredths.
    pub grade: u32,
    /// Its sealed marks, and their key.
    pub marks: (File, FileKey),
    /// Its sealed items, and their key, where near duplicates are looked for.
    pub items: Option<(File, FileKey)>,
    /// Claims on its rows: who is paid for them, the sealed file that says which, and its key.
    pub claims: Vec<(Uuid, (File, FileKey))>,
    /// Whether it stands; a withdrawn one keeps its priority and earns nothing.
    pub standing: bool,
    /// Its sealed cleaned file, and its key, where rows of it are to be read.
    pub part: Option<(File, FileKey)>,
}

/// A revision as written.
#[derive(Debug)]
pub struct Composed {
    /// Rows, grade, report and digest.
    pub finding: ComposedFinding,
    /// Who brought what; it was said before any cleaned file was opened.
    pub weighed: Weighed,
    /// The revision, sealed.
    pub file: Staged,
    /// Sample values, sealed.
    pub preview: Staged,
}

/// Says what is being done; called off the async threads.
pub type Progress = Box<dyn FnMut(&str) + Send>;

/// Has a child open, check, grade and rewrite a provider's file.
///
/// # Errors
/// Only what is no fault of the file: no child could be started, the disk is full.
pub async fn assess(
    ctx: &Ctx,
    input: AssessInput,
    progress: Progress,
) -> Result<Outcome<Assessed>, Fault> {
    let mut inputs = vec![input.sealed];
    let earlier = input.earlier.map(|earlier| earlier.hand_over(&mut inputs));
    let task = Task::Assess(AssessTask {
        key: KeyText::of(&input.key),
        recipient: ctx.keys.recipient().to_string(),
        claimed_sha256: input.claimed.to_string(),
        contract: input.contract,
        as_of: input.as_of,
        max_decoded_bytes: ctx.config.max_decoded_bytes,
        earlier,
    });
    let ctx = ctx.clone();
    let cancel = CancelOnDrop::default();
    let cancelled = cancel.0.clone();
    blocking(move || {
        let (cleaned, preview) = (ctx.blobs.stage()?, ctx.blobs.stage()?);
        let mut ear = Ear::new(progress);
        ear.marks = Some(MarkWriter::new(&ctx)?);
        let files = Files {
            outputs: vec![cleaned.handle()?, preview.handle()?],
            inputs,
        };
        let end = errand(&ctx.config, &task, files, &cancelled, &mut ear)?;
        let marks = ear.marks.take();
        Ok(match ear.conclude(end, &ctx.config)? {
            Ok(Finding::Assessed(finding)) => {
                match marks
                    .map(|marks| marks.finish(finding.rows))
                    .transpose()?
                    .flatten()
                {
                    Some(marks) => Outcome::Done(Assessed {
                        finding,
                        cleaned,
                        marks,
                        preview,
                    }),
                    None => Outcome::Refused(died()),
                }
            }
            Ok(_) => Outcome::Refused(died()),
            Err(refused) => Outcome::Refused(refused),
        })
    })
    .await
}

/// Has a child take from one cleaned file what its rows consist of; answers that, keyed and
/// sealed.
///
/// # Errors
/// Only what is no fault of the data: no child could be started, the disk is full.
pub async fn items(
    ctx: &Ctx,
    cleaned: (File, FileKey),
    contract: Value,
    rows: u64,
    progress: Progress,
) -> Result<Outcome<Staged>, Fault> {
    let taking = Taking {
        task: Task::Items,
        listen: |ear, ctx| {
            ear.items = Some(ItemWriter::new(ctx)?);
            Ok(())
        },
        finish: |ear, rows| {
            let items = ear.items.take();
            items.map_or(Ok(None), |items| items.finish(rows))
        },
    };
    taking.run(ctx, cleaned, contract, rows, progress).await
}

/// Has a child take from one cleaned file the order-free fingerprints of its rows; answers
/// them, keyed and sealed.
///
/// # Errors
/// As [`items`].
pub async fn prints(
    ctx: &Ctx,
    cleaned: (File, FileKey),
    contract: Value,
    rows: u64,
) -> Result<Outcome<Staged>, Fault> {
    let taking = Taking {
        task: Task::Prints,
        listen: |ear, ctx| {
            ear.prints = Some(PrintWriter::new(ctx)?);
            Ok(())
        },
        finish: |ear, rows| {
            let prints = ear.prints.take();
            prints.map_or(Ok(None), |prints| prints.finish(rows))
        },
    };
    let unheard: Progress = Box::new(|_| {});
    taking.run(ctx, cleaned, contract, rows, unheard).await
}

/// Something that is taken from the rows of one cleaned file.
struct Taking {
    task: fn(ItemsTask) -> Task,
    /// Makes ready for it.
    listen: fn(&mut Ear, &Ctx) -> Result<(), Fault>,
    /// What came of so many rows; none when it was not as many.
    finish: fn(&mut Ear, u64) -> Result<Option<Staged>, Fault>,
}

impl Taking {
    async fn run(
        self,
        ctx: &Ctx,
        (cleaned, key): (File, FileKey),
        contract: Value,
        rows: u64,
        progress: Progress,
    ) -> Result<Outcome<Staged>, Fault> {
        let task = (self.task)(ItemsTask {
            key: KeyText::of(&key),
            contract,
            max_decoded_bytes: ctx.config.max_decoded_bytes,
        });
        let ctx = ctx.clone();
        let cancel = CancelOnDrop::default();
        let cancelled = cancel.0.clone();
        blocking(move || {
            let mut ear = Ear::new(progress);
            (self.listen)(&mut ear, &ctx)?;
            let files = Files {
                outputs: Vec::new(),
                inputs: vec![cleaned],
            };
            let end = errand(&ctx.config, &task, files, &cancelled, &mut ear)?;
            let kept = (self.finish)(&mut ear, rows);
            Ok(match ear.conclude(end, &ctx.config)? {
                Ok(Finding::Itemised(said)) if said == rows => {
                    kept?.map_or_else(|| Outcome::Refused(died()), Outcome::Done)
                }
                Ok(_) => Outcome::Refused(died()),
                Err(refused) => Outcome::Refused(refused),
            })
        })
        .await
    }
}

/// Has a child weigh contributions and join their kept rows.
///
/// # Errors
/// Only what is no fault of the data: no child could be started, the disk is full.
pub async fn compose(
    ctx: &Ctx,
    holdings: Vec<Holding>,
    contract: Value,
    as_of: DateTime<Utc>,
    progress: Progress,
) -> Result<Outcome<Composed>, Fault> {
    let weighing = Weighing::new(ctx, holdings, contract, as_of, false);
    let ctx = ctx.clone();
    let cancel = CancelOnDrop::default();
    let cancelled = cancel.0.clone();
    blocking(move || {
        let (file, preview) = (ctx.blobs.stage()?, ctx.blobs.stage()?);
        let outputs = vec![file.handle()?, preview.handle()?];
        Ok(
            match weighing.run(&ctx.config, outputs, &cancelled, progress)? {
                Ok((Finding::Composed(finding), weighed)) => Outcome::Done(Composed {
                    finding,
                    weighed,
                    file,
                    preview,
                }),
                Ok(_) => Outcome::Refused(died()),
                Err(refused) => Outcome::Refused(refused),
            },
        )
    })
    .await
}

/// Has a child weigh contributions, and write nothing.
///
/// # Errors
/// As [`compose`].
pub async fn weigh(
    ctx: &Ctx,
    holdings: Vec<Holding>,
    contract: Value,
    as_of: DateTime<Utc>,
    progress: Progress,
) -> Result<Outcome<Weighed>, Fault> {
    let weighing = Weighing::new(ctx, holdings, contract, as_of, true);
    let ctx = ctx.clone();
    let cancel = CancelOnDrop::default();
    let cancelled = cancel.0.clone();
    blocking(move || {
        Ok(
            match weighing.run(&ctx.config, Vec::new(), &cancelled, progress)? {
                Ok((Finding::Weighed, weighed)) => Outcome::Done(weighed),
                Ok(_) => Outcome::Refused(died()),
                Err(refused) => Outcome::Refused(refused),
            },
        )
    })
    .await
}

/// Contributions on their way to the scales.
struct Weighing {
    task: ComposeTask,
    inputs: Vec<File>,
    /// Whether rows weigh less the more there are.
    crowded: bool,
}

impl Weighing {
    fn new(
        ctx: &Ctx,
        holdings: Vec<Holding>,
        contract: Value,
        as_of: DateTime<Utc>,
        weigh_only: bool,
    ) -> Self {
        let crowded = strata(&contract);
        let (holdings, inputs) = hand_over(holdings);
        let task = ComposeTask {
            holdings,
            recipient: ctx.keys.recipient().to_string(),
            contract,
            as_of,
            weigh_only,
            max_decoded_bytes: ctx.config.max_decoded_bytes,
        };
        Self {
            task,
            inputs,
            crowded,
        }
    }

    /// What the child found, with weights that add up; without them it is not believed.
    fn run(
        self,
        config: &Config,
        outputs: Vec<File>,
        cancelled: &AtomicBool,
        progress: Progress,
    ) -> Result<Result<(Finding, Weighed), Refused>, Fault> {
        let asked = self.task.holdings.clone();
        let task = Task::Compose(self.task);
        let mut ear = Ear::new(progress);
        let inputs = self.inputs;
        let end = errand(
            config,
            &task,
            Files { outputs, inputs },
            cancelled,
            &mut ear,
        )?;
        let weighed = ear
            .weights(self.crowded)
            .filter(|weighed| weighed.adds_up(&asked));
        Ok(match (ear.conclude(end, config)?, weighed) {
            (Ok(finding), Some(weighed)) => Ok((finding, weighed)),
            (Ok(_), None) => Err(died()),
            (Err(refused), _) => Err(refused),
        })
    }
}

/// Whether a contract declares strata, in which rows weigh less the more there are.
fn strata(contract: &Value) -> bool {
    let strata = contract.get("strata").and_then(Value::as_array);
    strata.is_some_and(|strata| !strata.is_empty())
}

fn hand_over(holdings: Vec<Holding>) -> (Vec<HoldingTask>, Vec<File>) {
    let (mut tasks, mut inputs) = (Vec::new(), Vec::new());
    let (mut items, mut claims, mut parts) = (Vec::new(), Vec::new(), Vec::new());
    for holding in holdings {
        let claimed = holding.claims.iter().map(|(payee, (_, key))| ClaimTask {
            payee: *payee,
            key: KeyText::of(key),
        });
        tasks.push(HoldingTask {
            contribution: holding.contribution,
            party: holding.party,
            entity: holding.entity,
            judges: holding.judges,
            receipt_no: holding.receipt_no,
            published_mark: holding.published_mark,
            grade: holding.grade,
            standing: holding.standing,
            marks_key: KeyText::of(&holding.marks.1),
            items_key: holding.items.as_ref().map(|(_, key)| KeyText::of(key)),
            claims: claimed.collect(),
            part_key: holding.part.as_ref().map(|(_, key)| KeyText::of(key)),
        });
        inputs.push(holding.marks.0);
        items.extend(holding.items.map(|(file, _)| file));
        claims.extend(holding.claims.into_iter().map(|(_, (file, _))| file));
        parts.extend(holding.part.map(|(file, _)| file));
    }
    inputs.extend(items);
    inputs.extend(claims);
    inputs.extend(parts);
    (tasks, inputs)
}

/// The limits a child of this node runs under, as a child reports them.
///
/// # Errors
/// When no child can be started.
pub async fn limits_active(config: &Config) -> Result<Vec<Limit>, Fault> {
    probe(config, ProbeTask::default())
        .await
        .map(|(limits, _)| limits)
}

/// Lets a child try what must not be possible; answers its limits and what came of it:
/// the attempts, or how the child ended.
///
/// # Errors
/// When no child can be started.
pub async fn probe(
    config: &Config,
    task: ProbeTask,
) -> Result<(Vec<Limit>, Result<BTreeMap<String, String>, Refused>), Fault> {
    let config = config.clone();
    blocking(move || {
        let mut ear = Ear::new(Box::new(|_| {}));
        let files = Files {
            outputs: Vec::new(),
            inputs: Vec::new(),
        };
        let end = errand(
            &config,
            &Task::Probe(task),
            files,
            &AtomicBool::new(false),
            &mut ear,
        )?;
        let limits = std::mem::take(&mut ear.limits);
        let found = match ear.conclude(end, &config)? {
            Ok(Finding::Probed(tried)) => Ok(tried),
            Ok(_) => Err(died()),
            Err(refused) => Err(refused),
        };
        Ok((limits, found))
    })
    .await
}

struct Files {
    outputs: Vec<File>,
    inputs: Vec<File>,
}

fn errand(
    config: &Config,
    task: &Task,
    files: Files,
    cancelled: &AtomicBool,
    ear: &mut Ear,
) -> Result<End, Fault> {
    let limits = Limits {
        memory_bytes: config.worker_memory_bytes,
        seconds: config.worker_seconds,
        file_bytes: config.max_decoded_bytes,
        open_files: 64 + files.inputs.len() as u64,
    };
    // This very program, even when the file it was started from has been replaced.
    let itself = PathBuf::from("/proc/self/exe");
    let errand = Errand {
        program: config.worker_program.as_ref().unwrap_or(&itself),
        limits: &limits,
        task,
        outputs: files.outputs,
        inputs: files.inputs,
        cancelled,
    };
    supervise::run(errand, &mut |frame| ear.hear(frame))
}

/// Tells the child to end when nobody waits for it any longer.
#[derive(Default)]
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Takes down what a child says.
struct Ear {
    progress: Progress,
    limits: Vec<Limit>,
    marks: Option<MarkWriter>,
    items: Option<ItemWriter>,
    prints: Option<PrintWriter>,
    /// Without factors, then with them.
    weighed: Vec<Weighed>,
    finding: Option<Finding>,
}

impl Ear {
    fn new(progress: Progress) -> Self {
        Self {
            progress,
            limits: Vec::new(),
            marks: None,
            items: None,
            prints: None,
            weighed: Vec::new(),
            finding: None,
        }
    }

    fn hear(&mut self, frame: Frame) -> Result<(), Fault> {
        match frame {
            Frame::Limits(limits) => self.limits = limits,
            Frame::Stage(text) => (self.progress)(&text),
            Frame::Marks(records) => {
                if let Some(marks) = &mut self.marks {
                    marks.write(&records)?;
                }
            }
            Frame::Items(records) => {
                if let Some(items) = &mut self.items {
                    items.write(&records)?;
                }
            }
            Frame::Prints(records) => {
                if let Some(prints) = &mut self.prints {
                    prints.write(&records)?;
                }
            }
            Frame::Weighed(weighed) => {
                // A third one is as wrong as a hundredth, but takes less room.
                if self.weighed.len() < 3 {
                    self.weighed.push(*weighed);
                }
            }
            Frame::Finding(finding) => self.finding = Some(*finding),
        }
        Ok(())
    }

    /// The weights that were said last, if they follow from those said first.
    fn weights(&mut self, crowded: bool) -> Option<Weighed> {
        let mut said = std::mem::take(&mut self.weighed).into_iter();
        match (said.next(), said.next(), said.next()) {
            (plain, None, _) => plain,
            (Some(plain), Some(refined), None) if refined.refines(&plain, crowded) => Some(refined),
            _ => None,
        }
    }

    /// What it came to: a finding, a refusal, or a fault of the node.
    fn conclude(self, end: End, config: &Config) -> Result<Result<Finding, Refused>, Fault> {
        let refused = match end {
            End::Clean => match self.finding {
                Some(Finding::Broken { full: true, .. }) => return Err(full()),
                Some(Finding::Broken { message, .. }) => {
                    return Err(Fault::internal(format!(
                        "checker: {}",
                        plain(&message, 500)
                    )));
                }
                Some(Finding::Refused {
                    code,
                    message,
                    report,
                }) => Refused {
                    code: plain_code(&code),
                    message: plain(&message, 2_000),
                    report,
                },
                Some(finding) => return Ok(Ok(finding)),
                None => died(),
            },
            End::Memory => Refused::new(
                "checker_memory",
                format!(
                    "Checking this file took more than {} MiB of memory. Split it into several files.",
                    config.worker_memory_bytes >> 20
                ),
            ),
            End::Time => Refused::new(
                "checker_time",
                format!(
                    "Checking this file took longer than {} seconds. Split it into several files.",
                    config.worker_seconds
                ),
            ),
            End::Output => Refused::new(
                "checker_output",
                "Rewritten, this file is larger than the node allows. Split it into several files.",
            ),
            End::Died => died(),
        };
        Ok(Err(refused))
    }
}

fn died() -> Refused {
    Refused::new(
        "checker_died",
        "The checker died while reading this file. Write the file again with another program, \
         then upload it.",
    )
}
