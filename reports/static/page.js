// The report's state is its fragment: #page, #page?name=value, #case?r=answer, or the id of something on a page.
{
  // The pages' names in links of earlier reports.
  const FORMER = { claims: "laws", semantics: "options", missing: "not-run", not_run: "not-run", versions: "changes", published: "examples", tradeoff: "trade-off" };
  const sections = [...document.querySelectorAll("main > .page")], dialog = document.getElementById("sheet"), unknown = document.getElementById("unknown");
  let block, beneath = "", drawn, over = false;  // the fragments of the page under the sheet and of what is drawn; whether a sheet is over it

  function asked() {
    const [, name, query] = location.hash.match(/^#?([^?]*)\??(.*)$/s);
    try {
      const page = decodeURIComponent(name), menu = page.toLowerCase().replaceAll(" ", "-");  // as the menu writes it
      return [FORMER[page] ?? (document.getElementById(page) ? page : sections.some(({ id }) => id === menu) ? menu : page), new URLSearchParams(query)];
    } catch {  // a stray % names nothing
      return [name, new URLSearchParams()];
    }
  }

  // Put back what stands with the data because it is folded.
  function complete(section) {
    section.querySelectorAll(".late").forEach((hole, n) => {
      const part = document.createElement("template");
      part.innerHTML = block.late[section.id][n];
      part.content.querySelectorAll(".scroll:not([tabindex])").forEach(box => sideways.observe(box));
      hole.replaceWith(part.content);
    });
  }

  // Say so where an address names nothing here.
  function miss(name) {
    const absent = unknown.dataset.absent.split(" ").includes(name);
    unknown.hidden = !name || Boolean(document.getElementById(name));
    unknown.textContent = absent ? `This run holds nothing for the page “${name}”.` : `This report has nothing named “${name}”; it may be of another run, or of an earlier version.`;
  }

  function turn(section) {
    for (const other of sections) other.classList.toggle("current", other === section);
    for (const link of document.querySelectorAll(".top nav a")) {
      if (link.hash === "#" + section.id) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }

  async function show(name, params) {
    if (block && !document.getElementById(name)) sections.forEach(complete);
    const target = document.getElementById(name), section = target?.closest(".page") ?? sections[0];
    if (block) complete(section);
    if (block || !name) miss(name);
    const turned = !section.classList.contains("current");
    turn(section);
    for (let fold = target?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    if (target && target !== section) target.scrollIntoView();
    else if (turned) scrollTo(0, 0);
    if (!block) return;
    await pages[section.id]?.show(section, section.id === name ? params : new URLSearchParams(), block);
    take(section);
  }

  async function follow() {
    const [name, params] = asked();
    if (name === "case") {
      if (!document.querySelector(".page.current")) await show("");
      if (block) present(params.get("r"));
    } else {
      const back = over && drawn === location.hash;  // the page stands as it was left, and the focus in it
      over = false;
      drawn = block && location.hash;
      beneath = location.hash;
      dialog.close();
      if (!back) await show(name, params);
    }
    if (block) document.documentElement.dataset.ready = location.hash || "#";
  }

  function present(wanted) {
    const i = find(block, wanted);
    dialog.replaceChildren(i < 0 ? lost(block, wanted) : sheet(block, i));
    if (!dialog.open) dialog.showModal();
    take(dialog);
    over = true;
    dialog.scrollTop = 0;
  }

  // Go to a page with parameters, as if a link of it had been followed.
  pages.go = (name, params = {}, replace = false) => {
    const query = new URLSearchParams(params).toString();
    history[replace ? "replaceState" : "pushState"](null, "", "#" + name + (query && "?" + query));
    return follow();
  };

  function age(time) {
    const hours = (Date.now() - Date.parse(time.dateTime)) / 3.6e6;
    if (hours >= 0) time.append(hours < 1 ? ", less than an hour ago" : hours < 48 ? `, ${Math.round(hours)} h ago` : `, ${Math.round(hours / 24)} days ago`);
  }

  document.querySelectorAll("time").forEach(age);
  if (document.documentElement.classList.contains("live")) {
    dialog.addEventListener("close", () => { if (asked()[0] === "case") { history.pushState(null, "", beneath || "#"); follow(); } });
    dialog.addEventListener("click", event => { if (event.target === dialog) dialog.close(); });
    addEventListener("hashchange", follow);
    follow();  // the page as it was written, at once; what needs the data, when it is unpacked
    document.querySelectorAll(".link").forEach(linking);
    open("block").then(async opened => { block = opened; await follow(); performance.mark("ready"); });
  }
}
