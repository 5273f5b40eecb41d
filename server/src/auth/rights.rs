//! Who may do what: facts about an object in, a [`Right`] or a fault out.
//!
//! A flow gathers the facts of the object it is about to touch and asks once:
//!
//! ```ignore
//! rights::dataset(who, &facts).publish()?;
//! ```
//!
//! Facts and actor give [`Role`]s; the table [`MATRIX`] says which role may do which [`Act`].
//! There is no other rule: more roles never allow less, and whoever may not see an object gets
//! the same answer as for an object that does not exist. The one refusal that is told is
//! contributing to a dataset that one can see but was not admitted to.

use std::marker::PhantomData;

use schema::wire::Admission;
use uuid::Uuid;

use crate::auth::Actor;
use crate::error::{Fault, Kind};

/// What somebody is to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Anybody, where the object is open to the world.
    Visitor,
    /// Anybody signed in, where the object is open to the world.
    Customer,
    /// Whoever the dataset's admission lets contribute.
    Admitted,
    /// Invited to the dataset.
    Member,
    /// Has contributed to the dataset.
    Contributor,
    /// Holds a licence on the dataset.
    Holder,
    /// The one the object belongs to: contributor, buyer, licensee, payee, key owner.
    Subject,
    /// Owns the dataset.
    Owner,
    /// Runs the node.
    Operator,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 9] = [
        Self::Visitor,
        Self::Customer,
        Self::Admitted,
        Self::Member,
        Self::Contributor,
        Self::Holder,
        Self::Subject,
        Self::Owner,
        Self::Operator,
    ];
}

/// A set of roles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Roles(u16);

impl Roles {
    /// The set with `role` added when `holds`.
    #[must_use]
    pub fn with(self, role: Role, holds: bool) -> Self {
        Self(self.0 | (u16::from(holds) << (role as u16)))
    }

    /// Whether `role` is in the set.
    #[must_use]
    pub fn has(self, role: Role) -> bool {
        self.0 & (1 << (role as u16)) != 0
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        roles
            .into_iter()
            .fold(Self::default(), |set, role| set.with(role, true))
    }
}

/// One line of [`MATRIX`].
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// On what.
    pub object: Object,
    /// What.
    pub act: Act,
    /// Who may.
    pub roles: &'static [Role],
}

/// Whether somebody with these roles may do it.
#[must_use]
pub fn allowed(act: Act, roles: Roles) -> bool {
    MATRIX
        .iter()
        .any(|rule| rule.act == act && rule.roles.iter().any(|role| roles.has(*role)))
}

/// Proof that an act was allowed; only this module makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Right<A> {
    /// Whose right; `None` for an anonymous visitor.
    pub party: Option<Uuid>,
    act: PhantomData<A>,
}

/// Somebody before an object, about to ask.
#[derive(Debug, Clone, Copy)]
pub struct Before<O> {
    roles: Roles,
    party: Option<Uuid>,
    object: PhantomData<O>,
}

impl<O> Before<O> {
    fn new(who: Option<&Actor>, roles: Roles) -> Self {
        let operator = who.is_some_and(|actor| actor.operator);
        let party = who.map(|actor| actor.party);
        Self {
            roles: roles.with(Role::Operator, operator),
            party,
            object: PhantomData,
        }
    }

    /// What the asker is to the object.
    #[must_use]
    pub fn roles(&self) -> Roles {
        self.roles
    }

    fn ask<A>(&self, act: Act) -> Result<Right<A>, Fault> {
        if allowed(act, self.roles) {
            return Ok(Right {
                party: self.party,
                act: PhantomData,
            });
        }
        if act == Act::Contribute && self.party.is_some() && allowed(Act::SeeDataset, self.roles) {
            return Err(Fault::new(
                Kind::Forbidden,
                "not_admitted",
                "This dataset takes contributions only from parties its owner admits; ask the owner for an invitation.",
            )
            .about("admission"));
        }
        Err(Fault::missing())
    }
}

