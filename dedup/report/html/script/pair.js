// One pair: both texts side by side, what they share, and why they were judged as they were.

/** @type {Record<string, string>} */
const RESTS_ON = { text: "equal texts", table: "the token table", model: "the model" };

/** @param {Pair} pair */
function foundBy(pair) {
  return pair.finders
    .map((finder) => (finder === "cluster" ? "no finder, but judged for its cluster" : finder))
    .join(", ");
}

/** What is marked in a text, in the order of the legend. @type {Record<string, string>} */
const MARKS = {
  shared: "figure in both texts",
  missing: "figure that the other text lacks: counts against",
  clash: "figure stated in the place of another",
  lone: "figure of this text only, not counted",
  name: "name in both texts",
  noname: "name that the other text lacks",
};

/** A name as names.py compares them: its first letters without case and accents. @param {string} word */
function stem(word) {
  return word
    .slice(0, 8)
    .normalize("NFKD")
    .replace(/\p{M}+/gu, "")
    .toLowerCase()
    .slice(0, 4);
}

const WORD = /\p{L}{3,}/gu;

/** @typedef {{start: number, end: number, kind: string}} Mark a part of a segment, in UTF-16 code units */

/** How figures and names of one side are marked. */
class Marker {
  /** @param {Detail} detail @param {number} side 0 is the left one */
  constructor(detail, side) {
    this.shared = new Set(detail.shared);
    this.missing = new Set(detail.missing);
    this.clashing = new Set(detail.clashes.map((clash) => clash[side]));
    this.names = new Set(detail.sharedNames.map(stem));
    this.noNames = new Set(detail.missingNames.map(stem));
  }

  /** @param {string} figure */
  figure(figure) {
    if (this.clashing.has(figure)) return "clash";
    if (this.shared.has(figure)) return "shared";
    return this.missing.has(figure) ? "missing" : "lone";
  }

  /** @param {string} segment @returns {Mark[]} */
  nameMarks(segment) {
    if (this.names.size + this.noNames.size === 0) return [];
    return [...segment.matchAll(WORD)].flatMap((match) => {
      const [word, start] = [match[0], match.index];
      if (word[0] === word[0].toLowerCase()) return [];
      const kind = this.names.has(stem(word)) ? "name" : this.noNames.has(stem(word)) ? "noname" : null;
      return kind ? [{ start, end: start + word.length, kind }] : [];
    });
  }

  /** @param {RecText} text @returns {Mark[][]} of each segment */
  marks(text) {
    const marks = text.segments.map((segment) => this.nameMarks(segment));
    for (const [segment, start, end, figure] of text.figures)
      marks[segment].push({ start, end, kind: this.figure(figure) });
    return marks.map((some) => some.sort((a, b) => a.start - b.start));
  }
}

/** @param {string} segment @param {Mark[]} marks @returns {Child[]} */
function markedText(segment, marks) {
  const parts = [];
  let end = 0;
  for (const mark of marks) {
    if (mark.start < end) continue; // part of another
    parts.push(
      segment.slice(end, mark.start),
      h("mark", { class: mark.kind, title: MARKS[mark.kind] }, segment.slice(mark.start, mark.end)),
    );
    end = mark.end;
  }
  return [...parts, segment.slice(end)];
}

/** Two texts whose aligned passages light up together. */
class Sides {
  /** @param {Pair} pair @param {Detail | null} detail @param {RecText[]} texts */
  constructor(pair, detail, texts) {
    this.members = [pair.left, pair.right];
    this.texts = texts;
    const markers = detail && pair.by !== "text" ? [new Marker(detail, 0), new Marker(detail, 1)] : null;
    this.marks = texts.map((text, side) =>
      markers ? markers[side].marks(text) : text.segments.map(() => /** @type {Mark[]} */ ([])),
    );
    /** Of each side: passage -> [its partner, their similarity]. @type {Map<number, [number, number]>[]} */
    this.mates = [new Map(), new Map()];
    for (const [i, j, cosine] of detail ? detail.passages : []) {
      if (i >= texts[0].segments.length || j >= texts[1].segments.length) continue; // beyond what is shown
      this.mates[0].set(i, [j, cosine / 100]);
      this.mates[1].set(j, [i, cosine / 100]);
    }
    /** @type {Map<number, HTMLElement>[]} */
    this.passages = [new Map(), new Map()];
    /** The passage that has the focus. @type {[number, number] | null} */
    this.held = null;
    this.element = h("div", { class: "sides" }, this.column(0), this.column(1));
  }

