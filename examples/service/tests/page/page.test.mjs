// Tests the page in Chromium: `node --test page.test.mjs`. Needs playwright-core, CHROMIUM or
// /usr/bin/chromium, and the built example `server`. SHOTS names a folder for screenshots.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

const require = createRequire(join(process.env.PLAYWRIGHT ?? process.cwd(), "x.js"));
const { chromium } = require("playwright-core");
const root = new URL("../../../../", import.meta.url).pathname;
const portrait = join(root, "examples/photos/astronaut.jpg");
const scratch = mkdtempSync(join(tmpdir(), "page-"));
const shots = process.env.SHOTS;
// `.ci/wasm build` makes it, and `.ci/wasm test` names it.
const browserPackage = process.env.FACE_LIVENESS_PACKAGE;

let server, origin, browser;

async function listen(flags) {
  const server = join(root, "target/release/examples/server");
  const process_ = spawn(server, ["--listen", "127.0.0.1:0", "--log", "warn", ...flags]);
  const line = await new Promise((resolve, reject) => {
    process_.stdout.once("data", (data) => resolve(String(data)));
    process_.once("exit", () => reject(new Error("the server exited")));
  });
  return { process: process_, origin: line.trim().replace("listening on ", "") };
}

before(async () => {
  ({ process: server, origin } = await listen([]));
  // A fake camera that shows the portrait: Chromium loops over a file of JPEGs.
  const camera = join(scratch, "camera.mjpeg");
  writeFileSync(camera, Buffer.concat(Array(30).fill(readFileSync(portrait))));
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
      "--disable-component-update",
      "--use-fake-device-for-media-stream",
      `--use-file-for-fake-video-capture=${camera}`,
    ],
  });
});

after(async () => {
  await browser?.close();
  server?.kill();
});

/** Opens the page. A request to another origin, or an error on the page, fails the test. */
async function open(t, options = {}, from = origin) {
  const permissions = ["camera", "clipboard-read", "clipboard-write"];
  const context = await browser.newContext({ permissions, ...options });
  const page = await context.newPage();
  const wrong = [];
  page.on("request", (request) => {
    const url = request.url();
    if (!/^(blob|data):/.test(url) && !url.startsWith(from)) wrong.push(url);
  });
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("console", (message) => {
    const expected = /status of [45]\d\d|ERR_FAILED/.test(message.text());
    if (message.type() === "error" && !expected) wrong.push(message.text());
  });
  t.after(async () => {
    await context.close();
    assert.deepEqual(wrong, []);
  });
  await page.goto(from);
  return page;
}

const shot = (page, name) => shots && page.screenshot({ path: join(shots, `${name}.png`) });

test("a chosen photo is scored and its answer shown", async (t) => {
  const page = await open(t, { viewport: { width: 1200, height: 900 } });
  await page.locator("#file").setInputFiles(portrait);
  await page.locator("#verdict").waitFor();
  assert.equal(await page.locator("#verdict").textContent(), "Classified as live");
  const answer = JSON.parse(await page.locator("#json").textContent());
  assert.ok(answer.spoofScore < 0.5 && answer.model === "rgb-single-v2");
  // The box is where the answer says, at any size of the photo on the page.
  const picture = await page.locator("#photo").boundingBox();
  const box = await page.locator("#box").boundingBox();
  const scale = picture.width / 512;
  assert.ok(Math.abs((box.x - picture.x) / scale - answer.position.left) < 4);
  assert.ok(Math.abs(box.height / scale - answer.position.height) < 6);
  assert.match(await page.locator("#warnings").textContent(), /face is small/);
  await page.getByText("Measures of the face").click();
  const eyes = page.locator("#quality div", { hasText: "Distance of the eyes" });
  const distance = Number.parseFloat(await eyes.locator("dd").textContent());
  assert.ok(Math.abs(distance - answer.quality.interEyeDistance) < 1, `${distance}`);
  assert.match(await page.locator("#time").textContent(), /^\d+ ms$/);
  assert.ok(await page.locator("#device").isHidden(), "the server was given no package");
  await shot(page, "photo");
  // The user sets the threshold: at 0 every score is a spoof.
  await page.locator("#threshold").fill("0");
  assert.equal(await page.locator("#verdict").textContent(), "Classified as spoof");
  await page.locator("#copy-json").click();
  assert.deepEqual(JSON.parse(await page.evaluate(() => navigator.clipboard.readText())), answer);
});

test("the page works over TLS", async (t) => {
  const [cert, key] = ["cert.pem", "key.pem"].map((name) => join(scratch, name));
  execFileSync("openssl", [
    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
    "-subj", "/CN=localhost", "-days", "1", "-keyout", key, "-out", cert,
  ], { stdio: "ignore" });
  const secure = await listen(["--tls-cert", cert, "--tls-key", key]);
  t.after(() => secure.process.kill());
  const address = secure.origin.replace("http:", "https:");
  const page = await open(t, { ignoreHTTPSErrors: true }, address);
  await page.locator("#file").setInputFiles(portrait);
  await page.locator("#verdict").waitFor();
  assert.equal(await page.locator("#verdict").textContent(), "Classified as live");
});

