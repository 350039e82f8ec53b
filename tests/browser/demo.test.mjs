// The demo in a real browser: `lldash --demo`, its page, and the clock in the picture.
// LLDASH names the program, if it is not target/debug/lldash; LLDASH_URL a server that runs already.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { CDN } from "../../static/load-dash.js";
import { complaints, launch } from "./browser.mjs";

const inRepository = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const program = process.env.LLDASH || inRepository("target/debug/lldash");
const dashJs = inRepository("static/players/dash.js");
const RECORDING_S = 20;
const FRAME_S = 0.04;

let server;
let browser;
let home;

before(async () => {
  home = process.env.LLDASH_URL || (await demo());
  browser = await launch();
}, { timeout: 60_000 });

after(async () => {
  await browser?.close();
  server?.kill("SIGTERM");
});

/** Starts the demo and takes its URL from the first line that it prints. */
async function demo() {
  server = spawn(program, ["--demo", "-p", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface({ input: server.stdout })) {
    const url = line.match(/https?:\/\/[^\s/]+/);
    assert.ok(url, `the first line names no URL: ${line}`);
    server.stdout.resume();
    return url[0];
  }
  throw new Error(`${program} printed nothing`);
}

async function opened(t, path = "/", prepare = async () => {}) {
  const page = await browser.newPage({ viewport: { width: 1000, height: 800 } });
  t.after(() => page.close());
  const errors = complaints(page);
  await prepare(page);
  await page.goto(home + path);
  return { page, errors };
}

const playing = (page) =>
  page.waitForFunction(() => {
    const video = document.querySelector("video");
    return video.currentTime > 0 && !video.paused && video.readyState > 2 && video.videoWidth > 0;
  }, null, { timeout: 30_000 });

/** For some frames in a row: their place on the media's timeline, and what they say of themselves. */
const frames = (page, count) =>
  page.evaluate(async (count) => {
    const { readClock } = await import("/clock.js");
    const video = document.querySelector("video");
    const seen = [];
    while (seen.length < count) {
      seen.push(await new Promise((done) =>
        video.requestVideoFrameCallback((_, { mediaTime }) => done([mediaTime, readClock(video)]))));
    }
    return seen;
  }, count);

test("the page plays, and each picture tells the time at which it is shown", { timeout: 90_000 }, async (t) => {
  const foreign = [];
  const { page, errors } = await opened(t, "/", async (page) => {
    page.on("request", (request) => {
      if (/^http/.test(request.url()) && !request.url().startsWith(home)) foreign.push(request.url());
    });
  });
  await playing(page);
  const seen = await frames(page, 75);
  const unreadable = seen.filter(([, burned]) => burned === null);
  assert.ok(unreadable.length <= 2, `${unreadable.length} of ${seen.length} clocks cannot be read`);
  for (const [mediaTime, burned] of seen) {
    if (burned === null) continue;
    const apart = Math.abs(((mediaTime - burned / 1000) % RECORDING_S + RECORDING_S * 1.5) % RECORDING_S - RECORDING_S / 2);
    assert.ok(apart <= 2 * FRAME_S + 0.001, `at ${mediaTime} s the picture says ${burned} ms`);
  }
  assert.ok(seen.at(-1)[0] - seen[0][0] > 2, "the media time moves on");
  await page.getByRole("status").filter({ hasText: "Playing live" }).waitFor({ timeout: 5000 });
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

test("without a stream the page says so and waits", { timeout: 60_000 }, async (t) => {
  const { page } = await opened(t, "/?url=live/none.mpd");
  await page.getByRole("status").filter({ hasText: "Waiting for the stream" }).waitFor({ timeout: 30_000 });
  assert.match(await page.locator("#hint").innerText(), /live\/none\.mpd is not there yet/);
});

const withoutOwn = (page) => page.route("**/ldash/assets/dash.js", (route) => route.fulfill({ status: 404 }));

test("without a dash.js of its own the page takes the public one", { timeout: 90_000, skip: !existsSync(dashJs) }, async (t) => {
  const headers = { "content-type": "text/javascript", "access-control-allow-origin": "*" };
  const { page } = await opened(t, "/", async (page) => {
    await withoutOwn(page);
    await page.route(CDN.url, (route) => route.fulfill({ headers, body: readFileSync(dashJs) }));
  });
  await playing(page);
});

test("a public dash.js that is not the right one is refused, and the page says what to do", { timeout: 60_000 }, async (t) => {
  const headers = { "content-type": "text/javascript", "access-control-allow-origin": "*" };
  const { page } = await opened(t, "/", async (page) => {
    await withoutOwn(page);
    await page.route(CDN.url, (route) => route.fulfill({ headers, body: "globalThis.dashjs = {}" }));
  });
  await page.getByRole("status").filter({ hasText: "Cannot play" }).waitFor({ timeout: 30_000 });
  assert.match(await page.locator("#hint").innerText(), /Run scripts\/players and build again/);
});
