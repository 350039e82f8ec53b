//! A playlist as a strict reader sees it: what it does not know, it refuses.

/// A media playlist.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct List {
    pub version: u64,
    pub target: u64,
    pub part_target: Option<f64>,
    /// Of EXT-X-SERVER-CONTROL.
    pub control: Vec<(String, String)>,
    pub first: u64,
    pub discontinuities: u64,
    pub skipped: u64,
    pub segments: Vec<Segment>,
    /// Parts of a segment that is not complete.
    pub open: Segment,
    pub hints: Vec<Vec<(String, String)>>,
    pub reports: Vec<Vec<(String, String)>>,
    pub is_ended: bool,
}

/// A segment, or the beginning of one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Segment {
    pub uri: String,
    pub duration: f64,
    pub parts: Vec<Part>,
    pub map: Option<String>,
    pub wall: Option<f64>,
    pub is_gap: bool,
    pub is_discontinuous: bool,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Part {
    pub uri: String,
    pub duration: f64,
    pub is_independent: bool,
    pub is_gap: bool,
}

impl List {
    /// Reads one; the reason why it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        if lines.next() != Some("#EXTM3U") || !text.ends_with('\n') {
            return Err("4.4.1.1: the first line is not #EXTM3U".into());
        }
        let mut list = Self::default();
        let mut extinf = None;
        for line in lines {
            match line.strip_prefix('#') {
                None if line.is_empty() => return Err("an empty line".into()),
                None => {
                    let duration = extinf.take().ok_or("4.4.4.1: a URI without EXTINF")?;
                    let open = std::mem::take(&mut list.open);
                    list.segments.push(Segment { uri: line.into(), duration, ..open });
                }
                Some(tag) => match tag.split_once(':') {
                    Some(("EXTINF", value)) => extinf = Some(seconds(value.trim_end_matches(','))?),
                    Some((name, value)) => list.tag(name, value)?,
                    None => list.flag(tag)?,
                },
            }
        }
        match extinf {
            Some(_) => Err("4.4.4.1: an EXTINF without URI".into()),
            None => Ok(list),
        }
    }

    fn tag(&mut self, name: &str, value: &str) -> Result<(), String> {
        let number = || value.parse::<u64>().map_err(|_| format!("{name} is {value}"));
        match name {
            "EXT-X-VERSION" => self.version = number()?,
            "EXT-X-TARGETDURATION" => self.target = number()?,
            "EXT-X-MEDIA-SEQUENCE" => self.first = number()?,
            "EXT-X-DISCONTINUITY-SEQUENCE" => self.discontinuities = number()?,
            "EXT-X-SERVER-CONTROL" => self.control = attributes(value)?,
            "EXT-X-PART-INF" => {
                self.part_target = Some(seconds(&required(&attributes(value)?, "PART-TARGET")?)?);
            }
            "EXT-X-SKIP" => {
                let skipped = required(&attributes(value)?, "SKIPPED-SEGMENTS")?;
                self.skipped = skipped.parse().map_err(|_| "SKIPPED-SEGMENTS")?;
            }
            "EXT-X-MAP" => self.open.map = Some(required(&attributes(value)?, "URI")?),
            "EXT-X-PROGRAM-DATE-TIME" => {
                let time = humantime_seconds(value).ok_or_else(|| format!("a date {value}"))?;
                self.open.wall = Some(time);
            }
            "EXT-X-PART" => self.open.parts.push(part(&attributes(value)?)?),
            "EXT-X-PRELOAD-HINT" => self.hints.push(attributes(value)?),
            "EXT-X-RENDITION-REPORT" => self.reports.push(attributes(value)?),
            _ => return Err(format!("an unknown tag {name}")),
        }
        Ok(())
    }

    fn flag(&mut self, name: &str) -> Result<(), String> {
        match name {
            "EXT-X-GAP" => self.open.is_gap = true,
            "EXT-X-DISCONTINUITY" => self.open.is_discontinuous = true,
            "EXT-X-ENDLIST" => self.is_ended = true,
            _ => return Err(format!("an unknown tag {name}")),
        }
        Ok(())
    }

    /// The number of the segment that comes after those that are complete.
    pub fn next(&self) -> u64 {
        self.first + self.skipped + self.segments.len() as u64
    }

    /// Seconds of what is listed, without what is left out.
    pub fn seconds(&self) -> f64 {
        let open: f64 = self.open.parts.iter().map(|part| part.duration).sum();
        open + self.segments.iter().map(|segment| segment.duration).sum::<f64>()
    }

    /// A number of EXT-X-SERVER-CONTROL.
    pub fn control(&self, name: &str) -> Option<f64> {
        required(&self.control, name).ok()?.parse().ok()
    }

    /// The URI of the part that comes next.
    pub fn hint(&self) -> Option<String> {
        required(self.hints.first()?, "URI").ok()
    }
}

fn part(attributes: &[(String, String)]) -> Result<Part, String> {
    if required(attributes, "BYTERANGE").is_ok() {
        return Err("caches answer a range of what still grows with the whole".into());
    }
    let is = |name| required(attributes, name).is_ok_and(|value| value == "YES");
    Ok(Part {
        uri: required(attributes, "URI")?,
        duration: seconds(&required(attributes, "DURATION")?)?,
        is_independent: is("INDEPENDENT"),
        is_gap: is("GAP"),
    })
}

fn seconds(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| format!("a duration {text}"))
}

/// The value of an attribute that must be there.
pub fn required(attributes: &[(String, String)], name: &str) -> Result<String, String> {
    let found = attributes.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.clone()).ok_or_else(|| format!("no attribute {name}"))
}

/// `A=1,B="x,y"` (section 4.2).
pub fn attributes(text: &str) -> Result<Vec<(String, String)>, String> {
    let (mut found, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let (name, value) = rest.split_once('=').ok_or("an attribute without a value")?;
        let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-';
        if !name.chars().all(is_name) || found.iter().any(|(known, _)| known == name) {
            return Err(format!("4.2: an attribute {name}"));
        }
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or("an open quote")?,
            None => value.split_at(value.find(',').unwrap_or(value.len())),
        };
        found.push((name.to_owned(), value.to_owned()));
        rest = match after.strip_prefix(',') {
            Some(rest) => rest,
            None if after.is_empty() => after,
            None => return Err(format!("4.2: {after:?} after an attribute")),
        };
    }
    Ok(found)
}

/// `2026-01-01T00:00:00.000Z`, in seconds of the day and days of 31 for each month: enough to
/// compare neighbours.
fn humantime_seconds(text: &str) -> Option<f64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let numbers = |text: &str, at: char| -> Option<Vec<f64>> {
        text.split(at).map(|part| part.parse().ok()).collect()
    };
    let (date, time) = (numbers(date, '-')?, numbers(time, ':')?);
    let [year, month, day] = date[..] else { return None };
    let [hour, minute, second] = time[..] else { return None };
    Some((((year * 12.0 + month) * 31.0 + day) * 24.0 + hour) * 3600.0 + minute * 60.0 + second)
}

#[test]
fn the_reader_is_strict() {
    let parse = |text: &str| List::parse(&format!("#EXTM3U\n{text}"));
    assert!(parse("#EXTINF:2.0,\nx\n").is_ok());
    for bad in [
        "x\n",
        "#EXTINF:2.0,\n",
        "#EXT-X-NONSENSE\n",
        "\n",
        "#EXTINF:x,\ny\n",
        "#EXT-X-PART:URI=\"x\n",
    ] {
        assert!(parse(bad).is_err(), "{bad:?}");
    }
}
