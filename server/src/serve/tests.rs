//! A node in this process, asked over its socket.

use clap::Parser;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use super::*;

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    config: Config,
}

struct Node {
    running: Option<Running>,
    base: String,
    client: Client,
    folder: tempfile::TempDir,
}

fn config(folder: &Path) -> Config {
    let folder = folder.to_str().unwrap();
    Args::parse_from([
        "test",
        "--data-dir",
        folder,
        "--listen",
        "127.0.0.1:0",
        "--password-memory-kib",
        "8",
    ])
    .config
}

impl Node {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut config = config(folder.path());
        config.listen = listener.local_addr().unwrap();
        // Time stands still, so that a slow machine changes no answer.
        let clock = Clock::manual("2026-01-01T00:00:00Z".parse().unwrap());
        let ctx = build_ctx(config, clock, Ids::seeded(1)).unwrap();
        let running = start(ctx, listener).await.unwrap();
        let base = format!("http://{}", running.address);
        Self {
            running: Some(running),
            base,
            client: Client::new(),
            folder,
        }
    }

    fn ctx(&self) -> &Ctx {
        &self.running.as_ref().unwrap().ctx
    }

    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    async fn post(&self, path: &str, token: Option<&str>, body: Value) -> (StatusCode, Value) {
        let mut request = self.ask(Method::POST, path).json(&body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        read(request.send().await.unwrap()).await
    }

    async fn get(&self, path: &str, token: &str) -> (StatusCode, Value) {
        read(
            self.ask(Method::GET, path)
                .bearer_auth(token)
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    async fn account(&self, name: &str) -> (Value, String) {
        let email = format!("{}@example.org", name.replace(' ', "."));
        let body = json!({"email": email, "display_name": name, "password": "correct horse"});
        let (status, party) = self.post("/api/v1/accounts", None, body).await;
        assert_eq!(status, 201, "{party}");
        (party, self.sign_in(&email, "correct horse").await)
    }

    async fn sign_in(&self, email: &str, password: &str) -> String {
        let body = json!({"email": email, "password": password});
        let (status, opened) = self.post("/api/v1/sessions", None, body).await;
        assert_eq!(status, 201, "{opened}");
        opened["token"].as_str().unwrap().to_owned()
    }

    async fn stop(mut self) -> tempfile::TempDir {
        self.running.take().unwrap().stop().await.unwrap();
        self.folder
    }
}

async fn read(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

#[tokio::test]
async fn an_account_lives_and_its_credentials_end_at_once() {
    let node = Node::start().await;
    let (party, session) = node.account("Ann Example").await;
    assert_eq!(party["handle"], "ann-example");
    let (_, me) = node.get("/api/v1/me", &session).await;
    assert_eq!(me, party);

    let (status, made) = node
        .post("/api/v1/tokens", Some(&session), json!({"name": "laptop"}))
        .await;
    assert_eq!(status, 201, "{made}");
    let token = made["token"].as_str().unwrap();
    let (status, refused) = node
        .post("/api/v1/tokens", Some(token), json!({"name": "child"}))
        .await;
    assert_eq!(
        (status.as_u16(), &refused["code"]),
        (403, &json!("session_needed"))
    );
    let (_, listed) = node.get("/api/v1/tokens", token).await;
    assert_eq!(listed["items"][0]["name"], "laptop");
    assert!(!listed.to_string().contains(token));

    // A stranger meets nothing; the owner ends it at once.
    let (_, other) = node.account("Bob").await;
    let path = format!("/api/v1/tokens/{}", made["info"]["id"].as_str().unwrap());
    let foreign = node
        .ask(Method::DELETE, &path)
        .bearer_auth(&other)
        .send()
        .await
        .unwrap();
    assert_eq!(foreign.status(), 404);
    assert_eq!(node.get("/api/v1/me", token).await.0, 200);
    let own = node
        .ask(Method::DELETE, &path)
        .bearer_auth(&session)
        .send()
        .await
        .unwrap();
    assert_eq!(own.status(), 204);
    assert_eq!(node.get("/api/v1/me", token).await.0, 401);

    let out = node
        .ask(Method::DELETE, "/api/v1/sessions")
        .bearer_auth(&session)
        .send()
        .await
        .unwrap();
    assert_eq!(out.status(), 204);
    assert_eq!(node.get("/api/v1/me", &session).await.0, 401);
    node.stop().await;
}

#[tokio::test]
async fn the_operator_link_works_once_and_resets_end_every_credential() {
    let node = Node::start().await;
    let first = operator_link::ensure(node.ctx()).await.unwrap().unwrap();
    let link = operator_link::ensure(node.ctx()).await.unwrap().unwrap();
    let token = |link: &str| link.rsplit('/').next().unwrap().to_owned();
    let sign_up = |email: &str, link: &str| json!({"email": email, "display_name": "Op", "password": "correct horse", "operator_token": token(link)});
    let (status, old) = node
        .post("/api/v1/accounts", None, sign_up("a@example.org", &first))
        .await;
    assert_eq!((status.as_u16(), &old["code"]), (410, &json!("link_ended")));
    let (status, party) = node
        .post("/api/v1/accounts", None, sign_up("op@example.org", &link))
        .await;
    assert_eq!((status.as_u16(), &party["operator"]), (201, &json!(true)));
    assert_eq!(
        node.post("/api/v1/accounts", None, sign_up("b@example.org", &link))
            .await
            .0,
        410
    );
    assert_eq!(operator_link::ensure(node.ctx()).await.unwrap(), None);

    let operator = node.sign_in("op@example.org", "correct horse").await;
    let (ann, session) = node.account("Ann").await;
    let path = format!(
        "/api/v1/admin/parties/{}/password-resets",
        ann["id"].as_str().unwrap()
    );
    assert_eq!(node.post(&path, Some(&session), json!({})).await.0, 404);
    let (status, reset) = node.post(&path, Some(&operator), json!({})).await;
    assert_eq!(status, 201, "{reset}");
    let body = json!({"token": reset["token"], "password": "a new password"});
    assert_eq!(
        node.post("/api/v1/password-resets", None, body.clone())
            .await
            .0,
        204
    );
    assert_eq!(
        node.post("/api/v1/password-resets", None, body).await.0,
        410
    );
    assert_eq!(node.get("/api/v1/me", &session).await.0, 401);
    node.sign_in("ann@example.org", "a new password").await;
    node.stop().await;
}

#[tokio::test]
async fn guessing_is_slowed_and_an_unknown_account_looks_the_same() {
    let node = Node::start().await;
    node.account("Ann").await;
    let guess = |email: &str| json!({"email": email, "password": "wrong password"});
    let (status, known) = node
        .post("/api/v1/sessions", None, guess("ann@example.org"))
        .await;
    let (_, unknown) = node
        .post("/api/v1/sessions", None, guess("nobody@example.org"))
        .await;
    assert_eq!(
        (status.as_u16(), &known["code"]),
        (401, &json!("sign_in_failed"))
    );
    let same = |body: &Value| json!([body["status"], body["code"], body["title"], body["detail"]]);
    assert_eq!(same(&known), same(&unknown));
    let guesses = (0..20).map(|_| node.post("/api/v1/sessions", None, guess("ann@example.org")));
    let answers = futures_util::future::join_all(guesses).await;
    let throttled = answers.iter().filter(|(status, _)| *status == 429).count();
    assert_eq!(
        throttled, 16,
        "four more guesses, then the wait: {answers:?}"
    );
    let right = json!({"email": "ann@example.org", "password": "correct horse"});
    assert_eq!(node.post("/api/v1/sessions", None, right).await.0, 429);
    node.stop().await;
}

#[tokio::test]
async fn every_error_is_a_problem_document_with_the_request_id() {
    let node = Node::start().await;
    let (_, session) = node.account("Ann").await;
    let big = "x".repeat(2 << 20);
    let json_type = ("content-type", "application/json");
    let table = [
        (Method::GET, "/api/v1/nothing", None, 404, "not_found"),
        (
            Method::GET,
            "/api/v1/tokens/not-an-id",
            None,
            405,
            "method_not_allowed",
        ),
        (
            Method::DELETE,
            "/api/v1/tokens/not-an-id",
            None,
            404,
            "not_found",
        ),
        (Method::PUT, "/api/v1/me", None, 405, "method_not_allowed"),
        (Method::POST, "/healthz", None, 405, "method_not_allowed"),
        (Method::GET, "/api/v1/tokens?limit=0", None, 400, "bad_page"),
        (
            Method::GET,
            "/api/v1/tokens?colour=red",
            None,
            400,
            "query_invalid",
        ),
        (
            Method::POST,
            "/api/v1/tokens",
            Some("{".to_owned()),
            400,
            "json_invalid",
        ),
        (
            Method::POST,
            "/api/v1/tokens",
            Some(r#"{"name":"x","color":1}"#.to_owned()),
            400,
            "json_invalid",
        ),
        (
            Method::POST,
            "/api/v1/tokens",
            Some(r#"{"name":""}"#.to_owned()),
            422,
            "invalid",
        ),
        (Method::POST, "/api/v1/tokens", Some(big), 413, "too_large"),
    ];
    for (method, path, body, status, code) in table {
        let mut request = node.ask(method.clone(), path).bearer_auth(&session);
        if let Some(body) = body {
            request = request.header(json_type.0, json_type.1).body(body);
        }
        let response = request.send().await.unwrap();
        let head = response.headers().clone();
        let (answered, problem) = read(response).await;
        assert_eq!(
            (answered.as_u16(), problem["code"].as_str()),
            (status, Some(code)),
            "{method} {path} {problem}"
        );
        assert_eq!(
            head["content-type"], "application/problem+json",
            "{method} {path}"
        );
        assert_eq!(
            problem["request_id"].as_str().unwrap(),
            head["x-request-id"],
            "{method} {path}"
        );
        assert_eq!(problem["status"], status);
        assert_eq!(status == 405, head.contains_key("allow"), "{method} {path}");
        assert_eq!(head["x-content-type-options"], "nosniff");
        assert!(
            head["content-security-policy"]
                .to_str()
                .unwrap()
                .contains("frame-ancestors 'none'")
        );
    }
    let plain = node
        .ask(Method::POST, "/api/v1/tokens")
        .bearer_auth(&session)
        .body("x")
        .send()
        .await
        .unwrap();
    assert_eq!(read(plain).await.1["code"], "json_expected");
    let (status, unsigned) = read(node.ask(Method::GET, "/api/v1/me").send().await.unwrap()).await;
    assert_eq!(
        (status.as_u16(), &unsigned["code"]),
        (401, &json!("sign_in_needed"))
    );
    node.stop().await;
}

#[tokio::test]
async fn a_cookie_signs_in_only_from_our_own_pages() {
    let node = Node::start().await;
    node.account("Ann").await;
    let body = json!({"email": "ann@example.org", "password": "correct horse"});
    let response = node
        .ask(Method::POST, "/api/v1/sessions")
        .json(&body)
        .send()
        .await
        .unwrap();
    let cookie = response.headers()["set-cookie"]
        .to_str()
        .unwrap()
        .to_owned();
    for part in [
        "granary_session=gns_",
        "HttpOnly",
        "SameSite=Lax",
        "Path=/",
        "Max-Age=604800",
    ] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let cookie = cookie.split(';').next().unwrap();
    let make = |from: Option<(&'static str, &'static str)>| {
        let mut request = node
            .ask(Method::POST, "/api/v1/tokens")
            .header("cookie", cookie)
            .json(&json!({"name": "x"}));
        if let Some((name, value)) = from {
            request = request.header(name, value);
        }
        request.send()
    };
    assert_eq!(
        make(Some(("sec-fetch-site", "same-origin")))
            .await
            .unwrap()
            .status(),
        201
    );
    let (status, refused) = read(make(Some(("sec-fetch-site", "cross-site"))).await.unwrap()).await;
    assert_eq!(
        (status.as_u16(), &refused["code"]),
        (403, &json!("cross_site"))
    );
    assert!(refused["request_id"].is_string());
    assert_eq!(
        make(Some(("origin", "https://evil.example")))
            .await
            .unwrap()
            .status(),
        403
    );
    assert_eq!(make(None).await.unwrap().status(), 403);
    // Reading is not changing, and an ended cookie is nobody.
    let me = node
        .ask(Method::GET, "/api/v1/me")
        .header("cookie", cookie)
        .send()
        .await
        .unwrap();
    assert_eq!(me.status(), 200);
    node.stop().await;
}

#[tokio::test]
async fn a_folder_has_one_node_and_figures_tell_of_it() {
    let node = Node::start().await;
    let again = build_ctx(config(node.folder.path()), Clock::System, Ids::Random);
    assert!(matches!(again.err(), Some(StartError::Taken(_))));
    let health = node.ask(Method::GET, "/healthz").send().await.unwrap();
    assert_eq!(health.status(), 200);
    let head = node.ask(Method::HEAD, "/healthz").send().await.unwrap();
    assert_eq!(head.status(), 200);
    assert_eq!(head.headers()["content-length"], "15");
    let metrics = node
        .ask(Method::GET, "/metrics")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    for figure in [
        "granary_http_requests_duration_seconds_bucket",
        "granary_journal_waiting 0",
        "endpoint=\"/healthz\"",
    ] {
        assert!(metrics.contains(figure), "{figure} in {metrics}");
    }
    let folder = node.stop().await;
    build_ctx(config(folder.path()), Clock::System, Ids::Random).unwrap();
}

#[tokio::test]
async fn equal_sign_ups_at_once_make_one_account_and_equal_names_get_handles_of_their_own() {
    let node = Node::start().await;
    let body =
        |email: &str| json!({"email": email, "display_name": "Ann", "password": "correct horse"});
    let equal = (0..8).map(|_| node.post("/api/v1/accounts", None, body("ann@example.org")));
    let answers = futures_util::future::join_all(equal).await;
    let made = answers.iter().filter(|(status, _)| *status == 201).count();
    let taken = answers
        .iter()
        .filter(|(_, body)| body["code"] == "email_taken")
        .count();
    assert_eq!((made, taken), (1, 7), "{answers:?}");
    let others = (0..8).map(|n| {
        let body = body(&format!("ann{n}@example.org"));
        node.post("/api/v1/accounts", None, body)
    });
    let answers = futures_util::future::join_all(others).await;
    let mut handles: Vec<_> = answers
        .iter()
        .map(|(_, party)| party["handle"].to_string())
        .collect();
    handles.sort_unstable();
    handles.dedup();
    assert_eq!(handles.len(), 8, "{answers:?}");
    node.stop().await;
}

#[test]
fn the_committed_description_is_the_generated_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema/openapi.json");
    let generated = format!("{}\n", crate::api::openapi().to_pretty_json().unwrap());
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == generated,
        "review what UPDATE_OPENAPI=1 changes in schema/openapi.json"
    );
}
