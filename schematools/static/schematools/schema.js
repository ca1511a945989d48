/* Turns the document of schematools/json_document.py into tables and relations that know each other. */
"use strict";

(function (app) {
  const HUES = 12;

  /** Return the schema; a key that the document leaves out has its usual value. */
  app.readSchema = (source, live) => {
    const modules = source.modules.map((module) => ({
      purpose: "", notes: "", apps: [], documented: true, ...module,
      id: app.anchor("module", module.name), tables: [], hue: null,
    }));
    const moduleByName = new Map(modules.map((module) => [module.name, module]));
    const tables = source.tables.map((table) => readTable(table, moduleByName, live));
    const schema = {
      title: source.title, vendor: source.vendor, source: source.source || "models",
      modules: modules.filter((module) => module.tables.length), tables, relations: [],
      tableByName: new Map(tables.map((table) => [table.name, table])), byId: new Map(),
    };
    schema.modules.filter((module) => module.documented).forEach((module, position) => {
      module.hue = position % HUES;
    });
    tables.forEach((table) => table.foreign_keys.forEach((key) => relate(schema, table, key)));
    [...schema.modules, ...schema.tableByName.values()].forEach((item) => {
      schema.byId.set(item.id, item);
    });
    return schema;
  };

  /** Return an id that names the thing and nothing else, as `anchor()` of schematools/markup.py. */
  app.anchor = (kind, name) => {
    const safe = name.replace(/[^A-Za-z0-9_-]+/g, "-");
    return safe === name ? `${kind}-${safe}` : `${kind}-${safe}-${crc32(name)}`;
  };

  function readTable(table, moduleByName, live) {
    const read = {
      model: "", kind: "table", other_models: [], managed: true, description: "", notes: "",
      columns: [], indexes: [], constraints: [], foreign_keys: [], many_to_many: [],
      generic_keys: [], ...table,
      id: app.anchor("table", table.name), references: [], referrers: [],
      live: live.get(table.name) || null, missing: false,
    };
    read.module = moduleByName.get(table.module);
    read.module.tables.push(read);
    read.marks = keyMarks(read);
    return read;
  }

  /** Return, by column, those of PK, FK and UK that it is. */
  function keyMarks(table) {
    const primary = table.constraints.find((constraint) => constraint.kind === "primary key");
    const unique = table.constraints.filter(({ kind, columns = [], condition }) =>
      kind === "unique" && columns.length === 1 && !condition);
    const groups = {
      PK: new Set(primary ? primary.columns : []),
      FK: new Set(table.foreign_keys.flatMap((key) => key.columns)),
      UK: new Set(unique.map(({ columns }) => columns[0])),
    };
    return new Map(table.columns.map(({ name }) =>
      [name, Object.keys(groups).filter((mark) => groups[mark].has(name))]));
  }

  function relate(schema, child, key) {
    const relation = {
      number: schema.relations.length, child, parent: schema.tableByName.get(key.target),
      name: key.name, columns: key.columns, targetColumns: key.target_columns,
      onDelete: key.on_delete, optional: Boolean(key.null), unique: Boolean(key.unique),
      enforced: key.enforced !== false, deferrable: key.deferrable || "",
      extends: Boolean(key.parent_link), reverse: key.reverse || "",
    };
    relation.parent = relation.parent || missingTable(schema, key);
    schema.relations.push(relation);
    child.references.push(relation);
    relation.parent.referrers.push(relation);
  }

  /** Return a stand-in for a table that is referred to and was not read. */
  function missingTable(schema, key) {
    const table = {
      ...readTable(
        { name: key.target, module: null, columns: key.target_columns.map((name) => ({ name, type: "" })) },
        new Map([[null, { tables: [], title: "", hue: null, documented: false }]]),
        new Map(),
      ),
      missing: true,
    };
    schema.tableByName.set(table.name, table);
    return table;
  }

  /** Return the kind of relation in words. */
  app.relationKind = (relation) => [
    relation.unique ? "one to one" : "many to one",
    relation.optional && "optional",
    relation.extends && "the table it extends",
    !relation.enforced && "no database constraint",
    relation.deferrable,
  ].filter(Boolean).join(", ");

  /** Return the tables that match every word, the best match first, with what matched. */
  app.search = (schema, query) => {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    const hits = [];
    for (const table of schema.tables) {
      const found = words.map((word) => match(table, word));
      if (!found.length || found.includes(null)) continue;
      hits.push({
        table,
        score: found.reduce((sum, { score }) => sum + score, table.module.documented ? 0 : 0.5),
        where: found.reduce((worst, next) => (next.score > worst.score ? next : worst)).where,
      });
    }
    const order = new Intl.Collator("en");
    return hits.sort((a, b) => a.score - b.score || order.compare(a.table.name, b.table.name));
  };

  function match(table, word) {
    const name = table.name.toLowerCase();
    if (name === word) return { score: 0, where: "" };
    if (name.startsWith(word)) return { score: 1, where: "" };
    if (name.includes(word)) return { score: 2, where: "" };
    const models = [table.model, ...table.other_models.map((other) => other.name)];
    const model = models.find((text) => text.toLowerCase().includes(word));
    if (model) return { score: 3, where: `model ${model}` };
    const columns = table.columns.filter((column) => column.name.toLowerCase().includes(word));
    if (columns.length) {
      const exact = columns.some((column) => column.name.toLowerCase() === word);
      const names = columns.slice(0, 3).map((column) => column.name).join(", ");
      return { score: exact ? 4 : 5, where: `column ${names}` };
    }
    if (contains(table.description, word) || contains(table.notes, word)) {
      return { score: 6, where: "description" };
    }
    const described = table.columns.find((column) => contains(column.description, word));
    if (described) return { score: 7, where: `description of ${described.name}` };
    return null;
  }

  function contains(text, word) {
    return Boolean(text) && text.toLowerCase().includes(word);
  }

  function crc32(text) {
    let crc = ~0;
    for (const byte of new TextEncoder().encode(text)) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return (~crc >>> 0).toString(16).padStart(8, "0");
  }
})((window.schematools = window.schematools || {}));
