// Walks a player in to its target latency by playing slightly faster or slower; far off, it jumps.

const FASTEST = 1.12;
/** Where nobody sees or hears it. */
const HURRY = { fastest: 2, gain: 2 };
const SLOWEST = 0.92;
const GAIN = 0.5;
const STILL_S = 0.015;
const STEP = 0.01;
const JUMP_S = 3;
const LEAST_BUFFER_S = 0.06;

/**
 * How fast to play: `{ rate, jump }`. All in seconds: the latency, the target, and what is buffered
 * ahead; `rate` is the present one, which stays when it would change by next to nothing. `isHidden`: nobody sees
 * the picture yet.
 */
export function pace({ latency, target, buffer, rate, isHidden = false }) {
  const late = latency - target;
  if (!Number.isFinite(late)) return { rate: 1, jump: false };
  if (late > Math.max(JUMP_S, target)) return { rate: 1, jump: true };
  const { fastest, gain } = isHidden ? HURRY : { fastest: FASTEST, gain: GAIN };
  let wanted = Math.abs(late) < STILL_S ? 1 : 1 + late * gain;
  // What is not there cannot be played faster: the encoder sets the pace.
  if (buffer < LEAST_BUFFER_S) wanted = Math.min(wanted, 0.97);
  wanted = Math.min(fastest, Math.max(SLOWEST, wanted));
  const change = Math.abs(wanted - rate);
  return { rate: wanted === 1 || change >= STEP ? wanted : rate, jump: false };
}
