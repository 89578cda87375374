//! Whether the dates of a series are in order and evenly spaced.

use crate::moments::{DateOrder, Moment, read_all};

/// A step this many times the usual (median) step is a gap. Months differ by less, a missing month
/// does not.
const GAP: f64 = 1.5;
/// The most characters of a date, so that sentences can show it whole.
const LONGEST: usize = 100;

/// Checks that the dates, found in the given lines of the file, ascend and are evenly spaced.
///
/// If they can begin with the day or with the month, and nobody tells, they are read both ways: the
/// one counts with which all of them are dates, in order and without a gap. What was decided so is
/// returned, as a sentence for the report.
pub(crate) fn check(dates: &[String], lines: &[usize], told: Option<DateOrder>) -> Result<Option<String>, String> {
    if let Some(empty) = dates.iter().position(|date| date.is_empty()) {
        return Err(format!("line {} has no date: write one, or leave out --date-column", lines[empty]));
    }
    if let Some(i) = dates.iter().position(|date| date.chars().count() > LONGEST) {
        let (line, count) = (lines[i], dates[i].chars().count());
        return Err(format!(
            "line {line}: the date has {count} characters, and no form of one has more than {LONGEST}"
        ));
    }
    let read = |order| {
        let moments = read_all(dates, order).map_err(|(i, problem)| format!("line {}: {problem}", lines[i]));
        moments.and_then(|moments| evenly_spaced(&moments, dates, lines).map(|()| moments))
    };
    if let Some(order) = told {
        return read(order).map(|_| None);
    }
    let decided = |what: &str| Ok(Some(format!("dates are read with the {what} first")));
    match (read(DateOrder::DayFirst), read(DateOrder::MonthFirst)) {
        (Ok(days), Ok(months)) if days == months => Ok(None),
        (Ok(_), Ok(_)) => {
            let (from, to) = (&dates[0], &dates[dates.len() - 1]);
            let either = "are in order whether the day or the month comes first";
            Err(format!("the dates {from} to {to} {either}: tell with --date-order"))
        }
        (Ok(_), Err(_)) => decided("day"),
        (Err(_), Ok(_)) => decided("month"),
        (Err(day), Err(month)) if day == month => Err(day),
        (Err(day), Err(month)) => Err(format!("with the day first, {day}; with the month first, {month}")),
    }
}

