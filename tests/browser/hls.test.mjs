// LL-HLS from the files of a DASH stream: hls.js plays it at low latency while dash.js plays the
// same files. The picture tells the wall clock: latency is glass to glass.
import assert from "node:assert/strict";
import { createReadStream, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch } from "./browser.mjs";
import { opened, played, playing } from "./pages.mjs";
import { encode, inRepository, server } from "./programs.mjs";

const FILES = { "/dash.js": "static/players/dash.js", "/hls.js": "static/players/hls.js", "/clock.js": "static/clock.js" };
/** How long both play, in seconds: LLDASH_PLAY_S for a longer look. */
const LOOK_S = Number(process.env.LLDASH_PLAY_S ?? 10);

let browser;
let site;
const stops = [];

before(async () => {
  browser = await launch();
  site = createServer((request, response) => {
    const file = FILES[request.url];
    response.setHeader("Content-Type", file ? "text/javascript" : "text/html");
    if (file) createReadStream(inRepository(file)).pipe(response);
    else response.end("<!doctype html><link rel=icon href=data:,><video muted autoplay playsinline></video>");
  });
  await new Promise((done) => site.listen(0, "127.0.0.1", done));
}, { timeout: 60_000 });

after(async () => {
  for (const stop of stops.reverse()) await stop();
  await browser?.close();
  site?.close();
});

const START = {
  hls: (url) => {
    const player = new Hls({ lowLatencyMode: true, liveSyncDuration: 0.45, liveMaxLatencyDuration: 0.7, maxLiveSyncPlaybackRate: 1.1 });
    globalThis.failures = [];
    player.on(Hls.Events.ERROR, (_, data) => globalThis.failures.push(data.details));
    player.loadSource(url);
    player.attachMedia(document.querySelector("video"));
  },
  dash: (url) => {
    const player = dashjs.MediaPlayer().create();
    player.updateSettings({ debug: { logLevel: 1 }, streaming: { delay: { liveDelay: 0.5 }, liveCatchup: { enabled: true } } });
    player.initialize(document.querySelector("video"), null, true);
    player.clearDefaultUTCTimingSources();
    player.attachSource(url);
    globalThis.failures = [];
  },
};

/** Plays, finds its place, and then: stalls, errors, and the latencies that the pictures tell, in seconds. */
async function look(t, player, url) {
  const { page, errors } = await opened(t, browser, `http://127.0.0.1:${site.address().port}/`);
  await page.addScriptTag({ url: `/${player}.js` });
  await page.evaluate(`(${START[player]})(${JSON.stringify(url)})`);
  await playing(page);
  // What happens while a player finds its place is its own affair.
  await played(page, 6);
  await page.evaluate(async () => {
    const { readClock } = await import("/clock.js");
    const CLOCK_RANGE_MS = 2 ** 28;
    const video = document.querySelector("video");
    globalThis.seen = { stalls: 0, latencies: [] };
    video.addEventListener("waiting", () => (globalThis.seen.stalls += video.seeking ? 0 : 1));
    const step = () => {
      const shown = readClock(video);
      if (shown !== null) globalThis.seen.latencies.push(((Date.now() - shown) % CLOCK_RANGE_MS) / 1000);
      video.requestVideoFrameCallback(step);
    };
    video.requestVideoFrameCallback(step);
  });
  await played(page, LOOK_S);
  const seen = await page.evaluate(() => ({ ...globalThis.seen, failures: globalThis.failures }));
  seen.latencies.sort((a, b) => a - b);
  const at = (share) => seen.latencies[Math.floor(share * (seen.latencies.length - 1))];
  t.diagnostic(`${player}: ${seen.latencies.length} pictures, median ${at(0.5)} s, 99 % ${at(0.99)} s, ${seen.stalls} stalls`);
  return { ...seen, errors, median: at(0.5) };
}

test("hls.js plays what ffmpeg writes for DASH, and dash.js the same files beside it", { timeout: 90_000 + LOOK_S * 2000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "lldash-hls-"));
  stops.push(() => rmSync(folder, { recursive: true, force: true }));
  const files = await server("-p", "0", "--hls-part", "200ms", folder);
  stops.push(files.stop);
  const stream = await encode(files.origin, "cam", "--dir", folder, "--preset", "ultrafast");
  stops.push(stream.stop);
  const [hls, dash] = await Promise.all([
    look(t, "hls", `${files.origin}/ldash/hls/cam/live.mpd/main.m3u8`),
    look(t, "dash", stream.manifest),
  ]);
  for (const seen of [hls, dash]) {
    assert.equal(seen.stalls, 0);
    assert.deepEqual(seen.failures, []);
    assert.deepEqual(seen.errors, []);
    assert.ok(seen.latencies.length > LOOK_S * 5, "the pictures tell their time");
  }
});
