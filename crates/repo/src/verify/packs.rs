//! Checks packs one by one: presence, size, seals, names, and that the index says the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};

use super::{Verify, VerifyError, VerifyLevel};
use crate::compute;
use crate::crypto::RepoKeys;
use crate::error::ReadError;
use crate::index::segment::PackRecord;
use crate::index::view::IndexView;
use crate::key::PackId;
use crate::pack::PackKind;
use crate::pack::builder::PACK_MEMORY;
use crate::pack::footer::PackFrame;
use crate::pack::frame::FRAME_LEN;
use crate::pack::open::{FramePlace, OpenPack, parse_header};
use crate::session::reader::UnitReader;

/// Packs read at the same time beside those that are checked.
const AHEAD: usize = 2;

/// Most memory that checking packs on `width` threads holds, in bytes: packs whole, and on each
/// thread a frame twice.
pub(super) const fn memory(width: usize) -> usize {
    (width + AHEAD) * PACK_MEMORY + width * 2 * FRAME_LEN
}

/// What is wrong with a pack.
enum Finding {
    /// All of it, or what it says of itself.
    Pack(&'static str),
    /// Single frames.
    Frames(Vec<u32>),
}

impl Verify {
    pub(super) async fn packs(&mut self, reader: &Arc<UnitReader>) -> Result<(), VerifyError> {
        let view = reader.view();
        let present = self.present(&view).await?;
        let (mut todo, mut findings) = (Vec::new(), Vec::new());
        for record in view.packs().filter(|pack| !view.condemned.holds(pack.id)) {
            match present.get(&record.id) {
                None => findings.push((record.id, Finding::Pack("it is missing"))),
                Some(size) if *size != record.size => {
                    let what = "its size is not that in the index";
                    findings.push((record.id, Finding::Pack(what)));
                }
                Some(_) => todo.push(*record),
            }
        }
        self.report.packs = todo.len() as u64;
        if self.options.level == VerifyLevel::Structure {
            return Ok(self.report(findings).await?);
        }
        self.options.progress.add_total(todo.iter().map(|pack| pack.size).sum());
        let width = self.repo.env.compute.width() + AHEAD;
        let checks = todo.into_iter().map(|record| self.check(record, Arc::clone(&view)));
        let checks: Vec<_> = checks.collect();
        let mut checks = stream::iter(checks).buffer_unordered(width);
        let (cancel, progress) = (self.options.cancel.clone(), self.options.progress.clone());
        let mut read = 0;
        while let Some(checked) = checks.next().await {
            let (record, finding) = checked?;
            if cancel.is_cancelled() {
                return Err(VerifyError::Cancelled);
            }
            read += record.size;
            progress.add_done(record.size);
            findings.extend(finding.map(|finding| (record.id, finding)));
        }
        drop(checks);
        self.report.read = read;
        Ok(self.report(findings).await?)
    }

    /// Notes what was found, unless a collector has removed the pack while we looked at it.
    async fn report(&mut self, findings: Vec<(PackId, Finding)>) -> Result<(), ReadError> {
        if findings.is_empty() {
            return Ok(());
        }
        let now = self.repo.load_view().await?;
        let is_wanted = |pack| !now.condemned.holds(pack) && now.pack(pack).is_some();
        for (pack, finding) in findings.into_iter().filter(|(pack, _)| is_wanted(*pack)) {
            match finding {
                Finding::Pack(what) => self.bad_pack(pack, what),
                Finding::Frames(frames) => {
                    self.found(pack.key(), &format!("{} of its frames are damaged", frames.len()));
                    self.doc.frames.extend(frames.into_iter().map(|part| (pack.into(), part)));
                }
            }
        }
        Ok(())
    }

    fn bad_pack(&mut self, pack: PackId, what: &str) {
        self.found(pack.key(), what);
        self.doc.packs.push(pack.into());
    }

