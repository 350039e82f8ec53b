// What comes after the first picture: the rest of the page and the player, which are heavy.

const MOST_MS = 500;

await Promise.race([first.picture, new Promise((done) => setTimeout(done, MOST_MS))]);
await import("./main.js");
