// scripts/encode: what it says of the time is right, and it takes its own files away, nobody else's.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readRow } from "../../static/clock.js";
import { encode, server } from "./programs.mjs";

async function origin(t, ...options) {
  const folder = mkdtempSync(join(tmpdir(), "lldash-encode-"));
  mkdirSync(join(folder, "cam"));
  writeFileSync(join(folder, "cam/notes.txt"), "somebody else's");
  const files = await server(...options, "-p", "0", folder);
  t.after(async () => {
    await files.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return { folder, origin: files.origin };
}

const bytes = async (url) => {
  const reply = await fetch(`${url}?wait=20000`);
  assert.equal(reply.status, 200, url);
  return Buffer.from(await reply.arrayBuffer());
};

for (const [how, ingest, options] of [
  ["pushes", ["--ingest", "--ingest-token", "secret"], () => ["--token", "secret"]],
  ["writes into a folder", [], (folder) => ["--dir", folder]],
]) {
  test(`an encoder that ${how}: every picture tells when it was made, and nothing of it stays`, { timeout: 60_000 }, async (t) => {
    const files = await origin(t, ...ingest);
    const began = Date.now();
    const encoder = await encode(files.origin, "cam", ...options(files.folder), "--preset", "ultrafast");
    t.after(() => encoder.stop());
    const [init, segment] = [await bytes(`${files.origin}/cam/init-0.m4s`), await bytes(`${files.origin}/cam/chunk-0-00001.m4s`)];
    const ended = Date.now();
    const raw = execFileSync("ffmpeg", ["-v", "error", "-i", "-", "-f", "rawvideo", "-pix_fmt", "gray", "-"], { input: Buffer.concat([init, segment]), maxBuffer: 2 ** 28 });
    const times = Array.from({ length: raw.length / (640 * 360) }, (_, frame) => readRow(raw.subarray(frame * 640 * 360), 640, 1));
    assert.equal(times.length, 60);
    const inside = (time) => time !== null && ((time - (began % 2 ** 28) + 2 ** 28) % 2 ** 28) <= ended - began;
    assert.ok(times.every(inside), `from ${began % 2 ** 28} to ${ended % 2 ** 28}: ${times}`);
    assert.deepEqual(times, [...times].sort((a, b) => a - b));
    await encoder.stop();
    assert.deepEqual(readdirSync(join(files.folder, "cam")), ["notes.txt"]);
  });
}

test("a name that is taken is left alone", { timeout: 60_000 }, async (t) => {
  const files = await origin(t);
  writeFileSync(join(files.folder, "cam/live.mpd"), "<MPD></MPD>");
  assert.throws(
    () => execFileSync("scripts/encode", ["--dir", files.folder, "cam"], { cwd: new URL("../..", import.meta.url), stdio: "pipe" }),
    /there is a stream at .*--replace/,
  );
  assert.deepEqual(readdirSync(join(files.folder, "cam")), ["live.mpd", "notes.txt"]);
});

test("an encoder that fails before it replaces anything takes nothing away", { timeout: 60_000 }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), "lldash-encode-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "cam"));
  const theirs = ["chunk-0-00001.m4s", "init-0.m4s", "live.mpd"];
  for (const name of theirs) writeFileSync(join(folder, "cam", name), name);
  const options = ["--replace", "--file", join(folder, "none.mp4"), "--dir", folder, "cam"];
  assert.throws(() => execFileSync("scripts/encode", options, { cwd: new URL("../..", import.meta.url), stdio: "pipe" }), /ffmpeg has ended/);
  assert.deepEqual(readdirSync(join(folder, "cam")), theirs);
});
