//! Every limit of the pre-flight, at the limit and one beyond it.

use std::io::Cursor;

use dataset_core::{
    error::Coded,
    preflight::{Limits, Physical, Preflight, Refusal, preflight},
};

use crate::hostile::{
    BOOLEAN, Chunk, FIXED_LEN_BYTE_ARRAY, Group, INT32, Node, OPTIONAL, PLAIN, Page, REPEATED, RLE,
    Spec,
};

const MIB: i64 = 1024 * 1024;

fn check(spec: &Spec) -> Result<Preflight, Refusal> {
    preflight(&mut Cursor::new(spec.build()), &Limits::default())
}

fn code(spec: &Spec) -> &'static str {
    check(spec).map_or_else(|refusal| refusal.code(), |_| "ok")
}

fn changed(change: impl FnOnce(&mut Spec)) -> Spec {
    let mut spec = Spec::valid();
    change(&mut spec);
    spec
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("c{n}")).collect()
}

#[test]
fn the_valid_file_passes() {
    let claims = check(&Spec::valid()).unwrap();
    assert_eq!(claims.rows, 3);
    assert_eq!(claims.columns[0].name, "a");
    assert_eq!(claims.columns[0].physical, Physical::Int64);
    assert!(!claims.columns[0].nullable);
    assert_eq!(claims.unpacked_len, 24);
}

#[test]
fn footer_length() {
    let padded = |footer_padding| changed(|spec| spec.footer_padding = footer_padding);
    let some = padded(1024 * 1024);
    let rest = footer_len(&some) - 1024 * 1024;
    let limit = 16 * 1024 * 1024;
    // The padding's own length takes four bytes from 2 MiB on, three before.
    let at_limit = padded(limit - rest - 1);
    assert_eq!(footer_len(&at_limit), limit);
    assert_eq!(code(&at_limit), "ok");
    assert_eq!(code(&padded(limit - rest)), "parquet_footer_too_large");
    // A length that only claims to be large is refused without being believed.
    let mut bytes = Spec::valid().build();
    let at = bytes.len() - 8;
    bytes[at..at + 4].copy_from_slice(&1_000_000u32.to_le_bytes());
    let refusal = preflight(&mut Cursor::new(bytes), &Limits::default()).unwrap_err();
    assert_eq!(refusal.code(), "parquet_truncated");
}

fn footer_len(spec: &Spec) -> usize {
    let bytes = spec.build();
    let tail = bytes.len() - 8;
    u32::from_le_bytes(bytes[tail..tail + 4].try_into().unwrap()) as usize
}

#[test]
fn depth() {
    let nested = |depth: usize| {
        changed(|spec| {
            let leaf = spec.schema.remove(0);
            spec.schema = (1..depth).map(|_| Node::group("g", 1)).collect();
            spec.schema.push(leaf);
        })
    };
    assert_eq!(code(&nested(1)), "ok");
    // Nested files pass this limit and are refused for being nested.
    assert_eq!(code(&nested(32)), "unsupported_column_type");
    assert_eq!(code(&nested(33)), "parquet_too_deep");
}

#[test]
fn number_of_columns() {
    assert_eq!(code(&Spec::of_names(&names(2_000))), "ok");
    assert_eq!(
        code(&Spec::of_names(&names(2_001))),
        "parquet_too_many_columns"
    );
}

#[test]
fn names_of_columns() {
    let named = |name: &str| code(&Spec::of_names(&[name.to_owned()]));
    assert_eq!(named(&"n".repeat(256)), "ok");
    assert_eq!(named(&"n".repeat(257)), "parquet_bad_name");
    assert_eq!(named(""), "parquet_bad_name");
    assert_eq!(named("a\u{7f}b"), "parquet_bad_name");
    assert_eq!(named("größe"), "ok");
    let twice = Spec::of_names(&["a".to_owned(), "a".to_owned()]);
    assert_eq!(code(&twice), "parquet_bad_name");
}