  /** Lights up a passage and its partner, or none. @param {number} side @param {number | null} passage @param {boolean} scroll */
  choose(side, passage, scroll) {
    for (const some of this.passages) for (const element of some.values()) element.classList.remove("chosen");
    const mate = passage === null ? undefined : this.mates[side].get(passage);
    if (passage === null || !mate) return;
    const other = this.passages[1 - side].get(mate[0]);
    this.passages[side].get(passage)?.classList.add("chosen");
    other?.classList.add("chosen");
    const box = other?.parentElement;
    if (other && box && scroll) box.scrollTop = other.offsetTop - box.offsetTop - box.clientHeight / 3;
  }

  /** @param {number} side @param {number} i @param {string} segment */
  passage(side, i, segment) {
    const mate = this.mates[side].get(i);
    const id = (/** @type {number} */ which, /** @type {number} */ number) => `passage-${which}-${number}`;
    const first = mate && this.passages[side].size === 0;
    const element = h(
      "p",
      mate
        ? {
            id: id(side, i),
            class: "paired",
            "data-number": [...this.mates[0].keys()].indexOf(side ? mate[0] : i) + 1,
            tabindex: first ? 0 : -1,
            "aria-describedby": id(1 - side, mate[0]),
            title: `similarity ${mate[1].toFixed(2)}`,
            mouseenter: () => this.choose(side, i, false),
            mouseleave: () =>
              this.held ? this.choose(this.held[0], this.held[1], false) : this.choose(side, null, false),
            focus: () => this.hold(side, i),
            blur: () => this.hold(side, null),
            keydown: (/** @type {KeyboardEvent} */ event) => this.step(event, element),
          }
        : {},
      markedText(segment, this.marks[side][i]),
    );
    if (mate) this.passages[side].set(i, element);
    return element;
  }

  /** @param {number} side @param {number | null} i */
  hold(side, i) {
    this.held = i === null ? null : [side, i];
    if (i !== null) for (const [number, element] of this.passages[side]) element.tabIndex = number === i ? 0 : -1;
    this.choose(side, i, true);
  }

  /** The arrows lead from passage to passage. @param {KeyboardEvent} event @param {HTMLElement} element */
  step(event, element) {
    const next =
      event.key === "ArrowDown" ? "nextElementSibling" : event.key === "ArrowUp" ? "previousElementSibling" : null;
    if (!next) return;
    let to = element[next];
    while (to && !to.classList.contains("paired")) to = to[next];
    event.stopPropagation();
    event.preventDefault();
    if (to instanceof HTMLElement) to.focus();
  }

  /** @param {number} side */
  column(side) {
    const record = records[this.members[side]];
    const text = this.texts[side];
    return h(
      "section",
      { "aria-label": side ? "Right text" : "Left text" },
      h(
        "p",
        { class: "side" },
        chip(record.language),
        link("record/" + this.members[side], h("b", {}, bdi(record.id))),
        h("span", { class: "soft" }, ` ${languageName(record.language)}, ${counted(record.characters, "character")}`),
        record.url && [" ", outside(record.url)],
      ),
      h(
        "div",
        { class: "text", tabindex: this.passages[side].size ? null : 0, ...written(record.language) },
        text.segments.map((segment, i) => this.passage(side, i, segment)),
        remainder(text),
      ),
    );
  }

  /** The kinds of marks that there are. */
  kinds() {
    return new Set(this.marks.flat(2).map((mark) => mark.kind));
  }
}

/** The figures of a text that are not in the other and do not count. @param {Detail} detail @param {RecText} text @param {number} side */
function loneFigures(detail, text, side) {
  const marker = new Marker(detail, side);
  return [...new Set(text.figures.map((one) => one[3]))].filter((figure) => marker.figure(figure) === "lone");
}

/** @param {Detail} detail @param {RecText[]} texts */
function facts(detail, texts) {
  const lone = texts.map((text, side) => loneFigures(detail, text, side));
  /** @type {[string, string, string[]][]} */
  const named = [
    ["shared", "Figures in both", detail.shared],
    ["missing", "Figures of the text with fewer that the other lacks: they count against", detail.missing],
    [
      "clash",
      "Figures in each other's place (left ≠ right): they count against",
      detail.clashes.map(([left, right]) => `${left} ≠ ${right}`),
    ],
    ["lone", "Only in the left text, not counted", lone[0]],
    ["lone", "Only in the right text, not counted", lone[1]],
    ["name", "Names in both", detail.sharedNames],
    ["noname", "Names that the other text lacks", detail.missingNames],
  ];
  const some = named.filter(([, , list]) => list.length > 0);
  if (some.length === 0) return null;
  return h(
    "section",
    {},
    h("h2", {}, "The facts"),
    h(
      "dl",
      { class: "facts" },
      some.map(([kind, label, list]) =>
        h(
          "div",
          {},
          h("dt", {}, `${label} (${n(list.length)})`),
          h(
            "dd",
            {},
            list.map((one, i) => [i > 0 && " ", h("mark", { class: kind }, bdi(one))]),
          ),
        ),
      ),
    ),
  );
}

