// The player page by HTTP/2 over TLS: a live stream, as DASH and as LL-HLS, and no request by anything else.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch } from "./browser.mjs";
import { figure, opened, played, playing, says } from "./pages.mjs";
import { encode, server } from "./programs.mjs";

const LISTEN = ["--listen", "http://127.0.0.1:0", "--listen", "https://127.0.0.1:0", "--tls-self-signed"];
const SECONDS = 8;

let browser;
let files;
let encoder;
const folder = mkdtempSync(join(tmpdir(), "lldash-http2-"));

before(async () => {
  browser = await launch();
  files = await server("--ingest", ...LISTEN, folder);
  // The encoder pushes where it needs no certificate.
  encoder = await encode(files.origins[0], "cam", "--preset", "ultrafast");
}, { timeout: 60_000 });

after(async () => {
  await encoder?.stop();
  await files?.stop();
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What the page's requests were spoken in, each protocol once. */
const spoken = (page) =>
  page.evaluate(() => {
    const entries = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
    return [...new Set(entries.filter((entry) => entry.responseEnd > 0 && entry.name.startsWith("https:")).map((entry) => entry.nextHopProtocol))];
  });

for (const [as, path] of [
  ["DASH", "cam/live.mpd?target=0.5"],
  ["LL-HLS", "ldash/hls/cam/live.mpd/main.m3u8?target=1"],
]) {
  test(`a live stream as ${as}: plays without a stall, and every request is HTTP/2`, { timeout: 90_000 }, async (t) => {
    const { page, errors } = await opened(t, browser, `${files.origins[1]}/ldash/play/${path}`, { ignoreHTTPSErrors: true });
    await playing(page);
    await says(page, "Playing live");
    await played(page, SECONDS);
    const stalled = await figure(page, "stalls");
    await played(page, SECONDS);
    assert.equal(await figure(page, "stalls"), stalled, "no stall once it plays");
    assert.deepEqual(await spoken(page), ["h2"]);
    assert.deepEqual(errors, []);
  });
}
