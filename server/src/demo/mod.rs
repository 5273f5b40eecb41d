//! The whole market turned once, on real data.
//!
//! `granary demo` starts a node of its own and lets a handful of parties act out a market
//! through the public HTTP API with the code of the command line. [`data`] cuts a real table
//! into what each of them holds, [`world`] is the node and the people, [`story`] what happens,
//! [`tell`] how it is told. Time, identifiers and chance are injected, so that the story is
//! the same on every run and on both databases; every step is checked while it is told.

pub(crate) mod data;
pub(crate) mod dice;
mod story;
mod tell;
mod world;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};

use self::story::Market;
use self::tell::Step;
use self::world::{PASSWORD, World};
use crate::cli::table::Table;
use crate::cli::{DemoArgs, Exit, Outcome, Stop};
use crate::clock::Clock;

/// `granary demo`
///
/// # Errors
/// The folder is in use, the node does not start, or a step of the story did not hold.
pub fn run(args: &DemoArgs) -> Outcome {
    let place = Place::choose(args.data_dir.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(show(args, &place))
}

/// Where the node and the files of the story are; a temporary place goes with the story.
struct Place {
    home: PathBuf,
    desk: TempDir,
    _passing: Option<TempDir>,
}

impl Place {
    fn choose(data_dir: Option<&Path>) -> Outcome<Self> {
        let desk = tempfile::tempdir()?;
        let Some(home) = data_dir else {
            let passing = tempfile::tempdir()?;
            let home = passing.path().join("node");
            return Ok(Self {
                home,
                desk,
                _passing: Some(passing),
            });
        };
        let taken = fs::read_dir(home).is_ok_and(|mut entries| entries.next().is_some());
        if taken {
            let words = format!(
                "{} is not empty; the story needs a fresh folder",
                home.display()
            );
            return Err(Stop::new(Exit::Usage, words));
        }
        Ok(Self {
            home: home.to_owned(),
            desk,
            _passing: None,
        })
    }
}

async fn show(args: &DemoArgs, place: &Place) -> Outcome {
    let failed = |slip: tell::Slip| Stop::new(Exit::Wrong, format!("the demo failed: {}", slip.0));
    let mut world = World::start(args, &place.home, place.desk.path())
        .await
        .map_err(failed)?;
    let told = story::tell(&mut world).await;
    let market = match told {
        Ok(market) => market,
        Err(slip) => {
            let words = format!("the demo failed in {}: {}", world.tell.place(), slip.0);
            return Err(Stop::new(Exit::Wrong, words));
        }
    };
    if !args.once {
        stay(&world, &market, args).await.map_err(failed)?;
    }
    Ok(world.node.stop().await?)
}

/// Keeps the node up in the present until somebody stops it.
async fn stay(world: &World, market: &Market, args: &DemoArgs) -> Step {
    print!("{}", invitation(world, market, args));
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut beat = tokio::time::interval(Duration::from_millis(100));
    loop {
        tokio::select! {
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            // The story's clock stands still by itself; from here on it follows the real one.
            _ = beat.tick() => world.clock.advance(Clock::System.now() - world.clock.now()),
        }
    }
    println!("\nStopping.");
    Ok(())
}

fn invitation(world: &World, market: &Market, args: &DemoArgs) -> String {
    let url = format!("http://{}", world.node.address);
    let mut links = Table::pairs().indented(3);
    links.row(["the market", &format!("{url}/")]);
    links.row([
        "the dataset",
        &format!("{url}/datasets/{}", market.dataset.slug),
    ]);
    links.row(["the HTTP API", &format!("{url}/openapi.json")]);
    let mut people = Table::new(&["sign in as", "to see"]).indented(3);
    for (person, sees) in market.people() {
        people.row([person.email.as_str(), sees]);
    }
    let folder = match &args.data_dir {
        Some(folder) => format!(
            "Everything stays in {}: go on with granary serve --data-dir {}",
            folder.display(),
            folder.display()
        ),
        None => "Everything goes with it; use --data-dir DIR to keep the node.".to_owned(),
    };
    format!(
        "\nThe node stays up. Look around:\n\n{links}\nThe password of every account is \
         {PASSWORD}\n\n{people}\nOn the command line: granary login --node {url} --email {}\n\n\
         Ctrl-C stops the node. {folder}\n",
        market.quill.email
    )
}
