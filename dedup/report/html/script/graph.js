// The links of a cluster as a picture: a ring of records while it can be read, beyond that a square of all pairs.

const RING = 24;
const SQUARE = 300;

/** The links of a cluster that this page lists, and its weakest pair. @param {Cluster} cluster @returns {Pair[]} */
function listedLinks(cluster) {
  const listed = cluster.links.map((l) => pairs[l]);
  if (cluster.weakest !== null && !cluster.links.includes(cluster.weakest)) listed.unshift(pairs[cluster.weakest]);
  return listed;
}

/** @param {Pair} pair @param {Cluster} cluster */
function pairLabel(pair, cluster) {
  const ends = `${isolated(records[pair.left].id)} – ${isolated(records[pair.right].id)}`;
  return `${ends}: ${pair.relation} ${shown(pair.p)}${pair.place === cluster.weakest ? " (the weakest)" : ""}`;
}

/** @param {Cluster} cluster @param {number[]} members in the order of the table that numbers them */
function graph(cluster, members) {
  return members.length <= RING ? ring(cluster, members) : square(cluster, members);
}

/** @param {Cluster} cluster @param {number[]} members */
function ring(cluster, members) {
  const pair = members.length === 2;
  const radius = pair ? 150 : members.length > 12 ? 190 : 140;
  const width = 2 * radius + 120;
  const height = pair ? 110 : 2 * radius + 80;
  /** @param {number} i @returns {[number, number]} */
  const spot = (i) => {
    const angle = (2 * Math.PI * i) / members.length - (pair ? Math.PI : Math.PI / 2);
    return [width / 2 + radius * Math.cos(angle), (pair ? 50 : radius + 40) + radius * Math.sin(angle)];
  };
  const at = new Map(members.map((member, i) => [member, spot(i)]));
  const edge = (/** @type {Pair} */ link) => {
    const [a, b] = [at.get(link.left), at.get(link.right)];
    if (!a || !b) return null;
    const weak = link.place === cluster.weakest;
    const ends = { x1: a[0], y1: a[1], x2: b[0], y2: b[1] };
    return s(
      "a",
      { href: "#/pair/" + link.place, tabindex: -1, "aria-label": pairLabel(link, cluster) },
      s("line", { class: "hit", ...ends }),
      s("line", {
        class: weak ? "edge weak" : "edge",
        ...ends,
        "stroke-width": weak ? 3 : 0.6 + 2 * link.p,
        "stroke-opacity": weak ? 1 : 0.25 + 0.5 * link.p,
      }),
      s("title", {}, pairLabel(link, cluster)),
    );
  };
  const node = (/** @type {number} */ member, /** @type {number} */ i) => {
    const [x, y] = spot(i);
    const record = records[member];
    return s(
      "g",
      {},
      s("circle", { class: member === cluster.keep ? "node kept" : "node", cx: x, cy: y, r: 19 }),
      s("text", { class: "bold", x, y: y + 1, "text-anchor": "middle" }, i + 1),
      s("text", { class: "small", x, y: y + 12, "text-anchor": "middle" }, record.language),
      s("title", {}, `${i + 1}: ${isolated(record.id)}, ${languageName(record.language)}`),
    );
  };
  const last = (/** @type {Pair} */ link) => Number(link.place === cluster.weakest);
  return h(
    "figure",
    {},
    s(
      "svg",
      {
        viewBox: `0 0 ${width} ${height}`,
        width,
        role: "group",
        "aria-label": "The links as a graph; the table below says the same",
      },
      listedLinks(cluster)
        .sort((a, b) => last(a) - last(b))
        .map(edge),
      members.map(node),
    ),
    h(
      "figcaption",
      { class: "soft" },
      "Circles are records, numbered as above, the kept one with a heavy rim. Lines are links, thicker where more probable; each leads to its pair.",
      cluster.weakest !== null && ` The dashed red one is the weakest pair, ${shown(pairs[cluster.weakest].p)}.`,
    ),
  );
}

