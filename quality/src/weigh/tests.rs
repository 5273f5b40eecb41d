//! The closed form against the definition: Shapley values by brute force.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use uuid::Uuid;

use super::*;

const ALL: u32 = u32::MAX;

fn fp(row: u8) -> [u8; 16] {
    // Spread over the whole range, like keyed fingerprints.
    (u128::from(row).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_0c5c_8a4d_2b11)).to_be_bytes()
}

/// A holding that owns its rows.
#[derive(Clone, Debug)]
struct Owned {
    entity: u128,
    receipt_no: u64,
    first_published: Option<u64>,
    q: u32,
    rows: Vec<KeyedRow>,
    tombstone: bool,
}

impl Owned {
    fn new(entity: u128, receipt_no: u64, rows: &[u8]) -> Self {
        let row = |row: &u8| KeyedRow {
            fp: fp(*row),
            quality: ALL,
        };
        Self {
            entity,
            receipt_no,
            first_published: None,
            q: 10_000,
            rows: rows.iter().map(row).collect(),
            tombstone: false,
        }
    }

    fn q(self, q: u32) -> Self {
        Self { q, ..self }
    }

    fn published(self, watermark: u64) -> Self {
        Self {
            first_published: Some(watermark),
            ..self
        }
    }

    fn holding(&self) -> Holding<'_> {
        Holding {
            contribution: Uuid::from_u128(1000 + u128::from(self.receipt_no)),
            entity: Uuid::from_u128(self.entity),
            receipt_no: self.receipt_no,
            first_published: self.first_published,
            q_hundredths: self.q,
            rows: &self.rows,
            tombstone: self.tombstone,
            clusters: None,
            judges: false,
        }
    }
}

fn run(owned: &[Owned]) -> Composition {
    let holdings: Vec<Holding<'_>> = owned.iter().map(Owned::holding).collect();
    compose(&holdings, Repeats::Facts).expect("ids and receipts differ")
}

fn weight(of: &Composition, entity: u128) -> u128 {
    let found = of.weights.get(&Uuid::from_u128(entity));
    found.copied().unwrap_or(0)
}

const UNIT: u128 = ONE as u128;

#[test]
fn better_copy_earns_more() {
    // q .8 and .6 of one row: worse gets .6/2, better .6/2 + .2 = .5
    let both = run(&[
        Owned::new(1, 1, &[7]).q(6_000),
        Owned::new(2, 2, &[7]).q(8_000),
    ]);
    assert_eq!(weight(&both, 1), UNIT * 6_000 / 10_000 / 2);
    assert!(weight(&both, 2).abs_diff(UNIT / 2) <= 2);
    assert_eq!(both.rows_delivered, 1);
    assert_eq!(both.contributions[0].kept, [false]);
    assert_eq!(both.contributions[1].kept, [true]);
}

#[test]
fn late_copies_earn_nothing_and_name_the_first_holder() {
    let first = Owned::new(1, 1, &[1, 2, 3]).published(2);
    let alone = run(std::slice::from_ref(&first));
    let copied = run(&[first, Owned::new(2, 3, &[3, 2, 1, 9, 8])]);
    assert_eq!(weight(&copied, 1), weight(&alone, 1));
    assert_eq!(weight(&copied, 2), 2 * UNIT);
    let copycat = &copied.contributions[1];
    assert_eq!((copycat.rows_unique, copycat.rows_delivered), (2, 2));
    assert_eq!(copycat.kept, [false, false, false, true, true]);
    let expected = LateRows {
        contribution: Uuid::from_u128(1001),
        entity: Uuid::from_u128(1),
        receipt_no: 1,
        rows: 3,
    };
    assert_eq!(copycat.late, [expected]);
}

