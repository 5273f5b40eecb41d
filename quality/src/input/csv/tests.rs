use std::io::Cursor;

use arrow::array::AsArray;

use super::*;

fn csv(text: &str) -> Result<Csv<Cursor<Vec<u8>>>, AssessError> {
    let mut csv = Csv::open(Cursor::new(text.as_bytes().to_vec()), None)?;
    csv.infer()?;
    Ok(csv)
}

fn kinds(text: &str) -> Vec<String> {
    let csv = csv(text).expect("readable");
    let kinds = csv.kinds().expect("inferred").iter();
    kinds.map(ToString::to_string).collect()
}

#[test]
fn types_are_found_without_loss() {
    let text = "zip,n,x,when,day,ok,mixed,gaps\n\
                01234,1,0.5,2020-01-01T00:00:00Z,2020-01-01,true,1,NA\n\
                99999,-2,1e3,2020-01-01 10:00,2020-02-01,FALSE,x,-\n\
                00001,,3,,,,,4\n";
    let expected = [
        "string",
        "int64",
        "float64",
        "timestamp",
        "date",
        "bool",
        "string",
        "int64",
    ];
    assert_eq!(kinds(text), expected);
}

#[test]
fn every_delimiter_quote_and_mark_is_understood() {
    for (text, delimiter) in [
        ("a,b\n1,\"x;y\"\n", b','),
        ("\u{feff}a;b\r\n1;\"x,y\"\r\n", b';'),
        ("a\tb\n1\tx,y\n", b'\t'),
        ("a|b\n1|\"x\n\"\"y\"\"\"\n", b'|'),
    ] {
        let mut csv = csv(text).expect("readable");
        assert_eq!(csv.delimiter(), delimiter);
        assert_eq!(csv.rows(), Some(1));
        let batch = csv.next_batch().expect("readable").expect("one row");
        assert_eq!(csv.schema().field(0).name(), "a");
        assert_eq!(batch.num_rows(), 1);
        assert!(csv.next_batch().expect("the end").is_none());
        csv.rewind().expect("seekable");
        assert!(csv.next_batch().expect("readable").is_some());
    }
}

#[test]
fn rows_of_another_length_and_foreign_bytes_are_read_and_named() {
    let text = b"n,t\n1,a\n2\n3,c,d\n4,caf\xe9\nx,\xff,y\n5,e\n".to_vec();
    let mut csv = Csv::open(Cursor::new(text), None).expect("a header");
    csv.infer().expect("readable");
    // Rows of another length do not say what a column is.
    assert_eq!(csv.kinds().map(|kinds| kinds[0]), Some(ColumnType::Int64));
    assert_eq!(csv.encoding().as_deref(), Some("UTF-8"));
    for _ in 0..2 {
        let batch = csv.next_batch().expect("readable").expect("rows");
        assert_eq!(batch.num_rows(), 6);
        let texts = batch.column(1).as_string_view();
        let cells: Vec<&str> = texts.iter().flatten().collect();
        assert_eq!(cells, ["a", "", "c", "caf\u{fffd}", "\u{fffd}", "e"]);
        let fault = |rule, rows: &[u32]| Fault {
            rule,
            rows: rows.to_vec(),
        };
        let expected = [
            fault("too_few_fields", &[1]),
            fault("too_many_fields", &[2, 4]),
            fault("not_utf8", &[3, 4]),
        ];
        assert_eq!(csv.faults(), expected);
        assert_eq!(csv.encoding().as_deref(), Some("UTF-8, but not in 2 rows"));
        csv.rewind().expect("seekable");
        assert_eq!(csv.faults(), []);
    }
}

#[test]
fn what_cannot_be_read_is_refused_in_words() {
    let words = |text: &str| match csv(text) {
        Err(AssessError::Refused { message, .. }) => message,
        other => format!("{:?}", other.map(|csv| csv.rows())),
    };
    assert!(words("a,a\n").contains("twice"));
    assert!(words("").contains("empty"));
    let wide = Csv::open(Cursor::new(b"\xff\xfea\0".to_vec()), None);
    assert!(wide.is_err_and(|e| e.to_string().contains("UTF-16")));
}

#[test]
fn a_missing_quote_does_not_eat_memory_without_end() {
    let mut text = b"a\n\"".to_vec();
    text.resize(RECORD_BYTES + PIECE, b'x');
    let refused = Csv::open(Cursor::new(text), Some(b',')).and_then(|mut csv| csv.infer());
    assert!(refused.is_err_and(|e| e.to_string().contains("quotation mark")));
}
