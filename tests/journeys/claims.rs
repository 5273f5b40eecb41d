//! Somebody says that rows of others are theirs: what the rows earn is held, the rest is paid.

use chrono::TimeDelta;
use ledger::statement::Statement;
use schema::wire::*;
use uuid::Uuid;

use crate::support::files::lines;
use crate::support::market::logs_of;
use crate::support::people::{eur, refused};
use crate::support::{Person, TestApp, journeys};

journeys!(
    rows_that_are_the_claimants_pay_the_claimant,
    rows_that_stay_the_holders_pay_the_holder,
    nobody_freezes_others_by_a_word
);

const ALL: i64 = 1_000_000_000_000;

/// Owner and copier bring 100 rows each; 60 of the copier's are the author's, who keeps them in
/// a dataset that is not sold.
struct Scene {
    operator: Person,
    owner: Person,
    copier: Person,
    author: Person,
    buyer: Person,
    pool: DatasetView,
    evidence: ContributionView,
    claimed: ContributionView,
    revision: RevisionView,
    offer: OfferView,
}

impl Scene {
    async fn new(app: &mut TestApp) -> Self {
        let operator = app.operator().await;
        let (owner, copier) = (app.party("owner").await, app.party("copier").await);
        let (author, buyer) = (app.party("author").await, app.party("buyer").await);
        let own = logs_of(&author).await;
        let evidence = app.contribute(&author, &own, &lines(0..70)).await;
        let pool = logs_of(&owner).await;
        app.contribute(&owner, &pool, &lines(1_000..1_100)).await;
        let claimed = app
            .contribute(&copier, &pool, &lines((0..60).chain(500..540)))
            .await;
        let cleared = NewClearance {
            reason: "to be claimed".to_owned(),
        };
        let clear = operator.client.clear(claimed.id, &cleared);
        clear.await.unwrap();
        let revision = app.publish(&owner, &pool).await;
        let offer = app.offer(&owner, &pool, 1_000).await;
        app.top_up(&operator, &buyer, 9_000).await;
        Self {
            operator,
            owner,
            copier,
            author,
            buyer,
            pool,
            evidence,
            claimed,
            revision,
            offer,
        }
    }

    fn new_claim(&self) -> NewClaim {
        NewClaim {
            dataset_id: self.pool.id,
            contributions: vec![],
            evidence: self.evidence.id,
            reason: "our own log, kept since 2024".to_owned(),
        }
    }

