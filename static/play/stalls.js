// Counts the stalls: the picture waits for bytes, though nobody paused or sought.

export class Stalls {
  count = 0;
  #since = null;
  #total = 0;
  #hasPlayed = false;

  constructor(video) {
    // It may have been loaded after the picture had come.
    this.#hasPlayed = video.readyState > 2 && !video.paused;
    video.addEventListener("playing", () => {
      this.#hasPlayed = true;
      this.#end();
    });
    video.addEventListener("waiting", () => {
      if (!this.#hasPlayed || video.seeking || video.paused || this.#since !== null) return;
      this.count++;
      this.#since = performance.now();
    });
    for (const event of ["pause", "seeking", "emptied"]) video.addEventListener(event, () => this.#end());
    video.addEventListener("emptied", () => (this.#hasPlayed = false));
  }

  #end() {
    if (this.#since !== null) this.#total += performance.now() - this.#since;
    this.#since = null;
  }

  /** How long they lasted together, in seconds. */
  get seconds() {
    return (this.#total + (this.#since === null ? 0 : performance.now() - this.#since)) / 1000;
  }
}