#[test]
fn the_watermark_itself_is_not_late() {
    let first = Owned::new(1, 1, &[1]).published(5);
    let at = run(&[first.clone(), Owned::new(2, 5, &[1])]);
    assert_eq!(weight(&at, 2), UNIT / 2);
    let after = run(&[first, Owned::new(2, 6, &[1])]);
    assert_eq!(weight(&after, 2), 0);
}

#[test]
fn an_entity_holds_once_with_its_earliest_receipt() {
    let first = Owned::new(1, 1, &[1, 2]).published(2);
    let again = Owned::new(1, 3, &[1, 2]);
    let both = run(&[first, again]);
    assert_eq!(weight(&both, 1), 2 * UNIT);
    assert!(both.contributions.iter().all(|c| c.late.is_empty()));
    assert_eq!(both.rows_delivered, 2);
    assert_eq!(both.contributions[0].rows_delivered, 2);
}

#[test]
fn a_withdrawn_contribution_keeps_its_priority() {
    let mut first = Owned::new(1, 1, &[1, 2]).published(2);
    first.tombstone = true;
    let left = run(&[first, Owned::new(2, 2, &[1]), Owned::new(3, 3, &[1, 2])]);
    assert_eq!(weight(&left, 1), 0);
    assert_eq!(
        weight(&left, 2),
        UNIT,
        "independent, the only standing holder"
    );
    assert_eq!(
        weight(&left, 3),
        0,
        "late although the first holder is gone"
    );
    assert_eq!(left.contributions.len(), 2);
    assert_eq!(left.contributions[1].late[0].rows, 2);
    assert_eq!(left.rows_delivered, 1);
}

#[test]
fn repeats_stay_at_the_largest_multiplicity() {
    let one = run(&[
        Owned::new(1, 1, &[1, 1, 2]).q(9_000),
        Owned::new(2, 2, &[1, 1, 1, 2]),
    ]);
    assert_eq!(one.rows_delivered, 4);
    assert_eq!(one.distinct_rows, 2);
    assert_eq!(one.contributions[1].kept, [true; 4]);
    // The better copy goes first, the other one fills up.
    let other = run(&[
        Owned::new(1, 1, &[1, 1, 1]).q(9_000),
        Owned::new(2, 2, &[1, 1]),
    ]);
    assert_eq!(other.contributions[0].kept, [true, false, false]);
    assert_eq!(other.contributions[1].kept, [true, true]);
    assert_eq!(
        weight(&other, 1) + weight(&other, 2),
        UNIT,
        "a cluster weighs once"
    );
}

#[test]
fn with_a_key_an_equal_row_is_kept_once() {
    let (one, two) = (
        Owned::new(1, 1, &[1, 1, 2]).q(9_000),
        Owned::new(2, 2, &[1, 1, 1, 2]),
    );
    let holdings = [one.holding(), two.holding()];
    let facts = compose(&holdings, Repeats::Facts).expect("ids and receipts differ");
    let echoes = compose(&holdings, Repeats::Echoes).expect("ids and receipts differ");
    assert_eq!((facts.rows_delivered, echoes.rows_delivered), (4, 2));
    assert_eq!(echoes.contributions[1].kept, [true, false, false, true]);
    assert_eq!(facts.weights, echoes.weights, "repeats never earn");
}

#[test]
fn poor_rows_are_delivered_but_weigh_nothing() {
    let at = run(&[Owned::new(1, 1, &[1]).q(2_000)]);
    assert_eq!(weight(&at, 1), UNIT / 5);
    let below = run(&[Owned::new(1, 1, &[1]).q(1_999)]);
    assert!(below.weights.is_empty());
    assert_eq!(below.rows_delivered, 1);
    assert!(run(&[]).weights.is_empty());
}

