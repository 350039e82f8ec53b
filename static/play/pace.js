// Walks a player in to its target latency by playing slightly faster or slower; far off, it jumps.

const FASTEST = 1.12;
const SLOWEST = 0.92;
const GAIN = 0.5;
const STILL_S = 0.015;
const STEP = 0.01;
const JUMP_S = 3;
const LEAST_BUFFER_S = 0.06;

/**
 * How fast to play: `{ rate, jump }`. All in seconds: the latency, the target, and what is buffered
 * ahead; `rate` is the present one, which stays when it would change by next to nothing.
 */
export function pace({ latency, target, buffer, rate }) {
  const late = latency - target;
  if (!Number.isFinite(late)) return { rate: 1, jump: false };
  if (late > Math.max(JUMP_S, target)) return { rate: 1, jump: true };
  let wanted = Math.abs(late) < STILL_S ? 1 : 1 + late * GAIN;
  // What is not there cannot be played faster: the encoder sets the pace.
  if (buffer < LEAST_BUFFER_S) wanted = Math.min(wanted, 0.97);
  wanted = Math.min(FASTEST, Math.max(SLOWEST, wanted));
  const change = Math.abs(wanted - rate);
  return { rate: wanted === 1 || change >= STEP ? wanted : rate, jump: false };
}
