// What is to be played: from the page's own address.
//
//   /ldash/play/PATH?QUERY     the manifest /PATH?QUERY of this server
//   ?url=URL                   any other one
//   ?target=0.4                the latency to play at, in seconds (`?latency=` is the same)

/** Where the server's own URLs begin: behind a proxy, not at `/`. This is ldash/assets/VERSION/play/place.js there. */
export const root = new URL("../../../../", import.meta.url);

const PREFIX = "ldash/play/";

/** `{ url, target }` of a page's address; `url` is null when it names nothing, `target` when it asks for none. */
export function placeOf(href, top = root) {
  const here = new URL(href);
  const query = here.searchParams;
  const asked = Number(query.get("target") ?? query.get("latency") ?? NaN);
  const target = asked > 0 ? asked : null;
  const other = query.get("url");
  if (other) return { url: parsed(other, here), target };
  const prefix = top.pathname + PREFIX;
  const path = here.pathname.startsWith(prefix) ? here.pathname.slice(prefix.length) : "";
  if (!path) return { url: null, target };
  for (const ours of ["target", "latency"]) query.delete(ours);
  const rest = query.toString();
  // Not resolved as a reference: "//x" would name another host.
  return { url: new URL(`${here.origin}${top.pathname}${path}${rest && `?${rest}`}`), target };
}

/** The address of the page that plays a URL (or a path of this host). */
export function pageFor(text, href, target = null, top = root) {
  const here = new URL(href);
  const url = parsed(text.trim(), here);
  if (!url) return null;
  const page = new URL(top.pathname + PREFIX, here);
  if (url.origin === here.origin && url.pathname.startsWith(top.pathname)) {
    page.pathname += url.pathname.slice(top.pathname.length);
    page.search = url.search;
  } else {
    page.searchParams.set("url", url.href);
  }
  if (target) page.searchParams.set("target", target);
  return page.href;
}

/** A piece of a URL's path for people to read: as it is, where its escapes are not UTF-8. */
export function legible(path) {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}

function parsed(text, base) {
  try {
    // "host:8080/x.mpd" would be a scheme named "host".
    const bare = /^[\w.-]+(:\d+)?\//.test(text) && text.includes(":") && !text.includes("://");
    const url = new URL(bare ? `http://${text}` : text, new URL("/", base));
    return /^https?:$/.test(url.protocol) ? url : null;
  } catch {
    return null;
  }
}