#[test]
fn ids_and_receipts_must_differ() {
    let owned = Owned::new(1, 1, &[1]);
    let holding = owned.holding();
    let twice = compose(&[holding, holding], Repeats::Facts).map(|_| ());
    assert_eq!(
        twice,
        Err(WeighError::ContributionTwice(holding.contribution))
    );
    let other = Holding {
        contribution: Uuid::from_u128(5),
        ..holding
    };
    let receipts = compose(&[holding, other], Repeats::Facts).map(|_| ());
    assert_eq!(receipts, Err(WeighError::ReceiptTwice(1)));
}

fn rows() -> impl Strategy<Value = Vec<KeyedRow>> {
    let row = (0u8..12, prop_oneof![Just(ALL), any::<u32>()]);
    let keyed = row.prop_map(|(row, quality)| KeyedRow {
        fp: fp(row),
        quality,
    });
    prop::collection::vec(keyed, 0..14)
}

/// Up to six entities with up to eight contributions, some published, some
/// withdrawn; receipts ascend.
fn market() -> impl Strategy<Value = Vec<Owned>> {
    let holding = (
        1u128..7,
        prop_oneof![3 => Just(None), 1 => (0u64..4).prop_map(Some)],
        1_000u32..=10_000,
        rows(),
        prop::bool::weighted(0.15),
    );
    prop::collection::vec(holding, 1..=8).prop_map(|holdings| {
        holdings
            .into_iter()
            .zip(1u64..)
            .map(
                |((entity, published, q, rows, tombstone), receipt_no)| Owned {
                    entity,
                    receipt_no,
                    first_published: published.map(|after| receipt_no + after),
                    q,
                    rows,
                    tombstone,
                },
            )
            .collect()
    })
}

/// Best weighable quality of every standing independent entity in one cluster,
/// written straight from the rule.
fn independent(market: &[Owned], cluster: [u8; 16]) -> BTreeMap<u128, u64> {
    let holds = |h: &&Owned| h.rows.iter().any(|row| row.fp == cluster);
    let held: Vec<&Owned> = market.iter().filter(holds).collect();
    let gate = held.iter().filter_map(|h| h.first_published).min();
    let first = held.iter().min_by_key(|h| h.receipt_no).map(|h| h.entity);
    let mut best = BTreeMap::new();
    for holding in held.iter().filter(|h| !h.tombstone) {
        let committed = held.iter().filter(|h| h.entity == holding.entity);
        let earliest = committed.map(|h| h.receipt_no).min().unwrap_or(0);
        if Some(holding.entity) != first && gate.is_some_and(|gate| earliest > gate) {
            continue;
        }
        let rows = holding.rows.iter().filter(|row| row.fp == cluster);
        let qualities = rows.map(|row| holding.holding().row_quality(*row));
        let quality = qualities.max().unwrap_or(0);
        let weighable = if quality < QUALITY_FLOOR { 0 } else { quality };
        let entry = best.entry(holding.entity).or_insert(0);
        *entry = weighable.max(*entry);
    }
    best
}

fn clusters(market: &[Owned]) -> BTreeSet<[u8; 16]> {
    market
        .iter()
        .flat_map(|h| h.rows.iter().map(|row| row.fp))
        .collect()
}

/// Shapley value of "best quality the coalition holds", by the definition:
/// weighted marginal contributions over all coalitions.
fn shapley(qualities: &BTreeMap<u128, u64>) -> BTreeMap<u128, f64> {
    let players: Vec<(u128, u64)> = qualities.iter().map(|(e, q)| (*e, *q)).collect();
    let m = players.len();
    let factorial = |n: usize| (1..=n).map(|i| i as f64).product::<f64>();
    let value = |coalition: usize| {
        let members = players.iter().enumerate();
        let inside = members.filter(|(i, _)| coalition >> i & 1 == 1);
        inside.map(|(_, (_, q))| *q).max().unwrap_or(0) as f64
    };
    let share = |i: usize| {
        let without = (0..1usize << m).filter(|c| c >> i & 1 == 0);
        let marginal = without.map(|c| {
            let size = c.count_ones() as usize;
            let ways = factorial(size) * factorial(m - size - 1) / factorial(m);
            ways * (value(c | 1 << i) - value(c))
        });
        marginal.sum::<f64>()
    };
    (0..m).map(|i| (players[i].0, share(i))).collect()
}

