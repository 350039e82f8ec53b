// The recording is what scripts/make-recording promises: every frame's clock can be read back.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { readRow, rowHeight } from "../../static/clock.js";

const folder = fileURLToPath(new URL("../../static/segments-in/", import.meta.url));
const files = readdirSync(folder).sort();
const whole = (id) =>
  Buffer.concat(
    files.filter((f) => f === `init-${id}.m4s` || f.startsWith(`chunk-${id}-`))
      .sort((a, b) => b.startsWith("init") - a.startsWith("init"))
      .map((f) => readFileSync(folder + f)),
  );
const ffmpeg = (input, ...args) =>
  execFileSync("ffmpeg", ["-v", "error", "-i", "-", ...args, "-"], { input, maxBuffer: 2 ** 28 });

test("the recording is below 1.5 MB", () => {
  const bytes = files.reduce((sum, f) => sum + statSync(folder + f).size, 0);
  assert.ok(bytes < 1_500_000, `${bytes} bytes`);
});

const gray = (id, ...args) => ffmpeg(whole(id), ...args, "-f", "rawvideo", "-pix_fmt", "gray");

for (const [id, width, height, shown] of [[0, 640, 360, "as it is"], [1, 320, 180, "as it is"], [0, 200, 112, "shrunk"]]) {
  test(`every frame of rendition ${id}, ${shown} at ${width}x${height}, tells its own media time`, () => {
    const raw = gray(id, "-vf", `scale=${width}:${height}:flags=bilinear`);
    const frame = width * height;
    assert.equal(raw.length, 500 * frame);
    for (let n = 0; n < 500; n++) {
      assert.equal(readRow(raw.subarray(n * frame), width, 1), n * 40, `frame ${n}`);
    }
  });
}

test("a flipped block is refused", () => {
  const width = 320;
  const row = gray(1).subarray(0, width * rowHeight(width));
  for (let block = 0; block < 40; block++) {
    const bad = row.map((level, i) => (Math.floor((i % width) / 8) === block ? 255 - level : level));
    assert.equal(readRow(bad, width, 1), null, `block ${block}`);
  }
});

test("sound and picture end together, so that a loop does not drift", () => {
  const packets = (id) =>
    execFileSync("ffprobe", ["-v", "error", "-show_entries", "packet=pts", "-of", "csv=p=0", "-"], { input: whole(id) })
      .toString().trim().split("\n").map((line) => parseInt(line, 10));
  const audio = packets(2);
  assert.deepEqual([audio.length, audio[0], audio.at(-1) + 1024], [625, 0, 20 * 32_000]);
  const video = packets(0);
  assert.deepEqual([video.length, video[0], video.at(-1) + 512], [500, 0, 20 * 12_800]);
});
