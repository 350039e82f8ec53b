// The player page: plays one stream as near to live as it goes, and shows how near that is.

import { Chart } from "./chart.js";
import { Figures } from "./figures.js";
import { Glass } from "./glass.js";
import { listen } from "./keys.js";
import { manifestAt } from "./manifest.js";
import { pageFor, placeOf } from "./place.js";
import { Requests } from "./requests.js";
import { ServerTime } from "./server-time.js";
import { begin } from "./session.js";
import { Stalls } from "./stalls.js";
import { drawWaterfall, waterfallInWords } from "./waterfall.js";

const SHOW_MS = 250;
const LEAST_TARGET_S = 0.1;
const AGAIN_MS = 1500;

const at = (id) => document.getElementById(id);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const video = at("video");
const place = placeOf(location.href);
const requests = new Requests();
const serverTime = new ServerTime();
const glass = new Glass(video, serverTime);
const stalls = new Stalls(video);
const chart = new Chart(at("chart"));
const figures = new Figures({ video, glass, stalls });

let session = null;
let target = place.target;

controls();
serverTime.keep();
setInterval(show, SHOW_MS);
if (place.url) run(place.url);
else say("waiting", { text: "Nothing to play.", hint: "Type the address of a DASH manifest (.mpd) or an HLS playlist (.m3u8) above." });

/** Waits for the stream, plays it until it is over, and begins again. */
async function run(url) {
  document.title = `${decodeURI(url.pathname.slice(1))} · lldash`;
  for (;;) {
    const manifest = await manifestAt(url, say);
    say("waiting", { text: "Starting…" });
    try {
      session = await begin(manifest, { video, url, target });
    } catch (error) {
      say("failed", { text: "Cannot play.", hint: error.message });
      return;
    }
    const over = await session.watch(say);
    say(over.state === "ended" ? "ended" : "waiting", over);
    session.destroy();
    session = null;
    await pause(AGAIN_MS);
    if (over.state === "ended" && !manifest.isLive) return;
    if (over.state === "ended") await changed(url, manifest);
  }
}

/** Resolves when the manifest is another one than that which has ended. */
async function changed(url, ended) {
  for (;;) {
    const manifest = await manifestAt(url, () => {});
    if (manifest.text !== ended.text) return;
    await pause(AGAIN_MS);
  }
}

function show() {
  const now = performance.now();
  const latency = figures.show(session);
  const wanted = session?.target ?? target ?? NaN;
  at("target").textContent = Number.isFinite(wanted) ? `${wanted.toFixed(2)} s` : "–";
  if (session) chart.add(now, latency, glass.latency === null ? NaN : glass.latency / 1000, wanted);
  if (document.hidden) return;
  chart.draw(now);
  drawWaterfall(at("waterfall"), requests.rows, now);
  at("waterfall").setAttribute("aria-label", `The last requests: ${waterfallInWords(requests.rows, now)}`);
}

function say(state, { text, hint = "" }) {
  const line = at("state");
  if (line.textContent !== text) line.textContent = text;
  line.dataset.state = state;
  if (at("hint").textContent !== hint) at("hint").textContent = hint;
  at("hint").hidden = !hint;
}

function aim(change) {
  const now = session?.target ?? target ?? 1;
  target = Math.max(LEAST_TARGET_S, Math.round((now + change) * 100) / 100);
  if (session) session.wanted = target;
  const here = new URL(location.href);
  here.searchParams.delete("latency");
  here.searchParams.set("target", target);
  history.replaceState(null, "", here);
}

function controls() {
  at("url").value = place.url ? (place.url.origin === location.origin ? place.url.pathname + place.url.search : place.url.href) : "";
  at("open").addEventListener("submit", (event) => {
    event.preventDefault();
    const page = pageFor(at("url").value, location.href, target);
    if (page) location.assign(page);
    else say("failed", { text: "Cannot play.", hint: "That is no address: it looks like /live/manifest.mpd or https://host/live.m3u8." });
  });
  at("nearer").addEventListener("click", () => aim(-0.1));
  at("further").addEventListener("click", () => aim(0.1));
  at("keys").addEventListener("click", () => at("help").showModal());
  listen({
    play: () => (video.paused ? video.play() : video.pause()),
    fullscreen: () => (document.fullscreenElement ? document.exitFullscreen() : video.requestFullscreen?.()),
    mute: () => (video.muted = !video.muted),
    help: () => at("help").showModal(),
    target: aim,
  });
}
