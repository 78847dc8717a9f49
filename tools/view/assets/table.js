// The table of annotations: filters, provenance of each row, and which of them are about the step that is shown.
(() => {
  const { data } = Cairn, PAGE = 100;
  const layers = [...new Set(data.annotations.map((row) => row.layer))];
  let most = PAGE, shown = [];
  $("layer").append(make("option", { value: "" }, "all layers"), ...layers.map((name) => make("option", { value: name }, words(name))));
  const text = (row) => [row.layer, row.says, row.who, row.status, row.quality, row.annotator, ...row.facts.flat()].join(" ").toLowerCase();
  const texts = data.annotations.map(text);
  const steps = (row) => (row.start === null ? "all" : (row.end ?? row.start + 1) > row.start + 1 ? `${row.start} to ${row.end - 1}` : String(row.start));

  const line = (row) => make("tr", { class: Cairn.covers(row, Cairn.step) ? "covers" : null },
    make("td", {}, words(row.layer)),
    make("td", { class: "says" }, row.says || make("span", { class: "faint" }, "looked at, nothing there"), details(row)),
    make("td", {}, row.start === null ? "all" : make("button", { class: "link", title: "go there", onclick: () => Cairn.jump(row.start) }, steps(row)),
      row.from === null ? null : make("div", { class: "faint" }, row.from.toFixed(2) + (row.to === null ? " s" : ` to ${row.to.toFixed(2)} s`))),
    make("td", {}, `${row.who} ${row.version ?? ""}`, make("div", { class: "faint" }, row.type)),
    make("td", {}, make("span", { class: "chip " + row.status }, row.status)),
    make("td", {}, row.quality ? make("span", { class: "chip " + row.quality }, row.quality) : "", row.confidence === null ? null : make("div", { class: "faint" }, "confidence " + Number(row.confidence.toPrecision(3)))),
    make("td", {}, row.annotator ?? "", row.seconds === null ? null : make("div", { class: "faint" }, row.seconds.toFixed(0) + " s")));
  const details = (row) => {
    const pairs = [...row.facts, ...(row.stream ? [["stream", row.stream]] : []), ...(row.supersedes ? [["in place of", row.supersedes]] : []), ...(row.at ? [["when", row.at]] : []), ["run", row.run], ["id", row.id]].filter(([, value]) => value);
    const box = make("details", {}, make("summary", {}, "more"));
    box.addEventListener("toggle", () => { if (box.open && box.children.length < 2) box.append(make("dl", { class: "more" }, ...pairs.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]))); });
    return box;
  };
  const draw = () => {
    const layer = $("layer").value, wanted = $("search").value.toLowerCase(), only = $("only").checked;
    shown = data.annotations.filter((row, i) => (!layer || row.layer === layer) && (!wanted || texts[i].includes(wanted)) && (!only || row.start === null || Cairn.covers(row, Cairn.step)));
    $("table").replaceChildren(...shown.slice(0, most).map(line));
    $("matching").textContent = shown.length === data.annotations.length ? `${shown.length} rows` : `${shown.length} of ${data.annotations.length} rows`;
    $("more").hidden = shown.length <= most;
    $("more").textContent = `show ${Math.min(PAGE, shown.length - most)} more`;
  };
  const reset = () => { most = PAGE; draw(); };
  for (const name of ["layer", "only"]) $(name).addEventListener("change", reset);
  $("search").addEventListener("input", reset);
  $("more").addEventListener("click", () => { most += PAGE; draw(); });
  Cairn.followers.push((step) => {
    if ($("only").checked) return draw();
    [...$("table").children].forEach((tr, i) => tr.classList.toggle("covers", Cairn.covers(shown[i], step)));
  });
  draw();
})();
