//! Dates as people write them.

use crate::data::Sentences;
use unspool::data::permutation;

/// Days that are tested on, and days that are validated on.
const TEST: usize = 2_000;
const VALID: usize = 500;

#[rustfmt::skip]
const MONTHS: [&str; 12] = [
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
];
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const FORMATS: usize = 8;

/// Year, month from 0, day, and weekday from 0.
type Date = [usize; 4];

/// Every day of two centuries.
fn calendar() -> Vec<Date> {
    let mut dates = Vec::new();
    for year in 1900..2100 {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        for (month, days) in
            [31, 28 + usize::from(leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].into_iter().enumerate()
        {
            for day in 1..=days {
                dates.push([year, month, day, dates.len() % 7]); // it began with a Monday
            }
        }
    }
    dates
}

fn written([year, month, day, weekday]: Date, format: usize) -> String {
    let (name, number, weekday) = (MONTHS[month], month + 1, WEEKDAYS[weekday]);
    let short = &name[..3];
    match format {
        0 => format!("{day} {name} {year}"),
        1 => format!("{name} {day}, {year}"),
        2 => format!("{day:02}/{number:02}/{year}"),
        3 => format!("{} {day} {short} {year}", &weekday[..3]),
        4 => format!("{weekday}, {name} {day}, {year}"),
        5 => format!("{day}.{number}.{year}"),
        6 => format!("{short} {day} {year}"),
        _ => format!("{weekday} {day} {name} {year}"),
    }
}

fn iso([year, month, day, _]: Date) -> String {
    format!("{year}-{:02}-{day:02}", month + 1)
}

/// Days to train on, to validate on, and to test on, each written in one of the formats: no day is
/// in two parts.
pub(crate) fn make(train: usize) -> [Sentences; 3] {
    let dates = calendar();
    let order = permutation(dates.len(), 0);
    let mut pairs = order.iter().enumerate().map(|(i, &day)| (written(dates[day], i % FORMATS), iso(dates[day])));
    let mut part = |count| pairs.by_ref().take(count).collect();
    let (test, valid) = (part(TEST), part(VALID));
    [part(train), valid, test]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar_and_none_is_in_two_parts() {
        let dates = calendar();
        let find = |day: &str| *dates.iter().find(|date| iso(**date) == day).unwrap();
        for (day, weekday) in [("1900-03-01", 3), ("2000-02-29", 1), ("2019-04-22", 0), ("2099-12-31", 3)] {
            assert_eq!(find(day)[3], weekday, "{day}");
        }
        let formats: Vec<String> = (0..FORMATS).map(|format| written(find("2019-04-02"), format)).collect();
        assert_eq!(formats[..4], ["2 april 2019", "april 2, 2019", "02/04/2019", "tue 2 apr 2019"]);
        assert_eq!(formats[4..], ["tuesday, april 2, 2019", "2.4.2019", "apr 2 2019", "tuesday 2 april 2019"]);
        let mut days: Vec<String> = make(5_000).into_iter().flatten().map(|(_, day)| day).collect();
        days.sort_unstable();
        days.dedup();
        assert_eq!(days.len(), 5_000 + VALID + TEST);
    }
}
