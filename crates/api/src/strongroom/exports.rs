//! Downloads of disks.

use axum::body::Body;
use http::StatusCode;
use http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
};
use strongroom_base::ByteRange;
use strongroom_control::OpContext;
use strongroom_model::backup::ExportFormat;

use crate::answer::Answer;
use crate::call::Call;
use crate::failure::Failure;
use crate::form::{Takes, nothing};
use crate::invalid::Invalid;
use crate::range::{self, Wanted};
use crate::schema::one_of;

/// The query of [`get`].
pub(super) fn query() -> Takes {
    nothing().and_needed("query", "format", &one_of(ExportFormat::ALL))
}

/// Streams the disk, all of it or a range; what breaks ends the connection early.
pub(super) async fn get(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let format = call.query.parse_with("format", ExportFormat::parse)?;
    let format = format.ok_or_else(|| Invalid::missing("format", "format"))?;
    let export = call.service().backup_export(cx, call.id("backup_id")?, format).await?;
    let (length, tag) = (export.length(), format!("\"{}\"", export.tag()));
    let name = export.file_name();
    let whole = ByteRange { start: 0, end: length };
    // A range says nothing to HEAD (RFC 9110, 14.2).
    let wanted =
        if call.is_head { Wanted::Whole } else { range::wanted(&call.headers, length, &tag) };
    let (status, range) = match wanted {
        Wanted::Whole => (StatusCode::OK, whole),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::Nothing => return Err(Failure::NoSuchRange(length)),
    };
    let mut answer = if call.is_head {
        Answer::empty(status)
    } else {
        Answer::stream(status, Body::from_stream(export.start(range).await?))
    };
    if status == StatusCode::PARTIAL_CONTENT {
        let ByteRange { start, end } = range;
        let content_range = format!("bytes {start}-{}/{length}", end.saturating_sub(1));
        answer = answer.with_header(CONTENT_RANGE, &content_range)?;
    }
    answer
        .with_header(CONTENT_LENGTH, &range.len().to_string())?
        .with_header(ETAG, &tag)?
        .with_header(ACCEPT_RANGES, "bytes")?
        .with_header(CONTENT_TYPE, "application/octet-stream")?
        .with_header(CONTENT_DISPOSITION, &format!("attachment; filename=\"{name}\""))
}
