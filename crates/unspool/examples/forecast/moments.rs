//! The dates and times of a column, in their usual formats.

use crate::Sentence;
use clap::ValueEnum;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, ISOWeekDate, Time, Weekday};

/// What comes first in dates such as 02/01/2001.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DateOrder {
    /// 2 January 2001 is 02/01/2001
    DayFirst,
    /// 2 January 2001 is 01/02/2001
    MonthFirst,
}

/// A place in time. Only moments of one kind have a distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Moment {
    /// A plain number: a year, a time since something began.
    Number(f64),
    /// The number of a month, counted from the year 0.
    Month(i32),
    /// The number of a quarter, counted from the year 0.
    Quarter(i32),
    /// A day.
    Day(Date),
    /// What a calendar and a clock somewhere say.
    Local(DateTime),
    /// A time with its offset from UTC.
    Instant(Timestamp),
}

impl Moment {
    /// How far this is after another one: in the unit of its kind, seconds for kinds with days.
    pub(crate) fn since(self, other: Moment) -> Option<f64> {
        Some(match (self, other) {
            (Moment::Number(a), Moment::Number(b)) => a - b,
            (Moment::Month(a), Moment::Month(b)) | (Moment::Quarter(a), Moment::Quarter(b)) => f64::from(a - b),
            (Moment::Instant(a), Moment::Instant(b)) => a.duration_since(b).as_secs_f64(),
            (a, b) => a.local()?.duration_since(b.local()?).as_secs_f64(),
        })
    }

    /// A distance in words.
    pub(crate) fn distance(self, length: f64) -> String {
        let units: &[(f64, &str)] = match self {
            Moment::Number(_) => return format!("{length}"),
            Moment::Month(_) => &[(1.0, "month")],
            Moment::Quarter(_) => &[(1.0, "quarter")],
            _ => &[(86_400.0, "day"), (3600.0, "hour"), (60.0, "minute"), (1.0, "second")],
        };
        let (size, unit) = *units.iter().find(|(size, _)| length % size == 0.0).unwrap_or(&units[units.len() - 1]);
        let count = length / size;
        format!("{count} {unit}{}", if count == 1.0 { "" } else { "s" })
    }

    fn local(self) -> Option<DateTime> {
        match self {
            Moment::Day(date) => Some(date.to_datetime(Time::midnight())),
            Moment::Local(time) => Some(time),
            _ => None,
        }
    }
}

/// The moments that the texts of a column stand for, all of one kind, or the place of the first
/// that cannot be read, and what is wrong with it.
pub(crate) fn read_all(dates: &[String], order: DateOrder) -> Result<Vec<Moment>, (usize, Sentence)> {
    let all = if dates.iter().all(|date| number(date).is_some()) {
        numbers(dates)?
    } else {
        let read = |(i, date): (usize, &String)| read(date, order).map_err(|problem| (i, problem));
        dates.iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()?
    };
    match all.iter().position(|moment| moment.since(all[0]).is_none()) {
        None => Ok(all),
        Some(i) => Err((i, format!("{:?} is another kind of date than {:?} above", dates[i], dates[0]))),
    }
}

/// A plain number; with a decimal comma, too.
fn number(text: &str) -> Option<f64> {
    text.replace(',', ".").parse().ok().filter(|number: &f64| number.is_finite())
}

/// Numbers are dates without separators if all have the same number of digits and look like it.
fn numbers(dates: &[String]) -> Result<Vec<Moment>, (usize, Sentence)> {
    let width = dates.first().map_or(0, String::len);
    let digits = |date: &String| date.len() == width && date.bytes().all(|digit| digit.is_ascii_digit());
    let packed: Vec<_> = match width {
        6 | 8 | 10 | 12 | 14 if dates.iter().all(digits) => dates.iter().map(|date| read_packed(date)).collect(),
        _ => Vec::new(),
    };
    // Of eight digits, one that is a date is enough to expect others.
    if packed.iter().all(Result::is_ok) && !packed.is_empty() || width == 8 && packed.first().is_some_and(Result::is_ok)
    {
        return packed.into_iter().enumerate().map(|(i, moment)| moment.map_err(|problem| (i, problem))).collect();
    }
    Ok(dates.iter().filter_map(|date| number(date)).map(Moment::Number).collect())
}

