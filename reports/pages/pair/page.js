// Two targets side by side; a target is known by `framework|name@mode`.
{
const SHOWN = 400;  // lines of the table
const SHOW = { "other bits": row => row.same === false, "A nearer": row => row.nearer === "A", "B nearer": row => row.nearer === "B" };
let asked;  // target -> question -> answer

const named_of = line => line[1] + "|" + line[6];
const asked_of = (block, i) => [block.line(i)[0], ...["quantities", "dtypes", "families", "shapes"].map(name => block.word(name, i))];

function index(block) {
  const found = new Map(block.lines.map(line => [named_of(line), new Map()]));
  for (let i = 0; i < block.size; i++) if (!block.word("checks", i)) found.get(named_of(block.line(i))).set(question(block, i), i);
  return found;
}

function fill(form, block) {
  const kinds = new Map(block.lines.map(line => [named_of(line), line]));
  for (const name of ["a", "b"]) {
    const groups = Map.groupBy ? Map.groupBy([...kinds], ([, line]) => line[1]) : new Map([["targets", [...kinds]]]);
    for (const [framework, members] of groups) {
      form.elements[name].append(element("optgroup", { label: framework }, ...members.map(([key, line]) => new Option(line[6], key))));
    }
  }
  const counts = new Array(block.lines.length).fill(0);
  for (const line of block.columns.line) counts[line]++;
  const most = block.lines.map((line, at) => [line, counts[at]]).sort((x, y) => (y[0][3] === "fused") - (x[0][3] === "fused") || y[1] - x[1]).map(([line]) => line);
  const first = most[0], alike = most.filter(line => line !== first && line[0] === first[0]);
  const second = alike.find(line => line[1] !== first[1]) ?? alike[0] ?? most[1];
  for (const [name, line] of [["a", first], ["b", second]]) {
    const chosen = [...form.elements[name].options].find(option => option.value === named_of(line));
    chosen.defaultSelected = chosen.selected = true;
  }
}

const nearer = (x, y) => x === null || y === null || x === y ? "" : Number.isNaN(x) || y < x ? "B" : "A";

function rows(block, a, b) {
  const found = [];
  for (const [key, i] of asked.get(a)) {
    const j = asked.get(b).get(key);
    if (j === undefined) continue;
    const bits = block.pages.pair.bits, known = bits[i] >= 0 && bits[j] >= 0;
    found.push({ i, j, same: known ? bits[i] === bits[j] : undefined, nearer: nearer(block.columns.ulp[i], block.columns.ulp[j]) });
  }
  return found;
}

const answer = (block, i) => element("td", { class: "n" }, element("a", { href: "#case?r=" + encodeURIComponent(address(block, i)) },
  block.columns.ulp[i] === null ? block.word("states", i) : short(block.columns.ulp[i])), " " + block.word("symbols", i));
const over = (block, i) => element("td", { class: "n" }, short(block.ratio(i)));
const heads = names => element("thead", {}, element("tr", {}, ...names.map(([name, number]) => element("th", { scope: "col", class: number && "n" }, name))));

function table(block, shown) {
  const body = element("tbody");
  for (const { i, j, same, nearer } of shown.slice(0, SHOWN)) {
    const [op, quantity, dtype, family, shape] = asked_of(block, i);
    body.append(element("tr", {}, element("th", { scope: "row" }, element("code", {}, ...named(op))), ...[quantity, dtype, family, shape].map(text => element("td", {}, text)),
      answer(block, i), answer(block, j), over(block, i), over(block, j), element("td", {}, same === undefined ? "not kept" : same ? "same" : "other"), element("td", {}, nearer)));
  }
  const columns = ["Op", "Quantity", "Dtype", "Input family", "Shape"].map(name => [name]);
  return element("table", { class: "plain" }, element("caption", { class: "unseen" }, "Questions that both were asked"), heads([...columns, ["A, ulp", true], ["B, ulp", true],
    ["A, error over bound S", true], ["B, error over bound S", true], ["Bits"], ["Nearer"]]), body);
}

function times(block, a, b) {
  const of = key => new Map(block.pages.pair.times.filter(([target]) => target === key).map(time => [time[1] + "|" + time[2], time]));
  const second = of(b), shared = [...of(a)].filter(([key]) => second.has(key));
  if (!shared.length) return element("p", { class: "note" }, "Not both were timed in one tournament; try: ", element("code", {}, "xentbench tournament"));
  const figure = value => value === null ? "not measured" : short(value);
  const body = shared.map(([key, [, op, title, x, p]]) => {
    const [, , , y, q] = second.get(key);
    return element("tr", {}, element("th", { scope: "row" }, element("code", {}, op), ", " + title),
      ...[x, y].map(seconds => `${short(Number((seconds * 1e6).toPrecision(3)))} µs`).map(text => element("td", { class: "n" }, text)), ...[ short(Number((y / x).toPrecision(3))), figure(p), figure(q)].map(text => element("td", { class: "n" }, text)));
  });
  return element("table", { class: "plain counts" }, heads([["Timed in one tournament"], ["A", true], ["B", true], ["B over A", true], ["A, peak / logits", true], ["B, peak / logits", true]]), element("tbody", {}, ...body));
}

const scrolling = made => { const box = element("div", { class: "scroll" }, made); sideways.observe(box); return box; };

pages.pair = {
  show(section, params, block) {
    const form = section.querySelector("form"), place = section.querySelector(".both");
    if (!asked) { asked = index(block); fill(form, block); }
    const { a, b, show } = choices(form, "pair", params), every = rows(block, a, b), shown = every.filter(SHOW[show] ?? (() => true));
    const count = fits => grouped(every.filter(fits).length);
    const said = every.length ? `${grouped(every.length)} questions asked of both: A is nearer in ${count(row => row.nearer === "A")}, B in ${count(row => row.nearer === "B")}; `
      + `the bits are the same in ${count(row => row.same)}, others in ${count(row => row.same === false)}.` : "They were asked no question in common: they are functions of different ops, or of different questions.";
    const more = shown.length > SHOWN ? [element("p", { class: "note" }, `${SHOWN} of ${grouped(shown.length)} are shown; xentbench pair prints all.`)] : [];
    place.replaceChildren(element("p", { class: "lead", role: "status" }, said), element("h3", {}, "Times"), scrolling(times(block, a, b)), element("h3", {}, "Answers"),
      ...(shown.length ? [scrolling(table(block, shown))] : [element("p", { class: "note" }, "None.")]), ...more);
  },
};
}
