// Proves that static/load-dash.js, which names dash.js on its public CDN together with a hash,
// means the very file that npm installed. Argument: the installed package's folder.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CDN } from "../static/load-dash.js";

const folder = process.argv[2];
const { version } = JSON.parse(readFileSync(join(folder, "package.json")));
const path = "dist/modern/umd/dash.all.min.js";
const integrity = `sha384-${createHash("sha384").update(readFileSync(join(folder, path))).digest("base64")}`;

if (!CDN.url.endsWith(`/dashjs@${version}/${path}`) || CDN.integrity !== integrity) {
  console.error(`static/load-dash.js names ${CDN.url} with ${CDN.integrity},
but npm installed dashjs ${version}, ${path}, with ${integrity}: please put these there`);
  process.exit(1);
}
console.log(`dash.js ${version}: the hash in static/load-dash.js is that of the installed file`);
