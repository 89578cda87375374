//! The dates and times of a column, in their usual formats.

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
    /// The number of a month or a quarter, counted from the year 0, and the unit.
    Count(i32, &'static str),
    /// What a calendar and a clock somewhere say; midnight, if they say no time.
    Local(DateTime),
    /// A time with its offset from UTC.
    Instant(Timestamp),
}

impl Moment {
    /// How far this is after another one: in the unit of its kind, seconds for kinds with days.
    pub(crate) fn since(self, other: Moment) -> Option<f64> {
        Some(match (self, other) {
            (Moment::Number(a), Moment::Number(b)) => a - b,
            (Moment::Count(a, unit), Moment::Count(b, other)) if unit == other => f64::from(a - b),
            (Moment::Instant(a), Moment::Instant(b)) => a.duration_since(b).as_secs_f64(),
            (Moment::Local(a), Moment::Local(b)) => a.duration_since(b).as_secs_f64(),
            _ => return None,
        })
    }

    /// A distance in words.
    pub(crate) fn distance(self, length: f64) -> String {
        let units: &[(f64, &str)] = match self {
            Moment::Number(_) => return format!("{length}"),
            Moment::Count(_, unit) => &[(1.0, unit)],
            _ => &[(86_400.0, "day"), (3600.0, "hour"), (60.0, "minute"), (1.0, "second")],
        };
        let (size, unit) = *units.iter().find(|(size, _)| length % size == 0.0).unwrap_or(&units[units.len() - 1]);
        let count = length / size;
        format!("{count} {unit}{}", if count == 1.0 { "" } else { "s" })
    }
}

/// The moments that the texts of a column stand for, all of one kind, or the place of the first
/// that cannot be read, and what is wrong with it.
pub(crate) fn read_all(dates: &[String], order: DateOrder) -> Result<Vec<Moment>, (usize, String)> {
    let read = || {
        let read = |(i, date): (usize, &String)| read(date, order).map_err(|problem| (i, problem));
        dates.iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()
    };
    // Plain numbers, maybe with a decimal comma.
    let number = |date: &String| date.replace(',', ".").parse().ok().filter(|number: &f64| number.is_finite());
    let numbers: Option<Vec<Moment>> = dates.iter().map(|date| number(date).map(Moment::Number)).collect();
    let all = match numbers {
        None => read()?,
        // Numbers are dates without separators if all have the same number of digits and look like it; of eight digits,
        // one that is a date is enough to expect others.
        Some(numbers) if dates.iter().all(|date| is_packed(date) && date.len() == dates[0].len()) => match read() {
            Err((i, _)) if i == 0 || dates[0].len() != 8 => numbers,
            moments => moments?,
        },
        Some(numbers) => numbers,
    };
    match all.iter().position(|moment| moment.since(all[0]).is_none()) {
        None => Ok(all),
        Some(i) => Err((i, format!("{:?} is another kind of date than {:?} above", dates[i], dates[0]))),
    }
}

/// `200112`, `20011231`, `2001123123`, `200112312359`, `20011231235959`.
fn is_packed(date: &str) -> bool {
    matches!(date.len(), 6 | 8 | 10 | 12 | 14) && date.bytes().all(|digit| digit.is_ascii_digit())
}

/// The moment of one text that is no plain number.
fn read(text: &str, order: DateOrder) -> Result<Moment, String> {
    let (date, time) = at_time(text);
    let day_first = order == DateOrder::DayFirst || date.contains('.'); // points are written where the day is first
    let spread =
        if is_packed(date) { format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]) } else { date.to_string() };
    let (form, numbers) = form(&spread).ok_or_else(|| unknown(text))?;
    let day = |y, m, d| Date::new(y, m as i8, d as i8).map_err(|e| format!("{text:?} is no date: {e}"));
    let date = match (&form[..], &numbers[..], time) {
        ("yss" | "yns", &[y, m, d], _) => day(y, m, d)?,
        ("sny", &[d, m, y], _) | ("nsy", &[m, d, y], _) => day(y, m, d)?,
        ("ssy", &[d, m, y], _) if day_first => day(y, m, d)?,
        ("ssy", &[m, d, y], _) => day(y, m, d)?,
        ("yWs", &[y, week], _) => match ISOWeekDate::new(y, week as i8, Weekday::Monday) {
            Ok(week) => Date::from_iso_week_date(week),
            Err(_) => return Err(format!("{text:?} is no week of a year")),
        },
        ("ys" | "yn" | "yMs", &[y, m], None) | ("sy" | "ny", &[m, y], None) if (1..=12).contains(&m) => {
            return Ok(Moment::Count(12 * i32::from(y) + i32::from(m), "month"));
        }
        ("yQs", &[y, q], None) | ("Qsy" | "sQy", &[q, y], None) if (1..=4).contains(&q) => {
            return Ok(Moment::Count(4 * i32::from(y) + i32::from(q), "quarter"));
        }
        ("ys" | "yMs" | "sy", _, None) => return Err(format!("{text:?} is no month: a year has 12")),
        ("yQs" | "Qsy" | "sQy", _, None) => return Err(format!("{text:?} is no quarter: a year has 4")),
        ("sss" | "sns" | "ns", ..) => return Err(format!("{text:?} has a year of two digits: write all four")),
        _ => return Err(unknown(text)),
    };
    match time {
        None => Ok(Moment::Local(date.to_datetime(Time::midnight()))),
        Some(time) => timed(date, time).map_err(|e| format!("{text:?} is no time: {e}")),
    }
}

