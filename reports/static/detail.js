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
  for (const [name, value] of pairs) {
    if (value === "" || value === undefined || value === null) continue;
    list.append(element("dt", {}, name), element("dd", {}, value));
  }
  return list;
}

function copying(pre) {
  const button = element("button", { type: "button" }, "Copy");
  button.addEventListener("click", () => copy(pre.textContent, button, pre));
  return button;
}

function reproducer(pre) {
  return [element("div", { class: "bar" }, element("h3", {}, "Run it again"), copying(pre)), pre,
    element("p", { class: "note" }, "Needs numpy, ml_dtypes and the framework; nothing of xentbench. It asks for this one row alone.")];
}

// What the answer was over the runs so far: a line for each time it changed.
function levels(found) {
  const head = ["from", "run", "runs", "state", "max ulp"].map(name => element("th", { scope: "col" }, name));
  const lines = found.map(([uid, started, runs, state, figure]) => element("tr", {},
    ...[started.slice(0, 10), element("code", {}, uid), String(runs), state, figure === null ? "" : short(figure)].map(cell => element("td", {}, cell))));
  return element("table", { class: "plain" }, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...lines.reverse()));
}

// A hex float in the decimals that its format needs, hex behind; what is neither stays as it is.
const DIGITS = { float64: 17, float32: 9, float16: 5, bfloat16: 4, float8_e4m3fn: 3, float8_e5m2: 2 };
function decimal(text, dtype) {
  const found = text.match(/^([+-]?)0x([\da-f]+)\.?([\da-f]*)p([+-]?\d+)$/i);
  if (!found) return text;
  const [, sign, whole, part, power] = found, value = (parseInt(whole, 16) + (part && parseInt(part, 16) / 16 ** part.length)) * 2 ** Number(power);
  return (sign === "-" ? "-" : "") + Number(value.toPrecision(DIGITS[dtype] ?? 17));
}

function number(text, dtype) {
  const first = decimal(text, dtype);
  return element("span", {}, element("samp", {}, first), ...first === text ? [] : [" ", element("code", { class: "note" }, text)]);
}

// A row of hex floats, or of `index=value` of what is not 0; a recipe stays as it is.
function inputs(text, dtype) {
  if (!text || code(text) === text) return text && element("pre", { tabindex: "0" }, text);
  const words = text.trim().split(/\s+/).map(word => word.replace(/[^=]+$/, each => decimal(each, dtype))).join(" ");
  const shown = element("pre", { tabindex: "0" }, words);
  return words === text ? shown : element("div", {}, shown, element("details", {}, element("summary", {}, "in hex"), element("pre", { tabindex: "0" }, text)));
}

const quoted = text => /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
const explained = (block, i) => `xentbench explain ${quoted(`${question(block, i)}@${block.line(i)[6]}`)} --run ${block.run}${block.store && ` --store ${quoted(block.store)}`}`;

function versions(block, i) {
  const facts = Object.entries(block.environments[block.columns.environments[i]]).filter(([name]) => !["framework", "device"].includes(name));
  return facts.map(fact => fact.join(" ")).join(", ");
}

function heading(...title) {
  const close = element("button", { type: "button", autofocus: "" }, "Close");
  close.addEventListener("click", () => document.getElementById("sheet").close());
  return element("header", {}, element("h2", { id: "sheet-title" }, ...title), element("div", { class: "bar" }, linking(element("button", { type: "button" }, "Copy link")), close));
}

const lost = (block, wanted) => element("div", { class: "sheet" }, heading("No such answer"), element("p", {}, "There is no such answer in this run: " + wanted),
  element("p", { class: "note" }, `The link is of another run, or of an earlier version; this report is of run ${block.run}.`));

function sheet(block, i) {
  const c = block.columns, d = block.detail.get(i), v = block.details, dtype = block.word("dtypes", i), check = block.word("checks", i);
  const [op, framework, , kind, , , target] = block.line(i), text = name => v.texts[v[name][d]];
  const symbol = block.word("symbols", i), ratios = CLASSES.flatMap((name, at) => (v.bounds[d]?.[at] ?? null) === null ? [] : `${name} ${short(v.bounds[d][at])}`).join(", ")
    || (c.ratio[i] === null || check ? "" : `S ${short(c.ratio[i])}`);
  const made = element("div", { class: "sheet" }, heading(dot(framework), element("code", {}, target)),
    element("p", { class: "state" }, `${symbol} ${block.word("states", i)}${c.ulp[i] === null ? "" : `, worst ${short(c.ulp[i])} ulp`}`,
      element("br"), element("span", { class: "note" }, block.legend[symbol] || "")),
    facts([["claim", check && described(block, check)], ["found", block.word("found", i)], ["of what it allows", check && short(c.ratio[i])],
      ["op", op], ["kind", kind], ["asked", `${block.word("quantities", i)}, ${dtype}, ${block.word("shapes", i)}`],
      ["input family", described(block, block.word("families", i))], ["reason", block.word("reasons", i)], ["elements", c.elements[i] ? grouped(c.elements[i]) : ""],
      ["error / bound", ratios && `${ratios}; class met: ${block.budget(i) || "none"}`],
      ["no plain distance", block.word("verdicts", i)],
      ["mean ulp", d === undefined ? "" : short(v.mean[d])], ["bias, signed ulp", d === undefined ? "" : short(v.bias[d])],
      ["versions", versions(block, i)]]));
  if (d !== undefined && v.history[d].length > 1) made.append(element("h3", {}, "Its history"), levels(v.history[d]));
  if (d !== undefined) {
    made.append(element("h3", {}, "The worst element"),
      facts([["index", `(${v.index[d].join(", ")})`], ["ulps", check ? "" : short(v.worst_ulp[d])], ["came back", number(v.got[d], dtype)],
        ["correctly rounded", number(v.expected[d], dtype)], ["exact", element("samp", {}, v.exact[d])],
        ["logits of its row", inputs(text("logits"), dtype)], ["label", inputs(text("label"), dtype)], ["incoming gradient", inputs(text("upstream"), dtype)]]));
    if (v.scripts[v.script[d]]) made.append(...reproducer(element("pre", { tabindex: "0", id: "script" }, script(block, d, i))));
  } else if (c.ulp[i] !== null) {
    made.append(element("p", { class: "note" }, "The page carries the worst input of each line and dtype and of every deviation; this one is in `xentbench export`."));
  }
  const explain = element("pre", { tabindex: "0", id: "explain" }, explained(block, i));
  made.append(element("div", { class: "bar" }, element("h3", {}, "Why it is as it is"), copying(explain)), explain);
  return made;
}
