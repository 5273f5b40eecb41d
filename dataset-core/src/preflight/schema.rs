//! The schema: a tree of columns, of which only flat ones pass.

use std::collections::HashSet;

use super::{
    Limits, Refusal,
    footer::{corrupt, count},
    thrift::{Reader, wire},
};

/// How the values of a column are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Physical {
    /// One bit.
    Boolean,
    /// Four bytes.
    Int32,
    /// Eight bytes.
    Int64,
    /// Twelve bytes, an old form of time.
    Int96,
    /// Four bytes.
    Float,
    /// Eight bytes.
    Double,
    /// Bytes of any number.
    ByteArray,
    /// Bytes of one number.
    FixedLenByteArray(u32),
}

/// The longest value of a fixed-length column, in bytes.
const MAX_FIXED_LEN: i64 = 64 * 1024;

impl Physical {
    fn new(code: i64, length: Option<i64>) -> Result<Self, Refusal> {
        Ok(match code {
            0 => Self::Boolean,
            1 => Self::Int32,
            2 => Self::Int64,
            3 => Self::Int96,
            4 => Self::Float,
            5 => Self::Double,
            6 => Self::ByteArray,
            7 => match length {
                Some(length @ 1..=MAX_FIXED_LEN) => Self::FixedLenByteArray(length as u32),
                _ => return Err(corrupt("a fixed-length column has no sensible length")),
            },
            _ => return Err(corrupt("a column is of an unknown type")),
        })
    }

    pub(super) fn code(self) -> i64 {
        match self {
            Self::Boolean => 0,
            Self::Int32 => 1,
            Self::Int64 => 2,
            Self::Int96 => 3,
            Self::Float => 4,
            Self::Double => 5,
            Self::ByteArray => 6,
            Self::FixedLenByteArray(_) => 7,
        }
    }

    /// The least number of bytes that `rows` decoded values take.
    pub fn least_len(self, rows: u64) -> u64 {
        let each = match self {
            Self::Boolean => return rows / 8,
            Self::Int32 | Self::Float | Self::ByteArray => 4,
            Self::Int64 | Self::Double | Self::Int96 => 8,
            Self::FixedLenByteArray(length) => u64::from(length),
        };
        rows.saturating_mul(each)
    }
}

/// A column of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Its name.
    pub name: String,
    /// How its values are stored.
    pub physical: Physical,
    /// Whether it may hold nulls.
    pub nullable: bool,
}

#[derive(Default)]
struct Element<'a> {
    physical: Option<i64>,
    length: Option<i64>,
    repetition: Option<i64>,
    name: Option<&'a [u8]>,
    children: Option<i64>,
}

fn element<'a>(reader: &mut Reader<'a>) -> Result<Element<'a>, Refusal> {
    let mut element = Element::default();
    reader.fields(|reader, id, kind| {
        match id {
            1 => element.physical = Some(reader.integer(kind)?),
            2 => element.length = Some(reader.integer(kind)?),
            3 => element.repetition = Some(reader.integer(kind)?),
            4 => element.name = Some(reader.binary(kind)?),
            5 => element.children = Some(reader.integer(kind)?),
            _ => return Ok::<bool, Refusal>(false),
        }
        Ok(true)
    })?;
    Ok(element)
}

/// Walks the schema, a tree written root first. The tree is followed with a
/// stack of the children still to come, never by recursion.
pub(super) fn walk(reader: &mut Reader, kind: u8, limits: &Limits) -> Result<Vec<Leaf>, Refusal> {
    let (element_kind, elements) = reader.list(kind)?;
    if element_kind != wire::STRUCT || elements == 0 {
        return Err(corrupt("the schema is no list of columns"));
    }
    let root = element(reader)?;
    let mut open = vec![count(root.children.unwrap_or(0), "a number of columns")?];
    let mut columns = SchemaWalk::new(limits);
    for _ in 1..elements {
        while open.last() == Some(&0) {
            open.pop();
        }
        let Some(parent) = open.last_mut() else {
            return Err(corrupt("the schema has more columns than its root says"));
        };
        *parent -= 1;
        let depth = open.len();
        if depth > limits.depth {
            return Err(Refusal::TooDeep {
                limit: limits.depth,
            });
        }
        let element = element(reader)?;
        match element.children {
            Some(children) if element.physical.is_none() => {
                open.push(count(children, "a number of columns")?);
                columns.group(&element, depth)?;
            }
            _ => columns.leaf(&element, depth)?,
        }
    }
    if open.iter().any(|left| *left > 0) {
        return Err(corrupt("the schema has fewer columns than its groups say"));
    }
    columns.finish()
}

struct SchemaWalk<'l> {
    limits: &'l Limits,
    leaves: Vec<Leaf>,
    names: HashSet<String>,
    top: String,
    count: usize,
    /// Reported last, so that what is beyond a limit is named first.
    unsupported: Option<Refusal>,
}

impl<'l> SchemaWalk<'l> {
    fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            leaves: Vec::new(),
            names: HashSet::new(),
            top: String::new(),
            count: 0,
            unsupported: None,
        }
    }

    /// Checks a name; names at the top have to be unique.
    fn name(&mut self, element: &Element, depth: usize) -> Result<String, Refusal> {
        self.count += 1;
        // Groups count too: each of them costs the readers something.
        if self.count > self.limits.columns {
            return Err(Refusal::TooManyColumns {
                limit: self.limits.columns,
            });
        }
        let bad = |problem| Refusal::BadName {
            index: self.count,
            problem,
        };
        let bytes = element.name.unwrap_or_default();
        if bytes.is_empty() {
            return Err(bad("it is empty"));
        }
        if bytes.len() > self.limits.name_len {
            return Err(bad("it is longer than 256 bytes"));
        }
        let name = std::str::from_utf8(bytes).map_err(|_| bad("it is not UTF-8"))?;
        if name.chars().any(char::is_control) {
            return Err(bad("it has control characters"));
        }
        if depth == 1 {
            if !self.names.insert(name.to_owned()) {
                return Err(bad("another column has the same name"));
            }
            self.top = name.to_owned();
        }
        Ok(name.to_owned())
    }

    fn group(&mut self, element: &Element, depth: usize) -> Result<(), Refusal> {
        self.name(element, depth)?;
        self.refuse("nested");
        Ok(())
    }

    fn leaf(&mut self, element: &Element, depth: usize) -> Result<(), Refusal> {
        let name = self.name(element, depth)?;
        // Some writers say 0; a reader makes room for whatever stands there.
        if element.children.is_some_and(|children| children != 0) {
            return Err(corrupt("a column of values has columns inside"));
        }
        let nullable = match element.repetition {
            Some(0) => false,
            Some(1) => true,
            Some(2) => {
                self.refuse("a list");
                true
            }
            _ => return Err(corrupt("a column is neither required nor optional")),
        };
        let code = element
            .physical
            .ok_or_else(|| corrupt("a column has no type"))?;
        self.leaves.push(Leaf {
            name,
            physical: Physical::new(code, element.length)?,
            nullable,
        });
        Ok(())
    }

    fn refuse(&mut self, found: &str) {
        if self.unsupported.is_none() {
            self.unsupported = Some(Refusal::UnsupportedColumnType {
                column: self.top.clone(),
                found: found.to_owned(),
            });
        }
    }

    fn finish(self) -> Result<Vec<Leaf>, Refusal> {
        match self.unsupported {
            Some(refusal) => Err(refusal),
            None if self.leaves.is_empty() => Err(corrupt("it has no columns")),
            None => Ok(self.leaves),
        }
    }
}
