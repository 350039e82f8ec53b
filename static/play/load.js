// Loads a player: the copy compiled into lldash, or else, when it was built without, the same file
// from the public CDN. scripts/players proves that each hash is that of the file npm installs.

export const PLAYERS = {
  dash: {
    name: "dash.js",
    own: "dash.js",
    global: "dashjs",
    package: "dashjs",
    file: "dist/modern/umd/dash.all.min.js",
    url: "https://cdn.jsdelivr.net/npm/dashjs@5.2.1/dist/modern/umd/dash.all.min.js",
    integrity: "sha384-NwbBGevMmVf2Lv50ZqQWLZ0dLH69dxVHYeS+8t54klP9odovQ2+Ms0J4SWfKzPkr",
  },
  hls: {
    name: "hls.js",
    own: "hls.js",
    global: "Hls",
    package: "hls.js",
    file: "dist/hls.min.js",
    url: "https://cdn.jsdelivr.net/npm/hls.js@1.7.4/dist/hls.min.js",
    integrity: "sha384-p9vgU/7IYJWd3I4STrtqxqR/2cAQlhIX7D/HrTnIMEjjcUox165b7se7sxmm3zDg",
  },
};

const loading = {};

/** The player's library, loaded once. Rejects, with a sentence for the page, when it cannot be had. */
export function loadPlayer(kind) {
  return (loading[kind] ??= load(PLAYERS[kind]));
}

async function load({ name, own, global, url, integrity }) {
  try {
    await script({ src: own });
  } catch {
    try {
      await script({ src: url, integrity, crossOrigin: "anonymous" });
    } catch {
      throw new Error(
        `The player, ${name}, is missing: this lldash was built without it, and its public copy ` +
          "cannot be reached from here. Run scripts/players and build again.",
      );
    }
  }
  return globalThis[global];
}

function script(attributes) {
  return new Promise((loaded, failed) => {
    const element = Object.assign(document.createElement("script"), attributes);
    element.onload = loaded;
    element.onerror = failed;
    document.head.append(element);
  });
}
