// The questions of one group of changes, listed under it: #changes?open=<the group's number>.
{
  function row([name, at, before, after, reason]) {
    const question = element("code", {}, ...named(name));
    return element("tr", { class: "member" }, element("td"), element("td", {}, at ? element("a", { href: at }, question) : question), element("td"),
      element("td", { class: "moved" }, before + " ", element("span", { class: "mode" }, "→"), " ", element("b", {}, after)), element("td", { class: "why" }, reason));
  }

  let listening = false;

  function listen(section) {
    listening = true;
    section.addEventListener("click", event => {
      const button = event.target.closest("button[data-group]");
      if (button) pages.go("changes", button.getAttribute("aria-expanded") === "true" ? {} : { open: button.dataset.group }, true);
    });
  }

  pages.changes = {
    show(section, params, block) {
      if (!listening) listen(section);
      for (const shown of section.querySelectorAll(".member")) shown.remove();
      for (const button of section.querySelectorAll("button[data-group]")) {
        const open = button.dataset.group === params.get("open");
        button.setAttribute("aria-expanded", String(open));
        if (!open) continue;
        const fold = button.closest("details"), turned = fold && !fold.open;
        if (fold) fold.open = true;
        button.closest("tr").after(...block.pages.changes[Number(button.dataset.group)].map(row));
        if (turned) button.scrollIntoView({ block: "center" });
      }
    },
  };
}