test("a photo with an Exif orientation and its box are shown upright", async (t) => {
  const page = await open(t);
  const photos = join(root, "examples/photos");
  const here = new URL(".", import.meta.url).pathname;
  // In the PNG, the orientation is after the pixels.
  for (const [folder, ...names] of [
    [photos, "exif_1.jpg", "exif_6.jpg"],
    [here, "upright.webp", "exif_6.webp", "late_exif_6.png"],
  ]) {
    let first = null;
    for (const name of names) {
      await page.locator("#file").setInputFiles(join(folder, name));
      await page.locator(`#photo[alt="${name}"]`).waitFor();
      await page.locator("#verdict").waitFor();
      const picture = await page.locator("#photo").boundingBox();
      const box = await page.locator("#box").boundingBox();
      const sides = [box.x - picture.x, box.y - picture.y, box.width, box.height];
      const pixels = await page.locator("#photo").evaluate((photo) => {
        const canvas = Object.assign(document.createElement("canvas"), { width: 8, height: 8 });
        const context = canvas.getContext("2d");
        context.drawImage(photo, 0, 0, 8, 8);
        return [...context.getImageData(0, 0, 8, 8).data];
      });
      first ??= { sides, pixels };
      sides.forEach((value, index) => {
        assert.ok(Math.abs(value - first.sides[index]) < 4, `${name}: ${sides}, ${first.sides}`);
      });
      const difference = pixels.reduce(
        (sum, value, index) => sum + Math.abs(value - first.pixels[index]), 0) / pixels.length;
      assert.ok(difference < 12, `${name}: ${difference}`);
    }
  }
});

test("a late answer does not appear beside the camera", async (t) => {
  const page = await open(t);
  await page.route("**/v1/liveness", async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await route.continue();
  });
  const asked = page.waitForRequest("**/v1/liveness");
  const answered = page.waitForResponse("**/v1/liveness");
  await page.locator("#file").setInputFiles(portrait);
  await asked;
  await page.locator("#camera").click();
  await page.locator("#video").waitFor();
  await answered;
  await page.waitForTimeout(200);
  assert.ok(await page.locator("#answer").isHidden());
  assert.equal(await page.locator("#status").textContent(), "The camera is on.");
});

test("the curl command repeats the request", async (t) => {
  const page = await open(t);
  await page.locator("#file").setInputFiles(portrait);
  await page.locator("#verdict").waitFor();
  const command = await page.locator("#curl").textContent();
  const shell = spawn("bash", ["-c", command], { cwd: join(root, "examples/photos") });
  let answer = "";
  for await (const piece of shell.stdout) answer += piece;
  assert.deepEqual(JSON.parse(answer), JSON.parse(await page.locator("#json").textContent()));
});

test("the camera takes a photo and a burst", async (t) => {
  const page = await open(t);
  const captures = [["#one", "rgb-single-v2", 1], ["#burst", "rgb-burst-v2", 5]];
  for (const [button, model, frames] of captures) {
    await page.locator("#camera").click();
    await page.locator("#guide").waitFor();
    await page.waitForFunction(() => document.getElementById("video").videoWidth > 0);
    if (frames === 1) await shot(page, "camera");
    await page.locator(button).click();
    await page.locator("#verdict").waitFor();
    assert.equal(await page.locator("#model").textContent(), model);
    assert.equal(await page.locator("#verdict").textContent(), "Classified as live");
    assert.equal(await page.locator("#saves a").count(), frames);
    assert.ok(await page.locator("#video").isHidden(), "the camera is off again");
  }
});

test("a late answer does not appear beside the next photo", async (t) => {
  const page = await open(t);
  let first = true;
  await page.route("**/v1/liveness", async (route) => {
    const late = first;
    first = false;
    if (late) await new Promise((resolve) => setTimeout(resolve, 1500));
    await route.continue();
  });
  const answers = [];
  page.on("response", async (response) => {
    if (response.url().endsWith("/v1/liveness")) answers.push(await response.json());
  });
  await page.locator("#file").setInputFiles(portrait);
  await page.locator("#file").setInputFiles(portrait.replace(".jpg", ".png"));
  while (answers.length < 2) await page.waitForTimeout(50);
  await page.waitForTimeout(200);
  const [png, jpeg] = answers;
  assert.notEqual(png.spoofScore, jpeg.spoofScore);
  assert.deepEqual(JSON.parse(await page.locator("#json").textContent()), png);
});

test("two clicks start the camera once", async (t) => {
  const page = await open(t);
  await page.evaluate(() => {
    window.streams = [];
    const start = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (wanted) => {
      const stream = await start(wanted);
      window.streams.push(stream);
      return stream;
    };
    document.getElementById("camera").click();
    document.getElementById("camera").click();
  });
  await page.locator("#stop").click();
  const tracks = await page.evaluate(() => window.streams.map((stream) => stream.active));
  assert.deepEqual(tracks, [false]);
});

