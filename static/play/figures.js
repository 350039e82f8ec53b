// The figures: the two latencies, large, and what explains them.

const at = (id) => document.getElementById(id);
const set = (id, text) => {
  if (at(id).textContent !== text) at(id).textContent = text;
};
const seconds = (value) => (Number.isFinite(value) ? `${value.toFixed(2)} s` : "–");

export class Figures {
  constructor({ video, glass, stalls }) {
    Object.assign(this, { video, glass, stalls });
  }

  /** Shows them all. Returns the latency as the player reckons it, in seconds, or NaN. */
  show(session, firstShown) {
    const { video, glass, stalls } = this;
    const playing = session && video.readyState > 1;
    const latency = playing ? session.player.latency() : NaN;
    set("latency", seconds(latency));
    set("glass", seconds(playing && glass.latency !== null ? glass.latency / 1000 : NaN));
    set("glass-note", note(playing, glass));
    set("buffer", seconds(playing ? session.player.buffer() : NaN));
    set("speed", playing ? `× ${video.playbackRate.toFixed(2)}` : "–");
    set("quality", (playing && session.player.quality()) || "–");
    set("dropped", playing ? dropped(video) : "–");
    set("stalls", stalls.count ? `${stalls.count} (${stalls.seconds.toFixed(1)} s)` : "0");
    set("first-frame", firstShown === null ? "–" : seconds(firstShown / 1000));
    return latency;
  }
}

function note(playing, glass) {
  if (!playing || glass.latency !== null) return "from the clock in the picture";
  return glass.burned === null ? "the picture carries no clock" : "the picture’s clock tells media time";
}

function dropped(video) {
  const { droppedVideoFrames, totalVideoFrames } = video.getVideoPlaybackQuality();
  return `${droppedVideoFrames} of ${totalVideoFrames}`;
}
