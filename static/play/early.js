// Not a module, and first: asks for the manifest and the player while the modules load, so that no
// round trip is lost. manifest.js and load.js take over what comes.
{
  const path = location.pathname.match(/^\/ldash\/play\/(.+)/)?.[1];
  const query = new URLSearchParams(location.search);
  if (path && !query.has("url")) {
    for (const ours of ["target", "latency"]) query.delete(ours);
    query.set("wait", 20000); // manifest.js has the same
    const url = `${location.origin}/${path}?${query}`;
    const src = `/ldash/assets/${/\.m3u8$/i.test(path) ? "hls" : "dash"}.js`;
    const script = Object.assign(document.createElement("script"), { src });
    const loaded = new Promise((done) => (script.onload = script.onerror = done));
    globalThis.early = { url, response: fetch(url, { cache: "no-store" }), src, loaded };
    globalThis.early.response.catch(() => {});
    document.head.append(script);
  }
}
