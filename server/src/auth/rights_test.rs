use proptest::prelude::*;

use super::*;

/// The whole of authorisation, read by eye: object and act × role.
/// `V`isitor `C`ustomer `A`dmitted `M`ember c`O`ntributor `H`older `S`ubject o`W`ner o`P`erator.
const EXPECTED: &str = "\
Dataset.SeeDataset               V . . M O H . W P
Dataset.EditDataset              . . . . . . . W .
Dataset.WithdrawDataset          . . . . . . . W P
Dataset.Contribute               . . A . . . . . .
Dataset.ListContributions        . . . . . . . W P
Dataset.Publish                  . . . . . . . W .
Dataset.MakeOffer                . . . . . . . W .
Dataset.Buy                      . C . . . . . . .
Dataset.SeeSales                 . . . . O . . W P
Contribution.SeeContribution     . . . . . . S W P
Contribution.SendContent         . . . . . . S . .
Contribution.WithdrawContribution . . . . . . S . .
Contribution.ClearOverlap        . . . . . . . . P
Revision.SeeRevision             V . . M O H . W P
Order.SeeOrder                   . . . . . . S W P
Order.Refund                     . . . . . . . W P
Licence.SeeLicence               . . . . . . S W P
Licence.Deliver                  . . . . . . S . .
Licence.Revoke                   . . . . . . . W P
Subscription.SeeSubscription     . . . . . . S W P
Subscription.ChangeSubscription  . . . . . . S . .
Subscription.RefundSubscription  . . . . . . . W P
Subscription.RetirePlan          . . . . . . . W P
Statement.SeeStatement           . . . . . . S . P
Claim.SeeClaim                   . . . . . H S . P
Claim.TakeBackClaim              . . . . . . S . .
Invoice.SeeInvoice               . . . . . . S . P
Own.ManageOwn                    . . . . . . S . .
Node.TopUp                       . . . . . . . . P
Node.GivePoints                  . . . . . . . . P
Node.SetRates                    . . . . . . . . P
Node.Settle                      . . . . . . . . P
Node.Dispute                     . . . . . . . . P
Node.Adjust                      . . . . . . . . P
Node.ClosePeriod                 . . . . . . . . P
Node.Audit                       . . . . . . . . P
Node.ResetPassword               . . . . . . . . P
Node.LinkParties                 . . . . . . . . P
Node.JudgeClaims                 . . . . . . . . P
Node.MindProvider                . . . . . . . . P
Node.PayOut                      . . . . . . . . P
Node.MindSubscriptions           . . . . . . . . P
Node.SetTaxes                    . . . . . . . . P
Node.Appoint                     . . . . . . . . P
";

#[test]
fn the_matrix_is_the_one_reviewed() {
    let letters = ["V", "C", "A", "M", "O", "H", "S", "W", "P"];
    let mut table = String::new();
    for rule in MATRIX {
        let name = format!("{:?}.{:?}", rule.object, rule.act);
        let cells = Role::ALL.iter().zip(letters).map(|(role, letter)| {
            if allowed(rule.act, Roles::from_iter([*role])) {
                letter
            } else {
                "."
            }
        });
        table.push_str(&format!(
            "{name:<32} {}\n",
            cells.collect::<Vec<_>>().join(" ")
        ));
    }
    assert_eq!(table, EXPECTED);
}

#[test]
fn every_act_stands_once() {
    for (at, rule) in MATRIX.iter().enumerate() {
        assert!(!rule.roles.is_empty(), "{rule:?}");
        assert!(
            MATRIX[..at].iter().all(|other| other.act != rule.act),
            "{rule:?}"
        );
    }
}

fn actor(number: u128, operator: bool) -> Actor {
    Actor::for_test(Uuid::from_u128(number), operator)
}

prop_compose! {
    fn facts()(
        owner in 0..3_u128,
        open: bool,
        published: bool,
        admission in prop_oneof![Just(Admission::Owner), Just(Admission::Invited), Just(Admission::Open)],
        member: bool,
        contributor: bool,
        holder: bool,
    ) -> DatasetFacts {
        DatasetFacts { owner: Uuid::from_u128(owner), open, published, admission, member, contributor, holder }
    }
}

