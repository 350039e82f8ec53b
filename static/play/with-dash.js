// dash.js as the page's player.

const STALL_BUFFER_S = 0.05;

/**
 * Plays an MPD. What comes back is the same for each player: figures in seconds, NaN where
 * unknown, and `destroy`. `events.failed(detail)` tells that it gave up, `events.left()` that the manifest is gone.
 */
export function playDash(dashjs, { video, url, target, events }) {
  const player = dashjs.MediaPlayer().create();
  player.updateSettings({
    debug: { logLevel: dashjs.Debug.LOG_LEVEL_NONE },
    streaming: {
      delay: { liveDelay: target },
      // The page sets the pace itself (pace.js): dash.js fixes its target when it starts.
      liveCatchup: { enabled: false },
      buffer: { lowLatencyStallThreshold: STALL_BUFFER_S, setStallState: false },
      // The page has looked at the codecs; asking again costs time before the first picture.
      capabilities: { useMediaCapabilitiesApi: false },
      retryAttempts: { MPD: 5 },
    },
  });
  player.initialize(video, null, true);
  // The manifest says where the time comes from; a public host is never asked.
  player.clearDefaultUTCTimingSources();
  player.on("error", ({ error }) => report(error, events));
  player.attachSource(url.href);
  const ready = () => player.isReady();
  return {
    isLive: () => ready() && player.isDynamic(),
    latency: () => (ready() && player.isDynamic() ? player.getCurrentLiveLatency() : NaN),
    buffer: () => (ready() ? player.getBufferLength("video") : NaN),
    quality: () => (ready() ? qualityOf(player.getCurrentRepresentationForType("video")) : ""),
    jump: () => player.seekToOriginalLive(),
    target: () => target,
    destroy: () => player.destroy(),
  };
}

function qualityOf(representation) {
  if (!representation) return "";
  const { width, height, bitrateInKbit } = representation;
  return `${width}×${height}, ${Math.round(bitrateInKbit)} kbit/s`;
}

// Codes of dash.js: 10 and 25 are about the manifest, 27 and up about segments that it asks for again.
function report(error, events) {
  const detail = `dash.js says: ${error?.message ?? error}.`;
  if (error?.code === 25 || error?.code === 10) events.left(detail);
  else if (![27, 28, 29].includes(error?.code)) events.failed(detail);
}
