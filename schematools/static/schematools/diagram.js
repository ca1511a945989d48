/* The diagram and what lies over it: its title, the level of detail, zoom and the key to its signs. */
"use strict";

(function (app) {
  const { html, svg } = app;
  const DETAILS = { columns: "Columns", keys: "Keys", names: "Names" };

  /** Return the diagram; `onPick(id)` and `onDetail(name)` are for the page to set. */
  app.diagram = () => {
    const layer = svg("g", null);
    const picture = svg("svg", { class: "st-picture", role: "img" }, layer);
    const stage = html("div", {
      class: "st-stage", tabindex: "0", role: "region",
      "aria-label": "Diagram. Arrow keys move it, plus and minus zoom, 0 shows all of it.",
    }, picture);
    const title = html("p", { class: "st-over st-caption" });
    const notice = html("p", { class: "st-over st-notice", role: "status" });
    const details = html("div", { class: "st-switch", role: "group", "aria-label": "Level of detail" },
      Object.entries(DETAILS).map(([value, text]) => html("button", {
        type: "button", "data-detail": value, onclick: () => diagram.onDetail(value),
      }, text)));
    const camera = app.camera(stage, layer);
    const zoom = html("div", { class: "st-switch", role: "group", "aria-label": "Zoom" },
      button("−", "Zoom out", () => camera.zoom(1 / 1.3)),
      button("+", "Zoom in", () => camera.zoom(1.3)),
      button("Fit", "Fit all of it", () => camera.glideToFit()));
    const element = html("div", { class: "st-diagram" }, stage, html("div", { class: "st-over st-top" }, title, notice),
      html("div", { class: "st-over st-tools" }, details, zoom), key());
    let cards = new Map();
    let drawn = { width: 1, height: 1 };
    let selected = null;
    let before = null;

    const diagram = {
      element,
      onPick: () => {},
      onDetail: () => {},
      has: (table) => cards.has(table),
      focus: () => stage.focus(),

      draw: (schema, place, detail) => {
        const view = app.view(schema, place, detail);
        view.cards.forEach(app.measure);
        const aspect = Math.max(0.6, Math.min(2.4, stage.clientWidth / Math.max(stage.clientHeight, 1)));
        const { lines, ...size } = app.arrange(view.cards, view.relations, aspect);
        drawn = size;
        cards = new Map(view.cards.map((card) => [card.table || card.module, { card, element: app.drawCard(card) }]));
        layer.replaceChildren(
          svg("g", { class: "st-lines" }, app.drawLines(lines)),
          svg("g", null, [...cards.values()].map((entry) => entry.element)),
        );
        selected = null;
        light(null);
        title.textContent = caption(place, view);
        notice.textContent = view.notice;
        notice.hidden = !view.notice;
        details.hidden = view.kind !== "tables";
        for (const one of details.children) {
          one.setAttribute("aria-pressed", String(one.dataset.detail === view.detail));
        }
        picture.setAttribute("aria-label", `${title.textContent}. The list of tables and the details say the same in words.`);
        camera.fit(size);
        const busiest = mostRelated(view);
        if (busiest) camera.approach(busiest);
      },

      /** Mark a table and what it is related to; `move` brings it into view. */
      select: (table, { move }) => {
        layer.querySelector(".st-selected")?.classList.remove("st-selected");
        selected = table && cards.has(table) ? table : null;
        light(selected);
        if (!selected) return;
        const { card, element: shape } = cards.get(selected);
        shape.classList.add("st-selected");
        if (move) camera.reveal(card);
      },

      /** Show all of it for the printer, and afterwards what was shown before. */
      printing: (starts) => {
        if (starts) {
          before = camera.get();
          layer.removeAttribute("transform");
          picture.setAttribute("viewBox", `-10 -10 ${drawn.width + 20} ${drawn.height + 20}`);
        } else if (before) {
          picture.removeAttribute("viewBox");
          camera.set(before);
          before = null;
        }
      },
    };

    /** Let a table and its relations stand out; with none, everything is alike. */
    function light(table) {
      layer.querySelectorAll(".st-lit").forEach((lit) => lit.classList.remove("st-lit"));
      layer.classList.toggle("st-dimmed", Boolean(table));
      if (!table) return;
      cards.get(table).element.classList.add("st-lit");
      [...(table.references || []), ...(table.referrers || [])].forEach(lightRelation);
    }

    function lightRelation(relation) {
      const line = layer.querySelector(`[data-relation="${relation.number}"]`);
      if (!line) return;
      line.classList.add("st-lit");
      for (const [table, columns] of [[relation.child, relation.columns], [relation.parent, relation.targetColumns]]) {
        const shape = cards.get(table).element;
        shape.classList.add("st-lit");
        shape.querySelectorAll(".st-row").forEach((row) => {
          if (columns.includes(row.dataset.column)) row.classList.add("st-lit");
        });
      }
    }

    stage.addEventListener("pointerover", (event) => {
      if (event.pointerType === "touch" || stage.classList.contains("st-dragging")) return;
      const line = event.target.closest("[data-relation]");
      const shape = event.target.closest(".st-card");
      if (line) {
        layer.querySelectorAll(".st-lit").forEach((lit) => lit.classList.remove("st-lit"));
        layer.classList.add("st-dimmed");
        lightRelation(app.schema.relations[Number(line.dataset.relation)]);
      } else if (shape) {
        const table = [...cards].find(([, entry]) => entry.element === shape)?.[0];
        light(table?.columns ? table : null);
      } else {
        light(selected);
      }
    });
    stage.addEventListener("pointerleave", () => light(selected));
    stage.addEventListener("click", (event) => {
      const shape = event.target.closest("[data-to]");
      if (shape) diagram.onPick(shape.dataset.to);
    });

    new ResizeObserver(() => before || camera.resized()).observe(stage);
    return diagram;
  };

  /** Return the card with most lines. */
  function mostRelated(view) {
    const lines = new Map();
    for (const { child, parent } of view.relations) {
      for (const end of [child, parent]) lines.set(end, (lines.get(end) || 0) + 1);
    }
    const of = (card) => lines.get(card.table || card.module) || 0;
    return view.cards.reduce((best, card) => (best && of(best) >= of(card) ? best : card), null);
  }

  function caption(place, view) {
    if (view.kind === "modules") return app.number(view.cards.length, "module");
    const own = view.cards.filter((card) => !card.stub).length;
    const stubs = view.cards.length - own;
    const lines = app.number(view.relations.length, "relation");
    if (place.table) return `${place.table.name} and ${app.number(stubs, "neighbour")}, ${lines}`;
    const name = place.module ? place.module.title : "All modules";
    return `${name}: ${app.number(own, "table")}${stubs ? `, ${stubs} related` : ""}, ${lines}`;
  }

  function button(text, label, onclick) {
    return html("button", { type: "button", "aria-label": label, title: label, onclick }, text);
  }

  function key() {
    const sign = (text, ...paths) => html("li", null,
      svg("svg", { class: "st-key-sign", viewBox: "0 0 44 14", width: 44, height: 14, "aria-hidden": "true" },
        paths.map((attributes) => svg("path", attributes))), text);
    const line = (d) => ({ class: "st-line-way", d });
    const end = (d) => ({ class: "st-line-end", d });
    const ring = (x) => `M${x - 3.5} 7a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0`;
    return html(
      "details",
      { class: "st-over st-key" },
      html("summary", null, "Key"),
      html(
        "ul",
        null,
        sign("exactly one", line("M0 7H44"), end("M37 2v10M33 2v10")),
        sign("one or none", line("M0 7H44"), end(`M37 2v10${ring(31)}`)),
        sign("any number", line("M0 7H44"), end(`M44 1L34 7L44 13${ring(30)}`)),
        sign("no database constraint", { class: "st-line-way st-dashes", d: "M0 7H44" }),
        html("li", null, html("code", null, "?"), " may be null"),
        html("li", null, "Dashed cards: other modules, keys only"),
      ),
    );
  }
})((window.schematools = window.schematools || {}));
