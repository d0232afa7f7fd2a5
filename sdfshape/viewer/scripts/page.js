"use strict";
// One scene drawn with WebGL 2: layers of triangles or points in a box of 16-bit places. Nothing is fetched.
const facts = JSON.parse(document.getElementById("data").textContent);
const canvas = document.getElementById("picture");
const gl = canvas.getContext("webgl2", { antialias: true, preserveDrawingBuffer: true });
const size = Math.hypot(...facts.hi.map((h, k) => h - facts.lo[k])) || 1;
const middle = facts.hi.map((h, k) => (h + facts.lo[k]) / 2);
const span = facts.hi.map((h, k) => h - facts.lo[k]);
const pad = 0.01 * size, lows = facts.lo.map((x) => x - pad), highs = facts.hi.map((x) => x + pad);
const state = {
  clip: false, clipLo: [...lows], clipHi: [...highs], wipe: false, wipeAt: 0.5, left: 0, right: 1, smooth: false,
  parallel: false, measure: false, spin: false, background: "light",
};
const eye = { focal: [0, 0, 0], turn: 0.9, tilt: 0.35, distance: 2 * size };
const layers = [];
let readings = [], due = true;

// --- small vectors and matrices (column by column)
const add = (a, b) => a.map((x, k) => x + b[k]);
const sub = (a, b) => a.map((x, k) => x - b[k]);
const mul = (a, s) => a.map((x) => x * s);
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const unit = (a) => mul(a, 1 / (Math.hypot(...a) || 1));
const decimals = Math.min(12, Math.max(0, 4 - Math.floor(Math.log10(size))));
const digits = (x, n = 6) => Number(x.toPrecision(n)).toString();

function axes() {
  const up = [0, 0, 0], one = [0, 0, 0], two = [0, 0, 0];
  const k = facts.up % 3, sign = facts.up < 3 ? 1 : -1; // upside down: half a turn about `one`
  up[k] = sign; one[(k + 1) % 3] = 1; two[(k + 2) % 3] = sign;
  const flat = add(mul(one, Math.cos(eye.turn)), mul(two, Math.sin(eye.turn)));
  const back = add(mul(flat, Math.cos(eye.tilt)), mul(up, Math.sin(eye.tilt)));
  const right = unit(cross(up, back));
  return { back, right, up: cross(back, right) };
}

function camera() {
  const { back, right, up } = axes();
  const place = add(eye.focal, mul(back, eye.distance));
  const aspect = canvas.width / canvas.height, slope = Math.tan((30 * Math.PI) / 360);
  const near = state.parallel ? eye.distance - 2 * size : Math.max(eye.distance - 2 * size, eye.distance / 500), far = eye.distance + 2 * size;
  const half = slope * eye.distance;
  const view = [right[0], up[0], back[0], 0, right[1], up[1], back[1], 0, right[2], up[2], back[2], 0,
    -dot(right, place), -dot(up, place), -dot(back, place), 1];
  const lens = state.parallel
    ? [1 / (half * aspect), 0, 0, 0, 0, 1 / half, 0, 0, 0, 0, -2 / (far - near), 0, 0, 0, -(far + near) / (far - near), 1]
    : [1 / (slope * aspect), 0, 0, 0, 0, 1 / slope, 0, 0, 0, 0, -(far + near) / (far - near), -1, 0, 0, (-2 * far * near) / (far - near), 0];
  const both = new Float32Array(16);
  for (let c = 0; c < 4; c++) for (let r = 0; r < 4; r++) for (let k = 0; k < 4; k++) both[4 * c + r] += lens[4 * k + r] * view[4 * c + k];
  return { both, place, back, right, up, aspect, slope, half };
}

