//! The query of a request.
//!
//! # Invariants
//! - A parameter that is empty is absent: clients send `name=` for "any".
//! - Parameters that nobody asks for are ignored.
//! - A filter by an id that is no id fits nothing and is no mistake; a marker must name a row.

use std::str::FromStr;

use strongroom_base::Timestamp;
use strongroom_model::page::{Page, PageStart};
use strongroom_model::{FieldError, filter};

use crate::invalid::Invalid;
use crate::percent::decode_form;
use crate::time;

/// Keys and values, decoded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

/// A filter that narrows a list to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FitsNothing;

impl Query {
    /// Reads what follows the question mark.
    pub(crate) fn parse(text: &str) -> Result<Self, Invalid> {
        let malformed = || Invalid::new("query", "the query", "percent-encoded UTF-8");
        let decode = |text: &str| decode_form(text).and_then(|bytes| String::from_utf8(bytes).ok());
        text.split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                Some((decode(key)?, decode(value)?))
            })
            .collect::<Option<Vec<_>>>()
            .map(Self)
            .ok_or_else(malformed)
    }

    /// All values of a key that are not empty.
    pub(crate) fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        let pairs = self.0.iter().filter(move |(name, value)| name == key && !value.is_empty());
        pairs.map(|(_, value)| value.as_str())
    }

    /// The first value of a key.
    pub(crate) fn text<'a>(&'a self, key: &'a str) -> Option<&'a str> {
        self.all(key).next()
    }

    /// Whether a key is there, with a value or without.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(name, _)| name == key)
    }

    /// The first value of a key, owned.
    pub(crate) fn owned(&self, key: &str) -> Option<String> {
        self.text(key).map(str::to_owned)
    }

    /// A whole number.
    pub(crate) fn integer(&self, key: &'static str) -> Result<Option<i64>, Invalid> {
        let number = self.text(key).map(str::parse);
        number.transpose().map_err(|_| Invalid::new(key, key, "an integer"))
    }

    /// True or false, in any case: Python writes `True`.
    pub(crate) fn boolean(&self, key: &'static str) -> Result<Option<bool>, Invalid> {
        match self.text(key) {
            None => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(Invalid::new(key, key, "true or false")),
        }
    }

    /// A value with a rule.
    pub(crate) fn parse_with<T>(
        &self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, FieldError>,
    ) -> Result<Option<T>, Invalid> {
        let Some(text) = self.text(key) else { return Ok(None) };
        parse(text).map(Some).map_err(|error| Invalid::new(key, key, error.allowed))
    }

    /// An id to filter by.
    pub(crate) fn id<I: FromStr>(&self, key: &'static str) -> Result<Option<I>, FitsNothing> {
        self.text(key).map(str::parse).transpose().map_err(|_| FitsNothing)
    }

    /// Ids of which one must fit: repeated, and with commas between.
    pub(crate) fn ids<I: FromStr>(&self, keys: &[&'static str]) -> Result<Vec<I>, FitsNothing> {
        let texts: Vec<&str> = keys
            .iter()
            .flat_map(|key| self.all(key))
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .collect();
        let ids: Vec<I> = texts.iter().filter_map(|text| text.parse().ok()).collect();
        if ids.is_empty() && !texts.is_empty() { Err(FitsNothing) } else { Ok(ids) }
    }

    /// A stretch of time between two keys.
    pub(crate) fn window(
        &self,
        from: &'static str,
        to: &'static str,
    ) -> Result<filter::TimeWindow, Invalid> {
        Ok(filter::TimeWindow { from: self.moment(from)?, to: self.moment(to)? })
    }

    fn moment(&self, key: &'static str) -> Result<Option<Timestamp>, Invalid> {
        let Some(text) = self.text(key) else { return Ok(None) };
        let allowed = "a time such as 2018-02-01T12:00:00Z";
        time::parse(text).map(Some).ok_or_else(|| Invalid::new(key, key, allowed))
    }

    /// The part of a list that is asked for (contract, section 1).
    pub(crate) fn page<I: FromStr>(&self) -> Result<Page<I>, Invalid> {
        let marker = self.text("marker").map(str::parse).transpose();
        let marker = marker.map_err(|_| Invalid::new("marker", "marker", "the id of a row"))?;
        Ok(Page::new(self.integer("limit")?, self.integer("offset")?, marker)?)
    }
}

