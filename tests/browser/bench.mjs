// How near to live the players come: the player page in Chromium, on a stream that scripts/encode
// writes into the folder, by HTTP/1.1 and by HTTP/2 with TLS, and on one that it pushes. Prints a table (Markdown); with a file's name,
// also writes the figures there as JSON.
//
//   node tests/browser/bench.mjs [--seconds N] [--target S] [--opens N] [FILE]
//
// scripts/bench --players calls it. Glass to glass is read from the picture's own clock at the
// moment at which the picture is shown, first frame from the page's start to the first picture.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { complaints, launch } from "./browser.mjs";
import { figure } from "./pages.mjs";
import { encode, server } from "./programs.mjs";

const SETTLE_S = 15;
const WAYS = { folder: "ffmpeg writes the folder", http2: "the same by HTTP/2 and TLS", push: "ffmpeg pushes" };
// Of a certificate that was made a moment ago.
const TRUSTING = { ignoreHTTPSErrors: true };
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "60" },
    target: { type: "string", default: "0.2" },
    opens: { type: "string", default: "5" },
  },
});

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const rank = (list, part) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * part))];

/** Opens the page so often; answers the times to the first picture, in seconds: of first visits, and of second ones. */
async function firstFrames(browser, url) {
  const times = { first: [], again: [] };
  for (let i = 0; i < Number(values.opens); i++) {
    const context = await browser.newContext(TRUSTING);
    for (const visits of [times.first, times.again]) {
      const page = await context.newPage();
      await page.goto(url, { waitUntil: "commit" });
      await page.waitForFunction(() => /\d/.test(document.getElementById("first-frame")?.textContent ?? ""));
      visits.push(await figure(page, "first-frame"));
      await page.close();
    }
    await context.close();
  }
  return times;
}

/** Plays for a while; answers what the page shows meanwhile, after it has settled. */
async function play(browser, url) {
  const page = await browser.newPage(TRUSTING);
  const errors = complaints(page);
  await page.goto(url);
  await page.waitForSelector('#state[data-state="live"]', { timeout: 30_000 });
  await pause(SETTLE_S * 1000);
  const stallsBefore = await figure(page, "stalls");
  const [glass, reckoned] = [[], []];
  for (let i = 0; i < Number(values.seconds) * 4; i++) {
    await pause(250);
    glass.push(await figure(page, "glass"));
    reckoned.push(await figure(page, "latency"));
  }
  const stalls = (await figure(page, "stalls")) - stallsBefore;
  const dropped = await figure(page, "dropped");
  await page.close();
  return { glass: glass.filter(Number.isFinite), reckoned: reckoned.filter(Number.isFinite), stalls, dropped, errors };
}

async function measure(browser, mode) {
  const folder = mkdtempSync(join(tmpdir(), "lldash-players-"));
  const options = { push: ["--ingest"], http2: ["--tls-self-signed"], folder: [] }[mode];
  const encrypted = mode === "http2" ? ["--listen", "https://127.0.0.1:0"] : [];
  const running = await server(...options, "--listen", "http://127.0.0.1:0", ...encrypted, folder);
  try {
    const encoder = await encode(running.origin, "cam", ...(mode === "push" ? [] : ["--dir", folder]));
    const url = `${running.origins.at(-1)}/ldash/play/cam/live.mpd?target=${values.target}`;
    await pause(5000);
    const opens = await firstFrames(browser, url);
    const { glass, reckoned, stalls, dropped, errors } = await play(browser, url);
    await encoder.stop();
    if (glass.length === 0) throw new Error("the page has read no clock in the picture");
    return {
      mode,
      player: "dash.js",
      target: Number(values.target),
      seconds: Number(values.seconds),
      glass: { median: rank(glass, 0.5), p95: rank(glass, 0.95), most: rank(glass, 1) },
      reckoned: rank(reckoned, 0.5),
      stalls,
      dropped,
      firstFrame: { first: rank(opens.first, 0.5), again: rank(opens.again, 0.5) },
      errors: errors.length,
    };
  } finally {
    await running.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const browser = await launch();
const rows = [];
for (const mode of Object.keys(WAYS)) rows.push(await measure(browser, mode));
const version = browser.version();
await browser.close();

const s = (value) => value.toFixed(2);
console.log(`${new Date().toISOString()}, Chromium ${version} on the same machine; ${values.seconds} s each after ${SETTLE_S} s.\n`);
console.log("| stream | player, target | glass to glass: median / p95 / most, s | as the player reckons, s | stalls | dropped frames | first frame: first visit / again, s |");
console.log("|---|---|---|---|---|---|---|");
for (const row of rows) {
  console.log(`| ${WAYS[row.mode]} | ${row.player}, ${row.target} s | ${s(row.glass.median)} / ${s(row.glass.p95)} / ${s(row.glass.most)} | ${s(row.reckoned)} | ${row.stalls} | ${row.dropped} | ${s(row.firstFrame.first)} / ${s(row.firstFrame.again)} |`);
}
if (positionals[0]) writeFileSync(positionals[0], `${JSON.stringify(rows, null, 2)}\n`);
