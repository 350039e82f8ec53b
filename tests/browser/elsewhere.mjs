// A page of another origin than the server's, with a video and the scripts that a test plays with.
import { createReadStream } from "node:fs";
import { createServer } from "node:http";
import { inRepository } from "./programs.mjs";

const PAGE = "<!doctype html><link rel=icon href=data:,><video muted autoplay playsinline></video>";

/** Serves the page, and files of the repository by their URL paths; resolves to its origin and a way to stop it. */
export async function elsewhere(files) {
  const site = createServer((request, response) => {
    const file = files[request.url];
    response.setHeader("Content-Type", file ? "text/javascript" : "text/html");
    if (file) createReadStream(inRepository(file)).pipe(response);
    else response.end(PAGE);
  });
  await new Promise((done) => site.listen(0, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${site.address().port}/`, stop: () => site.close() };
}
