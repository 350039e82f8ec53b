// dash.js, hls.js and shaka-player on a page of another origin play what ffmpeg writes into a
// folder and what it pushes: from the live edge on, without a stall, and without a complaint.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch } from "./browser.mjs";
import { elsewhere } from "./elsewhere.mjs";
import { figure, opened, played, playing, says } from "./pages.mjs";
import { encode, server } from "./programs.mjs";

const LIBRARIES = {
  "/dash.js": "static/players/dash.js",
  "/hls.js": "static/players/hls.js",
  "/shaka.js": "tests/browser/node_modules/shaka-player/dist/shaka-player.compiled.js",
};
const TARGET_S = 0.5;
/** So long the player page is to play a playlist: the variable is for whoever wants to see a minute. */
const PLAYLIST_S = Number(process.env.LLDASH_PLAYLIST_S ?? 8);

/** How each player is told to play a URL, in the page. */
const START = {
  dash: (url, target) => {
    const player = dashjs.MediaPlayer().create();
    player.updateSettings({ debug: { logLevel: 1 }, streaming: { delay: { liveDelay: target }, liveCatchup: { enabled: true } } });
    player.initialize(document.querySelector("video"), null, true);
    player.clearDefaultUTCTimingSources();
    player.attachSource(url);
  },
  shaka: async (url, target) => {
    const player = new shaka.Player();
    await player.attach(document.querySelector("video"));
    player.configure({
      streaming: { lowLatencyMode: true, liveSync: { enabled: true, targetLatency: target, targetLatencyTolerance: 0.05, maxPlaybackRate: 1.1, minPlaybackRate: 0.95 } },
    });
    await player.load(url);
  },
  hls: (url) => {
    const player = new Hls({ lowLatencyMode: true });
    player.loadSource(url);
    player.attachMedia(document.querySelector("video"));
  },
};

let browser;
let site;
const stops = [];

before(async () => {
  browser = await launch();
  site = await elsewhere(LIBRARIES);
}, { timeout: 60_000 });

after(async () => {
  for (const stop of stops.reverse()) await stop();
  await browser?.close();
  site?.stop();
});

/** A server with a stream, for all tests of that kind: DASH of scripts/encode, and HLS of ffmpeg beside it. */
const streams = {};
const stream = (how) => (streams[how] ??= started(how));

async function started(how) {
  const folder = mkdtempSync(join(tmpdir(), "lldash-players-"));
  stops.push(() => rmSync(folder, { recursive: true, force: true }));
  const files = await server(...(how === "pushed" ? ["--ingest"] : []), "-p", "0", folder);
  stops.push(files.stop);
  const into = how === "pushed" ? [] : ["--dir", folder];
  const dash = await encode(files.origin, "cam", ...into, "--preset", "ultrafast");
  stops.push(dash.stop);
  return { origin: files.origin, folder, dash: dash.manifest };
}

const playlists = {};
const hls = (how) => (playlists[how] ??= playlist(how));

async function playlist(how) {
  const { origin, folder } = await stream(how);
  if (how !== "pushed") mkdirSync(join(folder, "hls"), { recursive: true });
  const out = how === "pushed" ? ["-method", "PUT", "-http_persistent", "1", `${origin}/hls/live.m3u8`] : [join(folder, "hls/live.m3u8")];
  const child = spawn("ffmpeg", [
    "-v", "error", "-nostdin", "-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25", "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "50",
    "-f", "hls", "-hls_time", "2", "-hls_list_size", "8", "-hls_segment_type", "fmp4", ...out,
  ], { stdio: "ignore" });
  process.once("exit", () => child.kill("SIGKILL"));
  stops.push(() => new Promise((done) => child.once("exit", done) && child.kill("SIGTERM")));
  const reply = await fetch(`${origin}/hls/live.m3u8?wait=20000`);
  assert.equal(reply.status, 200);
  return `${origin}/hls/live.m3u8`;
}

for (const how of ["written into the folder", "pushed"]) {
  for (const player of ["dash", "shaka", "hls"]) {
    test(`${player} on another origin plays what is ${how}, and does not stall`, { timeout: 90_000 }, async (t) => {
      const url = player === "hls" ? await hls(how) : (await stream(how)).dash;
      const { page, errors } = await opened(t, browser, site.url);
      await page.addScriptTag({ url: `/${player}.js` });
      await page.evaluate(`(${START[player]})(${JSON.stringify(url)}, ${TARGET_S})`);
      await playing(page);
      // What happens while a player finds its place is its own affair.
      await played(page, 4);
      await page.evaluate(() => {
        globalThis.stalls = 0;
        const video = document.querySelector("video");
        video.addEventListener("waiting", () => (globalThis.stalls += video.seeking ? 0 : 1));
      });
      await played(page, 8);
      assert.equal(await page.evaluate(() => globalThis.stalls), 0);
      assert.deepEqual(errors, []);
    });
  }
}

for (const how of ["written into the folder", "pushed"]) {
  test(`the player page plays a playlist that is ${how}, and does not stall`, { timeout: 90_000 + PLAYLIST_S * 2000 }, async (t) => {
    const url = await hls(how);
    const { page, errors } = await opened(t, browser, url.replace("/hls/", "/ldash/play/hls/"));
    await playing(page);
    await says(page, "Playing live");
    await page.waitForFunction(() => parseFloat(document.getElementById("latency").textContent) > 0);
    await played(page, 4);
    const stalled = await figure(page, "stalls");
    await played(page, PLAYLIST_S);
    assert.equal(await figure(page, "stalls"), stalled);
    t.diagnostic(`latency as hls.js reckons it: ${await figure(page, "latency")} s`);
    assert.deepEqual(errors, []);
  });
}
