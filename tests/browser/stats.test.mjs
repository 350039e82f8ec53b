// dash.js and hls.js tell of themselves (CMCD), by the query and by headers, to a server of another
// origin, which writes who watches how.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch } from "./browser.mjs";
import { elsewhere } from "./elsewhere.mjs";
import { opened, played, playing } from "./pages.mjs";
import { replay, server } from "./programs.mjs";

const LIBRARIES = { "/dash.js": "static/players/dash.js", "/hls.js": "static/players/hls.js" };
/** Enough for some segments of 2 s. */
const PLAYED_S = 8;

/** How each player is told to play a URL as a session, in the page. */
const START = {
  dash: (url, sid, mode) => {
    const player = dashjs.MediaPlayer().create();
    player.updateSettings({ debug: { logLevel: 1 }, streaming: { cmcd: { enabled: true, mode, sid, cid: 'a "b", c' } } });
    player.initialize(document.querySelector("video"), null, true);
    player.clearDefaultUTCTimingSources();
    player.attachSource(url);
  },
  hls: (url, sid, mode) => {
    const player = new Hls({ cmcd: { sessionId: sid, contentId: 'a "b", c', useHeaders: mode === "headers" } });
    player.loadSource(url);
    player.attachMedia(document.querySelector("video"));
  },
};

let browser;
let site;
let files;
let folder;
let packager;

before(async () => {
  browser = await launch();
  site = await elsewhere(LIBRARIES);
  folder = mkdtempSync(join(tmpdir(), "lldash-stats-"));
  files = await server("-p", "0", "--stats", join(folder, "x.csv"), mkdtempSync(join(folder, "media-")));
  const media = readFileSync(`/proc/${files.pid}/cmdline`, "utf8").split("\0").find((argument) => argument.includes("media-"));
  packager = replay(join(media, "live"), "--chunked", "--loop");
  assert.equal((await fetch(`${files.origin}/live/manifest.mpd?wait=20000`)).status, 200);
}, { timeout: 60_000 });

after(async () => {
  await browser?.close();
  await packager?.stop();
  await files?.stop();
  site?.stop();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** The lines of a file, by the names of its columns. */
function lines(name) {
  const records = readFileSync(join(folder, name), "utf8").trimEnd().split("\n").map(fields);
  const [names, ...rest] = records;
  return rest.map((record) => Object.fromEntries(names.map((column, at) => [column, record[at]])));
}

/** The fields of a line of CSV. */
const fields = (line) =>
  [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain);

for (const player of ["dash", "hls"]) {
  for (const mode of ["query", "headers"]) {
    test(`${player}.js tells of itself by ${mode}`, { timeout: 90_000 }, async (t) => {
      const url = `${files.origin}/${player === "dash" ? "live/manifest.mpd" : "ldash/hls/live/manifest.mpd/main.m3u8"}`;
      const sid = `${player}-${mode}`;
      const { page, errors } = await opened(t, browser, site.url);
      const asked = [];
      page.on("request", (request) => /chunk.*m4s|\d\.m4s/.test(request.url()) && asked.push(request.url()));
      await page.addScriptTag({ url: `/${player}.js` });
      await page.evaluate(`(${START[player]})(${JSON.stringify(url)}, ${JSON.stringify(sid)}, ${JSON.stringify(mode)})`);
      await playing(page);
      await played(page, PLAYED_S);
      assert.ok(asked.every((url) => url.includes("CMCD=") === (mode === "query")), `${asked}`);
      const status = await (await fetch(`${files.origin}/ldash/status`)).json();
      assert.equal(status.viewers[0].stream, "/live");
      assert.ok(status.viewers[0].clients >= 1);
      const rows = lines("x.csv").filter((row) => row.session === sid);
      t.diagnostic(JSON.stringify(rows.at(-1)));
      assert.ok(rows.length >= 4, `${rows.length} lines`);
      assert.ok(rows.every((row) => row.stream === "/live" && row.user_agent.startsWith("Mozilla/5.0") && row.cmcd_cid === 'a "b", c'));
      assert.ok(rows.every((row) => ["v", "a", "av"].includes(row.cmcd_ot)), "segments only");
      assert.ok(rows.some((row) => Number(row.cmcd_bl) > 0), "its buffer");
      assert.ok(rows.some((row) => Number(row.cmcd_mtp) > 0), "its throughput");
      assert.ok(rows.some((row) => Number(row.interval_s) > 0) && rows.some((row) => row.jitter_s !== ""));
      assert.deepEqual(errors, []);
    });
  }
}