/**
 * Members so that those which are surely one article stand together: each next one is joined to those before it by the
 * most probable link there is (Prim's order of a maximum spanning tree).
 * @param {number[]} members @param {Pair[]} links @returns {number[]}
 */
function together(members, links) {
  /** @type {Map<number, Map<number, number>>} */
  const near = new Map(members.map((member) => [member, new Map()]));
  for (const link of links) {
    near.get(link.left)?.set(link.right, link.p);
    near.get(link.right)?.set(link.left, link.p);
  }
  const best = new Map(members.map((member) => [member, -1]));
  const order = [];
  while (best.size > 0) {
    let next = members[0];
    let most = -2;
    for (const [member, p] of best) if (p > most) [next, most] = [member, p];
    best.delete(next);
    order.push(next);
    for (const [member, p] of near.get(next) || [])
      if (best.has(member)) best.set(member, Math.max(p, best.get(member) ?? -1));
  }
  return order;
}

/** @type {[number, string][]} least probability and style of each shade */
const SHADES = [
  [0.99, "sure"],
  [0.9, "likely"],
  [0.7, "fair"],
  [0, "slight"],
];

/** Where in the square everything stands, in pixels. @typedef {{cell: number, gap: number, start: number, size: number}} Grid */

/** @param {number} drawn how many records @returns {Grid} */
function gridOf(drawn) {
  const cell = Math.max(2, Math.min(14, Math.floor(660 / drawn)));
  return { cell, gap: cell > 4 ? 1 : 0, start: cell >= 10 ? 34 : 4, size: drawn * cell };
}

/** The records that are drawn, in order: always with the weakest pair. @param {Cluster} cluster @param {number[]} members */
function drawnMembers(cluster, members) {
  const drawn = together(members, listedLinks(cluster)).slice(0, SQUARE);
  const weakest = cluster.weakest === null ? null : pairs[cluster.weakest];
  for (const end of weakest ? [weakest.left, weakest.right] : [])
    if (!drawn.includes(end)) drawn.splice(SQUARE - 2, 1, end);
  return drawn;
}

/**
 * The squares of all links, one path a shade: a picture of forty thousand squares has a handful of elements.
 * @param {Map<number, Pair>} pairAt
 * @param {number} drawn
 * @param {Grid} grid
 */
function shadePaths(pairAt, drawn, { cell, gap, start }) {
  /** @type {Map<string, string[]>} */
  const paths = new Map(SHADES.map(([, kind]) => [kind, []]));
  const edge = cell - gap;
  for (const [at, link] of pairAt) {
    if (link.p < report.threshold) continue;
    const kind = (SHADES.find(([least]) => link.p >= least) || SHADES[0])[1];
    const [x, y] = [start + (at % drawn) * cell, start + Math.floor(at / drawn) * cell];
    paths.get(kind)?.push(`M${x} ${y}h${edge}v${edge}h${-edge}z`);
  }
  return [...paths].map(([kind, path]) => s("path", { class: kind, d: path.join("") }));
}

/** Frames around the weakest pair, on both sides of the diagonal. @param {number[]} ends @param {Grid} grid */
function weakestFrames([one, other], { cell, start }) {
  const frame = (/** @type {number} */ r, /** @type {number} */ c) =>
    s("rect", {
      class: "weakest",
      x: start + c * cell - 3,
      y: start + r * cell - 3,
      width: cell + 6,
      height: cell + 6,
    });
  return [frame(one, other), frame(other, one)];
}

/** The diagonal, and languages beside it where they can be read. @param {number[]} drawn @param {Grid} grid */
function diagonal(drawn, { cell, gap, start }) {
  return drawn.map((member, i) => {
    const at = start + i * cell;
    return [
      s("rect", { class: "self", x: at, y: at, width: cell - gap, height: cell - gap }),
      start > 10 &&
        s("text", { class: "small", x: start - 4, y: at + cell - 3, "text-anchor": "end" }, records[member].language),
    ];
  });
}

