/* Makes HTML and SVG elements. Text goes in as text, so no name or description is ever markup. */
"use strict";

(function (app) {
  const SVG = "http://www.w3.org/2000/svg";

  /** Return an HTML element; `on…` attributes are listeners, and `null` or `false` leaves one out. */
  app.html = (tag, attributes, ...children) =>
    fill(document.createElement(tag), attributes, children);

  app.svg = (tag, attributes, ...children) =>
    fill(document.createElementNS(SVG, tag), attributes, children);

  /** Return `1 table`, `2 tables`. */
  app.number = (amount, singular, plural) =>
    `${amount.toLocaleString("en")} ${amount === 1 ? singular : plural || `${singular}s`}`;

  /** Return a link to a place on this page; `to` is an id without `#`. */
  app.link = (to, attributes, ...children) =>
    app.html("a", { href: `#${to}`, ...attributes }, ...children);

  /** Return what `browser` answers, or `otherwise` where it refuses, as in a sandbox. */
  app.ask = (browser, otherwise = null) => {
    try {
      return browser();
    } catch {
      return otherwise;
    }
  };

  function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.flat(Infinity).filter((child) => child || child === 0));
    return element;
  }
})((window.schematools = window.schematools || {}));
