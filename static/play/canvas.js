// A canvas that is sharp on any screen and takes its colours from the page's style.

/** The context of a canvas, sized in CSS pixels and cleared: `{ ctx, width, height, colour }`. */
export function prepare(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = window.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const ctx = canvas.getContext("2d");
  ctx.setTransform(scale, 0, 0, scale, 0, 0);
  ctx.clearRect(0, 0, width, height);
  const style = getComputedStyle(canvas);
  ctx.font = `12px ${style.fontFamily}`;
  ctx.textBaseline = "middle";
  return { ctx, width, height, colour: (name) => style.getPropertyValue(`--${name}`).trim() };
}
