use chrono::{Days, TimeDelta};
use uuid::Uuid;

use super::*;

fn day(n: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap() + TimeDelta::days(n)
}

fn uuid(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn key() -> NodeKey {
    NodeKey::from_seed(&[3; 32])
}

fn doc(template: Template) -> LicenceDoc {
    let terms = template.terms();
    let (valid_from, valid_until) = terms.term(day(0));
    LicenceDoc {
        licence: uuid(1).into(),
        order: uuid(2).into(),
        offer: uuid(3).into(),
        dataset: uuid(4).into(),
        dataset_title: "flights".into(),
        revision: uuid(5).into(),
        revision_number: 1,
        assigner: uuid(6).into(),
        assignee: uuid(7).into(),
        granted_at: day(0),
        valid_from,
        valid_until,
        price: Price {
            minor: 1999,
            currency: "EUR".into(),
        },
        terms,
    }
}

fn ask() -> Ask {
    Ask {
        party: uuid(7).into(),
        access: Access::Download,
        dataset: uuid(4).into(),
        revision: uuid(5).into(),
        revision_published_at: day(-1),
        personal_data: PersonalClass::None,
        recipient: None,
        counted_before: false,
    }
}

fn denied(doc: LicenceDoc, state: &LicenceState, ask: &Ask, now: DateTime<Utc>) -> DeniedBy {
    let licence = SignedLicence::sign(doc, &key()).unwrap();
    permits(&licence, state, ask, now).unwrap_err().by
}

#[test]
fn graver_personal_data_than_the_terms_cover_is_not_delivered() {
    let state = LicenceState::Active { downloads: 0 };
    for covered in PersonalClass::ALL {
        let mut doc = doc(Template::Research);
        doc.terms.personal_data = (covered != PersonalClass::None).then_some(covered);
        let licence = SignedLicence::sign(doc, &key()).unwrap();
        for class in PersonalClass::ALL {
            let ask = Ask {
                personal_data: class,
                ..ask()
            };
            match permits(&licence, &state, &ask, day(1)) {
                Ok(_) => assert!(class <= covered),
                Err(denial) => {
                    assert!(class > covered && denial.by == DeniedBy::PersonalData);
                    assert_eq!(denial.code(), "licence_personal_data_not_covered");
                    assert!(denial.message.contains(class.name()), "{denial}");
                }
            }
        }
    }
}

#[test]
fn a_licence_verifies_offline_and_not_when_changed() {
    let licence = SignedLicence::sign(doc(Template::Research), &key()).unwrap();
    let verified = SignedLicence::verify(licence.jws(), key().verify_key()).unwrap();
    assert_eq!(verified, licence);
    let other = NodeKey::from_seed(&[4; 32]);
    assert!(SignedLicence::verify(licence.jws(), other.verify_key()).is_err());
    let manifest = key().sign_jws("granary-manifest+jws", b"{}");
    assert!(SignedLicence::verify(&manifest, key().verify_key()).is_err());
    let no_licence = key().sign_jws(JWS_TYPE, b"{}");
    assert!(matches!(
        SignedLicence::verify(&no_licence, key().verify_key()),
        Err(LicenceError::NotUnderstood(_))
    ));
}

#[test]
fn what_was_bought_is_permitted() {
    let licence = SignedLicence::sign(doc(Template::Research), &key()).unwrap();
    let permit = permits(&licence, &LicenceState::NEW, &ask(), day(1)).unwrap();
    assert_eq!(permit.licence(), licence.doc().licence);
    assert_eq!(permit.revision(), ask().revision);
    assert_eq!(permit.at(), day(1));
    assert!(permit.counts());
    let resumed = Ask {
        counted_before: true,
        ..ask()
    };
    let permit = permits(&licence, &LicenceState::NEW, &resumed, day(1)).unwrap();
    assert!(!permit.counts());
}

#[test]
fn every_clause_denies_by_name() {
    use Template::{CommercialInternal, Open, Research};
    let new = LicenceState::NEW;
    let with = |change: fn(&mut Ask)| {
        let mut ask = ask();
        change(&mut ask);
        ask
    };
    let stranger = with(|ask| ask.party = uuid(8).into());
    assert_eq!(
        denied(doc(Open), &new, &stranger, day(1)),
        DeniedBy::Assignee
    );
    let elsewhere = with(|ask| ask.dataset = uuid(8).into());
    assert_eq!(
        denied(doc(Open), &new, &elsewhere, day(1)),
        DeniedBy::Dataset
    );

    let revoked = new.clone().revoke(day(2), "refunded".into()).unwrap();
    assert_eq!(
        denied(doc(Open), &revoked, &ask(), day(3)),
        DeniedBy::Revoked
    );
    let replaced = new.clone().replace(day(2), uuid(9).into()).unwrap();
    assert_eq!(
        denied(doc(Open), &replaced, &ask(), day(3)),
        DeniedBy::Replaced
    );
    // An expiry that was recorded holds even when the clock jumps back.
    let expired = new.clone().expire(day(2)).unwrap();
    assert_eq!(
        denied(doc(Open), &expired, &ask(), day(1)),
        DeniedBy::Expired
    );

    let newer = with(|ask| {
        ask.revision = uuid(8).into();
        ask.revision_published_at = day(5);
    });
    assert_eq!(
        denied(doc(Research), &new, &newer, day(6)),
        DeniedBy::Revisions
    );
    let older = with(|ask| {
        ask.revision = uuid(8).into();
        ask.revision_published_at = day(-5);
    });
    assert_eq!(
        denied(doc(CommercialInternal), &new, &older, day(6)),
        DeniedBy::Revisions
    );
    let late = with(|ask| {
        ask.revision = uuid(8).into();
        ask.revision_published_at = day(365);
    });
    assert_eq!(
        denied(doc(CommercialInternal), &new, &late, day(6)),
        DeniedBy::Revisions
    );
    let licence = SignedLicence::sign(doc(CommercialInternal), &key()).unwrap();
    assert!(permits(&licence, &new, &newer, day(6)).is_ok());

    let mut without_access = doc(Open);
    without_access.terms.access.clear();
    assert_eq!(
        denied(without_access, &new, &ask(), day(1)),
        DeniedBy::Access
    );
}

#[test]
fn the_term_is_half_open() {
    let until = day(0).checked_add_days(Days::new(365)).unwrap();
    let licence = SignedLicence::sign(doc(Template::Research), &key()).unwrap();
    let at = |now| permits(&licence, &LicenceState::NEW, &ask(), now).map_err(|d| d.by);
    let moment = TimeDelta::nanoseconds(1);
    assert_eq!(at(day(0) - moment).unwrap_err(), DeniedBy::NotYetValid);
    assert!(at(day(0)).is_ok());
    assert!(at(until - moment).is_ok());
    assert_eq!(at(until).unwrap_err(), DeniedBy::Expired);
    assert!(DeniedBy::Expired.is_gone() && !DeniedBy::NotYetValid.is_gone());
}

#[test]
fn the_cap_counts_downloads_but_not_resumed_ones() {
    let mut doc = doc(Template::Open);
    doc.terms.download_cap = Some(2);
    let licence = SignedLicence::sign(doc, &key()).unwrap();
    let mut state = LicenceState::NEW;
    for _ in 0..2 {
        assert!(permits(&licence, &state, &ask(), day(1)).unwrap().counts());
        state = state.count_download().unwrap();
    }
    let denial = permits(&licence, &state, &ask(), day(1)).unwrap_err();
    assert_eq!(
        (denial.by, denial.code()),
        (DeniedBy::DownloadCap, "licence_exhausted")
    );
    let resumed = Ask {
        counted_before: true,
        ..ask()
    };
    assert!(permits(&licence, &state, &resumed, day(1)).is_ok());
}

#[test]
fn an_unknown_clause_survives_signing_and_denies() {
    let mut json = serde_json::to_value(doc(Template::Open)).unwrap();
    json["terms"]["on_full_moon_only"] = true.into();
    let payload = serde_json_canonicalizer::to_vec(&json).unwrap();
    let jws = key().sign_jws(JWS_TYPE, &payload);
    let licence = SignedLicence::verify(&jws, key().verify_key()).unwrap();
    assert_eq!(licence.doc().terms.unknown["on_full_moon_only"], true);
    let denial = permits(&licence, &LicenceState::NEW, &ask(), day(1)).unwrap_err();
    assert_eq!(denial.by, DeniedBy::UnknownClause);
    assert!(denial.message.contains("on_full_moon_only"));
    assert!(licence.doc().terms.validate().is_err());
    // An unknown value of a known clause is not understood at all.
    json["terms"]["revisions"] = "every_other".into();
    let payload = serde_json_canonicalizer::to_vec(&json).unwrap();
    let jws = key().sign_jws(JWS_TYPE, &payload);
    assert!(SignedLicence::verify(&jws, key().verify_key()).is_err());
}

#[test]
fn nothing_leads_back_to_active() {
    let ends = [
        LicenceState::NEW.expire(day(1)).unwrap(),
        LicenceState::NEW.revoke(day(1), "refunded".into()).unwrap(),
        LicenceState::NEW.replace(day(1), uuid(9).into()).unwrap(),
    ];
    for end in ends {
        assert!(end.clone().count_download().is_err());
        assert!(end.clone().expire(day(2)).is_err());
        assert!(end.clone().revoke(day(2), "again".into()).is_err());
        assert!(end.clone().replace(day(2), uuid(8).into()).is_err());
        let json = serde_json::to_value(&end).unwrap();
        assert_eq!(json["state"], end.name());
        assert_eq!(serde_json::from_value::<LicenceState>(json).unwrap(), end);
    }
}

#[test]
fn templates_may_be_offered_and_say_what_they_do() {
    for template in Template::ALL {
        let terms = template.terms();
        terms.validate().unwrap();
        assert_eq!(Template::by_name(template.name()), Some(template));
        let digest = crate::digest::Sha256::of(template.text().as_bytes());
        assert_eq!(terms.governing_text.sha256, digest);
        let json = serde_json::to_value(&terms).unwrap();
        assert_eq!(serde_json::from_value::<Terms>(json).unwrap(), terms);
        let clauses = terms.clauses();
        assert!(clauses.iter().all(|clause| clause.text.ends_with('.')));
        let force = |name| clauses.iter().find(|c| c.name == name).unwrap().force;
        assert_eq!(force("window"), Force::Enforced);
        assert_eq!(force("model_training"), Force::Promised);
    }
    let research = Template::Research.terms().clauses();
    let texts: Vec<_> = research.iter().map(|clause| clause.text.as_str()).collect();
    assert!(texts.contains(&"In force for 365 days from the purchase."));
    assert!(texts.contains(&"No commercial use."));
}

#[test]
fn wrong_terms_are_not_offered() {
    type Change = fn(&mut Terms);
    let table: [(Change, &str); 7] = [
        (
            |t| t.window = Window::Duration { days: 0 },
            "terms_bad_window",
        ),
        (
            |t| t.window = Window::Duration { days: 36_501 },
            "terms_bad_window",
        ),
        (
            |t| {
                t.window = Window::Fixed {
                    from: day(1),
                    until: day(1),
                }
            },
            "terms_bad_window",
        ),
        (|t| t.access.clear(), "terms_bad_access"),
        (|t| t.download_cap = Some(0), "terms_bad_cap"),
        (|t| t.purpose = Some("a\nb".into()), "terms_bad_text"),
        (
            |t| {
                t.unknown.insert("volume_cap".into(), 1.into());
            },
            "terms_unknown_clause",
        ),
    ];
    for (change, code) in table {
        let mut terms = Template::Open.terms();
        change(&mut terms);
        assert_eq!(terms.validate().unwrap_err().code(), code);
    }
}