fn evenly_spaced(moments: &[Moment], dates: &[String], lines: &[usize]) -> Result<(), String> {
    let steps: Vec<f64> = moments.windows(2).map(|pair| pair[1].since(pair[0]).unwrap_or(f64::NAN)).collect();
    // Clocks on the wall repeat an hour in autumn, and leave one out in spring.
    let on_the_wall = |at: &Moment| matches!(at, Moment::Local(time) if time.time() != jiff::civil::Time::midnight());
    let clocks = if moments.iter().any(on_the_wall) {
        "; where clocks are changed, times need their offsets from UTC"
    } else {
        ""
    };
    if steps.len() > 1 && steps.iter().all(|step| *step < 0.0) {
        return Err("the rows run from the latest date to the earliest: turn their order around".to_string());
    }
    if let Some(i) = steps.iter().position(|step| *step <= 0.0) {
        let (line, date, before) = (lines[i + 1], &dates[i + 1], &dates[i]);
        return Err(match steps[i] {
            0.0 => format!("line {line}: the date {date} is that of line {}, too{clocks}", lines[i]),
            _ => format!("line {line}: the date {date} does not come after {before}: sort the rows by date{clocks}"),
        });
    }
    let mut lengths = steps.clone();
    lengths.sort_by(f64::total_cmp);
    let usual = lengths.get(lengths.len() / 2).copied().unwrap_or(0.0);
    let Some(i) = steps.iter().position(|step| *step > GAP * usual || *step * GAP < usual) else { return Ok(()) };
    let (line, from, to) = (lines[i + 1], &dates[i], &dates[i + 1]);
    let [step, others] = [steps[i], usual].map(|length| moments[i].distance(length));
    if steps[i] < usual {
        let apart = format!("comes {step} after {from}, where others are {others} apart");
        return Err(format!("line {line}: {to} {apart}: a series is evenly spaced{clocks}"));
    }
    let gap = format!("there is a gap between {from} and {to}, where others are {others} apart");
    let remedy = "add the missing rows with empty cells and use --fill, or leave out --date-column";
    Err(format!("line {line}: {gap}: {remedy} if the rows are evenly spaced{clocks}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of dates in the lines from 2.
    fn told(dates: &[String], order: Option<DateOrder>) -> String {
        let told = check(dates, &(2..dates.len() + 2).collect::<Vec<_>>(), order);
        told.map(Option::unwrap_or_default).unwrap_or_else(|sentence| sentence)
    }

    /// A series of dates in many forms; then without one of them, with two of them exchanged, with
    /// one of them twice, turned around: all is told but the first.
    #[test]
    fn order_and_gaps_are_checked_in_every_form() {
        let forms: [fn(usize) -> String; 12] = [
            |i| format!("2001-01-{:02} {:02}:00", 1 + i / 24, i % 24),
            |i| format!("2001-03-25T{:02}:30:00+0{}:00", i + i % 2, 1 + i % 2),
            |i| format!("01.02.2001 {:02}:{:02}", i / 4, i % 4 * 15),
            |i| format!("12/31/2001 {}:00 {}M", (i + 11) % 12 + 1, ["A", "P"][i / 12]),
            |i| format!("200101{:02}{:02}", 1 + i / 24, i % 24),
            |i| format!("2001-01-{:02}", i + 1),
            |i| format!("01/{:02}/2001", i + 1),
            |i| format!("2001-W{:02}", i + 1),
            |i| format!("{}-{:02}", 2001 + i / 12, 1 + i % 12),
            |i| format!("{:02}/01/{}", 1 + i % 12, 2001 + i / 12),
            |i| format!("{}Q{}", 2001 + i / 4, 1 + i % 4),
            |i| format!("{}", 1990 + i),
        ];
        type Change = fn(&mut Vec<String>);
        let changes: [(Change, &str); 5] = [
            (|_| (), ""),
            (|dates| drop(dates.remove(7)), "line 9: there is a gap between"),
            (|dates| dates.swap(7, 8), "sort the rows by date"),
            (|dates| dates[8] = dates[7].clone(), "is that of line 9, too"),
            (|dates| dates.reverse(), "turn their order around"),
        ];
        for form in forms {
            for (change, problem) in changes {
                let mut dates: Vec<String> = (0..20).map(form).collect();
                change(&mut dates);
                let told = told(&dates, None);
                let right = if problem.is_empty() { !told.contains("line") } else { told.contains(problem) };
                assert!(right, "{dates:?}: {told}");
            }
        }
    }

    #[test]
    fn what_is_told_of_dates() {
        let long = format!("2001-01-01 23:00|2001-01-01 25:00{}", "0".repeat(1_000_000));
        for (dates, start) in [
            ("20000131|20000229|20000331|20000430", ""),
            ("1958-12-27|1959-01-03|1959-01-10", ""),
            ("998|999|1000|1001", ""),
            ("2000", ""),
            ("1|2|3|5", "line 5: there is a gap between 3 and 5, where others are 1 apart: add the missing rows"),
            (
                "2001-01|2001-02|2001-04|2001-05",
                "line 4: there is a gap between 2001-02 and 2001-04, where others are 1 mo",
            ),
            (
                "1 Jan 2001|8 Jan 2001|10 Jan 2001",
                "line 4: 10 Jan 2001 comes 2 days after 8 Jan 2001, where others are 7 d",
            ),
            ("3|10|9", "line 4: the date 9 does not come after 10: sort"),
            ("1||3", "line 3 has no date: write one, or leave out --date-column"),
            ("2001-02-28|2001-02-29", "line 3: \"2001-02-29\" is no date: "),
            (&long, "line 3: the date has 1000016 characters, and no form of one has more than 100"),
            // The end of summer time, on the wall.
            (
                "2001-10-28 02:00|2001-10-28 02:00",
                "line 3: the date 2001-10-28 02:00 is that of line 2, too; where clocks are",
            ),
            // By the whole column: a month has no 13 days; or else order and gaps tell.
            ("11/01/2001|12/01/2001|13/01/2001", "dates are read with the day first"),
            ("01/11/2001|01/12/2001|01/13/2001", "dates are read with the month first"),
            ("01/11/2001|01/12/2001|01/01/2002|01/02/2002", "dates are read with the day first"),
            ("11/01/2001|12/01/2001|01/01/2002|02/01/2002", "dates are read with the month first"),
            ("01/01/2001|02/02/2001|03/03/2001", ""),
            (
                "01/02/2001|01/03/2001",
                "the dates 01/02/2001 to 01/03/2001 are in order whether the day or the month comes",
            ),
            ("30/01/2001|01/31/2001", "with the day first, line 3: \"01/31/2001\" is no date: "),
        ] {
            let told = told(&dates.split('|').map(String::from).collect::<Vec<_>>(), None);
            assert!(told.starts_with(start) && told.is_empty() == start.is_empty(), "{dates:.80}: {told}");
        }
        assert_eq!(told(&[], None), "");
        assert_eq!(told(&["01/02/2001", "01/03/2001"].map(String::from), Some(DateOrder::DayFirst)), "");
    }
}
