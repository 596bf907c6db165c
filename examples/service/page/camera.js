// The camera: started, shown, and frames taken from it.

import { Trouble } from "./client.js";

const BURST_FRAMES = 5;
const BURST_PAUSE_MS = 200;
const REASONS = {
  NotAllowedError: "The browser was not allowed to use the camera. Allow it beside the address, and try again.",
  NotFoundError: "No camera was found.",
  NotReadableError: "The camera is used by another program.",
};

let stream = null;

export async function start(video) {
  if (!navigator.mediaDevices) throw new Trouble("The camera needs https, or this machine's own address.");
  try {
    const wanted = { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 720 } };
    stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
  } catch (error) {
    throw new Trouble(REASONS[error.name] ?? "The camera cannot be used.");
  }
  video.srcObject = stream;
  await video.play();
}

export function stop(video) {
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  video.srcObject = null;
}

/** One frame, or the frames of a burst, as JPEG files. */
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
  return new Promise((resolve, reject) => canvas.toBlob(
    (blob) => blob ? resolve(new File([blob], name, { type: "image/jpeg" })) : reject(new Trouble("The camera gave no frame.")),
    "image/jpeg", 0.95));
}
