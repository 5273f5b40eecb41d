//! A statement on paper: what its page says, in the same order.

use ledger::money::Money;
use ledger::statement::{Line, PayoutKind, Statement, Status, Why};

use crate::error::Fault;
use crate::flows::paper::{self, COLUMNS, Text};

/// The PDF.
pub(super) fn statement(s: &Statement) -> Result<Vec<u8>, Fault> {
    let head = &s.head;
    let title = format!(
        "Statement {} {} no. {}",
        head.period, head.currency, head.number
    );
    let mut sheet = Sheet {
        s,
        text: Text::default(),
    };
    sheet.head();
    sheet.bridge();
    sheet.payouts();
    for line in &s.lines {
        sheet.line(line);
    }
    for own in &s.commissions {
        let sales = some(own.sales, "sale");
        let what = format!("Your commission on {sales} of {}", own.dataset_title);
        sheet.figure(&what, own.amount);
    }
    for one in &s.claims {
        let what = format!("Claim {} on {}, decided", one.claim, one.dataset_title);
        sheet.figure(&what, one.amount);
    }
    sheet.totals();
    sheet.proof();
    paper::pdf(&title, &format!("{title} · {}", head.id), &sheet.text.lines)
}

/// `1 sale`, `2 sales`.
fn some(count: u64, what: &str) -> String {
    let end = if count == 1 { "" } else { "s" };
    format!("{count} {what}{end}")
}

/// Lines while they are written.
struct Sheet<'a> {
    s: &'a Statement,
    text: Text,
}

