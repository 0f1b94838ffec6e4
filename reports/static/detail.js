// The sheet behind a cell: the worst input, what came back, what is exact, and a script that runs it again.
const wrapped = text => text.trim().split(/\s+/).reduce((lines, word, i) => {
  if (i % 5 === 0) lines.push([]);
  lines[lines.length - 1].push(word);
  return lines;
}, []).map(words => words.join(" ")).join("\n    ");
const sparse = words => `row = np.zeros_like(row)  # but for
for place, number in (word.split("=") for word in "${words}".split()):
    row[int(place)] = float.fromhex(number)`;
// As reports/reproducer/script.py does: a recipe binds `row` by itself, hex floats are read.
const code = text => /^(def |# python|import |row\b)/.test(text) ? text
  : !text.trim() || text.includes("=") ? sparse(text.trim().split(/\s+/).join(" "))
  : `row = np.array([float.fromhex(x) for x in """\n    ${wrapped(text)}\n""".split()])`;

function script(block, d, i) {
  const v = block.details, text = name => v.texts[v[name][d]];
  const holes = { title: address(block, i).replace(/\s+/g, " "), dtype: block.word("dtypes", i), logits: code(text("logits")), labels: code(text("label")),
    label: text("label"), upstream: code(text("upstream")), exact: v.exact[d], expected: v.expected[d], got: v.got[d],
    column: String(v.index[d].length ? v.index[d][v.index[d].length - 1] : 0),
    index: v.index[d].map(place => `${place},`).join(" ") };
  return v.scripts[v.script[d]].replace(/%%(\w+)%%/g, (_, name) => holes[name]);
}

// All sizes of a sweep share a column and a description, and so do all of a linear op's family.
const drawnBy = name => name.split("/")[name.startsWith("linear/") ? 1 : 0];

const described = (block, name) => {
  const text = block.descriptions[name] ?? block.descriptions[drawnBy(name)];
  return text ? `${name}: ${text}` : name;
};

function facts(pairs) {
  const list = element("dl");
  for (const [name, value, pre] of pairs) {
    if (value === "" || value === undefined || value === null) continue;
    list.append(element("dt", {}, name), element("dd", {}, value instanceof Node ? value : element(pre ? "pre" : "span", pre ? { tabindex: "0" } : {}, value)));
  }
  return list;
}

async function copy(text, button, pre) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(pre);
    button.textContent = document.execCommand("copy") ? "Copied" : "Selected: press Ctrl+C";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}

function reproducer(text, pre) {
  const button = element("button", { type: "button" }, "Copy");
  button.addEventListener("click", () => copy(text, button, pre));
  return [element("div", { class: "bar" }, element("h3", {}, "Run it again"), button), pre,
    element("p", { class: "note" }, "Needs numpy, ml_dtypes and the framework; nothing of xentbench. It asks for this one row alone.")];
}

// What the answer was over the runs so far: a line for each time it changed.
function levels(found) {
  const head = ["from", "run", "runs", "state", "max ulp"].map(name => element("th", { scope: "col" }, name));
  const lines = found.map(([uid, started, runs, state, figure]) => element("tr", {},
    ...[started.slice(0, 10), element("code", {}, uid), String(runs), state, figure === null ? "" : short(figure)].map(cell => element("td", {}, cell))));
  return element("table", { class: "plain" }, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...lines.reverse()));
}

function sheet(block, i) {
  const c = block.columns, d = block.detail.get(i), v = block.details;
  const [op, framework, , kind, , , target] = block.line(i);
  const symbol = block.word("symbols", i), ratios = CLASSES.flatMap((name, at) => (v.bounds[d]?.[at] ?? null) === null ? [] : `${name} ${short(v.bounds[d][at])}`).join(", ")
    || (c.ratio[i] === null ? "" : `${c.budget[i]} ${short(c.ratio[i])}`);
  const close = element("button", { type: "button", autofocus: "" }, "Close");
  close.addEventListener("click", () => document.getElementById("sheet").close());
  const made = element("div", { class: "sheet" },
    element("header", {}, element("h2", { id: "sheet-title" }, dot(framework), element("code", {}, target)), close),
    element("p", { class: "state" }, `${symbol} ${block.word("states", i)}${c.ulp[i] === null ? "" : `, worst ${short(c.ulp[i])} ulp`}`,
      element("br"), element("span", { class: "note" }, block.legend[symbol] || "")),
    facts([["op", op], ["kind", kind], ["asked", `${block.word("quantities", i)}, ${block.word("dtypes", i)}, ${block.word("shapes", i)}`],
      ["input family", described(block, block.word("families", i))], ["reason", block.word("reasons", i)], ["elements", c.elements[i] ? grouped(c.elements[i]) : ""],
      ["error / bound", ratios && ratios + (c.budget[i] ? `; tightest class met or else loosest: ${c.budget[i]}` : "")],
      ["no plain distance", block.word("verdicts", i)],
      ["mean ulp", d === undefined ? "" : short(v.mean[d])], ["bias, signed ulp", d === undefined ? "" : short(v.bias[d])]]));
  if (d !== undefined && v.history[d].length > 1) made.append(element("h3", {}, "Its history"), levels(v.history[d]));
  if (d !== undefined) {
    const text = script(block, d, i), pre = element("pre", { tabindex: "0", id: "script" }, text);
    made.append(element("h3", {}, "The worst element"),
      facts([["index", `(${v.index[d].join(", ")})`], ["ulps", short(v.worst_ulp[d])], ["came back", element("samp", {}, v.got[d])],
        ["correctly rounded", element("samp", {}, v.expected[d])], ["exact", element("samp", {}, v.exact[d])],
        ["logits of its row", v.texts[v.logits[d]], true], ["label", v.texts[v.label[d]], true], ["incoming gradient", v.texts[v.upstream[d]], true]]),
      ...reproducer(text, pre));
  } else if (c.ulp[i] !== null) {
    made.append(element("p", { class: "note" }, "The page carries the worst input of each line and dtype and of every deviation; this one is in `xentbench export`."));
  }
  return made;
}