/// A text cut where the time of the day begins: after a T, before the digits of the hour, or after
/// eight of more digits.
fn at_time(text: &str) -> (&str, Option<&str>) {
    let digit = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
    if is_packed(text) && text.len() > 8 {
        return (&text[..8], Some(&text[8..]));
    }
    if let Some(t) = text.find('T').filter(|&t| t > 0 && digit(t - 1) && digit(t + 1)) {
        return (&text[..t], Some(&text[t + 1..]));
    }
    let hour = text.find(':').map(|colon| text[..colon].trim_end_matches(|c: char| c.is_ascii_digit()).len());
    let hour = hour.filter(|&hour| text[..hour].ends_with(' '));
    hour.map_or((text, None), |hour| (text[..hour].trim_end(), Some(&text[hour..])))
}

/// A letter for each piece of a date, if it has no others: y for a year of four digits, s for one or
/// two digits (a day, a month, a quarter), n for the name of a month, capitals for themselves; and
/// the numbers of all but these.
fn form(date: &str) -> Option<(String, Vec<i16>)> {
    const SEPARATORS: [char; 6] = ['-', '/', '.', ',', ':', ' '];
    let (mut form, mut numbers) = (String::new(), Vec::new());
    let mut rest = date.trim_start_matches(SEPARATORS);
    while let Some(first) = rest.chars().next() {
        let digits = first.is_ascii_digit();
        let same = |c: char| if digits { c.is_ascii_digit() } else { c.is_ascii_alphabetic() };
        let (part, after) = rest.split_at(rest.find(|c| !same(c)).unwrap_or(rest.len()));
        let (letter, number) = match (digits, part.len()) {
            (true, 4) => ('y', part.parse().ok()),
            (true, 1 | 2) => ('s', part.parse().ok()),
            (false, 1) => (first.to_ascii_uppercase(), None),
            (false, 3..) => ('n', Some(named(part)?)),
            _ => return None,
        };
        form.push(letter);
        numbers.extend(number);
        rest = after.trim_start_matches(SEPARATORS);
    }
    Some((form, numbers))
}

/// The number of the month of this English name, whole or cut to three letters or more.
fn named(text: &str) -> Option<i16> {
    let names = "january february march april may june july august september october november december";
    let text = text.to_ascii_lowercase();
    names.split(' ').position(|name| name.starts_with(&text)).map(|at| at as i16 + 1)
}

/// A time of the day, on 24 hours or on 12, with or without its offset from UTC.
fn timed(date: Date, time: &str) -> Result<Moment, String> {
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
    let is_instant = rest.contains(['Z', '+', '-']);
    let moment = if is_instant { text.parse().map(Moment::Instant) } else { text.parse().map(Moment::Local) };
    moment.map_err(|e| e.to_string())
}

