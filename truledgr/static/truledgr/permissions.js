// The permissions of a role: narrow them down by words, choose whole modules, count as one chooses.
"use strict";

function follow(root) {
  const search = root.querySelector("input[type=search]");
  if (!search) return; // to be read only
  const modules = [...root.querySelectorAll(".tl-module")];

  const count = (module) => {
    const chosen = module.querySelectorAll("input[type=checkbox]:checked").length;
    module.querySelector(".tl-count").textContent = chosen;
  };

  const narrow = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const module of modules) {
      const heading = module.querySelector("summary").textContent.toLowerCase();
      let shown = 0;
      for (const line of module.querySelectorAll("li")) {
        const text = heading + line.textContent.toLowerCase();
        line.hidden = !words.every((word) => text.includes(word));
        shown += line.hidden ? 0 : 1;
      }
      module.hidden = shown === 0;
      if (words.length && shown) module.open = true;
    }
  };

  search.addEventListener("input", narrow);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault(); // which would save the role
  });
  for (const module of modules) {
    module.querySelector(".tl-module-tools").hidden = false;
    module.addEventListener("change", () => count(module));
    module.addEventListener("click", (event) => {
      const choice = event.target.dataset && event.target.dataset.choose;
      if (!choice) return;
      for (const box of module.querySelectorAll("li:not([hidden]) input:enabled")) {
        box.checked = choice === "all";
      }
      count(module);
    });
  }
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".tl-permissions").forEach(follow);
});
