// The page over all runs. Its state is its fragment: the id of a part, #series?name=value, or #one?s=series, its sheet.
{
  const SHOWN = 50, STEPS = 400;  // rows at a time; steps of a time's logarithm (reports/dashboard/block.py)
  const TURNS = ["worse", "better", "different"], SIGNS = { worse: "▲", better: "▼", different: "◆" };
  const SPEED = { worse: "slower", better: "faster", different: "different" };
  const UNITS = [["s", 1], ["ms", 1e-3], ["µs", 1e-6], ["ns", 0]];
  const svg = (name, attributes = {}, ...children) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };
  const dialog = document.getElementById("sheet"), form = document.querySelector("#series form");
  const body = document.querySelector(".followed tbody"), more = document.querySelector(".more");
  let block, all = [], left = [], beneath = "";

  const rounded = (v, digits) => v === null ? "" : v === Infinity ? "∞" : Number.isNaN(v) ? "nan" : short(Number(v.toPrecision(digits)));
  const duration = v => { const [unit, size] = UNITS.find(([, least]) => v >= least); return short(Number((v / (size || 1e-9)).toPrecision(3))) + " " + unit; };
  const number = v => typeof v === "string" ? Number(v.replace("inf", "Infinity")) : v;

  // The block in columns -> one object a series. A series of accuracy is its changes; one of times has each run's.
  function unfold(block) {
    const { series, changes, words } = block, rows = [];
    let change = 0, timed = 0;
    for (let i = 0; i < series.target.length; i++) {
      const word = name => words[name][series[name][i]], [framework, name, mode, device, kind] = word("target");
      const one = { framework, kind, target: `${name}@${mode}` + (device === "cpu" ? "" : ":" + device), op: word("op"), check: word("check"),
        state: word("state"), machine: series.machine[i], first: series.first[i], last: series.last[i], asked: series.asked[i], figure: number(series.figure[i]), changes: [] };
      const [shape, seed] = word("shape").split(" seed "), named = [one.op, word("quantity"), word("family"), word("dtype"), shape.replace("×", "x")];
      one.id = (one.check && one.check + ":") + named.join("-") + (seed ? "-seed" + seed : "");
      one.speed = one.machine !== null;
      one.address = [one.id, framework, one.target, ...one.speed && block.machines.length > 1 ? [block.machines[one.machine].name] : []].join("|");
      if (one.speed) one.times = block.times[timed++];
      for (const end = change + series.changes[i]; change < end; change++) {
        const value = name => changes[name][change];
        one.changes.push({ at: value("at"), before: value("before"), turn: TURNS[value("turn")], was: number(value("was")), now: number(value("now")), low: value("low"), high: value("high"),
          states: [words.state[value("state_was")], words.state[value("state_now")]], differences: block.differences[value("differences")] });
      }
      rows.push(one);
    }
    return rows;
  }

  // The points of a series as [run, figure]; of an accuracy, where it changes.
  function points(one) {
    if (!one.speed) {
      const found = [[one.first, one.changes.length ? one.changes[0].was : one.figure]];
      for (const change of one.changes) found.push([change.before, found.at(-1)[1]], [change.at, change.now]);
      return [...found, [one.last, one.figure]];
    }
    let last = 0;
    return one.times.split(",").flatMap((text, place) => text === "" ? [] : [[block.machines[one.machine].runs[place], Math.exp((last += Number(text)) / STEPS)]]);
  }

  // The levels of a series of times: [first run, last run, figure].
  function levels(one) {
    const steps = one.changes.filter(change => change.low !== null), starts = [one.first, ...steps.map(change => change.at)];
    return starts.map((start, i) => [start, i < steps.length ? steps[i].before : one.last, i ? steps[i - 1].now : steps.length ? steps[0].was : one.figure]);
  }

  // A line over all runs, logarithmic, 0 at the bottom and infinity at the top; `labels` for the large one.
  function trace(one, width, height, labels = 0) {
    const found = points(one), finite = found.map(([, v]) => v).filter(v => v > 0 && v < Infinity).map(Math.log10);
    const ordered = [...finite].sort((a, b) => a - b), cut = one.speed && !labels ? Math.floor(ordered.length / 12) : 0;  // runs far off would flatten the small line
    const low = ordered[cut], high = ordered[ordered.length - 1 - cut], middle = (low + high) / 2, half = Math.max(high - low, one.speed ? 0.1 : 0.3) / 2 || 1;
    const left = labels, top = 12, tall = height - top - 4 - (labels && 16), wide = width - left - 8;
    const x = run => left + wide * (block.runs.length > 1 ? run / (block.runs.length - 1) : 0.5);
    const place = v => v === null || Number.isNaN(v) ? NaN : v === 0 ? 1.1 : v === Infinity ? -0.1 : finite.length ? (middle + half - Math.log10(v)) / (2 * half) : 0.5;
    const y = v => top + tall * Math.min(1.08, Math.max(-0.08, place(v)));
    const at = (run, v) => `${x(run).toFixed(1)} ${y(v).toFixed(1)}`;
    const path = (list, step) => list.map(([run, v], i) => Number.isNaN(place(v)) ? "" : (i === 0 || Number.isNaN(place(list[i - 1][1])) ? "M" + at(run, v) : step ? `H${x(run).toFixed(1)}V${y(v).toFixed(1)}` : "L" + at(run, v))).join("");
    const made = svg("svg", { class: "trace " + one.framework, width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
    if (labels) {
      for (const v of finite.length ? [...new Set([high, low])] : []) made.append(svg("path", { class: "cut", d: `M${left} ${y(10 ** v)}H${width - 8}` }),
        svg("text", { x: left - 6, y: y(10 ** v) + 4, "text-anchor": "end" }, figure(one, 10 ** v)));
      for (const [run, anchor] of [[0, "start"], [block.runs.length - 1, "end"]]) made.append(svg("text", { x: x(run), y: height - 2, "text-anchor": anchor }, block.runs[run][1].slice(0, 10)));
    }
    for (const change of one.changes) made.append(svg("path", { class: "cut", d: `M${x(change.at).toFixed(1)} ${top}V${top + tall}` }));
    made.append(svg("path", { class: one.speed ? "raw" : "level", d: path(found, !one.speed) }));
    if (one.speed) made.append(svg("path", { class: "level", d: levels(one).filter(([, , v]) => v).map(([start, stop, v]) => `M${at(start, v)}H${x(stop).toFixed(1)}`).join("") }));
    for (const change of one.changes.slice(-40)) made.append(svg("text", { class: change.turn, x: x(change.at), y: 9, "text-anchor": "middle" }, SIGNS[change.turn]));
    return made;
  }

  const figure = (one, v, digits = 3) => v === null || Number.isNaN(v) ? "" : one.speed ? duration(v) : rounded(v, digits) + (one.check ? " of what is allowed" : " ulp");

  // What a figure was and is, with as many digits as tell them apart, and the states where those changed or nothing else tells.
  function sides(one, change) {
    let texts, digits = 3;
    do texts = [figure(one, change.was, digits), figure(one, change.now, digits)]; while (texts[0] === texts[1] && !one.speed && ++digits < 17);
    return texts[0] === texts[1] || change.states[0] !== change.states[1] ? texts.map((text, i) => [text, change.states[i]].filter(Boolean).join(", ")) : texts;
  }

  const word = change => change.low === null ? change.turn : SPEED[change.turn];
  const mark = change => element("span", { class: "mark " + change.turn, "aria-hidden": "true" }, SIGNS[change.turn]);
  const said = differences => differences.length ? differences.map(([where, fact, was, now]) => `${where === fact ? "" : where + ": "}${fact} ${was} → ${now}`).join("; ") : "no stored fact differs";
  const runCode = run => element("code", {}, block.runs[run][0]);

  function row(one, fits) {
    const change = one.changes.findLast(fits);
    const button = element("button", { type: "button" }, element("code", {}, ...named(one.target)));
    const last = change ? [mark(change), " ", sides(one, change).join(" → "), " ", element("small", {}, `${word(change)}, `, runCode(change.at))] : ["none"];
    const made = element("tr", {}, element("th", { scope: "row" }, element("div", { class: "who" }, dot(one.framework), button)),
      element("td", {}, element("code", {}, ...named(one.id)), ...one.speed && block.machines.length > 1 ? [element("br"), element("small", {}, block.machines[one.machine].name)] : []),
      element("td", { class: "line" }, trace(one, 230, 44)), element("td", { class: "n" }, figure(one, one.figure) || one.state), element("td", {}, ...last), element("td", { class: "n" }, String(one.changes.length)));
    made.addEventListener("click", () => { if (!String(getSelection())) go("one", { s: one.address }); });
    return made;
  }

  function sheet(one) {
    const table = element("table", { class: "plain" }, element("thead", {}, element("tr", {}, ...["Run", "Was", "Is", "Differs in"].map(text => element("th", { scope: "col" }, text)))),
      element("tbody", {}, ...[...one.changes].reverse().slice(0, 200).map(change => {
        const [was, now] = sides(one, change), ratio = change.low === null ? "" : ` (${rounded(change.now / change.was, 3)} times as long, ${rounded(change.low, 3)} to ${rounded(change.high, 3)})`;
        return element("tr", {}, element("th", { scope: "row" }, runCode(change.at), element("br"), element("small", {}, `after ${block.runs[change.before][0]}`)),
          element("td", {}, was), element("td", {}, mark(change), " ", now, element("small", {}, ` ${word(change)}${ratio}`)), element("td", {}, said(change.differences)));
      })));
    const close = element("button", { type: "button" }, "Close");
    close.addEventListener("click", () => dialog.close());
    const explain = `xentbench explain '${`${one.id}@${one.target}`.replaceAll("'", "'\\''")}' --run ${block.runs[one.last][0]}`;
    return element("article", { class: "sheet" }, element("header", {}, element("h2", { id: "sheet-title" }, dot(one.framework), element("code", {}, ...named(one.target))), close),
      element("p", { class: "state" }, element("code", {}, ...named(one.id))),
      element("p", { class: "note" }, `${one.state}${one.figure === null ? "" : ", " + figure(one, one.figure)}; asked in ${one.asked} runs, last in ${block.runs[one.last][0]}` + (one.speed ? `; on ${block.machines[one.machine].name || "a machine without a name"}` : "")),
      trace(one, 800, 260, 70), ...one.changes.length ? [table] : [element("p", {}, "It never changed.")],
      ...one.speed ? [] : [element("h3", {}, "Why it is as it is"), element("pre", {}, element("code", {}, explain))]);
  }

  const size = change => !change || change.was === null || change.now === null ? Infinity : Math.abs(Math.log((change.now + 1e-12) / (change.was + 1e-12)));

  function list(asked) {
    const run = asked.run ? block.runs.findIndex(([uid]) => uid === asked.run) : null, find = asked.find.toLowerCase();
    const wanted = TURNS.includes(asked.show) ? [asked.show] : TURNS;
    const fits = change => (run === null || change.at === run) && wanted.includes(change.turn);
    left = all.filter(one => (!asked.what || one.speed === (asked.what === "speed")) && (!asked.framework || one.framework === asked.framework) && (!asked.op || one.op === asked.op)
      && (!find || one.address.toLowerCase().includes(find)) && (one.changes.some(fits) || asked.show === "all" && run === null));
    const key = new Map(left.map(one => { const change = one.changes.findLast(fits); return [one, [change?.at ?? -1, change !== undefined && change.states[0] !== change.states[1], change?.turn === "worse", size(change)]]; }));  // another verdict before a size
    left.sort((a, b) => { const [x, y] = [key.get(a), key.get(b)]; return y[0] - x[0] || y[1] - x[1] || y[2] - x[2] || (y[3] === x[3] ? 0 : y[3] - x[3]); });
    form.querySelector("output").value = `${grouped(left.length)} of ${grouped(all.length)} series`;
    body.replaceChildren();
    extend(fits);
    if (!left.length) body.append(element("tr", {}, element("td", { colspan: 6 }, all.some(one => one.changes.length) ? "No series is left by these filters." : "No series ever changed; “every series” shows them all.")));
  }

  function extend(fits) {
    body.append(...left.slice(body.rows.length, body.rows.length + SHOWN).map(one => row(one, fits)));
    more.hidden = body.rows.length >= left.length;
    more.onclick = () => extend(fits);
    more.textContent = `Show ${Math.min(SHOWN, left.length - body.rows.length)} more`;
  }

  function asked() {
    const [, name, query] = location.hash.match(/^#?([^?]*)\??(.*)$/s);
    return [decodeURIComponent(name), new URLSearchParams(query)];
  }

  function follow() {
    const [name, params] = asked();
    if (name === "one") {
      const one = all.find(each => each.address === params.get("s"));
      if (!body.rows.length) list(choices(form, "series", new URLSearchParams()));
      dialog.replaceChildren(one ? sheet(one) : element("p", { class: "sheet" }, "There is no such series: " + params.get("s")));
      if (!dialog.open) dialog.showModal();
      dialog.scrollTop = 0;
      take(dialog);
    } else {
      beneath = location.hash;
      dialog.close();
      list(choices(form, "series", name === "series" ? params : new URLSearchParams()));
      document.getElementById(name)?.scrollIntoView();
    }
    document.documentElement.dataset.ready = location.hash || "#";
  }

  function go(name, params = {}, replace = false) {
    const query = new URLSearchParams(params).toString();
    history[replace ? "replaceState" : "pushState"](null, "", "#" + name + (query && "?" + query));
    follow();
  }
  pages.go = go;  // as a form asks for it

  function fold(group) {
    const button = element("button", { type: "button", "aria-expanded": "false" }), same = group.querySelectorAll(".same").length;
    const tell = open => { group.classList.toggle("open", open); button.setAttribute("aria-expanded", open); button.textContent = `${open ? "Hide" : "Show"} ${same} before it that say the same`; };
    button.addEventListener("click", () => tell(!group.classList.contains("open")));
    tell(false);
    group.querySelector("th").append(element("br"), button);
  }

  if (document.documentElement.classList.contains("live")) {
    document.querySelectorAll(".folded").forEach(fold);
    document.querySelectorAll(".link").forEach(linking);
    document.querySelectorAll("main > section").forEach(take);
    dialog.addEventListener("close", () => { if (asked()[0] === "one") { history.pushState(null, "", beneath || "#"); document.documentElement.dataset.ready = location.hash || "#"; } });
    dialog.addEventListener("click", event => { if (event.target === dialog) dialog.close(); });
    unpacked("block").json().then(opened => {
      block = opened;
      all = unfold(block);
      for (const name of ["framework", "op"]) form.elements[name].append(...[...new Set(all.map(one => one[name]))].map(value => element("option", { value }, value)));
      addEventListener("hashchange", follow);
      follow();
      performance.mark("ready");
    });
  }
}
