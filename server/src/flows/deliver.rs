//! Delivery of a licensed file, sealed to the holder's own age key.
//!
//! The file lies in the store once, sealed to the node. A delivery is a new age header for
//! the holder's key in front of the same payload, so its cost does not depend on the size.
//! The header is made once per licence, file and key and kept: a fresh one would be
//! randomised, and a download could not be resumed.

use std::io;
use std::ops::Range;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use dataset_core::digest::Hasher;
use dataset_core::error::Coded;
use dataset_core::id::{DatasetId, PartyId, RevisionId};
use dataset_core::licence::{Access, Ask, Denial, Permit, permits};
use dataset_core::seal::{self, Header, Recipient};
use futures_util::stream::{self, BoxStream, StreamExt};
use schema::db::Db;
use schema::wire::{DownloadRequest, DownloadUrl};
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::blobs::BlobKey;
use crate::ctx::Ctx;
use crate::error::{Fault, Kind};
use crate::flows::gates;
use crate::signed_url::{self, LinkQuery};
use crate::store::grants::{self, GrantRow};
use crate::store::licences::{self, HeaderRow, Held};
use crate::store::recipients::{self, RecipientRow};
use crate::store::revisions::{self, RevisionRow};

/// Life of a link in seconds, unless the licence ends sooner.
const LINK_SECONDS: i64 = 3_600;
const SUFFIX: &str = ".parquet.age";

/// Gives a link to the licensed file, sealed to one of the holder's keys, and records the grant.
///
/// # Errors
/// 403 or 410 naming the clause that forbids it; [`Fault::missing`] for a foreign licence,
/// revision or key.
pub async fn url(
    ctx: &Ctx,
    who: &Actor,
    licence: Uuid,
    request: DownloadRequest,
) -> Result<DownloadUrl, Fault> {
    // A second try settles a race with an equal request, which has counted and kept the header.
    match hand_out(ctx, who, licence, &request).await {
        Err(fault) if fault.code == RACED => hand_out(ctx, who, licence, &request).await,
        answer => answer,
    }
}

const RACED: &str = "try_again";

async fn hand_out(
    ctx: &Ctx,
    who: &Actor,
    licence: Uuid,
    request: &DownloadRequest,
) -> Result<DownloadUrl, Fault> {
    let (node, actor, wanted) = (ctx.clone(), who.clone(), request.clone());
    let ready = ctx
        .read(move |db| prepare(&node, db, &actor, licence, &wanted))
        .await?;
    let header = match &ready.kept {
        Some(header) => header.clone(),
        None => seal_for(ctx, &ready).await?,
    };
    let (grant, expires, now) = (ctx.id(), ready.link_end(ctx), ctx.now());
    let path = format!("/f/{}{SUFFIX}", ready.revision.id.0.simple());
    let query = signed_url::sign(ctx.keys.links(), &path, grant, now, expires);
    let answer = DownloadUrl {
        url: format!("{}{path}?{query}", ctx.config.public_url()),
        file_name: format!("{}-r{}{SUFFIX}", ready.held.slug, ready.revision.number),
        sealed_bytes: header.header.len() as u64 + ready.payload()?.1,
        etag: header.etag.clone(),
        sha256: ready
            .revision
            .digest
            .as_deref()
            .map(hex::encode)
            .ok_or_else(unpublished)?,
        bytes: ready.revision.size.ok_or_else(unpublished)?,
        manifest: ready.revision.manifest.clone().ok_or_else(unpublished)?,
        expires_at: expires,
        grant_id: grant,
    };
    ctx.write(move |db| record(db, ready, &header, grant))
        .await?;
    Ok(answer)
}

/// Everything a delivery needs; the permit in it is the proof that it may happen.
struct Ready {
    permit: Permit,
    held: Held,
    revision: RevisionRow,
    recipient: RecipientRow,
    kept: Option<HeaderRow>,
    ends: Option<DateTime<Utc>>,
}

impl Ready {
    /// Where the payload begins in the stored file, and its length.
    fn payload(&self) -> Result<(u64, u64), Fault> {
        payload(&self.revision)
    }

