/* Puts the parts together: what the address says is what is shown. */
"use strict";

(function (app) {
  const { html } = app;
  const THEMES = { auto: "as the system has it", light: "light", dark: "dark" };
  const THEME_KEY = "schematools-theme";

  function read(id) {
    const source = document.getElementById(id);
    return source ? JSON.parse(source.textContent) : null;
  }

  function start(root) {
    const live = new Map(Object.entries(read("schematools-live") || {}));
    const schema = app.readSchema(read("schematools-data"), live);
    app.schema = schema;
    const state = { place: {}, table: null, detail: "", drawn: false };
    const sidebar = app.sidebar(schema);
    const diagram = app.diagram();
    const panel = html("aside", { class: "st-panel", "aria-label": "Details", tabindex: "-1" });
    const parts = { root, sidebar, diagram, panel };
    root.append(...bar(parts, schema), html("div", { class: "st-body" }, sidebar.element,
      html("main", { class: "st-main" }, diagram.element), panel));
    if (root.dataset.inside) unmain(root);

    /** Read the address: `#table-x`, `#table-x~1` with its neighbours, `#module-x`, or everything. */
    function follow() {
      const [id, view] = location.hash.slice(1).split("~");
      const item = schema.byId.get(id);
      const place = placeAt(location.hash.slice(1));
      const kept = placeAt(app.ask(() => history.state?.schematools) || "");
      if (!item || item.missing) go({}, null);
      else if (place) go(place, place.table || null);
      else if (view === "module") go({ module: item.module }, item);
      else if (kept) go(kept, item);
      else go(state.drawn && diagram.has(item) ? state.place : { module: item.module }, item);
    }

    /** Return the place that an address names, or nothing for a table alone. */
    function placeAt(address) {
      const [id, view] = address.split("~");
      const item = schema.byId.get(id);
      if (id === "all") return {};
      if (item?.tables) return { module: item };
      return item && (view === "1" || view === "2") ? { table: item, steps: Number(view) } : null;
    }

    function addressOf({ module, table, steps }) {
      if (table) return `${table.id}~${steps}`;
      return module ? module.id : "all";
    }

    function go(place, table) {
      const same = state.drawn && addressOf(place) === addressOf(state.place);
      state.place = place;
      state.table = table;
      sidebar.show(place.module || place.table?.module || null, table);
      panel.replaceChildren(close(), ...flat(describe(place, table)));
      panel.scrollTop = 0;
      root.classList.toggle("st-with-panel", Boolean(table) || !root.dataset.narrow);
      root.classList.remove("st-with-list");
      if (!same) diagram.draw(schema, place, state.detail); // now that its room is known
      state.drawn = true;
      diagram.select(table, { move: same || !place.table });
      app.ask(() => history.replaceState({ schematools: addressOf(place) }, ""));
      if (!root.dataset.inside) document.title = [table?.name || place.module?.title, schema.title].filter(Boolean).join(" · ");
    }

    function describe(place, table) {
      if (table) return app.aboutTable(table, place);
      return place.module ? app.aboutModule(place.module) : app.aboutSchema(schema);
    }

    function close() {
      return html("button", {
        type: "button", class: "st-close", "aria-label": "Close the details",
        onclick: () => { root.classList.remove("st-with-panel"); diagram.focus(); },
      }, "×");
    }

    diagram.onDetail = (detail) => {
      state.detail = detail;
      diagram.draw(schema, state.place, detail);
      diagram.select(state.table, { move: false });
    };
    diagram.onPick = (id) => {
      if (location.hash === `#${id}`) follow(); // the panel may have been closed
      else location.hash = id;
    };
    root.addEventListener("click", (event) => {
      if (event.target.closest("a")?.hash === location.hash) follow();
    });
    window.addEventListener("hashchange", follow);
    document.addEventListener("keydown", (event) => {
      const typing = event.target.closest("input, select, textarea");
      if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        root.classList.add("st-with-list");
        sidebar.search.focus();
        sidebar.search.select();
      } else if (event.key === "Escape" && !typing) {
        root.classList.remove("st-with-panel", "st-with-list");
      }
    });
    watchWidth(root, diagram);
    follow();
  }

  const flat = (items) => items.flat(Infinity).filter(Boolean);

  /** Return the bar at the top; inside another page, that page has its own title and theme. */
  function bar({ root, sidebar }, schema) {
    const list = html("button", {
      type: "button", class: "st-button st-only-narrow", "aria-controls": "st-sidebar",
      onclick: () => {
        if (root.classList.toggle("st-with-list")) sidebar.search.focus();
      },
    }, "Tables");
    if (root.dataset.inside) return [html("div", { class: "st-bar st-only-narrow" }, list)];
    return [html("header", { class: "st-bar" }, html("h1", null, app.link("all", null, schema.title)), list,
      themeSwitch())];
  }

  function themeSwitch() {
    const names = Object.keys(THEMES);
    let theme = app.ask(() => localStorage.getItem(THEME_KEY));
    theme = names.includes(theme) ? theme : "auto";
    const button = html("button", { type: "button", class: "st-button st-theme", onclick: () => {
      theme = names[(names.indexOf(theme) + 1) % names.length];
      app.ask(() => localStorage.setItem(THEME_KEY, theme));
      show();
    } });
    function show() {
      document.documentElement.dataset.theme = theme;
      button.textContent = { auto: "◐", light: "☀", dark: "☾" }[theme];
      button.setAttribute("aria-label", `Colours: ${THEMES[theme]}`);
      button.title = `Colours: ${THEMES[theme]}`;
    }
    show();
    return button;
  }

  /** Another page that holds this one has a main landmark already. */
  function unmain(root) {
    const main = root.querySelector("main");
    const section = html("div", { class: main.className });
    section.append(...main.childNodes);
    main.replaceWith(section);
  }

  /** On a narrow page, the list and the panel lie over the diagram, one at a time. */
  function watchWidth(root, diagram) {
    const watch = () => {
      const narrow = root.clientWidth < 900;
      if (Boolean(root.dataset.narrow) !== narrow) {
        if (narrow) root.dataset.narrow = "yes";
        else delete root.dataset.narrow;
        root.classList.toggle("st-with-panel", !narrow || Boolean(location.hash.startsWith("#table-")));
      }
    };
    watch();
    new ResizeObserver(watch).observe(root);
    window.addEventListener("beforeprint", () => diagram.printing(true));
    window.addEventListener("afterprint", () => diagram.printing(false));
  }

  document.addEventListener("DOMContentLoaded", () => {
    const root = document.getElementById("schematools");
    if (root) start(root);
  });
})((window.schematools = window.schematools || {}));