test("a missing or forbidden camera is reported", async (t) => {
  const page = await open(t);
  const errors = [["NotFoundError", /No camera was found/], ["NotAllowedError", /not allowed/]];
  for (const [name, words] of errors) {
    await page.evaluate((name) => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", name));
    }, name);
    await page.locator("#camera").click();
    assert.match(await page.locator("#error").textContent(), words);
  }
});

test("a photo without a face, a broken file and a large file are told apart", async (t) => {
  const page = await open(t);
  const blank = join(scratch, "blank.png");
  writeFileSync(blank, Buffer.from(await page.evaluate(() => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 200;
    return canvas.toDataURL("image/png").split(",")[1];
  }), "base64"));
  const text = join(scratch, "text.jpg");
  writeFileSync(text, "not an image");
  const large = join(scratch, "large.jpg");
  writeFileSync(large, Buffer.alloc(4_000_000));
  const heic = join(scratch, "photo.heic");
  writeFileSync(heic, Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic", "latin1"));
  const files = [
    [blank, /No face was found/],
    [text, /^The file is not a JPEG, PNG, GIF, WebP or BMP\.$/],
    [heic, /^HEIC is not supported: convert the file to JPEG\.$/],
    [large, /Too large/],
  ];
  for (const [file, words] of files) {
    await page.locator("#file").setInputFiles(file);
    await page.locator("#error").filter({ hasText: words }).waitFor({ timeout: 5000 });
    assert.ok(await page.locator("#answer").isHidden());
  }
  await page.route("**/v1/liveness", (route) => route.abort());
  await page.locator("#file").setInputFiles(portrait);
  await page.locator("#error").filter({ hasText: /cannot be reached/ }).waitFor();
  // As of a file that was deleted.
  await page.evaluate(() => {
    Blob.prototype.arrayBuffer = () => Promise.reject(new DOMException("", "NotFoundError"));
  });
  await page.locator("#file").setInputFiles(portrait);
  await page.locator("#error").filter({ hasText: /cannot be read/ }).waitFor();
});

test("a server that requires a key gets it", async (t) => {
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

test("the page works on a phone, in dark mode, by keyboard alone", async (t) => {
  const page = await open(t, { viewport: { width: 360, height: 740 }, colorScheme: "dark" });
  const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(await overflow() <= 0);
  // Two links, then the file input, which opens its chooser by keyboard. The listener comes first:
  // Chromium takes a moment to start reporting choosers, and drops one opened before that.
  const opened = page.waitForEvent("filechooser");
  await page.bringToFront();
  for (const reached of ["API", "OpenAPI", "file"]) {
    await page.keyboard.press("Tab");
    await page.waitForFunction((name) => {
      const { id, textContent } = document.activeElement;
      return name === (id || textContent);
    }, reached);
  }
  await page.keyboard.press("Space");
  const chooser = await opened;
  await chooser.setFiles(portrait);
  await page.locator("#verdict").waitFor();
  assert.ok(await overflow() <= 0);
  await page.locator("#threshold").focus();
  await page.keyboard.press("Home");
  assert.equal(await page.locator("#verdict").textContent(), "Classified as spoof");
  await page.keyboard.press("End");
  assert.equal(await page.locator("#verdict").textContent(), "Classified as live");
  const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.equal(ground, "rgb(20, 23, 28)");
  await shot(page, "phone");
});

if (browserPackage) test("a photo scored on this device is sent nowhere", async (t) => {
  const offering = await listen(["--browser-package", browserPackage]);
  t.after(() => offering.process.kill());
  const page = await open(t, {}, offering.origin);
  const sent = [];
  page.context().on("request", (request) => {
    if (request.method() !== "GET" || request.postData()) sent.push(request.url());
  });
  const answer = async (name) => {
    await page.locator("#file").setInputFiles(join(root, "examples/photos", name));
    await page.locator(`#photo[alt="${name}"]`).waitFor();
    await page.locator("#verdict").waitFor();
    return JSON.parse(await page.locator("#json").textContent());
  };
  const byServer = await answer("astronaut.jpg");
  assert.equal(sent.length, 1);
  assert.ok(await page.locator("#to-nobody").isHidden());
  await page.locator("#on-device").check();
  assert.ok(await page.locator("#to-server").isHidden());
  // Another photo first, so that the answer is a new one.
  await answer("exif_6.jpg");
  const byDevice = await answer("astronaut.jpg");
  assert.ok(Math.abs(byDevice.spoofScore - byServer.spoofScore) < 1e-4);
  assert.deepEqual(byDevice.position, byServer.position);
  await page.locator("#camera").click();
  await page.locator("#live-box").waitFor();
  await page.locator("#one").click();
  await page.locator("#verdict").waitFor();
  assert.equal(sent.length, 1, sent.join("\n"));
  await page.locator("#on-device").uncheck();
  await answer("exif_6.jpg");
  assert.equal(sent.length, 2);
});

test("/docs shows the API", async (t) => {
  const page = await open(t);
  await page.goto(`${origin}/docs/`);
  await page.locator("#operations-default-detectLiveness, .opblock").first().waitFor();
});
