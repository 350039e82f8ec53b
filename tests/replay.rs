//! `lldash-replay` as a program, over real folders. Nothing here waits for time: only for a
//! process to end, a line, or a file.

#[path = "replay/media.rs"]
mod media;

use notify::{RecursiveMode, Watcher};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use tempfile::TempDir;

/// Only a safety net: nothing takes this long.
const PATIENCE: Duration = Duration::from_secs(30);

struct Folders {
    root: TempDir,
}

impl Folders {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        media::record(&root.path().join("in"));
        Self { root }
    }

    fn input(&self) -> PathBuf {
        self.root.path().join("in")
    }

    fn output(&self) -> PathBuf {
        self.root.path().join("out")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = program();
        command.arg("-i").arg(self.input()).arg("-o").arg(self.output()).args(args);
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("it runs")
    }
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lldash-replay"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// All files below a folder, by their relative paths.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("UTF-8");
        if entry.file_type().expect("a type").is_dir() {
            let inner = contents(&entry.path());
            found
                .extend(inner.into_iter().map(|(below, bytes)| (format!("{name}/{below}"), bytes)));
        } else {
            found.insert(name, fs::read(entry.path()).expect("readable"));
        }
    }
    found
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Waits for the first line on standard error that contains a text.
fn wait_for_line(child: &mut Child, wanted: &str) {
    let lines = BufReader::new(child.stderr.as_mut().expect("piped")).lines();
    let found = lines.map_while(Result::ok).any(|line| line.contains(wanted));
    assert!(found, "it ended without saying {wanted}");
}

#[cfg(unix)]
fn interrupt(child: &Child) {
    let id = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).expect("sent");
}

#[test]
fn every_way_of_writing_ends_in_the_same_bytes() {
    let ways: [&[&str]; 5] = [
        &["--write", "rename"],
        &["--write", "inplace"],
        &["--chunked", "--write", "tmp"],
        &["--chunked", "--write", "inplace"],
        &["--chunked", "--write", "rename", "--static"],
    ];
    for way in ways {
        let folders = Folders::new();
        let output = folders.run(&[way, &["--speed", "100"]].concat());
        assert!(output.status.success(), "{way:?}: {}", stderr(&output));
        assert_eq!(contents(&folders.output()), contents(&folders.input()), "{way:?}");
        assert!(String::from_utf8_lossy(&output.stdout).starts_with("6 segments in "));
    }
}

#[test]
fn what_is_no_segment_comes_first_and_segments_follow_in_order() {
    let folders = Folders::new();
    let output = folders.run(&["--speed", "100", "-vv", "--startup-delay", "10ms"]);
    let said = stderr(&output);
    let place = |text: &str| said.find(text).unwrap_or_else(|| panic!("no {text} in {said}"));
    let order = [
        "extra/readme.txt copied",
        "live.mpd copied",
        "segments in 10ms",
        "v-001.m4s",
        "a-001.m4s",
        "v-002.m4s",
        "a-003.m4s",
    ];
    assert!(order.is_sorted_by_key(|text| place(text)), "{said}");
}