/// How a page is echoed: its limit, and after how many rows it begins; a page after a marker says 0.
pub(crate) fn limit_and_offset<I>(page: &Page<I>) -> (u16, u64) {
    let offset = match page.start {
        PageStart::Offset(offset) => offset,
        PageStart::After(_) => 0,
    };
    (page.limit, offset)
}

#[cfg(test)]
mod tests {
    use strongroom_model::VaultId;

    use super::*;

    const ID: &str = "0daac4c5-6707-4851-97ba-169e36266b66";

    fn query(text: &str) -> Query {
        Query::parse(text).unwrap()
    }

    #[test]
    fn parse_decodes_and_keeps_repetitions() {
        let query = query("a=1&a=x+y%26z&b&&c=%C3%A4&=v");
        assert_eq!(query.all("a").collect::<Vec<_>>(), ["1", "x y&z"]);
        assert_eq!(query.text("b"), None);
        assert_eq!(query.text("c"), Some("ä"));
        assert!(Query::parse("a=%zz").is_err());
        assert!(Query::parse("a=%ff").is_err());
    }

    #[test]
    fn booleans_have_any_case() {
        for (text, expected) in
            [("d=True", Some(true)), ("d=false", Some(false)), ("d=", None), ("", None)]
        {
            assert_eq!(query(text).boolean("d").unwrap(), expected, "{text}");
        }
        assert_eq!(query("d=1").boolean("d").unwrap_err().message, "d must be true or false");
    }

    #[test]
    fn ids_come_repeated_or_in_one_list() {
        let other = "1daac4c5-6707-4851-97ba-169e36266b66";
        for text in [
            format!("id={ID}&id={other}"),
            format!("id={ID},{other}"),
            format!("ids={other}&id={ID}"),
            format!("id={ID}&id=a%20b&id={other}"),
        ] {
            assert_eq!(query(&text).ids::<VaultId>(&["id", "ids"]).unwrap().len(), 2, "{text}");
        }
        assert_eq!(query("id=B1&id=a").ids::<VaultId>(&["id"]), Err(FitsNothing));
        assert_eq!(query("id=").ids::<VaultId>(&["id"]), Ok(vec![]));
        assert_eq!(query("id=x").id::<VaultId>("id"), Err(FitsNothing));
    }

    #[test]
    fn page_has_its_limits() {
        let check = |text: &str, expected: Result<(u16, u64), &str>| {
            let page = query(text).page::<VaultId>();
            let found = page.map(|page| limit_and_offset(&page)).map_err(|error| error.message);
            assert_eq!(found, expected.map_err(str::to_owned), "{text}");
        };
        check("", Ok((1000, 0)));
        check("limit=1&offset=0", Ok((1, 0)));
        check("limit=1000&offset=5", Ok((1000, 5)));
        check("limit=0", Err("limit must be 1 to 1000"));
        check("limit=1001", Err("limit must be 1 to 1000"));
        check("limit=x", Err("limit must be an integer"));
        check("offset=-1", Err("offset must be 0 or more"));
        check("marker=vault", Err("marker must be the id of a row"));
        check(&format!("marker={ID}&offset=3"), Ok((1000, 0)));
    }

    #[test]
    fn times_have_the_contracts_forms() {
        let window = query("start_time=2018-02-01T12:00:00Z").window("start_time", "end_time");
        assert!(window.unwrap().from.is_some());
        assert!(query("end_time=now").window("start_time", "end_time").is_err());
    }
}
