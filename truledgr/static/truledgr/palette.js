// The command palette: a combobox over a listbox in a dialog (WAI-ARIA Authoring Practices).
"use strict";

{
  const WAIT = 150; // milliseconds of silence before it asks
  const opener = document.getElementById("tl-find"); // missing where Django leaves the links out
  const dialog = document.getElementById("tl-palette");
  const input = dialog.querySelector("input");
  const list = dialog.querySelector("[role=listbox]");
  const status = dialog.querySelector("[role=status]");
  const { url, none, one, many, failed } = dialog.dataset;
  let options = [];
  let chosen = -1;
  let timer = 0;
  let asked = null;

  const make = (name, attributes, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };

  const choose = (number) => {
    options[chosen]?.setAttribute("aria-selected", "false");
    chosen = options.length ? (number + options.length) % options.length : -1;
    const option = options[chosen];
    if (!option) {
      input.removeAttribute("aria-activedescendant");
      return;
    }
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", option.id);
  };

  const optionOf = (result) => {
    const option = make(
      "div",
      { role: "option", id: `tl-option-${options.length}`, "aria-selected": "false" },
      make("span", {}, result.label),
    );
    if (result.hint) option.append(make("small", {}, result.hint));
    option.addEventListener("click", () => go(result));
    option.result = result;
    options.push(option);
    return option;
  };

  const show = (kinds) => {
    options = [];
    const groups = kinds.map((kind, number) => {
      const title = make("div", { role: "presentation", id: `tl-kind-${number}` }, kind.title);
      return make(
        "div",
        { role: "group", "aria-labelledby": title.id },
        title,
        ...kind.results.map(optionOf),
      );
    });
    list.replaceChildren(...groups);
    list.scrollTop = 0;
    input.setAttribute("aria-expanded", String(options.length > 0));
    chosen = -1;
    choose(0);
    const counted = options.length === 1 ? one : many.replace("%", options.length);
    status.textContent = options.length ? counted : none;
  };

  const ask = async () => {
    asked?.abort();
    asked = new AbortController();
    const { signal } = asked;
    try {
      const answer = await fetch(`${url}?q=${encodeURIComponent(input.value)}`, {
        headers: { Accept: "application/json" },
        signal,
      });
      if (answer.redirected) location.reload(); // signed out meanwhile
      else if (answer.ok) show((await answer.json()).kinds);
      else status.textContent = failed;
    } catch {
      if (!signal.aborted) status.textContent = failed;
    }
  };

  const go = ({ url: target, method }) => {
    if (method === "post") {
      document.querySelector(`form[method=post][action="${CSS.escape(target)}"]`).requestSubmit();
    } else {
      location.assign(target);
    }
  };

  const open = () => {
    if (dialog.open) return;
    input.value = "";
    list.replaceChildren();
    dialog.showModal();
    ask();
  };

  opener?.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
    event.preventDefault();
    open();
  });

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT);
  });

  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") choose(chosen + 1);
    else if (event.key === "ArrowUp") choose(chosen - 1);
    else if (event.key === "Escape") dialog.close(); // a search field would only be emptied
    else if (event.key === "Enter" && options[chosen]) go(options[chosen].result);
    else return;
    event.preventDefault();
  });

  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });

  if (opener && /Mac|iPhone|iPad/.test(navigator.platform)) {
    opener.querySelector("kbd").textContent = "⌘ K";
  }
}
