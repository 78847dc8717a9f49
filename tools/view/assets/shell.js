// The shell of a trajectory's page: which step is shown, play, keys, the list of steps, and the box about one step.
// A panel calls Cairn.start({ show(step) }); everything that follows the step adds itself to Cairn.followers.
Object.assign(Cairn, { step: -1, followers: [], resizers: [] });
const action = (step) => words(Cairn.data.steps.names[step] ?? Cairn.data.steps.kinds[step]);

(() => {
  const { data } = Cairn, count = data.count, times = data.steps.times;
  const ROW = 26;

  Cairn.go = (wanted) => {
    const step = Math.max(0, Math.min(count - 1, Math.round(wanted)));
    if (step === Cairn.step) return;
    Cairn.step = step;
    $("scrubber").value = step;
    const time = times[step];
    $("where").textContent = `step ${step} of ${count - 1}` + (time === null ? "" : `  ·  ${seconds(time)}`);
    for (const follow of Cairn.followers) follow(step);
    try { history.replaceState(null, "", "#step=" + step); } catch { /* a page in a frame may have no history */ }
  };

  // ---- play: at the tempo of the recording, or two steps a second where no times are known
  let timer = null, since = 0, began = 0;
  const clock = () => {
    const shorten = $("pauses").checked, at = new Float64Array(count);
    for (let i = 1; i < count; i++) {
      const gap = times[i] === null || times[i - 1] === null ? 0.5 : Math.max(0, times[i] - times[i - 1]);
      at[i] = at[i - 1] + (shorten ? Math.min(gap, 2) : gap);
    }
    return at;
  };
  let at = clock();
  const speed = () => Number($("speed").value) * ($("reverse").checked ? -1 : 1);
  const restart = () => { since = performance.now(); began = at[Cairn.step]; };
  const tick = () => {
    const pace = speed(), now = began + ((performance.now() - since) / 1000) * pace;
    let step = Cairn.step;
    if (pace > 0) while (step + 1 < count && at[step + 1] <= now) step++;
    else while (step > 0 && at[step - 1] >= now) step--;
    if (step !== Cairn.step) Cairn.go(step);
    if (pace > 0 ? step === count - 1 : step === 0) stop();
    else timer = requestAnimationFrame(tick);
  };
  const stop = () => {
    cancelAnimationFrame(timer);
    timer = null;
    $("play").textContent = "▶ play";
    $("play").classList.remove("on");
  };
  const play = () => {
    if (timer !== null) return stop();
    if ($("reverse").checked ? Cairn.step === 0 : Cairn.step === count - 1) Cairn.go($("reverse").checked ? count - 1 : 0);
    restart();
    $("play").textContent = "■ stop";
    $("play").classList.add("on");
    timer = requestAnimationFrame(tick);
  };
  Cairn.playing = () => timer !== null;
  const jump = (step) => { Cairn.go(step); restart(); };
  Cairn.jump = jump;

  for (const pace of [0.25, 0.5, 1, 2, 4, 8, 16]) $("speed").append(make("option", { value: pace, selected: pace === 1 ? "" : null }, pace + "×"));
  if (times.every((t) => t === null)) $("speed").title = "the source recorded no times: two steps a second";
  $("speed").addEventListener("change", restart);
  $("reverse").addEventListener("change", restart);
  $("pauses").addEventListener("change", () => { at = clock(); restart(); });
  $("play").addEventListener("click", play);
  $("first").addEventListener("click", () => jump(0));
  $("last").addEventListener("click", () => jump(count - 1));
  $("back").addEventListener("click", () => jump(Cairn.step - 1));
  $("forward").addEventListener("click", () => jump(Cairn.step + 1));
  $("scrubber").max = count - 1;
  $("scrubber").addEventListener("input", (event) => jump(Number(event.target.value)));

  // ---- keys
  const borders = [...new Set(data.bands.flatMap((band) => (band.spans || []).flatMap((s) => [s[0], s[1]])))].sort((a, b) => a - b);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches("input[type=search], textarea, select");
    if (typing) return;
    const far = event.shiftKey ? 10 : 1;
    const keys = {
      ArrowRight: () => jump(Cairn.step + far), ArrowLeft: () => jump(Cairn.step - far),
      Home: () => jump(0), End: () => jump(count - 1),
      "]": () => jump(borders.find((b) => b > Cairn.step) ?? count - 1),
      "[": () => jump(borders.findLast((b) => b < Cairn.step) ?? 0),
      "+": () => Cairn.zoom(2), "=": () => Cairn.zoom(2), "-": () => Cairn.zoom(0.5),
    };
    if (event.target === $("steps")) Object.assign(keys, { ArrowDown: keys.ArrowRight, ArrowUp: keys.ArrowLeft });
    if (event.key === " " && !event.target.matches("button, input, summary")) keys[" "] = play;
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });

  // ---- the list of steps: only what is in sight is in the page
  // where actions have no names, a step is listed by the segment that it lies in
  const covered = (band) => band.spans.reduce((sum, [start, end]) => sum + end - start, 0);
  const named = data.bands.filter((band) => band.kind === "segments").sort((a, b) => covered(b) - covered(a))[0];
  const segment = new Array(count).fill(null);
  if (named) for (const [start, end, word] of named.spans) segment.fill(named.words[word], start, end);
  const listed = (step) => (data.steps.names[step] === null && data.steps.kinds[step] !== null ? segment[step] ?? action(step) : action(step));
  const list = $("steps"), rows = $("rows");
  rows.style.height = count * ROW + "px";
  const draw = () => {
    const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 4);
    const last = Math.min(count, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + 4);
    const made = [];
    for (let i = first; i < last; i++) {
      const badge = Cairn.badge ? Cairn.badge(i) : null;
      made.push(make("div", { class: "step" + (i === Cairn.step ? " now" : ""), "data-step": i, style: { top: i * ROW + "px" }, onclick: () => jump(i) },
        make("span", { class: "n" }, String(i)),
        Cairn.badge ? make("span", { class: "dot" + (badge ? "" : " none"), style: badge ? { background: badge.colour } : {}, title: badge ? badge.words : null }) : null,
        make("span", { class: "what", title: listed(i) }, listed(i)),
        make("span", { class: "t" }, times[i] === null ? "" : times[i].toFixed(1))));
    }
    rows.replaceChildren(...made);
  };
  list.addEventListener("scroll", draw);
  Cairn.followers.push((step) => {
    const top = step * ROW;
    if (top < list.scrollTop + ROW) list.scrollTop = top - ROW;
    else if (top > list.scrollTop + list.clientHeight - 3 * ROW) list.scrollTop = top - list.clientHeight + 3 * ROW;
    draw();
  });

  // ---- what is known about the step
  const starts = data.annotations.map((_, i) => i).filter((i) => data.annotations[i].start !== null && data.annotations[i].says && data.annotations[i].kind !== "scalars");
  Cairn.covers = (row, step) => row.start !== null && row.start <= step && step < Math.max(row.end ?? row.start + 1, row.start + 1);
  const series = new Map();  // what a series says at a step, in place of all that it says
  for (const band of data.bands) {
    for (const [start, end, word, , number] of band.spans || []) {
      if (!series.has(number)) series.set(number, []);
      series.get(number).push([start, end, band.words[word], band.colours[word], band.meanings[word]]);
    }
  }
  Cairn.saidAt = (step) => {
    const found = [];
    for (const number of starts) {
      const row = data.annotations[number];
      if (!Cairn.covers(row, step)) continue;
      const own = series.get(number);
      const here = own && own.find(([start, end]) => start <= step && step < end);
      if (own && !here) continue;
      found.push({ row, word: here ? here[2] : row.says, colour: here ? here[3] : "#999", meaning: here ? here[4] : "" });
    }
    for (const band of data.bands) {
      for (const { steps, values, unit } of band.series || []) {
        const place = steps.indexOf(step);
        if (place >= 0) found.push({ row: { layer: band.layer, who: "", status: "" }, word: values[place].toPrecision(4) + (unit.length < 20 ? " " + unit : ""), colour: "#999", meaning: band.doc });
      }
    }
    return found;
  };
  const about = (step) => {
    const { kinds, arguments: given, source } = data.steps, time = times[step];
    const wait = step && time !== null && times[step - 1] !== null ? time - times[step - 1] : null;
    const open = $("source") ? $("source").open : false;
    const found = Cairn.saidAt(step);
    $("here").replaceChildren(
      make("h2", { id: "action" }, action(step)),
      make("div", { class: "faint" }, [data.steps.names[step] === null && kinds[step] ? "" : kinds[step] || "observes only", wait === null ? "" : `${wait.toFixed(2)} s after the step before`].filter(Boolean).join(" · ")),
      given[step] && given[step] !== "{}" ? make("pre", { id: "arguments" }, given[step]) : "",
      source[step] ? make("details", { id: "source", open: open ? "" : null }, make("summary", {}, "as the source wrote it"), make("pre", {}, source[step])) : "",
      make("h3", {}, found.length ? "Said about this step" : "Nothing is said about this step"),
      ...found.slice(0, 60).map(({ row, word, colour, meaning }) => make("div", { class: "said", style: { borderColor: colour }, title: meaning || null },
        make("span", { class: "faint" }, row.layer + "  "), make("b", {}, word),
        row.who ? make("span", { class: "by" }, [row.who, row.quality || row.status, row.annotator].filter(Boolean).join(" · ")) : null)),
      found.length > 60 ? make("p", { class: "faint" }, `and ${found.length - 60} more, in the table below`) : "",
    );
  };
  Cairn.followers.push(about);

  Cairn.tip = (text, event) => {
    const tip = $("tip");
    tip.hidden = !text;
    if (!text) return;
    tip.textContent = text;
    tip.style.left = Math.max(4, Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8)) + "px";
    tip.style.top = (event.clientY + 18 + tip.offsetHeight > innerHeight ? event.clientY - tip.offsetHeight - 10 : event.clientY + 18) + "px";
  };

  Cairn.start = (panel) => {
    Cairn.followers.unshift((step) => panel.show(step));
    const asked = /step=(\d+)/.exec(location.hash);
    Cairn.go(asked ? Number(asked[1]) : 0);
    let waiting = null;
    addEventListener("resize", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => { for (const resize of Cairn.resizers) resize(); }, 80);
    });
    addEventListener("hashchange", () => { const to = /step=(\d+)/.exec(location.hash); if (to) Cairn.go(Number(to[1])); });
  };
  Cairn.resizers.push(draw);
})();