#[test]
fn number_of_row_groups() {
    let groups = |count: usize| {
        changed(|spec| {
            let group = Group {
                rows: 1,
                chunks: vec![Chunk::plain("a", 1)],
            };
            spec.groups = vec![group; count];
            spec.rows = count as i64;
        })
    };
    assert_eq!(code(&groups(10_000)), "ok");
    assert_eq!(code(&groups(10_001)), "parquet_too_many_row_groups");
}

#[test]
fn ranges_inside_the_data() {
    let moved = |offset, packed| {
        changed(|spec| {
            let chunk = &mut spec.groups[0].chunks[0];
            chunk.offset = offset;
            chunk.packed = packed;
        })
    };
    let length = Chunk::plain("a", 3).pages_len();
    assert_eq!(code(&moved(Some(4), Some(length))), "ok");
    for (offset, packed) in [
        (Some(3), None),
        (Some(5), None),
        (None, Some(length + 1)),
        (None, Some(length - 1)),
        (Some(-1), None),
        (None, Some(-1)),
        (Some(i64::MAX), Some(i64::MAX)),
    ] {
        assert_eq!(
            code(&moved(offset, packed)),
            "parquet_range",
            "{offset:?} {packed:?}"
        );
    }
}

#[test]
fn ranges_side_by_side() {
    let second_at = |shift: i64| {
        let mut spec = Spec::of_names(&names(2));
        let length = spec.groups[0].chunks[0].pages_len();
        spec.groups[0].chunks[1].offset = Some(4 + length - shift);
        spec
    };
    assert_eq!(code(&second_at(0)), "ok");
    assert_eq!(code(&second_at(1)), "parquet_overlap");
}

/// A page of 100 KiB with these claims, so that the ratio allows 100 MB.
fn with_page(change: impl FnOnce(&mut Page)) -> Spec {
    changed(|spec| {
        spec.rows = 12_800;
        spec.groups[0].rows = 12_800;
        spec.groups[0].chunks[0] = Chunk::plain("a", 12_800);
        let chunk = &mut spec.groups[0].chunks[0];
        change(&mut chunk.pages[0]);
        // What the footer says is of no interest here.
        chunk.unpacked = Some(1);
    })
}

#[test]
fn length_of_a_page() {
    let unpacked = |length| with_page(|page| page.unpacked = Some(length));
    assert_eq!(code(&unpacked(64 * MIB)), "ok");
    assert_eq!(code(&unpacked(64 * MIB + 1)), "parquet_page_too_large");
    assert_eq!(code(&unpacked(i64::MAX)), "parquet_page_too_large");
    assert_eq!(code(&unpacked(-1)), "parquet_corrupt");
    let packed = |length| with_page(|page| page.packed = Some(length));
    assert_eq!(code(&packed(64 * MIB)), "parquet_range");
    assert_eq!(code(&packed(64 * MIB + 1)), "parquet_page_too_large");
}

/// A column of bits, in pages of these numbers of values.
fn bits(pages: &[i64]) -> Spec {
    changed(|spec| {
        let rows = pages.iter().sum();
        spec.schema[0] = Node::leaf("a", BOOLEAN);
        spec.rows = rows;
        spec.groups[0].rows = rows;
        let chunk = &mut spec.groups[0].chunks[0];
        chunk.physical = BOOLEAN;
        chunk.values = rows;
        chunk.pages = pages
            .iter()
            .map(|values| Page::data(*values, RLE, vec![0; 8]))
            .collect();
    })
}

#[test]
fn number_of_values_in_a_page() {
    assert_eq!(code(&bits(&[128 * MIB])), "ok");
    assert_eq!(code(&bits(&[128 * MIB + 1])), "parquet_page_too_large");
    assert_eq!(code(&bits(&[-1, 4])), "parquet_corrupt");
}

