//! Dates as people write them.

use crate::data::Sentences;
use rand::{RngExt, seq::SliceRandom};
use unspool::rng;

/// Dates that are never learned from.
pub(crate) const TEST: usize = 2_000;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const FORMS: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Date {
    year: usize,
    /// From 0, as the weekday.
    month: usize,
    day: usize,
    weekday: usize,
}

/// Every day of two centuries.
fn calendar() -> Vec<Date> {
    let mut dates: Vec<Date> = Vec::new();
    for year in 1900..2100 {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let february = if leap { 29 } else { 28 };
        for (month, days) in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].into_iter().enumerate() {
            for day in 1..=days {
                dates.push(Date { year, month, day, weekday: dates.len() % 7 }); // it began with a Monday
            }
        }
    }
    dates
}

impl Date {
    fn written(self, form: usize) -> String {
        let Date { year, day, .. } = self;
        let (month, weekday) = (MONTHS[self.month], WEEKDAYS[self.weekday]);
        let (short, number) = (&month[..3], self.month + 1);
        match form {
            0 => format!("{day} {month} {year}"),
            1 => format!("{month} {day}, {year}"),
            2 => format!("{day:02}/{number:02}/{year}"),
            3 => format!("{} {day} {short} {year}", &weekday[..3]),
            4 => format!("{weekday}, {month} {day}, {year}"),
            5 => format!("{day}.{number}.{year}"),
            6 => format!("{short} {day} {year}"),
            _ => format!("{weekday} {day} {month} {year}"),
        }
    }

    /// As ISO 8601 has it.
    fn standard(self) -> String {
        format!("{}-{:02}-{:02}", self.year, self.month + 1, self.day)
    }
}

/// Some days to learn from and others to test on, each written in one way or another.
pub(crate) fn make(train: usize) -> [Sentences; 2] {
    let rng = &mut rng(0);
    let mut dates = calendar();
    dates.shuffle(rng);
    let mut pair = |date: &Date| (date.written(rng.random_range(0..FORMS)), date.standard());
    let test = dates[..TEST].iter().map(&mut pair).collect();
    [dates[TEST..].iter().take(train).map(pair).collect(), test]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn days_are_those_of_the_calendar() {
        let dates = calendar();
        assert_eq!(dates.len(), 73_049);
        let find = |standard: &str| *dates.iter().find(|date| date.standard() == standard).unwrap();
        for (standard, weekday) in [("1900-01-01", 0), ("2000-02-29", 1), ("2019-04-22", 0), ("2099-12-31", 3)] {
            assert_eq!(find(standard).weekday, weekday, "{standard}");
        }
        assert!(dates.iter().all(|date| date.standard() != "1900-02-29"));
        let day = find("2019-04-02");
        let written: Vec<String> = (0..FORMS).map(|form| day.written(form)).collect();
        assert_eq!(written[..4], ["2 april 2019", "april 2, 2019", "02/04/2019", "tue 2 apr 2019"]);
        assert_eq!(written[4..], ["tuesday, april 2, 2019", "2.4.2019", "apr 2 2019", "tuesday 2 april 2019"]);
    }

    #[test]
    fn no_day_is_in_both_parts() {
        let [train, test] = make(5_000).map(|part| part.into_iter().map(|(_, date)| date).collect::<HashSet<_>>());
        assert_eq!((train.len(), test.len(), train.intersection(&test).count()), (5_000, TEST, 0));
    }
}
