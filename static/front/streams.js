// The streams, a card each. A card is made once and then kept up to date, so that what a viewer
// has selected or focused stays.

import { copyable, element } from "./parts.js";
import { root } from "../play/place.js";
import { bitRate, duration } from "./units.js";

const WORDS = { idle: "idle: it starts when somebody watches" };
const cards = new Map();

/** The streams of a status: first those that are encoded on demand, with what is known of them. */
export function streamsOf({ streams = [], encoders = [] }) {
  const encoded = encoders.map((encoder) => {
    const { hls, qualities, segment_age_seconds, manifest_age_seconds } = streams.find(({ url }) => url === encoder.url) ?? {};
    return { path: encoder.name, kind: "dash", ...encoder, hls, qualities, segment_age_seconds, manifest_age_seconds, trouble: troubleOf(encoder) };
  });
  return [...encoded, ...streams.filter(({ url }) => !encoders.some((encoder) => encoder.url === url))];
}

function troubleOf({ failure, next_try_seconds: next }) {
  if (!failure) return "";
  return next === null || next === undefined ? `It had failed: ${failure}` : `${failure}. Next try in ${duration(next)}.`;
}

/** Shows these streams, in this order. */
export function showStreams(list, streams) {
  for (const [key, card] of cards) {
    if (streams.some((stream) => keyOf(stream) === key)) continue;
    card.root.remove();
    cards.delete(key);
  }
  streams.forEach((stream, index) => {
    let card = cards.get(keyOf(stream));
    if (!card) cards.set(keyOf(stream), (card = made(stream)));
    update(card, stream);
    if (list.children[index] !== card.root) list.insertBefore(card.root, list.children[index] ?? null);
  });
}

// Of a stream that changes its URLs the card is made anew.
const keyOf = ({ path, url, play }) => JSON.stringify([path, url, play]);

function made(stream) {
  const state = element("span", { class: "state" });
  const age = element("span", { class: "age" });
  const qualities = element("p", { class: "qualities" });
  const trouble = element("p", { class: "trouble" });
  const root = element(
    "li",
    { class: "card" },
    element("h3", {}, stream.path),
    element("p", { class: "line" }, state, age),
    qualities,
    trouble,
    element("p", { class: "play" }, element("a", { href: whole(stream.play), "aria-label": `Play ${stream.path}` }, "Play")),
    ...urls(stream).map(([label, url]) => element("p", {}, copyable(label, url))),
  );
  return { root, state, age, qualities, trouble };
}

/** The server names paths of its own; a whole URL is as this viewer reaches it, behind a proxy too. */
const whole = (path) => new URL(path.slice(1), root).href;

/** What other players are given. */
function urls({ kind, url, hls }) {
  return [[kind === "hls" ? "HLS" : "DASH", whole(url)], ...(hls ? [["HLS", whole(hls)]] : [])];
}

function update(card, stream) {
  const set = (part, text) => part.textContent !== text && (part.textContent = text);
  card.state.dataset.state = stream.state;
  set(card.state, WORDS[stream.state] ?? stream.state);
  set(card.age, ageOf(stream));
  set(card.trouble, stream.trouble ?? "");
  set(card.qualities, (stream.switching ? switched(stream.switching) : (stream.qualities ?? []).map(quality)).join(" · "));
}

/** The qualities of which the server chooses, and the one that it was told to give to all. */
function switched({ forced, qualities }) {
  const rates = qualities.map(({ width, bitrate }) => `${width} wide, ${bitRate(bitrate / 8)}`);
  return [...rates, forced ? `all are given ${bitRate(forced / 8)}` : "the server chooses"];
}

function ageOf({ state, segment_age_seconds: segment, manifest_age_seconds: manifest }) {
  if (segment !== null && segment !== undefined) return `last segment ${duration(segment)} ago`;
  if (manifest === null || manifest === undefined) return "";
  return `${state === "waiting" ? "no segment yet, manifest" : "manifest"} ${duration(manifest)} old`;
}

function quality({ kind, width, height, frame_rate: rate, bandwidth, codecs }) {
  const size = width && height ? `${width}×${height}${rate ? ` at ${rate}` : ""}` : kind;
  return [size, codecs, bandwidth && bitRate(bandwidth / 8)].filter(Boolean).join(", ");
}
