// Reads the clock that is burned into the picture: the media time as a row of blocks.
//
// The row is the topmost 1/40 of the picture's width in height and holds 40 square blocks, from
// the left edge to the right; white is 1, black is 0:
//   blocks  0 to  3   1 0 1 0, which tells where white and black lie
//   blocks  4 to 31   whole milliseconds, 28 bits, most significant first
//   blocks 32 to 39   the same number modulo 251, 8 bits, most significant first
// scripts/make-recording draws it.

export const BLOCKS = 40;
const SYNC = [1, 0, 1, 0];
const TIME_BITS = 28;
const CHECK_MODULUS = 251;
const LEAST_CONTRAST = 64;

/** The height of the row, in pixels, in a picture of this width. */
export const rowHeight = (width) => Math.max(1, Math.floor(width / BLOCKS));

/**
 * The milliseconds in a row of blocks, or null when there is no row or it is not whole.
 * `data` holds `channels` bytes a pixel, the first of which serves as brightness; the row starts
 * at its first byte, as in `ImageData` of the top of the picture.
 */
export function readRow(data, width, channels = 4) {
  const levels = blockLevels(data, width, channels);
  const white = (levels[0] + levels[2]) / 2;
  const black = (levels[1] + levels[3]) / 2;
  if (white - black < LEAST_CONTRAST) return null;
  const bits = levels.map((level) => (level > (white + black) / 2 ? 1 : 0));
  if (SYNC.some((bit, i) => bits[i] !== bit)) return null;
  const time = number(bits.slice(SYNC.length, SYNC.length + TIME_BITS));
  const check = number(bits.slice(SYNC.length + TIME_BITS));
  return time % CHECK_MODULUS === check ? time : null;
}

let scratch;

/** The milliseconds burned into what a video (or canvas, or image) shows now, or null. */
export function readClock(source) {
  const width = source.videoWidth ?? source.naturalWidth ?? source.width;
  if (!width) return null;
  const height = rowHeight(width);
  scratch ??= document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  if (scratch.canvas.width !== width || scratch.canvas.height !== height) {
    scratch.canvas.width = width;
    scratch.canvas.height = height;
  }
  scratch.drawImage(source, 0, 0, width, height, 0, 0, width, height);
  return readRow(scratch.getImageData(0, 0, width, height).data, width);
}

// The mean brightness of the inner half of each block: compression blurs only the rims.
function blockLevels(data, width, channels) {
  const size = width / BLOCKS;
  const [first, last] = [Math.floor(size / 4), Math.ceil((size * 3) / 4)];
  return Array.from({ length: BLOCKS }, (_, block) => {
    let sum = 0;
    let count = 0;
    for (let y = first; y < last; y++) {
      for (let x = first; x < last; x++) {
        sum += data[(y * width + Math.floor(block * size) + x) * channels];
        count++;
      }
    }
    return sum / count;
  });
}

const number = (bits) => bits.reduce((value, bit) => value * 2 + bit, 0);
