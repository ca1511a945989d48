/* Draws tables and modules as cards. */
"use strict";

(function (app) {
  const { svg } = app;
  const PAD = 12;
  const HEAD = 34;
  const ROW = 21;
  const MARK = 21;
  const FONTS = { title: "600 13px", name: "13px", type: "11.5px" };
  const FAMILIES = {
    title: 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
    name: 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
    type: 'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
  };
  const pen = app.ask(() => document.createElement("canvas").getContext("2d"));

  /** Give the card its texts, cut to a width that suits all, and its size. */
  app.measure = (card) => {
    if (card.module) return measureModule(card);
    const { table } = card;
    card.title = cut(table.name, "title", 260);
    card.rows = card.columns.map((column, position) => ({
      column,
      name: cut(column.name, "name", 190),
      type: typeOf(column),
      marks: table.marks.get(column.name),
      y: HEAD + 5 + position * ROW + ROW / 2,
    }));
    card.marksWidth = Math.max(0, ...card.rows.map((row) => row.marks.length)) * MARK;
    const names = Math.max(0, ...card.rows.map((row) => row.name.width));
    const types = Math.max(0, ...card.rows.map((row) => row.type.width));
    const inside = Math.max(
      card.title.width,
      card.rows.length ? card.marksWidth + names + (types ? 18 + types : 0) : 0,
      96,
    );
    card.width = Math.ceil(inside + 2 * PAD);
    card.height = card.rows.length ? HEAD + 10 + card.rows.length * ROW : HEAD;
    card.rowOf = new Map(card.rows.map((row) => [row.column.name, row.y]));
    return card;
  };

  /** Return the type, with a question mark where the column may be null. */
  function typeOf(column) {
    const type = cut(column.type, "type", 175);
    const mark = column.null ? " ?" : "";
    return { ...type, text: type.text + mark, width: type.width + widthOf(mark, "type") };
  }

  function measureModule(card) {
    card.title = cut(card.module.title, "title", 260);
    card.count = cut(app.number(card.module.tables.length, "table"), "type", 200);
    card.width = Math.ceil(Math.max(card.title.width, card.count.width, 110) + 2 * PAD);
    card.height = 54;
    card.rows = [];
    card.rowOf = new Map();
    return card;
  }

  app.drawCard = (card) => (card.module ? drawModule(card) : drawTable(card));

  function drawTable(card) {
    const { table, width, height } = card;
    const classes = ["st-card", hueClass(table.module), card.stub && "st-stub", table.missing && "st-missing"];
    return svg(
      "g",
      {
        class: classes.filter(Boolean).join(" "), "data-to": table.missing ? null : table.id,
        transform: `translate(${card.x} ${card.y})`,
      },
      svg("title", null, [table.name, table.model].filter(Boolean).join(" · ")),
      svg("rect", { class: "st-card-back", width, height, rx: 6 }),
      svg("path", { class: "st-card-head", d: head(width, card.rows.length ? 0 : 6) }),
      svg("rect", { class: "st-card-edge", width, height, rx: 6 }),
      svg("text", { class: "st-card-title", x: PAD, y: HEAD / 2 }, card.title.text),
      card.rows.map((row) => drawRow(card, row)),
    );
  }

  function drawRow(card, row) {
    return svg(
      "g",
      { class: "st-row", "data-column": row.column.name, transform: `translate(0 ${row.y})` },
      svg("rect", { class: "st-row-back", x: 1, y: -ROW / 2, width: card.width - 2, height: ROW }),
      row.marks.map((mark, position) =>
        svg("text", { class: `st-mark st-mark-${mark.toLowerCase()}`, x: PAD + position * MARK, y: 0 }, mark)),
      svg("text", { class: "st-row-name", x: PAD + card.marksWidth, y: 0 }, row.name.text),
      svg("text", { class: "st-row-type", x: card.width - PAD, y: 0 }, row.type.text),
      row.name.whole && row.type.whole
        ? null
        : svg("title", null, `${row.column.name} ${row.column.type}`),
    );
  }

  function drawModule(card) {
    const { module, width, height } = card;
    return svg(
      "g",
      {
        class: `st-card st-module-card ${hueClass(module)}`, "data-to": module.id,
        transform: `translate(${card.x} ${card.y})`,
      },
      svg("title", null, module.title),
      svg("rect", { class: "st-card-back st-card-tinted", width, height, rx: 8 }),
      svg("rect", { class: "st-card-edge", width, height, rx: 8 }),
      svg("text", { class: "st-card-title", x: PAD, y: 19 }, card.title.text),
      svg("text", { class: "st-card-count", x: PAD, y: 38 }, card.count.text),
    );
  }

  function hueClass(module) {
    return module.hue === null ? "st-hue-none" : `st-hue-${module.hue}`;
  }
  app.hueClass = hueClass;

  function head(width, bottom) {
    return `M0 6a6 6 0 0 1 6-6H${width - 6}a6 6 0 0 1 6 6V${HEAD - bottom}`
      + (bottom ? `a6 6 0 0 1-6 6H6a6 6 0 0 1-6-6Z` : "H0Z");
  }

  /** Return the text, shortened with "…" where it is wider than `limit`, and its width. */
  function cut(text, style, limit) {
    const whole = widthOf(text, style);
    if (whole <= limit) return { text, width: whole, whole: true };
    const characters = [...text];
    let low = 0;
    let high = characters.length;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (widthOf(`${characters.slice(0, middle).join("")}…`, style) <= limit) low = middle;
      else high = middle - 1;
    }
    const shown = `${characters.slice(0, low).join("")}…`;
    return { text: shown, width: widthOf(shown, style), whole: false };
  }

  function widthOf(text, style) {
    if (!pen) return text.length * 7.5;
    pen.font = `${FONTS[style]} ${FAMILIES[style]}`;
    return pen.measureText(text).width;
  }
})((window.schematools = window.schematools || {}));
