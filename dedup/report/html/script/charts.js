// Pictures. Each says in words, to those who do not see it, what it shows.

/** @typedef {{label: string, count: number, to?: string | null, about?: string}} Bar */

/**
 * Bars, the longest as wide as its column.
 * @param {string} title
 * @param {Bar[]} entries
 * @param {number} most how many are shown
 */
function bars(title, entries, most) {
  const some = entries.slice(0, most);
  const rest = entries.slice(most);
  const top = Math.max(1, ...some.map((entry) => entry.count));
  const line = (/** @type {Bar} */ entry) => {
    const bar = h("div", { class: "bar" });
    bar.style.width = `${(100 * entry.count) / top}%`;
    const label = entry.to ? link(entry.to, entry.label) : entry.label;
    const about = entry.about && h("span", { class: "about" }, entry.about);
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, label, about),
      h("td", {}, entry.count > 0 && bar),
      num(n(entry.count)),
    );
  };
  return h(
    "section",
    {},
    h("h2", {}, title),
    some.length > 0 ? h("table", { class: "bars" }, h("tbody", {}, some.map(line))) : h("p", {}, "None."),
    rest.length > 0 &&
      h(
        "p",
        { class: "soft" },
        `and ${n(rest.length)} more with ${n(rest.reduce((sum, entry) => sum + entry.count, 0))} in all`,
      ),
  );
}

const BINS = 20;

/**
 * How many pairs have which probability; heights by square root, so that few are seen beside many.
 * @param {string} title
 * @param {number[]} probabilities
 * @param {number} threshold
 */
function histogram(title, probabilities, threshold) {
  const [width, base, side] = [520, 150, 10];
  /** @type {number[]} */
  const counts = new Array(BINS).fill(0);
  for (const p of probabilities) counts[Math.min(BINS - 1, Math.floor(p * BINS + 1e-9))]++;
  const top = Math.max(1, ...counts);
  const x = (/** @type {number} */ p) => side + p * (width - 2 * side);
  const tall = (/** @type {number} */ count) => (count ? Math.max(2, Math.sqrt(count / top) * (base - 30)) : 0);
  const range = (/** @type {number} */ i) => `${(i / BINS).toFixed(2)} to ${((i + 1) / BINS).toFixed(2)}`;
  const said = counts
    .map((count, i) => count && `${range(i)}: ${n(count)}`)
    .filter(Boolean)
    .join(", ");
  const bar = (/** @type {number} */ count, /** @type {number} */ i) => {
    const kind = (i + 0.5) / BINS < threshold ? "bar lower" : "bar";
    const left = x(i / BINS) + 1;
    const wide = (width - 2 * side) / BINS - 2;
    const label = count >= 10000 ? Math.round(count / 1000) + "k" : n(count);
    return [
      s(
        "rect",
        { class: kind, x: left, width: wide, y: base - tall(count), height: tall(count) },
        s("title", {}, `${range(i)}: ${n(count)}`),
      ),
      count > 0 &&
        s(
          "text",
          { class: "faint small", x: left + wide / 2, y: base - tall(count) - 4, "text-anchor": "middle" },
          label,
        ),
    ];
  };
  const anchor = (/** @type {number} */ p) => (p === 0 ? "start" : p === 1 ? "end" : "middle");
  return h(
    "section",
    {},
    h("h2", {}, title),
    s(
      "svg",
      { viewBox: `0 0 ${width} ${base + 24}`, width, role: "img", "aria-label": `${title}: ${said || "none"}` },
      counts.map(bar),
      s("line", { class: "rule", x1: side, x2: width - side, y1: base, y2: base }),
      s("line", { class: "weak", x1: x(threshold), x2: x(threshold), y1: 4, y2: base }),
      [0, 0.25, 0.5, 0.75, 1].map((p) =>
        s("text", { class: "faint", x: x(p), y: base + 17, "text-anchor": anchor(p) }, p),
      ),
    ),
    h(
      "p",
      { class: "soft" },
      `Heights by square root. The dashed line is the threshold; below it, only the pairs from ${report.cut.floor} on that this page lists.`,
    ),
  );
}

const MATRIX_LANGUAGES = 40;

/** How many links join which two languages. */
function languageMatrix() {
  const counts = tally(
    clusters.flatMap((cluster) =>
      cluster.links.map((l) => [records[pairs[l].left].language, records[pairs[l].right].language].sort().join(" ")),
    ),
  );
  const ends = [...counts].flatMap(([both, count]) =>
    [...new Set(both.split(" "))].map((code) => /** @type {[string, number]} */ ([code, count])),
  );
  /** @type {Map<string, number>} */
  const weights = new Map();
  for (const [code, count] of ends) weights.set(code, (weights.get(code) || 0) + count);
  const all = [...weights].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([code]) => code);
  if (all.length === 0) return h("section", {}, h("h2", {}, "Languages that meet"), h("p", {}, "No links."));
  const top = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const words = (/** @type {string} */ both) => both.split(" ").map(languageName).join(" – ");
  const to = (/** @type {string} */ both) =>
    `clusters?language=${encodeURIComponent(both.split(" ")[0])}&with=${encodeURIComponent(both.split(" ")[1])}`;
  return h(
    "section",
    {},
    h("h2", {}, "Languages that meet"),
    matrixPicture(all.slice(0, MATRIX_LANGUAGES), counts, top[0][1], words, to),
    h(
      "p",
      { class: "soft" },
      "Links by the languages of their two records; a darker cell has more. The most frequent: ",
      top.slice(0, 5).map(([both, count], i) => [i > 0 && ", ", link(to(both), words(both)), ` ${n(count)}`]),
      ".",
      all.length > MATRIX_LANGUAGES && ` The ${all.length - MATRIX_LANGUAGES} rarest languages are not drawn.`,
    ),
  );
}

