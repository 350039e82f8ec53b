//! The arguments as text.

use super::*;
use crate::encoder::config::read;

fn told(text: &str) -> (String, Plan) {
    let streams = read(&format!("[[stream]]\nkey = \"cam\"\n{text}\n")).expect("valid");
    let plan = plan(&streams[0], &Abilities::default(), 1001, Path::new("/m/cam"));
    let words = plan.arguments.iter().map(|it| it.to_str().expect("text"));
    (words.collect::<Vec<_>>().join(" "), plan)
}

#[test]
fn streams_of_the_test_pattern() {
    let (words, plan) = told("source = \"test\"");
    assert_eq!((plan.program, plan.input), ("ffmpeg".into(), None));
    assert!(words.starts_with("-hide_banner -loglevel warning -nostats -y -nostdin -re -f lavfi -i gradients=size=640x360:rate=24:"));
    for wanted in [
        "geq=lum='255*(st(0,if(eq(X,0),floor(mod(time(0)*1000,268435456)),ld(0)))*0+if(lt(X,4),",
        "scale=640:16:flags=neighbor",
        ",split=1[q0];[q0]scale=640:-2:flags=bicubic[v0] ",
        "-map [v0] -c:v:0 libx264 -b:v:0 900000 -maxrate:v:0 900000 -bufsize:v:0 900000 -preset:v:0 veryfast -tune:v:0 zerolatency -profile:v:0 high",
        "-g 24 -keyint_min 24 -sc_threshold 0",
        "-map 1:a -af asetpts=PTS+0.05/TB -c:a aac -b:a 64000",
        "-seg_duration 1 -frag_type duration -frag_duration 0.1",
        "-target_latency 0.5 -update_period 1 -window_size 10 -extra_window_size 5",
        "-adaptation_sets id=0,streams=v id=1,streams=a",
        "-init_seg_name 1001-init-$RepresentationID$.m4s",
        "-media_seg_name 1001-$RepresentationID$-$Number%05d$.m4s /m/cam/.manifest.mpd",
    ] {
        assert!(words.contains(wanted), "{wanted} in {words}");
    }
}

#[test]
fn streams_of_several_qualities_without_sound_a_chunk_for_each_frame() {
    let (words, _) = told(
        "source = \"file\"\ninput = \"a b.mp4\"\naudio = false\nchunk_duration = 0\ngop = 12\n\
         segment_duration = 2\nextra_args = [\"-vsync\", \"cfr\"]\n\
         qualities = [{width = 640, bitrate = \"900k\", preset = \"ultrafast\"}, \
         {width = 320, bitrate = \"200k\", codec = \"libvpx-vp9\"}]",
    );
    for wanted in [
        "-re -stream_loop -1 -i a b.mp4 ",
        "[0:v:0]fps=24,format=yuv420p,split=2[q0][q1];[q0]scale=640:-2:flags=bicubic[v0];[q1]scale=320:-2:flags=bicubic[v1] ",
        "-preset:v:0 ultrafast ",
        "-map [v1] -c:v:1 libvpx-vp9 -b:v:1 200000 -maxrate:v:1 200000 -bufsize:v:1 200000 -g 12",
        "-seg_duration 2 -frag_type every_frame",
        "-window_size 5 ",
        "-adaptation_sets id=0,streams=v -init",
        ".m4s -vsync cfr /m/cam",
    ] {
        assert!(words.contains(wanted), "{wanted} in {words}");
    }
    assert!(!words.contains("aac"), "{words}");
}

#[test]
fn streams_of_cameras() {
    let (words, plan) = told("source = \"rtsp\"\ninput = \"rtsp://h/1\"");
    assert!(words.contains("-rtsp_transport tcp -i rtsp://h/1 "), "{words}");
    assert!(words.contains("-map 0:a:0? -c:a aac"), "{words}");
    assert_eq!(plan.input, None);
    if cfg!(target_os = "linux") {
        let (words, _) = told("source = \"webcam\"\nfps = 30");
        let wanted = "-f v4l2 -framerate 30 -video_size 640x360 -i /dev/video0 ";
        assert!(words.contains(wanted), "{words}");
        assert!(!words.contains("aac"), "{words}");
    }
}

