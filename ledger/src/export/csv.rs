//! A statement's lines as CSV (RFC 4180): one row per line, commission and decided claim,
//! amounts in integer minor units. A rendering: only the JSON is signed.

use crate::statement::Statement;

const HEADER: &str = "kind,statement,period,currency,exponent,dataset,dataset_title,revision,\
revision_number,epoch,sales,gross,tax,fee,commission,refunds_net,subscriptions,pool_delta,weight,\
weight_total,share_ppt,quality,rows,amount,carry_before,carry_after,entry\r\n";

/// Renders the statement; rows end in CRLF.
pub fn statement(statement: &Statement) -> String {
    let head = &statement.head;
    let mut out = HEADER.to_string();
    let start = format!(
        "{},{},{},{}",
        head.id, head.period, head.currency, statement.exponent
    );
    for line in &statement.lines {
        let refunds: i128 = line.refunds.iter().map(|r| i128::from(r.net)).sum();
        let income = line.subscriptions.map_or(0, |part| part.amount());
        let quality = line.quality.map(|q| q.to_string()).unwrap_or_default();
        let fields: [&dyn std::fmt::Display; 22] = [
            &line.dataset,
            &text(&line.dataset_title),
            &line.revision,
            &line.revision_number,
            &line.epoch,
            &line.sales,
            &line.gross,
            &line.tax,
            &line.fee,
            &line.commission,
            &refunds,
            &income,
            &line.pool_delta,
            &line.weight,
            &line.weight_total,
            &line.share_ppt,
            &quality,
            &line.rows,
            &line.amount,
            &line.carry_before,
            &line.carry_after,
            &line.entry,
        ];
        push(&mut out, &format!("line,{start}"), &fields);
    }
    let commissions = statement.commissions.iter().map(|own| Other {
        kind: "commission",
        dataset: own.dataset,
        title: &own.dataset_title,
        sales: own.sales.to_string(),
        amount: own.amount,
        entry: String::new(),
    });
    let claims = statement.claims.iter().map(|one| Other {
        kind: "claim",
        dataset: one.dataset,
        title: &one.dataset_title,
        sales: String::new(),
        amount: one.amount,
        entry: one.entry.to_string(),
    });
    for own in commissions.chain(claims) {
        own.push(&mut out, &start);
    }
    out
}

/// A row that is no settled pool.
struct Other<'a> {
    kind: &'static str,
    dataset: uuid::Uuid,
    title: &'a str,
    sales: String,
    amount: i64,
    entry: String,
}

impl Other<'_> {
    fn push(&self, out: &mut String, start: &str) {
        let title = text(self.title);
        let none: &dyn std::fmt::Display = &"";
        let mut fields = [none; 22];
        fields[0] = &self.dataset;
        fields[1] = &title;
        fields[5] = &self.sales;
        fields[18] = &self.amount;
        fields[21] = &self.entry;
        push(out, &format!("{},{start}", self.kind), &fields);
    }
}

fn push(out: &mut String, start: &str, fields: &[&dyn std::fmt::Display]) {
    out.push_str(start);
    for field in fields {
        out.push(',');
        out.push_str(&field.to_string());
    }
    out.push_str("\r\n");
}

/// Quotes a text. A leading formula sign gets an apostrophe, because titles are
/// written by others and spreadsheets would run them.
fn text(value: &str) -> String {
    let formula = value.starts_with(['=', '+', '-', '@', '\t', '\r']);
    format!(
        "\"{}{}\"",
        if formula { "'" } else { "" },
        value.replace('"', "\"\"")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_cannot_break_or_run() {
        assert_eq!(text("a \"b\", c"), "\"a \"\"b\"\", c\"");
        assert_eq!(text("=1+1"), "\"'=1+1\"");
    }

    #[test]
    fn every_row_has_every_column() {
        let statement = crate::statement::tests::inputs().build().unwrap();
        let csv = super::statement(&statement);
        let columns = HEADER.split(',').count();
        let rows: Vec<&str> = csv.split_terminator("\r\n").collect();
        assert_eq!(rows.len(), 4);
        assert!(
            rows.iter().all(|r| r.split(',').count() == columns),
            "{csv}"
        );
        assert!(rows[2].contains(",-120,"), "{csv}");
        assert!(
            rows[3].starts_with("commission,") && rows[3].contains(",\"Own\",,,,1,"),
            "{csv}"
        );
    }
}
