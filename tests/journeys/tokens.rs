//! Credentials of programs, and what everybody may ask a node.

use schema::wire::NewToken;

use crate::support::people::refused;
use crate::support::{TestApp, journeys};

journeys!(a_token_lives_until_it_is_revoked, a_node_introduces_itself);

async fn a_token_lives_until_it_is_revoked(app: &mut TestApp) {
    let party = app.party("party").await;
    let made = party
        .session
        .create_token(&NewToken {
            name: "laptop".to_owned(),
            days: Some(7),
        })
        .await
        .unwrap();
    let program = app.visitor.with_token(&made.token);
    assert_eq!(program.me().await.unwrap().id, party.id);
    assert_eq!(party.client.tokens().await.unwrap()[0].name, "laptop");
    party.client.revoke_token(made.info.id).await.unwrap();
    refused(program.me().await, 401, "credential_ended");
    let week = party
        .session
        .create_token(&NewToken {
            name: "week".to_owned(),
            days: Some(7),
        })
        .await
        .unwrap();
    app.later(chrono::TimeDelta::days(7));
    refused(
        app.visitor.with_token(&week.token).me().await,
        401,
        "credential_ended",
    );
    let session = app.visitor.with_token(
        app.sign_in(&party.email, crate::support::people::PASSWORD)
            .await,
    );
    session.sign_out().await.unwrap();
    refused(session.me().await, 401, "credential_ended");
}

async fn a_node_introduces_itself(app: &mut TestApp) {
    assert!(app.info.recipient.starts_with("age1") && !app.info.verify_keys.is_empty());
    for operation in [
        "GET /healthz",
        "GET /readyz",
        "GET /metrics",
        "GET /openapi.json",
    ] {
        let (status, body) = app.call(operation, &[], None, None).await;
        assert_eq!(status, 200, "{operation}: {body}");
    }
}
