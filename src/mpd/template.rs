//! Templates of segment names: `$Number%05d$` and its kin (ISO/IEC 23009-1, 5.3.9.4.4).

/// What fills a template's gaps.
#[derive(Debug, Clone, Copy, Default)]
pub struct Values<'a> {
    /// `$RepresentationID$`.
    pub id: &'a str,
    /// `$Bandwidth$`, in bit/s.
    pub bandwidth: u64,
    /// `$Number$`.
    pub number: u64,
    /// `$Time$`, in ticks of the template.
    pub time: u64,
}

/// What a name says of its segment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The digits in the place of `$Number$`.
    pub number: Option<u64>,
    /// The digits in the place of `$Time$`.
    pub time: Option<u64>,
    /// What stands in the place of each `*`, of `$RepresentationID$` and of `$Bandwidth$`.
    pub rest: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Id,
    /// Digits, at least as many as given.
    Bandwidth(usize),
    Number(usize),
    Time(usize),
    Any,
}

/// A parsed template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Part>);

impl Pattern {
    /// Reads a template of an MPD; an unknown `$…$` stays as it is written.
    pub fn new(template: &str) -> Self {
        Self::parse(template, false)
    }

    /// The same, and `*` stands for any text without a slash.
    pub fn glob(template: &str) -> Self {
        Self::parse(template, true)
    }

    fn parse(template: &str, glob: bool) -> Self {
        let mut pattern = Self(Vec::new());
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('$') {
            pattern.push_literal(before, glob);
            let Some((name, next)) = after.split_once('$') else {
                pattern.push_literal("$", false);
                rest = after;
                continue;
            };
            match identifier(name) {
                Some(part) => pattern.0.push(part),
                None if name.is_empty() => pattern.push_literal("$", false),
                None => pattern.push_literal(&format!("${name}$"), false),
            }
            rest = next;
        }
        pattern.push_literal(rest, glob);
        pattern
    }

    fn push_literal(&mut self, text: &str, glob: bool) {
        if glob && let Some((before, after)) = text.split_once('*') {
            self.push_literal(before, false);
            self.0.push(Part::Any);
            return self.push_literal(after, true);
        }
        match self.0.last_mut() {
            _ if text.is_empty() => {}
            Some(Part::Literal(last)) => last.push_str(text),
            _ => self.0.push(Part::Literal(text.to_string())),
        }
    }

    /// The same with these literals in front.
    #[must_use]
    pub fn with_prefix(mut self, prefix: &str) -> Self {
        if !prefix.is_empty() {
            self.0.insert(0, Part::Literal(prefix.to_string()));
        }
        self
    }

    /// The same with percent escapes resolved, as names on disk have none: `%05d` is no escape.
    #[must_use]
    pub fn decoded(mut self) -> Self {
        for part in &mut self.0 {
            if let Part::Literal(text) = part {
                let decoded = percent_encoding::percent_decode_str(text).decode_utf8_lossy();
                *text = decoded.into_owned();
            }
        }
        self
    }

    /// Whether names differ from segment to segment by number.
    pub fn has_number(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Number(_)))
    }

    /// Whether names differ from segment to segment by time.
    pub fn has_time(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Time(_)))
    }

    /// The name with its gaps filled; nothing in the place of `*`.
    pub fn expand(&self, values: &Values<'_>) -> String {
        let fill = |part: &Part| match part {
            Part::Literal(text) => text.clone(),
            Part::Id => values.id.to_string(),
            Part::Bandwidth(width) => format!("{:0width$}", values.bandwidth),
            Part::Number(width) => format!("{:0width$}", values.number),
            Part::Time(width) => format!("{:0width$}", values.time),
            Part::Any => String::new(),
        };
        self.0.iter().map(fill).collect()
    }

    /// The same template with this representation's values filled in.
    #[must_use]
    pub fn for_representation(&self, id: &str, bandwidth: u64) -> Self {
        let mut filled = Self(Vec::new());
        for part in &self.0 {
            match part {
                Part::Literal(text) => filled.push_literal(text, false),
                Part::Id => filled.push_literal(id, false),
                Part::Bandwidth(width) => {
                    filled.push_literal(&format!("{bandwidth:0width$}"), false);
                }
                other => filled.0.push(other.clone()),
            }
        }
        filled
    }

    /// Reads number and time from a name; `None` when the name does not match.
    pub fn matches(&self, name: &str) -> Option<Found> {
        let mut found = Found::default();
        match_parts(&self.0, name, &mut found).then_some(found)
    }
}

