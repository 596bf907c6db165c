// The page: scores a photo from a file or the camera, by the server or on this device, and shows
// the answer.

import * as camera from "./camera.js";
import { PageError, curl, detect, toServer } from "./client.js";
import * as device from "./device.js";
import * as live from "./live.js";
import { upright } from "./orientation.js";
import * as result from "./result.js";

const $ = (id) => document.getElementById(id);
let files = [];
let fromCamera = false;
let needsKey = false;
// The number of the latest request: an answer to an earlier one is dropped.
let latest = 0;

// The options of the page: a server to score on, and the package to score on this device.
const { server: hasServer, device: hasDevice } = Object.fromEntries(
  ["server", "device"].map((name) => [name, name in document.body.dataset]));

const setStatus = (text) => { $("status").textContent = text; };

function showError(error) {
  setStatus("");
  const known = error instanceof PageError;
  $("error").textContent = known ? error.message : "Something went wrong on this page.";
  $("error").hidden = false;
  if (error.answer) result.raw(error.answer);
  if (error.needsKey) {
    needsKey = true;
    $("keyform").hidden = false;
    $("key").focus();
  }
}

const onDevice = () => $("on-device").checked;

/** Shows a photo, scores it, and shows the answer. A burst is shown by its first frame. */
async function score(chosen, { taken = false } = {}) {
  const request = ++latest;
  files = chosen;
  fromCamera = taken;
  result.clear();
  setStatus("Scoring…");
  try {
    const picture = await upright(files[0]);
    if (request !== latest) return;
    URL.revokeObjectURL($("photo").src);
    $("photo").src = URL.createObjectURL(picture);
    $("photo").alt = files[0].name;
    $("picture").hidden = false;
    $("empty").hidden = true;
    const answered = await detect(files, onDevice() ? device.send : toServer($("key").value));
    if (request !== latest) return;
    await $("photo").decode();
    if (request !== latest) return;
    result.show(answered, $("photo"));
    setStatus(onDevice() ? "Scored on this device." : "Scored.");
    if (hasServer) offerRepeat();
  } catch (error) {
    if (request === latest) showError(error);
  }
}

/** Shows a command that repeats the request, with links to save the frames of the camera. */
function offerRepeat() {
  $("curl").textContent = curl(files, needsKey);
  $("saves").replaceChildren(...(fromCamera ? files.map((file) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(file);
    link.download = file.name;
    link.textContent = `Save ${file.name}`;
    link.className = "save";
    return link;
  }) : []));
  $("repeat").hidden = false;
}

function choose(file) {
  if (!file) return;
  showCamera(false);
  score([file]);
}

function showCamera(on) {
  if (!on) {
    live.stop();
    camera.stop($("video"));
  }
  for (const id of ["video", "guide", "one", "burst", "stop", "hint"]) {
    $(id).toggleAttribute("hidden", !on);
  }
  $("camera").hidden = on;
  $("picture").hidden ||= on;
  $("empty").hidden = on || !$("picture").hidden;
}

$("file").addEventListener("change", () => {
  choose($("file").files[0]);
  $("file").value = "";
});
$("camera").addEventListener("click", async () => {
  // An answer on its way is that of a photo, and must not appear beside the camera.
  latest++;
  result.clear();
  // A second click while the camera starts would start it twice, and leave one on.
  $("camera").disabled = true;
  try {
    await camera.start($("video"));
    showCamera(true);
    setStatus("The camera is on.");
    $("one").focus();
    if (onDevice()) live.start($("video"), showError);
  } catch (error) {
    showError(error);
  } finally {
    $("camera").disabled = false;
  }
});
$("stop").addEventListener("click", () => {
  latest++;
  showCamera(false);
  setStatus("The camera is off.");
});
for (const [id, burst] of [["one", false], ["burst", true]]) {
  $(id).addEventListener("click", async () => {
    const request = ++latest;
    try {
      setStatus(burst ? "Hold still…" : "");
      const frames = await camera.capture($("video"), burst);
      // A photo was chosen, or the camera turned off, in the meantime.
      if (request !== latest) return;
      showCamera(false);
      await score(frames, { taken: true });
    } catch (error) {
      if (request === latest) showError(error);
    }
  });
}
$("on-device").addEventListener("change", async () => {
  showDevice();
  const isOn = $("video").srcObject !== null;
  if (!onDevice()) return live.stop();
  if (isOn) live.start($("video"), showError);
  try {
    await device.load();
  } catch (error) {
    showError(error);
  }
});
$("threshold").addEventListener("input", result.judge);
$("keyform").addEventListener("submit", (event) => {
  event.preventDefault();
  score(files, { taken: fromCamera });
});
for (const [id, source] of [["copy-json", "json"], ["copy-curl", "curl"]]) {
  $(id).addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText($(source).textContent);
      setStatus("Copied.");
    } catch {
      getSelection().selectAllChildren($(source));
      setStatus("Selected; copy it with the keyboard.");
    }
  });
}
$("stage").addEventListener("dragover", (event) => {
  event.preventDefault();
  $("stage").classList.add("dragged");
});
$("stage").addEventListener("dragleave", () => $("stage").classList.remove("dragged"));
$("stage").addEventListener("drop", (event) => {
  event.preventDefault();
  $("stage").classList.remove("dragged");
  choose(event.dataTransfer.files[0]);
});

function showDevice() {
  $("to-server").hidden = onDevice();
  $("to-nobody").hidden = !onDevice();
}

$("device").hidden = !hasDevice;
if (!hasServer) {
  $("api").hidden = true;
  $("on-device").checked = true;
  $("on-device").disabled = true;
  device.load().catch(showError);
}
// A browser keeps the state of a switch when the page is loaded again.
if (!hasDevice) $("on-device").checked = false;
showDevice();
result.judge();
