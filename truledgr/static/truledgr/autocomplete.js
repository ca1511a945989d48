// Select2 puts a box in place of a select and forgets its label: this gives the box its name.
"use strict";

{
  const $ = django.jQuery;

  const nameOf = (select) => {
    const label = select.labels.length ? select.labels[0].textContent : "";
    return (select.getAttribute("aria-label") || label).trim().replace(/:$/, "");
  };

  const name = (select) => {
    const box = select.nextElementSibling.querySelector(".select2-selection");
    const shown = box.querySelector(".select2-selection__rendered");
    const words = document.createElement("span");
    words.className = "visually-hidden";
    words.id = `${shown.id}-name`;
    words.textContent = nameOf(select);
    box.prepend(words);
    box.setAttribute("aria-labelledby", `${words.id} ${shown.id}`);
    shown.removeAttribute("role"); // it is the text in the box, and no field of its own
    shown.removeAttribute("aria-readonly");
    $(select).on("select2:open", () => {
      const search = document.querySelector(".select2-container--open .select2-search__field");
      search.setAttribute("aria-label", nameOf(select));
    });
  };

  const nameAll = (root) => {
    for (const select of root.querySelectorAll("select.select2-hidden-accessible")) name(select);
  };

  $(() => nameAll(document));
  document.addEventListener("formset:added", (event) => nameAll(event.target));
}
