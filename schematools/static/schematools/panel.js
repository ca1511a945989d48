/* Writes what is to be said about a table, a module or the whole schema. */
"use strict";

(function (app) {
  const { html } = app;
  const MOST_CHOICES = 12;
  const WORDS = { exact: "", about: "about ", over: "over " };
  const VENDORS = { postgresql: "PostgreSQL", sqlite: "SQLite", mysql: "MySQL", oracle: "Oracle" };
  const IN_WORDS = ["now, at every save", "now, when added", "computed"]; // as schematools/columns.py
  const code = (text, attributes) => html("code", attributes, text);

  app.vendor = (name) => VENDORS[name] || name;

  /** Return the elements of the panel about a table; `place` is what the diagram shows. */
  app.aboutTable = (table, place) => [
    heading(table.name, table.module, table.kind === "table" ? "Table" : table.kind),
    html("p", { class: "st-facts" }, facts(table)),
    views(table, place),
    html("div", { class: "st-prose" }, app.prose(table.description)),
    otherModels(table),
    section("Notes", null, table.notes && html("div", { class: "st-prose" }, app.prose(table.notes))),
    section("Columns", table.columns.length, columns(table)),
    section("References", outward(table).length, list(outward(table))),
    section("Referenced by", table.referrers.length, list(table.referrers.map(inward))),
    section("Indexes", table.indexes.length, list(table.indexes.map(index))),
    section("Constraints", table.constraints.length, list(table.constraints.map(constraint))),
  ];

  app.aboutModule = (module) => [
    heading(module.title, module, "Module"),
    html("p", { class: "st-facts" }, moduleFacts(module)),
    html("div", { class: "st-prose" }, app.prose(module.purpose)),
    section("Notes", null, module.notes && html("div", { class: "st-prose" }, app.prose(module.notes))),
    section("Tables", module.tables.length, list(module.tables.map((table) =>
      [app.link(table.id, { class: "st-code" }, table.name), brief(table)]))),
  ];

  app.aboutSchema = (schema) => {
    const documented = schema.modules.filter((module) => module.documented);
    const tables = documented.flatMap((module) => module.tables);
    const amount = (key) => tables.reduce((sum, table) => sum + table[key].length, 0);
    return [
      html("h2", { class: "st-heading" }, schema.title),
      html("p", { class: "st-facts" }, [
        app.number(tables.length, "table"), app.number(amount("columns"), "column"),
        app.number(amount("references"), "foreign key"),
        schema.source === "database"
          ? `read from a ${app.vendor(schema.vendor)} database`
          : `as ${app.vendor(schema.vendor)} has it, read from the models`,
      ].join(" · ")),
      section("Modules", documented.length, list(documented.map((module) => [
        swatch(module), app.link(module.id, null, module.title),
        html("span", { class: "st-quiet" }, ` ${app.number(module.tables.length, "table")}`),
        module.purpose && html("div", { class: "st-quiet" }, module.purpose),
      ]))),
    ];
  };

  function heading(name, module, kind) {
    return html(
      "div",
      { class: app.hueClass(module) },
      html("p", { class: "st-kind" }, swatch(module), kind === "Module" ? kind : [
        app.link(module.id, null, module.title || "Not read"), ` · ${kind.toLowerCase()}`,
      ]),
      html("h2", { class: `st-heading${kind === "Module" ? "" : " st-code"}` }, name),
    );
  }

  function swatch(module) {
    return html("span", { class: `st-swatch ${app.hueClass(module)}`, "aria-hidden": "true" });
  }
  app.swatch = swatch;

  function facts(table) {
    const found = [];
    if (table.model) found.push(["Model ", code(table.model)]);
    if (table.automatic) found.push("made by a many-to-many field");
    if (!table.managed) found.push("not managed by Django");
    if (table.missing) found.push("referred to, but not a part of what was read");
    if (table.live) found.push(...app.liveFacts(table.live));
    return found.flatMap((fact, position) => (position ? [" · ", fact] : [fact]));
  }

  /** Return "about 1,200 rows" and "3.4 MB", of which either may be unknown. */
  app.liveFacts = ({ rows, precision, bytes }) => [
    rows === null ? "rows not counted" : `${WORDS[precision]}${app.number(rows, "row")}`,
    bytes === null ? null : app.bytes(bytes),
  ].filter(Boolean);

  app.bytes = (bytes) => {
    const units = ["B", "kB", "MB", "GB", "TB"];
    const power = Math.min(units.length - 1, bytes ? Math.floor(Math.log(bytes) / Math.log(1000)) : 0);
    const scaled = bytes / 1000 ** power;
    return `${scaled.toLocaleString("en", { maximumFractionDigits: scaled < 10 && power ? 1 : 0 })} ${units[power]}`;
  };

  function moduleFacts(module) {
    const keys = module.tables.flatMap((table) => table.references);
    const across = keys.filter((key) => key.parent.module !== module).length;
    const apps = module.apps.length === 1 && module.apps[0] === module.name ? [] : module.apps;
    return [
      app.number(module.tables.length, "table"),
      app.number(module.tables.reduce((sum, table) => sum + table.columns.length, 0), "column"),
      `${app.number(keys.length - across, "relation")} within`, `${across} to other modules`,
      apps.length && `Django ${apps.length === 1 ? "app" : "apps"} ${apps.join(", ")}`,
    ].filter(Boolean).join(" · ");
  }

  function views(table, place) {
    if (table.missing) return null;
    const link = (to, shown, text) =>
      app.link(to, { class: "st-button", "aria-current": shown ? "true" : null }, text);
    return html(
      "p",
      { class: "st-views" },
      html("span", { class: "st-quiet" }, "Draw"),
      [1, 2].map((steps) => link(
        `${table.id}~${steps}`, place.table === table && place.steps === steps,
        steps === 1 ? "neighbours" : "two steps",
      )),
      link(`${table.id}~module`, place.module === table.module, "module"),
    );
  }

  function otherModels(table) {
    if (!table.other_models.length) return null;
    return list(table.other_models.map((other) =>
      [code(other.name), html("span", { class: "st-quiet" }, ` ${other.kind}`), brief(other)]));
  }

  function section(title, count, content) {
    if (!content || (Array.isArray(content) && !content.length) || count === 0) return null;
    return html(
      "section",
      null,
      html("h3", null, title, count ? html("span", { class: "st-count" }, String(count)) : null),
      content,
    );
  }

  function list(items) {
    return html("ul", { class: "st-list" }, items.map((item) => html("li", null, item)));
  }

  function columns(table) {
    return list(table.columns.map((column) => [
      html("div", { class: "st-column" },
        html("span", null,
          table.marks.get(column.name).map((mark) =>
            html("abbr", { class: `st-badge st-badge-${mark.toLowerCase()}`, title: MARKS[mark] }, mark)),
          code(column.name, { class: "st-strong" })),
        code(column.type, { class: "st-column-type" })),
      columnFacts(column).map((fact) => html("div", { class: "st-quiet" }, fact)),
      about(column.description),
      choices(column),
    ]));
  }

  const MARKS = { PK: "primary key", FK: "foreign key", UK: "unique" };

  function columnFacts(column) {
    const found = [];
    if (column.null) found.push("may be null");
    if (column.field && ![column.field, `${column.field}_id`].includes(column.name)) found.push(["field ", code(column.field)]);
    if (column.generated) found.push(["generated: ", code(column.generated)]);
    if (column.default) found.push(["default ", IN_WORDS.includes(column.default) ? column.default : code(column.default)]);
    if (column.db_default === "identity") found.push("numbered by the database");
    else if (column.db_default) found.push(["database default ", code(column.db_default)]);
    if (column.collation) found.push(["collation ", code(column.collation)]);
    for (const [vendor, type] of column.types_elsewhere || []) {
      found.push(type
        ? [code(type), ` on ${app.vendor(vendor)}`]
        : `does not exist on ${app.vendor(vendor)}`);
    }
    return found;
  }

  function choices(column) {
    if (!column.choices) return null;
    const shown = column.choices.slice(0, MOST_CHOICES).map(([value, label]) => html("li", null, code(value),
      label.toLowerCase() === value.replace(/_/g, " ").toLowerCase() ? null : ` ${label}`));
    const more = column.choices.length - shown.length;
    if (more) shown.push(html("li", null, `and ${more} more`));
    return html("ul", { class: "st-choices", "aria-label": "Choices" }, shown);
  }

  function outward(table) {
    return [
      ...table.references.map((relation) => [
        html("span", { class: "st-code" }, relation.columns.join(", ")), " → ", tableLink(relation.parent),
        html("span", { class: "st-code" }, ` (${relation.targetColumns.join(", ")})`),
        relationFacts(relation),
      ]),
      ...table.many_to_many.map((field) => [
        html("span", { class: "st-code" }, field.name), " ⇄ ", namedLink(field.target),
        html("div", { class: "st-quiet" }, "many to many, through ", namedLink(field.through)),
      ]),
      ...table.generic_keys.map((key) => [
        html("span", { class: "st-code" }, key.name), " → ",
        key.targets ? key.targets.map((name, position) => [position ? ", " : "", namedLink(name)]) : "any table",
        html("div", { class: "st-quiet" }, `generic, by ${key.type_column} and ${key.id_column}`),
      ]),
    ];
  }

  function inward(relation) {
    return [
      tableLink(relation.child), html("span", { class: "st-code" }, ` (${relation.columns.join(", ")})`),
      relationFacts(relation),
    ];
  }

  function relationFacts(relation) {
    return html("div", { class: "st-quiet" }, [
      app.relationKind(relation),
      relation.onDelete && `on delete ${relation.onDelete}`,
      relation.reverse && `reverse ${relation.reverse}`,
    ].filter(Boolean).join(" · "));
  }

  function tableLink(table) {
    return table.missing
      ? html("span", { class: "st-code" }, table.name)
      : app.link(table.id, { class: "st-code" }, table.name);
  }

  function namedLink(name) {
    const table = app.schema.tableByName.get(name);
    return table ? tableLink(table) : html("span", { class: "st-code" }, name);
  }

  function index({ name, columns: names, method, condition, include }) {
    return [
      html("span", { class: name ? "st-code st-strong" : "st-quiet" }, name || "named by the database"),
      html("div", null, code([method && `${method}: `, names.join(", ")].filter(Boolean).join(""))),
      rule([["where", condition], ["includes", (include || []).join(", ")]]),
    ];
  }

  function constraint(one) {
    const { kind, name, columns: names = [], expression } = one;
    return [
      html("span", { class: "st-tag" }, kind), " ",
      html("span", { class: name ? "st-code st-strong" : "st-quiet" }, name || "named by the database"),
      html("div", null, [names.join(", "), expression].filter(Boolean).map((text) => code(text))),
      rule([
        ["where", one.condition], ["includes", (one.include || []).join(", ")],
        ["", one.nulls_distinct === false && "nulls are equal"], ["", one.deferrable],
      ]),
    ];
  }

  function rule(parts) {
    return parts.filter(([, text]) => text).map(([word, text]) =>
      html("div", { class: "st-quiet" }, word ? [`${word} `, code(text)] : text));
  }

  function brief(table) {
    return about((table.description || "").split("\n\n")[0]);
  }

  function about(text) {
    return text ? html("div", { class: "st-about" }, app.prose(text)) : null;
  }
})((window.schematools = window.schematools || {}));
