//! How the services write times, and how they read them.
//!
//! # Why
//! Clients parse strictly: a `Z` too many breaks gophertelekomcloud in one service and is demanded
//! in another (contract cbr-v3 1, related-services 1.8). So each form has a name here, and the
//! modules of the services only choose.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use strongroom_base::Timestamp;

/// A way to write a time. All are in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeForm {
    /// `2021-02-09T12:03:42.554535`: CBR and EVS everywhere, Nova's `launched_at`.
    NaiveMicros,
    /// `2018-11-19T04:02:03`: SFS Turbo.
    NaiveSeconds,
    /// `2020-01-08 09:59:49`: the start of a CBR policy's trigger.
    Spaced,
    /// `2019-01-01T00:00:00.000000Z`: Keystone.
    ZuluMicros,
    /// `2016-04-25T20:04:47.591Z`: begin and end of jobs.
    ZuluMillis,
    /// `2019-05-22T03:30:52Z`: ECS and Nova, Glance, SMN.
    ZuluSeconds,
}

impl TimeForm {
    /// Writes a time; what is finer than the form is cut off. Times after the year 9999 count as
    /// its end, as no form has a place for them.
    pub fn format(self, time: Timestamp) -> String {
        let micros = i64::try_from(time.0).unwrap_or(i64::MAX);
        let moment = jiff::Timestamp::from_microsecond(micros).unwrap_or(jiff::Timestamp::MAX);
        let form = match self {
            // Lists write thousands of these: a form that need not be read first is quicker.
            Self::NaiveMicros => return format!("{:.6}", TimeZone::UTC.to_datetime(moment)),
            Self::NaiveSeconds => "%Y-%m-%dT%H:%M:%S",
            Self::Spaced => "%Y-%m-%d %H:%M:%S",
            Self::ZuluMicros => "%Y-%m-%dT%H:%M:%S%.6fZ",
            Self::ZuluMillis => "%Y-%m-%dT%H:%M:%S%.3fZ",
            Self::ZuluSeconds => "%Y-%m-%dT%H:%M:%SZ",
        };
        moment.strftime(form).to_string()
    }
}

/// Milliseconds since 1970, as CTS and CES count.
pub fn epoch_millis(time: Timestamp) -> u64 {
    time.0 / 1_000
}

/// Reads a time as clients send it: date and time of ISO 8601 with `T` or a space, with or without
/// a fraction, with `Z`, an offset or nothing, which means UTC. None for anything else, and for
/// times before 1970.
pub fn parse(text: &str) -> Option<Timestamp> {
    // The parsers know time zones in brackets too; nobody sends them.
    if text.contains('[') {
        return None;
    }
    let moment = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let civil = text.parse::<DateTime>().ok()?;
        TimeZone::UTC.to_timestamp(civil).ok()
    })?;
    Some(Timestamp(u64::try_from(moment.as_microsecond()).ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2021-02-09T12:03:42.554535Z
    const MOMENT: Timestamp = Timestamp(1_612_872_222_554_535);

    #[test]
    fn format_writes_what_each_service_sends() {
        for (form, text, of_zero) in [
            (TimeForm::NaiveMicros, "2021-02-09T12:03:42.554535", "1970-01-01T00:00:00.000000"),
            (TimeForm::NaiveSeconds, "2021-02-09T12:03:42", "1970-01-01T00:00:00"),
            (TimeForm::Spaced, "2021-02-09 12:03:42", "1970-01-01 00:00:00"),
            (TimeForm::ZuluMicros, "2021-02-09T12:03:42.554535Z", "1970-01-01T00:00:00.000000Z"),
            (TimeForm::ZuluMillis, "2021-02-09T12:03:42.554Z", "1970-01-01T00:00:00.000Z"),
            (TimeForm::ZuluSeconds, "2021-02-09T12:03:42Z", "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(form.format(MOMENT), text);
            assert_eq!(form.format(Timestamp(0)), of_zero);
            assert!(form.format(Timestamp(u64::MAX)).starts_with("9999-12-30"));
        }
        assert_eq!(epoch_millis(MOMENT), 1_612_872_222_554);
    }

    #[test]
    fn parse_reads_what_clients_send() {
        let check = |text: &str, micros: Option<u64>| {
            assert_eq!(parse(text), micros.map(Timestamp), "{text}");
        };
        let second = 1_612_872_222_000_000;
        check("2021-02-09T12:03:42Z", Some(second));
        check("2021-02-09T12:03:42z", Some(second));
        check("2021-02-09T12:03:42", Some(second));
        check("2021-02-09 12:03:42", Some(second));
        check("2021-02-09T12:03:42.554535", Some(second + 554_535));
        check("2021-02-09T12:03:42.554535Z", Some(second + 554_535));
        check("2021-02-09T12:03:42.5Z", Some(second + 500_000));
        check("2021-02-09T12:03:42.554535999Z", Some(second + 554_535));
        check("2021-02-09T12:03:42+00:00", Some(second));
        check("2021-02-09T14:03:42+02:00", Some(second));
        check("2021-02-09T07:03:42.000-0500", Some(second));
        for text in [
            "",
            "now",
            "1612872222",
            "12:03:42",
            "2021-02-30T00:00:00Z",
            "2021-02-09T25:00:00Z",
            "2021-02-09T12:03:42Z ",
            "2021-02-09T12:03:42[Europe/Berlin]",
            "2021-02-09T12:03:42+01:00[Europe/Berlin]",
            "1969-12-31T23:59:59Z",
            "9999-99-99T00:00:00Z",
        ] {
            check(text, None);
        }
    }

    proptest! {
        #[test]
        fn parse_undoes_format(micros in 0_u64..250_000_000_000_000_000) {
            let time = Timestamp(micros);
            prop_assert_eq!(parse(&TimeForm::NaiveMicros.format(time)), Some(time));
            prop_assert_eq!(parse(&TimeForm::ZuluMicros.format(time)), Some(time));
            let second = Timestamp(micros / 1_000_000 * 1_000_000);
            prop_assert_eq!(parse(&TimeForm::Spaced.format(time)), Some(second));
        }
    }
}
