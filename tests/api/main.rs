//! The contract over real sockets and a real folder. Each test names the heading that it proves.

mod ffmpeg;
mod growing;
mod helpers;
mod packagers;
mod traces;
