// The player page: plays one stream as near to live as it goes, and shows how near that is.
//
// What plays comes first; what shows is loaded beside it (panel.js).

import { controls } from "./controls.js";
import { manifestAt } from "./manifest.js";
import { legible, placeOf } from "./place.js";
import { begin } from "./session.js";

const AGAIN_MS = 1500;
const PANEL_MS = 1500;

const at = (id) => document.getElementById(id);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const video = at("video");
const place = placeOf(location.href);

/**
 * What the panel reads: the session under way, if any, the target that the viewer wants, and when the first picture
 * was shown, of `performance.now()`.
 */
const state = { place, session: null, target: place.target, firstShown: null, say };

// Browsers take their time to draw them.
video.controls = true;
controls(video, state);
first.picture.then((at) => {
  state.firstShown ??= at;
  if (first.isShown()) say("live", { text: "Playing live" });
});
// The picture comes first: the panel is loaded when it is there, or does not come soon.
Promise.race([firstFrame(), pause(PANEL_MS)]).then(() => import("./panel.js")).then(({ show }) => show(video, state));
if (place.url) run(place.url);
else say("waiting", { text: "Nothing to play.", hint: "Type the address of a DASH manifest (.mpd) or an HLS playlist (.m3u8) above." });

/** Resolves when the first picture is shown. */
function firstFrame() {
  return new Promise((done) => {
    const shown = (now, frame) => {
      state.firstShown ??= Math.max(now, frame?.expectedDisplayTime ?? 0);
      done();
    };
    if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(shown);
    else video.addEventListener("timeupdate", () => shown(performance.now()), { once: true });
  });
}

/** Waits for the stream, plays it until it is over, and begins again. */
async function run(url) {
  document.title = `${legible(url.pathname.slice(1))} · lldash`;
  for (;;) {
    const manifest = await manifestAt(url, say);
    say("waiting", { text: "Starting…" });
    try {
      state.session = await begin(manifest, { video, url, target: state.target });
    } catch (error) {
      say("failed", { text: "Cannot play.", hint: error.message });
      return;
    }
    const over = await state.session.watch(say);
    say(over.state, over);
    state.session.destroy();
    state.session = null;
    await pause(AGAIN_MS);
    if (over.state === "ended" && !manifest.isLive) return;
    if (over.state === "ended") await changed(url, over.isGone ? null : manifest);
  }
}

/** Resolves when there is a live manifest, and another one than that which was played to its end. */
async function changed(url, ended) {
  for (;;) {
    const manifest = await manifestAt(url, () => {});
    if (manifest.isLive && manifest.text !== ended?.text) return;
    await pause(AGAIN_MS);
  }
}

function say(name, { text, hint = "" }) {
  // While the player starts, the first picture is played (first.js).
  if (name === "waiting" && first.isShown()) return;
  if (name === "failed") first.handOver();
  const line = at("state");
  if (line.textContent !== text) line.textContent = text;
  line.dataset.state = name;
  if (at("hint").textContent !== hint) at("hint").textContent = hint;
  at("hint").hidden = !hint;
}
