// Streams that are encoded while somebody watches: the player page starts one, an encoder that is
// killed is survived, and nothing runs when the page has gone.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { launch } from "./browser.mjs";
import { opened, played, playing, says } from "./pages.mjs";
import { server } from "./programs.mjs";

async function started(t, stream = "") {
  const folder = mkdtempSync(join(tmpdir(), "lldash-streams-"));
  const config = join(folder, ".lldash.toml");
  writeFileSync(config, `[[stream]]\nname = "The camera"\nkey = "cam"\nsource = "test"\nlinger = 1\nqualities = [{ width = 320, bitrate = "300k", preset = "ultrafast" }]\n${stream}`);
  const [browser, files] = await Promise.all([launch(), server("--config", config, "-p", "0", folder)]);
  t.after(async () => {
    await browser.close();
    await files.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return { browser, folder, ...files };
}

const told = async (origin) => (await (await fetch(`${origin}/ldash/status`)).json()).encoders[0];

/** Asks until the stream is as it is waited for. */
async function toldWhen(origin, isSo) {
  for (;;) {
    const encoder = await told(origin);
    if (isSo(encoder)) return encoder;
  }
}

/** The processes that descend from one, by their arguments. */
function descendants(pid) {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean));
  return children.flatMap((child) => [{ pid: Number(child), line: readFileSync(`/proc/${child}/cmdline`, "utf8") }, ...descendants(child)]);
}

test("a page that opens an idle stream sees its picture, and nothing runs when it has gone", { timeout: 90_000, skip: !existsSync("/proc/self/task") }, async (t) => {
  const { browser, origin, pid, folder } = await started(t);
  assert.equal((await told(origin)).state, "idle");
  const began = Date.now();
  const { page, errors } = await opened(t, browser, `${origin}/ldash/play/cam/manifest.mpd`);
  await playing(page);
  t.diagnostic(`the picture of an idle stream after ${Date.now() - began} ms`);
  assert.equal((await toldWhen(origin, ({ watching }) => watching > 0)).state, "live");
  await page.locator("#glass").filter({ hasText: " s" }).waitFor();
  assert.deepEqual(errors, []);
  await page.close();
  const left = Date.now();
  await toldWhen(origin, ({ state }) => state === "idle");
  t.diagnostic(`idle ${Date.now() - left} ms after the page was closed (linger is 1 s)`);
  assert.deepEqual(descendants(pid), []);
  assert.ok(!existsSync(join(folder, "cam")));
});

test("a player that is in the middle when ffmpeg is killed plays on", { timeout: 120_000, skip: !existsSync("/proc/self/task") }, async (t) => {
  const { browser, origin, pid } = await started(t);
  const { page } = await opened(t, browser, `${origin}/ldash/play/cam/manifest.mpd`);
  await playing(page);
  await played(page, 4);
  await page.evaluate(() => {
    globalThis.restarts = 0;
    document.querySelector("video").addEventListener("emptied", () => globalThis.restarts++);
  });
  for (const starts of [2, 3]) {
    const ffmpeg = descendants(pid).find(({ line }) => line.startsWith("ffmpeg\0"));
    process.kill(ffmpeg.pid, "SIGKILL");
    const killed = Date.now();
    await toldWhen(origin, (encoder) => encoder.starts === starts && encoder.state === "live");
    t.diagnostic(`live again ${Date.now() - killed} ms after it was killed`);
    await played(page, 4);
    t.diagnostic(`4 s more were played ${Date.now() - killed} ms after it was killed`);
  }
  assert.equal(await page.evaluate(() => globalThis.restarts), 0, "the player itself crossed it");
  await says(page, "Playing live");
});

test("a player of LL-HLS that is in the middle when ffmpeg is killed plays on", { timeout: 120_000, skip: !existsSync("/proc/self/task") }, async (t) => {
  const { browser, origin, pid } = await started(t);
  const { page } = await opened(t, browser, `${origin}/ldash/play/ldash/hls/cam/manifest.mpd/main.m3u8`);
  await playing(page);
  await played(page, 3);
  process.kill(descendants(pid).find(({ line }) => line.startsWith("ffmpeg\0")).pid, "SIGKILL");
  await toldWhen(origin, (encoder) => encoder.starts === 2 && encoder.state === "live");
  // More than it can have of the life before.
  await played(page, 6);
  await says(page, "Playing live");
});

for (const [as, path] of [
  ["DASH", "cam/manifest.mpd"],
  ["LL-HLS", "ldash/hls/cam/manifest.mpd/main.m3u8"],
]) {
  test(`a player of ${as} that was away until the stream was idle starts it again, and plays on`, { timeout: 120_000 }, async (t) => {
    const { browser, origin } = await started(t);
    const { page } = await opened(t, browser, `${origin}/ldash/play/${path}`);
    await playing(page);
    await played(page, 2);
    await page.context().setOffline(true);
    await toldWhen(origin, ({ state }) => state === "idle");
    await page.context().setOffline(false);
    await played(page, 6);
    await says(page, "Playing live");
    assert.ok((await told(origin)).starts > 1);
  });
}

test("the front page shows a stream that is idle, live, and failed with its reason", { timeout: 90_000 }, async (t) => {
  const { browser, origin } = await started(t, `\n[[stream]]\nname = "Broken <b>"\nkey = "bad"\nsource = "command"\ninput = "echo it has no film; exit 3"\n`);
  const { page, errors } = await opened(t, browser, `${origin}/ldash/`);
  const card = (name) => page.getByRole("listitem").filter({ has: page.getByRole("heading", { name }) });
  await card("The camera").getByText("idle: it starts when somebody watches").waitFor();
  const held = [fetch(`${origin}/cam/never.m4s?wait=30000`), fetch(`${origin}/bad/x.mpd?wait=30000`)];
  held.forEach((reply) => reply.catch(() => {}));
  await card("The camera").getByText("live", { exact: true }).waitFor();
  await card("The camera").getByText("320×180 at 24").waitFor();
  await card("Broken <b>").getByText(/its program ended with code 3: it has no film\. Next try in/).waitFor();
  assert.equal(await page.getByRole("link", { name: "Play The camera" }).getAttribute("href"), `${origin}/ldash/play/cam/manifest.mpd`);
  assert.equal(await page.getByRole("listitem").count(), 2, "a stream is shown once");
  assert.deepEqual(errors, []);
});
