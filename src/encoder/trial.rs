//! Whether a stream's qualities can share one init: tried, since encoders and their arguments may be
//! any. A moment of nothing is encoded as the stream will be, and the inits are compared.
//!
//! It is tried before the server starts, so that nobody learns of it when he wants to watch; and
//! each run's own inits are compared again, as an input may bring what the trial did not have.

use super::{
    arguments,
    config::{Mistake, Stream},
    guard::bound,
    switching::{Rung, ladder},
};
use crate::cmaf::{Differs, shares};
use std::{
    fs, io,
    path::Path,
    process::{Command, Output},
    time::Duration,
};
use tokio::time::timeout;

/// What is wrong with streams whose qualities the server is to switch. Blocks while ffmpeg runs, a
/// fraction of a second for each.
///
/// `guard`: this program, by way of which ffmpeg dies with it.
pub fn run(streams: &[Stream], guard: Option<&Path>) -> Vec<Mistake> {
    streams.iter().filter_map(|stream| mistake(stream, guard)).collect()
}

fn mistake(stream: &Stream, guard: Option<&Path>) -> Option<Mistake> {
    let rungs = ladder(stream)?;
    let (key, reason) = match encode(stream, &rungs, guard) {
        Ok(inits) => ("qualities", compare_all(&rungs, inits).err()?),
        Err(reason) => ("switching", format!("its qualities cannot be tried: {reason}")),
    };
    Some(Mistake { line: stream.lines.of(key), key: key.to_owned(), reason })
}

/// The inits that a trial gives, in the order of the rungs.
fn encode(stream: &Stream, rungs: &[Rung], guard: Option<&Path>) -> Result<Vec<Vec<u8>>, String> {
    let folder = tempfile::tempdir().map_err(|error| format!("no folder for it: {error}"))?;
    let mut command = guard.map_or_else(|| Command::new("ffmpeg"), |guard| bound(guard, "ffmpeg"));
    command.args(arguments::trial(stream, folder.path()));
    let output = output_of(command.into());
    let output = output.map_err(|error| format!("ffmpeg cannot be run: {error}"))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        let last = words.lines().rfind(|line| !line.trim().is_empty());
        return Err(format!("ffmpeg fails: {}", last.unwrap_or("it says nothing")));
    }
    let inits: io::Result<Vec<_>> = rungs.iter().map(|rung| init(folder.path(), rung)).collect();
    inits.map_err(|error| format!("ffmpeg has written no init: {error}"))
}

/// What a program says until its end, which is waited for so long; then it is killed.
fn output_of(mut command: tokio::process::Command) -> io::Result<Output> {
    const PATIENCE: Duration = Duration::from_secs(30);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let output = async { timeout(PATIENCE, command.kill_on_drop(true).output()).await };
    let is_over = io::Error::new(io::ErrorKind::TimedOut, "it does not end");
    runtime.block_on(output).unwrap_or(Err(is_over))
}

fn init(folder: &Path, rung: &Rung) -> io::Result<Vec<u8>> {
    fs::read(folder.join(arguments::init_name(0, &rung.representation.to_string())))
}

fn compare_all(rungs: &[Rung], inits: Vec<Vec<u8>>) -> Result<bool, String> {
    let mut inits = inits.into_iter();
    compare(rungs, |_| inits.next())
}

/// Compares the inits of qualities, the best first; false while one is not there yet.
///
/// # Errors
/// With the reason why they cannot share the first one.
pub(super) fn compare(
    rungs: &[Rung],
    mut init: impl FnMut(&Rung) -> Option<Vec<u8>>,
) -> Result<bool, String> {
    let inits: Option<Vec<_>> = rungs.iter().map(|rung| Some((rung, init(rung)?))).collect();
    let Some(inits) = inits else { return Ok(false) };
    let Some(((best, first), others)) = inits.split_first() else { return Ok(false) };
    for (other, init) in others {
        let rates = format!("bitrates {} and {}", best.bitrate, other.bitrate);
        match shares(first, init) {
            Ok(Ok(())) => {}
            Ok(Err(Differs(kind))) => {
                let kind = kind.escape_ascii();
                return Err(format!(
                    "the qualities with the {rates} cannot share one init, their {kind} differ: \
                     give them the same codec and preset"
                ));
            }
            Err(error) => return Err(format!("the init of one of the {rates} is broken: {error}")),
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoder::config::read;

    fn tried(qualities: &str, more: &str) -> Vec<String> {
        let text = format!(
            "[[stream]]\nkey = \"a\"\nsource = \"rtsp\"\nswitching = \"server\"\n\
             qualities = [{qualities}]\n{more}\n"
        );
        let streams = read(&text).expect("of the right kinds");
        run(&streams, None).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn streams_whose_parameter_sets_are_the_same_share_an_init_and_others_are_refused() {
        let two = |one: &str, other: &str| {
            format!(
                "{{width = 160, bitrate = \"60k\"{one}}}, {{width = 160, bitrate = \"9M\"{other}}}"
            )
        };
        assert_eq!(tried(&two("", ""), ""), Vec::<String>::new(), "their levels differ");
        let fast = ", preset = \"ultrafast\"";
        assert_eq!(tried(&two(fast, fast), ""), Vec::<String>::new());
        let wanted = "line 5: stream.qualities: the qualities with the bitrates 9000000 and 60000 \
                      cannot share one init, their avcC differ: give them the same codec and preset";
        assert_eq!(tried(&two(fast, ""), ""), [wanted]);
        let more = "extra_args = [\"-profile:v:0\", \"main\"]";
        assert_eq!(tried(&two("", ""), more), [wanted], "any argument may do it");
        let said = tried(&two("", ""), "extra_args = [\"-level:v:0\", \"none\"]");
        assert!(
            said[0].starts_with("line 4: stream.switching: its qualities cannot be tried"),
            "{said:?}"
        );
    }

    #[test]
    fn streams_by_x265_share_an_init_and_those_whose_configuration_tells_the_rate_do_not() {
        let two = |codec: &str| {
            let one = |rate| format!("{{width = 160, bitrate = \"{rate}\", codec = \"{codec}\"}}");
            format!("{}, {}", one("20M"), one("100k"))
        };
        assert_eq!(tried(&two("libx265"), ""), Vec::<String>::new());
        assert!(tried(&two("mpeg4"), "")[0].contains("their mp4v differ"));
    }

    #[test]
    fn streams_are_compared_when_all_inits_are_there() {
        let rungs = ladder(&read("[[stream]]\nkey = \"a\"\nsource = \"test\"\nswitching = \"server\"\nqualities = [{width = 2, bitrate = 1}, {width = 2, bitrate = 2}]").expect("of the right kinds")[0]);
        let rungs = rungs.expect("the server switches them");
        assert_eq!(compare(&rungs, |rung| (rung.bitrate == 1).then(Vec::new)), Ok(false));
        assert!(compare(&rungs, |_| Some(Vec::new())).is_err_and(|it| it.contains("is broken")));
    }
}
