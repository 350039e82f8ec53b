// Beside the picture: the figures, the chart, the waterfall, and the controls.

import { Chart } from "./chart.js";
import { Figures } from "./figures.js";
import { Glass } from "./glass.js";
import { listen } from "./keys.js";
import { pageFor } from "./place.js";
import { Requests } from "./requests.js";
import { ServerTime } from "./server-time.js";
import { Stalls } from "./stalls.js";
import { drawWaterfall, waterfallInWords } from "./waterfall.js";

const SHOW_MS = 250;
const LEAST_TARGET_S = 0.1;

const at = (id) => document.getElementById(id);

/** Shows what main.js plays. `state`: place, session, target, say. */
export function show(video, state) {
  const requests = new Requests();
  const serverTime = new ServerTime();
  const glass = new Glass(video, serverTime);
  const figures = new Figures({ video, glass, stalls: new Stalls(video) });
  const chart = new Chart(at("chart"));
  const waterfall = at("waterfall");
  serverTime.keep();
  controls(video, state);
  setInterval(() => {
    const now = performance.now();
    const { session } = state;
    const latency = figures.show(session, state.firstShown);
    const target = session?.target ?? state.target ?? NaN;
    at("target").textContent = Number.isFinite(target) ? `${target.toFixed(2)} s` : "–";
    if (session) chart.add(now, latency, glass.latency === null ? NaN : glass.latency / 1000, target);
    if (document.hidden) return;
    chart.draw(now);
    drawWaterfall(waterfall, requests.rows, now);
    waterfall.setAttribute("aria-label", `The last requests: ${waterfallInWords(requests.rows, now)}`);
  }, SHOW_MS);
}

function aim(state, change) {
  const now = state.session?.target ?? state.target ?? 1;
  state.target = Math.max(LEAST_TARGET_S, Math.round((now + change) * 100) / 100);
  state.session?.aim(state.target);
  const here = new URL(location.href);
  here.searchParams.delete("latency");
  here.searchParams.set("target", state.target);
  history.replaceState(null, "", here);
}

function controls(video, state) {
  const { url } = state.place;
  const isOwn = url?.origin === location.origin;
  at("url").value = isOwn ? url.pathname + url.search : (url?.href ?? "");
  at("open").addEventListener("submit", (event) => {
    event.preventDefault();
    const page = pageFor(at("url").value, location.href, state.target);
    if (page) location.assign(page);
    else state.say("failed", { text: "Cannot play.", hint: "That is no address: it looks like /live/manifest.mpd or https://host/live.m3u8." });
  });
  at("nearer").addEventListener("click", () => aim(state, -0.1));
  at("further").addEventListener("click", () => aim(state, 0.1));
  at("keys").addEventListener("click", () => at("help").showModal());
  listen({
    play: () => (video.paused ? video.play() : video.pause()),
    fullscreen: () => (document.fullscreenElement ? document.exitFullscreen() : video.requestFullscreen?.()),
    mute: () => (video.muted = !video.muted),
    help: () => at("help").showModal(),
    target: (change) => aim(state, change),
  });
}
