// The panel of an ARC trace: the grid before and after each step, its layers, what was selected and changed, the verdict.
(() => {
  const { data } = Cairn, { panel } = data, { steps, grids, palette, task, replay } = panel;
  const MARGIN = 4;  // pixels around a grid, for outlines of cells at its edge
  const grid = (number) => Cairn.grid(grids, number);
  const LOOKS = {
    exact: ["#00734f", "✓", "replay: exact", "the recorded state is what the action gives"],
    visible: ["#2b7fb0", "◐", "replay: visible", "what a person saw agrees, the layers underneath do not"],
    diverged: ["#b84a00", "✗", "replay: diverged", "the recorded state is not what the action gives"],
    unverifiable: ["#6b6b70", "?", "replay: unverifiable", "the record does not say enough to compute it"],
  };
  if (replay) Cairn.badge = (step) => { const said = replay[step]; return said ? { colour: (LOOKS[said[0]] || ["#777"])[0], words: said.filter(Boolean).join(": ") } : null; };

  // one size of cells for the whole trace, so that grids stay where they are
  let rows = 1, columns = 1;
  for (const number of [...steps.before, ...steps.after]) { const g = grid(number); if (g) { rows = Math.max(rows, g.length); columns = Math.max(columns, g[0].length); } }
  let layer = "visible", changes = true;
  const badge = make("span", { class: "badge", id: "badge" });
  const observed = make("span", { class: "faint", id: "observed" });
  const layers = make("span", { class: "buttons", role: "group", "aria-label": "layer" }, ...["visible", "background", "floating"].map((name) => make("button", { "data-layer": name, onclick: () => { layer = name; show(Cairn.step); } }, name)));
  const marks = make("input", { type: "checkbox", checked: "" });
  marks.addEventListener("change", () => { changes = marks.checked; show(Cairn.step); });
  const panes = make("div", { class: "grids" });
  const beside = make("div", { class: "task" });
  $("panel").append(make("div", { class: "bar" }, badge, observed, panel.layered ? layers : null, make("label", { class: "check" }, marks, "mark changed cells")), panes, beside);

  const cellSize = () => {
    const wide = $("panel").clientWidth - 60, both = Math.floor(wide / 2 / columns), one = Math.floor(wide / columns);
    const fit = both >= 12 ? both : Math.min(one, 24);
    return Math.max(5, Math.min(64, fit, Math.floor(460 / rows)));
  };
  const cells = (runs) => { const found = new Set(); for (const [r, q, n] of runs || []) for (let i = 0; i < n; i++) found.add(r + "," + (q + i)); return found; };
  const outline = (c, set, cell) => {
    for (const [width, colour] of [[cell < 12 ? 4 : 6, "#000"], [cell < 12 ? 2 : 3, "#fff"]]) {
      c.lineWidth = width; c.strokeStyle = colour; c.lineCap = "square"; c.beginPath();
      for (const key of set) {
        const [r, q] = key.split(",").map(Number), x = q * cell + 0.5, y = r * cell + 0.5;
        if (!set.has(r - 1 + "," + q)) { c.moveTo(x, y); c.lineTo(x + cell, y); }
        if (!set.has(r + 1 + "," + q)) { c.moveTo(x, y + cell); c.lineTo(x + cell, y + cell); }
        if (!set.has(r + "," + (q - 1))) { c.moveTo(x, y); c.lineTo(x, y + cell); }
        if (!set.has(r + "," + (q + 1))) { c.moveTo(x + cell, y); c.lineTo(x + cell, y + cell); }
      }
      c.stroke();
    }
  };
  const corner = (c, r, q, cell) => {
    const x = q * cell + 1, y = r * cell + 1, side = Math.max(4, cell / 3);
    c.beginPath(); c.moveTo(x, y); c.lineTo(x + side, y); c.lineTo(x, y + side); c.closePath();
    c.fillStyle = "#fff"; c.fill(); c.lineWidth = 1; c.strokeStyle = "#000"; c.stroke();
  };
  // the layers are those after a step; before a step they are those after the one before it
  const layered = (step, seen) => {
    if (layer === "visible" || step < 0 || !steps.background || steps.background[step] === null) return layer === "visible" ? seen : null;
    const ground = grid(steps.background[step]);
    if (layer === "background") return ground;
    const made = ground.map((row) => row.map(() => null));
    for (const [r, q, colour] of steps.floating[step] || []) if (made[r] && q >= 0 && q < made[r].length) made[r][q] = colour;
    return made;
  };
  const outside = (step) => { const g = steps.background && grid(steps.background[step]); return g ? (steps.floating[step] || []).filter(([r, q]) => r < 0 || q < 0 || r >= g.length || q >= g[0].length).length : 0; };

  const pane = (title, what, shown, cell, over) => {
    const figure = make("figure", {}, make("figcaption", {}, make("b", {}, title), what ? " " + what : ""));
    if (!shown) {
      figure.append(make("div", { class: "faint", style: { width: Math.max(120, columns * cell) + "px", height: rows * cell + "px", border: "1px dashed #bbb", padding: "8px" } }, "not recorded"));
      return figure;
    }
    const canvas = make("canvas", { role: "img", "aria-label": `${title}: ${shown.length} × ${shown[0].length} cells` });
    const c = Cairn.paint(canvas, shown, palette, cell, MARGIN);
    if (over) over(c);
    canvas.addEventListener("pointermove", (event) => {
      const r = Math.floor((event.offsetY - MARGIN) / cell), q = Math.floor((event.offsetX - MARGIN) / cell);
      if (shown[r] && shown[r][q] !== undefined) Cairn.tip(`row ${r}, column ${q}: ` + (shown[r][q] === null ? "nothing" : "colour " + shown[r][q]), event);
    });
    canvas.addEventListener("pointerleave", () => Cairn.tip(null));
    figure.append(canvas);
    return figure;
  };
  const firsts = new Map();  // test → its first step
  steps.test.forEach((test, i) => { if (!firsts.has(test)) firsts.set(test, i); });
  const inputOf = (test) => { const pair = task && task.tests[test ?? 0]; return pair ? pair.input : null; };

  const show = (step) => {
    const cell = cellSize();
    const first = firsts.get(steps.test[step]) === step;
    const recorded = grid(steps.before[step]), given = first && !recorded ? grid(inputOf(steps.test[step])) : null;
    const before = recorded || given, after = grid(steps.after[step]);
    const size = before && after && (before.length !== after.length || before[0].length !== after[0].length);
    const changed = [];
    if (before && after && !size) before.forEach((row, r) => row.forEach((v, q) => { if (v !== after[r][q]) changed.push([r, q]); }));
    const selected = cells(steps.selection[step]);
    const notes = steps.marked.filter((m) => m.start <= step && step < (m.end ?? m.start + 1));
    const what = !before || !after ? "" : size ? `now ${after.length} × ${after[0].length}` : changed.length ? `${changed.length} cell${changed.length > 1 ? "s" : ""} changed` : "nothing changed";
    const titled = first ? (given ? "· the test input (the source does not record it)" : recorded ? "· the test input" : "") : "";
    const picked = selected.size ? `· ${selected.size} cell${selected.size > 1 ? "s" : ""} selected` : "";
    const hidden = outside(step);
    panes.replaceChildren(
      pane("Before", [titled, picked].filter(Boolean).join(" "), layered(step - 1, before), cell, (c) => {
        if (selected.size) outline(c, selected, cell);
        for (const m of notes) outline(c, cells(m.cells), cell);
      }),
      pane("After", [what && "· " + what, hidden ? `· ${hidden} floating cell${hidden > 1 ? "s" : ""} outside` : "", steps.between[step] ? `· ${steps.between[step]} frames in between` : ""].filter(Boolean).join(" "), layered(step, after), cell,
        (c) => { if (changes && layer === "visible") for (const [r, q] of changed) corner(c, r, q, cell); }));
    panes.dataset.changed = changed.length;
    for (const button of layers.children) button.classList.toggle("on", button.dataset.layer === layer);
    verdict(step);
    besides(steps.test[step] ?? 0);
  };
  const verdict = (step) => {
    const said = replay && replay[step];
    const [colour, sign, text, meaning] = said ? LOOKS[said[0]] || ["#6b6b70", "·", "replay: " + said[0], ""] : ["#8a8a8f", "–", replay ? "replay: not checked here" : "no replay layer in this release", replay ? "this step shows no grid that something must lead to" : ""];
    badge.style.background = colour;
    badge.dataset.verdict = said ? said[0] : "";
    badge.title = meaning;
    badge.replaceChildren(make("span", { "aria-hidden": "true" }, sign), text);
    observed.textContent = said && said[1] ? said[1] : "";
  };

  // ---- what the task shows
  let drawn = null;
  const small = (number, most) => {
    const g = grid(number);
    if (!g) return make("span", { class: "faint" }, "not known");
    const canvas = make("canvas", { role: "img", "aria-label": `${g.length} × ${g[0].length} cells` });
    Cairn.paint(canvas, g, palette, Math.max(3, Math.min(16, Math.floor(most / Math.max(g.length, g[0].length)))));
    return canvas;
  };
  const besides = (test) => {
    if (drawn === test) return;
    drawn = test;
    if (!task) { beside.replaceChildren(make("p", { class: "faint" }, "The demonstrations of this task are not in the release.")); return; }
    const pair = (title, { input, output }) => make("figure", {}, make("figcaption", {}, title), make("div", { class: "pair" }, small(input, 110), "→", small(output, 110)));
    const own = task.tests[test];
    beside.replaceChildren(make("div", { class: "pairsof" }, ...task.demonstrations.map((p, i) => pair(`Pair ${i + 1}`, p)),
      own ? pair(task.tests.length > 1 ? `Test ${test + 1} of ${task.tests.length} and its answer` : "Test and its answer", own) : ""));
  };
  Cairn.resizers.push(() => { drawn = null; show(Cairn.step); });
  Cairn.start({ show });
})();