    /// The author's claim, once its rows were counted.
    async fn filed(&self) -> ClaimView {
        let claim = self.author.client.file_claim(&self.new_claim()).await;
        let id = claim.unwrap().id;
        for _ in 0..200 {
            let found = self.author.client.claim(id).await.unwrap();
            if found.state != "counting" {
                return found;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("the claim was not counted");
    }

    async fn settle(&self, key: &str) {
        let all = NewSettlement::default();
        self.operator.client.settle(key, &all).await.unwrap();
    }

    /// What owner, copier and author have.
    async fn earned(&self) -> [i64; 3] {
        let mut earned = [0; 3];
        for (place, who) in [&self.owner, &self.copier, &self.author].iter().enumerate() {
            let earnings = who.client.wallet().await.unwrap().earnings;
            earned[place] = earnings.first().map_or(0, |amount| amount.minor);
        }
        earned
    }

    async fn decide(&self, id: Uuid, outcome: ClaimOutcome) -> ClaimView {
        let decision = NewDecision {
            outcome,
            reason: "both were heard".to_owned(),
        };
        let decided = self.operator.client.decide_claim(id, "d", &decision).await;
        decided.unwrap()
    }

    async fn sound(&self) {
        let findings = self.operator.client.ledger_verify().await.unwrap();
        assert_eq!(findings, []);
        let sums = self.operator.client.trial_balance().await.unwrap();
        assert!(sums.books.iter().all(|book| book.total == 0));
    }
}

/// The shares of a revision once it has so many epochs: of these parties, then of whoever holds.
async fn shares(app: &TestApp, revision: &RevisionView, epoch: i32, of: [&Person; 3]) -> [i64; 4] {
    for _ in 0..200 {
        let found = app.visitor.shares(revision.id).await.unwrap();
        if found.epoch == epoch {
            let mut shares = [0; 4];
            for line in &found.shares {
                let place = of.iter().position(|who| who.id == line.party.id);
                shares[place.unwrap_or(3)] += line.share;
            }
            return shares;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("no epoch {epoch} came");
}

async fn statement(who: &Person) -> (Statement, String) {
    let latest = who.client.statements().await.unwrap().remove(0);
    let file = who.client.statement_document(latest.id).await.unwrap();
    (Statement::read(file.as_bytes()).unwrap(), file)
}

/// Every sale is 10.00, of which 9.00 go to the pool.
async fn rows_that_are_the_claimants_pay_the_claimant(app: &mut TestApp) {
    let scene = Scene::new(app).await;
    let of = [&scene.owner, &scene.copier, &scene.author];
    assert_eq!(
        shares(app, &scene.revision, 1, of).await,
        [ALL / 2, ALL / 2, 0, 0]
    );
    scene.buyer.buys(&scene.offer).await;
    let claim = scene.filed().await;
    assert_eq!(claim.state, "filed");
    let part = &claim.parts[0];
    assert_eq!(
        (part.contribution_id, part.rows, part.of_rows),
        (scene.claimed.id, 60, 100)
    );
    let open = scene.operator.client.open_claim(claim.id).await.unwrap();
    assert_eq!(open.state, "open");
    // 60 of 100 rows are half of the whole and three fifths of that.
    assert_eq!(
        shares(app, &scene.revision, 2, of).await,
        [ALL / 2, ALL / 5, 0, 3 * ALL / 10]
    );
    let second = scene.buyer.buys(&scene.offer).await;
    scene.settle("one").await;
    // 4.50 and 4.50 of the first sale; of the second 4.50, 1.80, and 2.70 are held.
    assert_eq!(scene.earned().await, [900, 630, 0]);
    let seen = scene.copier.client.claim(claim.id).await.unwrap();
    assert_eq!(seen.parts[0].held, [eur(270)]);
    assert_eq!((seen.claimant, seen.reason), (None, None));
    let (told, file) = statement(&scene.copier).await;
    let held: Vec<_> = told.lines.iter().flat_map(|line| &line.held).collect();
    assert_eq!(held.len(), 1);
    assert_eq!(
        (held[0].claim, held[0].amount, held[0].rows),
        (claim.id, 270, 60)
    );
    assert!(!file.contains(&scene.author.id.to_string()) && !file.contains("author"));
    // Nobody is paid what is held.
    let dry = NewPayouts {
        dry_run: true,
        ..NewPayouts::default()
    };
    let run = scene.operator.client.propose_payouts(&dry).await.unwrap();
    assert!(
        run.lines.iter().all(|line| line.balance != eur(270)),
        "{run:?}"
    );
    assert_eq!(run.lines.len(), 2, "{run:?}");
    scene.sound().await;

    // A sale that nobody has settled: the decision settles it first.
    scene.buyer.buys(&scene.offer).await;
    let decided = scene.decide(claim.id, ClaimOutcome::Claimant).await;
    assert_eq!(
        (decided.state.as_str(), &decided.parts[0].held),
        ("for_claimant", &vec![eur(0)])
    );
    assert_eq!(scene.earned().await, [1_350, 810, 540]);
    assert_eq!(
        shares(app, &scene.revision, 3, of).await,
        [ALL / 2, ALL / 5, 3 * ALL / 10, 0]
    );
    let (told, _) = statement(&scene.author).await;
    assert_eq!((told.bridge.earned, told.bridge.closing), (540, 540));
    assert_eq!(told.claims[0].claim, claim.id);
    scene.sound().await;

    // What the rows earn from now on is the author's; what comes back of the held sale as well.
    scene.buyer.buys(&scene.offer).await;
    let all = NewRefund {
        amount: eur(1_000),
        reason: "sold by mistake".to_owned(),
    };
    let refund = scene.owner.client.refund(second.id, "back", &all).await;
    refund.unwrap();
    scene.settle("two").await;
    assert_eq!(scene.earned().await, [1_350, 810, 540]);
    let seen = scene.operator.client.claim(claim.id).await.unwrap();
    assert_eq!(seen.parts[0].held, [eur(0)]);
    let (told, _) = statement(&scene.author).await;
    let given: Vec<i64> = told.claims.iter().map(|one| one.amount).collect();
    assert_eq!(given, [540, -270]);
    assert_eq!(told.lines.len(), 1);
    scene.sound().await;
}

async fn rows_that_stay_the_holders_pay_the_holder(app: &mut TestApp) {
    let scene = Scene::new(app).await;
    let of = [&scene.owner, &scene.copier, &scene.author];
    let claim = scene.filed().await;
    scene.operator.client.open_claim(claim.id).await.unwrap();
    let opened = shares(app, &scene.revision, 2, of).await;
    scene.buyer.buys(&scene.offer).await;

    // A revision that comes meanwhile holds too: 60 of 300 rows.
    app.later(TimeDelta::hours(1));
    app.contribute(&scene.owner, &scene.pool, &lines(1_100..1_200))
        .await;
    let next = app.publish(&scene.owner, &scene.pool).await;
    let [owner, copier, author, held] = shares(app, &next, 1, of).await;
    assert_eq!((author, held, opened[3]), (0, ALL / 5, 3 * ALL / 10));
    assert_eq!(owner + copier + held, ALL);
    scene.buyer.buys(&scene.offer).await;
    scene.settle("one").await;
    let [_, before, _] = scene.earned().await;

    // 2.70 of the first sale and 1.80 of the second.
    let decided = scene.decide(claim.id, ClaimOutcome::Holder).await;
    assert_eq!(decided.state, "for_holder");
    let again = scene.decide(claim.id, ClaimOutcome::Holder).await;
    assert_eq!(decided, again, "one effect for one key");
    let [_, after, author] = scene.earned().await;
    assert_eq!((after - before, author), (450, 0));
    let [_, copier, author, held] = shares(app, &next, 2, of).await;
    assert_eq!((author, held), (0, 0));
    assert!((copier - ALL / 3).abs() <= 1, "{copier}");
    let seen = scene.copier.client.claim(claim.id).await.unwrap();
    assert_eq!(seen.decided_because.as_deref(), Some("both were heard"));
    let decision = NewDecision {
        outcome: ClaimOutcome::Claimant,
        reason: "on second thoughts".to_owned(),
    };
    let late = scene.operator.client.decide_claim(claim.id, "e", &decision);
    refused(late.await, 409, "claim_not_open");
    scene.sound().await;
}

async fn nobody_freezes_others_by_a_word(app: &mut TestApp) {
    let scene = Scene::new(app).await;
    let (author, copier) = (&scene.author.client, &scene.copier.client);
    let with = |change: &dyn Fn(&mut NewClaim)| {
        let mut claim = scene.new_claim();
        change(&mut claim);
        claim
    };
    let stranger = with(&|claim| claim.evidence = scene.claimed.id);
    refused(author.file_claim(&stranger).await, 404, "not_found");
    let elsewhere = with(&|claim| claim.contributions = vec![scene.evidence.id]);
    refused(author.file_claim(&elsewhere).await, 404, "not_found");
    let silent = with(&|claim| claim.reason = " ".to_owned());
    refused(author.file_claim(&silent).await, 422, "invalid");

    let claim = scene.filed().await;
    refused(
        author.file_claim(&scene.new_claim()).await,
        409,
        "already_claimed",
    );
    // The claim alone changes nothing, and is nobody's business yet.
    refused(copier.claim(claim.id).await, 404, "not_found");
    assert_eq!(copier.claims().await.unwrap(), []);
    refused(author.open_claim(claim.id).await, 404, "not_found");
    let decision = NewDecision {
        outcome: ClaimOutcome::Claimant,
        reason: "mine".to_owned(),
    };
    let decide = author.decide_claim(claim.id, "k", &decision).await;
    refused(decide, 404, "not_found");
    let early = scene
        .operator
        .client
        .decide_claim(claim.id, "k", &decision)
        .await;
    refused(early, 409, "claim_not_open");
    refused(copier.take_claim_back(claim.id).await, 404, "not_found");
    author.take_claim_back(claim.id).await.unwrap();
    refused(
        scene.operator.client.open_claim(claim.id).await,
        409,
        "claim_not_filed",
    );
    let of = [&scene.owner, &scene.copier, &scene.author];
    assert_eq!(
        shares(app, &scene.revision, 1, of).await,
        [ALL / 2, ALL / 2, 0, 0]
    );

    // Where nothing of the evidence stands there is nothing to open.
    let own = logs_of(&scene.author).await;
    let other = app
        .contribute(&scene.author, &own, &lines(9_000..9_100))
        .await;
    let none = with(&|claim| claim.evidence = other.id);
    let none = author.file_claim(&none).await.unwrap();
    for _ in 0..200 {
        if author.claim(none.id).await.unwrap().state == "nothing_shared" {
            return scene.sound().await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the claim was not counted");
}
