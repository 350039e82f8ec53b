// LL-HLS from the files of a DASH stream: hls.js plays it at low latency while dash.js plays the
// same files. The picture tells the wall clock: latency is glass to glass.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch } from "./browser.mjs";
import { elsewhere } from "./elsewhere.mjs";
import { opened, played, playing } from "./pages.mjs";
import { encode, ffmpeg, server } from "./programs.mjs";

const FILES = { "/dash.js": "static/players/dash.js", "/hls.js": "static/players/hls.js", "/clock.js": "static/clock.js" };
/** How long both play, in seconds: LLDASH_PLAY_S for a longer look. */
const LOOK_S = Number(process.env.LLDASH_PLAY_S ?? 10);
/** So near to the wall clock, in seconds, players come, … */
const GOAL_S = 0.8;
/** … for so many pictures (the stream has 30 per second) before they are judged. */
const SETTLED_PICTURES = 60;
const SETTLE_LIMIT_MS = 90_000;

let browser;
let site;
const stops = [];

before(async () => {
  browser = await launch();
  site = await elsewhere(FILES);
}, { timeout: 60_000 });

after(async () => {
  for (const stop of stops.reverse()) await stop();
  await browser?.close();
  site?.stop();
});

const START = {
  hls: (url) => {
    // One stall while it starts would keep it a second farther behind for ever.
    const liveSyncOnStallIncrease = 0;
    const player = new Hls({ lowLatencyMode: true, liveSyncDuration: 0.45, liveMaxLatencyDuration: 0.7, maxLiveSyncPlaybackRate: 1.1, liveSyncOnStallIncrease });
    player.on(Hls.Events.ERROR, (_, data) => globalThis.failed?.(data.details));
    player.loadSource(url);
    player.attachMedia(document.querySelector("video"));
  },
  dash: (url) => {
    const player = dashjs.MediaPlayer().create();
    player.updateSettings({ debug: { logLevel: 1 }, streaming: { delay: { liveDelay: 0.5 }, liveCatchup: { enabled: true } } });
    player.initialize(document.querySelector("video"), null, true);
    player.clearDefaultUTCTimingSources();
    player.attachSource(url);
  },
};

/** Plays until it has found its place, and then: stalls, jumps, errors, and latencies in seconds. */
async function look(t, player, url) {
  const { page, errors } = await opened(t, browser, site.url);
  await page.addScriptTag({ url: `/${player}.js` });
  await page.evaluate(`(${START[player]})(${JSON.stringify(url)})`);
  await playing(page);
  // What happens while a player finds its place is its own affair.
  await settled(page);
  await played(page, LOOK_S);
  const seen = await page.evaluate(() => globalThis.seen);
  seen.latencies.sort((a, b) => a - b);
  const at = (share) => seen.latencies[Math.floor(share * (seen.latencies.length - 1))];
  t.diagnostic(`${player}: ${seen.latencies.length} pictures, median ${at(0.5)} s, 99 % ${at(0.99)} s, ${seen.stalls} stalls, ${seen.jumps} jumps`);
  return { ...seen, errors };
}

/** Resolves when enough pictures in a row, without a stall or a jump, were no older than the goal; what comes later is kept. */
async function settled(page) {
  const found = page.evaluate(async ({ goal, count }) => {
    const { readClock } = await import("/clock.js");
    const CLOCK_RANGE_MS = 2 ** 28;
    const video = document.querySelector("video");
    const begin = () => (globalThis.seen = { stalls: 0, jumps: 0, failures: [], latencies: [] });
    begin();
    let isSettled = false;
    const trouble = (note) => {
      note(globalThis.seen);
      if (!isSettled) begin();
    };
    globalThis.failed = (details) => trouble((seen) => seen.failures.push(details));
    video.addEventListener("waiting", () => trouble((seen) => (seen.stalls += video.seeking ? 0 : 1)));
    video.addEventListener("seeking", () => trouble((seen) => (seen.jumps += 1)));
    return new Promise((settled) => {
      const step = () => {
        const shown = readClock(video);
        if (shown !== null) {
          globalThis.latest = ((Date.now() - shown) % CLOCK_RANGE_MS) / 1000;
          if (!isSettled && globalThis.latest > goal) begin();
          else globalThis.seen.latencies.push(globalThis.latest);
          if (!isSettled && globalThis.seen.latencies.length >= count) {
            isSettled = true;
            settled();
          }
        }
        video.requestVideoFrameCallback(step);
      };
      video.requestVideoFrameCallback(step);
    });
  }, { goal: GOAL_S, count: SETTLED_PICTURES });
  const late = new Promise((_, failed) => {
    const timer = setTimeout(async () => {
      const latest = await page.evaluate(() => globalThis.latest).catch(() => "nobody knows how many");
      failed(new Error(`${latest} s behind, and not settled`));
    }, SETTLE_LIMIT_MS);
    timer.unref();
    found.finally(() => clearTimeout(timer)).catch(() => {});
  });
  return Promise.race([found, late]);
}

test("hls.js plays what ffmpeg writes for DASH, and dash.js the same files beside it", { timeout: 150_000 + LOOK_S * 2000 }, async (t) => {
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
    assert.equal(seen.jumps, 0);
    assert.deepEqual(seen.failures, []);
    assert.deepEqual(seen.errors, []);
    assert.ok(seen.latencies.length > LOOK_S * 5, "the pictures tell their time");
  }
});

test("hls.js waits by name for the next segment of a playlist that ffmpeg wrote", { timeout: 120_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "lldash-hls-"));
  stops.push(() => rmSync(folder, { recursive: true, force: true }));
  const files = await server("-p", "0", folder);
  stops.push(files.stop);
  const stream = ffmpeg("-f", "hls", "-hls_time", "1", "-hls_segment_type", "fmp4", join(folder, "live.m3u8"));
  stops.push(stream.stop);
  const { page, errors } = await opened(t, browser, site.url);
  const reloads = [];
  page.on("response", (reply) => reply.url().includes("_HLS_msn=") && reloads.push(reply.status()));
  await page.addScriptTag({ url: "/hls.js" });
  await page.evaluate((url) => {
    globalThis.failures = [];
    const player = new Hls();
    player.on(Hls.Events.ERROR, (_, data) => globalThis.failures.push(data.details));
    player.loadSource(url);
    player.attachMedia(document.querySelector("video"));
  }, `${files.origin}/live.m3u8?wait=20000`);
  await playing(page);
  await played(page, 6);
  assert.ok(reloads.length >= 4 && reloads.every((status) => status === 200), `${reloads}`);
  assert.deepEqual(await page.evaluate(() => globalThis.failures), []);
  assert.deepEqual(errors, []);
});
