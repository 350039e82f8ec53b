// What the viewer can do: another address, the target, the keyboard.

import { listen } from "./keys.js";
import { pageFor } from "./place.js";

const LEAST_TARGET_S = 0.1;

const at = (id) => document.getElementById(id);

function aim(state, change) {
  const now = state.session?.target ?? state.target ?? 1;
  state.target = Math.max(LEAST_TARGET_S, Math.round((now + change) * 100) / 100);
  state.session?.aim(state.target);
  const here = new URL(location.href);
  here.searchParams.delete("latency");
  here.searchParams.set("target", state.target);
  history.replaceState(null, "", here);
}

/** Lets the viewer open another stream, move the target, and use the keyboard. `state`: place, session, target, say. */
export function controls(video, state) {
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
