// Finds the manifest, waiting for it if need be, and reads what the page must know of it.

import { noCodec, notAManifest, refusal, unreachable, WAITING } from "./words.js";

const RETRY_MS = 1000;
const SAY_AFTER_MS = 700;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/**
 * The manifest at a URL: `{ kind: "dash" | "hls", isLive, target, codecs, text }`. Waits until
 * there is one that this browser can play; meanwhile `say(state, { text, hint })` tells why it does not come.
 */
export async function manifestAt(url, say) {
  for (;;) {
    const slow = setTimeout(() => say("waiting", { text: WAITING, hint: refusal(404, url, isOwn(url)).hint }), SAY_AFTER_MS);
    const asked = performance.now();
    const result = await answerOf(url).finally(() => clearTimeout(slow));
    if (result.manifest) return result.manifest;
    say(result.text === "Cannot play." ? "failed" : "waiting", result);
    // A server that holds the request has waited for us already.
    await pause(Math.max(RETRY_MS - (performance.now() - asked), 50));
  }
}

const isOwn = (url) => url.origin === location.origin;

async function answerOf(url) {
  let response;
  try {
    response = await request(url);
  } catch {
    return unreachable(url);
  }
  if (!response.ok) return refusal(response.status, url, isOwn(url));
  const text = await response.text();
  const manifest = read(text);
  if (!manifest) return notAManifest(url, text);
  const missing = undecodable(manifest.codecs);
  return missing.length ? noCodec(missing) : { manifest: { ...manifest, text } };
}

let taken = false;

/** What the page asked for before its modules were there, else a request that may be held. */
function request(url) {
  const isEarly = !taken && first.url?.href === url.href;
  taken = true;
  return isEarly ? first.response : first.askManifest(url);
}

/** Whether the stream at a URL that was played is over: its manifest is gone, or says so. */
export async function isOver(url) {
  const now = new URL(url);
  if (isOwn(url)) now.searchParams.set("wait", 0);
  const response = await fetch(now, { cache: "no-store" });
  if (response.status === 404 || response.status === 410) return true;
  return response.ok && read(await response.text())?.isLive === false;
}

/** Reads a manifest; null if it is none. */
export function read(text) {
  if (/^\s*#EXTM3U/.test(text)) return readHls(text);
  const mpd = new DOMParser().parseFromString(text, "text/xml").documentElement;
  return mpd.localName === "MPD" ? readMpd(mpd) : null;
}

function readMpd(mpd) {
  const first = (name) => mpd.getElementsByTagNameNS("*", name)[0];
  const target = Number(first("Latency")?.getAttribute("target")) / 1000;
  const codecs = [...mpd.getElementsByTagNameNS("*", "Representation")].map((it) => {
    const get = (name) => it.getAttribute(name) ?? it.parentNode.getAttribute(name);
    return { kind: get("mimeType") ?? "video/mp4", codecs: get("codecs") };
  });
  return {
    kind: "dash",
    isLive: mpd.getAttribute("type") === "dynamic",
    target: target > 0 ? target : null,
    codecs: codecs.filter(({ kind, codecs }) => codecs && /^(video|audio)\//.test(kind)),
  };
}

function readHls(text) {
  const codecs = [...text.matchAll(/CODECS="([^"]*)"/g)].map(([, codecs]) => ({ kind: "video/mp4", codecs }));
  return { kind: "hls", isLive: !text.includes("#EXT-X-ENDLIST"), target: null, codecs };
}

/** The codecs of the picture (of the sound, if there is no picture) when not a single one can be decoded here. */
export function undecodable(codecs, isSupported = (type) => globalThis.MediaSource?.isTypeSupported(type) ?? true) {
  const pictures = codecs.filter(({ kind }) => kind.startsWith("video/"));
  const needed = pictures.length ? pictures : codecs;
  if (needed.some(({ kind, codecs }) => isSupported(`${kind}; codecs="${codecs}"`))) return [];
  return [...new Set(needed.map(({ codecs }) => codecs))];
}
