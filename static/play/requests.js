// What the page asked for, and when each byte of it came: from Resource Timing, which knows a
// request when it is over, and from the body's own reads, chunk by chunk, for players that use fetch.

import { legible, root } from "./place.js";

const MOST = 24;
const MOST_CHUNKS = 400;
const NOT_MEDIA = /^ldash\/(assets|play|time|status)/;

/** The last requests, oldest first: `{ name, asked, held, first, chunks: [ms], done, bytes, status }`, moments in ms of `performance.now()`. */
export class Requests {
  rows = [];

  constructor() {
    this.#watchFetch();
    const observer = new PerformanceObserver((list) => list.getEntries().forEach((entry) => this.#over(entry)));
    observer.observe({ type: "resource", buffered: true });
  }

  #row(url, asked) {
    const { pathname } = new URL(url, location.href);
    const name = legible(pathname.split("/").pop());
    const row = { url, name, asked, held: 0, first: null, chunks: [], done: null, bytes: 0, status: 0 };
    this.rows.push(row);
    this.rows.sort((a, b) => a.asked - b.asked);
    if (this.rows.length > MOST) this.rows.shift();
    return row;
  }

  /** Resource Timing's word counts: it is nearer to the wire than what a script sees. */
  #over(entry) {
    if (!/^(fetch|xmlhttprequest)$/.test(entry.initiatorType) || !isMedia(entry.name)) return;
    const known = this.rows.find((row) => row.url === entry.name && row.bytesAreTimed !== true && Math.abs(row.asked - entry.startTime) < 200);
    const row = known ?? this.#row(entry.name, entry.startTime);
    row.bytesAreTimed = true;
    row.asked = entry.startTime;
    row.held = entry.serverTiming.find(({ name }) => name === "wait")?.duration ?? 0;
    if (entry.responseStart) row.first = entry.responseStart;
    row.done = entry.responseEnd;
    row.bytes = entry.encodedBodySize || row.bytes;
    row.status = entry.responseStatus ?? 0;
  }

  #watchFetch() {
    const original = window.fetch;
    window.fetch = async (input, init) => {
      const url = new URL(input.url ?? input, location.href).href;
      if (!isMedia(url)) return original(input, init);
      const row = this.#row(url, performance.now());
      try {
        const response = await original(input, init);
        row.status = response.status;
        row.first = performance.now();
        watchBody(response, row);
        return response;
      } catch (error) {
        row.done = performance.now();
        throw error;
      }
    };
  }
}

const isMedia = (url) => {
  const { protocol, pathname } = new URL(url, location.href);
  const ours = pathname.startsWith(root.pathname) ? pathname.slice(root.pathname.length) : "";
  return protocol.startsWith("http") && !NOT_MEDIA.test(ours);
};

function watchBody(response, row) {
  const body = response.body;
  if (!body) return;
  const getReader = body.getReader.bind(body);
  body.getReader = (...options) => {
    const reader = getReader(...options);
    const read = reader.read.bind(reader);
    reader.read = async (...into) => {
      const result = await read(...into);
      const now = performance.now();
      if (result.done) row.done ??= now;
      else {
        row.bytes += result.value?.byteLength ?? 0;
        if (row.chunks.length < MOST_CHUNKS) row.chunks.push(now);
      }
      return result;
    };
    return reader;
  };
}
