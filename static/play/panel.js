// Beside the picture: the figures, the chart and the waterfall.

import { Chart } from "./chart.js";
import { Figures } from "./figures.js";
import { Glass } from "./glass.js";
import { Requests } from "./requests.js";
import { ServerTime } from "./server-time.js";
import { Stalls } from "./stalls.js";
import { drawWaterfall, waterfallInWords } from "./waterfall.js";

const SHOW_MS = 250;

const at = (id) => document.getElementById(id);

/** Shows what main.js plays. `state`: place, session, target, say. */
export function show(video, state) {
  const requests = new Requests();
  const serverTime = new ServerTime();
  const glass = new Glass(video, serverTime);
  const figures = new Figures({ video, glass, stalls: new Stalls(video) });
  const chart = new Chart(at("chart"));
  const waterfall = at("waterfall");
  serverTime.keep();
  setInterval(() => {
    const now = performance.now();
    const { session } = state;
    const latency = figures.show(session, state.firstShown);
    const target = session?.target ?? state.target ?? NaN;
    at("target").textContent = Number.isFinite(target) ? `${target.toFixed(2)} s` : "–";
    if (session) chart.add(now, latency, glass.latency === null ? NaN : glass.latency / 1000, target);
    if (document.hidden) return;
    chart.draw(now);
    drawWaterfall(waterfall, requests.rows, now);
    waterfall.setAttribute("aria-label", `The last requests: ${waterfallInWords(requests.rows, now)}`);
  }, SHOW_MS);
}