/// `200112`, `20011231`, `2001123123`, `200112312359`, `20011231235959`.
fn read_packed(date: &str) -> Result<Moment, Sentence> {
    let part =
        |from: usize| date.get(from..from + 2).map_or(Ok(0), |part| part.parse::<i8>().map_err(|e| e.to_string()));
    let year = date[..4].parse().map_err(|_| unknown(date))?;
    match date.len() {
        6 => month(date, year, part(4)?),
        8 => Ok(Moment::Day(day(date, year, part(4)?, part(6)?)?)),
        _ => match Time::new(part(8)?, part(10)?, part(12)?, 0) {
            Ok(time) => Ok(Moment::Local(day(date, year, part(4)?, part(6)?)?.to_datetime(time))),
            Err(e) => Err(format!("{date:?} is no time: {e}")),
        },
    }
}

/// A piece of a date.
#[derive(Clone, Copy)]
enum Part {
    /// Four digits.
    Year(i16),
    /// One or two digits: a day, a month, a quarter.
    Small(i8),
    /// The name of a month.
    Name(i8),
    /// Q for a quarter, M for a month, W for a week.
    Letter(u8),
}

/// The moment of one text that is no plain number.
fn read(text: &str, order: DateOrder) -> Result<Moment, Sentence> {
    use Part::{Letter, Name, Small, Year};
    let (date, time) = at_time(text);
    let parts = if date.len() == 8 && date.bytes().all(|digit| digit.is_ascii_digit()) {
        parts(&format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]))
    } else {
        parts(date)
    };
    let day_first = order == DateOrder::DayFirst || date.contains('.'); // points are written where the day is first
    let date = match parts.ok_or_else(|| unknown(text))?[..] {
        [Year(y), Small(m) | Name(m), Small(d)] => day(text, y, m, d)?,
        [Small(d), Name(m), Year(y)] | [Name(m), Small(d), Year(y)] => day(text, y, m, d)?,
        [Small(d), Small(m), Year(y)] if day_first => day(text, y, m, d)?,
        [Small(m), Small(d), Year(y)] => day(text, y, m, d)?,
        [Year(y), Letter(b'W'), Small(week)] => match ISOWeekDate::new(y, week, Weekday::Monday) {
            Ok(week) => Date::from_iso_week_date(week),
            Err(_) => return Err(format!("{text:?} is no week of a year")),
        },
        [Year(y), Small(m) | Name(m)] | [Small(m) | Name(m), Year(y)] | [Year(y), Letter(b'M'), Small(m)]
            if time.is_none() =>
        {
            return month(text, y, m);
        }
        [Year(y), Letter(b'Q'), Small(q)] | [Letter(b'Q'), Small(q), Year(y)] | [Small(q), Letter(b'Q'), Year(y)]
            if time.is_none() =>
        {
            return quarter(text, y, q);
        }
        [Small(_), Small(_) | Name(_), Small(_)] | [Name(_), Small(_)] => {
            return Err(format!("{text:?} has a year of two digits: write all four"));
        }
        _ => return Err(unknown(text)),
    };
    match time {
        None => Ok(Moment::Day(date)),
        Some(time) => timed(date, time).map_err(|e| format!("{text:?} is no time: {e}")),
    }
}

/// A text cut where the time of the day begins: after a T, or before the digits of the hour.
fn at_time(text: &str) -> (&str, Option<&str>) {
    let digit = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
    if let Some(t) = text.find('T').filter(|&t| t > 0 && digit(t - 1) && digit(t + 1)) {
        return (&text[..t], Some(&text[t + 1..]));
    }
    let hour = text.find(':').map(|colon| text[..colon].trim_end_matches(|c: char| c.is_ascii_digit()).len());
    match hour {
        Some(hour) if text[..hour].ends_with(' ') => (text[..hour].trim_end(), Some(&text[hour..])),
        _ => (text, None),
    }
}

/// The pieces of a date, if it has no others.
fn parts(date: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = date.trim_start_matches(SEPARATORS);
    while let Some(first) = rest.chars().next() {
        let digits = first.is_ascii_digit();
        let same = |c: char| if digits { c.is_ascii_digit() } else { c.is_ascii_alphabetic() };
        let length = rest.find(|c| !same(c)).unwrap_or(rest.len());
        let (part, after) = rest.split_at(length);
        parts.push(match (digits, length) {
            (true, 4) => Part::Year(part.parse().ok()?),
            (true, 1 | 2) => Part::Small(part.parse().ok()?),
            (false, 1) => Part::Letter(part.as_bytes()[0].to_ascii_uppercase()),
            (false, 3..) => Part::Name(named(part)?),
            _ => return None,
        });
        rest = after.trim_start_matches(SEPARATORS);
    }
    Some(parts)
}

const SEPARATORS: [char; 6] = ['-', '/', '.', ',', ':', ' '];

