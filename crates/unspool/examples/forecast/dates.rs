//! Whether the dates of a series are in order and evenly spaced.

use crate::Sentence;

/// A step this many times the usual (median) step is a gap. Months differ by less, a missing month does not.
const GAP: f64 = 1.5;

/// Checks that the dates, found in the given rows of the file, ascend and leave no gap.
///
/// Dates written `YYYYMMDD` or `YYYY-MM-DD`, and plain numbers, have a place in time. Anything else is compared
/// as text, and cannot be checked for gaps.
pub(crate) fn check(dates: &[String], rows: &[usize]) -> Result<(), Sentence> {
    if let Some(empty) = dates.iter().position(|date| date.is_empty()) {
        return Err(format!("row {} has no date: write one, or leave out --date-column", rows[empty]));
    }
    let times = all(dates, day).or_else(|| all(dates, number));
    let ascends = |i: usize| match &times {
        Some(times) => times[i] < times[i + 1],
        None => dates[i] < dates[i + 1],
    };
    let steps = 0..dates.len().saturating_sub(1);
    if let Some(i) = steps.clone().find(|&i| !ascends(i)) {
        let how = if times.is_some() { "" } else { " when compared as text (YYYY-MM-DD would do)" };
        let (date, row, before) = (&dates[i + 1], rows[i + 1], &dates[i]);
        return Err(format!("row {row}: the date {date} does not come after {before}{how}: sort the rows by date"));
    }
    let Some(times) = times else { return Ok(()) };
    let step = |i: usize| times[i + 1] - times[i];
    let mut lengths: Vec<f64> = steps.clone().map(step).collect();
    lengths.sort_by(f64::total_cmp);
    if let Some(i) = steps.clone().find(|&i| step(i) > GAP * lengths[lengths.len() / 2]) {
        return Err(format!(
            "row {}: there is a gap between {} and {}, where others are {} apart: add the missing rows with empty cells \
             and use --fill, or leave out --date-column if the rows are evenly spaced",
            rows[i + 1],
            dates[i],
            dates[i + 1],
            lengths[lengths.len() / 2],
        ));
    }
    Ok(())
}

/// `f` of every date, if it has a value for all.
fn all(dates: &[String], f: impl Fn(&str) -> Option<f64>) -> Option<Vec<f64>> {
    dates.iter().map(|date| f(date)).collect()
}

fn number(date: &str) -> Option<f64> {
    date.parse().ok().filter(|number: &f64| number.is_finite())
}

/// The number of the day, counted from 1 March of the year 0, of a date `YYYYMMDD` or `YYYY-MM-DD`.
fn day(date: &str) -> Option<f64> {
    let digits: String = match date.as_bytes() {
        [_, _, _, _, b'-', _, _, b'-', _, _] => date.split('-').collect(),
        _ => date.to_string(),
    };
    if digits.len() != 8 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let date: i64 = digits.parse().ok()?;
    let (year, month, day) = (date / 10_000, date / 100 % 100, date % 100);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years that begin in March: a leap day is the last of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some((365 * year + leap_days + (153 * month + 2) / 5 + day - 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(dates: &[&str]) -> Result<(), Sentence> {
        let dates: Vec<String> = dates.iter().map(|date| date.to_string()).collect();
        check(&dates, &(2..dates.len() + 2).collect::<Vec<_>>())
    }

    #[test]
    fn days_are_counted_over_leap_years_and_months() {
        for (from, to, days) in [
            ("2000-02-28", "20000301", 2.0),
            ("19000228", "19000301", 1.0),
            ("19991231", "2000-01-01", 1.0),
            ("19700101", "20240101", 19_723.0),
        ] {
            assert_eq!(day(to).unwrap() - day(from).unwrap(), days, "{from} to {to}");
        }
        for text in ["1999", "19991301", "1999-1-1", "1999/01/01", "abcdefgh", "1999-aa-01", "ä999-01-1"] {
            assert_eq!(day(text), None, "{text}");
        }
    }

    #[test]
    fn months_weeks_and_years_have_no_gap() {
        assert_eq!(checked(&["20000131", "20000229", "20000331", "20000430"]), Ok(()));
        assert_eq!(checked(&["1958-12-27", "1959-01-03", "1959-01-10"]), Ok(()));
        assert_eq!(checked(&["998", "999", "1000", "1001"]), Ok(()));
        assert_eq!(checked(&["2000-01", "2000-02", "2001-01"]), Ok(())); // text
        assert_eq!(checked(&["2000"]), Ok(()));
        assert_eq!(checked(&[]), Ok(()));
    }

    #[test]
    fn a_gap_is_named() {
        let sentence = checked(&["20000131", "20000229", "20000331", "20000531", "20000630"]).unwrap_err();
        assert!(sentence.starts_with("row 5: there is a gap between 20000331 and 20000531"), "{sentence}");
        let sentence = checked(&["1", "2", "3", "5"]).unwrap_err();
        assert!(sentence.starts_with("row 5: there is a gap between 3 and 5, where others are 1 apart"), "{sentence}");
    }

    #[test]
    fn what_does_not_ascend_is_named() {
        for dates in [["1", "2", "2"], ["3", "10", "9"], ["2000-01", "2000-03", "2000-02"]] {
            let sentence = checked(&dates).unwrap_err();
            let start = format!("row 4: the date {} does not come after {}", dates[2], dates[1]);
            assert!(sentence.starts_with(&start), "{sentence}");
        }
        assert!(checked(&["1", "", "3"]).unwrap_err().starts_with("row 3 has no date"));
    }
}
