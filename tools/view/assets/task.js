// The page of a task: its state graph, what was handed in, and the ways of one or two trajectories.
(() => {
  const { data } = Cairn, { graphs, grids, palette, answers, trajectories, task } = data;
  const NS = "http://www.w3.org/2000/svg", BOX = 60, ROW = 86;
  const grid = (number) => Cairn.grid(grids, number);
  const COLOURS = { start: "#0072b2", end: "#009e73", wrong: "#d55e00", popular: "#e69f00" };
  const ROLES = { start: "where people begin", end: "a right answer", wrong: "a wrong answer", popular: "popular" };
  const people = (n) => `${n} ${n === 1 ? "person" : "people"}`;
  const svg = (tag, attributes, ...children) => {
    const element = document.createElementNS(NS, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const pictures = new Map();
  const picture = (number) => {  // one pixel per cell; the page enlarges it without smoothing
    if (!pictures.has(number)) {
      const g = grid(number), canvas = make("canvas", { width: g[0].length, height: g.length }), c = canvas.getContext("2d");
      g.forEach((row, r) => row.forEach((colour, q) => { c.fillStyle = palette[colour] ?? "#b0b0b0"; c.fillRect(q, r, 1, 1); }));
      pictures.set(number, canvas.toDataURL());
    }
    return pictures.get(number);
  };
  const small = (number, most) => {
    const g = grid(number);
    if (!g) return make("span", { class: "faint" }, "not known");
    const canvas = make("canvas", { role: "img", "aria-label": `${g.length} × ${g[0].length} cells` });
    Cairn.paint(canvas, g, palette, Math.max(3, Math.min(28, Math.floor(most / Math.max(g.length, g[0].length)))));
    return canvas;
  };

  if (task) {
    $("pairs").hidden = false;
    const pair = (title, { input, output }) => make("figure", {}, make("figcaption", {}, title), make("div", { class: "pair" }, small(input, 120), "→", small(output, 120)));
    $("pairs").lastElementChild.append(...task.demonstrations.map((p, i) => pair(`Pair ${i + 1}`, p)), ...task.tests.map((p, i) => pair(task.tests.length > 1 ? `Test ${i + 1}` : "Test", p)));
  }

  // ---- the graph of one test
  let shown = 0, view = null, chosen = [], drawn = null;
  const draw = () => {
    const graph = graphs[shown];
    if (!graph) { $("canvas").replaceChildren(make("p", { class: "faint" }, "No step of this task shows a grid.")); return; }
    const deep = Math.max(...graph.nodes.map((n) => n.at[0])), high = Math.max(...graph.nodes.map((n) => n.at[1])) * 2 * ROW + 160;
    const column = Math.max(118, Math.min(260, ($("canvas").clientWidth / $("canvas").clientHeight * high - 130) / Math.max(1, deep)));  // as wide as fits
    const at = (node) => [node.at[0] * column, node.at[1] * ROW];
    const most = Math.max(1, ...graph.edges.map((e) => e.people));
    const edges = graph.edges.map((edge) => {
      const [a, b] = [graph.nodes[edge.from], graph.nodes[edge.to]], [x, y] = at(a), [u, v] = at(b), half = BOX / 2;
      let d;
      if (u > x) { const bend = (u - x - BOX) / 2; d = `M${x + half} ${y} C${x + half + bend} ${y} ${u - half - bend} ${v} ${u - half - 3} ${v}`; }
      else if (u === x) { const bulge = 26 + 6 * Math.min(4, Math.abs(v - y) / ROW); d = `M${x + half} ${y} C${x + half + bulge} ${y} ${u + half + bulge} ${v} ${u + half + 3} ${v}`; }
      else { const lift = 34 + Math.min(120, (x - u) / 5); d = `M${x} ${y - half} C${x} ${y - half - lift} ${u} ${v - half - lift} ${u} ${v - half - 3}`; }
      const path = svg("path", { d, class: "edge" + (u < x ? " back" : ""), "stroke-width": 1.4 + 5 * (edge.people / most) * Math.min(1, most / 3), "stroke-dasharray": edge.over ? "7 5" : "", "marker-end": "url(#tip-of-edge)", "data-edge": `${edge.from},${edge.to}` });
      const said = edge.operations.map(([name, n]) => `${words(name)} ${n}×`).join(", ");
      path.addEventListener("pointermove", (event) => tip(`${people(edge.people)}: ${said}` + (edge.over ? `\nup to ${edge.over} states in between are not drawn` : ""), event));
      path.addEventListener("pointerleave", () => tip(null));
      return path;
    });
    const nodes = graph.nodes.map((node, i) => {
      const [x, y] = at(node), g = grid(node.grid), scale = (BOX - 10) / Math.max(g.length, g[0].length);
      const wide = g[0].length * scale, high = g.length * scale, colour = COLOURS[node.role] || "#b4b4b8";
      const item = svg("g", { class: "node", tabindex: 0, role: "button", "data-node": i, "aria-label": `state, ${people(node.people)}` + (node.role ? ", " + ROLES[node.role] : ""), transform: `translate(${x} ${y})` },
        svg("rect", { class: "frame", x: -BOX / 2, y: -BOX / 2, width: BOX, height: BOX, rx: 5, fill: "#fff", stroke: colour, "stroke-width": node.role ? 4 : 1.5 }),
        svg("image", { href: picture(node.grid), x: -wide / 2, y: -high / 2, width: wide, height: high, style: "image-rendering: pixelated", preserveAspectRatio: "none" }),
        svg("rect", { x: -wide / 2, y: -high / 2, width: wide, height: high, fill: "none", stroke: "#555", "stroke-width": 0.7 }));
      const count = svg("text", { x: 0, y: BOX / 2 + 13, "text-anchor": "middle", "font-size": 11.5, fill: "#444" });
      count.textContent = node.role === "start" ? `start · ${node.people}` : node.people > 1 ? String(node.people) : "";
      item.append(count);
      item.addEventListener("click", () => { if (!dragged) tell(i); });
      item.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); tell(i); } });
      return item;
    });
    const marker = svg("defs", {}, svg("marker", { id: "tip-of-edge", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse", orient: "auto" }, svg("path", { d: "M0 0 L8 4 L0 8 z", fill: "#8b8b92" })));
    drawn = svg("svg", { "aria-label": "state graph" }, marker, ...edges, ...nodes);
    $("canvas").replaceChildren(drawn);
    const xs = graph.nodes.map((n) => at(n)[0]), ys = graph.nodes.map((n) => at(n)[1]);
    drawn.all = [Math.min(...xs) - 60, Math.min(...ys) - 90, Math.max(...xs) - Math.min(...xs) + 120, Math.max(...ys) - Math.min(...ys) + 150];
    whole();
    navigate();
    [...$("tests").children].forEach((button, i) => button.classList.toggle("on", i === shown));
    tell(Math.max(0, graph.nodes.findIndex((n) => n.role === "start")));
    ways();
  };

  // ---- zoom and move
  let dragged = false;
  const place = () => drawn.setAttribute("viewBox", view.join(" "));
  const whole = () => {  // all of it, but no smaller than can be seen: then the start is shown
    const [x, y, w, h] = drawn.all, { clientWidth: cw, clientHeight: ch } = $("canvas");
    const scale = Math.max(0.42, Math.min(1.3, cw / w, ch / h));
    view = [cw / scale > w ? x - (cw / scale - w) / 2 : x, ch / scale > h ? y - (ch / scale - h) / 2 : -ch / scale / 2, cw / scale, ch / scale];
    place();
  };
  const zoom = (factor, px = 0.5, py = 0.5) => {
    const kept = Math.max(120, Math.min(60000, view[2] / factor)), by = kept / view[2];
    view = [view[0] + view[2] * px * (1 - by), view[1] + view[3] * py * (1 - by), kept, view[3] * by];
    place();
  };
  const navigate = () => {
    let from = null;
    drawn.addEventListener("pointerdown", (event) => { from = [event.clientX, event.clientY, view[0], view[1]]; dragged = false; });
    drawn.addEventListener("pointermove", (event) => {
      if (!from) return;
      const scale = view[2] / drawn.clientWidth, dx = event.clientX - from[0], dy = event.clientY - from[1];
      if (!dragged && Math.hypot(dx, dy) < 4) return;
      if (!dragged) { dragged = true; drawn.setPointerCapture(event.pointerId); }
      view[0] = from[2] - dx * scale; view[1] = from[3] - dy * scale;
      place();
    });
    for (const name of ["pointerup", "pointercancel"]) drawn.addEventListener(name, () => { from = null; setTimeout(() => (dragged = false)); });
    drawn.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const box = drawn.getBoundingClientRect();
      zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
    }, { passive: false });
  };
  $("closer").addEventListener("click", () => zoom(1.4));
  $("further").addEventListener("click", () => zoom(1 / 1.4));
  $("whole").addEventListener("click", whole);
  const tip = (text, event) => {
    $("tip").hidden = !text;
    if (text) { $("tip").textContent = text; $("tip").style.left = Math.min(event.clientX + 14, innerWidth - 320) + "px"; $("tip").style.top = event.clientY + 16 + "px"; }
  };

  // ---- what is known about a state
  const tell = (number) => {
    const graph = graphs[shown], node = graph.nodes[number];
    for (const item of drawn.querySelectorAll(".node")) item.classList.toggle("chosen", Number(item.dataset.node) === number);
    const through = Object.entries(graph.ways).filter(([, way]) => way.includes(number)).map(([id]) => id);
    const list = (title, edges, other) => (edges.length ? [make("h3", {}, title), ...edges.sort((a, b) => b.people - a.people).slice(0, 8).map((e) => make("div", {}, make("button", { class: "link", onclick: () => tell(e[other]) }, people(e.people)), " " + e.operations.slice(0, 3).map(([name]) => words(name)).join(", ")))] : []);
    $("state").dataset.node = number;
    $("state").replaceChildren(
      small(node.grid, 230),
      make("h3", {}, node.role ? ROLES[node.role] : "a state"),
      make("div", {}, `${people(node.people)} of ${graph.people} came here, ${node.visits}×`),
      node.value === null ? "" : make("div", {}, `${Math.round(100 * node.value)} % of them handed in a right answer later`),
      ...list("Came from", graph.edges.filter((e) => e.to === number), "from"),
      ...list("Went on to", graph.edges.filter((e) => e.from === number), "to"),
      make("h3", {}, "Trajectories"),
      ...through.slice(0, 30).map((id) => make("div", {}, make("button", { class: "link", onclick: () => choose(id) }, id))),
      through.length > 30 ? make("div", { class: "faint" }, `and ${through.length - 30} more`) : "");
  };

  // ---- one or two ways
  const choose = (id) => {
    chosen = chosen.includes(id) ? chosen.filter((other) => other !== id) : [...chosen, id].slice(-2);
    const there = graphs.findIndex((graph) => chosen.length && graph.ways[chosen[chosen.length - 1]]);
    if (there >= 0 && !graphs[shown].ways[chosen[chosen.length - 1]]) { shown = there; draw(); } else ways();
  };
  const ways = () => {
    if (!drawn) return;
    const graph = graphs[shown], own = chosen.map((id) => graph.ways[id] || []);
    drawn.classList.toggle("dim", chosen.length > 0);
    const on = new Set(own.flat());
    for (const item of drawn.querySelectorAll(".node")) item.classList.toggle("on", on.has(Number(item.dataset.node)));
    const steps = own.map((way) => new Set(way.slice(1).map((node, i) => `${way[i]},${node}`)));
    for (const item of drawn.querySelectorAll(".edge")) {
      const [a, b] = steps.map((s) => s.has(item.dataset.edge));
      item.classList.toggle("on", Boolean(a || b)); item.classList.toggle("A", Boolean(a)); item.classList.toggle("B", Boolean(b && !a));
    }
    for (const row of $("trajectories").children) { row.classList.toggle("A", row.dataset.id === chosen[0]); row.classList.toggle("B", row.dataset.id === chosen[1]); }
    $("compared").textContent = !chosen.length ? "click one to see its way through the graph, a second to compare"
      : chosen.length === 1 ? `the way of ${chosen[0]} is blue; click a second one to compare, or it again to see all` : compared(own);
  };
  const compared = ([a, b]) => {
    const shared = new Set(a.filter((node) => b.includes(node))).size;
    let same = 0;
    while (same < a.length && same < b.length && a[same] === b[same]) same++;
    const where = same === 0 ? "they begin in different states" : same === a.length && same === b.length ? "they are the same" : same === Math.min(a.length, b.length) ? "one is the beginning of the other" : `they part after ${same} shared ${same === 1 ? "state" : "states"}`;
    return `${chosen[0]} is blue, ${chosen[1]} orange: ${where}; ${shared} ${shared === 1 ? "state" : "states"} in common`;
  };

  // ---- what was handed in
  const MOST = 60;
  $("gallery").append(...answers.slice(0, MOST).map((answer) => make("div", { class: "answer " + (answer.right === true ? "right" : answer.right === false ? "wrong" : "") },
    make("h3", {}, (answer.right === true ? "✓ right" : answer.right === false ? "✗ wrong" : "not judged") + ` · ${people(answer.people)}` + (graphs.length > 1 && answer.test !== null ? ` · test ${answer.test + 1}` : "")),
    small(answer.grid, 180),
    make("ul", {}, ...answer.by.slice(0, 8).map(([id, step, moves]) => make("li", {}, make("button", { class: "link", onclick: () => choose(id) }, id), ` step ${step}, after ${moves} ${moves === 1 ? "move" : "moves"}`))),
    answer.by.length > 8 ? make("div", { class: "faint" }, `and ${answer.by.length - 8} more`) : "")));
  if (answers.length > MOST) $("gallery").append(make("p", { class: "faint" }, `and ${answers.length - MOST} further answers`));
  if (!answers.length) $("gallery").append(make("p", { class: "faint" }, "Nobody handed in an answer."));

  const ROWS = 400;
  if (trajectories.length > ROWS) $("trajectories").closest("section").append(make("p", { class: "faint" }, `and ${trajectories.length - ROWS} more; each can be chosen at a state that it went through`));
  $("trajectories").append(...trajectories.slice(0, ROWS).map((t) => make("tr", { "data-id": t.id, tabindex: 0, onclick: () => choose(t.id), onkeydown: (event) => { if (event.key === "Enter") choose(t.id); } },
    make("td", {}, t.id), make("td", {}, (t.who ?? "") + (t.attempt === null ? "" : `, attempt ${t.attempt + 1}`)), make("td", {}, make("span", { class: "chip " + (t.kind === "good" ? "primary" : t.kind === "bad" ? "proposed" : "") }, t.outcome)),
    make("td", { class: "number" }, String(t.moves)), make("td", { class: "number" }, String(t.steps)), make("td", { class: "number" }, t.duration === null ? "" : t.duration.toFixed(1)))));
  if (graphs.length > 1) $("tests").append(...graphs.map((graph, i) => make("button", { onclick: () => { shown = i; draw(); } }, graph.test === null ? "test not said" : `test ${graph.test + 1}`)));
  draw();
})();