/**
 * @param {string[]} codes
 * @param {Map<string, number>} counts by "en fr"
 * @param {number} most
 * @param {(both: string) => string} words
 * @param {(both: string) => string} to
 */
function matrixPicture(codes, counts, most, words, to) {
  const cell = Math.max(12, Math.min(34, Math.floor(460 / codes.length)));
  const start = 44;
  const size = start + codes.length * cell;
  const middle = (/** @type {number} */ i) => start + i * cell + cell / 2;
  const head = (/** @type {string} */ code, /** @type {number} */ i) => {
    const turned = cell < 26 ? `rotate(-60 ${middle(i)} ${start - 6})` : null;
    return [
      s("text", { class: "small", x: start - 5, y: middle(i) + 4, "text-anchor": "end" }, code),
      s(
        "text",
        { class: "small", x: middle(i), y: start - 6, "text-anchor": turned ? "start" : "middle", transform: turned },
        code,
      ),
    ];
  };
  const square = (/** @type {number} */ i, /** @type {number} */ j) => {
    const both = [codes[i], codes[j]].sort().join(" ");
    const count = counts.get(both) || 0;
    const place = { x: start + j * cell, y: start + i * cell, width: cell - 1, height: cell - 1 };
    if (!count) return s("rect", { class: "none", ...place });
    const shade = s("rect", { class: "bar", ...place, "fill-opacity": 0.12 + 0.88 * Math.sqrt(count / most) });
    return s("a", { href: "#/" + to(both), tabindex: -1 }, shade, s("title", {}, `${words(both)}: ${n(count)}`));
  };
  return s(
    "svg",
    {
      viewBox: `0 0 ${size} ${size}`,
      width: size,
      role: "group",
      "aria-label": "Links between languages; the most frequent are named below",
    },
    codes.map(head),
    codes.map((_, i) => codes.map((_, j) => square(i, j))),
  );
}

/** @typedef {{name: string, value: number, words: string, from: number, to: number}} Step a sum before and after a piece of evidence */

/**
 * The evidence as steps of a sum. The sums are rounded, not the steps, so that what a reader adds up comes out right.
 * @param {Evidence[]} evidence
 * @returns {Step[]}
 */
function stepsOf(evidence) {
  const rounded = (/** @type {number} */ sum) => Math.round(100 * sum) / 100 + 0;
  let sum = 0;
  return evidence.map(({ name, value, weight, words }) => {
    const from = rounded(sum);
    sum += weight;
    return { name, value, words, from, to: rounded(sum) };
  });
}

/** @param {number} weight */
function signed(weight) {
  return (weight < 0 ? "−" : "+") + Math.abs(weight).toFixed(2);
}

/** @param {number} logOdds */
function probability(logOdds) {
  return 1 / (1 + Math.exp(-logOdds));
}

/**
 * The evidence drawn from even odds over the prior to the probability.
 * @param {Step[]} all
 * @param {number} p
 */
function waterfall(all, p) {
  const steps = all.filter((step) => step.to !== step.from);
  const [line, start, width, room] = [26, 160, 800, 120];
  const sums = [0, ...steps.map((step) => step.to)];
  const [low, high] = [Math.min(...sums), Math.max(...sums)];
  const end = sums[sums.length - 1];
  const x = (/** @type {number} */ sum) => start + ((sum - low) / (high - low || 1)) * (width - start - room);
  const box = (
    /** @type {string} */ kind,
    /** @type {number} */ i,
    /** @type {number} */ from,
    /** @type {number} */ to,
  ) =>
    s("rect", {
      class: kind,
      x: Math.min(x(from), x(to)),
      width: Math.max(1, Math.abs(x(to) - x(from))),
      y: i * line + 4,
      height: line - 8,
      rx: 2,
    });
  const label = (
    /** @type {string} */ kind,
    /** @type {number} */ i,
    /** @type {number} */ at,
    /** @type {string} */ text,
    /** @type {string} */ anchor,
  ) => s("text", { class: kind, x: at, y: i * line + 17, "text-anchor": anchor }, text);
  const drawn = steps.map((step, i) => [
    label("", i, start - 8, step.name, "end"),
    box(step.to < step.from ? "against" : "for", i, step.from, step.to),
    s("line", { class: "rule", x1: x(step.to), x2: x(step.to), y1: (i + 1) * line - 4, y2: (i + 1) * line + 4 }),
    label("faint", i, Math.max(x(step.from), x(step.to)) + 5, signed(step.to - step.from), "start"),
  ]);
  const height = (steps.length + 1) * line;
  const total = steps.length;
  return h(
    "div",
    { class: "scroll wide", tabindex: 0, role: "region", "aria-label": "The evidence as a picture" },
    s(
      "svg",
      {
        viewBox: `0 0 ${width} ${height + 18}`,
        width,
        role: "img",
        "aria-label": `The evidence adds up to ${signed(end)} in log-odds, a probability of ${shown(p)}; the table below says the same`,
      },
      s("line", { class: "rule", x1: x(0), x2: x(0), y1: 0, y2: height }),
      s("text", { class: "faint", x: x(0), y: height + 13, "text-anchor": "middle" }, "even odds"),
      drawn,
      label("bold", total, start - 8, "probability", "end"),
      box("total", total, 0, end),
      label("bold", total, Math.max(x(0), x(end)) + 5, `${shown(p)} (${signed(end)})`, "start"),
    ),
    steps.length < all.length &&
      h(
        "p",
        { class: "soft" },
        `${counted(all.length - steps.length, "piece")} of evidence that weigh nothing are in the table only.`,
      ),
  );
}
