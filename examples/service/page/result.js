// Shows the answer.

const WARNINGS = {
  multipleFaces: "The photo shows more than one face; the largest was used.",
  smallFace: "The face is small. Come closer: 200 pixels or more are better.",
  faceNearEdge: "The face is at the edge of the photo.",
  borders: "The photo has a border. Send the photo as the camera took it.",
  lowLight: "The face is dark.",
  overexposed: "The face is too bright in places.",
  lowContrast: "The photo is hazy. Clean the camera, and avoid light that shines into it.",
  blurred: "The face is blurred.",
  greyscale: "The face has no colour.",
  rotated: "The face is sideways or upside down in the photo.",
  distorted: "The face is far too narrow or too wide. Send the photo as the camera took it.",
  frameWithoutFace: "A frame shows no face. Keep the face in the picture.",
  repeatedFrame: "Two frames show the same picture.",
};

// The measures of `quality`: their names on the page, the digits after the point, and the unit.
const MEASURES = {
  interEyeDistance: ["Distance of the eyes", 0, " px"],
  headPoseRoll: ["Tilt of the head", 0, "°"],
  edgeDistance: ["Distance from the edge", 2, " faces"],
  luma: ["Brightness", 0, " of 255"],
  underExposure: ["Too dark", 0, " %", 100],
  overExposure: ["Too bright", 0, " %", 100],
  blackPoint: ["Darkest", 0, " of 255"],
  whitePoint: ["Brightest", 0, " of 255"],
  sharpness: ["Sharpness", 2, ""],
  colour: ["Colour", 0, " of 255"],
};

const $ = (id) => document.getElementById(id);
let score = null;

/** Shows an answer, and the box of the face on the photo. */
export function show({ text, answer, time }, photo) {
  score = answer.spoofScore;
  const { left, top, width, height } = answer.position;
  $("overlay").setAttribute("viewBox", `0 0 ${photo.naturalWidth} ${photo.naturalHeight}`);
  for (const [name, value] of Object.entries({ x: left, y: top, width, height })) {
    $("box").setAttribute(name, value);
  }
  $("overlay").removeAttribute("hidden");
  $("warnings").replaceChildren(...(answer.warnings ?? []).map((name) => {
    const item = document.createElement("li");
    item.textContent = WARNINGS[name] ?? name;
    return item;
  }));
  $("quality").replaceChildren(...facts(answer.quality ?? {}));
  $("face").textContent = `${width} × ${height} px at ${left}, ${top}`;
  $("model").textContent = answer.model;
  $("time").textContent = `${time.toFixed(0)} ms`;
  $("answer").hidden = false;
  raw(text);
  judge();
}

/** The measures that the page names. */
function facts(quality) {
  const measured = Object.entries(MEASURES).filter(([name]) => name in quality);
  return measured.map(([name, [label, digits, unit, factor = 1]]) => {
    const fact = document.createElement("div");
    const [term, value] = ["dt", "dd"].map((tag) => document.createElement(tag));
    term.textContent = label;
    value.textContent = `${(factor * quality[name]).toFixed(digits)}${unit}`;
    fact.append(term, value);
    return fact;
  });
}

/** Compares the score with the threshold. */
export function judge() {
  const threshold = Number($("threshold").value);
  $("threshold-value").textContent = threshold.toFixed(2);
  $("limit").style.left = `${100 * threshold}%`;
  if (score === null) return;
  const spoof = score >= threshold;
  $("verdict").textContent = spoof ? "Classified as spoof" : "Classified as live";
  const digits = score < 0.0001 ? score.toExponential(1) : score.toFixed(4);
  $("verdict-why").textContent = `spoof score ${digits}`;
  $("verdict").parentElement.classList.toggle("spoof", spoof);
  $("overlay").classList.toggle("spoof", spoof);
  $("needle").style.left = `${100 * score}%`;
  $("gauge").setAttribute("aria-valuenow", score);
}

/** Shows the text of an answer, indented if it is JSON. */
export function raw(text) {
  let pretty = text;
  try { pretty = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON */ }
  $("json").textContent = pretty;
  $("raw").hidden = false;
}

export function clear() {
  score = null;
  $("overlay").setAttribute("hidden", "");
  for (const id of ["answer", "raw", "repeat", "error"]) $(id).hidden = true;
}