function ray(x, y) {
  const { place, back, right, up, aspect, slope, half } = camera();
  const box = canvas.getBoundingClientRect();
  const a = ((2 * (x - box.left)) / box.width - 1) * aspect, b = 1 - (2 * (y - box.top)) / box.height;
  if (state.parallel) return { start: add(add(add(place, mul(right, a * half)), mul(up, b * half)), mul(back, 10 * size)), way: mul(back, -1), spread: 0, width: (2 * half) / box.height };
  return { start: place, way: unit(add(mul(back, -1), add(mul(right, a * slope), mul(up, b * slope)))), spread: (2 * slope) / box.height, width: 0 };
}

// --- data
async function unpacked(text, width, columns) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const raw = new Uint8Array(await new Response(stream).arrayBuffer());
  const count = raw.length / width / columns, out = new Uint8Array(raw.length);
  for (let c = 0; c < columns; c++) for (let b = 0; b < width; b++) {
    const from = (c * width + b) * count;
    for (let k = 0; k < count; k++) out[(k * columns + c) * width + b] = raw[from + k];
  }
  return out.buffer;
}

async function load(one) {
  const places = new Uint16Array(await unpacked(one.places, 2, 3));
  let faces = null;
  if (one.faces) {
    faces = new Uint32Array(await unpacked(one.faces, 4, 1));
    for (let k = 1, sum = faces[0] | 0; k < faces.length; k++) { sum += faces[k] | 0; faces[k] = sum; }
  }
  const layer = { ...one, places, faces, opacity: 1, size: 3, coloring: -1, colorings: [] };
  for (const c of one.colorings)
    layer.colorings.push({ ...c, rgb: new Uint8Array(await unpacked(c.rgb, 1, 3)), values: c.values && new Float32Array(await unpacked(c.values, 4, 1)) });
  layer.coloring = layer.colorings.findIndex((c) => c.name === "colours of the file");
  upload(layer);
  return layer;
}

function buffer(kind, data) {
  const made = gl.createBuffer();
  gl.bindBuffer(kind, made);
  gl.bufferData(kind, data, gl.STATIC_DRAW);
  return made;
}

function upload(layer) {
  layer.array = gl.createVertexArray();
  gl.bindVertexArray(layer.array);
  buffer(gl.ARRAY_BUFFER, layer.places);
  gl.enableVertexAttribArray(0);
  gl.vertexAttribPointer(0, 3, gl.UNSIGNED_SHORT, true, 0, 0);
  if (layer.faces) {
    buffer(gl.ARRAY_BUFFER, normals(layer));
    gl.enableVertexAttribArray(1);
    gl.vertexAttribPointer(1, 3, gl.BYTE, true, 4, 0);
    buffer(gl.ELEMENT_ARRAY_BUFFER, layer.faces);
  }
  layer.colors = layer.colorings.map((c) => buffer(gl.ARRAY_BUFFER, c.rgb));
}

function normals({ places, faces, count }) {
  const sum = new Float32Array(3 * count), out = new Int8Array(4 * count);
  const corner = (v) => [places[3 * v] * span[0], places[3 * v + 1] * span[1], places[3 * v + 2] * span[2]];
  for (let k = 0; k < faces.length; k += 3) {
    const a = corner(faces[k]), n = cross(sub(corner(faces[k + 1]), a), sub(corner(faces[k + 2]), a));
    for (let j = 0; j < 3; j++) for (let d = 0; d < 3; d++) sum[3 * faces[k + j] + d] += n[d];
  }
  for (let v = 0; v < count; v++) {
    const n = unit([sum[3 * v], sum[3 * v + 1], sum[3 * v + 2]]);
    for (let d = 0; d < 3; d++) out[4 * v + d] = Math.round(127 * n[d]);
  }
  return out;
}

