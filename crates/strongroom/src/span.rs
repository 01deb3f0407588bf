//! Lengths of time, as people write and read them.

use std::time::Duration;

/// Reads `90s`, `30m`, `24h`, `7d` or plain seconds.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match text.get(digits.len()..).unwrap_or_default() {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        unit => return Err(format!("{unit:?} is no unit of time; known are s, m, h and d")),
    };
    let number: u64 = digits.parse().map_err(|_| "write a number and a unit, as 24h".to_owned())?;
    let seconds = number.checked_mul(factor).filter(|seconds| *seconds <= 1 << 40);
    seconds.map(Duration::from_secs).ok_or_else(|| "that is too long".to_owned())
}

/// A length of time for people: `0.42 s`, `12.3 s`, `4:05`, `1:02:03`.
pub(crate) fn show(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.2} s", duration.as_secs_f64()),
        10..60 => format!("{:.1} s", duration.as_secs_f64()),
        60..3600 => format!("{}:{:02}", seconds / 60, seconds % 60),
        _ => format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_reads_units() {
        let check = |text, seconds: Option<u64>| {
            assert_eq!(parse(text).ok(), seconds.map(Duration::from_secs), "{text}");
        };
        check("0", Some(0));
        check("90s", Some(90));
        check("30m", Some(1800));
        check("24h", Some(86_400));
        check("7d", Some(604_800));
        check("h", None);
        check("", None);
        check("-1h", None);
        check("1w", None);
        check("99999999999999d", None);
    }

    #[test]
    fn show_grows_with_the_length() {
        assert_eq!(show(Duration::from_millis(420)), "0.42 s");
        assert_eq!(show(Duration::from_millis(12_340)), "12.3 s");
        assert_eq!(show(Duration::from_secs(245)), "4:05");
        assert_eq!(show(Duration::from_secs(3723)), "1:02:03");
    }
}
