/* Gives every card a size and a place, and every line its way. Only dagre knows where cards go best. */
"use strict";

(function (app) {
  const GAP = 40; // between groups of cards that no line connects
  const PORT = 20; // what the marks at a line's ends take
  const dagre = window.dagre;

  /**
   * Place `cards` (with `width` and `height`); return what is drawn of each relation as the points
   * that it passes, and the size of the whole. `aspect` is the width of the page by its height.
   */
  app.arrange = (cards, relations, aspect) => {
    const cardOf = new Map(cards.map((card) => [card.table || card.module, card]));
    const lines = relations.map((relation) => ({
      relation, from: cardOf.get(relation.parent), to: cardOf.get(relation.child), columns: [],
    }));
    const groups = components(cards, lines);
    const boxes = groups.filter((group) => group.length > 1).map((group) => {
      const inside = new Set(group);
      return layOut(group, lines.filter((line) => inside.has(line.from)), aspect);
    });
    boxes.push(...stacks(groups.filter((group) => group.length === 1).flat(), aspect));
    const size = pack(boxes, aspect);
    for (const box of boxes) {
      for (const card of box.cards) {
        card.x += box.x;
        card.y += box.y;
      }
      for (const line of box.lines) {
        line.columns = line.columns.map((column) => ({
          left: column.left + box.x, right: column.right + box.x, y: column.y + box.y,
        }));
      }
    }
    return { lines, ...size };
  };

  function layOut(cards, lines, aspect) {
    const first = run(cards, lines, new Set());
    const turned = cardsToTurn(cards, lines, first, aspect);
    return turned.size ? run(cards, lines, turned) : first;
  }

  /** Place what belongs together; a card in `turned` goes to the other side of its neighbours. */
  function run(cards, lines, turned) {
    const graph = new dagre.graphlib.Graph({ multigraph: true });
    const ranksep = cards[0].module ? 80 : 110;
    const nodesep = cards.every((card) => card.height < 40) ? 14 : 26;
    graph.setGraph({ rankdir: "LR", nodesep, edgesep: 14, ranksep, acyclicer: "greedy" });
    const ends = (line) =>
      (turned.has(line.from) || turned.has(line.to) ? [line.to, line.from] : [line.from, line.to]);
    const number = new Map(cards.map((card, position) => [card, String(position)]));
    cards.forEach((card) => {
      graph.setNode(number.get(card), { width: card.width, height: card.height });
    });
    lines.forEach((line, position) => {
      if (line.from === line.to) return;
      graph.setEdge(...ends(line).map((card) => number.get(card)), {}, String(position));
    });
    dagre.layout(graph);
    const columns = new Map();
    for (const card of cards) {
      const node = graph.node(number.get(card));
      card.x = node.x - card.width / 2;
      card.y = node.y - card.height / 2;
      card.rank = node.rank;
      const half = Math.max(columns.get(node.rank)?.half || 0, card.width / 2);
      columns.set(node.rank, { x: node.x, half });
    }
    const extents = [...columns.values()].map(({ x, half }) =>
      ({ x, left: x - half - PORT, right: x + half + PORT }));
    for (const card of cards) { // a line is level until it has left the column
      const column = columns.get(card.rank);
      card.reach = { left: card.x - (column.x - column.half), right: column.x + column.half - card.x };
    }
    lines.forEach((line, position) => {
      if (line.from === line.to) return;
      const [v, w] = ends(line).map((card) => number.get(card));
      const { points } = graph.edge({ v, w, name: String(position) });
      if (ends(line)[0] !== line.from) points.reverse();
      line.columns = passed(points.slice(1, -1), extents, line);
    });
    return { cards, lines, x: 0, y: 0, ...bounds(cards, lines) };
  }

  /** Return the columns of cards that a line passes, and at what height. */
  function passed(points, extents, line) {
    const ends = [line.from, line.to].map((card) => card.x + card.width / 2);
    return points.flatMap((point) => {
      const column = extents.find(({ x }) => Math.abs(x - point.x) < 1);
      if (!column || ends.some((x) => Math.abs(x - column.x) < 1)) return [];
      return [{ left: column.left, right: column.right, y: point.y }];
    });
  }

  function bounds(cards, lines) {
    const heights = lines.flatMap((line) => line.columns.map((column) => column.y));
    const left = Math.min(...cards.map((card) => card.x)) - PORT;
    const top = Math.min(...cards.map((card) => card.y), ...heights);
    const width = Math.max(...cards.map((card) => card.x + card.width)) + 2 * PORT - left;
    const height = Math.max(...cards.map((card) => card.y + card.height), ...heights) - top;
    for (const card of cards) {
      card.x -= left;
      card.y -= top;
    }
    for (const line of lines) {
      line.columns = line.columns.map((column) =>
        ({ left: column.left - left, right: column.right - left, y: column.y - top }));
    }
    return { width, height };
  }

  /**
   * Return half of the cards at the end of all their lines, where so many stand in one column that
   * it would be much taller than the page.
   */
  function cardsToTurn(cards, lines, box, aspect) {
    const area = cards.reduce((sum, card) => sum + (card.width + 120) * (card.height + 30), 0);
    const limit = Math.max(Math.sqrt(area / aspect) * 1.15, ...cards.map((card) => card.height));
    const turned = new Set();
    if (box.height * aspect <= box.width * 1.15) return turned;
    const other = (line, card) => (line.from === card ? line.to : line.from);
    const near = new Map(cards.map((card) => [card, []]));
    for (const line of lines.filter(({ from, to }) => from !== to)) {
      for (const card of [line.from, line.to]) near.get(card).push({ line, other: other(line, card) });
    }
    for (const hub of [...cards].sort((a, b) => near.get(b).length - near.get(a).length)) {
      const leaves = [...new Set(near.get(hub).map((end) => end.other))].filter((card) =>
        !turned.has(hub) && !turned.has(card) && near.get(card).every((end) => end.other === hub));
      const height = leaves.reduce((sum, card) => sum + card.height + 26, 0);
      if (height <= limit / 2) continue;
      let moved = 0;
      for (const card of leaves.sort((a, b) => a.y - b.y)) {
        if (moved >= height / 2) break;
        moved += card.height + 26;
        turned.add(card);
      }
    }
    return turned;
  }

  function components(cards, lines) {
    const near = new Map(cards.map((card) => [card, []]));
    for (const { from, to } of lines) {
      near.get(from).push(to);
      near.get(to).push(from);
    }
    const unseen = new Set(cards);
    const found = [];
    for (const start of cards) {
      if (!unseen.delete(start)) continue;
      const group = [start];
      for (const card of group) { // grows while it is walked
        for (const other of near.get(card)) if (unseen.delete(other)) group.push(other);
      }
      found.push(group);
    }
    return found;
  }

  /** Return boxes with columns of cards that no line connects. */
  function stacks(cards, aspect) {
    if (!cards.length) return [];
    const area = cards.reduce((sum, card) => sum + (card.width + GAP) * (card.height + GAP), 0);
    const limit = Math.max(Math.sqrt(area / aspect), ...cards.map((card) => card.height));
    const boxes = [];
    let box = null;
    for (const card of [...cards].sort((a, b) => b.height - a.height)) {
      if (!box || box.height + GAP + card.height > limit) {
        box = { cards: [], lines: [], x: 0, y: 0, width: 0, height: -GAP };
        boxes.push(box);
      }
      card.x = PORT;
      card.y = box.height + GAP;
      box.height += GAP + card.height;
      box.width = Math.max(box.width, card.width + 2 * PORT);
      box.cards.push(card);
    }
    return boxes;
  }

  /** Put boxes in rows, as wide together as the page's shape asks for; return the size. */
  function pack(boxes, aspect) {
    const area = boxes.reduce((sum, box) => sum + (box.width + GAP) * (box.height + GAP), 0);
    const limit = Math.max(Math.sqrt(area * aspect), ...boxes.map((box) => box.width), 0);
    let x = 0;
    let y = 0;
    let rowHeight = 0;
    let width = 0;
    for (const box of [...boxes].sort((a, b) => b.height - a.height)) {
      if (x && x + box.width > limit) {
        x = 0;
        y += rowHeight + GAP;
        rowHeight = 0;
      }
      box.x = x;
      box.y = y;
      x += box.width + GAP;
      rowHeight = Math.max(rowHeight, box.height);
      width = Math.max(width, box.x + box.width);
    }
    return { width, height: y + rowHeight };
  }
})((window.schematools = window.schematools || {}));