#[test]
fn a_dynamic_manifest_is_a_low_latency_one_and_ends_with_the_replay() {
    let folders = Folders::new();
    let mut child = folders
        .command(&["--dynamic", "--chunked", "-vv", "--startup-delay", "1000"])
        .spawn()
        .expect("it runs");
    wait_for_line(&mut child, "everything that is no segment is there");
    let mpd = fs::read_to_string(folders.output().join("live.mpd")).expect("there at once");
    for wanted in [
        "type=\"dynamic\"",
        "availabilityStartTime=\"",
        "publishTime=\"",
        "minimumUpdatePeriod=\"PT2S\"",
        "availabilityTimeOffset=\"1.500\" availabilityTimeComplete=\"false\"",
        "urn:mpeg:dash:utc:http-xsdate:2014\" value=\"/ldash/time\"",
        "<Latency target=\"1500\"/>",
    ] {
        assert!(mpd.contains(wanted), "no {wanted} in {mpd}");
    }
    assert!(!mpd.contains("mediaPresentationDuration"));
    #[cfg(unix)]
    interrupt(&child);
    #[cfg(not(unix))]
    child.kill().expect("killed");
    child.wait().expect("it ends");

    let output = folders.run(&["--dynamic", "--chunked", "--force", "--speed", "100"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let mpd = fs::read_to_string(folders.output().join("live.mpd")).expect("there");
    assert!(mpd.contains("mediaPresentationDuration=\"PT6S\""), "{mpd}");
    assert!(!mpd.contains("minimumUpdatePeriod"), "{mpd}");
}

/// Runs until a file is there, asks it to stop, and waits for the end.
#[cfg(unix)]
fn run_until(folders: &Folders, args: &[&str], file: &str) -> Output {
    fs::create_dir_all(folders.output()).expect("made");
    let (sender, events) = mpsc::channel();
    let tell = move |event: notify::Result<notify::Event>| drop(sender.send(event));
    let mut watcher = notify::recommended_watcher(tell).expect("a watcher");
    watcher.watch(&folders.output(), RecursiveMode::Recursive).expect("watched");
    let child = folders.command(args).spawn().expect("it runs");
    // The event counts, not the file: that may be gone again.
    let path = folders.output().join(file);
    let appears = |event: notify::Event| event.paths.contains(&path);
    while !appears(events.recv_timeout(PATIENCE).expect("an event").expect("no fault")) {}
    interrupt(&child);
    child.wait_with_output().expect("it ends")
}

#[cfg(unix)]
#[test]
fn a_loop_goes_on_without_a_jump() {
    let folders = Folders::new();
    let args = ["--loop", "--chunked", "--speed", "100", "--window", "1000"];
    let output = run_until(&folders, &args, "v-008.m4s");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let found = contents(&folders.output());
    for (track, ticks) in [("v", 500), ("a", 5000)] {
        let times = |number: u32| media::decode_times(&found[&format!("{track}-{number:03}.m4s")]);
        let all: Vec<u64> = (1..=7).flat_map(times).collect();
        let wanted: Vec<u64> = (0..28).map(|chunk| chunk * ticks).collect();
        assert_eq!(all, wanted, "{track}");
    }
    // Each segment says which time of the present its media time is.
    assert!(found["v-007.m4s"].windows(4).any(|kind| kind == b"prft"));
    let mpd = String::from_utf8_lossy(&found["live.mpd"]);
    assert!(mpd.contains("timeShiftBufferDepth=\"PT1000S\""), "{mpd}");
}

#[cfg(unix)]
#[test]
fn a_loop_by_time_slides_its_timeline() {
    let folders = Folders { root: tempfile::tempdir().expect("a folder") };
    media::record_by_time(&folders.input());
    let args = ["--loop", "--chunked", "--speed", "100", "--window", "8"];
    run_until(&folders, &args, "v-20000.m4s");
    let found = contents(&folders.output());
    let number = |name: &String| name.strip_prefix("v-")?.strip_suffix(".m4s")?.parse::<u64>().ok();
    let times = found.iter().filter_map(|(name, bytes)| Some((number(name)?, bytes)));
    for (time, bytes) in times {
        assert_eq!(media::decode_times(bytes)[0], time);
    }
    let mpd = String::from_utf8_lossy(&found["live.mpd"]);
    let listed = mpd.matches("<S t=\"").count();
    assert!(listed >= 2 && !mpd.contains("<S t=\"0\"") && !found.contains_key("v-0.m4s"), "{mpd}");
    assert!(mpd.contains("d=\"2000\" r=\""), "{mpd}");
}

#[cfg(unix)]
#[test]
fn a_loop_removes_what_is_older_than_its_window() {
    let folders = Folders::new();
    let args = ["--loop", "--speed", "100", "--window", "4"];
    run_until(&folders, &args, "v-012.m4s");
    let found = contents(&folders.output());
    assert!(!found.contains_key("v-001.m4s") && found.contains_key("v-init.mp4"));
    let kept = found.keys().filter(|name| name.starts_with("v-0") || name.starts_with("v-1"));
    assert!((3..=8).contains(&kept.count()), "{:?}", found.keys());
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_whole_files() {
    for write in ["tmp", "inplace", "rename"] {
        let folders = Folders::new();
        let growing = match write {
            "tmp" => "v-002.m4s.tmp",
            "inplace" => "v-002.m4s",
            _ => ".v-002.m4s.part",
        };
        // The history ends within the second segment; what follows would take minutes.
        let slow = ["--history", "2", "--speed", "0.01"];
        let args = [&["--chunked", "--write", write][..], &slow].concat();
        let output = run_until(&folders, &args, growing);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let recorded = contents(&folders.input());
        let found = contents(&folders.output());
        assert!(found.len() < recorded.len() && found.contains_key("v-002.m4s"), "{write}");
        for (name, bytes) in &found {
            assert!(recorded.get(name) == Some(bytes), "{write}: {name} is not whole");
        }
    }
}

#[test]
fn history_is_there_at_once() {
    let folders = Folders::new();
    let args = ["--dynamic", "--history", "4", "--startup-delay", "0", "-v"];
    let mut child = folders.command(&args).spawn().expect("it runs");
    wait_for_line(&mut child, "v-003.m4s");
    child.wait().expect("it ends");
}

#[test]
fn a_template_says_what_a_segment_is() {
    let folders = Folders::new();
    let args = ["-t", "v-$Number%03d$.m4s", "-n", "2", "-d", "0.01", "-v"];
    let output = folders.run(&args);
    assert!(output.status.success(), "{}", stderr(&output));
    let found = contents(&folders.output());
    // Segments below the start number are not replayed; audio is no segment here.
    assert!(!found.contains_key("v-001.m4s") && found.contains_key("v-003.m4s"));
    assert!(found.contains_key("a-001.m4s"));
    assert!(stderr(&output).contains("2 segments of 0.020 s"));
}

#[test]
fn without_a_manifest_the_names_of_old_are_found() {
    let root = tempfile::tempdir().expect("a folder");
    let input = root.path().join("in");
    fs::create_dir(&input).expect("made");
    for name in ["segment-0.video.m4s", "segment-1.video.m4s", "segment-0.audio.m4s", "init.mp4"] {
        fs::write(input.join(name), name).expect("written");
    }
    let output = root.path().join("out");
    let run = |args: &[&str]| {
        let mut command = program();
        command.arg("-i").arg(&input).arg("-o").arg(&output).args(args);
        command.output().expect("it runs")
    };
    assert!(run(&["--segment-duration", "10ms"]).status.success());
    assert_eq!(contents(&output), contents(&input));
}

fn hls(input: &Path) {
    let mut playlist = String::from("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n");
    fs::create_dir(input).expect("made");
    for number in 0..3 {
        fs::write(input.join(format!("s{number}.ts")), vec![0x47; 188 * 20]).expect("written");
        playlist += &format!("#EXTINF:2,\ns{number}.ts\n");
    }
    fs::write(input.join("live.m3u8"), playlist + "#EXT-X-ENDLIST\n").expect("written");
}

#[cfg(unix)]
#[test]
fn an_hls_loop_lists_what_is_there_with_discontinuities() {
    let folders = Folders { root: tempfile::tempdir().expect("a folder") };
    hls(&folders.input());
    run_until(&folders, &["--loop", "--chunked", "--speed", "50", "--window", "1000"], "s7.ts");
    let playlist = fs::read_to_string(folders.output().join("live.m3u8")).expect("there");
    assert!(playlist.contains("#EXT-X-MEDIA-SEQUENCE:0\n"), "{playlist}");
    let (before, after) = playlist.split_once("s2.ts\n").expect("listed");
    assert!(!before.contains("DISCONTINUITY") && after.starts_with("#EXT-X-DISCONTINUITY\n"));
    assert!(playlist.ends_with("#EXT-X-ENDLIST\n"), "{playlist}");
    let listed = playlist.lines().filter(|line| line.ends_with(".ts"));
    assert!(listed.into_iter().all(|name| folders.output().join(name).exists()));
}

#[test]
fn asks_before_it_empties_a_folder() {
    let folders = Folders::new();
    fs::create_dir(folders.output()).expect("made");
    fs::write(folders.output().join("mine"), "x").expect("written");
    let answer = |text: &str| {
        let mut command = folders.command(&["--speed", "100"]);
        let mut child = command.stdin(Stdio::piped()).spawn().expect("it runs");
        child.stdin.take().expect("piped").write_all(text.as_bytes()).expect("told");
        child.wait_with_output().expect("it ends")
    };
    let silent = answer("");
    assert_eq!(silent.status.code(), Some(2));
    assert!(stderr(&silent).contains("it is not empty; --force empties it"));
    assert_eq!(answer("n\n").status.code(), Some(1));
    assert!(folders.output().join("mine").exists());
    assert!(answer("y\n").status.success());
    assert!(!folders.output().join("mine").exists());
}

#[test]
fn a_flag_beats_a_variable() {
    let folders = Folders::new();
    let kind = |variable: &str, args: &[&str]| {
        let mut command = folders.command(&[&["--force", "--speed", "100"], args].concat());
        let output = command.env(variable, "1").output().expect("it runs");
        assert!(output.status.success(), "{}", stderr(&output));
        let mpd = fs::read_to_string(folders.output().join("live.mpd")).expect("there");
        mpd.contains("type=\"dynamic\"")
    };
    assert!(kind("LLDASH_REPLAY_DYNAMIC", &[]));
    assert!(kind("LLDASH_REPLAY_STATIC", &["--dynamic"]));
    assert!(!kind("LLDASH_REPLAY_DYNAMIC", &["--static"]));
}

/// What it says about bad input: one line, and exit code 2.
fn refusal(input: &Path, output: &Path, args: &[&str]) -> String {
    let mut command = program();
    let run = command.arg("-i").arg(input).arg("-o").arg(output).args(args).output();
    let run = run.expect("it runs");
    assert_eq!(run.status.code(), Some(2), "{}", stderr(&run));
    let said = stderr(&run);
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("lldash-replay: cannot "), "{said}");
    said
}

#[test]
fn bad_input_gets_one_clear_line() {
    let folders = Folders::new();
    let (input, output) = (folders.input(), folders.output());
    let none = refusal(&input.join("none"), &output, &[]);
    assert!(none.contains("no such file or folder"), "{none}");
    let file = refusal(&input.join("live.mpd"), &output, &[]);
    assert!(file.contains("it is a file, not a folder"), "{file}");
    let nothing = refusal(&input, &output, &["-t", "x-$Number$.m4s"]);
    assert!(nothing.contains("the template x-$Number$.m4s matches no file"), "{nothing}");
    let fixed = refusal(&input, &output, &["-t", "x.m4s"]);
    assert!(fixed.contains("neither $Number$ nor $Time$"), "{fixed}");
    let far = refusal(&input, &output, &["-n", "99"]);
    assert!(far.contains("no segment from number 99 on"), "{far}");
    let both = refusal(&input, &output, &["--loop", "--static"]);
    assert!(both.contains("cannot loop with --static"), "{both}");
    fs::write(input.join("live.mpd"), "hello").expect("written");
    assert!(refusal(&input, &output, &[]).contains("live.mpd: it is no XML"));
    fs::write(input.join("live.mpd"), "<MPD/>").expect("written");
    assert!(refusal(&input, &output, &[]).contains("live.mpd: it has no Representation"));
    fs::remove_file(input.join("live.mpd")).expect("removed");
    assert!(refusal(&input, &output, &[]).contains("no manifest with segments"));
    assert!(!output.exists(), "a refusal leaves nothing behind");
}

#[test]
fn refuses_folders_that_must_not_be_emptied() {
    let folders = Folders::new();
    let input = folders.input();
    for bad in [&input, &input.join("below"), folders.root.path(), Path::new("/")] {
        refusal(&input, bad, &["--force"]);
    }
    let mut command = folders.command(&["--force"]);
    let home = command.env("HOME", folders.output()).output().expect("it runs");
    assert_eq!(home.status.code(), Some(2));
    assert!(stderr(&home).contains("it is a home folder"), "{}", stderr(&home));
    assert!(input.join("live.mpd").exists());
}

#[cfg(unix)]
#[test]
fn says_when_there_is_no_permission() {
    use std::os::unix::fs::PermissionsExt;
    let folders = Folders::new();
    fs::set_permissions(folders.input(), fs::Permissions::from_mode(0o000)).expect("changed");
    // The superuser may read everything.
    if fs::read_dir(folders.input()).is_err() {
        assert!(refusal(&folders.input(), &folders.output(), &[]).contains("no permission"));
    }
    fs::set_permissions(folders.input(), fs::Permissions::from_mode(0o755)).expect("changed");
}
