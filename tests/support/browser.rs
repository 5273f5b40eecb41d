//! Pages and forms, as a browser asks for them.

use reqwest::Method;

use super::{Person, TestApp};

/// A page as somebody who is signed in sees it: status and text.
pub async fn page(app: &TestApp, who: &Person, path: &str) -> (u16, String) {
    let (status, _, body) = app
        .ask_with(Method::GET, path, Some(&who.token), None, &[])
        .await;
    (status.as_u16(), String::from_utf8(body).unwrap())
}

/// Sends a form as a browser does; answers status and where it leads, or the page.
pub async fn send(app: &TestApp, who: &Person, path: &str, form: &str) -> (u16, String) {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let request = client
        .post(format!("{}{path}", app.visitor.node()))
        .bearer_auth(&who.token)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(form.to_owned());
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    match answer.headers().get("Location") {
        Some(to) => (status, to.to_str().unwrap().to_owned()),
        None => (status, answer.text().await.unwrap()),
    }
}
