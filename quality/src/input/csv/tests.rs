use std::io::Cursor;

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
fn what_cannot_be_read_is_named_by_its_line() {
    let words = |text: &str| match csv(text) {
        Err(AssessError::Refused { message, .. }) => message,
        other => format!("{:?}", other.map(|csv| csv.rows())),
    };
    assert!(words("a,b\n1,2\n1,2,3\n").starts_with("Line 3 has 3 fields"));
    assert!(words("a,a\n").contains("twice"));
    assert!(words("").contains("empty"));
    let bad = Csv::open(Cursor::new(b"a\nx\n\xff\n".to_vec()), None);
    let refused = bad
        .and_then(|mut csv| csv.infer())
        .map_err(|e| e.to_string());
    assert!(refused.is_err_and(|e| e.starts_with("Line 3 is not UTF-8")));
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