#[test]
fn streams_credentials_are_no_arguments() {
    let (words, plan) = told("source = \"rtsp\"\ninput = \"rtsp://u:s3cret@h/1\"");
    assert!(!words.contains("s3cret") && words.contains("-f concat -i pipe:0 "), "{words}");
    assert!(!words.contains("-nostdin"), "it reads the list there: {words}");
    let list = plan.input.expect("a list");
    assert!(list.contains("file 'rtsp://u:s3cret@h/1'\n"), "{list}");
}

#[test]
fn streams_of_a_program_of_ones_own() {
    let (words, plan) = told("source = \"command\"\ninput = \"make it\"");
    if cfg!(unix) {
        assert_eq!((words.as_str(), plan.program), ("-c make it", "sh".into()));
    }
    assert_eq!(plan.variables, [("LLDASH_DIR".to_owned(), "/m/cam".into())]);
}

#[test]
fn streams_that_the_server_switches_have_parameter_sets_that_tell_no_rate() {
    let switched = |width: u64, rates: [&str; 2], codec: &str, rest: &str| {
        let one = |rate| format!("{{width = {width}, bitrate = \"{rate}\", codec = \"{codec}\"}}");
        let list = rates.map(one).join(", ");
        let text =
            format!("source = \"test\"\nswitching = \"server\"\nqualities = [{list}]\n{rest}");
        told(&text).0
    };
    let words = switched(640, ["2M", "300k"], "libx264", "");
    for at in 0..2 {
        let wanted = format!("-x264-params:v:{at} stitchable=1 -level:v:{at} 3.1 ");
        assert!(words.contains(&wanted), "{wanted} in {words}");
    }
    for (width, rate, rest, level) in [
        (1280, "9M", "fps = 30", "3.1"),
        (1280, "9M", "fps = 60", "3.2"),
        (640, "20M", "", "3.2"),
        (1920, "9M", "fps = 30", "4.1"),
        (1920, "9M", "fps = 60", "4.2"),
        (3840, "9M", "fps = 30", "5.1"),
        (7680, "400M", "fps = 240", "6.2"),
    ] {
        let words = switched(width, ["300k", rate], "libx264", rest);
        assert!(words.contains(&format!("-level:v:0 {level} ")), "{width}, {rate}: {words}");
    }
    let words = switched(640, ["2M", "300k"], "libx265", "");
    assert!(words.contains("-x265-params:v:1 open-gop=0 "), "{words}");
    let (words, _) = told("source = \"test\"\nswitching = \"client\"");
    assert!(!words.contains("stitchable") && !words.contains("-level"), "{words}");
}

#[test]
fn streams_are_tried_as_they_will_be_encoded() {
    let text = "[[stream]]\nkey = \"cam\"\nsource = \"rtsp\"\ninput = \"rtsp://h/1\"\nextra_args = [\"-x\"]\n\
                switching = \"server\"\nqualities = [{width = 640, bitrate = \"2M\"}, {width = 640, bitrate = \"1M\"}]";
    let words = trial(&read(text).expect("valid")[0], Path::new("/m"));
    let words: Vec<_> = words.iter().map(|it| it.to_str().expect("text")).collect();
    let words = words.join(" ");
    for wanted in [
        "-t 0.125 -f lavfi -i color=size=640x360:rate=24 -filter",
        "[0:v:0]fps=24,format=yuv420p,split=2",
        "-c:v:1 libx264 -b:v:1 1000000 ",
        "stitchable=1",
        "-init_seg_name 0-init-$RepresentationID$.m4s",
        ".m4s -x /m/.manifest.mpd",
    ] {
        assert!(words.contains(wanted), "{wanted} in {words}");
    }
    assert!(!words.contains("rtsp"), "{words}");
}