// --- drawing
const VERTEX = `#version 300 es
layout(location=0) in vec3 place; layout(location=1) in vec3 normal; layout(location=2) in vec3 color;
uniform mat4 both; uniform vec3 lo, span; uniform float size;
out vec3 at, facing, tint;
void main() { at = lo + span * place; facing = normal; tint = color; gl_Position = both * vec4(at, 1.0); gl_PointSize = size; }`;
const FRAGMENT = `#version 300 es
precision highp float;
in vec3 at, facing, tint; out vec4 pixel;
uniform vec3 plain, eye, clipLo, clipHi; uniform float opacity, side, line; uniform bool colored, lit, smoothly, clipped;
void main() {
  if (clipped && (any(lessThan(at, clipLo)) || any(greaterThan(at, clipHi)))) discard;
  if ((gl_FragCoord.x - line) * side < 0.0) discard;
  vec3 c = colored ? tint : plain;
  if (lit) {
    vec3 n = smoothly ? normalize(facing) : normalize(cross(dFdx(at), dFdy(at)));
    vec3 way = normalize(eye - at);
    c = c * (0.18 + 0.82 * abs(dot(n, way))) + 0.12 * pow(abs(dot(n, way)), 24.0);
  }
  pixel = vec4(c, opacity);
}`;

function compiled() {
  const made = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  return made;
}
const program = gl && compiled();
const where = (name) => gl.getUniformLocation(program, name);
const BACKGROUNDS = { light: [0.9, 0.915, 0.93], white: [1, 1, 1], dark: [0.1, 0.11, 0.13] };

function sideOf(k) {
  if (!state.wipe || state.left === state.right) return 0;
  return k === state.left ? -1 : k === state.right ? 1 : 0;
}
const visible = (layer, k) => layer.shown || sideOf(k) !== 0;

