// Pieces of the page, and where its pages register: `pages.name = {show(section, params, block)}`, called whenever
// the fragment names them; it may return a promise.
const pages = {};
const element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined && value !== "") made.setAttribute(key, value);
  made.append(...children);
  return made;
};
const named = text => text.split(/(?<=[._(,])/).flatMap((piece, i) => i ? [element("wbr"), piece] : [piece]);
const dot = framework => element("i", { class: "dot " + framework });

// A vendored library, unpacked and run once, when a page first asks for it.
const libraries = new Map();
const library = name => {
  if (!libraries.has(name)) libraries.set(name, unpacked("library-" + name).text().then(source => { document.head.append(element("script", {}, source)); }));
  return libraries.get(name);
};

// What scrolls sideways can be reached by the keyboard, and only while it does; what fits lets its head stay in sight.
const sideways = new ResizeObserver(boxes => boxes.forEach(({ target }) => {
  const fits = target.scrollWidth <= target.clientWidth;
  target.classList.toggle("fits", fits);
  if (fits) target.removeAttribute("tabindex");
  else target.tabIndex = 0;
}));
document.querySelectorAll(".scroll:not([tabindex])").forEach(box => sideways.observe(box));
new ResizeObserver(([{ target }]) => document.documentElement.style.setProperty("--top", getComputedStyle(target).position === "sticky" ? `${target.offsetHeight}px` : "0px")).observe(document.querySelector(".top"));
