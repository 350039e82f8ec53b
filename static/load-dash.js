// Loads dash.js: the copy compiled into lldash, or else, when it was built without, the same file
// from the public CDN. scripts/players proves that the hash is that of the file npm installs.

const OWN = "/ldash/assets/dash.js";

export const CDN = {
  url: "https://cdn.jsdelivr.net/npm/dashjs@5.2.1/dist/modern/umd/dash.all.min.js",
  integrity: "sha384-NwbBGevMmVf2Lv50ZqQWLZ0dLH69dxVHYeS+8t54klP9odovQ2+Ms0J4SWfKzPkr",
};

/** dash.js. Rejects, with a sentence for the page, when neither copy can be had. */
export async function loadDash() {
  try {
    await script({ src: OWN });
  } catch {
    try {
      await script({ src: CDN.url, integrity: CDN.integrity, crossOrigin: "anonymous" });
    } catch {
      throw new Error(
        "The player, dash.js, is missing: this lldash was built without it, and its public copy " +
          "cannot be reached from here. Run scripts/players and build again.",
      );
    }
  }
  return globalThis.dashjs;
}

function script(attributes) {
  return new Promise((loaded, failed) => {
    const element = Object.assign(document.createElement("script"), attributes);
    element.onload = loaded;
    element.onerror = failed;
    document.head.append(element);
  });
}
