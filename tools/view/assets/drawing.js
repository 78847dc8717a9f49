// Drawing over pictures, and ARC grids: what the panels share.
Cairn.COLOURS = ["#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195", "#f0e442"];

// A colour and a switch per layer of overlays; `changed` is called when one is switched. Layers in `quiet` begin switched off,
// the first `taken` colours are used for something else.
Cairn.toggles = (layers, quiet, changed, taken = 0) => {
  const state = Object.fromEntries(layers.map((name, i) => [name, { colour: Cairn.COLOURS[(i + taken) % Cairn.COLOURS.length], on: !quiet.includes(name) }]));
  const box = make("div", { class: "toggles" }, ...layers.map((name) => {
    const input = make("input", { type: "checkbox", "data-layer": name });
    input.checked = state[name].on;
    input.addEventListener("change", () => { state[name].on = input.checked; changed(); });
    return make("label", { class: "check" }, input, make("span", { class: "swatch", style: { background: state[name].colour } }), words(name));
  }));
  return { state, box };
};

// Whether an overlay is about a picture, and where its values begin: by frame where it names frames, else by its steps.
Cairn.entries = (overlay, frame, step) => {
  if (overlay.shape === "path") return overlay.start === null || (overlay.start <= step && step < Math.max(overlay.end ?? 0, overlay.start + 1)) ? [0] : [];
  if (overlay.frames && overlay.frames.length) {
    if (!overlay.where) { overlay.where = new Map(); overlay.frames.forEach((f, i) => overlay.where.set(f, [...(overlay.where.get(f) || []), i])); }
    return overlay.where.get(frame) || [];
  }
  const first = overlay.start ?? 0;
  return first <= step && step < Math.max(overlay.end ?? Infinity, first + 1) ? overlay.values.map((_, i) => i) : [];
};

// Draw one entry of an overlay on `c`; `size` is that of the frame its pixels refer to, `room` that of the canvas, `unit` the
// width of a thin line.
Cairn.mark = (c, overlay, entry, size, room, colour, step, unit) => {
  const sx = room[0] / (overlay.size[0] || size[0]), sy = room[1] / (overlay.size[1] || size[1]);
  const value = overlay.values[entry];
  const stroke = (path, width = 2.2, dash = []) => {
    c.setLineDash(dash);
    for (const [w, colour_] of [[(width + 2.2) * unit, "#ffffffd0"], [width * unit, colour]]) { c.lineWidth = w; c.strokeStyle = colour_; c.stroke(path); }
    c.setLineDash([]);
  };
  c.lineJoin = c.lineCap = "round";
  if (overlay.shape === "path") return path(c, overlay, sx, sy, unit, colour, step);
  if (value === null) return;
  const shape = new Path2D();
  let at = null;
  const hidden = overlay.hidden.includes(entry);
  if (overlay.shape === "box") {
    shape.rect(value[0] * sx, value[1] * sy, (value[2] - value[0]) * sx, (value[3] - value[1]) * sy);
    stroke(shape, 2.2, hidden ? [5 * unit, 5 * unit] : []);
    at = [Math.min(value[0], value[2]) * sx, Math.min(value[1], value[3]) * sy];
  } else if (overlay.shape === "point") {
    for (let i = 0; i + 1 < value.length; i += 2) { shape.moveTo((value[i] * sx) + 7 * unit, value[i + 1] * sy); shape.arc(value[i] * sx, value[i + 1] * sy, 7 * unit, 0, 7); }
    stroke(shape);
    at = [value[0] * sx + 8 * unit, value[1] * sy - 8 * unit];
  } else if (overlay.shape === "polygon") {
    ring(shape, value, sx, sy);
    stroke(shape);
    at = [value[0] * sx, value[1] * sy];
  } else if (overlay.shape === "mask") {
    const mx = room[0] / value.size[0], my = room[1] / value.size[1];
    for (const r of value.rings) ring(shape, r, mx, my);
    c.fillStyle = colour + "66";
    c.fill(shape, "evenodd");
    stroke(shape, 1.4);
    if (value.rings.length) at = [value.rings[0][0] * mx, value.rings[0][1] * my];
  }
  if (at && overlay.words) tag(c, overlay.words + (hidden ? " (cannot be seen)" : ""), at, unit, colour, room);
};
function ring(shape, flat, sx, sy) {
  for (let i = 0; i + 1 < flat.length; i += 2) shape[i ? "lineTo" : "moveTo"](flat[i] * sx, flat[i + 1] * sy);
  shape.closePath();
}
function path(c, overlay, sx, sy, unit, colour, step) {
  let last = null;
  overlay.values.forEach((value, i) => {
    if (value && last) {
      const share = i / Math.max(1, overlay.values.length - 1);
      for (const [w, style] of [[4.4, "#ffffffc0"], [2.4, `color-mix(in srgb, ${colour} ${100 - 60 * share}%, #fff)`]]) { c.lineWidth = w * unit; c.strokeStyle = style; c.beginPath(); c.moveTo(last[0] * sx, last[1] * sy); c.lineTo(value[0] * sx, value[1] * sy); c.stroke(); }
    }
    last = value;
  });
  const here = overlay.steps ? overlay.values[overlay.steps.indexOf(step)] : overlay.values[0];
  const end = overlay.values.findLast((value) => value);
  for (const [value, fill] of [[end, "#fff"], [here, colour]]) {
    if (!value) continue;
    c.beginPath(); c.arc(value[0] * sx, value[1] * sy, 4.5 * unit, 0, 7); c.fillStyle = fill; c.fill(); c.lineWidth = 1.6 * unit; c.strokeStyle = fill === colour ? "#fff" : colour; c.stroke();
  }
}
function tag(c, text, [x, y], unit, colour, room) {
  const size = 12 * unit;
  c.font = `600 ${size}px system-ui, sans-serif`;
  const wide = c.measureText(text).width + 8 * unit, high = size + 6 * unit;
  const left = Math.max(0, Math.min(x, room[0] - wide)), top = Math.max(0, Math.min(y - high, room[1] - high));
  c.fillStyle = colour; c.fillRect(left, top, wide, high);
  const n = parseInt(colour.slice(1), 16);
  c.fillStyle = 0.299 * (n >> 16) + 0.587 * ((n >> 8) & 255) + 0.114 * (n & 255) < 140 ? "#fff" : "#1a1a1a";
  c.textBaseline = "middle"; c.textAlign = "left";
  c.fillText(text, left + 4 * unit, top + high / 2);
}

