// The player page in a real browser: a live encoder, a replay, and streams that wait, end or break.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch } from "./browser.mjs";
import { figure, opened, played, playing, says } from "./pages.mjs";
import { encode, replay, server } from "./programs.mjs";

const RECORDING_MS = 20_000;
const TARGET_S = 0.5;

let browser;

before(async () => {
  browser = await launch();
}, { timeout: 60_000 });

after(() => browser?.close());

/** A server on a folder of its own. */
async function origin(t, ...options) {
  const folder = mkdtempSync(join(tmpdir(), "lldash-play-"));
  const files = await server(...options, "-p", "0", folder);
  t.after(async () => {
    await files.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return { folder, origin: files.origin };
}

/** The latency that the pictures tell, in ms, for some frames: this machine's clock made them and shows them. */
const trueLatencies = (page, count) =>
  page.evaluate(async (count) => {
    const { readClock } = await import("/ldash/assets/clock.js");
    const video = document.querySelector("video");
    const seen = [];
    while (seen.length < count) {
      await new Promise((done) => video.requestVideoFrameCallback(done));
      const burned = readClock(video);
      if (burned !== null) seen.push((Date.now() % 2 ** 28) - burned);
    }
    return seen.sort((a, b) => a - b);
  }, count);

const median = (sorted) => sorted[Math.floor(sorted.length / 2)];

for (const [how, ingest, options] of [
  ["pushed", ["--ingest"], () => []],
  ["written into the folder", [], (folder) => ["--dir", folder]],
]) {
  test(`a live stream that is ${how}: the page shows its true latency, and does not stall`, { timeout: 90_000 }, async (t) => {
    const files = await origin(t, ...ingest);
    const encoder = await encode(files.origin, "cam", ...options(files.folder), "--preset", "ultrafast");
    t.after(() => encoder.stop());
    const { page, errors } = await opened(t, browser, `${files.origin}/ldash/play/cam/live.mpd?target=${TARGET_S}`);
    await playing(page);
    await says(page, "Playing live");
    await page.waitForFunction((target) => Math.abs(parseFloat(document.getElementById("latency").textContent) - target) < 0.1, TARGET_S);
    const stalled = await figure(page, "stalls");
    await played(page, 8);
    const told = median(await trueLatencies(page, 30)) / 1000;
    const [glass, latency] = [await figure(page, "glass"), await figure(page, "latency")];
    assert.ok(Math.abs(glass - told) < 0.1, `the page says ${glass} s, the pictures ${told} s`);
    // What the player cannot see: the encoder, the way to the server, and the screen.
    assert.ok(glass > latency - 0.05 && glass < latency + 0.35, `glass to glass ${glass} s, the player ${latency} s`);
    assert.equal(await figure(page, "stalls"), stalled, "no stall once it plays");
    assert.deepEqual(errors, []);
  });
}

test("the true latency does not depend on the viewer's own clock", { timeout: 90_000 }, async (t) => {
  const files = await origin(t, "--ingest");
  const encoder = await encode(files.origin, "cam", "--preset", "ultrafast");
  t.after(() => encoder.stop());
  const prepare = (page) =>
    page.addInitScript(() => {
      const now = Date.now.bind(Date);
      Date.now = () => now() + 3_600_000;
    });
  const { page } = await opened(t, browser, `${files.origin}/ldash/play/cam/live.mpd?target=${TARGET_S}`, { prepare });
  await playing(page);
  await page.waitForFunction(() => parseFloat(document.getElementById("glass").textContent) < 5);
});

test("a replay: the latency shown is that of the media time in the picture", { timeout: 60_000 }, async (t) => {
  const files = await origin(t);
  const segmenter = replay(join(files.folder, "live"), "--chunked", "--loop", "--history", "6");
  t.after(() => segmenter.stop());
  const { page, errors } = await opened(t, browser, `${files.origin}/ldash/play/live/manifest.mpd?target=1`);
  await playing(page);
  await page.waitForFunction(() => Math.abs(parseFloat(document.getElementById("latency").textContent) - 1) < 0.1);
  const { burned, shown } = await page.evaluate(async () => {
    const { readClock } = await import("/ldash/assets/clock.js");
    const mpd = await (await fetch("/live/manifest.mpd")).text();
    const started = Date.parse(mpd.match(/availabilityStartTime="([^"]*)"/)[1]);
    await new Promise((done) => document.querySelector("video").requestVideoFrameCallback(done));
    return { burned: readClock(document.querySelector("video")) + started - Date.now(), shown: parseFloat(document.getElementById("latency").textContent) };
  });
  const behind = (((-burned % RECORDING_MS) + RECORDING_MS) % RECORDING_MS) / 1000;
  assert.ok(Math.abs(behind - shown) < 0.15, `the picture is ${behind} s behind, the page says ${shown} s`);
  assert.equal(await page.locator("#glass").textContent(), "–", "a media time is not taken for the time of day");
  assert.deepEqual(errors, []);
});

test("a stream that is not there yet is waited for; one that ends is said to have ended, and its return is played", { timeout: 120_000 }, async (t) => {
  const files = await origin(t, "--ingest");
  const { page } = await opened(t, browser, `${files.origin}/ldash/play/cam/live.mpd?target=${TARGET_S}`);
  await says(page, "Waiting for the stream");
  assert.match(await page.locator("#hint").innerText(), /cam\/live\.mpd is not there yet/);
  const first = await encode(files.origin, "cam", "--preset", "ultrafast");
  t.after(() => first.stop());
  await playing(page);
  await first.stop();
  await says(page, "The stream has ended");
  const second = await encode(files.origin, "cam", "--preset", "ultrafast");
  t.after(() => second.stop());
  await says(page, "Playing live");
});

test("a server that went away and shows the same manifest again is played again", { timeout: 120_000 }, async (t) => {
  const files = await origin(t, "--ingest");
  const encoder = await encode(files.origin, "cam", "--preset", "ultrafast");
  t.after(() => encoder.stop());
  const manifest = await (await fetch(`${files.origin}/cam/live.mpd?wait=20000`)).text();
  const feed = { isThere: true };
  const { page } = await opened(t, browser, `${files.origin}/ldash/play/cam/live.mpd?target=${TARGET_S}`, {
    prepare: async (page) => {
      await page.route("**/cam/*.m4s*", (route) => (feed.isThere ? route.continue() : route.fulfill({ status: 404 })));
      await page.route(/\/cam\/live\.mpd/, (route) =>
        route.request().resourceType() === "document" ? route.continue() : route.fulfill(feed.isThere ? { body: manifest, contentType: "application/dash+xml" } : { status: 404 }),
      );
    },
  });
  await playing(page);
  feed.isThere = false;
  await says(page, "The stream has ended");
  feed.isThere = true;
  await says(page, "Playing live");
});

const mpd = (codecs) =>
  `<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT4S" profiles="urn:mpeg:dash:profile:isoff-live:2011"><Period><AdaptationSet mimeType="video/mp4"><Representation id="0" bandwidth="1" codecs="${codecs}"><SegmentTemplate media="$Number$.m4s" initialization="init.mp4" duration="2" startNumber="1"/></Representation></AdaptationSet></Period></MPD>`;

test("what cannot be played is told in words, with a remedy", { timeout: 60_000 }, async (t) => {
  const files = await origin(t);
  const other = await origin(t, "--cors-origin", "https://elsewhere.example");
  mkdirSync(join(files.folder, "bad"));
  writeFileSync(join(files.folder, "bad/codec.mpd"), mpd("dvh1.20.99"));
  writeFileSync(join(files.folder, "bad/text.mpd"), "<html>not found</html>");
  writeFileSync(join(other.folder, "x.mpd"), mpd("avc1.64001e"));
  for (const [path, state, hint] of [
    ["bad/codec.mpd", "Cannot play", /cannot decode dvh1\.20\.99.*libx264/],
    ["bad/text.mpd", "Cannot play", /neither a DASH manifest nor an HLS playlist/],
    [`?url=${other.origin}/x.mpd`, "Cannot play", /does not allow pages of other origins \(CORS\)/],
    ["?url=http://127.0.0.1:9/x.mpd", "cannot be reached", /check that the server runs/],
    ["", "Nothing to play", /Type the address/],
  ]) {
    const { page } = await opened(t, browser, `${files.origin}/ldash/play/${path}`);
    await says(page, state);
    assert.match(await page.locator("#hint").innerText(), hint);
    await page.close();
  }
});

test("keys and buttons move the target, and the page goes after it", { timeout: 60_000 }, async (t) => {
  const files = await origin(t, "--ingest");
  const encoder = await encode(files.origin, "cam", "--preset", "ultrafast");
  t.after(() => encoder.stop());
  const { page } = await opened(t, browser, `${files.origin}/ldash/play/cam/live.mpd?target=${TARGET_S}`);
  await playing(page);
  await page.keyboard.press("ArrowUp");
  await page.getByRole("button", { name: "Further from live" }).click();
  await page.waitForFunction(() => document.getElementById("target").textContent === "0.70 s");
  assert.match(page.url(), /target=0\.7/);
  await page.waitForFunction(() => Math.abs(parseFloat(document.getElementById("latency").textContent) - 0.7) < 0.06);
  await page.getByRole("heading", { name: "Requests" }).click();
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
});