#[test]
fn number_of_rows() {
    let mut pages = vec![128 * MIB; 32];
    pages[0] -= 1;
    let at_limit = check(&bits(&pages)).unwrap();
    assert_eq!(at_limit.rows, u64::from(u32::MAX));
    pages[0] += 1;
    assert_eq!(code(&bits(&pages)), "parquet_too_many_rows");
    assert_eq!(
        code(&changed(|spec| spec.rows = i64::MAX)),
        "parquet_too_many_rows"
    );
    assert_eq!(code(&changed(|spec| spec.rows = -1)), "parquet_corrupt");
}

#[test]
fn unpacked_against_the_size_of_the_file() {
    // In the footer …
    let claimed = |unpacked| changed(|spec| spec.groups[0].chunks[0].unpacked = Some(unpacked));
    let length = claimed(1_000_000).build().len() as i64;
    assert_eq!(claimed(1000 * length).build().len() as i64, length);
    assert_eq!(code(&claimed(1000 * length)), "ok");
    assert_eq!(code(&claimed(1000 * length + 1)), "parquet_ratio");
    // … and in the page headers, whatever the footer says.
    let real = |unpacked| {
        changed(|spec| {
            spec.groups[0].chunks[0].unpacked = Some(1);
            spec.groups[0].chunks[0].pages[0].unpacked = Some(unpacked);
        })
    };
    let length = real(100_000).build().len() as i64;
    assert_eq!(code(&real(1000 * length)), "ok");
    assert_eq!(code(&real(1000 * length + 1)), "parquet_ratio");
}

#[test]
fn decoded_length_at_least() {
    let width = 160;
    // 2^27 rows of 160 bytes are 20 GiB.
    let fixed = |rows: i64| {
        changed(|spec| {
            spec.schema[0] = Node::leaf("a", FIXED_LEN_BYTE_ARRAY);
            spec.schema[0].type_length = Some(width);
            spec.rows = rows;
            spec.groups[0].rows = rows;
            let chunk = &mut spec.groups[0].chunks[0];
            chunk.physical = FIXED_LEN_BYTE_ARRAY;
            chunk.values = rows;
            chunk.pages = [rows - MIB, MIB]
                .map(|values| Page::data(values, PLAIN, vec![0; 8]))
                .to_vec();
        })
    };
    assert_eq!(code(&fixed(128 * MIB)), "ok");
    assert_eq!(code(&fixed(128 * MIB + 1)), "parquet_decoded_too_large");
}

#[test]
fn rows_agree_in_page_chunk_group_and_file() {
    type Change = fn(&mut Spec);
    let changes: [Change; 4] = [
        |spec| spec.rows = 4,
        |spec| spec.groups[0].rows = 4,
        |spec| spec.groups[0].chunks[0].values = 4,
        |spec| spec.groups[0].chunks[0].pages[0].values = 4,
    ];
    for (index, change) in changes.into_iter().enumerate() {
        assert_eq!(
            code(&changed(change)),
            "parquet_row_count_mismatch",
            "change {index}"
        );
    }
    // All of them changed in the same way agree; the decoder will find out.
    let all = changed(|spec| changes.into_iter().for_each(|change| change(spec)));
    assert_eq!(code(&all), "ok");
}

#[test]
fn pages_of_version_2_agree_with_themselves() {
    let v2 = |nulls, rows, levels| {
        changed(|spec| {
            let page = &mut spec.groups[0].chunks[0].pages[0];
            page.kind = 3;
            page.v2 = Some((nulls, rows, levels));
        })
    };
    assert_eq!(code(&v2(0, 3, 0)), "ok");
    assert_eq!(code(&v2(3, 3, 24)), "ok");
    assert_eq!(code(&v2(4, 3, 0)), "parquet_corrupt");
    assert_eq!(code(&v2(0, 3, 25)), "parquet_corrupt");
    assert_eq!(code(&v2(0, 3, -1)), "parquet_corrupt");
    assert_eq!(code(&v2(0, 2, 0)), "parquet_row_count_mismatch");
}

