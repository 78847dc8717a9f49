// The timeline: a band per layer on one canvas, so that thousands of segments cost nothing; click to go there, drag to scrub.
(() => {
  const { data } = Cairn, { bands, count } = data, times = data.steps.times;
  const LANE = 22, GAP = 5, AXIS = 30, SERIES = 34;
  const box = $("bands");
  if (!count) return;
  const names = make("div", { class: "names" }), field = make("div", { class: "field" });
  const canvas = make("canvas", { role: "img", "aria-label": "annotations over the steps; the table below says the same" });
  const cursor = make("div", { class: "cursor" });
  field.append(canvas, cursor);
  box.append(names, field);
  const heights = bands.map((band) => (band.series ? SERIES : band.lanes * LANE - (band.lanes > 1 ? (band.lanes - 1) * 6 : 0)));
  const tops = heights.map((_, i) => heights.slice(0, i).reduce((a, h) => a + h + GAP, 0));
  const total = (tops.length ? tops[tops.length - 1] + heights[heights.length - 1] + GAP : 0) + AXIS;
  bands.forEach((band, i) => names.append(make("div", { style: { height: heights[i] + GAP + "px" }, title: band.doc }, words(band.layer))));
  if (!bands.length) names.append(make("div", {}, "no segments"));

  let from = 0, to = count, width = 0;
  const x = (step) => ((step - from) / (to - from)) * width;
  const stepAt = (px) => Math.max(0, Math.min(count - 1, Math.floor(from + (px / width) * (to - from))));
  const dark = (colour) => {
    const n = parseInt(colour.slice(1), 16);
    return 0.299 * (n >> 16) + 0.587 * ((n >> 8) & 255) + 0.114 * (n & 255) < 140;
  };

  const draw = () => {
    width = field.clientWidth;
    const ratio = devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(total * ratio);
    canvas.style.height = total + "px";
    const c = canvas.getContext("2d");
    c.scale(ratio, ratio);
    c.font = "12.5px system-ui, sans-serif";
    c.textBaseline = "middle";
    bands.forEach((band, i) => {
      c.fillStyle = "#f2f2f0";
      c.fillRect(0, tops[i], width, heights[i]);
      (band.series ? sparks : spans)(c, band, tops[i], heights[i]);
    });
    axis(c);
    place(Cairn.step);
  };
  const spans = (c, band, top, height) => {
    const lane = band.lanes > 1 ? (height - 1) / band.lanes : height;
    for (const [start, end, word, at] of band.spans) {
      if (end <= from || start >= to) continue;
      const left = Math.max(-2, x(start)), right = Math.min(width + 2, x(end));
      const wide = Math.max(1.5, right - left - (right - left > 4 ? 1 : 0));
      c.fillStyle = band.colours[word];
      c.fillRect(left, top + at * lane + 0.5, wide, lane - 1);
      if (wide > 24) label(c, band.words[word], left, wide, top + at * lane + lane / 2, band.colours[word]);
    }
  };
  const label = (c, text, left, wide, middle, colour) => {
    let shown = text;
    if (c.measureText(shown).width > wide - 8) {
      let keep = Math.floor((shown.length * (wide - 14)) / c.measureText(shown).width);
      while (keep > 0 && c.measureText(shown.slice(0, keep) + "…").width > wide - 8) keep--;
      if (keep < 2) return;
      shown = shown.slice(0, keep) + "…";
    }
    c.fillStyle = dark(colour) ? "#fff" : "#1a1a1a";
    c.fillText(shown, Math.max(0, left) + 4, middle);
  };
  const sparks = (c, band, top, height) => {
    const all = band.series.flatMap((s) => s.values);
    let low = Infinity, high = -Infinity;
    for (const v of all) { if (v < low) low = v; if (v > high) high = v; }
    const y = (v) => top + height - 4 - (high > low ? (v - low) / (high - low) : 0.5) * (height - 8);
    c.strokeStyle = c.fillStyle = "#0072b2";
    c.lineWidth = 1.5;
    for (const { steps, values } of band.series) {
      c.beginPath();
      steps.forEach((s, i) => c[i ? "lineTo" : "moveTo"](x(s + 0.5), y(values[i])));
      c.stroke();
      if (steps.length < 60) steps.forEach((s, i) => { c.beginPath(); c.arc(x(s + 0.5), y(values[i]), 2.2, 0, 7); c.fill(); });
    }
    c.fillStyle = "#5c5c62";
    c.textAlign = "right";
    c.fillText(Number(high.toPrecision(3)), width - 3, top + 8);
    c.fillText(Number(low.toPrecision(3)), width - 3, top + height - 7);
    c.textAlign = "left";
  };
  const axis = (c) => {
    c.fillStyle = "#5c5c62";
    c.textAlign = "center";
    const room = width / 70, span = to - from;
    let every = 1;
    for (const e of [1, 2, 5].flatMap((d) => [0, 1, 2, 3, 4, 5, 6].map((p) => d * 10 ** p)).sort((a, b) => a - b)) { every = e; if (span / e <= room) break; }
    for (let s = Math.ceil(from / every) * every; s < to; s += every) {
      c.fillRect(x(s + 0.5), total - AXIS + 1, 1, 4);
      const told = [String(s), times[s] === null ? "" : seconds(times[s])];
      told.forEach((text, line) => c.fillText(text, Math.max(c.measureText(text).width / 2, x(s + 0.5)), total - AXIS + 11 + 12 * line));
    }
    c.textAlign = "left";
  };
  const place = (step) => {
    const wide = x(step + 1) - x(step);
    cursor.hidden = step < from - 1 || step > to;
    cursor.className = "cursor" + (wide > 6 ? " wide" : "");
    cursor.style.left = (wide > 6 ? x(step) : x(step + 0.5)) + "px";
    cursor.style.width = wide > 6 ? wide + "px" : "2px";
  };
  const view = (start, size) => {
    const kept = Math.min(count, Math.max(Math.min(8, count), size));
    from = Math.max(0, Math.min(count - kept, start));
    to = from + kept;
    draw();
  };
  Cairn.zoom = (factor) => view(Cairn.step + 0.5 - (to - from) / factor / 2, (to - from) / factor);
  $("closer").addEventListener("click", () => Cairn.zoom(2));
  $("further").addEventListener("click", () => Cairn.zoom(0.5));

  const hit = (event) => {
    const { left, top } = canvas.getBoundingClientRect();
    const px = event.clientX - left, py = event.clientY - top, step = stepAt(px);
    const i = bands.findIndex((_, n) => py >= tops[n] && py < tops[n] + heights[n]);
    if (i < 0) return { step };
    const band = bands[i];
    if (band.series) {
      const found = band.series.map((s) => [s, s.steps.indexOf(step)]).find(([, at]) => at >= 0);
      return { step, text: `${words(band.layer)}, step ${step}` + (found ? `: ${found[0].values[found[1]]} ${found[0].unit}` : "") };
    }
    const lane = Math.floor((py - tops[i]) / ((heights[i] - (band.lanes > 1 ? 1 : 0)) / band.lanes));
    const near = (to - from) / width;  // a segment narrower than a pixel can still be hit
    const span = band.spans.find((s) => s[3] === lane && s[0] <= step && step < s[1])
      || band.spans.find((s) => s[3] === lane && Math.abs(s[0] - (from + px * near)) < 2 * near);
    if (!span) return { step, text: `${words(band.layer)}: ${band.doc}` };
    const [start, end, word] = span, meaning = band.meanings[word];
    const range = end > start + 1 ? `steps ${start} to ${end - 1}` : `step ${start}`;
    return { step, span, text: `${words(band.layer)}: ${band.words[word]}\n${range}` + (meaning ? `\n${meaning}` : "") };
  };
  let held = null;
  canvas.addEventListener("pointerdown", (event) => {
    const found = hit(event);
    held = event.clientX;
    canvas.setPointerCapture(event.pointerId);
    Cairn.jump(found.span ? found.span[0] : found.step);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (held !== null && Math.abs(event.clientX - held) > 3) Cairn.jump(stepAt(event.clientX - canvas.getBoundingClientRect().left));
    Cairn.tip(hit(event).text, event);
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => (held = null));
  canvas.addEventListener("pointerleave", () => Cairn.tip(null));
  Cairn.followers.push((step) => {
    if (to - from < count && (step < from || step >= to)) view(step - (to - from) / 2, to - from);
    else place(step);
  });
  Cairn.resizers.push(draw);
  draw();
})();
