// The camera's frames, scored on this device: the box of the face, and what to do better.

import * as device from "./device.js";

// The first of these that a frame has is shown.
const GUIDANCE = {
  multipleFaces: "Only one person, please.",
  faceNearEdge: "Move to the centre.",
  smallFace: "Come closer.",
  lowLight: "Find more light.",
  overexposed: "Find softer light.",
  lowContrast: "Clean the camera, and keep light out of it.",
  blurred: "Hold still.",
};
const NO_FACE = "No face yet: look at the camera.";
const GOOD = "Good: take the photo.";

const $ = (id) => document.getElementById(id);
// The number of the latest start: a loop of an earlier one ends.
let latest = 0;

/** Scores one frame of a video after another until `stop`. */
export async function start(video, failed) {
  const run = ++latest;
  $("guidance").textContent = "";
  $("guidance").dataset.frames = 0;
  $("guidance").hidden = false;
  try {
    while (run === latest) {
      const bitmap = await createImageBitmap(video);
      const { width, height } = bitmap;
      const response = await device.frame(bitmap);
      if (run !== latest) return;
      show(response, width, height);
      await new Promise(requestAnimationFrame);
    }
  } catch (error) {
    if (run !== latest) return;
    stop();
    failed(error);
  }
}

export function stop() {
  latest++;
  $("live").setAttribute("hidden", "");
  $("guidance").hidden = true;
}

function show(response, width, height) {
  $("guidance").dataset.frames++;
  const words = response ? advice(response.warnings ?? []) : NO_FACE;
  // A screen reader reads each change.
  if ($("guidance").textContent !== words) $("guidance").textContent = words;
  $("live").toggleAttribute("hidden", !response);
  if (!response) return;
  const { left, top, width: across, height: down } = response.position;
  $("live").setAttribute("viewBox", `0 0 ${width} ${height}`);
  for (const [name, value] of Object.entries({ x: left, y: top, width: across, height: down })) {
    $("live-box").setAttribute(name, value);
  }
}

const advice = (warnings) =>
  GUIDANCE[Object.keys(GUIDANCE).find((name) => warnings.includes(name))] ?? GOOD;
