// What the tests of the pages share: opening one, and waiting for what it shows.
import { complaints } from "./browser.mjs";

/** A page that is closed after the test, with what it complains about. */
export async function opened(t, browser, url, { prepare = async () => {}, ...options } = {}) {
  const page = await browser.newPage({ viewport: { width: 1000, height: 800 }, ...options });
  t.after(() => page.close());
  const errors = complaints(page);
  await prepare(page);
  await page.goto(url);
  return { page, errors };
}

export const playing = (page) =>
  page.waitForFunction(() => {
    const video = document.querySelector("video");
    return video.currentTime > 0 && !video.paused && video.readyState > 2 && video.videoWidth > 0;
  }, null, { timeout: 30_000 });

export const says = (page, text) => page.getByRole("status").filter({ hasText: text }).waitFor({ timeout: 30_000 });

/** Resolves when so many seconds more have been played. */
export const played = (page, seconds) =>
  page.evaluate((seconds) => {
    const video = document.querySelector("video");
    let [last, sum] = [video.currentTime, 0];
    return new Promise((done) => {
      video.addEventListener("timeupdate", function step() {
        // A jump is no playing.
        const moved = video.currentTime - last;
        if (moved > 0 && moved < 1) sum += moved;
        last = video.currentTime;
        if (sum < seconds) return;
        video.removeEventListener("timeupdate", step);
        done();
      });
    });
  }, seconds);

/** The number that a figure of the page shows, or NaN. */
export const figure = async (page, id) => parseFloat(await page.locator(`#${id}`).textContent());
