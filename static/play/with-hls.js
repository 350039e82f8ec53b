// hls.js as the page's player; where there is none for it, the browser's own (Safari).

/** Plays a playlist. What comes back is what `playDash` gives. */
export function playHls(Hls, { video, url, target, events }) {
  if (!Hls.isSupported()) return playNative({ video, url });
  const hls = new Hls({
    lowLatencyMode: true,
    backBufferLength: 20,
    // Without a target the playlist says how far from its end to play.
    ...(target && { liveSyncDuration: target, liveMaxLatencyDuration: target * 3 + 2 }),
    maxLiveSyncPlaybackRate: 1,
  });
  hls.on(Hls.Events.ERROR, (_, data) => {
    if (!data.fatal) return;
    const detail = `hls.js says: ${data.details}.`;
    const gone = data.details.startsWith("manifest") || data.details.startsWith("level");
    if (gone) events.left(detail);
    else events.failed(detail);
  });
  hls.loadSource(url.href);
  hls.attachMedia(video);
  const level = () => hls.levels[hls.currentLevel];
  return {
    isLive: () => level()?.details?.live ?? false,
    latency: () => (level()?.details?.live ? hls.latency : NaN),
    buffer: () => bufferedAhead(video),
    quality: () => {
      const now = level();
      if (!now) return "";
      const size = `${now.width || video.videoWidth}×${now.height || video.videoHeight}`;
      return now.bitrate ? `${size}, ${Math.round(now.bitrate / 1000)} kbit/s` : size;
    },
    jump: () => (video.currentTime = hls.liveSyncPosition ?? video.currentTime),
    target: () => target ?? hls.targetLatency ?? NaN,
    destroy: () => hls.destroy(),
  };
}

function playNative({ video, url }) {
  video.src = url.href;
  return {
    isLive: () => video.duration === Infinity,
    latency: () => NaN,
    buffer: () => bufferedAhead(video),
    quality: () => `${video.videoWidth}×${video.videoHeight}`,
    jump: () => {},
    target: () => NaN,
    destroy: () => video.removeAttribute("src"),
  };
}

function bufferedAhead(video) {
  for (let i = 0; i < video.buffered.length; i++) {
    const [start, end] = [video.buffered.start(i), video.buffered.end(i)];
    if (start <= video.currentTime && video.currentTime <= end) return end - video.currentTime;
  }
  return 0;
}
