// Proves that static/play/load.js, which names each player on its public CDN together with a hash,
// means the very file that npm installed. Argument: the node_modules folder.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PLAYERS } from "../static/play/load.js";

for (const player of Object.values(PLAYERS)) {
  const folder = join(process.argv[2], player.package);
  const { version } = JSON.parse(readFileSync(join(folder, "package.json")));
  const integrity = `sha384-${createHash("sha384").update(readFileSync(join(folder, player.file))).digest("base64")}`;
  if (!player.url.endsWith(`/${player.package}@${version}/${player.file}`) || player.integrity !== integrity) {
    console.error(`static/play/load.js names ${player.url} with ${player.integrity},
but npm installed ${player.package} ${version}, ${player.file}, with ${integrity}: please put these there`);
    process.exit(1);
  }
  console.log(`${player.name} ${version}: the hash in static/play/load.js is that of the installed file`);
}