fn identifier(name: &str) -> Option<Part> {
    let (name, width) = match name.split_once('%') {
        None => (name, 1),
        Some((name, format)) => {
            let digits = format.strip_prefix('0')?.strip_suffix('d')?;
            (name, digits.parse().ok().filter(|width| *width <= 20)?)
        }
    };
    match name {
        "RepresentationID" => Some(Part::Id),
        "Bandwidth" => Some(Part::Bandwidth(width)),
        "Number" => Some(Part::Number(width)),
        "Time" => Some(Part::Time(width)),
        _ => None,
    }
}

/// Matches by trying each length of a gap, longest first.
fn match_parts(parts: &[Part], name: &str, found: &mut Found) -> bool {
    let Some((part, rest)) = parts.split_first() else { return name.is_empty() };
    if let Part::Literal(text) = part {
        return name.strip_prefix(text.as_str()).is_some_and(|tail| match_parts(rest, tail, found));
    }
    let digits = !matches!(part, Part::Any | Part::Id);
    let fits = |c: char| if digits { c.is_ascii_digit() } else { c != '/' };
    let longest = name.find(|c| !fits(c)).unwrap_or(name.len());
    let ends = (0..=longest).rev().filter(|end| name.is_char_boundary(*end));
    for end in ends {
        let (taken, tail) = name.split_at(end);
        let before = found.clone();
        if note(part, taken, found) && match_parts(rest, tail, found) {
            return true;
        }
        *found = before;
    }
    false
}

/// Keeps what a gap holds; false when it cannot hold that.
fn note(part: &Part, taken: &str, found: &mut Found) -> bool {
    let digits = |width: usize| {
        // A leading zero is padding: only as wide as the template asks.
        let padded = taken.len() > width && taken.starts_with('0');
        (taken.len() >= width && !padded).then(|| taken.parse::<u64>().ok()).flatten()
    };
    // A second $Number$ has to be the same.
    let same = |known: &mut Option<u64>, value: Option<u64>| {
        let fits = value.is_some() && (known.is_none() || *known == value);
        *known = value.or(*known);
        fits
    };
    match part {
        Part::Number(width) => same(&mut found.number, digits(*width)),
        Part::Time(width) => same(&mut found.time, digits(*width)),
        Part::Bandwidth(width) if digits(*width).is_none() => false,
        _ => {
            found.rest.push(taken.to_string());
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn expands_as_the_standard_says() {
        let pattern = Pattern::new("$RepresentationID$/$Bandwidth$/a$$-$Number%05d$-$Time$.m4s");
        let values = Values { id: "v1", bandwidth: 500, number: 7, time: 90_000 };
        assert_eq!(pattern.expand(&values), "v1/500/a$-00007-90000.m4s");
        assert_eq!(Pattern::new("a$Nonsense$").expand(&values), "a$Nonsense$");
        assert_eq!(Pattern::new("a$b").expand(&values), "a$b");
    }

    #[test]
    fn percent_escapes_are_not_widths() {
        let pattern = Pattern::new("a%20$Number%03d$").decoded();
        assert_eq!(pattern.expand(&Values { number: 5, ..Values::default() }), "a 005");
    }

    #[test]
    fn reads_numbers_from_names() {
        let number = |template: &str, name: &str| {
            Pattern::glob(template).matches(name).and_then(|found| found.number)
        };
        assert_eq!(number("s-$Number%03d$.m4s", "s-007.m4s"), Some(7));
        assert_eq!(number("s-$Number%03d$.m4s", "s-1234.m4s"), Some(1234));
        assert_eq!(number("s-$Number%03d$.m4s", "s-07.m4s"), None);
        assert_eq!(number("s-$Number$.m4s", "s-07.m4s"), None);
        assert_eq!(number("s-$Number$.m4s", "s-.m4s"), None);
        assert_eq!(number("segment-$Number$.*.m4s", "segment-0.video-1.m4s"), Some(0));
        assert_eq!(number("$Number$*.m4s", "12a/b.m4s"), None);
        assert_eq!(number("s$Number$-$Number$", "s4-4"), Some(4));
        assert_eq!(number("s$Number$-$Number$", "s4-5"), None);
    }

    #[test]
    fn tells_tracks_apart_by_what_the_star_stands_for() {
        let found = Pattern::glob("$Number$.*.m4s").matches("3.audio.m4s").expect("a match");
        assert_eq!(found.rest, ["audio"]);
    }

    proptest! {
        #[test]
        fn matches_what_it_expands(number: u64, time: u64, width in 1..12_usize) {
            let template = format!("x$Number%0{width}d$_$Time$.m4s");
            let pattern = Pattern::new(&template);
            let name = pattern.expand(&Values { number, time, ..Values::default() });
            let wanted = Found { number: Some(number), time: Some(time), rest: Vec::new() };
            prop_assert_eq!(pattern.matches(&name), Some(wanted));
        }

        #[test]
        fn never_panics(template: String, name: String) {
            let _ = Pattern::glob(&template).matches(&name);
        }
    }
}
