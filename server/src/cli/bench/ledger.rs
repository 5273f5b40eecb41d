//! The gates of the money, on SQLite and on PostgreSQL, each against a raw anchor of the same
//! run: the same rows inserted by hand, and `pgbench`'s TPC-B where there is a server.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use schema::db::Pool;

use super::files::Bench;
use super::outside::{lines, wrong};
use crate::cli::args::BenchArgs;
use crate::cli::stop::Outcome;
use crate::cli::table::Table;
use crate::demo::{data, dice::Dice};
use crate::journal::bench::{self as money, Rate};

const PAYMENTS: usize = 40_000;
const CALLS: usize = 8_000;
const CONNECTIONS: usize = 64;
const FEW: usize = 10;
const MANY: usize = 100_000;
const CREDITS: usize = 1_000_000;

pub async fn run(args: &BenchArgs, place: &Path) -> Outcome {
    let sqlite = Home::Folder(place.join("ledger"));
    on(args, "SQLite", &sqlite, place).await?;
    match &args.postgres {
        Some(server) => {
            let home = Home::Server(server.clone());
            on(args, "PostgreSQL", &home, place).await
        }
        None => {
            println!(
                "PostgreSQL: left out; give --postgres postgres://USER@HOST/NAME of a server \
                 where databases may be made and dropped\n"
            );
            Ok(())
        }
    }
}

async fn on(args: &BenchArgs, name: &str, home: &Home, place: &Path) -> Outcome {
    let count = PAYMENTS * args.scale as usize;
    let mut gates = Gates::new(name);
    let mut left_out = Vec::new();
    let (pool, anchor) = (home.fresh("payments")?, home.fresh("anchor")?);
    let paid = money::payments(&pool.pool, &anchor.pool, count).await?;
    gates.row("batched payments", paid.batched.to_string(), "");
    gates.row("raw inserts of the same rows", paid.raw.to_string(), "");
    let ratio = paid.batched.over(&paid.raw);
    gates.held("batched / raw", ratio, ">= 0.60", ratio >= 0.6);
    gates.row("one at a time over 64 callers", paid.single.to_string(), "");
    drop((pool, anchor));
    let (few, many) = (home.fresh("few")?, home.fresh("many")?);
    let wide = money::breadth((&few.pool, FEW), (&many.pool, MANY), count / 2).await?;
    let cost = wide.few.1.over(&wide.many.1);
    let what = format!("cost with {MANY} contributors / with {FEW}");
    gates.held(&what, cost, "0.80 to 1.20", cost <= 1.2);
    drop((few, many));
    let settled = home.fresh("settled")?;
    let credits = money::settlement(&settled.pool, CREDITS * args.scale as usize).await?;
    let goal = 30.0 * f64::from(args.scale);
    let (seconds, held) = (credits.seconds, credits.seconds <= goal);
    let what = format!("seconds for {} credits, {}", credits.count, peak());
    gates.held(&what, seconds, &format!("<= {goal:.0}"), held);
    drop(settled);
    let calls = single(args, home, &place.join(format!("node-{name}"))).await?;
    let held = calls.per_second() >= 2_000.0;
    let what = format!("HTTP payments a second, {CONNECTIONS} connections");
    gates.held(&what, calls.per_second(), ">= 2000", held);
    match home.pgbench() {
        None => {}
        Some(Err(why)) => left_out.push(why),
        Some(Ok(tps)) => {
            gates.row("pgbench TPC-B, 32 clients", format!("{tps:.0}/s"), "");
            let batched = paid.batched.per_second() / tps;
            gates.row("batched / pgbench", format!("{batched:.2}"), "");
            let http = calls.per_second() / tps;
            gates.row("HTTP / pgbench", format!("{http:.2}"), "");
        }
    }
    println!("{}{}", gates.table, lines(&left_out));
    Ok(())
}

/// What was measured beside what is asked.
struct Gates {
    table: Table,
}

impl Gates {
    fn new(database: &str) -> Self {
        let head = format!("money on {database}");
        Self {
            table: Table::new(&[&head, ">measured", ">gate", "held"]),
        }
    }

    fn row(&mut self, what: &str, measured: String, gate: &str) {
        self.table
            .row([what.to_owned(), measured, gate.to_owned(), String::new()]);
    }

    fn held(&mut self, what: &str, measured: f64, gate: &str, held: bool) {
        let verdict = if held { "yes" } else { "NO" };
        let digits = if measured < 100.0 { 2 } else { 0 };
        self.table.row([
            what.to_owned(),
            format!("{measured:.digits$}"),
            gate.to_owned(),
            verdict.to_owned(),
        ]);
    }
}

/// Where databases are made.
enum Home {
    Folder(PathBuf),
    /// A PostgreSQL server, by the address of one of its databases.
    Server(String),
}

