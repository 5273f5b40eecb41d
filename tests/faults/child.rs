//! The process that opens provider bytes can do nothing else.

use std::net::TcpListener;

use server::worker::{probe, wire::ProbeTask};

use crate::support::{Database, app};

#[test]
fn a_checker_neither_connects_nor_opens_nor_runs() {
    app::run(Database::sqlite(), async |app| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let secret = app.desk("secret");
        std::fs::write(&secret, "private").unwrap();
        let task = ProbeTask {
            connect: Some(listener.local_addr().unwrap().to_string()),
            open: Some(secret.display().to_string()),
            ..ProbeTask::default()
        };
        let (limits, tried) = probe(&app.ctx.config, task).await.unwrap();
        assert!(!limits.is_empty());
        let tried = tried.unwrap();
        for attempt in ["connect", "create", "run"] {
            assert!(tried[attempt].starts_with("denied"), "{attempt}: {tried:?}");
        }
        assert!(
            tried["open"].starts_with("denied"),
            "{tried:?} with {limits:?}"
        );
        // Nothing of the node's environment; only how many threads it may use.
        let mut variables: Vec<&str> = tried["environment"].split_whitespace().collect();
        variables.sort_unstable();
        assert_eq!(variables, ["POLARS_MAX_THREADS", "RAYON_NUM_THREADS"]);
    });
}

#[test]
fn a_checker_that_dies_is_a_verdict() {
    app::run(Database::sqlite(), async |app| {
        for task in [
            ProbeTask {
                abort: true,
                ..ProbeTask::default()
            },
            ProbeTask {
                panic: Some("boom".to_owned()),
                ..ProbeTask::default()
            },
        ] {
            let (_, ended) = probe(&app.ctx.config, task).await.unwrap();
            assert!(ended.is_err(), "{ended:?}");
        }
    });
}
