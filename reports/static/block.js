// The data block: base64 of gzip of JSON in columns (reports/block.py).
const CLASSES = ["P", "C", "S", "E", "N", "U"];  // as harness/model.py has them
const revive = v => typeof v !== "string" ? v : v === "inf" ? Infinity : v === "-inf" ? -Infinity : NaN;

function unpacked(id) {
  const text = atob(document.getElementById(id).textContent), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
}

async function open(id) {
  const block = await unpacked(id).json();
  for (const name of ["ulp", "ratio"]) block.columns[name] = block.columns[name].map(revive);
  block.details.bounds = block.details.bounds.map(ratios => ratios.map(revive));
  for (const levels of block.details.history) for (const level of levels) level[4] = revive(level[4]);
  for (const name of ["worst_ulp", "mean", "bias"]) block.details[name] = block.details[name].map(revive);
  block.size = block.columns.line.length;
  block.detail = new Map(block.details.answer.map((answer, place) => [answer, place]));
  block.word = (name, i) => block.words[name][block.columns[name][i]];
  block.line = i => block.lines[block.columns.line[i]];
  block.ratio = i => block.columns.ratio[i];
  block.budget = i => block.word("budgets", i);
  return block;
}

// The text of a question, as harness/model.py prints it.
function question(block, i) {
  const [shape, seed] = block.word("shapes", i).split(" seed ");
  const check = block.word("checks", i), names = [(check && check + ":") + block.line(i)[0], block.word("quantities", i), block.word("families", i), block.word("dtypes", i), shape.replace("×", "x")];
  return names.join("-") + (seed ? "-seed" + seed : "");
}

// The text of a link to an answer, as reports/material.py makes it.
const address = (block, i) => [question(block, i), block.line(i)[1], block.line(i)[6]].join("|");

function find(block, text) {
  for (let i = 0; i < block.size; i++) if (text.endsWith("|" + block.line(i)[6]) && address(block, i) === text) return i;
  return -1;
}