fn asks(who: Option<&Actor>, facts: &DatasetFacts) -> Vec<(Act, Option<&'static str>)> {
    let before = dataset(who, facts);
    MATRIX
        .iter()
        .filter(|rule| rule.object == Object::Dataset)
        .map(|rule| {
            (
                rule.act,
                before.ask::<()>(rule.act).err().map(|fault| fault.code),
            )
        })
        .collect()
}

proptest! {
    #[test]
    fn more_roles_never_allow_less(some in 0..512_u16, more in 0..512_u16) {
        let (some, more) = (Roles(some), Roles(some | more));
        for rule in MATRIX {
            prop_assert!(!allowed(rule.act, some) || allowed(rule.act, more), "{:?}", rule);
        }
    }

    #[test]
    fn more_facts_never_allow_less(facts in facts(), party in 0..3_u128, operator: bool) {
        let who = actor(party, operator);
        let full = DatasetFacts { member: true, contributor: true, holder: true, ..facts };
        for ((act, before), (_, after)) in asks(Some(&who), &facts).into_iter().zip(asks(Some(&who), &full)) {
            prop_assert!(before.is_some() || after.is_none(), "{act:?}");
        }
    }

    #[test]
    fn signing_in_never_allows_less(facts in facts(), party in 0..3_u128) {
        let who = actor(party, false);
        for ((act, nobody), (_, signed)) in asks(None, &facts).into_iter().zip(asks(Some(&who), &facts)) {
            prop_assert!(nobody.is_some() || signed.is_none(), "{act:?}");
        }
    }

    #[test]
    fn who_may_not_see_meets_nothing(facts in facts(), party in prop::option::of(0..3_u128)) {
        let who = party.map(|party| actor(party, false));
        let answers = asks(who.as_ref(), &facts);
        let hidden = answers.iter().any(|(act, code)| *act == Act::SeeDataset && code.is_some());
        for (act, code) in answers {
            let told = code == Some("not_admitted");
            prop_assert!(code.is_none() || code == Some("not_found") || told, "{act:?} {code:?}");
            prop_assert!(!hidden || code == Some("not_found"), "{act:?} {code:?}");
            prop_assert!(!told || (act == Act::Contribute && who.is_some()), "{act:?}");
        }
    }

    #[test]
    fn nobody_signed_in_only_ever_sees(facts in facts()) {
        for (act, code) in asks(None, &facts) {
            prop_assert!(code.is_some() || act == Act::SeeDataset, "{act:?}");
        }
    }

    #[test]
    fn strangers_to_a_thing_between_two_meet_nothing(who in 0..4_u128, subject in 0..4_u128, owner in 0..4_u128) {
        let (me, a, b) = (actor(who, false), Uuid::from_u128(subject), Uuid::from_u128(owner));
        let stranger = who != subject && who != owner;
        let seen = [
            contribution(&me, a, b).see().is_ok(),
            order(&me, a, b).see().is_ok(),
            licence(&me, a, b).see().is_ok(),
        ];
        prop_assert_eq!(seen, [!stranger; 3]);
        prop_assert_eq!(licence(&me, a, b).deliver().is_ok(), who == subject);
        prop_assert_eq!(order(&me, a, b).refund().is_ok(), who == owner);
        prop_assert_eq!(statement(&me, a).see().is_ok(), who == subject);
        prop_assert_eq!(own(&me, a).manage().is_ok(), who == subject);
        prop_assert!(node(&me).audit().is_err());
    }
}

#[test]
fn an_operator_runs_the_node_and_delivers_nothing_to_itself() {
    let (operator, a, b) = (actor(9, true), Uuid::from_u128(1), Uuid::from_u128(2));
    node(&operator).top_up().unwrap();
    licence(&operator, a, b).see().unwrap();
    assert_eq!(
        licence(&operator, a, b).deliver().unwrap_err().code,
        "not_found"
    );
    assert_eq!(own(&operator, a).manage().unwrap_err().code, "not_found");
}

#[test]
fn drafts_are_for_owner_and_operator() {
    let facts = DatasetFacts {
        owner: Uuid::from_u128(1),
        open: true,
        published: true,
        admission: Admission::Owner,
        member: true,
        contributor: true,
        holder: true,
    };
    assert!(revision(&actor(2, false), &facts, true).see().is_ok());
    assert!(revision(None, &facts, true).see().is_ok());
    assert!(revision(&actor(2, false), &facts, false).see().is_err());
    assert!(revision(&actor(1, false), &facts, false).see().is_ok());
    assert!(revision(&actor(2, true), &facts, false).see().is_ok());
}
