// Streams whose qualities the server switches: dash.js, which knows of one quality only, plays across
// the changes without a stall or an error, as it falls behind and when another quality is forced.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { launch } from "./browser.mjs";
import { opened, played, playing } from "./pages.mjs";
import { server } from "./programs.mjs";

const RATES = [1_000_000, 300_000, 80_000];

async function started(t) {
  const folder = mkdtempSync(join(tmpdir(), "lldash-switching-"));
  const config = join(folder, ".lldash.toml");
  const qualities = RATES.map((bitrate) => `{ width = 320, bitrate = ${bitrate}, preset = "ultrafast" }`);
  writeFileSync(config, `[[stream]]\nname = "The camera"\nkey = "cam"\nsource = "test"\nswitching = "server"\nqualities = [${qualities.join(", ")}]\n`);
  const [browser, files] = await Promise.all([launch(), server("--config", config, "-p", "0", "--ingest", folder)]);
  t.after(async () => {
    await browser.close();
    await files.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return { browser, ...files, quality: `${files.origin}/ldash/streams/cam/quality` };
}

const told = async (url) => (await fetch(url)).json();

/** Notes on the page what its video goes through from now on. */
const noted = (page) =>
  page.evaluate(() => {
    globalThis.troubles = [];
    const video = document.querySelector("video");
    for (const name of ["waiting", "stalled", "error", "emptied"]) {
      video.addEventListener(name, () => globalThis.troubles.push(`${name} at ${video.currentTime} ${video.error?.message ?? ""}`));
    }
  });

const troubles = (page) => page.evaluate(() => globalThis.troubles);

/** The bitrates in kbit/s that the page's segments came with, as they come. */
function rates(page) {
  const list = [];
  page.on("response", (response) => {
    const told = response.headers()["cmsd-static"]?.match(/br=(\d+)/);
    if (told) list.push(Number(told[1]));
  });
  return list;
}

test("a player that is on time plays the best, and whatever is forced in the middle", { timeout: 120_000 }, async (t) => {
  const { browser, origin, quality } = await started(t);
  const { page, errors } = await opened(t, browser, `${origin}/ldash/play/cam/manifest.mpd?target=2`);
  await playing(page);
  await played(page, 3);
  const seen = rates(page);
  await noted(page);
  await played(page, 3);
  assert.deepEqual([...new Set(seen)], [1000], "it asks for the newest");
  for (const forced of [2, 0, 1, 2]) {
    const answer = await fetch(quality, { method: "PUT", body: String(forced) });
    assert.equal((await answer.json()).forced, RATES[forced]);
    seen.length = 0;
    await played(page, 4);
    assert.equal(seen.at(-1), RATES[forced] / 1000);
  }
  const front = await opened(t, browser, `${origin}/ldash/`);
  await front.page.getByText("320 wide, 80 kbit/s · all are given 80 kbit/s").waitFor();
  await fetch(quality, { method: "DELETE" });
  await front.page.getByText("320 wide, 80 kbit/s · the server chooses").waitFor();
  await front.page.close();
  await played(page, 4);
  assert.equal(seen.at(-1), 1000);
  assert.deepEqual(await troubles(page), []);
  assert.deepEqual(errors, []);
  const frames = await page.evaluate(() => document.querySelector("video").getVideoPlaybackQuality().corruptedVideoFrames);
  assert.equal(frames, 0);
});

test("a player that asks late plays on across the qualities that it is in time for", { timeout: 120_000 }, async (t) => {
  const { browser, origin, quality } = await started(t);
  assert.ok((await fetch(`${origin}/cam/manifest.mpd?wait=20000`)).ok);
  // So that there is something to be late for.
  while (((await told(quality)).newest ?? 0) < 8);
  const page = await browser.newPage();
  t.after(() => page.close());
  const seen = rates(page);
  // Each request is sent on when so many segments more have begun.
  let delay = 0;
  await page.route(/-0-\d+\.m4s/, async (route) => {
    const number = Number(route.request().url().match(/-(\d+)\.m4s/)[1]);
    while ((await told(quality)).newest < number + delay);
    await route.continue();
  });
  await page.goto(`${origin}/ldash/play/cam/manifest.mpd?target=5`);
  await playing(page);
  await played(page, 2);
  await noted(page);
  for (const [segments, rate] of [[2, 80], [1, 300], [2, 80], [0, 1000]]) {
    delay = segments;
    seen.length = 0;
    await played(page, 5);
    assert.equal(seen.at(-1), rate, `${segments} late: ${seen}`);
  }
  assert.deepEqual(await troubles(page), []);
});
