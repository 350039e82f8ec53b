// Starts lldash and lldash-replay. LLDASH names the program, if it is not target/debug/lldash;
// lldash-replay stands beside it.
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const inRepository = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const lldash = process.env.LLDASH || inRepository("target/debug/lldash");

/** Starts a server; resolves to its origins, from the lines that it prints first, its process and a way to stop it. */
export async function server(...args) {
  const child = run(lldash, args, ["ignore", "pipe", "inherit"]);
  const addresses = args.filter((arg) => arg === "--listen").length || 1;
  const lines = await new Promise((done, failed) => {
    child.once("error", failed);
    child.once("exit", (code) => failed(new Error(`${lldash} ${args.join(" ")} ended (${code})`)));
    const said = [];
    createInterface({ input: child.stdout }).on("line", (line) => said.push(line) === addresses && done(said));
  });
  const origins = lines.map((line) => line.match(/https?:\/\/[^\s/]+/)?.[0]);
  if (!origins.every(Boolean)) throw new Error(`a line names no URL: ${lines}`);
  return { origin: origins[0], origins, pid: child.pid, stop: () => stop(child) };
}

/** Starts lldash-replay of the recording into a folder. */
export function replay(out, ...options) {
  const child = run(join(dirname(lldash), "lldash-replay"), ["-i", inRepository("static/segments-in"), "-o", out, ...options], ["ignore", "ignore", "inherit"]);
  return { stop: () => stop(child) };
}

function run(program, args, stdio, env = {}) {
  const child = spawn(program, args, { stdio, env: { ...process.env, ...env } });
  process.once("exit", () => child.kill("SIGKILL"));
  return child;
}

function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return undefined;
  return new Promise((done) => {
    child.once("exit", done);
    child.kill("SIGTERM");
  });
}

/** Starts scripts/encode; resolves when its manifest is there. Options come before host and stream. */
export const encode = (origin, stream, ...options) => encodeWith({}, origin, stream, ...options);

/** The same with more in its environment. */
export async function encodeWith(env, origin, stream, ...options) {
  const child = run(inRepository("scripts/encode"), [...options, origin.replace("http://", ""), stream], ["ignore", "ignore", "inherit"], env);
  const failed = new Promise((_, failed) => child.once("exit", (code) => failed(new Error(`scripts/encode ended (${code})`))));
  const manifest = `${origin}/${stream}/live.mpd`;
  const isThere = fetch(`${manifest}?wait=20000`).then((reply) => {
    if (!reply.ok) throw new Error(`${manifest}: ${reply.status}`);
  });
  failed.catch(() => {});
  await Promise.race([isThere, failed]);
  return { manifest, pid: child.pid, ended: new Promise((ended) => child.once("exit", ended)), stop: () => stop(child) };
}

/** ffmpeg's picture and tone, as they would come from a camera, into what the arguments say. */
export function ffmpeg(...args) {
  const camera = "-loglevel error -nostdin -re -f lavfi -i testsrc=size=320x180:rate=25 -f lavfi -i sine -c:v libx264 -preset ultrafast -tune zerolatency -g 25 -pix_fmt yuv420p -c:a aac";
  const child = run("ffmpeg", [...camera.split(" "), ...args], ["ignore", "ignore", "inherit"]);
  return { stop: () => stop(child) };
}
