"use strict";

// Draws the diagrams of a page with the mermaid beside it, and again when the page turns dark or light.
(() => {
  const diagrams = [...document.querySelectorAll("pre.mermaid")];
  const texts = diagrams.map((diagram) => diagram.textContent);
  const systemIsDark = window.matchMedia("(prefers-color-scheme: dark)");
  const whole = { useMaxWidth: false }; // one that is wider than the page scrolls
  let drawn = "";

  const isDark = () => {
    const chosen = document.body.dataset.theme;
    return chosen === "dark" || (chosen !== "light" && systemIsDark.matches);
  };

  const draw = async () => {
    const theme = isDark() ? "dark" : "default";
    if (theme === drawn) return;
    drawn = theme;
    mermaid.initialize({ startOnLoad: false, securityLevel: "strict", theme, er: whole, flowchart: whole });
    for (const [index, diagram] of diagrams.entries()) {
      const { svg } = await mermaid.render(`diagram-${theme}-${index}`, texts[index]);
      diagram.innerHTML = svg;
    }
    document.documentElement.dataset.diagrams = theme;
  };

  draw();
  systemIsDark.addEventListener("change", draw);
  new MutationObserver(draw).observe(document.body, { attributeFilter: ["data-theme"] });
})();