/// An empty, migrated database; gone with this value.
struct Fresh {
    pool: Pool,
    url: String,
    /// Server and name.
    made: Option<(String, String)>,
}

impl Home {
    fn fresh(&self, name: &str) -> Outcome<Fresh> {
        let (url, made) = match self {
            Self::Folder(folder) => {
                std::fs::create_dir_all(folder)?;
                let file = folder.join(name).with_extension("db");
                (format!("sqlite:{}", file.display()), None)
            }
            Self::Server(server) => {
                let name = format!("granary_bench_{}_{name}", std::process::id());
                execute(server, &format!("CREATE DATABASE {name}"))?;
                (beside(server, &name), Some((server.clone(), name)))
            }
        };
        let pool = Pool::open(&url, 4).map_err(wrong)?;
        pool.migrate().map_err(wrong)?;
        Ok(Fresh { pool, url, made })
    }

    /// Transactions a second of `pgbench`; none where there is no server.
    fn pgbench(&self) -> Option<Result<f64, String>> {
        match self {
            Self::Folder(_) => None,
            Self::Server(_) => Some(self.fresh("tpcb").map_err(|s| s.to_string()).and_then(
                |database| {
                    let program = program("pgbench").ok_or("pgbench: left out, not installed")?;
                    tpcb(&program, &database.url)
                },
            )),
        }
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        let dropped = match &self.made {
            Some((server, name)) => execute(
                server,
                &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
            ),
            None => Ok(()),
        };
        if let Err(stop) = dropped {
            eprintln!("granary: a database is left behind: {stop}");
        }
    }
}

fn execute(server: &str, sql: &str) -> Outcome {
    let pool = Pool::open(server, 1).map_err(wrong)?;
    let mut db = pool.get().map_err(wrong)?;
    db.execute(sql).map_err(wrong)
}

/// The address of another database of the same server.
fn beside(server: &str, name: &str) -> String {
    let (address, query) = match server.split_once('?') {
        Some((address, query)) => (address, format!("?{query}")),
        None => (server, String::new()),
    };
    let base = address.rsplit_once('/').map_or(address, |(base, _)| base);
    format!("{base}/{name}{query}")
}

/// A program in PATH, or where Debian keeps PostgreSQL's.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let debian = debian.flatten().map(|version| version.path().join("bin"));
    std::env::split_paths(&path)
        .chain(debian)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

fn tpcb(program: &Path, url: &str) -> Result<f64, String> {
    let run = |arguments: &[&str]| {
        let output = Command::new(program).args(arguments).arg(url).output();
        let output = output.map_err(|error| format!("pgbench: left out, {error}"))?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        match output.status.success() {
            true => Ok(said),
            false => Err(format!(
                "pgbench: left out, it failed: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            )),
        }
    };
    run(&["-i", "-q", "-s", "10"])?;
    let said = run(&["-c", "32", "-j", "2", "-T", "8"])?;
    said.lines()
        .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok())
        .ok_or_else(|| format!("pgbench: left out, it said {said:?}"))
}

/// Orders through the JSON API, each connection waiting for its answer before the next.
async fn single(args: &BenchArgs, home: &Home, place: &Path) -> Outcome<Rate> {
    std::fs::create_dir_all(place)?;
    let file = place.join("flights.parquet");
    std::fs::write(&file, data::grown(1, &mut Dice::new(1)).map_err(wrong)?)?;
    let args = BenchArgs {
        file: Some(file),
        ..args.clone()
    };
    let database = match home {
        Home::Folder(_) => None,
        Home::Server(_) => Some(home.fresh("node")?),
    };
    let url = database.as_ref().map(|database| database.url.clone());
    let bench = Bench::start(&args, place, url).await?;
    bench.ingest().await?;
    let each = CALLS / CONNECTIONS;
    let order = bench.offered(CALLS as i64 + 1).await?;
    let start = Instant::now();
    let mut callers = Vec::with_capacity(CONNECTIONS);
    for caller in 0..CONNECTIONS {
        let (client, order) = (bench.client.clone(), order.clone());
        callers.push(tokio::spawn(async move {
            for call in 0..each {
                client.buy(&format!("b{caller}-{call}"), &order).await?;
            }
            Ok::<(), crate::client::ClientError>(())
        }));
    }
    for caller in callers {
        caller.await.map_err(wrong)?.map_err(wrong)?;
    }
    let seconds = start.elapsed().as_secs_f64();
    bench.node.stop().await?;
    Ok(Rate {
        count: each * CONNECTIONS,
        seconds,
    })
}

/// The most memory this process has held.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
    kilobytes.map_or_else(String::new, |kilobytes| {
        format!("peak {}", crate::cli::table::bytes(kilobytes * 1024))
    })
}
