/* The list of modules and tables, which is all that the diagram shows in words, and the search. */
"use strict";

(function (app) {
  const { html } = app;
  const MOST_HITS = 100;
  const ORDERS = {
    name: { text: "by name", of: null },
    relations: { text: "by relations", of: (table) => table.references.length + table.referrers.length },
    columns: { text: "by columns", of: (table) => table.columns.length },
    rows: { text: "by rows", of: (table) => table.live?.rows ?? -1, live: true },
    size: { text: "by size", of: (table) => table.live?.bytes ?? -1, live: true },
  };
  const collator = new Intl.Collator("en", { numeric: true });

  /** Return the sidebar's element and what to call when another place is shown. */
  app.sidebar = (schema) => {
    let shown = { module: null, table: null };
    let order = "name";
    const search = html("input", {
      type: "search", class: "st-search", id: "st-search", placeholder: "Search (press /)",
      "aria-label": "Search tables, columns, models and descriptions", "aria-describedby": "st-found",
      autocomplete: "off", spellcheck: "false", "aria-keyshortcuts": "/", oninput: () => fill(),
    });
    const status = html("p", { class: "st-found", id: "st-found", role: "status", "aria-live": "polite" });
    const modules = html("ul", { class: "st-modules" });
    const tables = html("ul", { class: "st-tables" });
    const sorting = html(
      "select",
      { "aria-label": "Order of the tables", onchange: () => { order = sorting.value; fill(); } },
      Object.entries(ORDERS).filter(([, { live }]) => !live || schema.tables.some((table) => table.live))
        .map(([value, { text }]) => html("option", { value }, text)),
    );
    const title = html("h2", { class: "st-label", id: "st-tables-title" });
    const choosing = html("nav", { "aria-label": "Modules" }, html("h2", { class: "st-label" }, "Modules"), modules);
    const listing = html("nav", { "aria-labelledby": "st-tables-title" },
      html("div", { class: "st-label-row" }, title, sorting), tables);
    const element = html("div", { class: "st-sidebar", id: "st-sidebar" },
      html("div", { class: "st-searching", role: "search" }, search, status), choosing, listing);

    function fillModules() {
      const row = (to, module, text, count) => html("li", null, app.link(
        to,
        { class: "st-item", "aria-current": (shown.module || null) === module ? "true" : null },
        module ? app.swatch(module) : html("span", { class: "st-swatch st-swatch-all", "aria-hidden": "true" }),
        html("span", { class: "st-item-name" }, text),
        html("span", { class: "st-item-count" }, count.toLocaleString("en")),
      ));
      const own = schema.modules.filter((module) => module.documented);
      const others = schema.modules.filter((module) => !module.documented);
      const count = own.reduce((sum, module) => sum + module.tables.length, 0);
      modules.replaceChildren(
        row("all", null, "All modules", count),
        ...own.map((module) => row(module.id, module, module.title, module.tables.length)),
        ...(others.length ? [html("li", null, html(
          "details",
          { open: others.includes(shown.module) },
          html("summary", null, "Other apps"),
          html("ul", null, others.map((module) => row(module.id, module, module.title, module.tables.length))),
        ))] : []),
      );
    }

    function fill() {
      const query = search.value.trim();
      choosing.hidden = Boolean(query);
      sorting.hidden = Boolean(query);
      if (!query) {
        const listed = sorted(shown.module ? shown.module.tables
          : schema.tables.filter((table) => table.module.documented));
        title.textContent = shown.module ? `Tables of ${shown.module.title}` : "Tables";
        status.textContent = "";
        tables.replaceChildren(...listed.map((table) => item(table, "")));
        return;
      }
      const hits = app.search(schema, query);
      title.textContent = "Found";
      status.textContent = hits.length
        ? app.number(hits.length, "table") + (hits.length > MOST_HITS ? `, the best ${MOST_HITS} are listed` : "")
        : "Nothing found";
      tables.replaceChildren(...hits.slice(0, MOST_HITS).map(({ table, where }) => item(table, where)));
    }

    function sorted(list) {
      const { of } = ORDERS[order];
      return [...list].sort((a, b) => (of ? of(b) - of(a) : 0) || collator.compare(a.name, b.name));
    }

    function item(table, where) {
      const of = ORDERS[order].of;
      return html("li", null, app.link(
        table.id,
        { class: "st-item", title: table.name, "aria-current": table === shown.table ? "true" : null },
        app.swatch(table.module),
        html("span", { class: "st-item-name" }, html("span", { class: "st-code" }, table.name),
          where && html("span", { class: "st-item-where" }, where)),
        where ? null : html("span", { class: "st-item-count" }, amount(table, of)),
      ));
    }

    function amount(table, of) {
      if (order === "size") return table.live?.bytes == null ? "" : app.bytes(table.live.bytes);
      if (of && order !== "rows") return String(of(table));
      if (table.live?.rows == null) return "";
      return { exact: "", about: "~", over: ">" }[table.live.precision] + table.live.rows.toLocaleString("en");
    }

    /** Arrows go from the search to its results and on; Escape goes back and clears. */
    element.addEventListener("keydown", (event) => {
      const stops = [search, ...element.querySelectorAll("a.st-item, summary")]
        .filter((stop) => stop.checkVisibility?.() ?? stop.offsetParent);
      const at = stops.indexOf(document.activeElement);
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        if (at < 0) return;
        event.preventDefault();
        stops[Math.max(0, Math.min(stops.length - 1, at + (event.key === "ArrowDown" ? 1 : -1)))].focus();
      } else if (event.key === "Enter" && event.target === search) {
        tables.querySelector("a")?.click();
      } else if (event.key === "Escape" && (search.value || event.target !== search)) {
        event.preventDefault();
        event.stopPropagation();
        search.value = "";
        search.focus();
        fill();
      }
    });

    fillModules();
    fill();
    return {
      element, search,
      /** Mark what is shown; the list changes only with the module. */
      show: (module, table) => {
        const changed = module !== shown.module;
        shown = { module, table };
        if (changed) {
          fillModules();
          fill();
        }
        tables.querySelector("[aria-current]")?.removeAttribute("aria-current");
        const link = table && tables.querySelector(`a[href="#${CSS.escape(table.id)}"]`);
        if (!link) return;
        link.setAttribute("aria-current", "true");
        link.scrollIntoView({ block: "nearest" });
      },
    };
  };
})((window.schematools = window.schematools || {}));
