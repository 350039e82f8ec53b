// Where a live MPD's newest video segment is: read by ourselves, for the first picture alone.
// Players understand all MPDs; this one only the plain ones that low latency has. Not a module, as
// first.js is not.

/**
 * The segment that is at `target` seconds behind `now` (ms since 1970), of the smallest
 * quality: `{ type, init, media(number), number, into }`, `into` being how many seconds into that
 * segment. Null where the MPD is not a plain one.
 */
globalThis.newestSegment = (mpd, url, now, target) => {
  const inherited = (element, name) => element.getAttribute(name) ?? element.parentNode.getAttribute(name);
  const all = (name, within = mpd) => [...within.getElementsByTagNameNS("*", name)];
  const periods = all("Period");
  if (mpd.getAttribute("type") !== "dynamic" || periods.length !== 1 || all("BaseURL").length) return null;
  const representations = all("Representation").filter((it) => inherited(it, "mimeType") === "video/mp4");
  const [smallest] = representations.sort((a, b) => a.getAttribute("bandwidth") - b.getAttribute("bandwidth"));
  const template = smallest && [smallest, smallest.parentNode].flatMap((it) => all("SegmentTemplate", it))[0];
  const duration = Number(template?.getAttribute("duration")) / Number(template?.getAttribute("timescale") ?? 1);
  const name = (attribute) => template.getAttribute(attribute);
  if (!(duration > 0) || !name("media")?.includes("$Number") || name("media").includes("$Time") || !name("initialization")) return null;
  const start = Date.parse(mpd.getAttribute("availabilityStartTime")) / 1000 + seconds(periods[0].getAttribute("start"));
  const at = (now / 1000 - target - start) / duration;
  if (!(at >= 0)) return null;
  const named = (pattern, number) => new URL(filled(pattern, smallest, number), url);
  return {
    type: `video/mp4; codecs="${inherited(smallest, "codecs")}"`,
    init: named(name("initialization"), 0),
    media: (number) => named(name("media"), number),
    number: Number(name("startNumber") ?? 1) + Math.floor(at),
    into: (at % 1) * duration,
  };
};

/** ISO/IEC 23009-1, 5.3.9.4.4. */
function filled(pattern, representation, number) {
  const values = { RepresentationID: representation.getAttribute("id"), Bandwidth: representation.getAttribute("bandwidth"), Number: number };
  return pattern.replace(/\$(\w*)(?:%0(\d+)d)?\$/g, (_, name, width) => (name ? `${values[name]}`.padStart(width ?? 0, "0") : "$"));
}

/** The seconds of an xs:duration without years and months. */
function seconds(duration) {
  const parts = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?$/.exec(duration ?? "PT0S");
  return parts ? parts.slice(1).reduce((sum, part, unit) => sum + Number(part ?? 0) * [86_400, 3600, 60, 1][unit], 0) : NaN;
}
