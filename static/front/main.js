// The front page: what /ldash/status tells, shown each second while the page is looked at.

import { copyable, element, fill } from "./parts.js";
import { root } from "../play/place.js";
import { showStreams, streamsOf } from "./streams.js";
import { bitRate, bytes, duration } from "./units.js";

const EVERY_MS = 1000;
const MOST_ROWS = 50;

const at = (id) => document.getElementById(id);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const seen = () => new Promise((done) => (document.hidden ? document.addEventListener("visibilitychange", () => done(), { once: true }) : done()));

for (;;) {
  await seen();
  try {
    const response = await fetch(new URL("ldash/status", root), { cache: "no-store" });
    if (!response.ok) throw new Error(`it answers ${response.status}`);
    show(await response.json());
  } catch (error) {
    say("failed", `The server does not tell its state: ${error.message}. Asking again…`);
  }
  await pause(EVERY_MS);
}

function show(status) {
  const alive = status.is_alive !== false;
  say(alive ? "live" : "failed", alive ? `Up for ${duration(status.uptime_seconds)}` : "The folder is not watched any more: see the server's log.");
  at("server").textContent = `lldash ${status.version}, watching by ${status.watch}`;
  const streams = streamsOf(status);
  showStreams(at("streams"), streams);
  at("none").hidden = streams.length > 0;
  if (!streams.length && !at("how").hasChildNodes()) at("how").replaceChildren(how(status.ingest));
  showRates(status);
  fill(at("held"), (status.held?.names ?? []).slice(0, MOST_ROWS).map(({ path, requests }) => [path, String(requests)]), "none");
  const growing = (status.growing ?? []).slice(0, MOST_ROWS);
  fill(at("growing"), growing.map((file) => [file.path, bytes(file.bytes), duration(file.age_seconds), String(file.followers)]), "none");
}

/** What to type for a first stream, with this server's own address. */
function how(ingest) {
  const command = ingest ? `scripts/encode ${location.host} cam` : `scripts/encode --dir DIR ${location.host} cam`;
  const text = ingest ? "In lldash's source folder, this pushes a test picture:" : "In lldash's source folder, this writes a test picture, DIR being the folder that lldash serves:";
  return element("span", {}, text, " ", copyable("command", command));
}

function showRates({ rates = {}, held = {}, growing = [], omitted = {}, memory = {} }) {
  const figures = [
    ["Requests", `${(rates.requests_per_second ?? 0).toFixed(1)}/s`],
    ["Sent", bitRate(rates.sent_bytes_per_second ?? 0)],
    ["Received", bitRate(rates.received_bytes_per_second ?? 0)],
    ["Held", String(held.requests ?? 0)],
    ["Growing", String(growing.length + (omitted.growing ?? 0))],
    ["In memory", `${bytes(memory.kept_bytes ?? 0)} of ${bytes(memory.limit_bytes ?? 0)}`],
  ];
  at("rates").replaceChildren(...figures.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
}

function say(state, text) {
  // Only a change is read aloud, not each second that it goes on.
  at("health").ariaLive = at("health").dataset.state === state ? "off" : "polite";
  at("health").dataset.state = state;
  if (at("health").textContent !== text) at("health").textContent = text;
}