/// The number of the month of this English name, whole or cut to three letters or more.
fn named(text: &str) -> Option<i8> {
    const NAMES: [&str; 12] = [
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
    let text = text.to_ascii_lowercase();
    NAMES.iter().position(|name| name.starts_with(&text)).map(|at| at as i8 + 1)
}

fn day(text: &str, year: i16, month: i8, day: i8) -> Result<Date, Sentence> {
    Date::new(year, month, day).map_err(|e| format!("{text:?} is no date: {e}"))
}

fn month(text: &str, year: i16, month: i8) -> Result<Moment, Sentence> {
    match (1..=12).contains(&month) {
        true => Ok(Moment::Month(12 * i32::from(year) + i32::from(month))),
        false => Err(format!("{text:?} is no month: a year has 12")),
    }
}

fn quarter(text: &str, year: i16, quarter: i8) -> Result<Moment, Sentence> {
    match (1..=4).contains(&quarter) {
        true => Ok(Moment::Quarter(4 * i32::from(year) + i32::from(quarter))),
        false => Err(format!("{text:?} is no quarter: a year has 4")),
    }
}

/// A time of the day, on 24 hours or on 12, with or without its offset from UTC.
fn timed(date: Date, time: &str) -> Result<Moment, Sentence> {
    let time = time.trim().to_ascii_uppercase().replace("UTC", "Z").replace("GMT", "Z");
    let half = ["AM", "PM"].into_iter().find(|half| time.ends_with(half));
    let time: String = time.strip_suffix(half.unwrap_or("")).unwrap_or(&time).split_whitespace().collect();
    let digits = time.bytes().take_while(u8::is_ascii_digit).count();
    let (hour, rest) = time.split_at(digits.min(2)); // 13:05 or 1305
    let hour: u32 = hour.parse().map_err(|_| "it begins with no hour".to_string())?;
    let hour = match half {
        Some(_) if !(1..=12).contains(&hour) => return Err("half a day has hours from 1 to 12".to_string()),
        Some(half) => hour % 12 + if half == "PM" { 12 } else { 0 },
        None => hour,
    };
    let text = format!("{date}T{hour:02}{rest}");
    match rest.contains(['Z', '+', '-']) {
        true => text.parse().map(Moment::Instant).map_err(|e| e.to_string()),
        false => text.parse().map(Moment::Local).map_err(|e| e.to_string()),
    }
}

fn unknown(text: &str) -> Sentence {
    let shown: String = text.chars().take(40).collect();
    format!(
        "{shown:?} is no date in a form that is known: 2001-12-31, 31.12.2001, 12/31/2001, 31 Dec 2001, 2001-12, 2001-Q4, \
         with a time such as 23:59 or 23:59:59+01:00, or a number"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_one(text: &str, order: DateOrder) -> Result<Moment, Sentence> {
        read_all(&[text.to_string()], order).map(|all| all[0]).map_err(|(_, problem)| problem)
    }

    #[test]
    fn the_usual_forms_are_read() {
        use DateOrder::{DayFirst, MonthFirst};
        let day = |y, m, d| Moment::Day(Date::new(y, m, d).unwrap());
        for text in [
            "2001-12-31",
            "2001/12/31",
            "2001.12.31",
            "20011231",
            "31.12.2001",
            "31/12/2001",
            "31-12-2001",
            "31 Dec 2001",
            "31-DEC-2001",
            "December 31, 2001",
            "2001 Dec 31",
            "31. December 2001",
        ] {
            assert_eq!(read_one(text, DayFirst), Ok(day(2001, 12, 31)), "{text}");
        }
        for text in ["12/31/2001", "12-31-2001", "31.12.2001"] {
            assert_eq!(read_one(text, MonthFirst), Ok(day(2001, 12, 31)), "{text}");
        }
        // The first week is the one with the first Thursday (ISO 8601).
        assert_eq!(
            (read_one("2009-W01", DayFirst), read_one("2009W53", DayFirst)),
            (Ok(day(2008, 12, 29)), Ok(day(2009, 12, 28)))
        );
        let months = |year: i32, month: i32| Ok(Moment::Month(12 * year + month));
        for text in ["2001-12", "2001/12", "12/2001", "Dec 2001", "2001 December", "2001M12", "200112", "2001:12"] {
            assert_eq!(read_one(text, DayFirst), months(2001, 12), "{text}");
        }
        for text in ["2001Q4", "2001-Q4", "2001 Q4", "Q4 2001", "Q4/2001", "4Q2001", "2001:q4"] {
            assert_eq!(read_one(text, DayFirst), Ok(Moment::Quarter(4 * 2001 + 4)), "{text}");
        }
        for (text, number) in
            [("2001", 2001.0), ("1958.208", 1958.208), ("1958,208", 1958.208), ("-3", -3.0), ("200113", 200113.0)]
        {
            assert_eq!(read_one(text, DayFirst), Ok(Moment::Number(number)), "{text}");
        }
    }

    #[test]
    fn times_of_the_day_are_read_with_their_offsets() {
        let local = |h, m, s| Ok(Moment::Local(Date::new(2001, 2, 1).unwrap().at(h, m, s, 0)));
        for (text, expected) in [
            ("2001-02-01 13:05", local(13, 5, 0)),
            ("2001-02-01T13:05:07", local(13, 5, 7)),
            ("20010201T1305", local(13, 5, 0)),
            ("01.02.2001 3:05", local(3, 5, 0)),
            ("1 Feb 2001 12:00 AM", local(0, 0, 0)),
            ("01/02/2001 1:05:07 pm", local(13, 5, 7)),
            ("2001020113", local(13, 0, 0)),
            ("200102011305", local(13, 5, 0)),
            ("20010201130507", local(13, 5, 7)),
        ] {
            assert_eq!(read_one(text, DateOrder::DayFirst), expected, "{text}");
        }
        for text in [
            "2001-02-01T13:05:00Z",
            "2001-02-01 13:05 UTC",
            "2001-02-01T14:05:00+01:00",
            "2001-02-01 14:05:00+0100",
            "2001-02-01 14:05:00 +01",
            "2001-01-31T23:05:00-14:00",
            "01.02.2001 14:05+01:00",
        ] {
            let expected: Timestamp = "2001-02-01T13:05:00Z".parse().unwrap();
            assert_eq!(read_one(text, DateOrder::DayFirst), Ok(Moment::Instant(expected)), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_said() {
        for (text, start) in [
            ("2001-02-30", "\"2001-02-30\" is no date: "),
            ("29.02.1900", "\"29.02.1900\" is no date: "),
            ("31/13/2001", "\"31/13/2001\" is no date: "),
            ("2001-13", "\"2001-13\" is no month"),
            ("2001Q5", "\"2001Q5\" is no quarter"),
            ("2001-W53", "\"2001-W53\" is no week"),
            ("2001-01-01 25:00", "\"2001-01-01 25:00\" is no time: "),
            ("2001-01-01 13:00 PM", "\"2001-01-01 13:00 PM\" is no time: "),
            ("2001-01-01 x:00", "\"2001-01-01 x:00\" is no date in a form"),
            ("01/02/99", "\"01/02/99\" has a year of two digits"),
            ("Jan-99", "\"Jan-99\" has a year of two digits"),
            ("Monday", "\"Monday\" is no date in a form that is known"),
            ("2001-1-1-1", "\"2001-1-1-1\" is no date in a form"),
            ("ä999-01-1", "\"ä999-01-1\" is no date in a form"),
            ("12345-01-01", "\"12345-01-01\" is no date in a form"),
        ] {
            let sentence = read_one(text, DateOrder::DayFirst).unwrap_err();
            assert!(sentence.starts_with(start), "{sentence}");
        }
        let all = |dates: &[&str]| {
            let dates: Vec<String> = dates.iter().map(|date| date.to_string()).collect();
            read_all(&dates, DateOrder::DayFirst)
        };
        assert_eq!(all(&["20010228", "20010229"]).unwrap_err().0, 1);
        assert_eq!(
            all(&["12345678", "20010229"]).unwrap(),
            [Moment::Number(12_345_678.0), Moment::Number(20_010_229.0)]
        );
        let mixed = all(&["2001-01", "2001-02", "2001Q1"]).unwrap_err();
        assert_eq!(mixed, (2, "\"2001Q1\" is another kind of date than \"2001-01\" above".to_string()));
        assert_eq!(all(&["2001-01-01T00:00Z", "2001-01-01T01:00"]).unwrap_err().0, 1);
    }

    #[test]
    fn distances_are_told_in_the_largest_whole_unit() {
        let day = read_one("2001-01-01", DateOrder::DayFirst).unwrap();
        let told = [86_400.0, 604_800.0, 3600.0, 5400.0, 0.5].map(|length| day.distance(length));
        assert_eq!(told, ["1 day", "7 days", "1 hour", "90 minutes", "0.5 seconds"]);
        assert_eq!(
            (Moment::Month(1).distance(3.0), Moment::Number(1.0).distance(0.25)),
            ("3 months".into(), "0.25".into())
        );
    }
}
