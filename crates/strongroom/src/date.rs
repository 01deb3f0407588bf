//! Dates, as people write and read them; always UTC.

use std::time::Duration;

use strongroom_base::Timestamp;

/// Reads a date (`2027-01-31`, meaning its end), a date with time (`2027-01-31T12:00:00Z`), or a
/// number of days from `now` (`30` or `30d`).
pub(crate) fn parse_until(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    if let Ok(days) = text.trim_end_matches('d').parse::<u32>() {
        return Ok(now.plus(Duration::from_secs(u64::from(days) * 86_400)));
    }
    let wrong = || format!("{text:?} is no date; write 2027-01-31, 2027-01-31T12:00:00Z or 30d");
    let (date, time) = text.split_once('T').unwrap_or((text, "24:00:00Z"));
    let time = time.strip_suffix('Z').ok_or_else(wrong)?;
    let [year, month, day] = numbers(date, '-').ok_or_else(wrong)?;
    let [hour, minute, second] = numbers(time, ':').ok_or_else(wrong)?;
    let valid = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour <= 24
        && minute < 60
        && second < 60;
    if !valid {
        return Err(wrong());
    }
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    let parsed = Timestamp(seconds * 1_000_000);
    // The thirtieth of February comes back as a day of March.
    let (_, month_back, ..) = Timestamp(days_since_1970(year, month, day) * 86_400_000_000).civil();
    if month_back == month { Ok(parsed) } else { Err(wrong()) }
}

/// Date and minute, as tables show it.
pub(crate) fn show(time: Timestamp) -> String {
    let (year, month, day, hour, minute, _) = time.civil();
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}")
}

fn numbers(text: &str, separator: char) -> Option<[u64; 3]> {
    let parsed: Option<Vec<u64>> = text.split(separator).map(|part| part.parse().ok()).collect();
    parsed?.try_into().ok()
}

/// The inverse of `Timestamp::civil`: years begin in March, so that the leap day comes last.
fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let march_month = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * march_month + 2) / 5 + day - 1;
    let of_era = year % 400 * 365 + year % 400 / 4 - year % 400 / 100 + of_year;
    year / 400 * 146_097 + of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_until_reads_what_timestamps_display() {
        for text in ["1970-01-01T00:00:00Z", "2000-02-29T12:34:56Z", "2099-12-31T23:59:59Z"] {
            assert_eq!(parse_until(text, Timestamp(0)).unwrap().to_string(), text);
        }
    }

    #[test]
    fn parse_until_of_a_day_is_its_end() {
        let check = |text, expected: Option<&str>| {
            let parsed = parse_until(text, Timestamp(0)).ok().map(|time| time.to_string());
            assert_eq!(parsed.as_deref(), expected, "{text}");
        };
        check("2027-01-31", Some("2027-02-01T00:00:00Z"));
        check("30", Some("1970-01-31T00:00:00Z"));
        check("2d", Some("1970-01-03T00:00:00Z"));
        check("2027-02-30", None);
        check("2027-13-01", None);
        check("2027-01-31T25:00:00Z", None);
        check("2027-01-31T12:00:00+01:00", None);
        check("soon", None);
        check("-3", None);
    }
}
