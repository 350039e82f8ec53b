//! The test pattern, whose clock the player page reads: as a filter graph for ffmpeg.
//!
//! The topmost row of the picture is 40 blocks that tell the wall clock's milliseconds
//! (`static/clock.js`); the middle has it in digits, for people, where ffmpeg can draw them.

use super::tools::Abilities;
use std::fmt::Write;

/// Blocks in the row.
const BLOCKS: u64 = 40;

/// A height that fits a width of the usual shape, 16 to 9, and is even.
pub(super) fn height(width: u64) -> u64 {
    (width * 9 / 16).next_multiple_of(2)
}

/// ffmpeg's source of the picture before the clock is drawn: a slow gradient, and a bar that
/// crosses it in two seconds, so that whatever stutters shows.
pub(super) fn source(width: u64, fps: f64) -> String {
    let height = height(width);
    let (bar, stroke) = ((width / 80).max(2), (height / 12).max(2));
    format!(
        "gradients=size={width}x{height}:rate={fps}:speed=0.008:nb_colors=3:\
         c0=0x1b2a6b:c1=0x8a2b5e:c2=0x0f6b6b[bg];\
         color=white:s={bar}x{stroke}:r={fps}[bar];\
         [bg][bar]overlay=x='mod(t*W/2,W)':y=H-h"
    )
}

/// The filters that draw the clock over it: from `[0:v]`, without a name at their end.
///
/// The row is cut out of the frame itself, so that it is computed when that frame comes by and
/// not earlier; the time is taken at the first block and kept for the others.
pub(super) fn clock(key: &str, width: u64, abilities: &Abilities) -> String {
    let height = height(width);
    let millis = "st(0,if(eq(X,0),floor(mod(time(0)*1000,268435456)),ld(0)))";
    let bits = "if(lt(X,4),1-mod(X,2),if(lt(X,32),mod(floor(ld(0)/pow(2,31-X)),2),\
                mod(floor(mod(ld(0),251)/pow(2,39-X)),2)))";
    let row_height = (width / BLOCKS).max(1);
    let mut graph = format!(
        "[0:v]setsar=1,format=yuv420p,split[whole][corner];\
         [corner]crop={BLOCKS}:2:0:0,format=gray,crop={BLOCKS}:1:0:0,\
         geq=lum='255*({millis}*0+{bits})',\
         scale={width}:{row_height}:flags=neighbor,format=yuv420p[row];[whole]"
    );
    match &abilities.font {
        // Writing to a text does not fail.
        Some(font) => _ = write!(graph, "{}", digits(font, key, height)),
        None => graph.push_str("null"),
    }
    graph.push_str("[picture];[picture][row]overlay=0:0");
    graph
}

fn digits(font: &str, key: &str, height: u64) -> String {
    let two = |unit, most| format!("%{{eif\\:mod(floor(time(0)/{unit})\\,{most})\\:d\\:2}}");
    let millis = "%{eif\\:mod(floor(time(0)*1000)\\,1000)\\:d\\:3}";
    let (hours, minutes, seconds) = (two(3600, 24), two(60, 60), two(1, 60));
    let large = (height / 6).max(4);
    let small = (height / 20).max(4);
    format!(
        "drawtext=fontfile={font}:fontcolor=white:borderw=3:bordercolor=black@0.6:fontsize={large}:\
         x=(w-tw)/2:y=(h-th)/2:text='{hours}\\:{minutes}\\:{seconds}.{millis}',\
         drawtext=fontfile={font}:fontcolor=white@0.85:fontsize={small}:\
         x=(w-tw)/2:y=h*0.66:text='UTC · {key}'"
    )
}
