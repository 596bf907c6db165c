// The worker of device.js: one engine, one question after another.

import init, { Engine } from "./package/face_liveness.js";

const NO_FACE = 223;
const ready = init().then(() => new Engine());
// A failure is reported with the first question.
ready.catch(() => {});
let context;

/** The pixels of a frame. */
function pixels(bitmap) {
  const { width, height } = bitmap;
  if (context?.canvas.width !== width || context.canvas.height !== height) {
    context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  }
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}

const answers = {
  load: () => null,
  json: (engine, { body }) => engine.detectJson(body),
  frame: (engine, { bitmap }) => {
    try {
      return engine.detectPixels(pixels(bitmap));
    } catch (error) {
      if (error.code === NO_FACE) return null;
      throw error;
    }
  },
};

self.onmessage = async ({ data: { id, kind, ...question } }) => {
  try {
    self.postMessage({ id, answer: answers[kind](await ready, question) });
  } catch (error) {
    self.postMessage({ id, failed: String(error) });
  }
};
