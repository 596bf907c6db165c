// The page in a real Chromium: `node --test page.test.mjs`. Needs playwright-core, CHROMIUM (or /usr/bin/chromium), and the
// built example `server`; SHOTS names a folder for screenshots.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

const { chromium } = createRequire(join(process.env.PLAYWRIGHT ?? process.cwd(), "x.js"))("playwright-core");
const root = new URL("../../../../", import.meta.url).pathname;
const portrait = join(root, "examples/photos/astronaut.jpg");
const scratch = mkdtempSync(join(tmpdir(), "page-"));
const shots = process.env.SHOTS;

let server, origin, browser;

async function listen(flags) {
  const process_ = spawn(join(root, "target/release/examples/server"), ["--listen", "127.0.0.1:0", "--log", "warn", ...flags]);
  const line = await new Promise((resolve, reject) => {
    process_.stdout.once("data", (data) => resolve(String(data)));
    process_.once("exit", () => reject(new Error("the server ended")));
  });
  return { process: process_, origin: line.trim().replace("listening on ", "") };
}

before(async () => {
  ({ process: server, origin } = await listen([]));
  // A fake camera that shows the portrait: Chromium plays a file of JPEGs over and over.
  const camera = join(scratch, "camera.mjpeg");
  writeFileSync(camera, Buffer.concat(Array(30).fill(readFileSync(portrait))));
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update",
      "--use-fake-device-for-media-stream", `--use-file-for-fake-video-capture=${camera}`,
    ],
  });
});

after(async () => {
  await browser?.close();
  server?.kill();
});

/** A page; whatever it asks of another address, and every error in it, fails the test. */
async function open(t, options = {}, from = origin) {
  const context = await browser.newContext({ permissions: ["camera", "clipboard-read", "clipboard-write"], ...options });
  const page = await context.newPage();
  const wrong = [];
  page.on("request", (request) => /^(blob|data):/.test(request.url()) || request.url().startsWith(from) || wrong.push(request.url()));
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("console", (message) => message.type() === "error" && !/status of [45]\d\d|ERR_FAILED/.test(message.text()) && wrong.push(message.text()));
  t.after(async () => {
    await context.close();
    assert.deepEqual(wrong, []);
  });
  await page.goto(from);
  return page;
}

const shot = (page, name) => shots && page.screenshot({ path: join(shots, `${name}.png`) });

test("a photo is chosen, scored, and its answer shown", async (t) => {
  const page = await open(t, { viewport: { width: 1200, height: 900 } });
  await page.locator("#file").setInputFiles(portrait);
  await page.locator("#verdict").waitFor();
  assert.equal(await page.locator("#verdict").textContent(), "Taken for live");
  const answer = JSON.parse(await page.locator("#json").textContent());
  assert.ok(answer.spoofScore < 0.5 && answer.model === "rgb-single-v1");
  // The box lies on the picture where the answer says, whatever the size at which the picture is shown.
  const picture = await page.locator("#photo").boundingBox();
  const box = await page.locator("#box").boundingBox();
  const scale = picture.width / 512;
  assert.ok(Math.abs((box.x - picture.x) / scale - answer.position.left) < 4);
  assert.ok(Math.abs(box.height / scale - answer.position.height) < 6);
  assert.match(await page.locator("#warnings").textContent(), /face is small/);
  assert.match(await page.locator("#time").textContent(), /^\d+ ms$/);
  await shot(page, "photo");
  // The threshold is the user's: below the score everything is a spoof.
  await page.locator("#threshold").fill("0");
  assert.equal(await page.locator("#verdict").textContent(), "Taken for a spoof");
  await page.locator("#copy-json").click();
  assert.deepEqual(JSON.parse(await page.evaluate(() => navigator.clipboard.readText())), answer);
});

test("a photo with an Exif orientation is shown upright, and its box with it", async (t) => {
  const page = await open(t);
  const boxes = [];
  for (const name of ["exif_1.jpg", "exif_6.jpg"]) {
    await page.locator("#file").setInputFiles(join(root, "examples/photos", name));
    await page.locator(`#photo[alt="${name}"]`).waitFor();
    await page.locator("#verdict").waitFor();
    const [picture, box] = [await page.locator("#photo").boundingBox(), await page.locator("#box").boundingBox()];
    boxes.push([box.x - picture.x, box.y - picture.y, box.width, box.height]);
  }
  boxes[0].forEach((side, index) => assert.ok(Math.abs(side - boxes[1][index]) < 4, JSON.stringify(boxes)));
});

