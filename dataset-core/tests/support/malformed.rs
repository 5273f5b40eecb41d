//! Malformed Parquet files by the thousand: a valid file with one number, one length or a few
//! bytes changed. Everything follows from a seed, so a failure names the seed that repeats it.

#![allow(dead_code)]

use super::hostile::{
    Chunk, Group, INT64, Node, OPTIONAL, PLAIN, Page, RLE_DICTIONARY, Spec, varint,
};

/// Numbers that repeat for a seed (SplitMix64).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// Numbers at which arithmetic goes wrong.
const EDGES: [i64; 16] = [
    -1,
    0,
    1,
    2,
    127,
    128,
    255,
    65_535,
    65_536,
    16_777_216,
    i32::MAX as i64,
    i32::MAX as i64 + 1,
    u32::MAX as i64,
    u32::MAX as i64 + 1,
    i64::MAX,
    i64::MIN,
];

/// A valid file with everything in it that can lie: two groups, a plain, a dictionary and a
/// nullable column, pages of both versions, statistics.
pub fn rich() -> Spec {
    let mut nullable = Node::leaf("c", INT64);
    nullable.repetition = OPTIONAL;
    let group = || Group {
        rows: 8,
        chunks: vec![plain("a"), dictionary("b"), optional("c")],
    };
    let mut spec = Spec::valid();
    spec.schema = vec![Node::leaf("a", INT64), Node::leaf("b", INT64), nullable];
    spec.root_children = 3;
    spec.rows = 16;
    spec.groups = vec![group(), group()];
    spec
}

fn plain(name: &str) -> Chunk {
    let mut chunk = Chunk::plain(name, 8);
    chunk.pages = vec![
        Page::data(5, PLAIN, vec![1; 40]),
        Page::data(3, PLAIN, vec![2; 24]),
    ];
    chunk.statistics = Some((vec![1; 8], vec![2; 8], 0));
    chunk
}

fn dictionary(name: &str) -> Chunk {
    let mut chunk = Chunk::plain(name, 8);
    // Eight times entry 1, in one run of indices of one bit.
    let run = vec![1, 16, 1];
    chunk.pages = vec![
        Page::dictionary(2, vec![3; 16]),
        Page::data(8, RLE_DICTIONARY, run),
    ];
    chunk
}

fn optional(name: &str) -> Chunk {
    let mut chunk = Chunk::plain(name, 8);
    // Levels: six values, two nulls, in one byte of bits behind the header of a bit-packed run.
    let mut body = vec![3, 0b0011_1111];
    body.extend(vec![4; 48]);
    let mut page = Page::data(8, PLAIN, body);
    page.kind = 3;
    page.v2 = Some((2, 8, 2));
    chunk.pages = vec![page];
    chunk
}

/// The valid file with one thing wrong in what it says about itself.
pub fn lying(seed: u64) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    let mut spec = rich();
    let edge = dice.one(&EDGES);
    let nudge = dice.one(&[-1, 1, 7, edge]);
    let group = dice.below(spec.groups.len());
    let column = dice.below(3);
    let off = |value: i64| {
        if nudge == edge {
            edge
        } else {
            value.wrapping_add(nudge)
        }
    };
    match dice.below(16) {
        0 => spec.rows = off(spec.rows),
        1 => spec.groups[group].rows = off(8),
        2 => spec.root_children = off(3),
        3 => spec.claimed_schema_len = Some(edge as u64),
        4 => spec.schema[column].physical = Some(edge),
        5 => spec.schema[column].repetition = edge,
        6 => spec.schema[column].children = Some(edge),
        7 => spec.schema[column].type_length = Some(edge),
        8 => drop(spec.groups[group].chunks.pop()),
        part => lie_in_chunk(&mut spec.groups[group].chunks[column], part, &mut dice, off),
    }
    spec.build()
}

fn lie_in_chunk(chunk: &mut Chunk, part: usize, dice: &mut Dice, off: impl Fn(i64) -> i64) {
    let whole = chunk.pages_len();
    match part {
        9 => chunk.values = off(8),
        10 => chunk.offset = Some(off(4)),
        11 => chunk.packed = Some(off(whole)),
        12 => chunk.unpacked = Some(off(whole)),
        13 => chunk.codec = off(dice.below(9) as i64),
        _ => {
            let page = dice.below(chunk.pages.len());
            lie_in_page(&mut chunk.pages[page], dice, off);
        }
    }
}

fn lie_in_page(page: &mut Page, dice: &mut Dice, off: impl Fn(i64) -> i64) {
    let length = page.body.len() as i64;
    match dice.below(9) {
        0 => page.values = off(page.values),
        1 => page.encoding = off(page.encoding),
        2 => page.packed = Some(off(length)),
        3 => page.unpacked = Some(off(length)),
        4 => page.kind = off(page.kind),
        5 => page.crc = Some(off(0)),
        6 => page.body = run_of(off(8)),
        7 => page.body.truncate(dice.below(length as usize)),
        _ => page.v2 = Some((off(2), off(8), off(2))),
    }
}

/// A run of indices of this length, whatever the page says.
fn run_of(length: i64) -> Vec<u8> {
    let mut run = vec![1];
    varint(&mut run, (length as u64) << 1);
    run.push(1);
    run
}

/// A file with a few bytes changed, cut, doubled or moved.
pub fn damaged(file: &[u8], seed: u64) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    let mut bytes = file.to_vec();
    for _ in 0..=dice.below(4) {
        if bytes.len() < 16 {
            return bytes;
        }
        // Half of all damage is in the footer, where the numbers are.
        let near_end = dice.below(2) == 0;
        let from = if near_end {
            bytes.len() - bytes.len().min(400)
        } else {
            0
        };
        let at = from + dice.below(bytes.len() - from);
        match dice.below(6) {
            0 => bytes[at] ^= 1 << dice.below(8),
            1 => bytes[at] = dice.next() as u8,
            2 => bytes[at] = dice.one(&[0, 1, 0x7f, 0x80, 0xff]),
            3 => bytes.truncate(at),
            4 => {
                let end = (at + 1 + dice.below(32)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            _ => {
                let end = (at + 1 + dice.below(8)).min(bytes.len());
                bytes.drain(at..end);
            }
        }
    }
    bytes
}
