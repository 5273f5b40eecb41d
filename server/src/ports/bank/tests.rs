use chrono::{DateTime, NaiveDate, Utc};
use ledger::money::{Currency, Money};
use proptest::prelude::*;

use super::pain002::Subject;
use super::*;

const OURS: &str = "DE89370400440532013000";

fn made_at() -> DateTime<Utc> {
    "2026-03-02T08:00:00Z".parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn holder(name: &str, iban: &str) -> Holder {
    Holder {
        name: name.to_owned(),
        iban: iban.parse().unwrap(),
        bic: None,
        country: Some(iban[..2].to_owned()),
    }
}

fn transfer(reference: &str, iban: &str, minor: i64, currency: Currency) -> Transfer {
    Transfer {
        reference: reference.to_owned(),
        to: holder("Zoë Müller & Søn 🌾", iban),
        amount: Money::new(minor, currency),
        remittance: "Granary 2026-03".to_owned(),
    }
}

fn order(transfers: Vec<Transfer>) -> PaymentOrder {
    let from = holder("Granary <Node>", OURS);
    PaymentOrder {
        message: "m1".to_owned(),
        made_at: made_at(),
        execute_on: day("2026-03-03"),
        blocks: blocks(&from.iban, transfers, |n| format!("{n}-m1")),
        from,
    }
}

fn mixed() -> PaymentOrder {
    order(vec![
        transfer("a", "FR1420041010050500013M02606", 1_234_567, Currency::EUR),
        transfer("b", "AT611904300234573201", 5, Currency::EUR),
        transfer("c", "KW81CBKU0000000000001234560101", 1_005, Currency::KWD),
        transfer("d", "DE89370400440532013000", 1_500, Currency::JPY),
        transfer("e", "KW81CBKU0000000000001234560101", 99, Currency::EUR),
    ])
}

#[test]
fn one_block_per_currency_with_the_currency_s_own_decimals() {
    let file = pain001::write(&mixed()).unwrap();
    for must in [
        "<InstdAmt Ccy=\"EUR\">12345.67</InstdAmt>",
        "<InstdAmt Ccy=\"KWD\">1.005</InstdAmt>",
        "<InstdAmt Ccy=\"JPY\">1500</InstdAmt>",
        "<Nm>Zoe Mueller + Son .</Nm>",
        "<Nm>Granary (Node)</Nm>",
        "<CtrlSum>12345.72</CtrlSum>",
        "<CtrlSum>13847.715</CtrlSum>",
        "<NbOfTxs>5</NbOfTxs>",
    ] {
        assert!(file.contains(must), "{must} is missing in\n{file}");
    }
    assert_eq!(file.matches("<PmtInf>").count(), 4);
    assert_eq!(file.matches("<Cd>SEPA</Cd>").count(), 1);
    assert_eq!(file.matches("<ChrgBr>SHAR</ChrgBr>").count(), 3);
    let read = check::read(file.as_bytes()).unwrap();
    assert_eq!((read.message.as_str(), read.transfers), ("m1", 5));
    assert_eq!(read.blocks[0].2, Some(Money::new(1_234_572, Currency::EUR)));
}

#[test]
fn what_the_schema_does_not_see_is_refused() {
    let file = pain001::write(&mixed()).unwrap();
    for (from, to, word) in [
        (
            "FR1420041010050500013M02606",
            "FR1420041010050500013M02607",
            "checksum",
        ),
        ("<CtrlSum>12345.72<", "<CtrlSum>12345.73<", "CtrlSum"),
        ("<CtrlSum>13847.715<", "<CtrlSum>13847.714<", "CtrlSum"),
        (">12345.67<", ">12345.670<", "decimals"),
        ("JPY\">1500<", "JPY\">1500.0<", "decimals"),
        ("<NbOfTxs>5<", "<NbOfTxs>4<", "NbOfTxs"),
        ("<EndToEndId>b<", "<EndToEndId>a<", "twice"),
        ("Zoe Mueller", "Zoë Müller", "do not take"),
        ("Ccy=\"KWD\"", "Ccy=\"EUR\"", "decimals"),
        (">0.05<", ">0.00<", "transferred"),
    ] {
        let forged = file.replacen(from, to, 1);
        assert_ne!(forged, file, "{from}");
        let error = check::read(forged.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(word), "{from} → {to}: {error}");
    }
}

#[test]
fn ibans_are_checked_by_digits_length_and_structure() {
    for good in [
        OURS,
        "de89 3704 0044 0532 0130 00",
        "GB33BUKB20201555555555",
    ] {
        good.parse::<Iban>().unwrap();
    }
    for bad in [
        "DE89370400440532013001",
        "DE8937040044053201300",
        "DE8937O400440532013000",
        "US89370400440532013000",
        "",
        "XX",
    ] {
        assert!(bad.parse::<Iban>().is_err(), "{bad}");
    }
    let iban: Iban = OURS.parse().unwrap();
    assert_eq!(iban.hint(), "DE… 3000");
    assert!(!format!("{iban:?}").contains("0532"), "{iban:?}");
    assert!(iban::country("Germany").is_err());
    assert_eq!(iban::country(" de ").unwrap(), "DE");
    assert!(iban::bic("COBADEFFXXX").is_ok() && iban::bic("COBA").is_err());
}

#[test]
fn amounts_are_read_by_the_currency_s_exponent() {
    let read = |number, code| amount::read(number, code).map(|money| money.minor);
    for (number, code, minor) in [
        ("12.50", "EUR", 1250),
        ("12.5", "EUR", 1250),
        ("12.500", "EUR", 1250),
        ("12", "EUR", 1200),
        ("1500", "JPY", 1500),
        ("1500.00", "JPY", 1500),
        ("0.005", "KWD", 5),
        (".5", "EUR", 50),
    ] {
        assert_eq!(read(number, code), Ok(minor), "{number} {code}");
    }
    for (number, code) in [
        ("12.505", "EUR"),
        ("1.5", "JPY"),
        ("-1", "EUR"),
        ("1,5", "EUR"),
        (".", "EUR"),
        ("", "EUR"),
        ("1", "XXX"),
        ("99999999999999999999", "EUR"),
    ] {
        assert!(read(number, code).is_err(), "{number} {code}");
    }
}

fn status_report(group: &str, block: &str, transfers: &str) -> String {
    format!(
        r#"<?xml version="1.0"?><p:Document xmlns:p="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10">
<p:CstmrPmtStsRpt><p:GrpHdr><p:MsgId>S1</p:MsgId><p:CreDtTm>2026-03-03T07:00:00</p:CreDtTm></p:GrpHdr>
<p:OrgnlGrpInfAndSts><p:OrgnlMsgId>m1</p:OrgnlMsgId><p:OrgnlMsgNmId>pain.001.001.09</p:OrgnlMsgNmId>{group}</p:OrgnlGrpInfAndSts>
<p:OrgnlPmtInfAndSts><p:OrgnlPmtInfId>1-m1</p:OrgnlPmtInfId>{block}{transfers}</p:OrgnlPmtInfAndSts>
</p:CstmrPmtStsRpt></p:Document>"#
    )
}

#[test]
fn a_status_report_is_read_at_all_three_levels() {
    let report = status_report(
        "<p:GrpSts>PART</p:GrpSts>",
        "<p:PmtInfSts>ACSP</p:PmtInfSts>",
        "<p:TxInfAndSts><p:OrgnlEndToEndId>a</p:OrgnlEndToEndId><p:TxSts>RJCT</p:TxSts>\
         <p:StsRsnInf><p:Rsn><p:Cd>AC04</p:Cd></p:Rsn><p:AddtlInf>closed &amp; gone</p:AddtlInf></p:StsRsnInf></p:TxInfAndSts>",
    );
    let report = pain002::read(report.as_bytes()).unwrap();
    assert_eq!(
        (report.order.as_str(), report.message.as_str()),
        ("m1", "S1")
    );
    let said: Vec<_> = report
        .verdicts
        .iter()
        .map(|v| (v.subject.clone(), v.rejected()))
        .collect();
    assert_eq!(
        said,
        [
            (Subject::Order, false),
            (Subject::Block("1-m1".to_owned()), false),
            (Subject::Transfer("a".to_owned()), true),
        ]
    );
    assert_eq!(report.verdicts[2].reason, "AC04 closed & gone");
}

fn statement_file(closing: &str, entries: &str) -> String {
    format!(
        r#"<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
<GrpHdr><MsgId>C1</MsgId><CreDtTm>2026-03-04T20:00:00</CreDtTm></GrpHdr>
<Stmt><Id>2026-42</Id><Acct><Id><IBAN>{OURS}</IBAN></Id><Ccy>EUR</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-03-03</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{closing}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><DtTm>2026-03-04T00:00:00</DtTm></Dt></Bal>
{entries}</Stmt></BkToCstmrStmt></Document>"#
    )
}

fn entry(amount: &str, sense: &str, state: &str, details: &str) -> String {
    format!(
        "<Ntry><Amt Ccy=\"EUR\">{amount}</Amt><CdtDbtInd>{sense}</CdtDbtInd><Sts>{state}</Sts>\
         <BookgDt><Dt>2026-03-04</Dt></BookgDt><NtryDtls>{details}</NtryDtls></Ntry>"
    )
}

#[test]
fn a_statement_is_read_in_sums_parts_and_returns() {
    let two = "<TxDtls><Refs><EndToEndId>a</EndToEndId></Refs><Amt Ccy=\"EUR\">10.00</Amt></TxDtls>\
               <TxDtls><Refs><EndToEndId>b</EndToEndId></Refs><AmtDtls><TxAmt><Amt Ccy=\"EUR\">5.00</Amt></TxAmt></AmtDtls></TxDtls>";
    let back = "<TxDtls><Refs><EndToEndId>a</EndToEndId></Refs>\
                <RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf><RmtInf><Ustrd>back</Ustrd></RmtInf></TxDtls>";
    let file = statement_file(
        "89.00",
        &[
            entry("15.00", "DBIT", "<Cd>BOOK</Cd>", two),
            entry("10.00", "CRDT", "BOOK", back),
            entry(
                "6.00",
                "DBIT",
                "BOOK",
                "<Btch><PmtInfId>2-m1</PmtInfId><NbOfTxs>2</NbOfTxs></Btch>",
            ),
            entry("77.00", "DBIT", "PDNG", ""),
        ]
        .concat(),
    );
    let report = camt053::read(file.as_bytes()).unwrap();
    let [statement] = report.statements.as_slice() else {
        panic!("{report:?}")
    };
    assert_eq!((statement.opening, statement.closing), (10_000, 8_900));
    assert_eq!(statement.closed_on, day("2026-03-04"));
    let lines: Vec<_> = statement
        .lines
        .iter()
        .map(|line| {
            (
                line.minor,
                line.reference.as_deref(),
                line.block.as_deref(),
                line.returned.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            (-1_000, Some("a"), None, None),
            (-500, Some("b"), None, None),
            (1_000, Some("a"), None, Some("AC04")),
            (-600, None, Some("2-m1"), None),
        ]
    );
}

#[test]
fn a_statement_that_does_not_add_up_is_refused() {
    let file = statement_file("85.01", &entry("15.00", "DBIT", "BOOK", ""));
    let error = camt053::read(file.as_bytes()).unwrap_err();
    assert!(matches!(error, BankError::Contradiction(_)), "{error}");
    // Parts that do not give the whole are not believed: the entry stays one line without reference.
    let parts = "<TxDtls><Refs><EndToEndId>a</EndToEndId></Refs><Amt Ccy=\"EUR\">1.00</Amt></TxDtls>\
                 <TxDtls><Refs><EndToEndId>b</EndToEndId></Refs><Amt Ccy=\"EUR\">5.00</Amt></TxDtls>";
    let file = statement_file("85.00", &entry("15.00", "DBIT", "BOOK", parts));
    let report = camt053::read(file.as_bytes()).unwrap();
    let lines = &report.statements[0].lines;
    assert_eq!(
        (lines.len(), lines[0].minor, &lines[0].reference),
        (1, -1_500, &None)
    );
}

#[test]
fn a_file_is_the_same_whatever_its_line_ends() {
    let file = statement_file("100.00", "");
    let content = |text: &str| xml::read(text.as_bytes()).unwrap().content();
    for same in [
        file.replace('\n', "\r\n"),
        format!("\u{feff}{file}\n\n"),
        file.replace("<GrpHdr>", "  <GrpHdr>\t"),
    ] {
        assert_eq!(content(&same), content(&file));
    }
    for other in [
        file.replace("2026-42", "2026-43"),
        file.replacen("Ccy=\"EUR\"", "Ccy=\"USD\"", 1),
        file.replace("<Id>2026-42</Id>", "<Id>2026-42</Id><Id/>"),
    ] {
        assert_ne!(content(&other), content(&file));
    }
}

#[test]
fn hostile_and_foreign_files_are_refused() {
    let bomb = "<!DOCTYPE a [<!ENTITY b \"bb\"><!ENTITY c \"&b;&b;\">]><a>&c;</a>";
    let deep = "<a>".repeat(100) + &"</a>".repeat(100);
    for bad in [
        "",
        "no xml",
        "<a>",
        "<a></b>",
        "<a/><a/>",
        "<a>&unknown;</a>",
        bomb,
        deep.as_str(),
    ] {
        assert!(xml::read(bad.as_bytes()).is_err(), "{bad}");
    }
    assert!(xml::read(&[0xff, 0xfe, b'<']).is_err());
    let status = status_report("", "", "");
    let error = camt053::read(status.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("CstmrPmtStsRpt"), "{error}");
    assert!(pain002::read(b"<Document><Other/></Document>").is_err());
}

proptest! {
    #[test]
    fn every_order_that_is_written_reads_back_to_the_cent(
        amounts in prop::collection::vec((0..4usize, 1..100_000_000i64, "\\PC{1,90}"), 1..20),
    ) {
        let currencies = [Currency::EUR, Currency::KWD, Currency::JPY, Currency::USD];
        let ibans = [OURS, "KW81CBKU0000000000001234560101", "GB33BUKB20201555555555"];
        let transfers: Vec<Transfer> = amounts
            .iter()
            .enumerate()
            .map(|(n, (currency, minor, name))| Transfer {
                to: holder(&format!("N{name}"), ibans[n % 3]),
                ..transfer(&format!("r{n}"), OURS, *minor, currencies[*currency])
            })
            .collect();
        let wanted: i128 = transfers.iter().map(|t| i128::from(t.amount.minor)).sum();
        let file = pain001::write(&order(transfers)).unwrap();
        let read = check::read(file.as_bytes()).unwrap();
        let found: i128 = read.references.iter().map(|(_, m)| i128::from(m.minor)).sum();
        prop_assert_eq!(found, wanted);
        let by_block: i128 = read.blocks.iter().filter_map(|(_, _, t)| *t).map(|m| i128::from(m.minor)).sum();
        prop_assert_eq!(by_block, wanted);
    }

    #[test]
    fn nothing_that_comes_in_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = xml::read(&bytes);
    }

    #[test]
    fn broken_statements_are_errors(cut in 0..900usize) {
        let file = statement_file("85.00", &entry("15.00", "DBIT", "BOOK", ""));
        let cut = cut.min(file.len());
        let _ = camt053::read(&file.as_bytes()[..cut]);
        let _ = pain002::read(&file.as_bytes()[..cut]);
    }
}
