/* Draws relations as lines with crow's feet: what many there are of has three toes. */
"use strict";

(function (app) {
  const { svg } = app;
  const STUB = 20; // straight part at either end, where the marks are

  /** Return the elements of all lines; those of cards without rows are spread along their sides. */
  app.drawLines = (lines) => {
    const ends = lines.map(sides);
    spread(ends.flatMap(({ from, to }) => [from, to]));
    return lines.map((line, position) => drawLine(line, ends[position]));
  };

  function sides(line) {
    const { from, to, relation } = line;
    const parent = relation.targetColumns || [];
    const child = relation.columns || [];
    if (from === to) {
      return { from: end(from, 1, parent, to, child), to: end(to, 1, child, from, parent) };
    }
    const right = from.x + from.width / 2 <= to.x + to.width / 2;
    return {
      from: end(from, right ? 1 : -1, parent, to, child),
      to: end(to, right ? -1 : 1, child, from, parent),
    };
  }

  function end(card, side, names, other, otherNames) {
    const row = card.rowOf.get(names[0]);
    const otherRow = other.rowOf.get(otherNames[0]);
    return {
      card, side, x: side > 0 ? card.x + card.width : card.x,
      y: card.y + (row === undefined ? card.height / 2 : row),
      free: row === undefined,
      aim: other.y + (otherRow === undefined ? other.height / 2 : otherRow),
    };
  }

  function spread(ends) {
    const groups = new Map();
    for (const one of ends.filter(({ free }) => free)) {
      const bySide = groups.get(one.card) || { 1: [], "-1": [] };
      bySide[one.side].push(one);
      groups.set(one.card, bySide);
    }
    for (const group of [...groups.values()].flatMap(Object.values)) {
      group.sort((a, b) => a.aim - b.aim);
      group.forEach((one, position) => {
        const room = Math.min(one.card.height, 54) - 12;
        const step = Math.min(12, room / Math.max(group.length - 1, 1));
        const top = one.card.rows.length ? one.card.y + 17 : one.y;
        one.y = top + (position - (group.length - 1) / 2) * step;
      });
    }
  }

  function drawLine(line, { from, to }) {
    const { relation } = line;
    const way = line.from === line.to ? loop(from, to) : path(from, line.columns, to);
    const classes = ["st-line", relation.enforced === false && "st-loose"].filter(Boolean).join(" ");
    if (relation.amount) return moduleLine(relation, way, from, to);
    const child = line.to.table;
    return svg(
      "g",
      { class: classes, "data-relation": relation.number, "data-to": child.id },
      svg("title", null, describe(relation)),
      svg("path", { class: "st-line-hit", d: way }),
      svg("path", { class: "st-line-way", d: way }),
      svg("path", { class: "st-line-end", d: onlyOne(from, relation.optional) }),
      svg("path", { class: "st-line-end", d: relation.unique ? onlyOne(to, true) : many(to) }),
    );
  }

  function moduleLine(relation, way, from, to) {
    return svg(
      "g",
      { class: "st-line st-module-line" },
      svg("title", null, `${relation.child.title} refers to ${relation.parent.title}: `
        + app.number(relation.amount, "foreign key")),
      svg("path", { class: "st-line-way", d: way, "stroke-width": 1 + Math.min(4, Math.log2(relation.amount)) }),
      svg("text", { class: "st-line-count", x: to.x + to.side * 12, y: to.y - 7 }, String(relation.amount)),
      svg("path", { class: "st-line-end", d: onlyOne(from, false) }),
    );
  }

  function describe(relation) {
    const { child, parent } = relation;
    return `${child.name} (${relation.columns.join(", ")}) → `
      + `${parent.name} (${relation.targetColumns.join(", ")})\n`
      + [app.relationKind(relation), relation.onDelete].filter(Boolean).join(" · ");
  }

  function path(from, columns, to) {
    let way = `M${from.x} ${from.y}`;
    let at = { x: clear(from), y: from.y };
    way += `H${at.x}`;
    const forward = from.side > 0;
    for (const column of columns) {
      const [enter, leave] = forward ? [column.left, column.right] : [column.right, column.left];
      way += curve(at, { x: enter, y: column.y }) + `H${leave}`;
      at = { x: leave, y: column.y };
    }
    return `${way}${curve(at, { x: clear(to), y: to.y })}H${to.x}`;
  }

  /** Return where a line that leaves the card has passed its column. */
  function clear({ card, side }) {
    return side > 0 ? card.x + card.reach.right + STUB : card.x - card.reach.left - STUB;
  }

  function curve(a, b) {
    const bend = (b.x - a.x) / 2;
    return `C${a.x + bend} ${a.y} ${b.x - bend} ${b.y} ${b.x} ${b.y}`;
  }

  function loop(from, to) {
    const x = from.x + STUB + 14;
    return `M${from.x} ${from.y}H${from.x + STUB}C${x + 12} ${from.y} ${x + 12} ${to.y} ${to.x + STUB} ${to.y}H${to.x}`;
  }

  /** A bar for one; a bar and a ring where there may be none. */
  function onlyOne({ x, y, side }, orNone) {
    const bar = `M${x + side * 7} ${y - 5}v10`;
    return orNone ? bar + ring(x + side * 13, y) : `${bar}M${x + side * 11} ${y - 5}v10`;
  }

  function many({ x, y, side }) {
    return `M${x} ${y - 6}L${x + side * 10} ${y}L${x} ${y + 6}${ring(x + side * 14, y)}`;
  }

  function ring(x, y) {
    return `M${x - 3.5} ${y}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0`;
  }
})((window.schematools = window.schematools || {}));