    fn link_end(&self, ctx: &Ctx) -> DateTime<Utc> {
        let usual = ctx.now() + TimeDelta::seconds(LINK_SECONDS);
        self.ends.map_or(usual, |end| end.min(usual))
    }
}

fn prepare(
    ctx: &Ctx,
    db: &mut Db,
    who: &Actor,
    licence: Uuid,
    wanted: &DownloadRequest,
) -> Result<Ready, Fault> {
    let held = licences::by_id(db, licence)?;
    rights::licence(who, held.row.party_id.into(), held.owner).deliver()?;
    let recipient = recipients::by_id(db, wanted.recipient_id)?;
    rights::own(who, recipient.party_id.into()).manage()?;
    if recipient.retired_at.is_some() {
        return Err(Fault::conflict(
            "recipient_retired",
            "This age key is out of use; register it again or name another.",
        ));
    }
    let revision = revisions::by_id(
        db,
        wanted.revision_id.unwrap_or(held.row.revision_id.into()),
    )?;
    if !revision.published() || revision.dataset_id != held.row.dataset_id {
        return Err(Fault::missing());
    }
    let kept = licences::header(db, held.row.id, revision.id, recipient.id)?;
    let (permit, ends) = permit(ctx, who.party, &held, &revision, &recipient, kept.is_some())?;
    Ok(Ready {
        permit,
        held,
        revision,
        recipient,
        kept,
        ends,
    })
}

/// Asks the signed licence.
fn permit(
    ctx: &Ctx,
    party: Uuid,
    held: &Held,
    revision: &RevisionRow,
    recipient: &RecipientRow,
    counted_before: bool,
) -> Result<(Permit, Option<DateTime<Utc>>), Fault> {
    let signed = held.row.signed(ctx.keys.verify_key())?;
    let ask = Ask {
        party: PartyId::from_uuid(party),
        access: Access::Download,
        dataset: DatasetId::from_uuid(revision.dataset_id.into()),
        revision: RevisionId::from_uuid(revision.id.into()),
        revision_published_at: revision.published_at.ok_or_else(unpublished)?.into(),
        personal_data: gates::class(revision.personal_data.as_deref()),
        recipient: Some(recipient_key(recipient)?),
        counted_before,
    };
    let permit = permits(&signed, &held.row.state(), &ask, ctx.now()).map_err(denied)?;
    Ok((permit, signed.doc().valid_until))
}

/// Makes the header for the permit's key; the payload is not touched.
async fn seal_for(ctx: &Ctx, ready: &Ready) -> Result<HeaderRow, Fault> {
    let (offset, _) = ready.payload()?;
    let stored = ctx.blobs.read(blob(&ready.revision)?, 0..offset).await?;
    let header = Header::read(&mut stored.as_ref()).map_err(Fault::internal)?;
    let recipient = ready.permit.recipient().ok_or_else(Fault::missing)?;
    let made = seal::rewrap(&header, ctx.keys.identity(), recipient).map_err(Fault::internal)?;
    let mut hasher = Hasher::new();
    hasher.update(&made);
    hasher.update(
        ready
            .revision
            .payload_digest
            .as_deref()
            .ok_or_else(unpublished)?,
    );
    Ok(HeaderRow {
        licence_id: ready.held.row.id,
        revision_id: ready.revision.id,
        recipient_id: ready.recipient.id,
        etag: format!("\"{}\"", hasher.finish()),
        header: made,
        created_at: ctx.now().into(),
    })
}

/// Leaves the grant; counts the download and keeps the header where it is the first.
fn record(db: &mut Db, ready: Ready, header: &HeaderRow, grant: Uuid) -> Result<(), Fault> {
    let raced = || {
        Fault::new(
            Kind::Unavailable,
            RACED,
            "Another request was first; try again.",
        )
    };
    if ready.permit.counts() {
        // The guard inside also sees a revocation that came since the permit was given.
        if !licences::count_download(db, &ready.held.row)? {
            return Err(raced());
        }
        licences::keep_header(db, header).map_err(|_| raced())?;
    }
    grants::insert(
        db,
        &GrantRow {
            id: grant.into(),
            licence_id: ready.held.row.id,
            revision_id: ready.revision.id,
            recipient_id: Some(ready.recipient.id),
            kind: if ready.permit.counts() {
                grants::DOWNLOAD
            } else {
                grants::REPEAT
            }
            .to_owned(),
            rows: ready.revision.rows.unwrap_or(0),
            created_at: ready.permit.at().into(),
        },
    )
}

