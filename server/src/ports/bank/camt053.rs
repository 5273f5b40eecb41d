//! camt.053: the statement of the bank account, with what was debited and what came back.
//!
//! Versions .02 and later read alike. Booked entries count, pending ones do not. A statement
//! whose opening balance and entries do not give its closing balance is refused as a whole.

use chrono::NaiveDate;
use ledger::money::{Currency, Money};

use super::pain002::reason;
use super::xml::{self, Node};
use super::{BankError, Iban, amount};

/// Most characters of a text that is kept.
const WORDS: usize = 140;

/// A whole file: one statement per account and day, or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Name of the bank's message.
    pub message: String,
    /// Its statements, in order.
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The bank's name for it.
    pub name: String,
    /// The account; none when the bank names it otherwise than by IBAN.
    pub iban: Option<Iban>,
    /// Its currency.
    pub currency: Currency,
    /// Balance before the entries, minor units; negative when overdrawn.
    pub opening: i64,
    /// Balance after them.
    pub closing: i64,
    /// Day of the opening balance.
    pub opened_on: NaiveDate,
    /// Day of the closing balance.
    pub closed_on: NaiveDate,
    /// Booked movements, in order.
    pub lines: Vec<Line>,
}

/// One movement of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// How much; money in is positive, money out negative.
    pub minor: i64,
    /// When the bank booked it.
    pub booked_on: NaiveDate,
    /// The reference its sender gave it.
    pub reference: Option<String>,
    /// Name of the block of ours it books in one sum.
    pub block: Option<String>,
    /// Why it came back, when it did.
    pub returned: Option<String>,
    /// What the sender wrote, or the bank's words.
    pub words: String,
}

/// The name of the message in a document.
pub(super) fn message_name(document: &Node) -> String {
    document.first().unwrap_or_default()
}

/// Reads a file of statements.
///
/// # Errors
/// Not a camt.053, or a statement that does not add up.
pub fn read(file: &[u8]) -> Result<Report, BankError> {
    of(&xml::read(file)?)
}

/// The same of a tree that is read already.
///
/// # Errors
/// As [`read`].
pub fn of(document: &Node) -> Result<Report, BankError> {
    let report = document
        .child("BkToCstmrStmt")
        .ok_or_else(|| BankError::OtherMessage {
            expected: "camt.053",
            found: message_name(document),
        })?;
    let statements: Vec<Statement> = report
        .all("Stmt")
        .map(statement)
        .collect::<Result<_, _>>()?;
    if statements.is_empty() {
        return Err(BankError::Missing("Stmt".to_owned()));
    }
    Ok(Report {
        message: report.must("GrpHdr/MsgId")?.to_owned(),
        statements,
    })
}

fn statement(node: &Node) -> Result<Statement, BankError> {
    let name = node.must("Id")?.to_owned();
    let opening = balance(node, &["OPBD", "PRCD"])?;
    let closing = balance(node, &["CLBD"])?;
    let currency = closing.amount.currency;
    let mut lines = Vec::new();
    for entry in node.all("Ntry") {
        entry_lines(entry, currency, &mut lines)?;
    }
    let moved: i128 = lines.iter().map(|line| i128::from(line.minor)).sum();
    let reached = i128::from(opening.amount.minor) + moved;
    if opening.amount.currency != currency || reached != i128::from(closing.amount.minor) {
        return Err(BankError::Contradiction(format!(
            "statement {name} opens with {}, its entries sum to {moved} minor units, \
             and it closes with {}",
            opening.amount, closing.amount
        )));
    }
    let iban = node.text_at("Acct/Id/IBAN").map(str::parse).transpose()?;
    Ok(Statement {
        name,
        iban,
        currency,
        opening: opening.amount.minor,
        closing: closing.amount.minor,
        opened_on: opening.on,
        closed_on: closing.on,
        lines,
    })
}

struct Balance {
    amount: Money,
    on: NaiveDate,
}

fn balance(node: &Node, codes: &[&str]) -> Result<Balance, BankError> {
    let found = codes.iter().find_map(|code| {
        node.all("Bal")
            .find(|balance| balance.text_at("Tp/CdOrPrtry/Cd") == Some(code))
    });
    let found = found.ok_or_else(|| BankError::Missing(format!("the balance {}", codes[0])))?;
    Ok(Balance {
        amount: signed(found, found)?,
        on: day(found
            .child("Dt")
            .ok_or_else(|| BankError::Missing("Bal/Dt".to_owned()))?)?,
    })
}

