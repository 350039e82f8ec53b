// The front page, with a status made up for it: what it shows, and that names are only ever text.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch } from "./browser.mjs";
import { opened } from "./pages.mjs";
import { server } from "./programs.mjs";

const folder = mkdtempSync(join(tmpdir(), "lldash-front-"));
let browser;
let files;

before(async () => {
  [browser, files] = await Promise.all([launch(), server(folder, "-p", "0")]);
}, { timeout: 60_000 });

after(async () => {
  await browser?.close();
  await files?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const hostile = `<img src=x onerror="document.title='owned'">&amp;"'.mpd`;
const empty = {
  version: "1", now: "2026-01-01T00:00:00Z", started: "2026-01-01T00:00:00Z", uptime_seconds: 61, watch: "inotify", is_alive: true, ingest: true,
  streams: [], held: { requests: 0, names: [] }, growing: [],
  rates: { requests_per_second: 0, sent_bytes_per_second: 0, received_bytes_per_second: 0 }, totals: {}, memory: { kept_bytes: 0, limit_bytes: 268435456 },
};
const stream = (path, more = {}) => ({
  path, kind: "dash", url: `/${encodeURIComponent(path)}`, play: `/ldash/play/${encodeURIComponent(path)}`, state: "live",
  segment_age_seconds: 0.4, manifest_age_seconds: 2,
  qualities: [{ id: "0", kind: "video", width: 640, height: 360, frame_rate: "30", bandwidth: 900000, codecs: "avc1.64001e" }], ...more,
});

/** The page, fed by `feed.status`. */
async function front(t, feed) {
  const prepare = (page) =>
    page.route("**/ldash/status", (route) => (feed.status ? route.fulfill({ json: feed.status }) : route.abort()));
  return opened(t, browser, `${files.origin}/ldash/`, { prepare });
}

test("with no stream the page says how to get one, and shows the stream when it comes", { timeout: 60_000 }, async (t) => {
  const feed = { status: empty };
  const { page, errors } = await front(t, feed);
  const command = page.getByText(`scripts/encode ${new URL(files.origin).host} cam`);
  await command.waitFor();
  feed.status = { ...empty, streams: [stream("cam/live.mpd")] };
  await page.getByRole("heading", { name: "cam/live.mpd" }).waitFor();
  assert.ok(!(await command.isVisible()));
  assert.equal(await page.getByRole("link", { name: "Play cam/live.mpd" }).evaluate((link) => new URL(link.href).pathname), "/ldash/play/cam%2Flive.mpd");
  await page.getByText(`${files.origin}/cam%2Flive.mpd`).waitFor();
  await page.getByText("640×360 at 30, avc1.64001e, 900 kbit/s").waitFor();
  await page.getByText("last segment 0.4 s ago").waitFor();
  feed.status = { ...empty, streams: [stream("cam/live.mpd", { state: "ended", segment_age_seconds: 70 })] };
  await page.getByText("last segment 70 s ago").waitFor();
  feed.status = empty;
  await command.waitFor();
  assert.deepEqual(errors, []);
});

test("held requests, growing files and rates are shown, and names of any kind stay text", { timeout: 60_000 }, async (t) => {
  const feed = {
    status: {
      ...empty, streams: [stream(hostile)],
      held: { requests: 7, names: [{ path: hostile, requests: 7 }] },
      growing: [{ path: "v/9.m4s", bytes: 123456, age_seconds: 1.2, followers: 3 }],
      rates: { requests_per_second: 12.34, sent_bytes_per_second: 125000, received_bytes_per_second: 0 },
    },
  };
  const { page, errors } = await front(t, feed);
  await page.getByRole("row", { name: "v/9.m4s 123 kB 1.2 s 3" }).waitFor();
  await page.getByText("1.0 Mbit/s").waitFor();
  assert.equal(await page.locator("#held tbody td").first().textContent(), hostile);
  assert.equal(await page.locator("h3").textContent(), hostile);
  assert.equal(await page.locator("main img").count(), 0);
  assert.match(await page.title(), /^lldash/);
  assert.deepEqual(errors, []);
});

test("what a viewer has focused stays while the figures change", { timeout: 60_000 }, async (t) => {
  const feed = { status: { ...empty, streams: [stream("b.mpd")] } };
  const { page } = await front(t, feed);
  const play = page.getByRole("link", { name: "Play b.mpd" });
  await play.focus();
  feed.status = { ...empty, streams: [stream("a.mpd"), stream("b.mpd", { segment_age_seconds: 3 })] };
  await page.getByText("last segment 3.0 s ago").waitFor();
  assert.ok(await play.evaluate((link) => link === document.activeElement));
  assert.deepEqual(await page.locator("h3").allTextContents(), ["a.mpd", "b.mpd"]);
});

test("a server that went away is said so, and its return noticed", { timeout: 60_000 }, async (t) => {
  const feed = { status: empty };
  const { page } = await front(t, feed);
  await page.getByRole("status").filter({ hasText: "Up for 61 s" }).waitFor();
  feed.status = null;
  await page.getByRole("status").filter({ hasText: "does not tell its state" }).waitFor();
  feed.status = empty;
  await page.getByRole("status").filter({ hasText: "Up for" }).waitFor();
});
