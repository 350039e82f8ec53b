// Chromium for the tests, and what a page complained about.
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const places = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export function launch() {
  return chromium.launch({
    executablePath: places.find((place) => place && existsSync(place)),
    headless: true,
    args: [
      "--no-sandbox", // in CI everything runs as root, where Chromium's sandbox refuses to start
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--autoplay-policy=no-user-gesture-required",
    ],
  });
}

/** The list of errors that the page writes to its console or throws; it grows as they come. */
export function complaints(page) {
  const list = [];
  page.on("console", (message) => {
    if (message.type() === "error") list.push(`${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => list.push(String(error)));
  return list;
}