/// The amount of `holder` with the sign that `sense` says.
fn signed(holder: &Node, sense: &Node) -> Result<Money, BankError> {
    let stated = holder
        .child("Amt")
        .ok_or_else(|| BankError::Missing(format!("{}/Amt", holder.name)))?;
    sign(stated, sense)
}

fn sign(stated: &Node, sense: &Node) -> Result<Money, BankError> {
    let amount = amount::read(&stated.text, stated.attribute("Ccy").unwrap_or_default())?;
    match sense.must("CdtDbtInd")? {
        "CRDT" => Ok(amount),
        "DBIT" => Ok(Money::new(-amount.minor, amount.currency)),
        other => Err(BankError::field(
            "CdtDbtInd",
            format!("{other:?} is neither CRDT nor DBIT"),
        )),
    }
}

fn day(node: &Node) -> Result<NaiveDate, BankError> {
    let text = node.text_at("Dt").or_else(|| node.text_at("DtTm"));
    text.and_then(|text| text.get(..10)?.parse().ok())
        .ok_or_else(|| BankError::field(node.name.clone(), "it holds no date"))
}

fn entry_lines(entry: &Node, currency: Currency, lines: &mut Vec<Line>) -> Result<(), BankError> {
    // Version 02 writes the state as text, later ones as a code.
    let state = entry.text_at("Sts/Cd").or_else(|| entry.text_at("Sts"));
    if state != Some("BOOK") {
        return Ok(());
    }
    let whole = signed(entry, entry)?;
    if whole.currency != currency {
        let problem = format!("an entry of {whole} in an account of {currency}");
        return Err(BankError::field("Ntry/Amt", problem));
    }
    let booked_on = day(entry
        .child("BookgDt")
        .or_else(|| entry.child("ValDt"))
        .ok_or_else(|| BankError::Missing("Ntry/BookgDt".to_owned()))?)?;
    let all: Vec<&Node> = entry
        .all("NtryDtls")
        .flat_map(|details| details.all("TxDtls"))
        .collect();
    let parts: Option<Vec<i64>> = all
        .iter()
        .map(|one| own_amount(one, entry, currency))
        .collect();
    let adds_up = |parts: &Vec<i64>| {
        parts.iter().map(|part| i128::from(*part)).sum::<i128>() == i128::from(whole.minor)
    };
    match (parts.filter(adds_up), all.as_slice()) {
        (Some(parts), [_, ..]) => {
            for (minor, one) in parts.into_iter().zip(all) {
                lines.push(line(minor, booked_on, entry, Some(one)));
            }
        }
        // One detail speaks for the whole entry; several without their parts do not.
        (None, [only]) => lines.push(line(whole.minor, booked_on, entry, Some(only))),
        _ => lines.push(line(whole.minor, booked_on, entry, None)),
    }
    Ok(())
}

/// What a detail says it is part of the entry, in the account's currency.
fn own_amount(detail: &Node, entry: &Node, currency: Currency) -> Option<i64> {
    let stated = ["Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/InstdAmt/Amt"]
        .into_iter()
        .find_map(|path| detail.at(path))?;
    let sense = match detail.child("CdtDbtInd") {
        Some(_) => detail,
        None => entry,
    };
    let amount = sign(stated, sense).ok()?;
    (amount.currency == currency).then_some(amount.minor)
}

fn line(minor: i64, booked_on: NaiveDate, entry: &Node, detail: Option<&Node>) -> Line {
    let given = |path| {
        detail
            .and_then(|detail| detail.text_at(path))
            .filter(|text| !matches!(*text, "NOTPROVIDED" | "NONREF"))
            .map(|text| cut(text, 35))
    };
    let batch = entry.at("NtryDtls/Btch");
    let block = match detail {
        None => batch.and_then(|batch| batch.text_at("PmtInfId")),
        Some(_) => None,
    };
    let back = detail.and_then(|detail| detail.child("RtrInf"));
    let reversed = entry.text_at("RvslInd") == Some("true");
    let words = detail
        .and_then(|detail| detail.text_at("RmtInf/Ustrd"))
        .or_else(|| entry.text_at("AddtlNtryInf"))
        .unwrap_or_default();
    Line {
        minor,
        booked_on,
        reference: given("Refs/EndToEndId"),
        block: block.map(|text| cut(text, 35)),
        returned: match back {
            Some(back) => Some(reason(Some(back))),
            None => reversed.then(String::new),
        },
        words: cut(words, WORDS),
    }
}

fn cut(text: &str, most: usize) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(most)
        .collect()
}
