//! The accountant's own tools read a contributor's statement: hledger, ledger, beancount,
//! pyarrow and a PDF reader find the same cents, in currencies of 0, 2 and 3 decimals.

use std::path::{Path, PathBuf};
use std::process::Command;

use ledger::money::Money;
use ledger::statement::Statement;
use schema::wire::*;

use crate::support::outside::{program, python, run};
use crate::support::{Database, Person, TestApp, app, readings};

const CURRENCIES: [&str; 3] = ["EUR", "JPY", "KWD"];

#[test]
fn other_programs_read_a_statement() {
    app::run(Database::sqlite(), async |app| {
        let people = market_in_three_currencies(app).await;
        for who in &people {
            let statements = who.client.statements().await.unwrap();
            assert_eq!(statements.len(), 3, "{statements:?}");
            for statement in statements {
                let files = Files::take(app, who, &statement).await;
                files.plain_text_accounting();
                files.beancount();
                files.table();
                files.paper(&people, who);
            }
        }
    });
}

/// Two contributors share a dataset that is sold in every currency, with a part given back.
async fn market_in_three_currencies(app: &TestApp) -> Vec<Person> {
    let operator = app.operator().await;
    let owner = app.party("owner").await;
    let buyer = app.party("buyer").await;
    let people = vec![app.party("theodora").await, app.party("wendelin").await];
    for (n, currency) in (0i64..).zip(CURRENCIES) {
        let new = NewDataset {
            title: format!("Tides; \"deep\" | {currency}"),
            description: "Hourly readings".to_owned(),
            slug: None,
            contract: Some(crate::support::files::contract()),
            admission: Some(Admission::Open),
            commission_bps: 0,
        };
        let dataset = owner.client.create_dataset(&new).await.unwrap();
        for (m, who) in (0i64..).zip(&people) {
            let first = n * 1_000 + m * 100;
            let rows = readings(first..first + 50 + 13 * m);
            app.contribute(who, &dataset, &rows).await;
        }
        app.publish(&owner, &dataset).await;
        let amount = |minor| Amount {
            minor,
            currency: currency.to_owned(),
        };
        let offer = NewOffer {
            price: amount(19_999),
            template: Some("commercial_internal".to_owned()),
            terms: None,
            dry_run: false,
        };
        let made = owner.client.offer(dataset.id, &offer).await.unwrap();
        let offer = made.offer.unwrap();
        let top_up = NewTopUp {
            party: "buyer".to_owned(),
            amount: amount(100_000),
            reference: "t".to_owned(),
        };
        operator.client.top_up(currency, &top_up).await.unwrap();
        let bought = buyer.buys(&offer).await;
        buyer.buys(&offer).await;
        let back = NewRefund {
            amount: amount(4_321),
            reason: "a part".to_owned(),
        };
        let key = format!("r{n}");
        owner.client.refund(bought.id, &key, &back).await.unwrap();
    }
    let settle = NewSettlement::default();
    operator.client.settle("s", &settle).await.unwrap();
    people
}

struct Files {
    statement: Statement,
    folder: PathBuf,
}

impl Files {
    async fn take(app: &TestApp, who: &Person, of: &StatementView) -> Self {
        let folder = app.desk(&of.id.to_string());
        std::fs::create_dir(&folder).unwrap();
        let document = who.client.statement_document(of.id).await.unwrap();
        for ending in ["csv", "parquet", "hledger", "beancount", "pdf"] {
            let bytes = who.client.statement_file(of.id, ending).await.unwrap();
            std::fs::write(folder.join(ending), bytes).unwrap();
        }
        Self {
            statement: Statement::read(document.as_bytes()).unwrap(),
            folder,
        }
    }

    fn file(&self, ending: &str) -> PathBuf {
        self.folder.join(ending)
    }

    fn money(&self, minor: i64) -> String {
        Money::new(minor, self.statement.head.currency).to_string()
    }