    /// Reads a pack whole and checks it on a compute thread.
    fn check(
        &self,
        record: PackRecord,
        view: Arc<IndexView>,
    ) -> impl Future<Output = Result<(PackRecord, Option<Finding>), VerifyError>> + use<> {
        let repo = self.repo.clone();
        let level = self.options.level;
        async move {
            let bytes = match repo.env.store.get(&record.id.key()).await {
                Ok(bytes) => bytes,
                Err(error) if error.is_not_found() => {
                    return Ok((record, Some(Finding::Pack("it is missing"))));
                }
                Err(error) => return Err(ReadError::from(error).into()),
            };
            let keys = repo.keys.clone();
            let job = move || check_pack(&keys, &record, &view, &bytes, level);
            Ok((record, compute::run(&*repo.env.compute, job).await))
        }
    }
}

fn check_pack(
    keys: &RepoKeys,
    record: &PackRecord,
    view: &IndexView,
    bytes: &Bytes,
    level: VerifyLevel,
) -> Option<Finding> {
    if parse_header(bytes) != Some((record.salt, record.kind)) {
        // The index knows the salt, so the frames may be whole; but the pack can no longer stand
        // on its own.
        return Some(Finding::Pack("its header is not what was written"));
    }
    let pack = OpenPack::new(keys, record.id, &record.salt);
    let footer = match pack.footer(bytes) {
        Ok(footer) if footer.kind == record.kind => footer,
        Ok(_) => return Some(Finding::Pack("its footer tells another kind than its header")),
        Err(_) => return Some(Finding::Pack("its footer does not open")),
    };
    let mut places = places_of(view, record.id);
    let mut bad = BTreeSet::new();
    let (mut scratch, mut raw) = (Vec::new(), Vec::new());
    for (part, frame) in (0..).zip(&footer.frames) {
        let place = place_of(part, frame);
        let is_indexed = places.remove(&part).is_some_and(|indexed| indexed == place);
        let is_right = is_indexed
            && check_frame(
                keys,
                &pack,
                record.kind,
                place,
                frame,
                bytes,
                level,
                &mut scratch,
                &mut raw,
            );
        if !is_right {
            bad.insert(part);
        }
    }
    // Frames that the index names and the pack has not.
    bad.extend(places.into_keys());
    (!bad.is_empty()).then(|| Finding::Frames(bad.into_iter().collect()))
}

fn place_of(part: u32, frame: &PackFrame) -> FramePlace {
    FramePlace {
        part,
        offset: frame.offset,
        sealed_len: frame.sealed_len,
        raw_len: frame.raw_len,
        is_zstd: frame.codec.to_byte() == 1,
    }
}

/// The frames of a pack as the index has them.
fn places_of(view: &IndexView, pack: PackId) -> BTreeMap<u32, FramePlace> {
    view.segments()
        .iter()
        .filter(|loaded| loaded.segment.packs().iter().any(|record| record.id == pack))
        .flat_map(|loaded| (0..loaded.segment.frames()).filter_map(|n| loaded.segment.frame(n)))
        .filter(|(id, _)| *id == pack)
        .map(|(_, place)| (place.part, place))
        .collect()
}

#[expect(clippy::too_many_arguments, reason = "two are scratch memory that the frames share")]
fn check_frame(
    keys: &RepoKeys,
    pack: &OpenPack,
    kind: PackKind,
    place: FramePlace,
    frame: &PackFrame,
    bytes: &Bytes,
    level: VerifyLevel,
    scratch: &mut Vec<u8>,
    raw: &mut Vec<u8>,
) -> bool {
    let start = place.offset as usize;
    let Some(sealed) = bytes.get(start..start + place.sealed_len as usize) else { return false };
    if level == VerifyLevel::Authenticate {
        return pack.unseal(place.part, sealed, scratch).is_ok();
    }
    if pack.open_frame(place, sealed, scratch, raw).is_err() {
        return false;
    }
    let mut rest = raw.as_slice();
    frame.units.iter().all(|unit| {
        let Some((bytes, tail)) = rest.split_at_checked(unit.len as usize) else { return false };
        rest = tail;
        let name = match kind {
            PackKind::Data => keys.unit_id(bytes),
            PackKind::Nodes => keys.node_id(bytes),
        };
        name == unit.id
    })
}
