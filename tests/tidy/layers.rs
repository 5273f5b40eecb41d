//! Data flows one way: entrance → flow → store → leaf.

use super::none;
use super::source::{Source, line, shipped, word_at};

/// A room and what it must not name.
struct Rule {
    room: &'static [&'static str],
    except: &'static [&'static str],
    never: &'static [&'static str],
}

const RULES: &[Rule] = &[
    // Entrances hold no rule and touch no row.
    Rule {
        room: &[
            "server/src/api",
            "server/src/portal",
            "server/src/cli",
            "server/src/jobs",
        ],
        // The runner takes jobs off their own table; that is its work.
        except: &["server/src/jobs/mod.rs", "server/src/jobs/runner.rs"],
        never: &["crate::store", "schema::tables", "diesel"],
    },
    // Entrances do not call each other.
    Rule {
        room: &["server/src/api"],
        except: &[],
        never: &["crate::portal", "crate::cli", "crate::jobs", "crate::demo"],
    },
    Rule {
        room: &["server/src/portal"],
        except: &[],
        never: &["crate::cli", "crate::jobs", "crate::demo"],
    },
    // Nothing calls back.
    Rule {
        room: &[
            "server/src/flows",
            "server/src/store",
            "server/src/journal",
            "server/src/auth",
        ],
        except: &[],
        never: &[
            "crate::api",
            "crate::portal",
            "crate::cli",
            "crate::demo",
            "crate::serve",
            "crate::client",
        ],
    },
    Rule {
        room: &["server/src/store"],
        except: &[],
        never: &["crate::flows", "crate::jobs", "crate::journal", "actix_web"],
    },
    Rule {
        room: &[
            "server/src/journal",
            "server/src/worker",
            "server/src/ports",
        ],
        except: &[],
        never: &["crate::flows", "crate::jobs", "actix_web"],
    },
    Rule {
        room: &["server/src/flows"],
        except: &[],
        never: &["actix_web"],
    },
    // The demo and the client see the node as everybody does.
    Rule {
        room: &["server/src/client"],
        except: &[],
        never: &["crate::store", "crate::flows", "schema::tables"],
    },
    // Money is integers, and the ledger knows no clock.
    Rule {
        room: &["ledger/src"],
        except: &[],
        never: &["f32", "f64", "std::time"],
    },
    Rule {
        room: &["server/src/journal", "server/src/store"],
        // Measures seconds, not money.
        except: &["server/src/journal/bench.rs"],
        never: &["f32", "f64"],
    },
];

#[test]
fn data_flows_one_way() {
    let sources = shipped();
    let findings: Vec<String> = RULES
        .iter()
        .flat_map(|rule| sources.iter().flat_map(|source| broken(rule, source)))
        .collect();
    none("entrance, flow, store, leaf", &findings);
}

fn broken(rule: &Rule, source: &Source) -> Vec<String> {
    let within = |room: &&str| {
        source
            .name
            .strip_prefix(*room)
            .is_some_and(|rest| rest.starts_with('/') || rest.starts_with('.'))
    };
    if !rule.room.iter().any(within) || rule.except.contains(&source.name.as_str()) {
        return Vec::new();
    }
    let code = spelled_out(&source.product());
    let places = rule
        .never
        .iter()
        .flat_map(|path| word_at(&code, path).map(move |at| (at, path)));
    places
        .map(|(at, path)| format!("{}:{} names {path}", source.name, line(&code, at)))
        .collect()
}

/// `use crate::{a, b::c}` also as `crate::a`, `crate::b::c`, on the same lines.
fn spelled_out(code: &str) -> String {
    let mut out = code.to_owned();
    for group in ["crate::{", "schema::{"] {
        let mut from = 0;
        while let Some(at) = out[from..].find(group).map(|n| from + n) {
            let open = at + group.len() - 1;
            let Some(end) = super::source::close(&out, open) else {
                break;
            };
            let prefix = &group[..group.len() - 1];
            let inner: String = split(&out[open + 1..end - 1])
                .iter()
                .map(|part| prefixed(prefix, part))
                .collect();
            out.replace_range(at..end, &inner);
            from = at + 1;
        }
    }
    out
}

fn prefixed(prefix: &str, part: &str) -> String {
    let blank: String = part.chars().take_while(|c| c.is_whitespace()).collect();
    format!("{blank}{prefix}{},", part.trim_start())
}

/// The parts between commas outside inner braces.
fn split(list: &str) -> Vec<&str> {
    let (mut parts, mut from, mut depth) = (Vec::new(), 0, 0);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&list[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&list[from..]);
    parts
}

#[test]
fn the_check_sees_through_groups() {
    let rule = &RULES[0];
    let bad = Source::of(
        "server/src/api/x.rs",
        "use crate::{\n  error::Fault,\n  store::{orders, pools},\n};\n",
    );
    assert_eq!(
        broken(rule, &bad),
        ["server/src/api/x.rs:3 names crate::store"]
    );
    let good = Source::of(
        "server/src/api/x.rs",
        "use object_store::path;\n// crate::store\n",
    );
    assert!(broken(rule, &good).is_empty());
    let elsewhere = Source::of("server/src/flows/x.rs", "use crate::store::orders;");
    assert!(broken(rule, &elsewhere).is_empty());
}
