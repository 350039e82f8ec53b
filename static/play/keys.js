// The keyboard: space, f, m, the arrows, and ? for help.

const STEP_S = 0.1;
const FIELDS = "input, textarea, select, button, a, summary, [contenteditable]";

/** `actions`: play, fullscreen, mute, help, and `target(change)` in seconds. */
export function listen(actions) {
  const keys = {
    " ": actions.play,
    k: actions.play,
    f: actions.fullscreen,
    m: actions.mute,
    "?": actions.help,
    ArrowUp: () => actions.target(STEP_S),
    ArrowRight: () => actions.target(STEP_S),
    ArrowDown: () => actions.target(-STEP_S),
    ArrowLeft: () => actions.target(-STEP_S),
  };
  // Before the video's own keys, which would seek and change the volume.
  addEventListener(
    "keydown",
    (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest?.(FIELDS) || document.querySelector("dialog[open]")) return;
      const action = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (!action) return;
      event.preventDefault();
      event.stopPropagation();
      action();
    },
    { capture: true },
  );
}