/// The same market with rows of every contribution in another order.
fn shuffled(market: &[Owned], seed: usize) -> Vec<Owned> {
    let mut other = market.to_vec();
    for holding in &mut other {
        let middle = seed % holding.rows.len().max(1);
        holding.rows.rotate_left(middle);
        holding.rows.reverse();
    }
    other
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn weights_are_shapley_values(market in market()) {
        let found = run(&market);
        let mut expected: BTreeMap<u128, f64> = BTreeMap::new();
        let mut best = 0u128;
        for cluster in clusters(&market) {
            let qualities = independent(&market, cluster);
            best += u128::from(qualities.values().copied().max().unwrap_or(0));
            for (entity, share) in shapley(&qualities) {
                *expected.entry(entity).or_default() += share;
            }
        }
        // One unit of 2^-32 per holder and cluster may be lost to rounding.
        for (entity, share) in &expected {
            let off = (weight(&found, *entity) as f64 - share).abs();
            prop_assert!(off <= 6.0 * 12.0, "entity {entity}: {off}");
        }
        let sum: u128 = found.weights.values().sum();
        prop_assert!(sum <= best && best - sum <= 6 * 6 * 12, "efficient: {sum} of {best}");
    }

    #[test]
    fn order_changes_nothing(market in market(), seed in 0usize..100) {
        let found = run(&market);
        let mut other = shuffled(&market, seed);
        other.reverse();
        let other = run(&other);
        prop_assert_eq!(&found.weights, &other.weights);
        prop_assert_eq!(found.rows_delivered, other.rows_delivered);
        for (a, b) in found.contributions.iter().zip(other.contributions.iter().rev()) {
            let counts = |c: &ContributionWeight| ContributionWeight { kept: vec![], ..c.clone() };
            prop_assert_eq!(counts(a), counts(b));
        }
    }

    #[test]
    fn a_copy_after_publication_earns_nothing(market in market(), victim in 0usize..8) {
        let watermark = market.len() as u64;
        let published: Vec<Owned> = market.iter().cloned().map(|h| h.published(watermark)).collect();
        let before = run(&published);
        let stolen = published[victim % published.len()].rows.iter().rev();
        let better = stolen.map(|row| KeyedRow { quality: ALL, ..*row }).collect();
        let thief = Owned { rows: better, ..Owned::new(99, watermark + 1, &[]) };
        let mut with_thief = published;
        with_thief.push(thief);
        let after = run(&with_thief);
        prop_assert_eq!(weight(&after, 99), 0);
        prop_assert_eq!(before.weights, after.weights);
        prop_assert_eq!(before.rows_delivered, after.rows_delivered);
    }

    #[test]
    fn splitting_rows_over_identities_is_neutral(rows in rows(), cut in 0u8..12, other in rows(), q in 2_000u32..=10_000) {
        let rival = Owned { rows: other, ..Owned::new(5, 3, &[]) };
        let whole = Owned { rows: rows.clone(), ..Owned::new(1, 1, &[]).q(q) };
        let below = |row: &KeyedRow| (0..cut).any(|r| fp(r) == row.fp);
        let (a, b): (Vec<_>, Vec<_>) = rows.into_iter().partition(below);
        let parts = [
            Owned { rows: a, ..Owned::new(1, 1, &[]).q(q) },
            Owned { rows: b, ..Owned::new(2, 2, &[]).q(q) },
            rival.clone(),
        ];
        let (one, two) = (run(&[whole, rival]), run(&parts));
        prop_assert_eq!(weight(&one, 1), weight(&two, 1) + weight(&two, 2));
        prop_assert_eq!(weight(&one, 5), weight(&two, 5));
        // Linked again, the parts are one holding.
        let mut linked = parts;
        linked[1].entity = 1;
        prop_assert_eq!(weight(&run(&linked), 1), weight(&one, 1));
    }

    #[test]
    fn more_quality_never_earns_less(market in market(), better in 0usize..8, gain in 1u32..5_000) {
        let before = run(&market);
        let mut other = market;
        let index = better % other.len();
        other[index].q = (other[index].q + gain).min(10_000);
        let entity = other[index].entity;
        let slack = 6 * 12; // rounding
        prop_assert!(weight(&run(&other), entity) + slack >= weight(&before, entity));
    }

    #[test]
    fn every_row_is_accounted_for(market in market()) {
        let found = run(&market);
        for c in &found.contributions {
            let late: u64 = c.late.iter().map(|l| l.rows).sum();
            let shared: u64 = c.rows_shared.values().sum();
            prop_assert_eq!(c.rows, c.rows_unique + shared + late);
            prop_assert_eq!(c.rows_delivered, c.kept.iter().filter(|k| **k).count() as u64);
        }
        let mass: u128 = found.contributions.iter().map(|c| c.mass).sum();
        prop_assert_eq!(mass, found.weights.values().sum::<u128>());
    }

    #[test]
    fn slices_are_priced_by_the_same_masses(market in market(), cut in 0u8..12) {
        let holdings: Vec<Holding<'_>> = market.iter().map(Owned::holding).collect();
        let sorted = Clusters::new(&holdings, Repeats::Facts).expect("ids and receipts differ");
        let below = |h: usize, r: usize| (0..cut).any(|c| fp(c) == holdings[h].rows[r].fp);
        let lower = slice_weights(&sorted, below);
        let upper = slice_weights(&sorted, |h, r| !below(h, r));
        let mut sum = lower;
        for (entity, mass) in upper {
            *sum.entry(entity).or_default() += mass;
        }
        prop_assert_eq!(sum, run(&market).weights);
    }
}

