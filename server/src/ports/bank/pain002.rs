//! pain.002: the bank says of each transfer whether it will be carried out.
//!
//! Versions .03 and later read alike. A status may stand at the transfer, at its block, or at
//! the whole order; the nearest one counts. Only a rejection has an effect on the books: an
//! acceptance is a promise, the debit on the account statement is the fact.

use super::BankError;
use super::xml::{self, Node};

/// Every answer of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Name of the bank's message.
    pub message: String,
    /// Name of the order it answers.
    pub order: String,
    /// Its verdicts, from the whole to the part.
    pub verdicts: Vec<Verdict>,
}

/// What a verdict is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The whole order.
    Order,
    /// One block, by its name.
    Block(String),
    /// One transfer, by our reference.
    Transfer(String),
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What it is about.
    pub subject: Subject,
    /// The bank's code, such as `ACSP` or `RJCT`.
    pub status: String,
    /// Why, when the bank says: code and words.
    pub reason: String,
}

impl Verdict {
    /// Whether the money does not leave.
    #[must_use]
    pub fn rejected(&self) -> bool {
        matches!(self.status.as_str(), "RJCT" | "CANC")
    }
}

/// Reads a report.
///
/// # Errors
/// Not a pain.002, or without what names its order.
pub fn read(file: &[u8]) -> Result<Report, BankError> {
    let document = xml::read(file)?;
    of(&document)
}

/// The same of a tree that is read already.
///
/// # Errors
/// As [`read`].
pub fn of(document: &Node) -> Result<Report, BankError> {
    let report = document
        .child("CstmrPmtStsRpt")
        .ok_or_else(|| BankError::OtherMessage {
            expected: "pain.002",
            found: super::camt053::message_name(document),
        })?;
    let whole = report
        .child("OrgnlGrpInfAndSts")
        .ok_or_else(|| BankError::Missing("OrgnlGrpInfAndSts".to_owned()))?;
    let mut verdicts = Vec::new();
    verdicts.extend(verdict(whole, "GrpSts", Subject::Order));
    for block in report.all("OrgnlPmtInfAndSts") {
        let name = block.must("OrgnlPmtInfId")?;
        verdicts.extend(verdict(block, "PmtInfSts", Subject::Block(name.to_owned())));
        for transfer in block.all("TxInfAndSts") {
            let reference = transfer.must("OrgnlEndToEndId")?.to_owned();
            verdicts.extend(verdict(transfer, "TxSts", Subject::Transfer(reference)));
        }
    }
    Ok(Report {
        message: report.must("GrpHdr/MsgId")?.to_owned(),
        order: whole.must("OrgnlMsgId")?.to_owned(),
        verdicts,
    })
}

fn verdict(node: &Node, status: &str, subject: Subject) -> Option<Verdict> {
    let status = node.text_at(status)?.to_owned();
    Some(Verdict {
        subject,
        status,
        reason: reason(node.child("StsRsnInf")),
    })
}

/// Code and words of a reason, in one line.
pub(super) fn reason(info: Option<&Node>) -> String {
    let Some(info) = info else {
        return String::new();
    };
    let code = info.text_at("Rsn/Cd").or_else(|| info.text_at("Rsn/Prtry"));
    let words = info.all("AddtlInf").map(|node| node.text.as_str());
    let all: Vec<&str> = code.into_iter().chain(words).collect();
    all.join(" ").chars().take(140).collect()
}
