// One stream from its start until it has ended, failed or is stuck.

import { loadPlayer } from "./load.js";
import { isOver } from "./manifest.js";
import { pace } from "./pace.js";
import { broken, ENDED, noMediaSource, silent } from "./words.js";
import { playDash } from "./with-dash.js";
import { playHls } from "./with-hls.js";

const DEFAULT_TARGET_S = 1;
const STUCK_MS = 8000;
const LOOK_MS = 100;
const SILENT_MS = 1000;
const ASK_MS = 2000;
// A stall moves the target away by a third and a bit; it comes back slowly, by 5 ms a second.
const SHY = { factor: 1.3, seconds: 0.05 };
const BOLDER_S = 0.0005;
const START_MS = 3000;
// The first picture (first.js) stays until the player is so near to its target, or has tried for so long.
const NEAR_S = 0.1;
const NEAR_MS = 2500;

// Its manifest is not there, or says so: the same one may come back, as from a server that was restarted.
const GONE = { ...ENDED, isGone: true };

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

export class Session {
  #over = null;
  #asked = -Infinity;
  #floor = 0;
  #since = null;
  #onWaiting = () => this.#stalled();

  /** `target`: what the viewer wants, in seconds, or null for the stream's own. */
  constructor(library, manifest, { video, url, target }) {
    this.video = video;
    this.url = url;
    // A playlist tells hls.js itself how near to its end it may be played.
    this.wanted = target ?? manifest.target ?? (manifest.kind === "dash" ? DEFAULT_TARGET_S : null);
    const events = {
      failed: (detail) => this.#end("waiting", broken(detail)),
      left: () => this.#end("ended", GONE),
    };
    const play = manifest.kind === "dash" ? playDash : playHls;
    this.player = play(library, { video, url, target: this.wanted, events });
    video.onerror = () => events.failed(`The browser says: ${video.error?.message || "the picture cannot be decoded"}.`);
    video.addEventListener("waiting", this.#onWaiting);
    this.began = performance.now();
    // dash.js does it itself: of a picture that plays already it believes that it is paused, and asks for no new manifest.
    // A browser that wants a click first shows its own button.
    if (manifest.kind !== "dash") video.play().catch(() => {});
  }

  get target() {
    return this.wanted ?? this.player.target();
  }

  /** Aims at another latency. */
  aim(target) {
    this.wanted = target;
    this.#floor = 0;
  }

  /** Watches until the session is over: `{ state, text, hint }` say why, `isGone` that its manifest went. */
  async watch(say) {
    const { video, player } = this;
    let [last, moved] = [video.currentTime, performance.now()];
    while (!this.#over) {
      await pause(LOOK_MS);
      const now = performance.now();
      if (video.ended) this.#end("ended", ENDED);
      // A player that looks for something to play moves too: only what has frames is playing.
      else if (video.currentTime !== last && video.readyState > 2 && !video.seeking) {
        [last, moved] = [video.currentTime, now];
        if (!video.paused) say("live", { text: player.isLive() ? "Playing live" : "Playing" });
        this.#walk();
      } else if (video.paused && video.readyState > 1) {
        moved = now;
        say("paused", { text: "Paused", hint: "" });
      } else if (now - moved > SILENT_MS) {
        say("waiting", silent((now - moved) / 1000));
        this.#ask(now);
      }
      if (now - moved > STUCK_MS) this.#end("waiting", silent(STUCK_MS / 1000));
    }
    return this.#over;
  }

  /** Is it over? A player finds out late: its own requests for the manifest may be held. */
  async #ask(now) {
    if (now - this.#asked < ASK_MS) return;
    this.#asked = now;
    if (await isOver(this.url).catch(() => false)) this.#end("ended", GONE);
  }

  // Nearer than this its bytes do not come in time, whatever the target: segments that are written
  // whole, say, or a slow line.
  #stalled() {
    const { video, player } = this;
    if (video.seeking || performance.now() - this.began < START_MS || !Number.isFinite(player.latency())) return;
    this.#floor = Math.max(this.target, this.#floor) * SHY.factor + SHY.seconds;
  }

  #walk() {
    const { video, player } = this;
    const latency = player.latency();
    this.#since ??= performance.now();
    const isNear = !(latency - this.target > NEAR_S) || performance.now() - this.#since > NEAR_MS;
    if (isNear) first.handOver();
    if (video.paused || !Number.isFinite(latency)) return;
    this.#floor -= BOLDER_S;
    const target = Math.max(this.target, this.#floor);
    const { rate, jump } = pace({ latency, target, buffer: player.buffer(), rate: video.playbackRate, isHidden: first.isShown() });
    if (jump) player.jump();
    if (video.playbackRate !== rate) video.playbackRate = rate;
  }

  #end(state, words) {
    this.#over ??= { state, ...words };
  }

  destroy() {
    this.video.onerror = null;
    this.video.removeEventListener("waiting", this.#onWaiting);
    this.player.destroy();
  }
}

/** Starts a session. Rejects, with a sentence for the page, when there is no player for it. */
export async function begin(manifest, options) {
  const library = await loadPlayer(manifest.kind);
  const hasNative = manifest.kind === "hls" && options.video.canPlayType("application/vnd.apple.mpegurl");
  if (!globalThis.MediaSource && !globalThis.ManagedMediaSource && !hasNative) throw new Error(noMediaSource.hint);
  return new Session(library, manifest, options);
}