/// Weights with factors that depend on the row alone, as they do on what stands in it.
fn factored(market: &[Owned]) -> Composition {
    let holdings: Vec<Holding<'_>> = market.iter().map(Owned::holding).collect();
    let clusters = Clusters::new(&holdings, Repeats::Facts).expect("ids and receipts differ");
    let number =
        |r: &Representative| (0u8..12).find(|n| fp(*n) == holdings[r.holding].rows[r.row].fp);
    let numbers: Vec<u8> = clusters
        .representatives()
        .iter()
        .filter_map(number)
        .collect();
    let strata: Vec<u8> = numbers.iter().map(|n| n % 3).collect();
    let values: Vec<Option<f64>> = numbers.iter().map(|n| Some(f64::from(*n) - 5.0)).collect();
    let factors = Factors::new(Some(&strata), Some(utilities(&values)));
    compose_clusters(&clusters.with_factors(factors).expect("one for each"))
}

#[test]
fn factors_scale_the_mass_of_their_cluster() {
    let market = [Owned::new(1, 1, &[0, 3, 1]), Owned::new(2, 2, &[3])];
    let found = factored(&market);
    // Rows 0 and 3 are of one stratum, row 1 stands alone; their values are −5, −2, −4.
    let (crowded, mean) = (2f64.powf(-0.2), 11.0 / 3.0);
    let utility = |value: f64| 1.0 + 0.5 * (value / mean).clamp(-1.0, 1.0);
    let first = crowded * utility(-5.0) + crowded * utility(-2.0) / 2.0 + utility(-4.0);
    let second = crowded * utility(-2.0) / 2.0;
    for (entity, expected) in [(1, first), (2, second)] {
        let off = weight(&found, entity) as f64 / ONE as f64 - expected;
        assert!(off.abs() < 1e-6, "{entity}: {off}");
    }
    assert_eq!(
        found.contributions[1].mean_utility_ppm(),
        (utility(-2.0) * 1e6) as u64
    );
}

