// The strip chart: latency over the last two minutes, as the player reckons it and as it is.

import { prepare } from "./canvas.js";

const SPAN_MS = 120_000;
const LEFT = 44;
const RIGHT = 8;
const TOP = 10;
const BOTTOM = 22;
const STEPS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120];

/** Samples of the last two minutes: four a second are 480. */
export class Chart {
  #samples = [];

  constructor(canvas) {
    this.canvas = canvas;
  }

  /** Latencies in seconds; NaN or null: unknown. */
  add(at, player, glass, target) {
    this.#samples.push({ at, player, glass, target });
    while (this.#samples.length && this.#samples[0].at < at - SPAN_MS) this.#samples.shift();
  }

  draw(now) {
    const { ctx, width, height, colour } = prepare(this.canvas);
    const most = ceiling(this.#samples);
    const x = (at) => LEFT + (width - LEFT - RIGHT) * (1 - (now - at) / SPAN_MS);
    const y = (value) => TOP + (height - TOP - BOTTOM) * (1 - value / most.value);
    this.#grid(ctx, { width, height, colour, most, x: (seconds) => x(now - seconds * 1000), y });
    this.#line(ctx, "target", colour("soft"), [4, 4], 1, x, y);
    this.#line(ctx, "player", colour("player"), [], 2, x, y);
    this.#line(ctx, "glass", colour("glass"), [], 2.5, x, y);
  }

  #grid(ctx, { width, height, colour, most, x, y }) {
    ctx.strokeStyle = colour("line");
    ctx.fillStyle = colour("soft");
    ctx.lineWidth = 1;
    ctx.textAlign = "right";
    for (let value = 0; value <= most.value + 1e-9; value += most.step) {
      const at = Math.round(y(value)) + 0.5;
      ctx.beginPath();
      ctx.moveTo(LEFT, at);
      ctx.lineTo(width - RIGHT, at);
      ctx.stroke();
      ctx.fillText(`${value.toFixed(most.step < 0.1 ? 2 : most.step < 1 ? 1 : 0)} s`, LEFT - 6, at);
    }
    ctx.textAlign = "center";
    for (const seconds of [120, 90, 60, 30]) ctx.fillText(`−${seconds} s`, Math.max(x(seconds), LEFT + 16), height - 8);
    ctx.textAlign = "right";
    ctx.fillText("now", width - RIGHT, height - 8);
  }

  #line(ctx, key, style, dash, lineWidth, x, y) {
    Object.assign(ctx, { strokeStyle: style, lineWidth, lineJoin: "round" });
    ctx.setLineDash(dash);
    ctx.beginPath();
    let drawing = false;
    for (const sample of this.#samples) {
      const value = sample[key];
      if (!Number.isFinite(value)) {
        drawing = false;
        continue;
      }
      const point = [x(sample.at), Math.max(y(value), 2)];
      if (drawing) ctx.lineTo(...point);
      else ctx.moveTo(...point);
      drawing = true;
    }
    ctx.stroke();
    ctx.setLineDash([]);
  }
}

/** The top of the scale, with the step between its lines: three to five of them. */
function ceiling(samples) {
  // A single peak may stick out: all that came before it stays legible.
  const values = samples.flatMap(({ player, glass, target }) => [player, glass, target]).filter(Number.isFinite).sort((a, b) => a - b);
  const need = Math.max((values[Math.floor(values.length * 0.98)] ?? 1) * 1.15, 0.1);
  const step = STEPS.find((step) => need / step <= 5) ?? need / 4;
  return { value: Math.ceil(need / step) * step, step };
}