impl Sheet<'_> {
    fn money(&self, minor: i64) -> String {
        Money::new(minor, self.s.head.currency).to_string()
    }

    fn figure(&mut self, name: &str, minor: i64) {
        let value = self.money(minor);
        self.text.pair(name, &value);
    }

    fn head(&mut self) {
        let head = &self.s.head;
        let status = match head.status {
            Status::Provisional => "provisional: a later issue may replace it",
            Status::Final => "final",
        };
        self.text
            .say(&format!("STATEMENT {} · {}", head.period, head.payee_name));
        self.text.lines.push(String::new());
        self.text.say(&self.s.answer);
        self.text.lines.push(String::new());
        self.text.pair("Issued by", &head.node);
        self.text.pair(
            "Issued at",
            &head.issued_at.format("%Y-%m-%d %H:%M UTC").to_string(),
        );
        self.text.pair("Statement", &head.id.to_string());
        self.text
            .pair("Number", &format!("{}, {status}", head.number));
        if let Some(old) = head.supersedes {
            self.text.pair("Replaces", &old.to_string());
        }
        self.text.pair("Payee", &head.payee.to_string());
    }

    fn bridge(&mut self) {
        let b = self.s.bridge;
        self.text.section("From opening to closing");
        self.figure("Opening balance", b.opening);
        self.figure("+ earned in the period", b.earned);
        for (name, minor) in [
            ("+ released from reserve", b.released),
            ("− held in reserve", b.held),
            ("+ drawn from reserve", b.drawn),
            ("− paid out", b.paid),
        ] {
            if minor != 0 {
                self.figure(name, minor);
            }
        }
        self.figure("= closing balance", b.closing);
        self.text.pair(
            "carried in, in 1/10^12 of a minor unit",
            &b.carry_opening.to_string(),
        );
        self.text.pair(
            "carried out, in 1/10^12 of a minor unit",
            &b.carry_closing.to_string(),
        );
    }

    fn payouts(&mut self) {
        if self.s.payouts.is_empty() {
            return;
        }
        self.text.section("What was paid");
        for p in &self.s.payouts {
            let way = match p.kind {
                PayoutKind::Paid => "Paid out",
                PayoutKind::Returned => "Came back",
            };
            let reference = p.payout.simple();
            self.figure(&format!("{way}, entry {}, {reference}", p.entry), p.gross);
            self.figure("− withheld as tax", p.withheld);
            self.figure("= transferred", p.net);
        }
    }

    fn line(&mut self, l: &Line) {
        self.text.section(&format!(
            "{}, revision {}, epoch {}",
            l.dataset_title, l.revision_number, l.epoch
        ));
        let quality = l.quality.map_or_else(String::new, |q| {
            format!(" · quality {}.{:02}", q / 100, q % 100)
        });
        self.text.say(&format!(
            "{} · {} kept{quality} · entry {}",
            some(l.sales, "sale"),
            some(l.rows, "row"),
            l.entry
        ));
        self.figure("Sales, gross", l.gross);
        self.figure("− sales tax", l.tax);
        self.figure("− platform fee", l.fee);
        self.figure("− owner's commission", l.commission);
        for refund in &l.refunds {
            self.figure(
                &format!(
                    "− {} of sales in {}, net",
                    some(refund.count, "refund"),
                    refund.period
                ),
                refund.net,
            );
        }
        if let Some(part) = &l.subscriptions {
            self.figure(
                &format!(
                    "+ subscriptions, {} rows taken on {} days",
                    part.used_rows, part.used_days
                ),
                part.by_use,
            );
            self.figure(
                &format!("+ subscriptions, {} days without use", part.unused_days),
                part.by_list_price,
            );
        }
        self.figure("= into the pool", l.pool_delta);
        self.text.pair(
            "Your weight",
            &format!("{} of {}", l.weight, l.weight_total),
        );
        self.text
            .pair("Your share in 1/10^12", &l.share_ppt.to_string());
        self.figure("Your part", l.amount);
        self.text.say(&format!(
            "({} + {} × {}) ÷ 10^12 = {}, rest {}",
            l.carry_before, l.pool_delta, l.share_ppt, l.amount, l.carry_after
        ));
        if let Some(why) = &l.why {
            self.why(why);
        }
        if let Some(p) = &l.previous {
            self.text.say(&format!(
                "In revision {} your share was {} / 10^12.",
                p.revision_number, p.share_ppt
            ));
        }
        self.aside(l);
    }

    /// What is held for claims, and what weighs nothing.
    fn aside(&mut self, l: &Line) {
        for held in &l.held {
            let amount = self.money(held.amount);
            self.text.say(&format!(
                "Held: {amount} for {} of receipt {} that somebody else claims (claim {}), until it \
                 is decided.",
                some(held.rows, "row"),
                held.receipt,
                held.claim
            ));
        }
        for copy in &l.late_copies {
            self.text.say(&format!(
                "Late copies: {} first on receipt {} of {}, weight 0.",
                some(copy.rows, "row"),
                copy.holder_receipt,
                copy.holder_date
            ));
        }
    }

    /// What the weight was made of.
    fn why(&mut self, w: &Why) {
        let percent = |ppm: u64| format!("{}.{:02} %", ppm / 10_000, ppm % 10_000 / 100);
        let mut said = format!(
            "Why: of {} rows weighed {} are held by nobody else",
            w.delivered, w.unique
        );
        for shared in &w.shared {
            said.push_str(&format!(", {} by {} holders", shared.rows, shared.holders));
        }
        said.push_str(&format!(
            "; average quality {}, utility {}.",
            percent(w.quality_ppm),
            percent(w.utility_ppm)
        ));
        self.text.say(&said);
        for lost in &w.losses {
            let points = format!("−{}.{:02}", lost.hundredths / 100, lost.hundredths % 100);
            self.text
                .pair(&format!("  points lost: {}", lost.what), &points);
        }
        self.text.pair("  weighed from", &w.inputs);
    }

    fn totals(&mut self) {
        let f = self.s.footer;
        self.text.section("Control totals");
        self.text.pair("Lines", &f.lines.to_string());
        self.text.pair("Sales", &f.sales.to_string());
        for (name, minor) in [
            ("Gross", f.gross),
            ("Tax", f.tax),
            ("Platform fee", f.fee),
            ("Refunds, net", f.refunds_net),
            ("Subscriptions", f.subscriptions),
            ("Into pools", f.pool_delta),
            ("Your parts", f.amount),
            ("Your commissions", f.own_commission),
        ] {
            self.figure(name, minor);
        }
    }

    fn proof(&mut self) {
        self.text.section("Proof");
        self.text.say(
            "This paper is a rendering. What is signed is the JSON file of the same statement, \
             which holds the paths from its lines to this checkpoint of the journal; \
             granary statement verify checks it offline.",
        );
        if self.text.lines.iter().any(|line| paper::lacks(line)) {
            self.text.say(
                "Some characters above are not in the font of this paper and stand as ?; the JSON \
                 file holds them.",
            );
        }
        self.text.lines.push(String::new());
        for line in self.s.proof.checkpoint.lines() {
            // A signature line is longer than the paper is wide.
            let characters: Vec<char> = line.chars().collect();
            let parts = characters
                .chunks(COLUMNS)
                .map(|part| part.iter().collect::<String>());
            self.text.lines.extend(parts);
        }
    }
}
