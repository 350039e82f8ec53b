// The server's clock, as a page can know it: a viewer's own clock may be wrong by minutes.
//
// Of some requests the quickest counts: the server looked at its clock about half a round trip
// before the answer came (as in NTP). It is asked again now and then, since clocks drift.

import { root } from "./place.js";

const URL_OF_TIME = new URL("ldash/time", root);
const SAMPLES = 4;
const SOON_MS = 1500;
const AGAIN_MS = 30_000;

/** Tells the server's time for a moment of `performance.now()`. */
export class ServerTime {
  #offset = null;
  #roundTrip = Infinity;

  /** Asks now, once, so as not to be in the picture's way; then better, and from time to time. */
  async keep() {
    for (let wait = SOON_MS, samples = 1; ; wait = AGAIN_MS, samples = SAMPLES) {
      await this.ask(samples).catch(() => {});
      await new Promise((done) => setTimeout(done, wait));
    }
  }

  async ask(samples) {
    // What was measured long ago counts for less and less.
    this.#roundTrip *= 1.5;
    for (let i = 0; i < samples; i++) {
      const asked = performance.now();
      const response = await fetch(URL_OF_TIME, { cache: "no-store" });
      const text = await response.text();
      this.take(asked, performance.now(), Date.parse(text));
    }
  }

  /** A sample: asked and answered (page's ms), and what the server said (ms since 1970, cut off). */
  take(asked, answered, said) {
    const roundTrip = answered - asked;
    if (!(roundTrip < this.#roundTrip) || Number.isNaN(said)) return;
    this.#roundTrip = roundTrip;
    this.#offset = said + 0.5 - (asked + answered) / 2;
  }

  /** The server's time in ms since 1970 at a moment of `performance.now()`; null until it is known. */
  at(moment) {
    return this.#offset === null ? null : moment + this.#offset;
  }
}