function draw() {
  const box = canvas.getBoundingClientRect(), ratio = window.devicePixelRatio || 1;
  const width = Math.max(1, Math.round(box.width * ratio)), height = Math.max(1, Math.round(box.height * ratio));
  if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
  const { both, place } = camera();
  gl.viewport(0, 0, width, height);
  gl.clearColor(...BACKGROUNDS[state.background], 1);
  gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
  gl.enable(gl.DEPTH_TEST);
  gl.enable(gl.BLEND);
  gl.blendFuncSeparate(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA, gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  gl.useProgram(program);
  gl.uniformMatrix4fv(where("both"), false, both);
  gl.uniform3fv(where("lo"), sub(facts.lo, middle));
  gl.uniform3fv(where("span"), span);
  gl.uniform3fv(where("eye"), place);
  gl.uniform1i(where("clipped"), state.clip);
  gl.uniform3fv(where("clipLo"), sub(state.clipLo, middle));
  gl.uniform3fv(where("clipHi"), sub(state.clipHi, middle));
  gl.uniform1f(where("line"), state.wipeAt * width);
  gl.uniform1i(where("smoothly"), state.smooth);
  const order = layers.map((_, k) => k).sort((a, b) => layers[b].opacity - layers[a].opacity);
  for (const k of order) if (visible(layers[k], k)) drawLayer(layers[k], k, ratio);
  if (state.wipe) drawLine(width, height);
  drawMarks();
}

function drawLayer(layer, k, ratio) {
  gl.bindVertexArray(layer.array);
  const colored = layer.coloring >= 0;
  if (colored) {
    gl.bindBuffer(gl.ARRAY_BUFFER, layer.colors[layer.coloring]);
    gl.enableVertexAttribArray(2);
    gl.vertexAttribPointer(2, 3, gl.UNSIGNED_BYTE, true, 0, 0);
  } else gl.disableVertexAttribArray(2);
  gl.uniform1i(where("colored"), colored);
  gl.uniform1i(where("lit"), !!layer.faces);
  gl.uniform3fv(where("plain"), layer.color);
  gl.uniform1f(where("opacity"), layer.opacity);
  gl.uniform1f(where("size"), layer.size * ratio);
  gl.uniform1f(where("side"), sideOf(k));
  gl.depthMask(layer.opacity > 0.99);
  if (layer.faces) gl.drawElements(gl.TRIANGLES, layer.faces.length, gl.UNSIGNED_INT, 0);
  else gl.drawArrays(gl.POINTS, 0, layer.count);
  gl.depthMask(true);
}

function drawLine(width, height) {
  gl.enable(gl.SCISSOR_TEST);
  gl.scissor(Math.round(state.wipeAt * width) - 1, 0, 2, height);
  gl.clearColor(0.9, 0.4, 0.1, 1);
  gl.clear(gl.COLOR_BUFFER_BIT);
  gl.disable(gl.SCISSOR_TEST);
}

function drawMarks() {
  const { both } = camera();
  gl.enable(gl.SCISSOR_TEST);
  gl.clearColor(0.9, 0.35, 0.1, 1);
  for (const { place } of readings) {
    const p = sub(place, middle), clip = [0, 1, 3].map((r) => both[r] * p[0] + both[4 + r] * p[1] + both[8 + r] * p[2] + both[12 + r]);
    if (clip[2] <= 0) continue;
    gl.scissor(((clip[0] / clip[2] + 1) / 2) * canvas.width - 4, ((clip[1] / clip[2] + 1) / 2) * canvas.height - 4, 8, 8);
    gl.clear(gl.COLOR_BUFFER_BIT);
  }
  gl.disable(gl.SCISSOR_TEST);
}

// --- reading a place: the first triangle or point on the way of the eye
function pick(x, y) {
  const { start, way, spread, width } = ray(x, y), box = canvas.getBoundingClientRect();
  const onLeft = (x - box.left) / box.width < state.wipeAt;
  let best = null;
  layers.forEach((layer, k) => {
    const side = sideOf(k);
    if (!visible(layer, k) || (side < 0 && !onLeft) || (side > 0 && onLeft)) return;
    const found = layer.faces ? pickFace(layer, start, way) : pickPoint(layer, start, way, spread, width);
    if (found && (!best || found.depth < best.depth)) best = { ...found, layer };
  });
  return best;
}

const place = (layer, v) => [0, 1, 2].map((d) => facts.lo[d] + (span[d] * layer.places[3 * v + d]) / 65535);
const inside = (p) => !state.clip || p.every((x, d) => x >= state.clipLo[d] && x <= state.clipHi[d]);

function pickFace(layer, start, way) {
  const { places: q, faces } = layer, s = mul(span, 1 / 65535), o = sub(sub(facts.lo, middle), start);
  let best = null;
  for (let k = 0; k < faces.length; k += 3) {
    const a = 3 * faces[k], b = 3 * faces[k + 1], c = 3 * faces[k + 2];
    const ax = o[0] + s[0] * q[a], ay = o[1] + s[1] * q[a + 1], az = o[2] + s[2] * q[a + 2];
    const ux = s[0] * (q[b] - q[a]), uy = s[1] * (q[b + 1] - q[a + 1]), uz = s[2] * (q[b + 2] - q[a + 2]);
    const vx = s[0] * (q[c] - q[a]), vy = s[1] * (q[c + 1] - q[a + 1]), vz = s[2] * (q[c + 2] - q[a + 2]);
    const px = way[1] * vz - way[2] * vy, py = way[2] * vx - way[0] * vz, pz = way[0] * vy - way[1] * vx;
    const det = ux * px + uy * py + uz * pz;
    if (det === 0) continue;
    const u = -(ax * px + ay * py + az * pz) / det;
    if (u < 0 || u > 1) continue;
    const rx = -(ay * uz - az * uy), ry = -(az * ux - ax * uz), rz = -(ax * uy - ay * ux);
    const v = (way[0] * rx + way[1] * ry + way[2] * rz) / det;
    if (v < 0 || u + v > 1) continue;
    const t = (vx * rx + vy * ry + vz * rz) / det;
    if (t <= 0 || (best && t >= best.depth)) continue;
    const at = add(add(add(start, middle), mul(way, t)), [0, 0, 0]);
    if (inside(at)) best = { depth: t, place: at, row: k / 3, vertex: u >= v && u >= 1 - u - v ? faces[k + 1] : v >= 1 - u - v ? faces[k + 2] : faces[k], normal: unit(cross([ux, uy, uz], [vx, vy, vz])) };
  }
  return best;
}

function pickPoint(layer, start, way, spread, width) {
  let best = null;
  const disc = layer.size / 2 + 1;
  for (let v = 0; v < layer.count; v++) {
    const p = place(layer, v), off = sub(sub(p, middle), start), depth = dot(off, way);
    if (depth <= 0 || (best && depth >= best.depth)) continue;
    const aside = Math.hypot(...sub(off, mul(way, depth)));
    if (aside <= disc * (width + spread * depth) && inside(p)) best = { depth, place: p, row: v, vertex: v };
  }
  return best;
}

function read(x, y) {
  const hit = pick(x, y), out = document.getElementById("read");
  if (!hit) readings = [];
  else readings = state.measure && readings.length === 1 ? [readings[0], hit] : [hit];
  const lines = [];
  if (readings.length === 2) lines.push(`${digits(Math.hypot(...sub(readings[0].place, readings[1].place)))} ${facts.unit} apart`);
  for (const one of readings) {
    lines.push(`on: ${one.layer.name}${one.layer.whole ? `, ${one.layer.faces ? "triangle" : "point"} ${one.row.toLocaleString("en")}` : ""}`);
    lines.push(`place: ${one.place.map((x) => x.toFixed(decimals)).join(", ")} ${facts.unit}`);
    if (one.normal) lines.push(`normal: ${one.normal.map((x) => x.toFixed(3)).join(", ")}`);
    for (const c of one.layer.colorings) if (c.values) lines.push(`${c.name}${one.layer.faces ? " at the nearest corner" : ""}: ${digits(c.values[one.vertex], 4)} ${c.unit}`);
  }
  out.hidden = !hit;
  out.textContent = lines.join("\n");
  due = true;
}

// --- the panel
function element(tag, parent, props = {}, text = "") {
  const made = Object.assign(document.createElement(tag), props);
  if (text) made.textContent = text;
  parent.append(made);
  return made;
}
function row(parent, text) {
  const made = element("label", parent);
  element("span", made, {}, text);
  return made;
}
function toggle(parent, text, get, set, key = "") {
  const made = row(parent, text + (key ? ` (${key})` : ""));
  const input = element("input", made, { type: "checkbox", checked: get() });
  made.prepend(input);
  input.onchange = () => { set(input.checked); refresh(); };
  return input;
}
function slider(parent, text, lo, hi, get, set, unit = "") {
  const made = row(parent, text), input = element("input", made, { type: "range", min: 0, max: 1000, value: ((get() - lo) / (hi - lo || 1)) * 1000 });
  const shown = element("span", made, { className: "value" });
  const places = Math.min(12, Math.max(0, 3 - Math.floor(Math.log10(hi - lo || 1))));
  const say = () => { shown.textContent = `${get().toFixed(places)} ${unit}`; };
  input.oninput = () => { set(lo + ((hi - lo) * input.value) / 1000); say(); refresh(); };
  say();
  return input;
}
function choice(parent, text, names, get, set) {
  const made = row(parent, text), input = element("select", made);
  names.forEach((name, k) => element("option", input, { value: k }, name));
  input.value = get();
  input.onchange = () => { set(Number(input.value)); refresh(); };
  return input;
}
function button(parent, text, act) { element("button", parent, { onclick: () => { act(); refresh(); } }, text); }
function group(parent, text, open = true) {
  const made = element("details", parent, { open });
  element("summary", made, {}, text);
  return made;
}

const KEYS = {};
function panel() {
  const side = document.getElementById("side");
  side.textContent = "";
  element("h1", side, {}, facts.title);
  button(side, "Keys and mouse (?)", help);
  layers.forEach((layer, k) => {
    const box = group(side, layer.name);
    element("div", box, { className: "pale counted" }, layer.counted);
    const shown = toggle(box, "Show", () => layer.shown, (x) => { layer.shown = x; }, k < 9 ? String(k + 1) : "");
    shown.dataset.control = `layer${k}_shown`;
    if (k < 9) KEYS[k + 1] = [`Show ${layer.name}`, () => shown.click()];
    const names = ["one colour", ...layer.colorings.map((c) => c.name)];
    choice(box, "Colour by", names, () => layer.coloring + 1, (x) => { layer.coloring = x - 1; }).dataset.control = `layer${k}_color`;
    slider(box, "Opacity", 0.05, 1, () => layer.opacity, (x) => { layer.opacity = x; });
    if (!layer.faces) slider(box, "Point size", 1, 12, () => layer.size, (x) => { layer.size = x; }, "pixels");
  });
  const clip = group(side, "Clip box", false);
  keyed(clip, "Clip", "clip", "c");
  [0, 1, 2].forEach((d) => {
    slider(clip, `From ${"xyz"[d]}`, lows[d], highs[d], () => state.clipLo[d], (x) => { state.clipLo[d] = x; }, facts.unit);
    slider(clip, `To ${"xyz"[d]}`, lows[d], highs[d], () => state.clipHi[d], (x) => { state.clipHi[d] = x; }, facts.unit);
  });
  if (layers.length > 1) {
    const wipe = group(side, "Compare two", false), names = layers.map((layer) => layer.name);
    keyed(wipe, "Wipe", "wipe", "w");
    choice(wipe, "Left", names, () => state.left, (x) => { state.left = x; });
    choice(wipe, "Right", names, () => state.right, (x) => { state.right = x; });
    slider(wipe, "Line at", 0, 1, () => state.wipeAt, (x) => { state.wipeAt = x; });
  }
  const view = group(side, "View");
  button(view, "Home (h)", home);
  KEYS.h = ["Home", home];
  "xyz".split("").forEach((name, d) => {
    button(view, `Along ${name} (${name})`, () => along(d, 1));
    KEYS[name] = [`Along ${name}; capital: from the other side`, () => along(d, 1)];
    KEYS[name.toUpperCase()] = ["", () => along(d, -1)];
  });
  keyed(view, "Measure: click two places", "measure", "m");
  keyed(view, "Smooth shading", "smooth", "f");
  keyed(view, "Without perspective", "parallel", "o");
  keyed(view, "Turn by itself", "spin", "t");
  choice(view, "Background", Object.keys(BACKGROUNDS), () => Object.keys(BACKGROUNDS).indexOf(state.background), (x) => { state.background = Object.keys(BACKGROUNDS)[x]; });
  button(view, "Picture (s)", picture);
  KEYS.s = ["Picture (PNG)", picture];
}
function keyed(parent, text, name, key) {
  const input = toggle(parent, text, () => state[name], (x) => { state[name] = x; if (name === "measure") { readings = []; document.getElementById("read").hidden = true; } }, key);
  input.dataset.control = name;
  KEYS[key] = [text, () => input.click()];
}

function refresh() {
  const bar = document.getElementById("bar"), layer = layers.find((l, k) => visible(l, k) && l.coloring >= 0 && l.colorings[l.coloring].bar);
  bar.hidden = !layer;
  if (layer) {
    const c = layer.colorings[layer.coloring];
    bar.textContent = "";
    element("div", bar, {}, "").style.background = `linear-gradient(90deg, ${c.bar.map((rgb) => `rgb(${rgb})`).join(",")})`;
    const ends = element("p", bar);
    [c.limits[0], (c.limits[0] + c.limits[1]) / 2, c.limits[1]].forEach((x) => element("span", ends, {}, digits(x, 3)));
    element("div", bar, { className: "pale" }, `${layer.name}: ${c.name}${c.unit ? ` [${c.unit}]` : ""}; ${c.about}`).style.height = "auto";
  }
  due = true;
}

function help() {
  const box = document.getElementById("help");
  box.hidden = !box.hidden;
  box.textContent = "";
  const table = element("table", box), mouse = [["drag", "turn"], ["shift + drag", "move"], ["wheel", "nearer, farther"], ["click", "read a place"]];
  const keys = Object.entries(KEYS).filter(([, [text]]) => text).map(([key, [text]]) => [key, text]);
  for (const [key, text] of [...mouse, ...keys, ["?", "this help"]]) {
    const line = element("tr", table);
    element("td", line, {}, key);
    element("td", line, {}, text);
  }
  button(box, "Close", help);
}

function home() { Object.assign(eye, { focal: sub(facts.focal, middle), turn: 0.9, tilt: 0.35, distance: 2.05 * facts.length }); due = true; }
function along(axis, way) {
  home();
  const k = (axis - (facts.up % 3) + 3) % 3;
  if (facts.up > 2 && k !== 1) way = -way;
  if (k === 0) Object.assign(eye, { tilt: (way * Math.PI) / 2 - way * 1e-4 });
  else Object.assign(eye, { tilt: 0, turn: (k === 1 ? 0 : Math.PI / 2) + (way < 0 ? Math.PI : 0) });
}
function picture() {
  draw();
  canvas.toBlob((blob) => {
    const link = element("a", document.body, { href: URL.createObjectURL(blob), download: "sdfshape-view.png" });
    link.click();
    link.remove();
  });
}

// --- mouse, touch, keys
const held = new Map();
let pressed = null, pinch = 0;
canvas.onpointerdown = (e) => { canvas.setPointerCapture(e.pointerId); held.set(e.pointerId, [e.clientX, e.clientY]); pressed = [e.clientX, e.clientY]; pinch = 0; };
canvas.onpointerup = (e) => {
  held.delete(e.pointerId);
  if (pressed && Math.hypot(e.clientX - pressed[0], e.clientY - pressed[1]) < 5 && e.button === 0) read(e.clientX, e.clientY);
  pressed = null;
};
canvas.onpointercancel = (e) => held.delete(e.pointerId);
canvas.onpointermove = (e) => {
  if (!held.has(e.pointerId)) return;
  const [x, y] = held.get(e.pointerId), dx = e.clientX - x, dy = e.clientY - y;
  held.set(e.pointerId, [e.clientX, e.clientY]);
  if (held.size === 2) {
    const [a, b] = [...held.values()], apart = Math.hypot(a[0] - b[0], a[1] - b[1]);
    if (pinch) eye.distance *= pinch / apart;
    pinch = apart;
  } else if (e.shiftKey || e.buttons === 4 || e.buttons === 2) {
    const { right, up, half } = camera(), step = (2 * half) / canvas.getBoundingClientRect().height;
    eye.focal = add(eye.focal, add(mul(right, -dx * step), mul(up, dy * step)));
  } else {
    eye.turn -= dx * 0.008;
    eye.tilt = Math.min(Math.PI / 2 - 1e-4, Math.max(-Math.PI / 2 + 1e-4, eye.tilt + dy * 0.008));
  }
  due = true;
};
canvas.oncontextmenu = (e) => e.preventDefault();
canvas.addEventListener("wheel", (e) => { e.preventDefault(); eye.distance *= Math.exp(Math.sign(e.deltaY) * 0.12); due = true; }, { passive: false });
window.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || e.target.tagName === "SELECT") return;
  if (e.key === "?") help();
  else if (state.wipe && (e.key === "ArrowLeft" || e.key === "ArrowRight") && e.target.tagName !== "INPUT") state.wipeAt = Math.min(1, Math.max(0, state.wipeAt + (e.key === "ArrowRight" ? 0.02 : -0.02)));
  else if (KEYS[e.key]) KEYS[e.key][1]();
  due = true;
});
window.addEventListener("resize", () => { due = true; });

function frame() {
  if (state.spin) { eye.turn += 0.01; due = true; }
  if (due) { due = false; draw(); }
  requestAnimationFrame(frame);
}

(async () => {
  document.title = `${facts.title} - sdfshape`;
  if (!gl) { document.getElementById("side").textContent = "This page needs WebGL 2, which this browser does not offer."; return; }
  for (const one of facts.layers) layers.push(await load(one));
  home();
  panel();
  refresh();
  requestAnimationFrame(frame);
  document.body.dataset.ready = "yes";
})();
