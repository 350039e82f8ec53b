// The first picture. A player takes most of a second to be loaded, compiled and started on a slow
// machine; until it shows something, this plays the newest segment by Media Source Extensions, in a
// video of its own above the player's. Whatever it does not understand it leaves to the player.
//
// Not a module: those run only when the page has been parsed and laid out. What comes of it is in
// `globalThis.first`, for the modules that follow.
{
  const HOLD_MS = 20_000;
  const DEFAULT_TARGET_S = 1;
  const MOST_MS = 10_000;

  // The base is /ldash/assets/VERSION/ below the server's root (see src/http/pages.rs).
  const root = new URL("../../../", document.baseURI);
  const query = new URLSearchParams(location.search);
  const target = Number(query.get("target") ?? query.get("latency")) || null;
  const stop = new AbortController();
  const { signal } = stop;
  let isShown = false;

  /** The request for a manifest: one of this server's own is held there until it comes. */
  const askManifest = (url) => {
    const held = new URL(url);
    // Only lldash is known to hold; others may have signed their URLs.
    if (url.origin === location.origin) held.searchParams.set("wait", HOLD_MS);
    return fetch(held, { cache: "no-store" });
  };

  // Not by the browser's cache: the player would wait there until the whole segment has come.
  const ask = (url) => fetch(url, { cache: "no-store", signal });

  // place.js reads the same from the page's address.
  const url = manifestUrl();
  // What the server had at hand came with the page (src/http/player.rs); the rest is asked for.
  const given = JSON.parse(document.getElementById("given").textContent);
  const asked = performance.now();
  const time = url && !given && fetch(new URL("ldash/time", root), { cache: "no-store" }).then((response) => response.text());
  const response = url && (given ? Promise.resolve(new Response(given.manifest)) : askManifest(url));

  globalThis.first = {
    askManifest,
    /** The manifest of this server that the page is to play, or null, and what it answers to the first request. */
    url,
    response,
    /** To the moment of `performance.now()` when the first picture is shown, or null when there is none of it here. */
    picture: url ? play().catch(() => stop.abort() ?? null) : Promise.resolve(null),
    /** Whether it is shown now. */
    isShown: () => isShown && !signal.aborted,
    /** The player has a picture, as near to live, or there is none to be had. */
    handOver: () => stop.abort(),
  };

  function manifestUrl() {
    const prefix = `${root.pathname}ldash/play/`;
    if (query.has("url") || !location.pathname.startsWith(prefix) || location.pathname === prefix) return null;
    for (const ours of ["target", "latency"]) query.delete(ours);
    const rest = query.toString();
    return new URL(`${root.href}${location.pathname.slice(prefix.length)}${rest && `?${rest}`}`);
  }

  async function play() {
    const text = given?.manifest ?? (await (await response).clone().text());
    const mpd = new DOMParser().parseFromString(text, "text/xml").documentElement;
    const said = Number(mpd.getElementsByTagNameNS("*", "Latency")[0]?.getAttribute("target")) / 1000;
    const segment = newestSegment(mpd, url, await serverTime(), target ?? (said || DEFAULT_TARGET_S));
    if (signal.aborted || !segment || !globalThis.MediaSource?.isTypeSupported(segment.type)) return null;
    const answers = [segment.init, segment.media(segment.number)].map(ask);
    const source = new MediaSource();
    const video = shown(URL.createObjectURL(source));
    await new Promise((open) => source.addEventListener("sourceopen", open, { once: true }));
    feed(source.addSourceBuffer(segment.type), segment, answers, video).catch(() => stop.abort());
    setTimeout(() => stop.abort(), MOST_MS);
    return new Promise((done) => {
      video.requestVideoFrameCallback((now, { expectedDisplayTime }) => {
        isShown = true;
        done(Math.max(now, expectedDisplayTime));
      });
      signal.addEventListener("abort", () => done(null));
    });
  }

  /** ms since 1970: the server looked at its clock when the page left it, or when it was asked. */
  async function serverTime() {
    if (given) return given.time + performance.now() - performance.getEntriesByType("navigation")[0].responseStart;
    return Date.parse(await time) + performance.now() - asked;
  }

  function shown(src) {
    const video = Object.assign(document.createElement("video"), { className: "first", muted: true, autoplay: true, playsInline: true, src });
    video.ariaHidden = "true";
    // The page is perhaps not parsed yet: the browser can begin to decode nevertheless.
    const place = () => document.querySelector(".stage").append(video);
    if (document.readyState === "loading") document.addEventListener("readystatechange", place, { once: true, signal });
    else place();
    signal.addEventListener("abort", () => {
      video.remove();
      video.removeAttribute("src");
      video.load();
      URL.revokeObjectURL(src);
    });
    return video;
  }

  /** Appends the init and what comes of the segments, one after the other, until it is over. */
  async function feed(buffer, { number, media, into }, [init, first], video) {
    const append = (bytes) =>
      new Promise((done, failed) => {
        buffer.onupdateend = done;
        buffer.onerror = failed;
        buffer.appendBuffer(bytes);
      });
    await append(await (await init).arrayBuffer());
    for (let answer = first; !signal.aborted; answer = ask(media(++number))) {
      const response = await answer;
      if (!response.ok) throw new Error(`${response.status}`);
      const reader = response.body.getReader();
      for (let read = await reader.read(); !read.done && !signal.aborted; read = await reader.read()) {
        await append(read.value);
        if (video.currentTime === 0 && buffer.buffered.length) video.currentTime = buffer.buffered.start(0) + into;
      }
    }
  }
}