#[test]
fn factors_must_fit() {
    let owned = Owned::new(1, 1, &[1, 2]);
    let holdings = [owned.holding()];
    let clusters = Clusters::new(&holdings, Repeats::Facts).expect("one holding");
    let one = Factors::new(None::<&[u8]>, Some(vec![ONE]));
    assert!(matches!(
        clusters.with_factors(one),
        Err(WeighError::Factors)
    ));
}

#[test]
fn what_is_claimed_is_kept_apart_and_the_rest_is_paid() {
    let (one, two) = (Owned::new(1, 1, &[1, 2]), Owned::new(2, 2, &[2, 3]));
    let holdings = [one.holding(), two.holding()];
    let clusters = Clusters::new(&holdings, Repeats::Facts).expect("ids and receipts differ");
    let clusters = clusters.with_claims([(7, 1, [0, 1, 9])]);
    let found = compose_clusters(&clusters);
    // The first holds row 2 as well, and nobody claims that copy.
    assert_eq!((weight(&found, 1), weight(&found, 2)), (UNIT + UNIT / 2, 0));
    let claimed = Claimed {
        clusters: 2,
        mass: UNIT + UNIT / 2,
    };
    assert_eq!(
        found.contributions[1].claimed,
        BTreeMap::from([(7, claimed)])
    );
    assert_eq!(found.suspense, claimed.mass);
    assert_eq!(found.rows_delivered, 3, "a claim is about money");
    assert_eq!(slice_weights(&clusters, |_, _| true), found.weights);
}