    /// The file with one unit more in its closing balance.
    fn wrong(&self, ending: &str) -> PathBuf {
        let money = |minor| Money::new(minor, self.statement.head.currency).decimal();
        let closing = self.statement.bridge.closing;
        let text = std::fs::read_to_string(self.file(ending)).unwrap();
        let (start, end) = text.rsplit_once(&money(closing)).unwrap();
        let path = self.file(&format!("wrong.{ending}"));
        std::fs::write(&path, format!("{start}{}{end}", money(closing + 1))).unwrap();
        path
    }

    fn plain_text_accounting(&self) {
        let (right, wrong) = (self.file("hledger"), self.wrong("hledger"));
        if program("hledger", "apt-get install hledger").is_some() {
            let hledger = |file: &Path, checks: &[&str]| {
                let mut command = Command::new("hledger");
                command.arg("-f").arg(file).arg("check").args(checks);
                command
            };
            run(&mut hledger(&right, &["--strict"]));
            run(&mut hledger(
                &right,
                &["ordereddates", "balancednoautoconversion"],
            ));
            refuses(&mut hledger(&wrong, &["--strict"]));
        }
        if program("ledger", "apt-get install ledger").is_some() {
            let ledger = |file: &Path| {
                let mut command = Command::new("ledger");
                command.arg("-f").arg(file).args(["--strict", "--pedantic"]);
                command.args(["balance", "Available"]);
                command
            };
            let balance = run(&mut ledger(&right));
            assert!(
                balance.contains(&self.money(self.statement.bridge.closing)),
                "{balance}"
            );
            refuses(&mut ledger(&wrong));
        }
    }

    fn beancount(&self) {
        if program("bean-check", "apt-get install beancount").is_some() {
            run(Command::new("bean-check").arg(self.file("beancount")));
            refuses(Command::new("bean-check").arg(self.wrong("beancount")));
        }
    }

    /// pyarrow reads both tables: the same rows, the amounts as 64-bit integers.
    fn table(&self) {
        const READ: &str = "import sys, pyarrow as pa, pyarrow.csv as c, pyarrow.parquet as p\n\
            t, u = p.read_table(sys.argv[2]), c.read_csv(sys.argv[1])\n\
            assert sorted(t.column_names) == sorted(u.column_names), t.column_names\n\
            assert t.schema.field('amount').type == pa.int64()\n\
            assert t.column('amount').to_pylist() == u.column('amount').to_pylist()\n\
            assert t.column('pool_delta').to_pylist() == u.column('pool_delta').to_pylist()\n\
            print(t.num_rows, sum(t.column('amount').to_pylist()), t.column('exponent')[0])";
        if let Some(python) = python("pyarrow", "pip install pyarrow") {
            let mut command = Command::new(python);
            command
                .args(["-c", READ])
                .arg(self.file("csv"))
                .arg(self.file("parquet"));
            let s = &self.statement;
            let expected = format!("{} {} {}", s.lines.len(), s.bridge.earned, s.exponent);
            assert_eq!(run(&mut command).trim(), expected);
        }
    }

    /// The PDF is sound, says the totals, and names nobody else.
    fn paper(&self, people: &[Person], who: &Person) {
        if program("qpdf", "apt-get install qpdf").is_some() {
            run(Command::new("qpdf").arg("--check").arg(self.file("pdf")));
        }
        if program("pdftotext", "apt-get install poppler-utils").is_none() {
            return;
        }
        let mut command = Command::new("pdftotext");
        let text = run(command.arg("-layout").arg(self.file("pdf")).arg("-"));
        let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = plain(&text);
        let s = &self.statement;
        for (name, minor) in [
            ("Opening balance", s.bridge.opening),
            ("+ earned in the period", s.bridge.earned),
            ("= closing balance", s.bridge.closing),
            ("Into pools", s.footer.pool_delta),
            ("Your parts", s.footer.amount),
        ] {
            let words = format!("{name} {}", self.money(minor));
            assert!(text.contains(&words), "{words:?} is not in\n{text}");
        }
        assert!(text.contains(&plain(&s.answer)), "{text}");
        for other in people.iter().filter(|other| other.id != who.id) {
            for word in [&other.handle, &other.id.to_string()] {
                assert!(!text.contains(word.as_str()), "{word} in\n{text}");
            }
        }
    }
}

fn refuses(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        !output.status.success(),
        "{command:?} accepted a wrong balance"
    );
}
