//! One node in this process, asked over its socket.

use std::net::TcpListener;
use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use clap::Parser;
use diesel::prelude::*;
use reqwest::{Method, StatusCode};
use schema::on;
use schema::tables::job;
use schema::wire::NodeInfo;
use serde_json::Value;
use server::client::Client;
use server::clock::{Clock, Ids};
use server::config::Config;
use server::ctx::Ctx;
use server::journal::audit;
use server::serve::{self, Running};
use tempfile::TempDir;

use super::{Database, granary};

#[derive(Parser)]
struct Settings {
    #[command(flatten)]
    config: Config,
}

/// A node, its clock, and a visitor of it.
///
/// When it is dropped every job must be done, every book balance, and the verifier of the
/// ledger find nothing: each story checks this without saying so.
pub struct TestApp {
    pub ctx: Ctx,
    pub clock: Clock,
    /// The node as seen by nobody in particular.
    pub visitor: Client,
    pub info: NodeInfo,
    pub http: reqwest::Client,
    running: Option<Running>,
    // Dropped last, in this order.
    desk: TempDir,
    _data: TempDir,
    _database: Database,
}

/// When every story begins.
pub fn beginning() -> DateTime<Utc> {
    "2026-03-02T08:00:00Z".parse().unwrap()
}

/// Runs a story on a fresh node, and stops the node in the end.
pub fn run(database: Database, story: impl AsyncFnOnce(&mut TestApp)) {
    run_with(database, |_| (), story);
}

/// The same with other settings.
pub fn run_with(
    database: Database,
    settings: impl FnOnce(&mut Config),
    story: impl AsyncFnOnce(&mut TestApp),
) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut app = TestApp::start(database, settings).await;
        story(&mut app).await;
        app.stop().await;
    });
}

impl TestApp {
    async fn start(database: Database, settings: impl FnOnce(&mut Config)) -> Self {
        let data = TempDir::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut config = Config {
            data_dir: data.path().join("node"),
            database_url: database.url(),
            listen: address,
            worker_program: Some(granary()),
            password_memory_kib: 8,
            ..Settings::parse_from(["granary"]).config
        };
        config.payouts.bank_iban = Some(super::bank::OURS.parse().unwrap());
        config.payouts.payout_minimum = vec!["1.00 EUR".parse().unwrap()];
        config.payouts.withhold = vec!["US=3000".parse().unwrap()];
        config.member_points = 10;
        settings(&mut config);
        let clock = Clock::manual(beginning());
        let ctx = serve::build_ctx(config, clock.clone(), Ids::seeded(1)).unwrap();
        let running = serve::start(ctx.clone(), listener).await.unwrap();
        let visitor = Client::new(&format!("http://{address}")).unwrap();
        let info = visitor.node_info().await.unwrap();
        let desk = TempDir::new().unwrap();
        let http = reqwest::Client::new();
        Self {
            ctx,
            clock,
            visitor,
            info,
            http,
            running: Some(running),
            desk,
            _data: data,
            _database: database,
        }
    }

    async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await.unwrap();
        }
    }

    /// Lets time pass.
    pub fn later(&self, by: TimeDelta) {
        self.clock.advance(by);
    }

    /// A place for files of people.
    pub fn desk(&self, name: &str) -> PathBuf {
        self.desk.path().join(name)
    }

    /// Calls an operation of the API by its name, with the parts of its path in order.
    pub async fn call(
        &self,
        operation: &str,
        parts: &[&dyn std::fmt::Display],
        token: Option<&str>,
        body: Option<&Value>,
    ) -> (StatusCode, Value) {
        let (method, path) = operation.split_once(' ').unwrap();
        let path = parts.iter().fold(path.to_owned(), |path, part| {
            path.replacen("{}", &part.to_string(), 1)
        });
        self.ask(method.parse().unwrap(), &path, token, body).await
    }

    /// Sends a request as written; answers status and body, `null` unless it is JSON.
    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> (StatusCode, Value) {
        let (status, _, body) = self.ask_with(method, path, token, body, &[]).await;
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// Sends a request with headers; answers everything that came back.
    pub async fn ask_with(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> (StatusCode, reqwest::header::HeaderMap, Vec<u8>) {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.visitor.node()));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, head) = (response.status(), response.headers().clone());
        (status, head, response.bytes().await.unwrap().to_vec())
    }

    /// Everything that is wrong with the node's rows.
    pub fn leftovers(&self) -> Vec<String> {
        let mut db = self.ctx.pool.get().unwrap();
        let left: Vec<(String, String, Option<String>)> = on!(&mut db, c => job::table
            .filter(job::state.ne("done"))
            .select((job::kind, job::state, job::last_error))
            .load(c))
        .unwrap();
        let mut wrong: Vec<String> = left
            .iter()
            .map(|job| format!("job left over: {job:?}"))
            .collect();
        let findings = db.snapshot(audit::verify).unwrap();
        wrong.extend(
            findings
                .iter()
                .map(|finding| format!("ledger: {finding:?}")),
        );
        wrong
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let wrong = self.leftovers();
            assert!(
                wrong.is_empty(),
                "the story left something behind:\n{}",
                wrong.join("\n")
            );
        }
    }
}
