// The first picture, which the page shows before its player is there; and the pages behind a proxy.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch } from "./browser.mjs";
import { figure, opened, played, playing, says } from "./pages.mjs";
import { encode, server } from "./programs.mjs";

let browser;
let files;
let encoder;
const folder = mkdtempSync(join(tmpdir(), "lldash-first-"));

before(async () => {
  browser = await launch();
  files = await server("--ingest", "--listen", "127.0.0.1:0", folder);
  encoder = await encode(files.origin, "cam", "--preset", "ultrafast");
}, { timeout: 60_000 });

after(async () => {
  await encoder?.stop();
  await files?.stop();
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

const moves = (page, selector) =>
  page.waitForFunction((selector) => document.querySelector(selector)?.currentTime > 0 && document.querySelector(selector).readyState > 1, selector);

test("a picture is shown, and goes on, while the player does not come; then the player takes over", { timeout: 60_000 }, async (t) => {
  let comes;
  const isAsked = new Promise((asked) => (comes = asked));
  const prepare = (page) => page.route("**/ldash/assets/*/dash.js", comes);
  const { page, errors } = await opened(t, browser, `${files.origin}/ldash/play/cam/live.mpd?target=0.5`, { prepare });
  await moves(page, "video.first");
  await says(page, "Playing live");
  const route = await isAsked;
  assert.equal(await page.locator("#video").evaluate((video) => video.readyState), 0, "the player has nothing yet");
  assert.ok((await page.evaluate(() => first.picture)) > 0);
  await route.continue();
  await playing(page);
  await page.locator("video.first").waitFor({ state: "detached" });
  await page.waitForFunction(() => parseFloat(document.getElementById("first-frame").textContent) > 0);
  await played(page, 1);
  assert.deepEqual(errors, []);
});

test("without a picture of its own the page leaves all to the player", { timeout: 60_000 }, async (t) => {
  const prepare = (page) => page.route("**/play/template.js", (route) => route.fulfill({ contentType: "text/javascript", body: "globalThis.newestSegment = () => null;" }));
  const { page, errors } = await opened(t, browser, `${files.origin}/ldash/play/cam/live.mpd?target=0.5`, { prepare });
  await playing(page);
  assert.equal(await page.locator("video").count(), 1);
  await page.waitForFunction(() => parseFloat(document.getElementById("first-frame").textContent) > 0);
  assert.deepEqual(errors, []);
});

/** A proxy that has the server below /tv/, and knows nothing else. */
async function proxy(t) {
  const origin = new URL(files.origin);
  const below = createServer((asked, reply) => {
    if (!asked.url.startsWith("/tv/")) return reply.writeHead(404).end();
    const passed = request({ host: origin.hostname, port: origin.port, path: asked.url.slice(3), method: asked.method, headers: asked.headers }, (answer) => {
      reply.writeHead(answer.statusCode, answer.headers);
      answer.pipe(reply);
    });
    passed.on("error", () => reply.destroy());
    reply.on("close", () => passed.destroy());
    asked.pipe(passed);
  });
  await new Promise((done) => below.listen(0, "127.0.0.1", done));
  t.after(() => {
    below.closeAllConnections();
    below.close();
  });
  return `http://127.0.0.1:${below.address().port}/tv/`;
}

test("below a proxy's prefix the pages list, link and play", { timeout: 90_000 }, async (t) => {
  const root = await proxy(t);
  const { page, errors } = await opened(t, browser, `${root}ldash/`);
  await page.getByRole("link", { name: "Play cam/live.mpd" }).click();
  await page.waitForURL(`${root}ldash/play/cam/live.mpd`);
  await moves(page, "video");
  await playing(page);
  await page.waitForFunction(() => parseFloat(document.getElementById("glass").textContent) < 10);
  assert.ok((await figure(page, "first-frame")) > 0);
  await page.getByRole("link", { name: "All streams", exact: true }).click();
  await page.waitForURL(`${root}ldash/`);
  await page.getByText(`${root}cam/live.mpd`).waitFor();
  assert.deepEqual(errors, []);
});
