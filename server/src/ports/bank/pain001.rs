//! pain.001.001.09: the payment order that the operator hands to the bank.
//!
//! One block (`PmtInf`) per currency. A block by the SEPA scheme names service level `SEPA` and
//! shared charges by scheme (`SLEV`); any other says `SHAR` and leaves the way to the bank.
//! What is written is read back by [`super::check`] before anybody gets it.

use chrono::SecondsFormat;

use super::amount::ControlSum;
use super::xml::Writer;
use super::{BankError, Block, Holder, PaymentOrder, Transfer, check, text};

/// Namespace of the message.
pub const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09";

/// Writes the order.
///
/// # Errors
/// A name, reference or amount that the message cannot carry.
pub fn write(order: &PaymentOrder) -> Result<String, BankError> {
    let mut sum = ControlSum::default();
    let mut count = 0usize;
    for block in &order.blocks {
        for transfer in &block.transfers {
            sum.add(transfer.amount);
            count += 1;
        }
    }
    let mut xml = Writer::new(NAMESPACE);
    xml.group("CstmrCdtTrfInitn", |xml| {
        xml.group("GrpHdr", |xml| {
            xml.leaf("MsgId", &order.message);
            let made = order.made_at.to_rfc3339_opts(SecondsFormat::Secs, true);
            xml.leaf("CreDtTm", &made);
            xml.leaf("NbOfTxs", &count.to_string());
            xml.leaf("CtrlSum", &sum.to_string());
            xml.group("InitgPty", |xml| name(xml, &order.from));
        });
        for one in &order.blocks {
            xml.group("PmtInf", |xml| block(xml, order, one));
        }
    });
    let file = xml.finish();
    let read = check::read(file.as_bytes())?;
    if read.transfers != count {
        let words = format!(
            "{count} transfers were written, {} are read",
            read.transfers
        );
        return Err(BankError::Contradiction(words));
    }
    Ok(file)
}

fn name(xml: &mut Writer, holder: &Holder) {
    xml.leaf("Nm", &text::bankable(&holder.name, text::NAME));
}

fn block(xml: &mut Writer, order: &PaymentOrder, block: &Block) {
    let mut sum = ControlSum::default();
    for transfer in &block.transfers {
        sum.add(transfer.amount);
    }
    xml.leaf("PmtInfId", &block.name);
    xml.leaf("PmtMtd", "TRF");
    xml.leaf("NbOfTxs", &block.transfers.len().to_string());
    xml.leaf("CtrlSum", &sum.to_string());
    if block.sepa {
        xml.group("PmtTpInf", |xml| {
            xml.group("SvcLvl", |xml| xml.leaf("Cd", "SEPA"));
        });
    }
    xml.group("ReqdExctnDt", |xml| {
        xml.leaf("Dt", &order.execute_on.to_string());
    });
    xml.group("Dbtr", |xml| name(xml, &order.from));
    xml.group("DbtrAcct", |xml| {
        xml.group("Id", |xml| xml.leaf("IBAN", order.from.iban.as_str()));
        xml.leaf("Ccy", block.currency.code());
    });
    xml.group("DbtrAgt", |xml| agent(xml, order.from.bic.as_deref()));
    xml.leaf("ChrgBr", if block.sepa { "SLEV" } else { "SHAR" });
    for one in &block.transfers {
        xml.group("CdtTrfTxInf", |xml| transfer(xml, one));
    }
}

fn agent(xml: &mut Writer, bic: Option<&str>) {
    xml.group("FinInstnId", |xml| match bic {
        Some(bic) => xml.leaf("BICFI", bic),
        None => xml.group("Othr", |xml| xml.leaf("Id", "NOTPROVIDED")),
    });
}

fn transfer(xml: &mut Writer, transfer: &Transfer) {
    xml.group("PmtId", |xml| {
        xml.leaf("EndToEndId", &transfer.reference);
    });
    xml.group("Amt", |xml| {
        let currency = transfer.amount.currency;
        let amount = transfer.amount.decimal();
        xml.leaf_with("InstdAmt", ("Ccy", currency.code()), &amount);
    });
    if let Some(bic) = &transfer.to.bic {
        xml.group("CdtrAgt", |xml| agent(xml, Some(bic)));
    }
    xml.group("Cdtr", |xml| {
        name(xml, &transfer.to);
        if let Some(country) = &transfer.to.country {
            xml.group("PstlAdr", |xml| xml.leaf("Ctry", country));
        }
    });
    xml.group("CdtrAcct", |xml| {
        xml.group("Id", |xml| xml.leaf("IBAN", transfer.to.iban.as_str()));
    });
    xml.group("RmtInf", |xml| {
        let words = text::bankable(&transfer.remittance, text::REMITTANCE);
        xml.leaf("Ustrd", &words);
    });
}
