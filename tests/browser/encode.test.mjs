// scripts/encode: what it says of the time is right, and it takes its own files away, nobody else's.
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readRow } from "../../static/clock.js";
import { encode, encodeWith, inRepository, server } from "./programs.mjs";

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

/** A folder of its own, which goes after the test. */
function temporary(t) {
  const folder = mkdtempSync(join(tmpdir(), "lldash-encode-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs scripts/encode to its end: `{ status, stderr }`. */
const run = (options, env = {}) => spawnSync(inRepository("scripts/encode"), options, { encoding: "utf8", env: { ...process.env, ...env } });

test("an encoder that fails before it replaces anything takes nothing away", { timeout: 60_000 }, (t) => {
  const folder = temporary(t);
  mkdirSync(join(folder, "cam"));
  const theirs = ["chunk-0-00001.m4s", "init-0.m4s", "live.mpd"];
  for (const name of theirs) writeFileSync(join(folder, "cam", name), name);
  writeFileSync(join(folder, "no-film.mp4"), "no film");
  const { stderr } = run(["--replace", "--file", join(folder, "no-film.mp4"), "--dir", folder, "cam"]);
  assert.match(stderr, /ffmpeg has ended/);
  assert.deepEqual(readdirSync(join(folder, "cam")), theirs);
});

test("what is missing is told in one line", { timeout: 60_000 }, (t) => {
  const folder = temporary(t);
  for (const [options, line] of [
    [["--file", join(folder, "none.mp4"), "--dir", folder, "cam"], /^encode: \S+none\.mp4 is no file that can be read\n$/],
    [["--webcam", "/dev/video999", "--dir", folder, "cam"], /^encode: there is no camera at \/dev\/video999 that can be read; .*\n$/],
    [["--rtsp", "camera/1", "--dir", folder, "cam"], /^encode: --rtsp needs a URL .*\n$/],
    [["https://127.0.0.1:9", "cam"], /encode: no server at https:\/\/127\.0\.0\.1:9; /],
  ]) {
    const { status, stderr } = run(options);
    assert.equal(status, 2);
    assert.match(stderr, line);
  }
  assert.deepEqual(readdirSync(folder), []);
});

/** A program in the place of ffmpeg, for what needs no picture: the environment that has it. */
function instead(t, ...script) {
  const folder = temporary(t);
  writeFileSync(join(folder, "ffmpeg"), ["#!/bin/sh", ...script].join("\n"));
  chmodSync(join(folder, "ffmpeg"), 0o755);
  return { PATH: `${folder}:${process.env.PATH}`, TOLD: join(folder, "told") };
}

test("a camera is asked for its picture by v4l2", { timeout: 60_000 }, (t) => {
  const env = instead(t, 'case "$*" in *v4l2*) echo "$*" >"$TOLD" ;; esac');
  run(["--webcam", "/dev/null", "--qualities", "3", "--dir", temporary(t), "cam"], env);
  assert.match(readFileSync(env.TOLD, "utf8"), /-f v4l2 -framerate 30 -video_size 1280x720 -i \/dev\/null .*anullsrc/);
});

test("a signal at the very moment at which ffmpeg starts leaves no ffmpeg", { timeout: 60_000 }, (t) => {
  const folder = temporary(t);
  const env = instead(t, 'case "$*" in *-filters*) exit ;; esac', 'echo $$ >"$TOLD"', "kill -TERM $PPID", "while :; do sleep 1; done");
  assert.equal(run(["--dir", folder, "deep/cam"], env).status, 0);
  assert.throws(() => process.kill(Number(readFileSync(env.TOLD, "utf8")), 0), /ESRCH/);
  assert.deepEqual(readdirSync(folder), [], "folders that were made go again");
});

test("Ctrl-C twice takes away as much as once, and folders that were there stay", { timeout: 60_000 }, async (t) => {
  const files = await origin(t);
  mkdirSync(join(files.folder, "empty"));
  const encoder = await encode(files.origin, "empty/cam", "--dir", files.folder, "--preset", "ultrafast");
  t.after(() => encoder.stop());
  await bytes(`${files.origin}/empty/cam/chunk-0-00002.m4s`);
  process.kill(encoder.pid, "SIGINT");
  process.kill(encoder.pid, "SIGINT");
  assert.equal(await encoder.ended, 0);
  assert.deepEqual(readdirSync(join(files.folder, "empty")), []);
});

test("the token is in no program's arguments, where all could read it", { timeout: 60_000 }, async (t) => {
  const token = "s'ec:re\\t";
  const files = await origin(t, "--ingest", `--ingest-token=${token}`);
  // The server's own was given as an argument, by this test.
  const told = () =>
    readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, "utf8");
        return line.includes("s'ec") && !line.includes("--ingest-token=") ? [line] : [];
      } catch {
        return []; // it has ended
      }
    });
  const encoder = await encodeWith({ LLDASH_INGEST_TOKEN: token }, files.origin, "cam", "--preset", "ultrafast");
  t.after(() => encoder.stop());
  await bytes(`${files.origin}/cam/chunk-0-00001.m4s`);
  assert.deepEqual(told(), []);
  await encoder.stop();
  assert.deepEqual(readdirSync(join(files.folder, "cam")), ["notes.txt"]);
});

const rtspServer = `
import gi, sys
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer
Gst.init(None)
server = GstRtspServer.RTSPServer(service="0", address="127.0.0.1")
factory = GstRtspServer.RTSPMediaFactory(shared=True)
factory.set_launch("( videotestsrc is-live=true ! video/x-raw,width=640,height=480,framerate=25/1 ! x264enc tune=zerolatency key-int-max=25 ! rtph264pay name=pay0 pt=96 )")
server.get_mount_points().add_factory("/cam", factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
`;
// The system's own, which has the packages of the system.
const hasRtsp = spawnSync("/usr/bin/python3", ["-c", rtspServer.split("server =")[0]]).status === 0;

test("a camera of the network: its pictures tell when they came", { timeout: 90_000, skip: !hasRtsp && "needs gir1.2-gst-rtsp-server-1.0, python3-gi and gstreamer1.0-plugins-ugly" }, async (t) => {
  const camera = spawn("/usr/bin/python3", ["-c", rtspServer], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => camera.kill("SIGKILL"));
  const port = await new Promise((told) => camera.stdout.once("data", (text) => told(Number(text))));
  const files = await origin(t);
  const began = Date.now();
  const encoder = await encode(files.origin, "cam", "--rtsp", `rtsp://127.0.0.1:${port}/cam`, "--dir", files.folder, "--preset", "ultrafast");
  t.after(() => encoder.stop());
  const [init, segment] = [await bytes(`${files.origin}/cam/init-0.m4s`), await bytes(`${files.origin}/cam/chunk-0-00002.m4s`)];
  const raw = execFileSync("ffmpeg", ["-v", "error", "-i", "-", "-f", "rawvideo", "-pix_fmt", "gray", "-"], { input: Buffer.concat([init, segment]), maxBuffer: 2 ** 28 });
  const time = readRow(raw, 640, 1);
  assert.ok(time !== null && (time - (began % 2 ** 28) + 2 ** 28) % 2 ** 28 <= Date.now() - began, `${time}`);
  await encoder.stop();
  assert.deepEqual(readdirSync(join(files.folder, "cam")), ["notes.txt"]);
});
