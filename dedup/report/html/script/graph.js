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

/** @param {Cluster} cluster @param {number[]} members */
function square(cluster, members) {
  const links = listedLinks(cluster);
  const weakest = cluster.weakest === null ? null : pairs[cluster.weakest];
  const ordered = together(members, links);
  const drawn = ordered.slice(0, SQUARE);
  for (const end of weakest ? [weakest.left, weakest.right] : [])
    if (!drawn.includes(end)) drawn.splice(SQUARE - 2, 1, end);
  const at = new Map(drawn.map((member, i) => [member, i]));
  const cell = Math.max(2, Math.min(14, Math.floor(660 / drawn.length)));
  const size = drawn.length * cell;
  const start = cell >= 10 ? 34 : 4;
  /** @type {Map<string, string[]>} */
  const paths = new Map(SHADES.map(([, kind]) => [kind, []]));
  /** @type {Map<number, Pair>} */
  const pairAt = new Map();
  const gap = cell > 4 ? 1 : 0;
  for (const link of links) {
    const [i, j] = [at.get(link.left), at.get(link.right)];
    if (i === undefined || j === undefined) continue;
    const kind = (SHADES.find(([least]) => link.p >= least) || SHADES[0])[1];
    for (const [r, c] of [
      [i, j],
      [j, i],
    ]) {
      pairAt.set(r * drawn.length + c, link);
      if (link.p >= report.threshold)
        paths.get(kind)?.push(`M${start + c * cell} ${start + r * cell}h${cell - gap}v${cell - gap}h${gap - cell}z`);
    }
  }
  const under = h(
    "p",
    { class: "soft", "aria-hidden": "true" },
    "Point at a square to see its pair, click to open it.",
  );
  const pairUnder = (/** @type {any} */ event) => {
    const box = picture.getBoundingClientRect();
    const scale = (size + 2 * start) / box.width;
    const [c, r] = [event.clientX - box.left, event.clientY - box.top].map((offset) =>
      Math.floor((offset * scale - start) / cell),
    );
    const inside = r >= 0 && c >= 0 && r < drawn.length && c < drawn.length;
    return { link: inside ? pairAt.get(r * drawn.length + c) : undefined, r: inside ? r : -1, c };
  };
  const tell = (/** @type {MouseEvent} */ event) => {
    const { link, r, c } = pairUnder(event);
    if (r < 0) return;
    under.textContent = link
      ? pairLabel(link, cluster)
      : r === c
        ? isolated(records[drawn[r]].id)
        : `${isolated(records[drawn[r]].id)} – ${isolated(records[drawn[c]].id)}: no link that this page lists`;
  };
  const open = (/** @type {MouseEvent} */ event) => {
    const { link } = pairUnder(event);
    if (link) location.hash = "#/pair/" + link.place;
  };
  const spot = weakest && [at.get(weakest.left) ?? 0, at.get(weakest.right) ?? 0];
  const mark = (/** @type {number} */ r, /** @type {number} */ c) =>
    s("rect", {
      class: "weakest",
      x: start + c * cell - 3,
      y: start + r * cell - 3,
      width: cell + 6,
      height: cell + 6,
    });
  const picture = s(
    "svg",
    {
      viewBox: `0 0 ${size + 2 * start} ${size + 2 * start}`,
      width: size + 2 * start,
      class: "square",
      role: "img",
      "aria-label": "All pairs of the cluster as a square; the table below says the same",
      mousemove: tell,
      click: open,
    },
    s("rect", { class: "none", x: start, y: start, width: size, height: size }),
    [...paths].map(([kind, path]) => s("path", { class: kind, d: path.join("") })),
    drawn.map((_, i) =>
      s("rect", { class: "self", x: start + i * cell, y: start + i * cell, width: cell - gap, height: cell - gap }),
    ),
    start > 10 &&
      drawn.map((member, i) =>
        s(
          "text",
          { class: "small", x: start - 4, y: start + i * cell + cell - 3, "text-anchor": "end" },
          records[member].language,
        ),
      ),
    spot && [mark(spot[0], spot[1]), mark(spot[1], spot[0])],
  );
  const legend = SHADES.map(([least, kind], i) => [
    " ",
    s(
      "svg",
      { width: 14, height: 12, class: "key", "aria-hidden": "true" },
      s("rect", { class: kind, width: 14, height: 12 }),
    ),
    ` ${i === SHADES.length - 1 ? "less" : `${least} or more`}`,
  ]);
  return h(
    "figure",
    {},
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Picture of all pairs" }, picture),
    under,
    h(
      "figcaption",
      { class: "soft" },
      "Rows and columns are the records, so ordered that those which surely are one article stand together; a square is a link:",
      legend,
      ". Blank: no link. The red frames mark the weakest pair.",
      drawn.length < members.length && ` ${n(drawn.length)} of ${counted(members.length, "record")} are drawn.`,
      cluster.links.length < cluster.allLinks &&
        ` Only the ${n(cluster.links.length)} weakest of ${n(cluster.allLinks)} links are listed here, and drawn.`,
    ),
  );
}