test("the curl line repeats the answer", async (t) => {
  const page = await open(t);
  await page.locator("#file").setInputFiles(portrait);
  await page.locator("#verdict").waitFor();
  const command = await page.locator("#curl").textContent();
  const shell = spawn("bash", ["-c", command], { cwd: join(root, "examples/photos") });
  let answer = "";
  for await (const piece of shell.stdout) answer += piece;
  assert.deepEqual(JSON.parse(answer), JSON.parse(await page.locator("#json").textContent()));
});

test("the camera gives a photo, and a burst", async (t) => {
  const page = await open(t);
  for (const [button, model, frames] of [["#one", "rgb-single-v1", 1], ["#burst", "rgb-burst-v1", 5]]) {
    await page.locator("#camera").click();
    await page.locator("#guide").waitFor();
    await page.waitForFunction(() => document.getElementById("video").videoWidth > 0);
    if (frames === 1) await shot(page, "camera");
    await page.locator(button).click();
    await page.locator("#verdict").waitFor();
    assert.equal(await page.locator("#model").textContent(), model);
    assert.equal(await page.locator("#verdict").textContent(), "Taken for live");
    assert.equal(await page.locator("#saves a").count(), frames);
    assert.ok(await page.locator("#video").isHidden(), "the camera is off again");
  }
});

test("without a camera, and without leave to use it, it says so", async (t) => {
  const page = await open(t);
  for (const [name, words] of [["NotFoundError", /No camera was found/], ["NotAllowedError", /not allowed/]]) {
    await page.evaluate((name) => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", name));
    }, name);
    await page.locator("#camera").click();
    assert.match(await page.locator("#error").textContent(), words);
  }
});

test("no face, no picture, and too large a file are told apart", async (t) => {
  const page = await open(t);
  const blank = join(scratch, "blank.png");
  writeFileSync(blank, Buffer.from(await page.evaluate(() => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 200;
    return canvas.toDataURL("image/png").split(",")[1];
  }), "base64"));
  const text = join(scratch, "text.jpg");
  writeFileSync(text, "no picture");
  const large = join(scratch, "large.jpg");
  writeFileSync(large, Buffer.alloc(4_000_000));
  for (const [file, words] of [[blank, /No face was found/], [text, /not a JPEG/], [large, /too large/]]) {
    await page.locator("#file").setInputFiles(file);
    await page.locator("#error").filter({ hasText: words }).waitFor({ timeout: 5000 });
    assert.ok(await page.locator("#answer").isHidden());
  }
  await page.route("**/v1/liveness", (route) => route.abort());
  await page.locator("#file").setInputFiles(portrait);
  await page.locator("#error").filter({ hasText: /cannot be reached/ }).waitFor();
});

test("a server that asks for a key gets it", async (t) => {
  const made = spawn(join(root, "target/release/examples/server"), ["--new-key", "page"]);
  let line = "", key = "";
  made.stdout.on("data", (data) => { line += data; });
  made.stderr.on("data", (data) => { key += data; });
  await new Promise((resolve) => made.once("close", resolve));
  const keys = join(scratch, "keys");
  writeFileSync(keys, line);
  const guarded = await listen(["--keys", keys]);
  t.after(() => guarded.process.kill());
  const page = await open(t, {}, guarded.origin);
  await page.locator("#file").setInputFiles(portrait);
  await page.locator("#error").filter({ hasText: /API key/ }).waitFor();
  await page.locator("#key").fill(key.trim());
  await page.locator("#key").press("Enter");
  await page.locator("#verdict").waitFor();
  assert.match(await page.locator("#curl").textContent(), /Bearer \$KEY/);
  assert.ok(!(await page.content()).includes(key.trim()));
});

test("on a phone's width, in the dark, and by the keyboard alone", async (t) => {
  const page = await open(t, { viewport: { width: 360, height: 740 }, colorScheme: "dark" });
  const wide = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(await wide() <= 0);
  // Two links, then the file: its chooser opens by the keyboard.
  for (let presses = 0; presses < 3; presses++) await page.keyboard.press("Tab");
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.keyboard.press("Space")]);
  await chooser.setFiles(portrait);
  await page.locator("#verdict").waitFor();
  assert.ok(await wide() <= 0);
  await page.locator("#threshold").focus();
  await page.keyboard.press("Home");
  assert.equal(await page.locator("#verdict").textContent(), "Taken for a spoof");
  await page.keyboard.press("End");
  assert.equal(await page.locator("#verdict").textContent(), "Taken for live");
  const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.equal(ground, "rgb(20, 23, 28)");
  await shot(page, "phone");
});

test("the API is readable at /docs", async (t) => {
  const page = await open(t);
  await page.goto(`${origin}/docs/`);
  await page.locator("#operations-default-detectLiveness, .opblock").first().waitFor();
});
