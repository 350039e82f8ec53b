// The waterfall: for each of the last requests, when it was asked for, how long the server held
// it, when its bytes came and when it was done.

import { prepare } from "./canvas.js";

const ROW = 20;
const SPAN_MS = 7000;
const NAMES = 170;
const FIGURES = 150;

/** Draws the last rows, as many as there is room for. */
export function drawWaterfall(canvas, rows, now) {
  const { ctx, width, height, colour } = prepare(canvas);
  const shown = rows.slice(-Math.floor((height - ROW) / ROW));
  const narrow = width < 560;
  const left = narrow ? 96 : NAMES;
  const right = width - (narrow ? 8 : FIGURES);
  const x = (at) => left + (right - left) * Math.max(0, 1 - (now - at) / SPAN_MS);
  const bar = (from, to, top, tall, style) => {
    ctx.fillStyle = style;
    ctx.fillRect(x(from), top + (ROW - tall) / 2, Math.max(x(to) - x(from), 1.5), tall);
  };
  ctx.save();
  shown.forEach((row, index) => {
    const top = index * ROW;
    const first = row.first ?? row.done ?? now;
    bar(row.asked, first, top, 4, colour("soft"));
    if (row.held) bar(first - row.held, first, top, 10, colour("held"));
    if (row.first) bar(first, row.done ?? now, top, 10, colour("bytes"));
    ctx.fillStyle = colour("chunk");
    for (const at of row.chunks) if (now - at < SPAN_MS) ctx.fillRect(x(at), top + 3, 1, ROW - 6);
    ctx.fillStyle = row.status >= 400 ? colour("bad") : colour("ink");
    ctx.textAlign = "left";
    // On a phone there is no room for what all names have in common.
    const name = narrow ? row.name.replace(/\.\w+$/, "") : row.name;
    ctx.fillText(fitted(ctx, name, left - 8), 0, top + ROW / 2);
    if (!narrow) ctx.fillText(fitted(ctx, figures(row, now), FIGURES - 12), right + 12, top + ROW / 2);
  });
  ctx.restore();
  scale(ctx, { top: height - ROW / 2, x, now, colour });
}

function scale(ctx, { top, x, now, colour }) {
  ctx.fillStyle = colour("soft");
  ctx.textAlign = "center";
  for (const seconds of [6, 4, 2]) ctx.fillText(`−${seconds} s`, x(now - seconds * 1000), top);
  ctx.textAlign = "right";
  ctx.fillText("now", x(now), top);
}

const size = (bytes) => (bytes < 1000 ? `${bytes} B` : bytes < 1e6 ? `${(bytes / 1000).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

function figures(row, now) {
  if (row.status >= 400) return `${row.status}`;
  if (!row.first) return `asked, ${((now - row.asked) / 1000).toFixed(1)} s`;
  return `${row.held ? `held ${row.held.toFixed(0)} ms, ` : ""}${size(row.bytes)}${row.done ? "" : "…"}`;
}

/** The same in words, for those who do not see it. */
export function waterfallInWords(rows, now) {
  return rows.slice(-3).map((row) => `${row.name}: ${figures(row, now)}`).join("; ");
}

function fitted(ctx, text, width) {
  if (ctx.measureText(text).width <= width) return text;
  let cut = text;
  // The end of a name tells the segments apart.
  while (cut.length > 1 && ctx.measureText(`…${cut}`).width > width) cut = cut.slice(1);
  return `…${cut}`;
}