// A grid as rows of numbers, from its text.
Cairn.grid = (() => {
  const known = new Map();
  return (grids, number) => {
    if (number === null || number === undefined) return null;
    if (!known.has(number)) known.set(number, grids[number].split("/").map((row) => [...row].map((d) => parseInt(d, 36))));
    return known.get(number);
  };
})();

// Paint a grid on a canvas of its own size; `cell` and `margin` in CSS pixels. Null cells are left empty (see-through).
Cairn.paint = (canvas, grid, palette, cell, margin = 0) => {
  const ratio = devicePixelRatio || 1, rows = grid.length, columns = rows ? grid[0].length : 0;
  const wide = columns * cell + 1 + 2 * margin, high = rows * cell + 1 + 2 * margin;
  canvas.width = Math.round(wide * ratio);
  canvas.height = Math.round(high * ratio);
  canvas.style.width = wide + "px";
  canvas.style.height = high + "px";
  const c = canvas.getContext("2d");
  c.scale(ratio, ratio);
  c.translate(margin, margin);
  c.fillStyle = "#555";
  c.fillRect(0, 0, columns * cell + 1, rows * cell + 1);
  const line = cell >= 4 ? 1 : 0;
  grid.forEach((row, r) => row.forEach((colour, q) => {
    const x = q * cell + line, y = r * cell + line, side = cell - line;
    c.fillStyle = colour === null ? "#fff" : palette[colour] ?? "#b0b0b0";
    c.fillRect(x, y, side, side);
    if (colour === null && cell >= 8) { c.fillStyle = "#ddd"; c.fillRect(x, y, side / 2, side / 2); c.fillRect(x + side / 2, y + side / 2, side / 2, side / 2); }
    if (colour >= palette.length && cell >= 10) { c.fillStyle = "#000"; c.font = `${cell * 0.6}px sans-serif`; c.textAlign = "center"; c.textBaseline = "middle"; c.fillText(colour, x + side / 2, y + side / 2); }
  }));
  return c;
};
