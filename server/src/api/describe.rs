//! The API's description: what the handlers say, and what holds for all of them.

use schema::wire::Problem;
use utoipa::PartialSchema;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    Components, Content, InfoBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder,
};

use crate::auth::SESSION_COOKIE;

const ABOUT: &str = "Errors are RFC 9457 problem documents with a stable `code`. Lists page by \
                     `cursor`. Unknown and foreign objects answer the same 404. Requests that move \
                     money need an `Idempotency-Key`.";

/// Adds to the handlers' description: title, ways to sign in, and the answer to every error.
pub fn complete(mut described: OpenApi) -> OpenApi {
    described.info = InfoBuilder::new()
        .title("Granary")
        .version("1")
        .description(Some(ABOUT))
        .build();
    let components = described.components.get_or_insert_with(Components::new);
    components
        .schemas
        .insert("Problem".to_owned(), Problem::schema());
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let cookie = ApiKey::Cookie(ApiKeyValue::new(SESSION_COOKIE));
    components.add_security_scheme("cookie", SecurityScheme::ApiKey(cookie));
    let way = |name| SecurityRequirement::new(name, [] as [&str; 0]);
    described.security = Some(vec![way("bearer"), way("cookie")]);
    described
        .paths
        .paths
        .values_mut()
        .flat_map(operations)
        .for_each(finish);
    described
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem {
        get,
        put,
        post,
        patch,
        delete,
        ..
    } = item;
    [get, put, post, patch, delete].into_iter().flatten()
}

fn finish(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    for (status, response) in responses.iter_mut() {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            response.description = words(status).to_owned();
        }
    }
    responses.insert("default".to_owned(), RefOr::T(problem()));
}

fn words(status: &str) -> &'static str {
    match status {
        "201" => "Made.",
        "202" => "Taken; being worked on.",
        "204" => "Done.",
        _ => "As asked.",
    }
}

fn problem() -> Response {
    ResponseBuilder::new()
        .description("Not done: what happened, what was kept, what to do.")
        .content(
            "application/problem+json",
            Content::new(Some(Ref::from_schema_name("Problem"))),
        )
        .build()
}
