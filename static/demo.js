// The demo's page: plays live/manifest.mpd beside it, or `?url=…`, at a latency of 1 s or
// `?latency=` seconds, and tells in words what it is doing.

import { readClock } from "./clock.js";
import { loadDash } from "./load-dash.js";

const RETRY_MS = 1000;
const STUCK_MS = 8000;
const COMES = "The page plays it as soon as it comes, for example from lldash-replay.";

const query = new URLSearchParams(location.search);
// Below /ldash/play/ the page's address names the manifest.
const played = location.pathname.includes("/ldash/play/") && location.pathname.replace("/ldash/play/", "/");
const url = new URL(query.get("url") || played || "live/manifest.mpd", location.href);
const latency = Number(query.get("latency")) || 1;

const at = (id) => document.getElementById(id);
const video = at("video");
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

let player = null;

at("url").textContent = url.href;
watchClock();
setInterval(showFigures, 250);
run();

/** Waits for the stream, plays it until it is stuck, and begins again. */
async function run() {
  say("waiting", "Loading the player…");
  let dash;
  try {
    dash = await loadDash();
  } catch (error) {
    say("failed", "Cannot play.", error.message);
    return;
  }
  for (;;) {
    await manifest();
    say("waiting", "Starting…");
    player = start(dash);
    await stuck();
    player.destroy();
    player = null;
  }
}

/** Resolves once there is a manifest. The server holds each request for a while. */
async function manifest() {
  for (;;) {
    const gone = await fetch(url, { cache: "no-store" }).then(
      (reply) => (reply.ok ? "" : `${url.pathname} is not there yet (${reply.status}).`),
      () => `${url.host} cannot be reached.`,
    );
    if (!gone) return;
    say("waiting", "Waiting for the stream…", `${gone} ${COMES}`);
    await pause(RETRY_MS);
  }
}

function start(dash) {
  const made = dash.MediaPlayer().create();
  made.updateSettings({
    debug: { logLevel: dash.Debug.LOG_LEVEL_ERROR },
    streaming: {
      delay: { liveDelay: latency },
      liveCatchup: { enabled: true },
    },
  });
  made.initialize(video, null, true);
  // The manifest says where the time comes from; a public host is never asked.
  made.clearDefaultUTCTimingSources();
  made.attachSource(url.href);
  return made;
}

/** Resolves when the stream has ended, or has not moved for some seconds and nobody paused it. */
async function stuck() {
  let last = video.currentTime;
  let moved = performance.now();
  for (;;) {
    await pause(250);
    const now = performance.now();
    if (video.ended) {
      say("waiting", "The stream has ended.", COMES);
      await pause(STUCK_MS);
      return;
    }
    // A player that looks for something to play moves too: only what has frames is playing.
    if (video.currentTime !== last && video.readyState > 2 && !video.seeking) {
      last = video.currentTime;
      moved = now;
      if (!video.paused) say("live", player.isDynamic() ? "Playing live" : "Playing");
    } else if (video.paused && video.readyState > 1) {
      moved = now;
      say("waiting", "Paused");
    } else if (now - moved > 1000) {
      say("waiting", "Waiting for the next bytes…");
    }
    if (now - moved > STUCK_MS) return;
  }
}

function showFigures() {
  const playing = player?.isReady() && video.readyState > 1;
  const figure = (id, text) => (at(id).textContent = playing ? text() : "–");
  figure("latency", () => seconds(player.isDynamic() ? player.getCurrentLiveLatency() : NaN));
  figure("buffer", () => seconds(player.getBufferLength("video")));
  figure("speed", () => `× ${video.playbackRate.toFixed(2)}`);
  figure("picture", () => `${video.videoWidth} × ${video.videoHeight}`);
}

/** Shows, for each frame, its place on the media's timeline and what its own picture says. */
function watchClock() {
  const show = (mediaTime) => {
    const burned = readClock(video);
    at("media-time").textContent = clock(mediaTime);
    at("clock").textContent = burned === null ? "none" : clock(burned / 1000);
  };
  if (!video.requestVideoFrameCallback) {
    video.addEventListener("timeupdate", () => show(video.currentTime));
    return;
  }
  const frame = (_, { mediaTime }) => {
    show(mediaTime);
    video.requestVideoFrameCallback(frame);
  };
  video.requestVideoFrameCallback(frame);
}

function say(state, text, hint = "") {
  const line = at("state");
  if (line.textContent !== text) line.textContent = text;
  line.dataset.state = state;
  at("hint").textContent = hint;
  at("hint").hidden = !hint;
}

const seconds = (value) => (Number.isFinite(value) ? `${value.toFixed(2)} s` : "–");

function clock(value) {
  const ms = Math.round(value * 1000);
  const pad = (n, digits) => String(Math.floor(n)).padStart(digits, "0");
  const rest = `${pad((ms / 60_000) % 60, 2)}:${pad((ms / 1000) % 60, 2)}.${pad(ms % 1000, 3)}`;
  return ms < 3_600_000 ? rest : `${Math.floor(ms / 3_600_000)}:${rest}`;
}
