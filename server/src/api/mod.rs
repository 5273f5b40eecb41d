//! The JSON API: entrances that read the request, call one flow and answer.
//!
//! The route table is [`v1`]; the address and method of each handler stand on it, and in the
//! generated `schema/openapi.json`. No rule lives here.

mod accounts;
mod answer;
mod node;
pub mod problem;
mod recipients;
mod sessions;
mod tokens;

use actix_web::middleware::Compress;
use actix_web::web::{Data, JsonConfig, PathConfig, QueryConfig, resource, to};
use actix_web::App;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, InfoBuilder, OpenApi, OpenApiBuilder};
use utoipa_actix_web::AppExt;
use utoipa_actix_web::scope::scope;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::SESSION_COOKIE;
use problem::{Addresses, json_error, path_error, query_error, unmatched};

/// Largest JSON body; a column contract is the largest thing sent as one.
const JSON_BYTES: usize = 1 << 20;

/// Every route of version 1.
fn v1(api: &mut ServiceConfig) {
    api.service(accounts::open_account)
        .service(accounts::show_me)
        .service(accounts::reset_my_password)
        .service(sessions::sign_in)
        .service(sessions::sign_out)
        .service(tokens::make_token)
        .service(tokens::list_tokens)
        .service(tokens::revoke_token)
        .service(recipients::add_recipient)
        .service(recipients::list_recipients)
        .service(recipients::retire_recipient);
}

fn routes(app: &mut ServiceConfig) {
    app.service(node::show_health)
        .service(node::show_metrics)
        .service(node::show_openapi);
    app.service(scope("/api/v1").configure(v1).map(|api| api.wrap(Compress::default()).default_service(to(unmatched))));
}

/// Adds the API to an application, with the answers for what it does not know.
pub fn configure(app: &mut actix_web::web::ServiceConfig) {
    let description = openapi();
    app.app_data(JsonConfig::default().limit(JSON_BYTES).error_handler(json_error))
        .app_data(QueryConfig::default().error_handler(query_error))
        .app_data(PathConfig::default().error_handler(path_error))
        .app_data(Data::new(Addresses::of(&description)));
    routes(&mut ServiceConfig::new(app));
    for path in description.paths.paths.keys().filter(|path| !path.starts_with("/api/")) {
        app.service(resource(path.as_str()).to(unmatched));
    }
}

/// The API's description, generated from the handlers.
#[must_use]
pub fn openapi() -> OpenApi {
    let (_, mut described) = App::new().into_utoipa_app().configure(routes).split_for_parts();
    described.info = InfoBuilder::new()
        .title("Granary")
        .version("1")
        .description(Some(
            "Errors are RFC 9457 problem documents with a stable `code`. Lists page by `cursor`. \
             Unknown and foreign objects answer the same 404. Requests that move money need an `Idempotency-Key`.",
        ))
        .build();
    let components = described.components.get_or_insert_with(Components::new);
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(SESSION_COOKIE))));
    let none: [&str; 0] = [];
    described.security =
        Some(vec![SecurityRequirement::new("bearer", none), SecurityRequirement::new("cookie", none)]);
    OpenApiBuilder::from(described).build()
}
