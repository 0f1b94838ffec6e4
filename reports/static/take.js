// What can be taken along: each table as CSV, each chart as SVG and as PNG, and the address of what is seen.
const save = (blob, name) => {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
};

// The rows of a table as text; a cell that spans several columns leaves the others empty.
function csv(table) {
  const quoted = text => /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  const cells = row => [...row.cells].flatMap(cell => [cell.textContent.replace(/\s+/g, " ").trim(), ...Array(cell.colSpan - 1).fill("")]);
  return [...table.rows].map(row => cells(row).map(quoted).join(",") + "\n").join("");
}

// A chart as it is seen, its colours written out.
function drawing(svg) {
  const made = svg.cloneNode(true), style = getComputedStyle(svg), [width, height] = ["width", "height"].map(name => svg.getBoundingClientRect()[name]);
  const ground = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, value] of [["width", "100%"], ["height", "100%"], ["fill", "var(--card)"]]) ground.setAttribute(name, value);
  made.prepend(ground);
  for (const [name, value] of [["xmlns", "http://www.w3.org/2000/svg"], ["width", width], ["height", height], ["font-family", "sans-serif"]]) made.setAttribute(name, value);
  const text = new XMLSerializer().serializeToString(made).replace(/var\((--[\w-]+)\)/g, (_, name) => style.getPropertyValue(name).trim()).replaceAll("font-family:inherit", "font-family:sans-serif");
  return { text, width, height };
}

async function painted({ text, width, height }) {
  const image = new Image(), canvas = element("canvas", { width: 2 * width, height: 2 * height });
  image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(text);
  await image.decode();
  canvas.getContext("2d").drawImage(image, 0, 0, 2 * width, 2 * height);
  return new Promise(done => canvas.toBlob(done, "image/png"));
}

function offer(box, name, ways) {
  const within = box.matches(".wide"), before = within ? box.firstElementChild : box.previousElementSibling;
  if (before?.matches(".take")) return;
  box[within ? "prepend" : "before"](element("p", { class: "take js" }, ...Object.entries(ways).map(([way, make]) => {
    const button = element("button", { type: "button", "aria-label": `Save as ${way}: ${name}` }, way);
    button.addEventListener("click", async () => save(await make(), `xentbench ${name}.${way.toLowerCase()}`));
    return button;
  })));
}

// Offer it beside every table and chart of a page or a sheet.
function take(place) {
  const name = place.id === "sheet" ? "answer" : place.id;
  place.querySelectorAll("table").forEach((table, n) => {
    const box = table.closest(".scroll") ?? table;
    offer(box, `${name} ${n + 1}`, { CSV: () => new Blob(["\ufeff" + csv(box.querySelector("table") ?? table)], { type: "text/csv" }) });
  });
  place.querySelectorAll(".plot, .sheet > .trace").forEach((plot, n) => {
    const svg = () => plot.matches("svg") ? plot : plot.querySelector("svg");
    offer(plot, `${name} chart ${n + 1}`, { SVG: () => new Blob([drawing(svg()).text], { type: "image/svg+xml" }), PNG: () => painted(drawing(svg())) });
  });
}

async function copy(text, button, shown) {
  const words = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    if (shown) getSelection().selectAllChildren(shown);
    button.textContent = shown && document.execCommand("copy") ? "Copied" : shown ? "Selected: press Ctrl+C" : "Copy it from the address";
  }
  setTimeout(() => { button.textContent = words; }, 2000);
}

function linking(button) {
  button.addEventListener("click", () => copy(location.href, button));
  return button;
}

// On paper nothing is cut off: a table that is wider than the sheet is made smaller, so that its lines stay whole while they
// can be read, and further where its longest words need it.
const PAPER = { width: 680, height: 400 };  // what A4 and Letter hold between their margins, in CSS pixels
const READABLE = 0.75;  // of the size of the text
addEventListener("beforeprint", () => {
  for (const table of document.querySelectorAll("main table")) {
    const [least, most] = ["min-content", "max-content"].map(width => { table.style.width = width; return table.offsetWidth; });
    const zoom = Math.min(1, PAPER.width / least, Math.max(READABLE, PAPER.width / most));
    table.style.zoom = zoom < 1 ? zoom : "";
    table.style.width = zoom < 1 ? `${PAPER.width / zoom}px` : "";
  }
});
addEventListener("afterprint", () => document.querySelectorAll("main table").forEach(table => { table.style.zoom = table.style.width = ""; }));
