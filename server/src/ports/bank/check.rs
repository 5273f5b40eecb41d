//! Reading a payment order as a bank's clerk would: what the schema does not see.
//!
//! The schema takes a wrong IBAN, a control sum that is off by a cent, half a cent, and a name
//! with an emoji. This does not: every sum is added up again, every IBAN recomputed, every
//! amount held against its currency, every reference seen once.

use std::collections::BTreeSet;

use ledger::money::{Currency, Money};

use super::amount::{self, ControlSum};
use super::xml::{self, Node};
use super::{BankError, Iban, pain001, text};

/// Most of one transfer by the SEPA scheme: 999,999,999.99 euro.
const SEPA_MOST: i64 = 99_999_999_999;
/// Most digits of an amount in the message.
const DIGITS: usize = 18;

/// What a file says, all of it checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Name of the message.
    pub message: String,
    /// Number of transfers.
    pub transfers: usize,
    /// Its blocks in order: name, transfers, sum.
    pub blocks: Vec<(String, usize, Option<Money>)>,
    /// Transfers in order: reference and amount.
    pub references: Vec<(String, Money)>,
}

fn wrong(words: String) -> BankError {
    BankError::Contradiction(words)
}

/// Reads and checks a payment order.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn read(file: &[u8]) -> Result<Checked, BankError> {
    let document = xml::read(file)?;
    if document.attribute("xmlns") != Some(pain001::NAMESPACE) {
        return Err(BankError::OtherMessage {
            expected: "pain.001.001.09",
            found: document.attribute("xmlns").unwrap_or_default().to_owned(),
        });
    }
    let order = document
        .child("CstmrCdtTrfInitn")
        .ok_or_else(|| BankError::Missing("CstmrCdtTrfInitn".to_owned()))?;
    let message = order.must("GrpHdr/MsgId")?;
    text::check_reference("MsgId", message)?;
    text::check("InitgPty/Nm", order.must("GrpHdr/InitgPty/Nm")?, text::NAME)?;
    let mut seen = Seen::default();
    for block in order.all("PmtInf") {
        seen.block(block)?;
    }
    let count = order.must("GrpHdr/NbOfTxs")?;
    if count != seen.checked.transfers.to_string() {
        let words = format!("NbOfTxs says {count}, there are {}", seen.checked.transfers);
        return Err(wrong(words));
    }
    same_sum("GrpHdr", order.must("GrpHdr/CtrlSum")?, seen.sum)?;
    Ok(Checked {
        message: message.to_owned(),
        ..seen.checked
    })
}

fn same_sum(place: &str, stated: &str, sum: ControlSum) -> Result<(), BankError> {
    if ControlSum::read(stated)?.equals(sum) {
        Ok(())
    } else {
        Err(wrong(format!(
            "CtrlSum of {place} says {stated}, its transfers sum to {sum}"
        )))
    }
}

#[derive(Default)]
struct Seen {
    checked: Checked,
    sum: ControlSum,
    names: BTreeSet<String>,
    references: BTreeSet<String>,
}

impl Seen {
    fn block(&mut self, block: &Node) -> Result<(), BankError> {
        let name = block.must("PmtInfId")?;
        text::check_reference("PmtInfId", name)?;
        if !self.names.insert(name.to_owned()) {
            return Err(wrong(format!("PmtInfId {name} stands twice")));
        }
        text::check("Dbtr/Nm", block.must("Dbtr/Nm")?, text::NAME)?;
        block.must("DbtrAcct/Id/IBAN")?.parse::<Iban>()?;
        let currency = block.must("DbtrAcct/Ccy")?;
        let sepa = block.text_at("PmtTpInf/SvcLvl/Cd") == Some("SEPA");
        let charges = block.must("ChrgBr")?;
        if sepa && (currency != "EUR" || charges != "SLEV") {
            return Err(wrong(format!(
                "block {name} is SEPA in {currency} with {charges}"
            )));
        }
        let (mut sum, mut minor, mut count) = (ControlSum::default(), 0i64, 0usize);
        let mut of: Option<Currency> = None;
        for transfer in block.all("CdtTrfTxInf") {
            let amount = self.transfer(transfer, sepa)?;
            if amount.currency.code() != currency {
                let words = format!("block {name} is of {currency}, holds {amount}");
                return Err(wrong(words));
            }
            sum.add(amount);
            self.sum.add(amount);
            of = Some(amount.currency);
            minor = minor
                .checked_add(amount.minor)
                .ok_or_else(|| wrong(format!("block {name} leaves the 64-bit range")))?;
            count += 1;
        }
        if block.must("NbOfTxs")? != count.to_string() || count == 0 {
            let words = format!("block {name} holds {count} transfers, NbOfTxs says otherwise");
            return Err(wrong(words));
        }
        same_sum(name, block.must("CtrlSum")?, sum)?;
        self.checked.transfers += count;
        let total = of.map(|currency| Money::new(minor, currency));
        self.checked.blocks.push((name.to_owned(), count, total));
        Ok(())
    }

    fn transfer(&mut self, transfer: &Node, sepa: bool) -> Result<Money, BankError> {
        let reference = transfer.must("PmtId/EndToEndId")?;
        text::check_reference("EndToEndId", reference)?;
        if !self.references.insert(reference.to_owned()) {
            return Err(wrong(format!("EndToEndId {reference} stands twice")));
        }
        let stated = transfer
            .at("Amt/InstdAmt")
            .ok_or_else(|| BankError::Missing("Amt/InstdAmt".to_owned()))?;
        let amount = amount::read(&stated.text, stated.attribute("Ccy").unwrap_or_default())?;
        let decimals = stated
            .text
            .split_once('.')
            .map_or(0, |(_, part)| part.len());
        if decimals != usize::from(amount.currency.exponent()) {
            let words = format!("{} has {decimals} decimals", stated.text);
            return Err(BankError::field("InstdAmt", words));
        }
        let digits = stated.text.bytes().filter(u8::is_ascii_digit).count();
        if amount.minor < 1 || digits > DIGITS || (sepa && amount.minor > SEPA_MOST) {
            let words = format!("{amount} cannot be transferred");
            return Err(BankError::field("InstdAmt", words));
        }
        text::check("Cdtr/Nm", transfer.must("Cdtr/Nm")?, text::NAME)?;
        let iban: Iban = transfer.must("CdtrAcct/Id/IBAN")?.parse()?;
        if sepa && !iban.is_sepa() {
            return Err(wrong(format!(
                "{} is outside the SEPA area",
                iban.country()
            )));
        }
        text::check("Ustrd", transfer.must("RmtInf/Ustrd")?, text::REMITTANCE)?;
        self.checked.references.push((reference.to_owned(), amount));
        Ok(amount)
    }
}