#[test]
fn a_second_upload_does_not_dodge_a_claim() {
    // The copy that is claimed is the worse one: the entity earns by the other.
    let (old, new) = (
        Owned {
            q: 5_000,
            ..Owned::new(1, 1, &[1])
        },
        Owned::new(1, 2, &[1, 2]),
    );
    let holdings = [old.holding(), new.holding()];
    let clusters = Clusters::new(&holdings, Repeats::Facts).expect("ids and receipts differ");
    let found = compose_clusters(&clusters.with_claims([(0, 0, [0]), (1, 0, [0])]));
    assert_eq!(weight(&found, 1), UNIT, "row 2 is not claimed");
    let claims: Vec<u32> = found.contributions[1].claimed.keys().copied().collect();
    assert_eq!(
        (claims, found.suspense),
        (vec![0], UNIT),
        "the earlier claim has it"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    /// Every row is claimed or not, by one of two: no mass is made or lost.
    #[test]
    fn claims_only_move_mass(
        market in market(),
        claims in proptest::collection::vec((0u32..2, 0usize..4, proptest::collection::vec(0usize..8, 0..6)), 0..4),
    ) {
        let holdings: Vec<Holding<'_>> = market.iter().map(Owned::holding).collect();
        let new = || Clusters::new(&holdings, Repeats::Facts).expect("ids and receipts differ");
        let plain = compose_clusters(&new());
        let claimed = compose_clusters(&new().with_claims(claims));
        let sum = |of: &Composition| of.weights.values().sum::<u128>() + of.suspense;
        prop_assert_eq!(sum(&plain), sum(&claimed));
        for (before, after) in plain.contributions.iter().zip(&claimed.contributions) {
            let apart: u128 = after.claimed.values().map(|of| of.mass).sum();
            prop_assert_eq!(before.mass, after.mass + apart);
            prop_assert_eq!(&before.kept, &after.kept);
        }
    }
}

/// Cluster ids that put row 2k+1 beside row 2k.
fn paired(owned: &Owned) -> Vec<[u8; 16]> {
    let id = |row: &KeyedRow| {
        (0u8..12)
            .find(|n| fp(*n) == row.fp)
            .map_or([0; 16], |n| fp(n & !1))
    };
    owned.rows.iter().map(id).collect()
}

fn run_paired(market: &[Owned], repeats: Repeats) -> Composition {
    let ids: Vec<Vec<[u8; 16]>> = market.iter().map(paired).collect();
    let holdings: Vec<Holding<'_>> = market
        .iter()
        .zip(&ids)
        .map(|(owned, ids)| Holding {
            clusters: Some(ids),
            ..owned.holding()
        })
        .collect();
    compose(&holdings, repeats).expect("ids and receipts differ")
}

#[test]
fn near_duplicates_weigh_once_and_none_is_lost() {
    let market = [
        Owned::new(1, 1, &[0, 2, 2]).published(1),
        Owned::new(2, 2, &[1, 4]),
        Owned::new(1, 3, &[1, 3]),
    ];
    let found = run_paired(&market, Repeats::Facts);
    // The second came late to the pair 0–1: nothing for it, and it is not delivered.
    assert_eq!(weight(&found, 2), UNIT);
    assert_eq!(found.contributions[1].late[0].rows, 1);
    // The first has two pairs, whatever the number of their rows; 0, 2, 2, 1 and 3 are kept.
    assert_eq!(weight(&found, 1), 2 * UNIT);
    assert_eq!(found.rows_delivered, 6);
    let keyed = run_paired(&market, Repeats::Echoes);
    assert_eq!(
        keyed.rows_delivered, 5,
        "an equal row once, a different one always"
    );
    assert_eq!(keyed.weights, found.weights);
}

#[test]
fn cluster_ids_come_one_for_each_row() {
    let owned = Owned::new(1, 1, &[1, 2]);
    let holding = Holding {
        clusters: Some(&[[0; 16]]),
        ..owned.holding()
    };
    let wrong = compose(&[holding], Repeats::Facts).map(|_| ());
    assert_eq!(wrong, Err(WeighError::ClusterIds(holding.contribution)));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn with_factors_order_changes_nothing_and_late_copies_earn_nothing(
        market in market(), seed in 0usize..100, victim in 0usize..8,
    ) {
        let found = factored(&market);
        let mut other = shuffled(&market, seed);
        other.reverse();
        prop_assert_eq!(&found.weights, &factored(&other).weights);
        let watermark = market.len() as u64;
        let published: Vec<Owned> = market.into_iter().map(|h| h.published(watermark)).collect();
        let before = factored(&published);
        let thief = Owned {
            rows: published[victim % published.len()].rows.clone(),
            ..Owned::new(99, watermark + 1, &[])
        };
        let mut with_thief = published;
        with_thief.push(thief);
        prop_assert_eq!(before.weights, factored(&with_thief).weights);
    }

    #[test]
    fn near_duplicates_in_any_order_weigh_the_same(market in market(), seed in 0usize..100) {
        let found = run_paired(&market, Repeats::Facts);
        let mut other = shuffled(&market, seed);
        other.reverse();
        let other = run_paired(&other, Repeats::Facts);
        prop_assert_eq!(&found.weights, &other.weights);
        prop_assert_eq!(found.rows_delivered, other.rows_delivered);
        let mass: u128 = found.weights.values().sum();
        prop_assert!(mass <= 6 * UNIT, "six pairs");
    }

    #[test]
    fn linked_accounts_earn_together_what_one_would(market in market(), other in 1u128..7) {
        // Everything of entity `other` given to entity 1: one entity, never more mass in all.
        let apart = run(&market);
        let mut linked = market;
        linked.iter_mut().filter(|h| h.entity == other).for_each(|h| h.entity = 1);
        let together = run(&linked);
        let slack = 6 * 12;
        let both = weight(&apart, 1) + if other == 1 { 0 } else { weight(&apart, other) };
        // Whoever was late alone may be early together, never the other way round.
        let late = apart.contributions.iter().any(|c| !c.late.is_empty());
        prop_assert!(late || weight(&together, 1) <= both + slack);
    }
}
