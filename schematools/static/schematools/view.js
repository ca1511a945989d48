/* Decides what the diagram shows of a schema, and in how much detail. */
"use strict";

(function (app) {
  const MOST_DRAWN = 80;
  const FULL_UP_TO = 12;
  const KEYS_UP_TO = 40;

  /**
   * Return the cards and lines of a place: `{}` is everything, `{module}` a module with the tables
   * it is related to, `{table, steps}` a table with its neighbours. A notice says what is left out.
   */
  app.view = (schema, place, detail) => {
    if (place.table) return aroundTable(schema, place, detail);
    if (place.module) return ofModule(schema, place.module, detail);
    const documented = schema.tables.filter((table) => table.module.documented);
    if (new Set(documented.map((table) => table.module)).size === 1) {
      return ofModule(schema, documented[0].module, detail);
    }
    return documented.length > MOST_DRAWN
      ? ofModules(schema)
      : ofTables(documented, undocumentedTargets(documented), "", detail);
  };

  function undocumentedTargets(tables) {
    const targets = outside(tables, (table) => table.references.map((key) => key.parent));
    return mostConnected(targets, MOST_DRAWN - tables.length);
  }

  function ofModule(schema, module, detail) {
    const own = module.tables;
    if (own.length > MOST_DRAWN) {
      const notice = `The ${MOST_DRAWN} most connected of ${own.length} tables are drawn. `
        + "Choose any other in the list to see it with its neighbours.";
      return ofTables(mostConnected(own, MOST_DRAWN), [], notice, detail);
    }
    const targets = outside(own, (table) => table.references.map((key) => key.parent));
    const referrers = outside(own, (table) => table.referrers.map((key) => key.child))
      .filter((table) => table.module.documented && !targets.includes(table));
    const room = MOST_DRAWN - own.length;
    const stubs = mostConnected(targets, room);
    stubs.push(...mostConnected(referrers, room - stubs.length));
    const left = targets.length + referrers.length - stubs.length;
    const verb = left === 1 ? "is" : "are";
    const related = `${app.number(left, "table")} of other modules, related to these, ${verb} not drawn.`;
    const notice = left ? related : "";
    return ofTables(own, stubs, notice, detail);
  }

  function aroundTable(schema, { table, steps }, detail) {
    const near = new Set([table]);
    let edge = [table];
    let left = 0;
    for (let step = 0; step < steps; step += 1) {
      const next = new Set(edge.flatMap(neighbours).filter((other) => !near.has(other)));
      const taken = mostConnected([...next], MOST_DRAWN - near.size);
      left += next.size - taken.length;
      taken.forEach((other) => near.add(other));
      edge = taken;
    }
    near.delete(table);
    const notice = left ? `${app.number(left, "neighbour")} more ${left === 1 ? "is" : "are"} not drawn.` : "";
    return ofTables([table], [...near], notice, detail, { between: true });
  }

  function ofTables(own, stubs, notice, chosen, { between = false } = {}) {
    const detail = chosen || usualDetail(own.length, stubs.length);
    const core = new Set(own);
    const drawn = new Set([...own, ...stubs]);
    const relations = [...drawn].flatMap((table) => table.references).filter((relation) =>
      drawn.has(relation.parent)
      && (between || core.has(relation.child) || core.has(relation.parent)));
    const cards = [...drawn].map((table) => ({
      table, stub: !core.has(table),
      columns: columnsDrawn(table, core.has(table), detail, relations),
    }));
    return { kind: "tables", cards, relations, notice, detail };
  }

  function usualDetail(own, stubs) {
    if (own <= FULL_UP_TO && own + stubs <= KEYS_UP_TO) return "columns";
    return own + stubs <= KEYS_UP_TO ? "keys" : "names";
  }

  function columnsDrawn(table, whole, detail, relations) {
    if (detail === "names") return [];
    if (whole && detail === "columns") return table.columns;
    const wanted = new Set(table.columns.map((column) => column.name).filter((name) => {
      const marks = table.marks.get(name);
      return marks.includes("PK") || (whole && marks.includes("FK"));
    }));
    for (const relation of relations) {
      if (relation.parent === table) relation.targetColumns.forEach((name) => wanted.add(name));
      if (relation.child === table) relation.columns.forEach((name) => wanted.add(name));
    }
    return table.columns.filter((column) => wanted.has(column.name));
  }

  /** Return one card for each module, and how many references lead from one to another. */
  function ofModules(schema) {
    const all = schema.modules.filter((module) => module.documented);
    const modules = [...all].sort((a, b) => b.tables.length - a.tables.length)
      .slice(0, MOST_DRAWN);
    const counts = new Map();
    for (const { child, parent } of schema.relations) {
      if (child.module === parent.module) continue;
      if (!modules.includes(child.module) || !modules.includes(parent.module)) continue;
      const between = counts.get(child.module) || new Map();
      counts.set(child.module, between.set(parent.module, (between.get(parent.module) || 0) + 1));
    }
    const every = [...counts].flatMap(([child, between]) =>
      [...between].map(([parent, amount]) => ({ child, parent, amount })));
    const relations = strongest(every, modules);
    const tables = all.reduce((sum, module) => sum + module.tables.length, 0);
    let notice = `${app.number(tables, "table")} are too many for one drawing: each box is a module. `
      + "Choose one to see its tables.";
    if (relations.length < every.length) notice += " Of the references between them, the most frequent are drawn.";
    if (modules.length < all.length) notice += ` The ${modules.length} largest are shown.`;
    return { kind: "modules", cards: modules.map((module) => ({ module })), relations, notice, detail: "" };
  }

  /** Return the most frequent references of each module, or all where they are few. */
  function strongest(relations, modules) {
    if (relations.length <= 2 * modules.length) return relations;
    const sorted = [...relations].sort((a, b) => b.amount - a.amount);
    const kept = modules.flatMap((module) =>
      sorted.filter(({ child, parent }) => child === module || parent === module).slice(0, 2));
    return relations.filter((relation) => kept.includes(relation));
  }

  function neighbours(table) {
    return [
      ...table.references.map((relation) => relation.parent),
      ...table.referrers.map((relation) => relation.child),
    ];
  }

  function outside(own, related) {
    const inside = new Set(own);
    return [...new Set(own.flatMap(related))].filter((table) => !inside.has(table));
  }

  function mostConnected(tables, amount) {
    if (tables.length <= amount) return [...tables];
    const weight = (table) => table.references.length + table.referrers.length;
    return [...tables].sort((a, b) => weight(b) - weight(a)).slice(0, Math.max(amount, 0));
  }
})((window.schematools = window.schematools || {}));