#[test]
fn encryption_and_other_files_are_refused() {
    assert_eq!(
        code(&changed(|spec| spec.encrypted = true)),
        "parquet_encrypted"
    );
    let column = changed(|spec| spec.groups[0].chunks[0].encrypted = true);
    assert_eq!(code(&column), "parquet_encrypted");
    let mut bytes = Spec::valid().build();
    let end = bytes.len() - 1;
    bytes[end] = b'E';
    let refusal = preflight(&mut Cursor::new(bytes), &Limits::default()).unwrap_err();
    assert_eq!(refusal.code(), "parquet_encrypted");
    let mut empty_path = Spec::valid();
    empty_path.groups[0].chunks[0].file_path = Some(String::new());
    assert_eq!(code(&empty_path), "parquet_external_path");
}

#[test]
fn schemas_that_contradict_themselves_are_refused() {
    type Change = fn(&mut Spec);
    let table: [(Change, &str); 9] = [
        (|spec| spec.root_children = 2, "parquet_corrupt"),
        (|spec| spec.root_children = 0, "parquet_corrupt"),
        (|spec| spec.root_children = -1, "parquet_corrupt"),
        (
            |spec| spec.schema[0].physical = Some(INT32),
            "parquet_corrupt",
        ),
        (|spec| spec.schema[0].physical = Some(8), "parquet_corrupt"),
        (
            |spec| spec.schema[0].children = Some(i32::MAX.into()),
            "parquet_corrupt",
        ),
        (
            |spec| spec.schema[0].repetition = REPEATED,
            "unsupported_column_type",
        ),
        (
            |spec| spec.groups[0].chunks[0].name = "b".into(),
            "parquet_corrupt",
        ),
        (|spec| spec.groups[0].chunks.clear(), "parquet_corrupt"),
    ];
    for (index, (change, expected)) in table.into_iter().enumerate() {
        assert_eq!(code(&changed(change)), expected, "change {index}");
    }
    let optional = changed(|spec| spec.schema[0].repetition = OPTIONAL);
    assert!(check(&optional).unwrap().columns[0].nullable);
}

#[test]
fn dictionaries_come_first_and_fit_their_page() {
    let with = |pages: Vec<Page>| changed(|spec| spec.groups[0].chunks[0].pages = pages);
    let data = || Page::data(3, PLAIN, vec![0; 24]);
    let dictionary = |values| Page::dictionary(values, vec![0; 8]);
    assert_eq!(code(&with(vec![dictionary(8), data()])), "ok");
    assert_eq!(code(&with(vec![dictionary(9), data()])), "parquet_corrupt");
    assert_eq!(code(&with(vec![data(), dictionary(1)])), "parquet_corrupt");
    let twice = with(vec![dictionary(1), dictionary(1), data()]);
    assert_eq!(code(&twice), "parquet_corrupt");
    // Pages that hold nothing cost time too.
    let empty = |count: usize| {
        let mut pages = vec![Page::data(0, PLAIN, Vec::new()); count];
        pages.push(data());
        code(&with(pages))
    };
    assert_eq!(empty(3 + 16 - 1), "ok");
    assert_eq!(empty(3 + 16), "parquet_corrupt");
}

#[test]
fn no_prefix_and_no_flipped_byte_panics() {
    let bytes = Spec::of_names(&names(3)).build();
    for end in 0..bytes.len() {
        assert!(preflight(&mut Cursor::new(&bytes[..end]), &Limits::default()).is_err());
    }
    let mut passed = 0;
    for at in 0..bytes.len() {
        for value in [0x00, 0x19, 0x7f, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[at] = value;
            passed += usize::from(preflight(&mut Cursor::new(changed), &Limits::default()).is_ok());
        }
    }
    // Changed values of the columns are none of its business.
    assert!(passed >= 3 * 24 * 4);
}