/** @param {Pair} pair @param {Detail} detail */
function evidence(pair, detail) {
  const steps = stepsOf(detail.evidence);
  const line = (/** @type {Step} */ step, /** @type {number} */ i) => {
    const weight = step.to - step.from;
    const cells = [
      h("th", { scope: "row" }, step.name),
      num(step.value.toFixed(2)),
      num(h("span", { class: weight < 0 ? "down" : weight > 0 ? "up" : "" }, signed(weight))),
      num(signed(step.to)),
      num(shown(i === steps.length - 1 ? pair.p : probability(step.to))),
      bdi(step.words),
    ];
    const tr = row(...cells);
    if (weight === 0) tr.className = "soft";
    return tr;
  };
  return h(
    "section",
    {},
    h("h2", {}, "The evidence"),
    waterfall(steps, pair.p),
    table(
      "From the prior to the probability: weights are in log-odds",
      ["Evidence", "#Value", "#Weight", "#Sum", "#Probability so far", "In words"],
      steps.map(line),
      "evidence",
    ),
  );
}

/** To the pairs before and after this one in the list that it was opened from. @param {Pair} pair */
function pairSteps(pair) {
  const i = walk.pairs.indexOf(pair.place);
  const to = (/** @type {number | undefined} */ next, /** @type {string} */ rel, /** @type {string} */ text) =>
    next === undefined ? h("span", { class: "soft" }, text) : h("a", { href: "#/pair/" + next, rel }, text);
  return h(
    "nav",
    { class: "pager", "aria-label": "Pairs of the list" },
    to(walk.pairs[i - 1], "prev", "← previous"),
    h("span", { class: "soft" }, `${n(i + 1)} of ${n(walk.pairs.length)}`),
    to(walk.pairs[i + 1], "next", "next →"),
    h("a", { href: walk.from }, "back to the " + (/^#\/(\w+)/.exec(walk.from)?.[1] || "list")),
  );
}

/** @param {Pair} pair */
async function pairView(pair) {
  const cluster = clusterOf(pair);
  if (!walk.pairs.includes(pair.place)) {
    if (cluster && listedLinks(cluster).includes(pair)) walkThrough(cluster);
    else Object.assign(walk, { pairs: reviewList(), from: "#/review" });
  }
  const [detail, left, right] = await Promise.all([detailOf(pair), textOf(pair.left), textOf(pair.right)]);
  const sides = new Sides(pair, detail, [left, right]);
  const kinds = sides.kinds();
  const aligned = sides.mates[0].size;
  return view(
    ["Pair: ", pair.relation, " ", shown(pair.p)],
    pairSteps(pair),
    h(
      "p",
      {},
      pair.p >= report.threshold ? "Reaches the threshold" : "Below the threshold",
      ` of ${report.threshold}; found by ${foundBy(pair)}; rests on ${RESTS_ON[pair.by] || pair.by}. `,
      cluster ? link("cluster/" + cluster.id, "Its cluster") : "The two are in no cluster together.",
      cluster && pair.place === cluster.weakest && " This is its weakest pair.",
    ),
    detail &&
      h(
        "ul",
        { class: "plain reasons" },
        detail.inFavour && h("li", {}, h("b", { class: "up" }, "For it: "), bdi(detail.inFavour)),
        detail.against && h("li", {}, h("b", { class: "down" }, "Against it: "), bdi(detail.against)),
      ),
    pair.by === "text" && note("The two texts are the same after normalisation; one of them is shown for both."),
    !detail &&
      note(
        "Evidence and aligned passages of this pair were left out to keep the page small. dedup explain shows them.",
      ),
    h("h2", {}, "The texts"),
    detail &&
      h(
        "p",
        { class: "soft legend" },
        h("span", { class: "paired" }, `${counted(aligned, "passage")} with a partner`),
        " (point at one, or Tab to it and use ↑ ↓) ",
        Object.entries(MARKS)
          .filter(([kind]) => kinds.has(kind))
          .map(([kind, label]) => [h("mark", { class: kind }, label), " "]),
      ),
    sides.element,
    detail && pair.by !== "text" && facts(detail, [left, right]),
    detail && evidence(pair, detail),
  );
}
