// The true latency, glass to glass: the time at which a picture is shown, less the time that the
// picture itself says it was made at (static/clock.js).

import { readClock } from "../clock.js";

const EVERY_MS = 150;
const CLOCK_RANGE_MS = 2 ** 28;
// A clock further off is no clock of the day: a recording's picture tells its media time.
const MOST_MS = 10 * 60_000;
const LEAST_MS = -2000;

/**
 * The latency in ms of a picture that says `burned` (ms, modulo 2^28) and is shown at `shown`
 * (ms since 1970), or null when the picture does not tell the time of day.
 */
export function latencyOf(burned, shown) {
  const behind = (((shown - burned) % CLOCK_RANGE_MS) + CLOCK_RANGE_MS) % CLOCK_RANGE_MS;
  const nearest = behind > CLOCK_RANGE_MS / 2 ? behind - CLOCK_RANGE_MS : behind;
  return nearest >= LEAST_MS && nearest <= MOST_MS ? nearest : null;
}

/** Looks at the pictures of a video as they are shown. */
export class Glass {
  /** ms, or null: not known. */
  latency = null;
  /** What the last picture said, in ms, or null. */
  burned = null;
  #last = -Infinity;

  constructor(video, serverTime) {
    this.video = video;
    this.serverTime = serverTime;
    if (video.requestVideoFrameCallback) this.#next();
    else video.addEventListener("timeupdate", () => this.#look(performance.now()));
  }

  #next() {
    this.video.requestVideoFrameCallback((now, { expectedDisplayTime }) => {
      this.#look(Math.max(now, expectedDisplayTime));
      this.#next();
    });
  }

  #look(shown) {
    if (shown - this.#last < EVERY_MS) return;
    this.#last = shown;
    try {
      this.burned = readClock(this.video);
    } catch {
      this.burned = null; // a picture of another origin may be shown but not read
    }
    const time = this.serverTime.at(shown);
    this.latency = this.burned === null || time === null ? null : latencyOf(this.burned, time);
  }
}
