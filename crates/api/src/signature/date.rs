//! The date of a signature, header X-Sdk-Date.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use strongroom_base::Timestamp;

/// How far a signature's date may be from our time, both ways (contract decision, cbr-v3 10.2).
const WINDOW: Duration = Duration::from_mins(15);

/// A date in UTC of the form `YYYYMMDDTHHMMSSZ`, as it was sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct SdkDate<'a> {
    text: &'a str,
    at: Timestamp,
}

impl<'a> SdkDate<'a> {
    /// None for another form, a day that no calendar has, and times before 1970.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let is_of_form = text.len() == "YYYYMMDDTHHMMSSZ".len()
            && text.bytes().enumerate().all(|(at, byte)| match at {
                8 => byte == b'T',
                15 => byte == b'Z',
                _ => byte.is_ascii_digit(),
            });
        if !is_of_form {
            return None;
        }
        let civil = DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
        let moment = TimeZone::UTC.to_timestamp(civil).ok()?;
        let at = Timestamp(u64::try_from(moment.as_microsecond()).ok()?);
        Some(Self { text, at })
    }

    pub(super) fn text(self) -> &'a str {
        self.text
    }

    pub(super) fn at(self) -> Timestamp {
        self.at
    }

    /// The day, `YYYYMMDD`.
    pub(super) fn day(self) -> &'a str {
        self.text.split_once('T').map_or("", |(day, _)| day)
    }

    /// Whether `now` is at most 15 minutes away.
    pub(super) fn is_near(self, now: Timestamp) -> bool {
        now.since(self.at).max(self.at.since(now)) <= WINDOW
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_takes_one_form_only() {
        let check = |text: &str, seconds: Option<u64>| {
            let at = SdkDate::parse(text).map(SdkDate::at);
            assert_eq!(at, seconds.map(|seconds| Timestamp(seconds * 1_000_000)), "{text}");
        };
        check("19700101T000000Z", Some(0));
        check("20260801T120000Z", Some(1_785_585_600));
        check("20000229T000000Z", Some(951_782_400));
        for text in [
            "",
            "20260101",
            "20260101T000000",
            "20260101t000000z",
            "20260101T000000Z ",
            "2026-01-01T00:00",
            "20260230T000000Z",
            "20261301T000000Z",
            "20260101T250000Z",
            "+0260101T000000Z",
            "19691231T235959Z",
            "２0260101T0000Z",
        ] {
            check(text, None);
        }
    }

    // proves: API-4
    #[test]
    fn is_near_for_a_quarter_of_an_hour_both_ways() {
        let date = SdkDate::parse("20260801T120000Z").unwrap();
        let near = |seconds: u64| date.is_near(Timestamp(seconds * 1_000_000));
        let noon = 1_785_585_600;
        assert!(near(noon) && near(noon - 900) && near(noon + 900));
        assert!(!near(noon - 901) && !near(noon + 901) && !near(0));
    }
}
