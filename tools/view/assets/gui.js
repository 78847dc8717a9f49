// The panel of a screen recording: the screenshot before the action, where the action went, and what was typed and thought.
(() => {
  const { data } = Cairn, { panel } = data, { steps, overlays } = panel;
  const layers = [...new Set(overlays.map((o) => o.layer))];
  const toggles = Cairn.toggles(layers, panel.quiet, () => show(Cairn.step), 1);
  const caption = make("p", { class: "caption", id: "caption" }), where = make("p", { class: "faint", id: "place" });
  const canvas = make("canvas", { role: "img", "aria-label": "screenshot before the action" }), tales = make("div");
  const note = make("p", { class: "faint" });
  const acting = make("input", { type: "checkbox", checked: "" });
  acting.addEventListener("change", () => show(Cairn.step));
  toggles.box.prepend(make("label", { class: "check" }, acting, make("span", { class: "swatch", style: { background: Cairn.COLOURS[0] } }), "the action"));
  $("panel").append(caption, where, make("div", { class: "screen" }, canvas), note, toggles.box, tales);
  const images = new Map();
  const image = (place) => {
    if (!images.has(place)) { const picture = new Image(); picture.src = panel.pictures[panel.numbers[place]]; images.set(place, picture); if (images.size > 60) images.delete(images.keys().next().value); }
    return images.get(place);
  };
  const kept = (step) => { let found = -1; for (let low = 0, high = panel.frames.length - 1; low <= high;) { const middle = (low + high) >> 1; if (panel.frames[middle] <= step) { found = middle; low = middle + 1; } else high = middle - 1; } return found; };

  const acted = (c, step, room) => {
    const { size, point, end, scroll, box } = steps[step];
    const sx = room[0] / (size[0] || room[0]), sy = room[1] / (size[1] || room[1]), unit = Math.max(1, room[0] / 900);
    const at = point ? [point[0] * sx, point[1] * sy] : box && scroll ? [((box[0] + box[2]) / 2) * sx, ((box[1] + box[3]) / 2) * sy] : null;
    const stroke = (draw, width, colour) => { for (const [w, s] of [[width + 3, "#fff"], [width, colour]]) { c.lineWidth = w * unit; c.strokeStyle = s; c.beginPath(); draw(); c.stroke(); } };
    const arrow = (a, b, colour) => {
      const angle = Math.atan2(b[1] - a[1], b[0] - a[0]), wing = 15 * unit;
      stroke(() => { c.moveTo(...a); c.lineTo(...b); for (const turn of [2.6, -2.6]) { c.moveTo(...b); c.lineTo(b[0] + wing * Math.cos(angle + turn), b[1] + wing * Math.sin(angle + turn)); } }, 3.4, colour);
    };
    if (scroll && (scroll[0] || scroll[1])) {  // the way the content moves: a wheel that is turned down moves it up
      const from = at || [room[0] / 2, room[1] / 2], length = Math.hypot(...scroll), reach = 60 * unit;
      const by = [(-scroll[0] / length) * reach, (-scroll[1] / length) * reach];
      arrow([from[0] - by[0], from[1] - by[1]], [from[0] + by[0], from[1] + by[1]], "#0072b2");
    }
    if (at && end) arrow(at, [end[0] * sx, end[1] * sy], "#d55e00");
    if (at && point) {
      stroke(() => c.arc(...at, 15 * unit, 0, 7), 3.4, "#d55e00");
      c.beginPath(); c.arc(...at, 3.6 * unit, 0, 7); c.fillStyle = "#d55e00"; c.fill();
    }
  };
  const show = (step) => {
    const own = steps[step], place = own.missing === null ? kept(step) : -1;
    caption.replaceChildren(make("b", {}, action(step)), own.said ? "  " + own.said : "");
    where.textContent = own.where.join("  ·  ");
    tales.replaceChildren(...panel.texts.filter((t) => t.start <= step && step < t.end).map((t) => make("p", { class: "tale" }, make("span", { class: "faint" }, words(t.layer) + ": "), t.text)));
    if (place < 0) {
      canvas.width = 800; canvas.height = 300; canvas.dataset.step = step; canvas.dataset.marks = 0;
      const c = canvas.getContext("2d");
      c.fillStyle = "#ddd"; c.fillRect(0, 0, 800, 300); c.fillStyle = "#333"; c.font = "20px system-ui, sans-serif"; c.fillText("No screenshot of this step", 24, 48);
      note.textContent = own.missing || "The source does not say why.";
      return;
    }
    note.textContent = (own.taken && own.taken !== "before" ? `The screenshot was taken: ${own.taken}. ` : "") + (panel.frames[place] === step ? "" : `This is the screenshot of step ${panel.frames[place]}; that of this step is not in the page.`);
    const picture = image(place);
    if (place + 1 < panel.frames.length) image(place + 1);
    const paint = () => {
      if (Cairn.step !== step && Cairn.step !== -1) return;
      const room = [picture.naturalWidth, picture.naturalHeight], c = canvas.getContext("2d");
      canvas.width = room[0]; canvas.height = room[1];
      c.drawImage(picture, 0, 0);
      let marks = 0;
      for (const overlay of overlays) {
        const { on, colour } = toggles.state[overlay.layer];
        if (on) for (const entry of Cairn.entries(overlay, step, step)) { Cairn.mark(c, overlay, entry, own.size[0] ? own.size : room, room, colour, step, Math.max(1, room[0] / 900)); marks++; }
      }
      if (acting.checked) acted(c, step, room);
      canvas.dataset.marks = marks; canvas.dataset.step = step;
    };
    if (picture.complete && picture.naturalWidth) paint();
    else picture.addEventListener("load", paint, { once: true });
  };
  Cairn.start({ show });
})();
