//! A bank, as far as its files go: what it says of an order, and the account's statement.

use schema::wire::*;

use super::people::eur;
use super::{Market, Person, TestApp};

/// The account that nodes under test pay from.
pub const OURS: &str = "DE89370400440532013000";
/// An account of somebody in France.
pub const FRENCH: &str = "FR1420041010050500013M02606";
/// An account of somebody in Britain.
pub const BRITISH: &str = "GB33BUKB20201555555555";

/// One movement on a statement: money in positive, money out negative.
#[derive(Debug, Clone)]
pub struct Booked {
    pub minor: i64,
    pub reference: String,
    /// Booked as a block of ours, in one sum.
    pub block: bool,
    /// Why it came back.
    pub back: Option<&'static str>,
    pub words: String,
}

impl Booked {
    /// The bank has paid a transfer.
    pub fn debit(line: &PayoutView) -> Self {
        Self {
            minor: -line.net.minor,
            reference: line.id.simple().to_string(),
            block: false,
            back: None,
            words: "SEPA".to_owned(),
        }
    }

    /// A transfer came back.
    pub fn back(line: &PayoutView) -> Self {
        Self {
            minor: line.net.minor,
            back: Some("AC04"),
            ..Self::debit(line)
        }
    }

    /// Something else.
    pub fn other(minor: i64, reference: &str, words: &str) -> Self {
        Self {
            minor,
            reference: reference.to_owned(),
            block: false,
            back: None,
            words: words.to_owned(),
        }
    }
}

fn decimal(minor: i64) -> String {
    let minor = minor.unsigned_abs();
    format!("{}.{:02}", minor / 100, minor % 100)
}

fn sense(minor: i64) -> &'static str {
    if minor < 0 { "DBIT" } else { "CRDT" }
}

fn balance(code: &str, minor: i64, day: &str) -> String {
    format!(
        "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">{}</Amt>\
         <CdtDbtInd>{}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>\n",
        decimal(minor),
        sense(minor)
    )
}

fn entry(line: &Booked, day: &str) -> String {
    let details = if line.block {
        format!("<Btch><PmtInfId>{}</PmtInfId></Btch>", line.reference)
    } else {
        let back = line.back.map_or_else(String::new, |code| {
            format!("<RtrInf><Rsn><Cd>{code}</Cd></Rsn></RtrInf>")
        });
        format!(
            "<TxDtls><Refs><EndToEndId>{}</EndToEndId></Refs>{back}<RmtInf><Ustrd>{}</Ustrd></RmtInf></TxDtls>",
            line.reference, line.words
        )
    };
    format!(
        "<Ntry><Amt Ccy=\"EUR\">{}</Amt><CdtDbtInd>{}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>\
         <BookgDt><Dt>{day}</Dt></BookgDt><NtryDtls>{details}</NtryDtls></Ntry>\n",
        decimal(line.minor),
        sense(line.minor)
    )
}

/// A camt.053 of one day; its closing balance is what its lines give.
pub fn statement(name: &str, opening: i64, day: &str, lines: &[Booked]) -> Vec<u8> {
    let closing = opening + lines.iter().map(|line| line.minor).sum::<i64>();
    let entries: String = lines.iter().map(|line| entry(line, day)).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt>\n\
         <GrpHdr><MsgId>M{name}</MsgId><CreDtTm>{day}T20:00:00</CreDtTm></GrpHdr>\n\
         <Stmt><Id>{name}</Id><Acct><Id><IBAN>{OURS}</IBAN></Id><Ccy>EUR</Ccy></Acct>\n{}{}{entries}\
         </Stmt></BkToCstmrStmt></Document>\n",
        balance("OPBD", opening, day),
        balance("CLBD", closing, day)
    )
    .into_bytes()
}

/// A pain.002 about an order: a status for the whole, and for single transfers.
pub fn status(
    name: &str,
    run: &PayoutBatchView,
    whole: &str,
    single: &[(&PayoutView, &str)],
) -> Vec<u8> {
    let transfers: String = single
        .iter()
        .map(|(line, status)| {
            format!(
                "<TxInfAndSts><OrgnlEndToEndId>{}</OrgnlEndToEndId><TxSts>{status}</TxSts>\
                 <StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf></TxInfAndSts>\n",
                line.id.simple()
            )
        })
        .collect();
    let order = run.id.unwrap().simple();
    format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.10\"><CstmrPmtStsRpt>\n\
         <GrpHdr><MsgId>{name}</MsgId><CreDtTm>2026-03-09T07:00:00</CreDtTm></GrpHdr>\n\
         <OrgnlGrpInfAndSts><OrgnlMsgId>{order}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>\
         <GrpSts>{whole}</GrpSts></OrgnlGrpInfAndSts>\n\
         <OrgnlPmtInfAndSts><OrgnlPmtInfId>1-{order}</OrgnlPmtInfId>\n{transfers}</OrgnlPmtInfAndSts>\n\
         </CstmrPmtStsRpt></Document>\n"
    )
    .into_bytes()
}

impl Person {
    /// Sets where this person is paid.
    pub async fn is_paid_to(&self, iban: &str, country: &str) {
        let new = NewPayoutMethod {
            name: format!("{} Müller", self.handle),
            iban: iban.to_owned(),
            country: country.to_owned(),
            bic: None,
        };
        self.client.set_payout_method(&new).await.unwrap();
    }
}

impl TestApp {
    /// A second operator, appointed by the first.
    pub async fn deputy(&self, first: &Person) -> Person {
        let deputy = self.party("deputy").await;
        let new = NewOperator {
            party: deputy.handle.clone(),
            reason: "payouts need two".to_owned(),
        };
        first.client.appoint_operator(&new).await.unwrap();
        deputy
    }

    /// A market that has sold that often and settled, whose owner can be paid.
    pub async fn earned(&self, market: &Market, sales: usize) -> Person {
        let buyer = self
            .buyer(
                market,
                "buyer",
                market.offer.price.minor * i64::try_from(sales).unwrap(),
            )
            .await;
        for _ in 0..sales {
            buyer.buys(&market.offer).await;
        }
        self.settle(market).await;
        buyer
    }

    /// Settles everything.
    pub async fn settle(&self, market: &Market) {
        let key = self.ctx.id().to_string();
        let new = NewSettlement::default();
        market.operator.client.settle(&key, &new).await.unwrap();
    }

    /// Proposes and approves a run.
    pub async fn pays_out(&self, first: &Person, second: &Person) -> PayoutBatchView {
        let run = first
            .client
            .propose_payouts(&NewPayouts::default())
            .await
            .unwrap();
        let id = run.id.unwrap();
        second
            .client
            .approve_payouts(id, &format!("approve-{id}"))
            .await
            .unwrap()
    }
}

/// What somebody has earned and not been paid.
pub async fn earnings(who: &Person) -> Amount {
    let wallet = who.client.wallet().await.unwrap();
    wallet.earnings.first().cloned().unwrap_or_else(|| eur(0))
}
