//! One connection pool to one node: requests out, bodies or problems back.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, header};
use schema::wire::{Page, Problem};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::{Answer, ClientError};

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Longest silence inside an answer; whole files may take as long as they take.
const SILENCE: Duration = Duration::from_secs(120);
const PAGE: u16 = 200;

/// A node as one party sees it; cheap to clone.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    node: String,
    token: Option<String>,
}

impl Client {
    /// A client of the node at this address, not signed in.
    ///
    /// # Errors
    /// The address is not an http(s) address.
    pub fn new(node: &str) -> Answer<Self> {
        let node = node.trim_end_matches('/').to_owned();
        let sound = Url::parse(&node)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if !sound {
            return Err(ClientError::Address(node));
        }
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_WITHIN)
            .read_timeout(SILENCE)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("granary/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| ClientError::transport(&node, &error))?;
        Ok(Self {
            http,
            node,
            token: None,
        })
    }

    /// The same node, seen by the holder of this token.
    #[must_use]
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self {
            token: Some(token.into()),
            ..self.clone()
        }
    }

    /// Address of the node, without a trailing slash.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.node
    }

    /// Whether a token is at hand.
    #[must_use]
    pub fn signed_in(&self) -> bool {
        self.token.is_some()
    }

    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.node));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// A request to a signed address, which carries its right in itself: no token is sent.
    pub(super) fn bare_get(&self, url: &str) -> RequestBuilder {
        self.http.get(url)
    }

    /// Sends and answers only a success; anything else becomes an error with the node's words.
    pub(super) async fn send(&self, request: RequestBuilder) -> Answer<Response> {
        let (client, request) = request.build_split();
        let request = request.map_err(|error| ClientError::transport(&self.node, &error))?;
        let what = format!("{} {}", request.method(), request.url().path());
        let response = client
            .execute(request)
            .await
            .map_err(|error| ClientError::transport(&self.node, &error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        match response.json::<Problem>().await {
            Ok(problem) => Err(ClientError::Refused(Box::new(problem))),
            Err(_) => Err(ClientError::Strange {
                node: self.node.clone(),
                what,
                status,
            }),
        }
    }

    async fn body<T: DeserializeOwned>(&self, request: RequestBuilder) -> Answer<T> {
        let response = self.send(request).await?;
        let (status, what) = (response.status().as_u16(), response.url().path().to_owned());
        match response.json().await {
            Ok(body) => Ok(body),
            Err(error) if error.is_decode() => Err(ClientError::Strange {
                node: self.node.clone(),
                what,
                status,
            }),
            Err(error) => Err(ClientError::transport(&self.node, &error)),
        }
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Answer<T> {
        self.body(self.request(Method::GET, path)).await
    }

    pub(super) async fn text(&self, path: &str) -> Answer<String> {
        let response = self.send(self.request(Method::GET, path)).await?;
        response
            .text()
            .await
            .map_err(|error| ClientError::transport(&self.node, &error))
    }

    pub(super) async fn bytes(&self, path: &str) -> Answer<Vec<u8>> {
        let response = self.send(self.request(Method::GET, path)).await?;
        let read = response.bytes().await;
        read.map(Into::into)
            .map_err(|error| ClientError::transport(&self.node, &error))
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Answer<T> {
        self.body(self.request(Method::POST, path).json(body)).await
    }

    pub(super) async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Answer<T> {
        self.body(self.request(Method::PUT, path).json(body)).await
    }

    pub(super) async fn post_bytes<T: DeserializeOwned>(
        &self,
        path: &str,
        kind: &str,
        bytes: Vec<u8>,
    ) -> Answer<T> {
        let request = self
            .request(Method::POST, path)
            .header(header::CONTENT_TYPE, kind);
        self.body(request.body(bytes)).await
    }

    pub(super) async fn patch<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Answer<T> {
        self.body(self.request(Method::PATCH, path).json(body))
            .await
    }

    /// Moves money: the node does it once per key, however often it is sent.
    pub(super) async fn post_once<T: DeserializeOwned>(
        &self,
        path: &str,
        key: &str,
        body: &impl Serialize,
    ) -> Answer<T> {
        let request = self
            .request(Method::POST, path)
            .header("Idempotency-Key", key);
        self.body(request.json(body)).await
    }

    pub(super) async fn delete(&self, path: &str) -> Answer<()> {
        self.send(self.request(Method::DELETE, path))
            .await
            .map(drop)
    }

    pub(super) async fn delete_for<T: DeserializeOwned>(&self, path: &str) -> Answer<T> {
        self.body(self.request(Method::DELETE, path)).await
    }

    pub(super) async fn put_stream<T: DeserializeOwned>(
        &self,
        path: &str,
        length: u64,
        body: reqwest::Body,
    ) -> Answer<T> {
        let request = self
            .request(Method::PUT, path)
            .header(header::CONTENT_LENGTH, length)
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .body(body);
        self.body(request).await
    }

    /// A whole list, page by page.
    pub(super) async fn all<T: DeserializeOwned>(
        &self,
        path: &str,
        filter: &[(&str, &str)],
    ) -> Answer<Vec<T>> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut request = self
                .request(Method::GET, path)
                .query(&[("limit", PAGE)])
                .query(filter);
            if let Some(cursor) = &cursor {
                request = request.query(&[("cursor", cursor)]);
            }
            let page: Page<T> = self.body(request).await?;
            items.extend(page.items);
            match page.next {
                // A node that answers the same cursor again would never end.
                Some(next) if cursor.as_ref() != Some(&next) => cursor = Some(next),
                _ => return Ok(items),
            }
        }
    }
}
