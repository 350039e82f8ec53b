// What went wrong, in words, and what can be done about it: `{ text, hint }`.

export const WAITING = "Waiting for the stream…";

/** Why a manifest's response cannot be used. `own`: this server was asked. */
export function refusal(status, url, own) {
  const path = url.pathname;
  if (status === 404 || status === 410) {
    return {
      text: WAITING,
      hint: own
        ? `${path} is not there yet (${status}). The page plays it as soon as it comes, for example from scripts/encode or lldash-replay.`
        : `${url.host} has no ${path} (${status}). The page asks again every second: check the name, or start the encoder.`,
    };
  }
  if (status === 401 || status === 403) {
    return { text: "Cannot play.", hint: `${url.host} does not let this page read ${path} (${status}): ask whoever runs it for access.` };
  }
  if (status === 400) return { text: "Cannot play.", hint: `${url.host} does not take ${path} for a name (400): check the address.` };
  if (status === 503) return { text: WAITING, hint: `${url.host} is busy or restarting (503). The page asks again every second.` };
  return { text: WAITING, hint: `${url.host} answers ${status} to ${path}. The page asks again every second; the server's log tells more.` };
}

/** Why nothing came back at all: mixed content, CORS, or nobody there. */
export async function unreachable(url, page = location) {
  if (page.protocol === "https:" && url.protocol === "http:" && !/^(localhost|127\.|\[::1\])/.test(url.host)) {
    return {
      text: "Cannot play.",
      hint: `This page came by https, and browsers do not let it read ${url.origin}, which is plain http. Open this page by http, or give the stream an https address.`,
    };
  }
  if (url.origin !== page.origin) {
    const isThere = await fetch(url, { mode: "no-cors", cache: "no-store" }).then(() => true, () => false);
    if (isThere) {
      return {
        text: "Cannot play.",
        hint: `${url.host} answers, but does not allow pages of other origins (CORS). It must send “Access-Control-Allow-Origin: ${page.origin}”, or *; lldash does.`,
      };
    }
  }
  return { text: "The server cannot be reached.", hint: `${url.host} does not answer. The page tries again every second: check that the server runs, and the address.` };
}

export const notAManifest = (url, head) => ({
  text: "Cannot play.",
  hint: `${url.pathname} is neither a DASH manifest nor an HLS playlist. It begins with: ${head.trim().slice(0, 60) || "nothing"}`,
});

export const noCodec = (codecs) => ({
  text: "Cannot play.",
  hint: `This browser cannot decode ${codecs.join(", ")}. Try another browser (Safari and Edge decode HEVC on most machines), or encode H.264: “-c:v libx264 -pix_fmt yuv420p”.`,
});

export const noMediaSource = {
  text: "Cannot play.",
  hint: "This browser has no Media Source Extensions, which the players need. Try a current Chrome, Edge, Firefox or Safari.",
};

export const ENDED = {
  text: "The stream has ended.",
  hint: "The page plays it again as soon as it comes back.",
};

/** The encoder is silent, though the manifest still says that the stream is live. */
export const silent = (seconds) => ({
  text: "Waiting for the next bytes…",
  hint: seconds < 3 ? "" : `Nothing has come for ${Math.round(seconds)} s. Is the encoder still running?`,
});

/** A player's own error. */
export const broken = (detail) => ({
  text: "The player gave up; starting again…",
  hint: `${detail} If it comes back: look at the last segments below, and at the encoder's output.`,
});
