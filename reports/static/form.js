// A form whose choices are the fragment of its page; those left as the form came are left out of it.
const forms = new WeakMap();

// Set a form to what a fragment asks and return all its choices; a choice that is not offered falls back.
function choices(form, page, params) {
  if (!forms.has(form)) {
    const came = Object.fromEntries(new FormData(form));
    forms.set(form, came);
    const go = () => pages.go(page, [...new FormData(form)].filter(([name, value]) => value !== came[name]), true);
    let typing;
    form.addEventListener("input", event => {
      clearTimeout(typing);
      typing = setTimeout(go, event.target.matches("select, [type=hidden]") ? 0 : 200);
    });
    form.addEventListener("reset", event => { event.preventDefault(); pages.go(page, {}, true); });
    form.addEventListener("submit", event => event.preventDefault());
  }
  for (const [name, value] of Object.entries(forms.get(form))) {
    const field = form.elements[name], wanted = params.get(name) ?? value;
    if (field.value !== wanted) field.value = wanted;
    if (field.value !== wanted) field.value = value;
  }
  return Object.fromEntries(new FormData(form));
}
