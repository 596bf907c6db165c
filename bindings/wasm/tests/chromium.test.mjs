// Tests the static copy of the page in Chromium: `.ci/wasm` builds both first. Needs
// playwright-core, and CHROMIUM or /usr/bin/chromium. SHOTS names a folder for screenshots.

import assert from "node:assert/strict";
import { createReadStream, existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { after, before, test } from "node:test";

import { difference, path, responses, root } from "./package.mjs";

const require = createRequire(join(process.env.PLAYWRIGHT ?? process.cwd(), "x.js"));
const { chromium } = require("playwright-core");
const folder = process.env.PAGE ?? join(root, "target/wasm-page");
const TYPES = {
  ".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};
const WIDTH = 640;

let server, origin, browser;

/** A server of files that knows nothing else. */
function serve(request, response) {
  const name = normalize(new URL(request.url, "http://x").pathname);
  const file = join(folder, name === "/" ? "index.html" : name);
  if (!existsSync(file)) return response.writeHead(404).end();
  response.writeHead(200, { "content-type": TYPES[extname(file)] });
  createReadStream(file).pipe(response);
}

before(async () => {
  server = createServer(serve);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${server.address().port}`;
  // A fake camera that shows the portrait: Chromium loops over a file of JPEGs.
  const camera = join(mkdtempSync(join(tmpdir(), "page-")), "camera.mjpeg");
  writeFileSync(camera, Buffer.concat(Array(30).fill(readFileSync(path("astronaut.jpg")))));
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", "--no-first-run",
      "--use-fake-device-for-media-stream",
      `--use-file-for-fake-video-capture=${camera}`,
    ],
  });
});

after(async () => {
  await browser?.close();
  server?.close();
});

/** Opens the page. Any error on it, or any request but for its own files, fails the test. */
async function open(t) {
  const context = await browser.newContext({ permissions: ["camera"] });
  const page = await context.newPage();
  const [wrong, requests] = [[], []];
  context.on("request", (request) => {
    const url = request.url();
    if (/^(blob|data):/.test(url)) return;
    requests.push(url);
    const isOwn = url.startsWith(`${origin}/`) && !url.includes("?");
    if (!isOwn || request.method() !== "GET" || request.postData()) wrong.push(url);
  });
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") wrong.push(message.text());
  });
  t.after(async () => {
    await context.close();
    assert.deepEqual(wrong, []);
  });
  await page.goto(origin);
  return { page, requests };
}

const shot = (page, name) =>
  process.env.SHOTS && page.screenshot({ path: join(process.env.SHOTS, `${name}.png`) });

test("no request carries the picture, from a file or the camera", async (t) => {
  const { page, requests } = await open(t);
  await page.locator("#file").setInputFiles(path("astronaut.jpg"));
  await page.locator("#verdict").waitFor();
  assert.equal(await page.locator("#verdict").textContent(), "Classified as live");
  assert.match(await page.locator("#status").textContent(), /on this device/);
  const loaded = requests.length;
  for (const button of ["#one", "#burst"]) {
    await page.locator("#camera").click();
    await page.locator("#guidance").filter({ hasText: /\w/ }).waitFor();
    await page.locator(button).click();
    await page.locator("#verdict").waitFor();
  }
  assert.equal(await page.locator("#model").textContent(), "rgb-burst-v2");
  // The page and the package are loaded once; after that nothing is.
  assert.equal(requests.length, loaded, requests.join("\n"));
});

test("the golden answers are within 1e-4 of the native ones", async (t) => {
  const { page } = await open(t);
  let worst = 0;
  for (const name of Object.keys(responses)) {
    const data = readFileSync(path(name), "base64");
    const { status, body, ms } = await page.evaluate(async (data) => {
      const { load, send } = await import("./page/device.js");
      await load();
      const request = { images: [{ index: 0, type: "RGB", data }], autoRotate: true };
      const began = performance.now();
      const answer = await send(JSON.stringify(request));
      return { ...answer, ms: performance.now() - began };
    }, data);
    assert.equal(status, 200, body);
    const { score, box, texts } = difference(name, JSON.parse(body));
    worst = Math.max(worst, score);
    assert.ok(score <= 1e-4 && box === 0 && texts, `${name}: ${body}`);
    t.diagnostic(`${name}: ${ms.toFixed(0)} ms`);
  }
  t.diagnostic(`largest difference of a score: ${worst.toExponential(1)}`);
});

test("the camera is scored live, with the box of the face and guidance", async (t) => {
  const { page } = await open(t);
  await page.locator("#camera").click();
  await page.locator("#live-box").waitFor();
  assert.equal(await page.locator("#guidance").textContent(), "Come closer.");
  const frames = () => page.locator("#guidance").evaluate((node) => Number(node.dataset.frames));
  const [video, box] = await Promise.all(
    ["#video", "#live-box"].map((name) => page.locator(name).boundingBox()));
  // The portrait is mirrored, as the video: its face is at 35 % from the left, 19 % wide.
  const side = await page.locator("#video").evaluate((video) => video.videoWidth);
  const left = 1 - (box.x + box.width - video.x) / video.width;
  assert.ok(Math.abs(left - 177 / 512) < 0.03, `${left} of a video of ${side} pixels`);
  const [first, began] = [await frames(), performance.now()];
  await page.waitForTimeout(5000);
  const rate = 1000 * (await frames() - first) / (performance.now() - began);
  t.diagnostic(`${rate.toFixed(1)} frames a second of ${side} pixels across`);
  await shot(page, "live");
  // FRAMES sets another bound for a busy machine.
  assert.ok(rate >= Number(process.env.FRAMES ?? 10), `${rate}`);
  await page.locator("#stop").click();
  const stopped = await frames();
  await page.waitForTimeout(300);
  assert.equal(await frames(), stopped);
});

test("memory is level over 1,000 frames", { timeout: 300_000 }, async (t) => {
  const { page } = await open(t);
  const photo = readFileSync(path("astronaut.jpg"), "base64");
  const levels = await page.evaluate(async ({ photo, width }) => {
    const { default: init, Engine } = await import("./page/package/face_liveness.js");
    const { memory } = await init();
    const engine = new Engine();
    const bytes = Uint8Array.from(atob(photo), (letter) => letter.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes]));
    const context = new OffscreenCanvas(width, width * 3 / 4).getContext("2d");
    context.drawImage(image, 0, 0);
    const frame = () => engine.detectPixels(
      context.getImageData(0, 0, context.canvas.width, context.canvas.height));
    const levels = [];
    for (let frames = 1; frames <= 1010; frames++) {
      frame();
      if (frames % 100 === 10) levels.push(memory.buffer.byteLength);
    }
    return levels;
  }, { photo, width: WIDTH });
  t.diagnostic(String(levels));
  assert.equal(new Set(levels).size, 1);
});
