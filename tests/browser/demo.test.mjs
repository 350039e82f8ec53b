// The demo in a real browser: its page, and the clock in the picture. LLDASH_URL names a server
// that plays it already; else this starts `lldash --demo`.
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { PLAYERS } from "../../static/play/load.js";
import { complaints, launch } from "./browser.mjs";
import { inRepository, replay, server } from "./programs.mjs";

const dashJs = inRepository("static/players/dash.js");
const RECORDING_S = 20;
const FRAME_S = 0.04;

let demo;
let browser;

before(async () => {
  browser = await launch();
  const running = process.env.LLDASH_URL;
  demo = running ? { origin: running, stop() {} } : await server("--demo", "-p", "0");
}, { timeout: 60_000 });

after(async () => {
  await browser?.close();
  await demo?.stop();
});

async function opened(t, { origin = demo.origin, path = "/", prepare = async () => {} } = {}) {
  const page = await browser.newPage({ viewport: { width: 1000, height: 800 } });
  t.after(() => page.close());
  const errors = complaints(page);
  await prepare(page);
  await page.goto(origin + path);
  return { page, errors };
}

const playing = (page) =>
  page.waitForFunction(() => {
    const video = document.querySelector("video");
    return video.currentTime > 0 && !video.paused && video.readyState > 2 && video.videoWidth > 0;
  }, null, { timeout: 30_000 });

const says = (page, text) => page.getByRole("status").filter({ hasText: text }).waitFor({ timeout: 30_000 });

/** For some frames in a row: their place on the media's timeline, and what they say of themselves. */
const frames = (page, count) =>
  page.evaluate(async (count) => {
    const { readClock } = await import("/ldash/assets/clock.js");
    const video = document.querySelector("video");
    const seen = [];
    while (seen.length < count) {
      seen.push(await new Promise((done) =>
        video.requestVideoFrameCallback((_, { mediaTime }) => done([mediaTime, readClock(video)]))));
    }
    return seen;
  }, count);

/** How far two times are apart on a loop as long as the recording. */
function apart(a, b) {
  const difference = Math.abs(a - b) % RECORDING_S;
  return Math.min(difference, RECORDING_S - difference);
}

/** Each picture tells the time at which it is shown, give or take two frames. */
async function clockAgrees(page) {
  const seen = await frames(page, 75);
  const unreadable = seen.filter(([, burned]) => burned === null);
  assert.ok(unreadable.length <= 2, `${unreadable.length} of ${seen.length} clocks cannot be read`);
  for (const [mediaTime, burned] of seen) {
    if (burned === null) continue;
    const off = apart(mediaTime, burned / 1000);
    assert.ok(off <= 2 * FRAME_S + 0.001, `at ${mediaTime} s the picture says ${burned} ms`);
  }
  assert.ok(seen.at(-1)[0] - seen[0][0] > 2, "the media time moves on");
}

test("the page plays, and each picture tells the time at which it is shown", { timeout: 90_000 }, async (t) => {
  const foreign = [];
  const watch = async (page) => {
    page.on("request", (request) => {
      if (/^http/.test(request.url()) && !request.url().startsWith(demo.origin)) foreign.push(request.url());
    });
  };
  const { page, errors } = await opened(t, { prepare: watch });
  await playing(page);
  await clockAgrees(page);
  await says(page, "Playing live");
  assert.deepEqual(errors, []);
  assert.deepEqual(foreign, [], "nothing is asked of other hosts");
});

test("the latency comes to what the page asks for", { timeout: 90_000 }, async (t) => {
  const { page } = await opened(t);
  await playing(page);
  await page.waitForFunction(() => {
    const shown = parseFloat(document.getElementById("latency").textContent);
    return shown > 0.5 && shown < 1.3;
  }, null, { timeout: 30_000 });
});

test("a folder with the page waits for a stream, and plays what lldash-replay puts there", { timeout: 120_000, skip: !!process.env.LLDASH_URL }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "lldash-browser-"));
  const started = [];
  t.after(async () => {
    for (const program of started) await program.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  for (const file of readdirSync(inRepository("static"))) {
    if (/\.(html|css|js)$/.test(file)) copyFileSync(inRepository(`static/${file}`), join(folder, file));
  }
  const files = await server(folder, "-p", "0");
  started.push(files);
  const { page } = await opened(t, { origin: files.origin });
  await says(page, "Waiting for the stream");
  assert.match(await page.locator("#hint").innerText(), /live\/manifest\.mpd is not there yet/);
  started.push(replay(join(folder, "live")));
  await playing(page);
  await clockAgrees(page);
});

const withoutOwn = (page) => page.route("**/ldash/assets/*/dash.js", (route) => route.fulfill({ status: 404 }));
const publicCopy = (page, body) =>
  page.route(PLAYERS.dash.url, (route) =>
    route.fulfill({ headers: { "content-type": "text/javascript", "access-control-allow-origin": "*" }, body }));

test("without a dash.js of its own the page takes the public one", { timeout: 90_000, skip: !existsSync(dashJs) }, async (t) => {
  const prepare = async (page) => {
    await withoutOwn(page);
    await publicCopy(page, readFileSync(dashJs));
  };
  const { page } = await opened(t, { prepare });
  await playing(page);
});

test("a public dash.js that is not the right one is refused, and the page says what to do", { timeout: 60_000 }, async (t) => {
  const prepare = async (page) => {
    await withoutOwn(page);
    await publicCopy(page, "globalThis.dashjs = {}");
  };
  const { page } = await opened(t, { prepare });
  await says(page, "Cannot play");
  assert.match(await page.locator("#hint").innerText(), /Run scripts\/players and build again/);
});
