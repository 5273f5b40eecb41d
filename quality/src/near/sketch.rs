//! Minimum hashes of a row's items, folded into a key per band.

use rayon::prelude::*;

use super::hunt::Hunt;
use super::items::Items;

/// How alike rows must be, and how they are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Least similarity of a pair, parts per million.
    pub threshold_ppm: u32,
    /// Bands; rows that agree in one of them are compared.
    pub bands: usize,
    /// Minimum hashes per band.
    pub rows: usize,
}

impl Settings {
    /// Bands for a threshold: 18 × 7 from .8 on, 20 × 6 below.
    pub fn at(threshold_ppm: u32) -> Self {
        let (bands, rows) = match threshold_ppm {
            800_000.. => (18, 7),
            _ => (20, 6),
        };
        Self {
            threshold_ppm,
            bands,
            rows,
        }
    }
}

/// Rows signed at a time by one thread.
const ROWS_AT_ONCE: usize = 64;

/// Signs rows, batch after batch, in row order.
#[derive(Clone, Debug)]
pub struct Near {
    pub(super) settings: Settings,
    pub(super) rows: Signed,
}

/// What is kept of signed rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Signed {
    /// A key per band and row, row after row.
    pub keys: Vec<u32>,
    /// Equal for rows of equal items.
    pub prints: Vec<u128>,
    /// Number of items, repeats counted; 0: not compared.
    pub sizes: Vec<u32>,
}

impl Near {
    /// Nothing signed yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            rows: Signed::default(),
        }
    }

    /// Signs the next rows; beyond 2³² − 1 rows nothing more is taken.
    pub fn push(&mut self, items: &impl Items) {
        let room = (u32::MAX as usize).saturating_sub(self.rows.sizes.len());
        let count = items.rows().min(room);
        let starts: Vec<usize> = (0..count).step_by(ROWS_AT_ONCE).collect();
        let settings = self.settings;
        let signed: Vec<Signed> = starts
            .par_iter()
            .map_init(
                || Signer::new(settings),
                |signer, &start| {
                    let mut signed = Signed::default();
                    for row in start..(start + ROWS_AT_ONCE).min(count) {
                        signer.sign(items, row, &mut signed);
                    }
                    signed
                },
            )
            .collect();
        for mut part in signed {
            self.rows.keys.append(&mut part.keys);
            self.rows.prints.append(&mut part.prints);
            self.rows.sizes.append(&mut part.sizes);
        }
    }

    /// Looks for candidates among all rows signed.
    pub fn hunt(self) -> Hunt {
        Hunt::new(self)
    }
}

struct Signer {
    settings: Settings,
    places: Vec<u64>,
    scratch: Vec<u8>,
    items: Vec<u128>,
}

const EMPTY: u64 = u64::MAX;

impl Signer {
    fn new(settings: Settings) -> Self {
        Self {
            settings,
            places: vec![EMPTY; settings.bands * settings.rows],
            scratch: Vec::new(),
            items: Vec::new(),
        }
    }

    fn sign(&mut self, items: &impl Items, row: usize, signed: &mut Signed) {
        self.items.clear();
        let print = items.read(row, &mut self.scratch, &mut self.items);
        let size = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
        signed.prints.push(print);
        signed.sizes.push(size);
        if size > 0 {
            self.fill();
        }
        let bands = self.places.chunks(self.settings.rows.max(1));
        signed.keys.extend(bands.map(band_key));
    }

    /// Every item throws a value at one place per round, and the least value
    /// stays; an earlier round wins, so a place is the minimum over a random
    /// sample of all items. Rounds end when no place is empty: after one for
    /// long rows, after about k ln k throws for short ones. The last k rounds
    /// aim at one place each, so that it always ends.
    fn fill(&mut self) {
        let places = self.places.len();
        self.places.fill(EMPTY);
        for round in 0..2 * places as u64 {
            let seed = mix(round.wrapping_add(0x9e37_79b9_7f4a_7c15));
            let aimed = round.checked_sub(places as u64);
            for item in &self.items {
                let thrown = mix(*item as u64 ^ seed);
                let place = match aimed {
                    Some(place) => place as usize,
                    None => (((thrown >> 32) * places as u64) >> 32) as usize,
                };
                let value = (round << 32) | (thrown & 0xffff_ffff);
                if let Some(least) = self.places.get_mut(place) {
                    *least = value.min(*least);
                }
            }
            if self.places.iter().all(|place| *place != EMPTY) {
                break;
            }
        }
    }
}

fn band_key(places: &[u64]) -> u32 {
    let folded = places
        .iter()
        .fold(0u64, |key, place| mix(key.rotate_left(23) ^ place));
    (folded >> 32) as u32
}

/// A bijection of 64 bits that spreads every bit over all (splitmix64).
#[inline]
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
