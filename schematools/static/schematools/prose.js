/* Shows what people wrote: paragraphs, lists, code and headings of Markdown, and nothing that acts. */
"use strict";

(function (app) {
  const { html } = app;

  /** Return the elements of a text. */
  app.prose = (text) => {
    const elements = [];
    const pieces = (text || "").split(/^(?:```|~~~).*$/m);
    pieces.forEach((piece, position) => {
      if (position % 2) elements.push(html("pre", null, html("code", null, piece.replace(/^\n|\n$/g, ""))));
      else elements.push(...blocks(piece));
    });
    return elements;
  };

  function blocks(text) {
    return text.split(/\n\s*\n/).filter((block) => block.trim()).map((block) => {
      const lines = block.replace(/^\n+|\s+$/g, "").split("\n");
      const heading = lines.length === 1 && /^#{1,6}\s+(.*)/.exec(lines[0].trim());
      if (heading) return html("p", { class: "st-prose-heading" }, inline(heading[1]));
      if (/^\s*([-*]|\d+\.)\s/.test(lines[0])) return list(lines);
      return html("p", null, inline(lines.map((line) => line.trim()).join(" ")));
    });
  }

  function list(lines) {
    const items = [];
    for (const line of lines) {
      const item = /^\s*(?:[-*]|\d+\.)\s+(.*)/.exec(line);
      if (item) items.push(item[1]);
      else items[items.length - 1] += ` ${line.trim()}`;
    }
    const ordered = /^\s*\d/.test(lines[0]);
    return html(ordered ? "ol" : "ul", null, items.map((item) => html("li", null, inline(item))));
  }

  function inline(text) {
    return text.split(/(`{1,2}[^`]+`{1,2}|\*\*[^*]+\*\*)/).map((piece) => {
      const code = /^(`+)([^`]+)\1$/.exec(piece);
      if (code) return html("code", null, code[2].trim());
      if (/^\*\*[^*]+\*\*$/.test(piece)) return html("strong", null, piece.slice(2, -2));
      return piece;
    });
  }
})((window.schematools = window.schematools || {}));
