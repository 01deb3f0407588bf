//! What is sent: where each byte of an export comes from.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _, future, stream};
use strongroom_base::ids::ManifestId;
use strongroom_base::{ByteRange, CancelToken};
use strongroom_model::backup::ExportFormat;
use strongroom_repo::{ReadSession, RestoreError};
use strongroom_source::qcow2::{self, ClusterSet, Image};

use crate::error::Error;

/// Zeros to send.
static ZEROS: [u8; 256 << 10] = [0; 256 << 10];

/// Bytes in order.
type Pieces = BoxStream<'static, Result<Bytes, RestoreError>>;

/// What names the bytes of an export: an image's follow from its layout too.
pub(super) fn tag(manifest: ManifestId, disk: &str, format: ExportFormat) -> String {
    match format {
        ExportFormat::Raw => format!("{manifest}-{disk}-raw"),
        ExportFormat::Qcow2 => format!("{manifest}-{disk}-qcow2-{}", qcow2::LAYOUT),
    }
}

/// A disk as it is sent.
pub(super) enum Content {
    Raw { size: u64 },
    Qcow2(Arc<Image>),
}

impl Content {
    /// Finds out how long it is; for an image the whole map is read.
    pub(super) async fn open(
        session: &ReadSession,
        disk: &str,
        format: ExportFormat,
    ) -> Result<Self, Error> {
        let record = session.manifest().disk(disk);
        let size = record.map(|disk| disk.size);
        let size = size.ok_or_else(|| Error::internal("the manifest does not have the disk"))?;
        if format == ExportFormat::Raw {
            return Ok(Self::Raw { size });
        }
        let (mut data, cancel) = (ClusterSet::default(), CancelToken::new());
        let scan = session.data_runs(disk, &cancel, |range| data.insert(range));
        session.while_alive(scan).await.map_err(Error::engine)?;
        Ok(Self::Qcow2(Arc::new(Image::new(size, data).map_err(Error::internal)?)))
    }

    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Raw { size } => *size,
            Self::Qcow2(image) => image.file_len(),
        }
    }

    /// The bytes `range`.
    pub(super) fn read(
        &self,
        session: &ReadSession,
        disk: &str,
        range: ByteRange,
    ) -> Result<Pieces, RestoreError> {
        // Who wants no more drops the stream.
        let cancel = &CancelToken::new();
        let image = match self {
            Self::Raw { .. } => {
                let pieces = session.read(disk, range, cancel)?;
                let bytes = pieces.map_ok(|piece| match piece.bytes {
                    Some(bytes) => stream::iter(vec![bytes]).map(Ok).boxed(),
                    None => zeros(piece.range.len()),
                });
                return Ok(bytes.try_flatten().boxed());
            }
            Self::Qcow2(image) => Arc::clone(image),
        };
        let plan = image.plan(range);
        let data = session.read(disk, plan.data, cancel)?;
        let data = data.try_filter_map(|piece| future::ready(Ok(piece.bytes)));
        Ok(metadata(image, plan.metadata).chain(data).chain(zeros(plan.padding)).boxed())
    }
}

/// The bytes of an image before its data, a cluster at a time.
fn metadata(image: Arc<Image>, range: ByteRange) -> Pieces {
    let clusters = stream::iter(range.start / qcow2::CLUSTER..range.end.div_ceil(qcow2::CLUSTER));
    let pieces = clusters.map(move |number| {
        let cluster = ByteRange::at(number * qcow2::CLUSTER, qcow2::CLUSTER).intersect(range);
        let bytes = cluster.map(|cluster| image.metadata(cluster).flatten().collect::<Vec<_>>());
        Ok(Bytes::from(bytes.unwrap_or_default()))
    });
    pieces.boxed()
}

fn zeros(count: u64) -> Pieces {
    let pieces = stream::unfold(count, |left| async move {
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(ZEROS.len());
        let piece = ZEROS.get(..len).filter(|piece| !piece.is_empty())?;
        Some((Ok(Bytes::from_static(piece)), left - len as u64))
    });
    pieces.boxed()
}
