//! Which part of a list is asked for.

use crate::field::FieldError;

/// The most rows of a page, and what a page has when nobody says how many (contract, section 1).
pub const MOST_ROWS: u16 = 1000;

/// One page of a list of things that are named by `I`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page<I> {
    /// How many rows at most; at least one.
    pub limit: u16,
    /// Where it begins.
    pub start: PageStart<I>,
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageStart<I> {
    /// After this many rows.
    Offset(u64),
    /// After the row of this name.
    After(I),
}

impl<I> Page<I> {
    /// Checks what a request says. A marker wins over an offset; an offset beyond the end is a page
    /// without rows.
    pub fn new(
        limit: Option<i64>,
        offset: Option<i64>,
        marker: Option<I>,
    ) -> Result<Self, FieldError> {
        let limit = match limit {
            None => MOST_ROWS,
            Some(limit) => u16::try_from(limit)
                .ok()
                .filter(|limit| (1..=MOST_ROWS).contains(limit))
                .ok_or(FieldError::new("limit", "1 to 1000"))?,
        };
        let offset = u64::try_from(offset.unwrap_or(0))
            .map_err(|_| FieldError::new("offset", "0 or more"))?;
        let start = marker.map_or(PageStart::Offset(offset), PageStart::After);
        Ok(Self { limit, start })
    }
}

impl<I> Default for Page<I> {
    fn default() -> Self {
        Self { limit: MOST_ROWS, start: PageStart::Offset(0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_has_limits_and_the_marker_wins() {
        let check = |limit, offset, marker: Option<u8>, expected: Option<(u16, PageStart<u8>)>| {
            let page = Page::new(limit, offset, marker);
            assert_eq!(page.ok().map(|page| (page.limit, page.start)), expected);
        };
        check(None, None, None, Some((1000, PageStart::Offset(0))));
        check(Some(1), Some(0), None, Some((1, PageStart::Offset(0))));
        check(Some(1000), Some(i64::MAX), None, Some((1000, PageStart::Offset(i64::MAX as u64))));
        check(None, Some(5), Some(7), Some((1000, PageStart::After(7))));
        check(Some(0), None, None, None);
        check(Some(1001), None, None, None);
        check(Some(-1), None, None, None);
        check(None, Some(-1), None, None);
        assert_eq!(Page::new(None, None, None), Ok(Page::<u8>::default()));
    }
}