/// A sealed file on its way: any range of it can be streamed.
pub struct Delivery {
    /// Strong entity tag, quotes included.
    pub etag: String,
    /// Length of the whole sealed file in bytes.
    pub length: u64,
    header: Bytes,
    payload_offset: u64,
    blob: BlobKey,
    ctx: Ctx,
}

/// Opens the file behind a signed link. The licence is asked again: a link does not outlive
/// a revocation.
///
/// # Errors
/// 403 and 410 for the link or, naming the clause, for the licence; 404 for anything else.
pub async fn open(ctx: &Ctx, file: &str, query: &LinkQuery) -> Result<Delivery, Fault> {
    let grant = signed_url::check(ctx.keys.links(), &format!("/f/{file}"), query, ctx.now())?;
    let node = ctx.clone();
    ctx.read(move |db| {
        let grant = grants::by_id(db, grant)?;
        let held = licences::by_id(db, grant.licence_id.into())?;
        let revision = revisions::by_id(db, grant.revision_id.into())?;
        let recipient =
            recipients::by_id(db, grant.recipient_id.ok_or_else(Fault::missing)?.into())?;
        permit(
            &node,
            held.row.party_id.into(),
            &held,
            &revision,
            &recipient,
            true,
        )?;
        let header = licences::header(db, held.row.id, revision.id, recipient.id)?
            .ok_or_else(Fault::missing)?;
        let (payload_offset, payload_len) = payload(&revision)?;
        Ok(Delivery {
            etag: header.etag,
            length: header.header.len() as u64 + payload_len,
            header: header.header.into(),
            payload_offset,
            blob: blob(&revision)?,
            ctx: node,
        })
    })
    .await
}

impl Delivery {
    /// Streams bytes `range` of the sealed file.
    ///
    /// # Errors
    /// [`Kind::Unavailable`] when the store does not answer.
    pub async fn stream(
        self,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, io::Result<Bytes>>, Fault> {
        let head = self.header.len() as u64;
        let (start, end) = (range.start.min(head), range.end.min(head));
        let first = self.header.slice(start as usize..end as usize);
        let first = stream::iter((!first.is_empty()).then_some(Ok(first)));
        if range.end <= head {
            return Ok(first.boxed());
        }
        let body = self.payload_offset + range.start.max(head) - head
            ..self.payload_offset + range.end - head;
        Ok(first
            .chain(self.ctx.blobs.stream(self.blob, body).await?)
            .boxed())
    }
}

fn payload(revision: &RevisionRow) -> Result<(u64, u64), Fault> {
    let offset = revision.payload_offset.ok_or_else(unpublished)?;
    let length = revision.sealed_size.ok_or_else(unpublished)? - offset;
    Ok((
        u64::try_from(offset).map_err(Fault::internal)?,
        u64::try_from(length).map_err(Fault::internal)?,
    ))
}

fn blob(revision: &RevisionRow) -> Result<BlobKey, Fault> {
    BlobKey::stored(revision.blob.as_deref().ok_or_else(unpublished)?)
}

fn recipient_key(row: &RecipientRow) -> Result<Recipient, Fault> {
    row.age_key.parse().map_err(Fault::internal)
}

fn unpublished() -> Fault {
    Fault::internal("a published revision lacks a part of its file")
}

/// The licence says no: 410 when the right has ended, 403 when it never covered this.
fn denied(denial: Denial) -> Fault {
    let kind = if denial.by.is_gone() {
        Kind::Gone
    } else {
        Kind::Forbidden
    };
    Fault::new(kind, denial.code(), denial.to_string()).about(denial.by.clause())
}
