//! Pages of lists. Identifiers are ordered by time (UUIDv7), so the cursor is the last one seen.

use schema::wire::{Page, PageQuery};
use uuid::Uuid;

use crate::error::{Fault, Kind};

/// Items on a page when the caller does not say.
const USUAL: u16 = 50;
/// Most items on a page.
const MOST: u16 = 200;

/// Which part of a list is wanted: newest first, strictly older than `before`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Identifiers on the page are smaller; the first page starts above all.
    pub before: Uuid,
    limit: u16,
}

impl Window {
    /// Reads a query.
    ///
    /// # Errors
    /// [`Kind::Malformed`] for a limit outside 1 to 200 or a cursor that was not given by us.
    pub fn of(query: &PageQuery) -> Result<Self, Fault> {
        let limit = query.limit.unwrap_or(USUAL);
        if !(1..=MOST).contains(&limit) {
            let words = format!("`limit` is {limit}; ask for 1 to {MOST} items.");
            return Err(Fault::new(Kind::Malformed, "bad_page", words).about("limit"));
        }
        let before = match &query.cursor {
            None => Uuid::max(),
            Some(text) => Uuid::try_parse(text).map_err(|_| {
                let words = "`cursor` is not one this node gave; start again without it.";
                Fault::new(Kind::Malformed, "bad_page", words).about("cursor")
            })?,
        };
        Ok(Self { before, limit })
    }

    /// Rows to fetch: one more than wanted tells whether there is a next page.
    #[must_use]
    pub fn fetch(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// Makes the page of the fetched rows.
    pub fn page<R, T>(
        &self,
        mut rows: Vec<R>,
        id: impl Fn(&R) -> Uuid,
        view: impl FnMut(R) -> T,
    ) -> Page<T> {
        let more = rows.len() > usize::from(self.limit);
        rows.truncate(usize::from(self.limit));
        let next = rows.last().filter(|_| more).map(|row| id(row).to_string());
        Page {
            items: rows.into_iter().map(view).collect(),
            next,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(cursor: Option<&str>, limit: Option<u16>) -> PageQuery {
        PageQuery {
            cursor: cursor.map(str::to_owned),
            limit,
        }
    }

    #[test]
    fn limits_and_one_beyond() {
        for good in [1, MOST] {
            assert_eq!(
                Window::of(&query(None, Some(good))).unwrap().fetch(),
                i64::from(good) + 1
            );
        }
        for bad in [0, MOST + 1] {
            assert_eq!(
                Window::of(&query(None, Some(bad))).unwrap_err().kind,
                Kind::Malformed
            );
        }
        assert_eq!(
            Window::of(&query(Some("x"), None))
                .unwrap_err()
                .clause
                .as_deref(),
            Some("cursor")
        );
    }

    #[test]
    fn walking_the_pages_meets_every_row_once() {
        let all: Vec<Uuid> = (1..=7).rev().map(Uuid::from_u128).collect();
        for limit in 1..=8 {
            let (mut met, mut cursor) = (Vec::new(), None);
            loop {
                let window = Window::of(&query(cursor.as_deref(), Some(limit))).unwrap();
                let rows: Vec<Uuid> = all
                    .iter()
                    .copied()
                    .filter(|id| *id < window.before)
                    .take(window.fetch() as usize)
                    .collect();
                let page = window.page(rows, |id| *id, |id| id);
                met.extend(page.items);
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(met, all, "limit {limit}");
        }
    }
}
