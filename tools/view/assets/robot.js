// The panel of a robot episode: its cameras with what was drawn on them, and its numbers with one cursor.
(() => {
  const { data } = Cairn, { panel } = data, { cameras, overlays, plots } = panel;
  const layers = [...new Set(overlays.map((o) => o.layer))];
  const toggles = Cairn.toggles(layers, [], () => show(Cairn.step));
  const figures = cameras.map((camera) => {
    const canvas = make("canvas", { role: "img", "aria-label": camera.name });
    const caption = make("figcaption");
    return { camera, canvas, caption, box: make("figure", {}, caption, canvas), images: new Map(), own: overlays.filter((o) => o.stream === null || o.stream === camera.name) };
  });
  $("panel").append(
    cameras.length ? make("div", { class: "cameras" }, ...figures.map((f) => f.box)) : make("p", { class: "faint" }, "No camera of this episode can be shown."),
    layers.length ? toggles.box : "");

  // the last picture of the page that is not after the frame
  const kept = (camera, frame) => {
    let low = 0, high = camera.frames.length - 1;
    while (low < high) { const middle = (low + high + 1) >> 1; if (camera.frames[middle] <= frame) low = middle; else high = middle - 1; }
    return low;
  };
  const image = (figure, place) => {
    if (!figure.images.has(place)) {
      const picture = new Image();
      picture.src = figure.camera.pictures[place];
      figure.images.set(place, picture);
      if (figure.images.size > 240) figure.images.delete(figure.images.keys().next().value);
    }
    return figure.images.get(place);
  };
  const draw = (figure, step) => {
    const { camera, canvas, caption } = figure, frame = camera.ofStep[step];
    const place = frame === null ? -1 : kept(camera, frame);
    const title = camera.name.split(".").pop();
    caption.replaceChildren(make("b", {}, title), frame === null ? "  no frame at this step" : `  frame ${camera.frames[place]}` + (camera.frames[place] === frame ? "" : ` in place of ${frame}`));
    caption.title = camera.name;
    if (frame === null) { canvas.width = camera.size[0]; canvas.height = camera.size[1]; return; }
    const picture = image(figure, place);
    for (const next of [place + 1, place + 2, place + 3]) if (next < camera.frames.length) image(figure, next);
    const paint = () => {
      if (Cairn.step !== step && Cairn.step !== -1) return;
      const ratio = Math.max(1, Math.min(2, (canvas.clientWidth * (devicePixelRatio || 1)) / picture.naturalWidth || 1));
      const room = [Math.round(picture.naturalWidth * ratio), Math.round(picture.naturalHeight * ratio)];
      canvas.width = room[0]; canvas.height = room[1];
      const c = canvas.getContext("2d");
      c.drawImage(picture, 0, 0, ...room);
      let marks = 0;
      for (const overlay of figure.own) {
        const { on, colour } = toggles.state[overlay.layer];
        if (on) for (const entry of Cairn.entries(overlay, frame, step)) { Cairn.mark(c, overlay, entry, camera.size, room, colour, step, Math.max(1, room[0] / 480)); marks++; }
      }
      canvas.dataset.marks = marks;
      canvas.dataset.step = step;
    };
    if (picture.complete && picture.naturalWidth) paint();
    else picture.addEventListener("load", paint, { once: true });
  };

  // ---- plots
  const drawn = plots.map((plot) => {
    const canvas = make("canvas", { role: "img", "aria-label": plot.title }), cursor = make("div", { class: "cursor" });
    const off = new Set(), values = plot.names.map(() => make("span"));
    const found = { plot, canvas, cursor, off, values };
    const legend = make("div", { class: "legend" }, ...plot.names.map((name, i) => make("button", { title: "show or hide", onclick: (event) => { off[off.has(i) ? "delete" : "add"](i); event.currentTarget.classList.toggle("off"); line(found); } },
      make("span", { class: "swatch", style: { background: colour(i), borderRadius: i >= Cairn.COLOURS.length ? "6px" : null } }), name, " ", values[i])));
    found.box = make("div", { class: "plot" }, make("h3", {}, plot.title), make("div", { class: "field" }, canvas, cursor), legend);
    let held = false;
    const scrub = (event) => Cairn.jump(((event.clientX - canvas.getBoundingClientRect().left) / canvas.clientWidth) * data.count - 0.5);
    canvas.addEventListener("pointerdown", (event) => { held = true; canvas.setPointerCapture(event.pointerId); scrub(event); });
    canvas.addEventListener("pointermove", (event) => { if (held) scrub(event); });
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => (held = false));
    return found;
  });
  function colour(i) { return Cairn.COLOURS[i % Cairn.COLOURS.length]; }
  const own = make("input", { type: "checkbox" });
  own.addEventListener("change", () => drawn.forEach(line));
  const line = ({ plot, canvas, off }) => {
    const ratio = devicePixelRatio || 1, wide = canvas.clientWidth, high = canvas.clientHeight;
    canvas.width = wide * ratio; canvas.height = high * ratio;
    const c = canvas.getContext("2d");
    c.scale(ratio, ratio);
    c.fillStyle = "#f7f7f5"; c.fillRect(0, 0, wide, high);
    const ranges = plot.lines.map((values) => { let low = Infinity, top = -Infinity; for (const v of values) if (v !== null) { if (v < low) low = v; if (v > top) top = v; } return [low, top]; });
    const shown = ranges.filter(([low, top], i) => !off.has(i) && low <= top);
    if (!shown.length) return;
    let low = Math.min(...shown.map((r) => r[0])), top = Math.max(...shown.map((r) => r[1]));
    if (low === top) { low -= 1; top += 1; }
    if (own.checked) {  // every line from its own least to its own most
      plot = { ...plot, lines: plot.lines.map((values, i) => values.map((v) => (v === null ? null : ranges[i][1] > ranges[i][0] ? (v - ranges[i][0]) / (ranges[i][1] - ranges[i][0]) : 0.5))) };
      [low, top] = [0, 1];
    }
    const y = (v) => high - 6 - ((v - low) / (top - low)) * (high - 12), x = (i) => ((i * plot.every + 0.5) / data.count) * wide;
    if (!own.checked && low < 0 && top > 0) { c.strokeStyle = "#d8d8d4"; c.beginPath(); c.moveTo(0, y(0)); c.lineTo(wide, y(0)); c.stroke(); }
    plot.lines.forEach((values, i) => {
      if (off.has(i)) return;
      c.strokeStyle = colour(i); c.lineWidth = 1.5; c.setLineDash(i >= Cairn.COLOURS.length ? [5, 3] : []); c.beginPath();
      let pen = false;
      values.forEach((v, n) => { if (v === null) { pen = false; return; } c[pen ? "lineTo" : "moveTo"](x(n), y(v)); pen = true; });
      c.stroke();
    });
    c.setLineDash([]); c.fillStyle = "#5c5c62"; c.font = "11.5px system-ui, sans-serif";
    if (!own.checked) c.fillText(Number(top.toPrecision(3)), 3, 11), c.fillText(Number(low.toPrecision(3)), 3, high - 3);
  };
  const point = ({ plot, canvas, cursor, values }, step) => {
    cursor.style.left = ((step + 0.5) / data.count) * canvas.clientWidth + "px";
    const at = Math.floor(step / plot.every);
    plot.lines.forEach((of, i) => { const v = of[at]; values[i].textContent = v === null || v === undefined ? "–" : v.toFixed(Math.abs(v) < 100 ? 3 : 1); });
  };
  if (drawn.length) {
    $("further_panel").hidden = false;
    $("further_panel").append(make("div", { class: "title" }, make("h2", {}, "Numbers"), make("label", { class: "check" }, own, "each line on a scale of its own"), make("span", { class: "faint" }, "click a name to hide its line; drag to scrub")), make("div", { class: "plots" }, ...drawn.map((d) => d.box)));
  }

  const show = (step) => { for (const figure of figures) draw(figure, step); for (const plot of drawn) point(plot, step); };
  Cairn.resizers.push(() => { drawn.forEach(line); show(Cairn.step); });
  drawn.forEach(line);
  Cairn.start({ show });
})();
