//! The options of an example, as its usage text declares them: one on each line.
//!
//! ```text
//! --text FILE   an option with a value; after two spaces or more, what it means
//! --order 6     the same with a default
//! --tied        an option without a value
//! ```

use std::process::exit;
use std::str::FromStr;

pub(crate) struct Cli {
    usage: &'static str,
    /// Names and values, as given.
    given: Vec<(String, String)>,
}

#[allow(dead_code)] // not every example has options of every kind
impl Cli {
    /// Reads the command line. With `--help`, or a mistake, prints the usage and ends the program.
    pub(crate) fn read(usage: &'static str) -> Self {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
            println!("{}", usage.trim());
            exit(0);
        }
        Cli::parse(usage, &arguments).unwrap_or_else(|sentence| fail(&sentence, usage))
    }

    /// `--name value`, `--name=value` or `--name`; the last of an option counts.
    fn parse(usage: &'static str, arguments: &[String]) -> Result<Self, String> {
        let (mut given, mut rest) = (Vec::new(), arguments.iter());
        while let Some(argument) = rest.next() {
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value.to_string())),
                None => (argument.as_str(), None),
            };
            let name = name.strip_prefix("--").filter(|name| declared(usage, name).is_some());
            let name = name.ok_or_else(|| format!("there is no option {argument}"))?;
            let value = match (declared(usage, name) == Some(""), value) {
                (true, Some(_)) => return Err(format!("--{name} takes no value")),
                (true, None) => String::new(),
                (false, value) => {
                    value.or_else(|| rest.next().cloned()).ok_or_else(|| format!("--{name} needs a value"))?
                }
            };
            given.push((name.to_string(), value));
        }
        Ok(Cli { usage, given })
    }

    /// Whether an option without a value was given.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.given(name).is_some()
    }

    /// The value of an option without a default, if it was given.
    pub(crate) fn optional(&self, name: &str) -> Option<&str> {
        self.given(name)
    }

    /// The value of an option, or its default. Ends the program if it is of another type.
    pub(crate) fn get<V: FromStr>(&self, name: &str) -> V {
        let value = self.given(name).or(declared(self.usage, name)).unwrap_or_default();
        value.parse().unwrap_or_else(|_| fail(&format!("--{name} {value:?} is not what it takes"), self.usage))
    }

    fn given(&self, name: &str) -> Option<&str> {
        assert!(declared(self.usage, name).is_some(), "the usage has no option --{name}");
        self.given.iter().rev().find(|(given, _)| given == name).map(|(_, value)| &value[..])
    }
}

/// What stands between an option and its meaning: a default, the kind of its value, or nothing.
fn declared(usage: &'static str, name: &str) -> Option<&'static str> {
    let mut options = usage.lines().filter_map(|line| line.trim().strip_prefix("--"));
    let option =
        options.find_map(|line| line.strip_prefix(name).filter(|rest| rest.is_empty() || rest.starts_with(' ')))?;
    Some(option.strip_prefix(' ').and_then(|rest| rest.split("  ").next()).unwrap_or_default().trim())
}

fn fail(sentence: &str, usage: &str) -> ! {
    eprintln!("{sentence}\n\n{}", usage.trim());
    exit(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_unknown_ones_refused() {
        let usage = "An example.\n  --text FILE  a text\n  --order 6    the largest n\n  --tied       tied weights";
        let parse =
            |arguments: &str| Cli::parse(usage, &arguments.split_whitespace().map(str::to_string).collect::<Vec<_>>());
        let cli = parse("--tied --text=a.txt --text b.txt").unwrap_or_else(|sentence| panic!("{sentence}"));
        assert_eq!((cli.flag("tied"), cli.optional("text"), cli.get::<usize>("order")), (true, Some("b.txt"), 6));
        let refused = |arguments| parse(arguments).err().expect("refused");
        assert_eq!(refused("--orde 3"), "there is no option --orde");
        assert_eq!(refused("--text"), "--text needs a value");
        assert_eq!(refused("--tied=1"), "--tied takes no value");
    }
}
