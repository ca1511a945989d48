/* Moves and scales the drawing: by dragging, wheel, fingers, keys and buttons. */
"use strict";

(function (app) {
  const CLOSEST = 3;
  const FARTHEST = 0.05;
  const STEP = 60;
  const DRAG = 4; // pixels before a press becomes a drag

  /** Return a camera over `layer`, the group in the SVG that fills `stage`. */
  app.camera = (stage, layer) => {
    let at = { x: 0, y: 0, scale: 1 };
    let size = { width: 1, height: 1 };
    let stageSize = { width: stage.clientWidth, height: stage.clientHeight };
    let moving = 0;
    const pointers = new Map();
    let pressed = null;
    let dragged = false;

    function set(next) {
      at = { ...next, scale: Math.min(CLOSEST, Math.max(FARTHEST, next.scale)) };
      layer.setAttribute("transform", `translate(${at.x} ${at.y}) scale(${at.scale})`);
    }

    /** Go there in a moment, or at once for people who do not like motion. */
    function glide(next) {
      cancelAnimationFrame(moving);
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      if (calm || document.hidden) {
        set(next);
        return;
      }
      const start = at;
      let began = null;
      const frame = (now) => {
        began = began ?? now;
        const part = Math.min(1, (now - began) / 220);
        const eased = 1 - (1 - part) ** 3;
        const between = (key) => start[key] + (next[key] - start[key]) * eased;
        set({ x: between("x"), y: between("y"), scale: between("scale") });
        if (part < 1) moving = requestAnimationFrame(frame);
      };
      moving = requestAnimationFrame(frame);
    }

    function fitted() {
      const { clientWidth: width, clientHeight: height } = stage;
      const scale = Math.min((width - 48) / size.width, (height - 104) / size.height, 1.15);
      const kept = Math.max(FARTHEST, scale);
      return {
        x: (width - size.width * kept) / 2,
        y: 52 + (height - 104 - size.height * kept) / 2,
        scale: kept,
      };
    }

    function zoomed(factor, x = stage.clientWidth / 2, y = stage.clientHeight / 2) {
      const scale = Math.min(CLOSEST, Math.max(FARTHEST, at.scale * factor));
      const ratio = scale / at.scale;
      return { x: x - (x - at.x) * ratio, y: y - (y - at.y) * ratio, scale };
    }

    /** Return the height that is not under the panel, which on a narrow page lies over the stage. */
    function openHeight() {
      const panel = stage.closest(".st[data-narrow].st-with-panel")?.querySelector(".st-panel");
      return Math.max(stage.clientHeight - (panel ? panel.offsetHeight : 0), 120);
    }

    /** Return where to be for the box to be seen, moving no more than it takes. */
    function revealed(box, scale = at.scale) {
      const edge = 56;
      const one = (from, length, room, offset) => {
        const start = from * scale + offset;
        if (length * scale > room - 2 * edge) return edge - from * scale;
        if (start < edge) return offset + edge - start;
        const over = start + length * scale - (room - edge);
        return over > 0 ? offset - over : offset;
      };
      if (scale === at.scale) {
        return {
          x: one(box.x, box.width, stage.clientWidth, at.x),
          y: one(box.y, box.height, openHeight(), at.y),
          scale,
        };
      }
      return {
        x: stage.clientWidth / 2 - (box.x + box.width / 2) * scale,
        y: Math.max(openHeight() / 2 - (box.y + box.height / 2) * scale, edge - box.y * scale),
        scale,
      };
    }

    function pan(x, y) {
      set({ ...at, x: at.x + x, y: at.y + y });
    }

    function gesture() {
      const [a, b] = [...pointers.values()];
      return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, apart: Math.hypot(a.x - b.x, a.y - b.y) };
    }

    stage.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.target.closest(".st-over")) return;
      cancelAnimationFrame(moving);
      pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      pressed = { x: event.clientX, y: event.clientY };
      dragged = pointers.size > 1;
    });
    stage.addEventListener("pointermove", (event) => {
      const before = pointers.get(event.pointerId);
      if (!before) return;
      const here = { x: event.clientX, y: event.clientY };
      if (pointers.size === 2) {
        const old = gesture();
        pointers.set(event.pointerId, here);
        const now = gesture();
        const frame = stage.getBoundingClientRect();
        pan(now.x - old.x, now.y - old.y);
        set(zoomed(now.apart / (old.apart || 1), now.x - frame.left, now.y - frame.top));
        return;
      }
      if (!dragged && Math.hypot(here.x - pressed.x, here.y - pressed.y) < DRAG) return;
      if (!dragged) {
        dragged = true;
        stage.setPointerCapture(event.pointerId);
        stage.classList.add("st-dragging");
      }
      pan(here.x - before.x, here.y - before.y);
      pointers.set(event.pointerId, here);
    });
    for (const name of ["pointerup", "pointercancel"]) {
      stage.addEventListener(name, (event) => {
        pointers.delete(event.pointerId);
        stage.classList.remove("st-dragging");
      });
    }
    stage.addEventListener("click", (event) => {
      if (dragged) event.stopImmediatePropagation(); // the end of a drag is no click
      dragged = false;
    });
    stage.addEventListener("wheel", (event) => {
      if (event.target.closest(".st-over")) return;
      event.preventDefault();
      cancelAnimationFrame(moving);
      const unit = event.deltaMode === 1 ? 16 : 1;
      if (event.shiftKey) {
        pan(-(event.deltaX || event.deltaY) * unit, 0);
        return;
      }
      const frame = stage.getBoundingClientRect();
      const turned = Math.max(-120, Math.min(120, event.deltaY * unit));
      const factor = Math.exp(-turned * (event.ctrlKey ? 0.01 : 0.0022));
      set(zoomed(factor, event.clientX - frame.left, event.clientY - frame.top));
    }, { passive: false });
    const keys = {
      ArrowLeft: () => pan(STEP, 0), ArrowRight: () => pan(-STEP, 0),
      ArrowUp: () => pan(0, STEP), ArrowDown: () => pan(0, -STEP),
      "+": () => glide(zoomed(1.3)), "=": () => glide(zoomed(1.3)),
      "-": () => glide(zoomed(1 / 1.3)), 0: () => glide(fitted()),
    };
    stage.addEventListener("keydown", (event) => {
      const known = keys[event.key];
      if (!known || event.target !== stage || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      known();
    });

    return {
      /** Show all of a drawing of this size. */
      fit: (drawn) => {
        size = drawn;
        stageSize = { width: stage.clientWidth, height: stage.clientHeight };
        cancelAnimationFrame(moving);
        set(fitted());
      },
      glideToFit: () => glide(fitted()),
      /** Keep the middle in the middle when the stage changes its size. */
      resized: () => {
        const { clientWidth: width, clientHeight: height } = stage;
        pan((width - stageSize.width) / 2, (height - stageSize.height) / 2);
        stageSize = { width, height };
      },
      zoom: (factor) => glide(zoomed(factor)),
      /** Bring a box into view, and close enough to be read. */
      reveal: (box) => glide(revealed(box, Math.max(at.scale, 0.6))),
      /** Leave a drawing that is too small to be read, for the part around this box. */
      approach: (box) => {
        if (at.scale < 0.3) set(revealed(box, 0.5));
      },
      get: () => at,
      set,
    };
  };
})((window.schematools = window.schematools || {}));