fn unknown(text: &str) -> String {
    let shown: String = text.chars().take(40).collect();
    let forms = "2001-12-31, 31.12.2001, 12/31/2001, 31 Dec 2001, 2001-12, 2001-Q4, with a time such as 23:59 or 23:59:59+01:00";
    format!("{shown:?} is no date in a form that is known: {forms}, or a number")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the texts, separated by bars, are read as, or the start of what is wrong with them.
    fn read_each(texts: &str, order: DateOrder) -> String {
        let read = |text: &str| match read_all(&[text.to_string()], order) {
            Ok(moments) => format!("{:?}", moments[0]).replace("T00:00:00)", ")"),
            Err((_, problem)) => problem.replace(&format!("{text:?} "), "").split(':').take(1).collect(),
        };
        let all: Vec<String> = texts.split(" | ").map(read).collect();
        assert!(all.iter().all(|one| *one == all[0]), "{texts}: {all:?}");
        all[0].clone()
    }

    #[test]
    fn dates_and_times_are_read_in_their_usual_forms() {
        for (texts, moment) in [
            ("2001-12-31 | 2001/12/31 | 20011231 | 31.12.2001 | 31/12/2001 | 31-12-2001", "Local(2001-12-31)"),
            ("31 Dec 2001 | 31-DEC-2001 | December 31, 2001 | 2001 Dec 31 | 31. December 2001", "Local(2001-12-31)"),
            // The first week is the one with the first Thursday (ISO 8601).
            ("2009-W01 | 2009W01", "Local(2008-12-29)"),
            ("2009-W53", "Local(2009-12-28)"),
            ("2001-12 | 2001/12 | 12/2001 | Dec 2001 | 2001 December | 2001M12 | 200112", "Count(24024, \"month\")"),
            ("2001Q4 | 2001-Q4 | 2001 Q4 | Q4 2001 | Q4/2001 | 4Q2001 | 2001:q4", "Count(8008, \"quarter\")"),
            ("1958.208 | 1958,208", "Number(1958.208)"),
            ("2001", "Number(2001.0)"),
            ("200113", "Number(200113.0)"),
            ("2001-02-01 13:05 | 200102011305 | 20010201T1305 | 01.02.2001 1:05 PM", "Local(2001-02-01T13:05:00)"),
            ("2001-02-01T13:05:07 | 01/02/2001 1:05:07 pm | 20010201130507", "Local(2001-02-01T13:05:07)"),
            ("1 Feb 2001 12:00 AM | 01.02.2001 0:00 | 2001020100", "Local(2001-02-01)"),
            ("2001-02-01T13:05:00Z | 2001-02-01 13:05 UTC", "Instant(2001-02-01T13:05:00Z)"),
            ("2001-02-01T14:05:00+01:00 | 2001-02-01 14:05:00+0100", "Instant(2001-02-01T13:05:00Z)"),
            ("2001-01-31T23:05:00 -14 | 01.02.2001 14:05+01:00", "Instant(2001-02-01T13:05:00Z)"),
            ("2001-02-30 | 29.02.1900 | 31/13/2001", "is no date"),
            ("2001-01-01 25:00 | 2001-01-01 13:00 PM", "is no time"),
            ("01/02/99 | Jan-99", "has a year of two digits"),
            ("2001-13 | 13/2001", "is no month"),
            ("2001Q5 | 5Q2001", "is no quarter"),
            ("2001-W53", "is no week of a year"),
            ("Monday | 2001-01-01 x:00 | 2001-1-1-1 | ä999-01-1 | 12345-01-01", "is no date in a form that is known"),
        ] {
            assert_eq!(read_each(texts, DateOrder::DayFirst), moment);
        }
        assert_eq!(read_each("12/31/2001 | 12-31-2001 | 31.12.2001", DateOrder::MonthFirst), "Local(2001-12-31)");
    }

    #[test]
    fn all_dates_are_of_one_kind() {
        let all = |dates: &str| read_all(&dates.split(' ').map(String::from).collect::<Vec<_>>(), DateOrder::DayFirst);
        assert_eq!(all("20010228 20010229").unwrap_err().0, 1);
        assert_eq!(all("12345678 20010229").unwrap(), [12_345_678.0, 20_010_229.0].map(Moment::Number));
        let mixed = (2, "\"2001Q1\" is another kind of date than \"2001-01\" above".to_string());
        assert_eq!(all("2001-01 2001-02 2001Q1").unwrap_err(), mixed);
        assert_eq!(all("2001-01-01T00:00Z 2001-01-01T01:00").unwrap_err().0, 1);
    }

    #[test]
    fn distances_are_told_in_the_largest_whole_unit() {
        let day = Moment::Local(DateTime::constant(2001, 1, 1, 0, 0, 0, 0));
        let told = [86_400.0, 604_800.0, 3600.0, 5400.0, 0.5].map(|length| day.distance(length));
        assert_eq!(told, ["1 day", "7 days", "1 hour", "90 minutes", "0.5 seconds"]);
        assert_eq!([Moment::Count(1, "month"), Moment::Number(1.0)].map(|at| at.distance(3.0)), ["3 months", "3"]);
    }
}
