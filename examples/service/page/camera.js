// The camera: starts it, shows it, and captures frames.

import { PageError } from "./client.js";

const BURST_FRAMES = 5;
const BURST_PAUSE_MS = 200;
const REASONS = {
  NotAllowedError:
    "The browser was not allowed to use the camera. Allow it in the address bar and try again.",
  NotFoundError: "No camera was found.",
  NotReadableError: "Another program is using the camera.",
};

let stream = null;

export async function start(video) {
  if (!navigator.mediaDevices) throw new PageError("The camera needs HTTPS or localhost.");
  try {
    const wanted = { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 720 } };
    stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
  } catch (error) {
    throw new PageError(REASONS[error.name] ?? "The camera does not work.");
  }
  video.srcObject = stream;
  await video.play();
}

export function stop(video) {
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  video.srcObject = null;
}

/** Captures one frame, or the frames of a burst, as JPEG files. */
export async function capture(video, burst) {
  const files = [];
  for (let index = 0; index < (burst ? BURST_FRAMES : 1); index++) {
    if (index) await new Promise((resolve) => setTimeout(resolve, BURST_PAUSE_MS));
    files.push(await frame(video, burst ? `frame-${index}.jpg` : "photo.jpg"));
  }
  return files;
}

function frame(video, name) {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  return new Promise((resolve, reject) => canvas.toBlob((blob) => {
    if (blob) resolve(new File([blob], name, { type: "image/jpeg" }));
    else reject(new PageError("The camera gave no frame."));
  }, "image/jpeg", 0.95));
}
