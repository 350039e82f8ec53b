// The pages' modules that need no browser.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bitRate, bytes, duration } from "../../static/front/units.js";
import { latencyOf } from "../../static/play/glass.js";
import { undecodable } from "../../static/play/manifest.js";
import { pace } from "../../static/play/pace.js";
import { legible, pageFor, placeOf } from "../../static/play/place.js";
import "../../static/play/template.js";
import { ServerTime } from "../../static/play/server-time.js";

const near = (latency, more = {}) => pace({ latency, target: 0.5, buffer: 0.5, rate: 1, ...more });

test("the pace walks in to the target from both sides, and keeps still when it is there", () => {
  assert.ok(near(0.8).rate > 1.05);
  assert.ok(near(0.3).rate < 0.95);
  assert.equal(near(0.51).rate, 1);
  assert.equal(near(NaN).rate, 1);
});

test("the pace changes by steps, is never fast with nothing ahead, and jumps what is far", () => {
  assert.equal(near(0.56, { rate: 1.035 }).rate, 1.035, "next to nothing is no change");
  assert.ok(near(0.8, { buffer: 0.01 }).rate < 1);
  assert.ok(near(1.2, { isHidden: true }).rate > 1.5, "nobody sees it");
  assert.ok(near(100).jump);
  assert.ok(!near(2).jump);
});

test("a picture's clock wraps, and one that tells no time of day is told apart", () => {
  const range = 2 ** 28;
  const day = 6000 * range;
  assert.equal(latencyOf(1000, day + 1300), 300);
  assert.equal(latencyOf(range - 100, day + 200), 300);
  assert.equal(latencyOf(50, day - 50), -100, "clocks a little apart");
  assert.equal(latencyOf(4000, day + range / 2), null);
});

test("the server's time is taken from the quickest answer", () => {
  const time = new ServerTime();
  assert.equal(time.at(0), null);
  time.take(100, 140, 1_000_000);
  assert.equal(time.at(120), 1_000_000.5);
  time.take(200, 400, 5_000_000);
  assert.equal(time.at(120), 1_000_000.5, "a slow one says less");
  time.take(500, 510, 1_000_400);
  assert.equal(time.at(505), 1_000_400.5);
});

test("the page's address names the stream, and the stream's address the page", () => {
  const root = new URL("http://h:1/");
  const place = (path) => placeOf(`http://h:1${path}`, root);
  assert.equal(place("/ldash/play/a%20b/x.mpd?k=1&target=0.4").url.href, "http://h:1/a%20b/x.mpd?k=1");
  assert.equal(place("/ldash/play/x.mpd?target=0.4").target, 0.4);
  assert.equal(place("/ldash/play/x.mpd?target=-1").target, null);
  assert.equal(place("/ldash/play/").url, null);
  assert.equal(place("/ldash/play/?url=https://o/y.m3u8").url.href, "https://o/y.m3u8");
  assert.equal(place("/ldash/play/?url=javascript:alert(1)").url, null);
  assert.equal(place("/ldash/play//o/y.mpd").url.host, "h:1");
  assert.deepEqual(["a%20b", "%C3%A4", "a%E4", "100%"].map(legible), ["a b", "ä", "a%E4", "100%"]);
  const page = (text) => pageFor(text, "http://h:1/ldash/play/", null, root);
  assert.equal(page("/a/x.mpd?k=1"), "http://h:1/ldash/play/a/x.mpd?k=1");
  assert.equal(page("http://h:1/x.mpd"), "http://h:1/ldash/play/x.mpd");
  assert.equal(placeOf(page("o:8080/y.mpd"), root).url.href, "http://o:8080/y.mpd");
  assert.equal(placeOf(pageFor("https://o/y.mpd?a=b&c=d", "http://h:1/", 0.3, root), root).target, 0.3);
  assert.equal(page("javascript:alert(1)"), null);
  const below = new URL("http://h:1/tv/");
  assert.equal(placeOf("http://h:1/tv/ldash/play/a/x.mpd?k=1", below).url.href, "http://h:1/tv/a/x.mpd?k=1");
  assert.equal(pageFor("/tv/a/x.mpd", "http://h:1/", null, below), "http://h:1/tv/ldash/play/a/x.mpd");
  assert.equal(placeOf(pageFor("/a/x.mpd", "http://h:1/", null, below), below).url.href, "http://h:1/a/x.mpd");
});

/** As much of an MPD's element as is read of it. */
function element(name, attributes, ...children) {
  const made = { name, children, getAttribute: (key) => attributes[key] ?? null };
  const all = (of) => of.children.flatMap((child) => [child, ...all(child)]);
  made.getElementsByTagNameNS = (_, wanted) => all(made).filter((it) => it.name === wanted);
  children.forEach((child) => (child.parentNode = made));
  return made;
}

const live = (template, ...more) =>
  element("MPD", { type: "dynamic", availabilityStartTime: "1970-01-01T00:01:40Z" }, element("Period", { start: "PT1M0.5S" }, ...more,
    element("AdaptationSet", { mimeType: "video/mp4" },
      element("SegmentTemplate", { timescale: "10", duration: "20", startNumber: "5", initialization: "i-$RepresentationID$.mp4", media: "$RepresentationID$/$Number%03d$$$.m4s", ...template }),
      element("Representation", { id: "b", bandwidth: "900", codecs: "avc1.b" }),
      element("Representation", { id: "a", bandwidth: "90", codecs: "avc1.a" }))));

test("the newest segment of a plain live MPD is found, and other MPDs are left to the player", () => {
  const find = (mpd, now = 170_000) => newestSegment(mpd, new URL("http://h/s/x.mpd"), now, 0.5);
  const found = find(live({}));
  assert.deepEqual([found.type, found.number, found.into], ['video/mp4; codecs="avc1.a"', 9, 1]);
  assert.equal(found.init.href, "http://h/s/i-a.mp4");
  assert.equal(found.media(12).href, "http://h/s/a/012$.m4s");
  assert.equal(find(live({}), 160_000), null, "it has not begun");
  assert.equal(find(live({ duration: null })), null, "a timeline");
  assert.equal(find(live({ media: "$Time$.m4s" })), null);
  assert.equal(find(live({}, element("BaseURL", {}))), null);
  assert.equal(find(element("MPD", { type: "static" }, element("Period", {}))), null);
});

test("a codec is missing when not a single rendition of the picture can be decoded", () => {
  const all = [["video", "hvc1.1"], ["video", "avc1.4d"], ["audio", "ec-3"]].map(([kind, codecs]) => ({ kind: `${kind}/mp4`, codecs }));
  assert.deepEqual(undecodable(all, (type) => type.includes("avc1")), []);
  assert.deepEqual(undecodable(all, (type) => type.includes("vp9")), ["hvc1.1", "avc1.4d"]);
  assert.deepEqual(undecodable(all.slice(2), () => false), ["ec-3"]);
});

test("numbers are written for people", () => {
  assert.deepEqual([0, 999, 1234567, 250e6].map(bytes), ["0 B", "999 B", "1.2 MB", "250 MB"]);
  assert.deepEqual([10, 125_000, 1e6].map(bitRate), ["80 bit/s", "1.0 Mbit/s", "8.0 Mbit/s"]);
  assert.deepEqual([0.42, 61, 4000, 400_000].map(duration), ["0.4 s", "61 s", "67 min", "4 days"]);
});
