use std::path::Path;

use clap::Parser;
use schema::columns::When;

use super::*;
use crate::clock::{Clock, Ids};
use crate::config::Config;
use crate::serve::build_ctx;

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    config: Config,
}

fn node(folder: &Path) -> Ctx {
    let folder = folder.display().to_string();
    // No program: whatever needs a checker fails as it does on a broken node.
    let config = Args::parse_from([
        "test",
        "--data-dir",
        &folder,
        "--worker-program",
        "/nowhere",
    ])
    .config;
    let clock = Clock::manual("2026-01-01T00:00:00Z".parse().unwrap());
    build_ctx(config, clock, Ids::seeded(1)).unwrap()
}

async fn put(ctx: &Ctx, work: Work) {
    let job_ctx = ctx.clone();
    ctx.write(move |db| enqueue(&job_ctx, db, work))
        .await
        .unwrap();
}

async fn take(ctx: &Ctx, runner: &'static str) -> Option<JobRow> {
    let now = ctx.now();
    ctx.write(move |db| jobs::claim(db, runner, now, now + LEASE, &[]))
        .await
        .unwrap()
}

async fn counts(ctx: &Ctx) -> Vec<(String, i64)> {
    ctx.read(jobs::counts).await.unwrap()
}

fn work(n: u128) -> Work {
    Work::Compose(Uuid::from_u128(n))
}

#[tokio::test]
async fn jobs_are_taken_in_order_and_by_one_runner() {
    let folder = tempfile::tempdir().unwrap();
    let ctx = node(folder.path());
    for n in 1..=3 {
        put(&ctx, work(n)).await;
    }
    for (n, runner) in [(1, "a"), (2, "b"), (3, "a")] {
        assert_eq!(Work::of(&take(&ctx, runner).await.unwrap()), Some(work(n)));
    }
    assert!(take(&ctx, "b").await.is_none());
}

#[tokio::test]
async fn a_lost_lease_is_another_runners_and_the_loser_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let ctx = node(folder.path());
    put(&ctx, work(1)).await;
    let id = take(&ctx, "a").await.unwrap().id.0;
    ctx.clock.advance(LEASE - TimeDelta::seconds(1));
    assert!(take(&ctx, "b").await.is_none(), "the lease holds");
    ctx.clock.advance(TimeDelta::seconds(1));
    let again = take(&ctx, "b").await.unwrap();
    assert_eq!((again.id.0, again.attempts), (id, 2));
    let now = ctx.now();
    let kept = ctx
        .write(move |db| jobs::keep(db, id, "a", now + LEASE))
        .await;
    assert!(!kept.unwrap());
    ctx.write(move |db| jobs::leave(db, id, "a", &Leave::Done, now))
        .await
        .unwrap();
    assert_eq!(counts(&ctx).await, [("running".to_owned(), 1)]);
    ctx.write(move |db| jobs::leave(db, id, "b", &Leave::Done, now))
        .await
        .unwrap();
    assert_eq!(counts(&ctx).await, [("done".to_owned(), 1)]);
}

#[tokio::test]
async fn a_failing_job_waits_longer_each_time_and_then_lies_dead() {
    let folder = tempfile::tempdir().unwrap();
    let ctx = node(folder.path());
    // There is no such revision, so the flow fails each time.
    put(&ctx, work(1)).await;
    let mut waited = Vec::new();
    for attempt in 1..=MOST_ATTEMPTS {
        assert_eq!(drain(&ctx).await.unwrap(), 1, "attempt {attempt}");
        assert_eq!(drain(&ctx).await.unwrap(), 0, "it is not due at once");
        let before = ctx.now();
        while attempt < MOST_ATTEMPTS && !due(&ctx).await {
            ctx.clock.advance(TimeDelta::seconds(1));
        }
        waited.push((ctx.now() - before).num_seconds());
    }
    assert_eq!(waited, [2, 4, 8, 16, 32, 60, 60, 0]);
    assert_eq!(counts(&ctx).await, [("dead".to_owned(), 1)]);
    // The next start tries once more.
    clear_up(&ctx).await.unwrap();
    assert!(due(&ctx).await);
}

async fn due(ctx: &Ctx) -> bool {
    let now = When::from(ctx.now());
    ctx.read(move |db| jobs::due(db, now)).await.unwrap()
}

#[tokio::test]
async fn what_a_killed_node_left_is_cleared_up() {
    let folder = tempfile::tempdir().unwrap();
    let ctx = node(folder.path());
    put(&ctx, work(1)).await;
    take(&ctx, "killed").await.unwrap();
    std::mem::forget(ctx.blobs.stage().unwrap());
    let orphan = BlobKey::new(crate::blobs::BlobKind::Marks, ctx.id());
    ctx.blobs
        .keep(orphan, ctx.blobs.stage().unwrap())
        .await
        .unwrap();
    clear_up(&ctx).await.unwrap();
    assert_eq!(counts(&ctx).await, [("queued".to_owned(), 1)]);
    assert!(ctx.blobs.list().await.unwrap().is_empty());
    assert_eq!(ctx.blobs.sweep_staged(None).unwrap(), 0);
}

#[tokio::test]
async fn stopping_hands_a_job_back_unharmed() {
    let folder = tempfile::tempdir().unwrap();
    let ctx = node(folder.path());
    put(&ctx, work(1)).await;
    let job = take(&ctx, "a").await.unwrap();
    let stop = CancellationToken::new();
    stop.cancel();
    let how = hold(&ctx, "a", &job, &stop).await.unwrap();
    assert!(matches!(how, Leave::Back));
    let (id, now) = (job.id.0, ctx.now());
    ctx.write(move |db| jobs::leave(db, id, "a", &how, now))
        .await
        .unwrap();
    assert_eq!(take(&ctx, "b").await.unwrap().attempts, 1);
}
