// The page's state is its fragment: #quantity=...&dtype=... chooses a view, #r=... opens an answer, #name is a section.
(async () => {
  const started = document.getElementById("started"), age = (Date.now() - Date.parse(started.dateTime)) / 3.6e6;
  if (age >= 0) started.append(age < 1 ? ", less than an hour ago" : age < 48 ? `, ${Math.round(age)} h ago` : `, ${Math.round(age / 24)} days ago`);
  const form = document.getElementById("filters"), dialog = document.getElementById("sheet");
  if (!form || !("DecompressionStream" in window)) return;
  const block = await open("block");
  const defaults = Object.fromEntries(new FormData(form));
  const read = () => new URLSearchParams(location.hash.slice(1));
  const isState = () => location.hash.includes("=");
  let drawn = JSON.stringify(defaults);

  function apply(state) {
    for (const [name, value] of Object.entries(state)) {
      form.elements[name].value = value;
      if (form.elements[name].selectedIndex < 0) form.elements[name].value = state[name] = defaults[name];
    }
    const wanted = JSON.stringify(state);
    if (wanted === drawn) return;
    drawn = wanted;
    const shown = ["dtype", "family"].map(view => draw(block, state, view));
    document.getElementById("shown").textContent = `${shown[0]} lines by dtype, ${shown[1]} by family`;
    document.querySelector(".ramp").style.display = state.metric === "bound" ? "none" : "";
    rove();
  }

  function follow() {
    if (!isState()) return;
    const asked = read(), state = { ...defaults };
    for (const name of Object.keys(defaults)) if (asked.has(name)) state[name] = asked.get(name);
    apply(state);
    if (!asked.has("r")) return void dialog.close();
    const i = find(block, asked.get("r"));
    dialog.replaceChildren(i < 0 ? element("p", { class: "sheet" }, "There is no such answer in this run: " + asked.get("r")) : sheet(block, i));
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
  }

  function go(changes, replace) {
    const state = { ...Object.fromEntries(new FormData(form)), ...changes };
    const kept = Object.entries(state).filter(([name, value]) => value && value !== defaults[name]);
    const hash = "#" + new URLSearchParams(kept.length ? kept : [["quantity", defaults.quantity]]);
    history[replace ? "replaceState" : "pushState"](null, "", hash);
    follow();
  }

  // One tab stop a table; arrow keys move inside it.
  function rove() {
    for (const made of document.querySelectorAll(".matrix")) {
      made.setAttribute("role", "grid");
      made.querySelectorAll(".c").forEach((cell, n) => { cell.tabIndex = n ? -1 : 0; });
    }
  }
  function move(cell, right, down) {
    const rows = [...cell.closest("table").querySelectorAll("tr:has(.c)")], column = cell.cellIndex;
    let row = rows.indexOf(cell.parentNode), at = column, next;
    do {
      row += down; at += right; next = rows[row]?.cells[at];
    } while (next && !next.matches(".c"));
    if (!next) return;
    cell.tabIndex = -1; next.tabIndex = 0; next.focus();
  }

  const views = document.getElementById("matrix");
  const show = cell => go({ r: address(block, Number(cell.dataset.i)) });
  views.addEventListener("click", event => { const cell = event.target.closest(".c"); if (cell) show(cell); });
  views.addEventListener("keydown", event => {
    const step = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
    if (!event.target.matches(".c")) return;
    if (step) { event.preventDefault(); move(event.target, ...step); }
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); show(event.target); }
  });
  form.addEventListener("change", () => go({}, true));
  form.addEventListener("reset", () => setTimeout(() => go({}, true)));
  form.addEventListener("submit", event => event.preventDefault());
  dialog.addEventListener("close", () => { if (read().has("r")) go({}, false); });
  dialog.addEventListener("click", event => { if (event.target === dialog) dialog.close(); });
  addEventListener("hashchange", follow);
  addEventListener("popstate", follow);
  rove();
  follow();
  if (isState() && !read().has("r")) views.scrollIntoView();
})();