macro_rules! matrix {
    ($($(#[$object_doc:meta])* $object:ident {
        $($(#[$doc:meta])* $ask:ident $act:ident [$($role:ident)*];)*
    })*) => {
        /// What rights are about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Object { $($(#[$object_doc])* $object,)* }

        /// What somebody may do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Act { $($($(#[$doc])* $act,)*)* }

        /// The objects as types, for [`Before`].
        pub mod object { $($(#[$object_doc])* #[derive(Debug, Clone, Copy)] pub struct $object;)* }

        /// The acts as types, for [`Right`].
        pub mod act { $($($(#[$doc])* #[derive(Debug, Clone, Copy, PartialEq, Eq)] pub struct $act;)*)* }

        /// Who may do what: every right there is.
        pub const MATRIX: &[Rule] = &[$($(
            Rule { object: Object::$object, act: Act::$act, roles: &[$(Role::$role),*] },
        )*)*];

        $(impl Before<object::$object> { $(
            $(#[$doc])*
            ///
            /// # Errors
            /// [`Fault::missing`], or `not_admitted` for contributing to a dataset one may see.
            pub fn $ask(&self) -> Result<Right<act::$act>, Fault> { self.ask(Act::$act) }
        )* })*
    };
}

matrix! {
    /// A dataset.
    Dataset {
        /// See that it exists, its contract, offers and published revisions.
        see SeeDataset [Visitor Member Contributor Holder Owner Operator];
        /// Change title, description, admission, contract.
        edit EditDataset [Owner];
        /// Take it off the market.
        withdraw WithdrawDataset [Owner Operator];
        /// Give data to it.
        contribute Contribute [Admitted];
        /// List every contribution to it.
        list_contributions ListContributions [Owner Operator];
        /// Make a revision of its accepted contributions.
        publish Publish [Owner];
        /// Put terms and a price on it.
        offer MakeOffer [Owner];
        /// Buy a licence on it.
        buy Buy [Customer];
        /// See who bought it.
        see_sales SeeSales [Contributor Owner Operator];
    }
    /// One upload to a dataset.
    Contribution {
        /// See its state, verdict and report.
        see SeeContribution [Subject Owner Operator];
        /// Send its sealed bytes.
        send SendContent [Subject];
        /// Take it back.
        withdraw WithdrawContribution [Subject];
        /// Let its rows stand in two datasets.
        clear ClearOverlap [Operator];
    }
    /// A state of a dataset, published or being composed.
    Revision {
        /// See its figures, report and shares.
        see SeeRevision [Visitor Member Contributor Holder Owner Operator];
    }
    /// A purchase.
    Order {
        /// See the receipt.
        see SeeOrder [Subject Owner Operator];
        /// Give money back.
        refund Refund [Owner Operator];
    }
    /// A signed right to data.
    Licence {
        /// See its terms and use.
        see SeeLicence [Subject Owner Operator];
        /// Take delivery under it.
        deliver Deliver [Subject];
        /// End it early.
        revoke Revoke [Owner Operator];
    }
    /// A plan, and a party's subscription to it.
    Subscription {
        /// See its charges and what was earned of them.
        see SeeSubscription [Subject Owner Operator];
        /// Cancel it, and take that back.
        change ChangeSubscription [Subject];
        /// Give unused days back and end it.
        give_back RefundSubscription [Owner Operator];
        /// Take the plan off the market.
        retire RetirePlan [Owner Operator];
    }
    /// What a contributor earned.
    Statement {
        /// Read it.
        see SeeStatement [Subject Operator];
    }
    /// Somebody's word that rows of others are theirs.
    Claim {
        /// See what is claimed, and what is held for it.
        see SeeClaim [Subject Holder Operator];
        /// Take it back before anything is held.
        take_back TakeBackClaim [Subject];
    }
    /// An invoice or a credit note.
    Invoice {
        /// Read it.
        see SeeInvoice [Subject Operator];
    }
    /// A party's own things: tokens, age keys, wallet.
    Own {
        /// See and change them.
        manage ManageOwn [Subject];
    }
    /// The installation.
    Node {
        /// Confirm money that arrived.
        top_up TopUp [Operator];
        /// Give points, and write them off.
        give_points GivePoints [Operator];
        /// Say what one currency is worth in another.
        set_rates SetRates [Operator];
        /// Pay pools out to contributors' balances.
        settle Settle [Operator];
        /// Record what payers' banks take back, and who keeps it.
        dispute Dispute [Operator];
        /// Propose and approve corrections of the journal.
        adjust Adjust [Operator];
        /// Close the books of a month.
        close_period ClosePeriod [Operator];
        /// See every balance and export the journal.
        audit Audit [Operator];
        /// Issue a link that sets a new password.
        reset_password ResetPassword [Operator];
        /// Say which parties are one person or house.
        link_parties LinkParties [Operator];
        /// See every claim on rows, open and decide it.
        judge_claims JudgeClaims [Operator];
        /// See and retry messages of the payment provider.
        mind_provider MindProvider [Operator];
        /// Propose and approve payouts, hold them back, import the bank's files.
        pay_out PayOut [Operator];
        /// See everybody's subscriptions, and have done what is due.
        mind_subscriptions MindSubscriptions [Operator];
        /// Set rates of sales tax.
        set_taxes SetTaxes [Operator];
        /// Make others operators, and end it.
        appoint Appoint [Operator];
    }
}

/// What must be known of a dataset to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatasetFacts {
    /// Its owner.
    pub owner: Uuid,
    /// On the market, not withdrawn.
    pub open: bool,
    /// Has a published revision.
    pub published: bool,
    /// Who may contribute.
    pub admission: Admission,
    /// Whether the asker was invited.
    pub member: bool,
    /// Whether the asker has contributed.
    pub contributor: bool,
    /// Whether the asker holds a licence on it.
    pub holder: bool,
}

impl DatasetFacts {
    /// Open to the world: on the market, and there is something to buy or anybody may contribute.
    #[must_use]
    pub fn public(&self) -> bool {
        self.open && (self.published || self.admission == Admission::Open)
    }

    fn roles(&self, who: Option<&Actor>, public: bool) -> Roles {
        let signed = who.is_some();
        let owner = who.is_some_and(|actor| actor.party == self.owner);
        let member = signed && self.member;
        let admitted = match self.admission {
            Admission::Owner => owner,
            Admission::Invited => owner || member,
            Admission::Open => signed,
        };
        Roles::default()
            .with(Role::Visitor, public)
            .with(Role::Customer, public && signed)
            .with(Role::Admitted, self.open && admitted)
            .with(Role::Member, member && self.open)
            .with(Role::Contributor, signed && self.contributor)
            .with(Role::Holder, signed && self.holder)
            .with(Role::Owner, owner)
    }
}

/// Somebody before a dataset.
pub fn dataset<'a>(
    who: impl Into<Option<&'a Actor>>,
    facts: &DatasetFacts,
) -> Before<object::Dataset> {
    let who = who.into();
    Before::new(who, facts.roles(who, facts.public()))
}

/// Somebody before a revision. One that is not `published` is for owner and operator alone.
pub fn revision<'a>(
    who: impl Into<Option<&'a Actor>>,
    facts: &DatasetFacts,
    published: bool,
) -> Before<object::Revision> {
    let who = who.into();
    let roles = facts.roles(who, facts.public());
    let owner = Roles::default().with(Role::Owner, roles.has(Role::Owner));
    Before::new(who, if published { roles } else { owner })
}

/// Somebody before a thing of `subject` that belongs to a dataset of `owner`.
fn between<'a, O>(who: impl Into<Option<&'a Actor>>, subject: Uuid, owner: Uuid) -> Before<O> {
    let who = who.into();
    let is = |party| who.is_some_and(|actor: &Actor| actor.party == party);
    let roles = Roles::default()
        .with(Role::Subject, is(subject))
        .with(Role::Owner, is(owner));
    Before::new(who, roles)
}

/// Somebody before a contribution of `contributor` to a dataset of `owner`.
#[must_use]
pub fn contribution(who: &Actor, contributor: Uuid, owner: Uuid) -> Before<object::Contribution> {
    between(who, contributor, owner)
}

/// Somebody before an order of `buyer` for a dataset of `owner`.
#[must_use]
pub fn order(who: &Actor, buyer: Uuid, owner: Uuid) -> Before<object::Order> {
    between(who, buyer, owner)
}

/// Somebody before a licence of `holder` on a dataset of `owner`.
#[must_use]
pub fn licence(who: &Actor, holder: Uuid, owner: Uuid) -> Before<object::Licence> {
    between(who, holder, owner)
}

/// Somebody before the subscription of `subscriber` to a plan of `owner`.
#[must_use]
pub fn subscription(who: &Actor, subscriber: Uuid, owner: Uuid) -> Before<object::Subscription> {
    between(who, subscriber, owner)
}

/// Somebody before a statement for `payee`.
#[must_use]
pub fn statement(who: &Actor, payee: Uuid) -> Before<object::Statement> {
    Before::new(
        Some(who),
        Roles::default().with(Role::Subject, who.party == payee),
    )
}

/// Somebody before a claim of `claimant`; `holder` when it was opened on rows of theirs.
#[must_use]
pub fn claim(who: &Actor, claimant: Uuid, holder: bool) -> Before<object::Claim> {
    let roles = Roles::default()
        .with(Role::Subject, who.party == claimant)
        .with(Role::Holder, holder);
    Before::new(Some(who), roles)
}

/// Somebody before an invoice of `buyer`.
#[must_use]
pub fn invoice(who: &Actor, buyer: Uuid) -> Before<object::Invoice> {
    Before::new(
        Some(who),
        Roles::default().with(Role::Subject, who.party == buyer),
    )
}

/// Somebody before a token, key or wallet of `party`.
#[must_use]
pub fn own(who: &Actor, party: Uuid) -> Before<object::Own> {
    Before::new(
        Some(who),
        Roles::default().with(Role::Subject, who.party == party),
    )
}

/// Somebody before the node's own affairs.
#[must_use]
pub fn node(who: &Actor) -> Before<object::Node> {
    Before::new(Some(who), Roles::default())
}

#[cfg(test)]
#[path = "rights_test.rs"]
mod tests;