function shadeLegend() {
  return SHADES.map(([least, kind], i) => [
    " ",
    s(
      "svg",
      { width: 14, height: 12, class: "key", "aria-hidden": "true" },
      s("rect", { class: kind, width: 14, height: 12 }),
    ),
    ` ${i === SHADES.length - 1 ? "less" : `${least} or more`}`,
  ]);
}

/** @param {Cluster} cluster @param {number[]} members */
function square(cluster, members) {
  const drawn = drawnMembers(cluster, members);
  const grid = gridOf(drawn.length);
  const whole = grid.size + 2 * grid.start;
  const at = new Map(drawn.map((member, i) => [member, i]));
  /** By row times the number of columns, plus column. @type {Map<number, Pair>} */
  const pairAt = new Map();
  for (const link of listedLinks(cluster)) {
    const [i, j] = [at.get(link.left), at.get(link.right)];
    if (i === undefined || j === undefined) continue;
    pairAt.set(i * drawn.length + j, link).set(j * drawn.length + i, link);
  }
  const under = h(
    "p",
    { class: "soft", "aria-hidden": "true" },
    "Point at a square to see its pair, click to open it.",
  );
  /** @param {MouseEvent} event @returns {[number, number] | null} row and column under the pointer */
  const spotUnder = (event) => {
    const box = picture.getBoundingClientRect();
    const spot = (/** @type {number} */ offset) => Math.floor(((offset * whole) / box.width - grid.start) / grid.cell);
    const [r, c] = [spot(event.clientY - box.top), spot(event.clientX - box.left)];
    return Math.min(r, c) >= 0 && Math.max(r, c) < drawn.length ? [r, c] : null;
  };
  const tell = (/** @type {MouseEvent} */ event) => {
    const spot = spotUnder(event);
    if (!spot) return;
    const link = pairAt.get(spot[0] * drawn.length + spot[1]);
    const ends = [...new Set(spot)].map((i) => isolated(records[drawn[i]].id)).join(" – ");
    under.textContent = link
      ? pairLabel(link, cluster)
      : ends + (spot[0] === spot[1] ? "" : ": no link that this page lists");
  };
  const open = (/** @type {MouseEvent} */ event) => {
    const spot = spotUnder(event);
    const link = spot && pairAt.get(spot[0] * drawn.length + spot[1]);
    if (link) location.hash = "#/pair/" + link.place;
  };
  const weakest = cluster.weakest === null ? null : pairs[cluster.weakest];
  const label = "All pairs of the cluster as a square; the table below says the same";
  const picture = s(
    "svg",
    {
      viewBox: `0 0 ${whole} ${whole}`,
      width: whole,
      class: "square",
      role: "img",
      "aria-label": label,
      mousemove: tell,
      click: open,
    },
    s("rect", { class: "none", x: grid.start, y: grid.start, width: grid.size, height: grid.size }),
    shadePaths(pairAt, drawn.length, grid),
    diagonal(drawn, grid),
    weakest && weakestFrames([at.get(weakest.left) ?? 0, at.get(weakest.right) ?? 0], grid),
  );
  return h(
    "figure",
    {},
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Picture of all pairs" }, picture),
    under,
    squareCaption(cluster, members.length, drawn.length),
  );
}

/** @param {Cluster} cluster @param {number} all @param {number} drawn */
function squareCaption(cluster, all, drawn) {
  return h(
    "figcaption",
    { class: "soft" },
    "Rows and columns are the records, so ordered that those which surely are one article stand together. ",
    "A square is a link:",
    shadeLegend(),
    ". Blank: no link; where many texts hang together, not every pair is judged. ",
    "The red frames mark the weakest pair.",
    drawn < all && ` ${n(drawn)} of ${counted(all, "record")} are drawn.`,
    cluster.links.length < cluster.allLinks &&
      ` Only the ${n(cluster.links.length)} weakest of ${n(cluster.allLinks)} links are listed here, and drawn.`,
  );
}
