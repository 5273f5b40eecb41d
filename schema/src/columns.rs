//! The column types both databases share, one per concept.
//!
//! | concept | Rust | SQLite | PostgreSQL |
//! |---|---|---|---|
//! | [`Id`] | [`Key`] (a `Uuid`) | `BLOB`, 16 bytes | `UUID` |
//! | [`Instant`] | [`When`] (a `DateTime<Utc>`) | `TEXT`, RFC 3339 with six digits | `TIMESTAMPTZ` |
//!
//! Instants are cut to microseconds, the finer of what both can hold, so that a value
//! read back equals the value written. Documents that are signed stay `Text`: a JSON
//! column would not give the same bytes back.

use std::io::Write;

use chrono::{DateTime, SubsecRound, Utc};
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{Binary, SqlType, Text, Timestamptz};
use diesel::sqlite::{Sqlite, SqliteValue};
use uuid::Uuid;

/// SQL type of identifiers.
#[derive(SqlType, diesel::query_builder::QueryId, Debug, Clone, Copy)]
#[diesel(sqlite_type(name = "Binary"), postgres_type(name = "uuid"))]
pub struct Id;

/// SQL type of points in time.
#[derive(SqlType, diesel::query_builder::QueryId, Debug, Clone, Copy)]
#[diesel(sqlite_type(name = "Text"), postgres_type(name = "timestamptz"))]
pub struct Instant;

/// An identifier as a column value.
#[derive(AsExpression, FromSqlRow, Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[diesel(sql_type = Id)]
pub struct Key(pub Uuid);

impl From<Uuid> for Key {
    fn from(value: Uuid) -> Self {
        Self(value)
    }
}

impl From<Key> for Uuid {
    fn from(value: Key) -> Self {
        value.0
    }
}

impl ToSql<Id, Sqlite> for Key {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(&self.0.as_bytes()[..]);
        Ok(IsNull::No)
    }
}

impl FromSql<Id, Sqlite> for Key {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let bytes = <Vec<u8> as FromSql<Binary, Sqlite>>::from_sql(value)?;
        Ok(Self(Uuid::from_slice(&bytes)?))
    }
}

impl ToSql<Id, Pg> for Key {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.0.as_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<Id, Pg> for Key {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(Uuid::from_slice(value.as_bytes())?))
    }
}

/// A point in time as a column value, cut to microseconds.
#[derive(AsExpression, FromSqlRow, Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[diesel(sql_type = Instant)]
pub struct When(DateTime<Utc>);

impl From<DateTime<Utc>> for When {
    fn from(value: DateTime<Utc>) -> Self {
        Self(value.trunc_subsecs(6))
    }
}

impl From<When> for DateTime<Utc> {
    fn from(value: When) -> Self {
        value.0
    }
}

impl ToSql<Instant, Sqlite> for When {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string());
        Ok(IsNull::No)
    }
}

impl FromSql<Instant, Sqlite> for When {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let text = <String as FromSql<Text, Sqlite>>::from_sql(value)?;
        Ok(DateTime::parse_from_rfc3339(&text)?.to_utc().into())
    }
}

impl ToSql<Instant, Pg> for When {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        <DateTime<Utc> as ToSql<Timestamptz, Pg>>::to_sql(&self.0, &mut out.reborrow())
    }
}

impl FromSql<Instant, Pg> for When {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(<DateTime<Utc> as FromSql<Timestamptz, Pg>>::from_sql(value)?.into())
    }
}
