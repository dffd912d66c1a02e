// One cluster: its records, its links as a picture and as a list.

const MEMBERS_LISTED = 50;
const LINKS_LISTED = 100;
const LINKS_BEGUN = 50;
const BEGINNING = 160;

/** The list from which pairs were last opened, and where it is, to go through it pair by pair. */
const walk = { pairs: /** @type {number[]} */ ([]), from: "#/review" };

/** The name of a record, which leads to its text, and its language. @param {number} member */
function reference(member) {
  return [chip(records[member].language), link("record/" + member, bdi(records[member].id))];
}

/**
 * A table of pairs.
 * @param {string} label
 * @param {number[]} list places of pairs
 * @param {number | null} weakest
 * @param {Place} place
 * @param {string} from the address of the view that shows it
 * @param {boolean} [begun] whether the beginnings of the texts are shown, too; they follow when they are read
 */
function pairTable(label, list, weakest, place, from, begun = false) {
  const opened = () => Object.assign(walk, { pairs: list, from });
  let drawn = 0;
  const heads = ["Pair", "Relation", "#Probability", "Found by", "Rests on"];
  const draw = (/** @type {number[]} */ some) => {
    const rows = some.map(line);
    const mine = ++drawn;
    if (begun) void addBeginnings(some, rows, () => mine === drawn).catch(failed);
    return table(label, heads, rows, "pairs");
  };
  const line = (/** @type {number} */ l) => {
    const pair = pairs[l];
    return row(
      h(
        "td",
        {},
        h(
          "a",
          { href: "#/pair/" + l, class: "open", click: opened },
          bdi(records[pair.left].id),
          " – ",
          bdi(records[pair.right].id),
        ),
        " ",
        chip(records[pair.left].language),
        chip(records[pair.right].language),
        l === weakest && h("span", { class: "chip warn" }, "weakest"),
        pair.p < report.threshold && h("span", { class: "chip" }, "below the threshold"),
      ),
      pair.relation,
      num(shown(pair.p)),
      pair.finders.join(", "),
      pair.by,
    );
  };
  return paged(list, begun ? LINKS_BEGUN : LINKS_LISTED, draw, place);
}

/**
 * Puts the beginnings of both texts into the rows of pairs, one after the other.
 * @param {number[]} list @param {HTMLElement[]} rows @param {() => boolean} wanted whether they still are
 */
async function addBeginnings(list, rows, wanted) {
  for (const [i, l] of list.entries()) {
    const ends = [pairs[l].left, pairs[l].right];
    const texts = await Promise.all(ends.map(textOf));
    if (!wanted()) return;
    const lines = ends.map((end, side) =>
      h("div", { class: "soft", ...written(records[end].language) }, beginningOf(texts[side])),
    );
    rows[i].firstElementChild?.append(...lines);
  }
}

/** What of a text is not shown, if anything. @param {RecText} text */
function remainder(text) {
  if (text.cut === 0 && text.beyond === 0) return null;
  return h(
    "p",
    { class: "soft rest", lang: "en", dir: "ltr" },
    text.cut > 0 && `… ${counted(text.cut, "more character")} not shown`,
    text.beyond > 0 && ` (${counted(text.beyond, "segment")} at the end not compared)`,
  );
}

/** @param {string} text @param {number} length in characters, of which none is cut in two */
function shortened(text, length) {
  const characters = [...text.slice(0, 2 * length + 2)];
  return characters.length > length ? characters.slice(0, length).join("") + "…" : text;
}

/** @param {RecText} text */
function beginningOf(text) {
  return shortened(text.segments.slice(0, 3).join(" "), BEGINNING);
}

/** A record's text, folded up to its beginning. @param {number} member */
async function foldedText(member) {
  const record = records[member];
  const text = await textOf(member);
  const beginning = beginningOf(text);
  const fold = h("details", {}, h("summary", { class: "soft" }, h("span", written(record.language), beginning)));
  const unfold = () => {
    if (fold.children.length === 1)
      fold.append(
        h(
          "div",
          { class: "text", tabindex: 0, ...written(record.language) },
          text.segments.map((segment) => h("p", {}, segment)),
          remainder(text),
        ),
      );
  };
  fold.addEventListener("toggle", unfold);
  return fold;
}

/** @param {Cluster} cluster @param {number} member @param {number} number @param {number | undefined} least */
async function memberRow(cluster, member, number, least) {
  const record = records[member];
  return row(
    num(number),
    h(
      "td",
      {},
      bdi(record.id),
      member === cluster.keep && [" ", h("span", { class: "chip kept", title: "the longest text" }, "keep")],
      record.path && h("div", { class: "url" }, bdi(record.path + (record.line ? ":" + record.line : ""))),
      await foldedText(member),
    ),
    [record.language, " ", h("span", { class: "soft" }, languageName(record.language))],
    num(n(record.characters), h("span", { class: "unit" }, " characters")),
    num(least === undefined ? "" : shown(least)),
    record.url ? outside(record.url) : "",
  );
}

/** To the clusters before and after this one in the list. @param {Cluster} cluster */
function clusterSteps(cluster) {
  const i = found.indexOf(cluster);
  if (i < 0) return h("p", { class: "pager" }, link("clusters", "to the list"));
  const to = (/** @type {Cluster | undefined} */ next, /** @type {string} */ rel, /** @type {string} */ text) =>
    next ? h("a", { href: "#/cluster/" + next.id, rel }, text) : h("span", { class: "soft" }, text);
  return h(
    "nav",
    { class: "pager", "aria-label": "Clusters of the list" },
    to(found[i - 1], "prev", "← previous"),
    h("span", { class: "soft" }, `${n(i + 1)} of ${n(found.length)}`),
    to(found[i + 1], "next", "next →"),
    link("clusters", "back to the list"),
  );
}

/** @param {Cluster} cluster */
async function clusterView(cluster) {
  const members = cluster.members.slice().sort((a, b) => Number(b === cluster.keep) - Number(a === cluster.keep));
  const links = listedLinks(cluster);
  /** @type {Map<number, number>} */
  const least = new Map();
  for (const { left, right, p } of links)
    for (const member of [left, right]) least.set(member, Math.min(p, least.get(member) ?? 1));
  const list = h("div", {});
  const heads = ["#No.", "Record", "Language", "#Characters", "#Least link", "Source"];
  /** Texts come block by block, so each page of the list is waited for. @param {number} from */
  const show = async (from) => {
    const some = members.slice(from, from + MEMBERS_LISTED);
    const rows = await Promise.all(
      some.map((member, i) => memberRow(cluster, member, from + i + 1, least.get(member))),
    );
    const button = (/** @type {string} */ text, /** @type {number} */ to) =>
      h(
        "button",
        { type: "button", disabled: to < 0 || to >= members.length, click: () => void show(to).catch(failed) },
        text,
      );
    list.replaceChildren(
      table("Records", heads, rows, "members"),
      members.length > MEMBERS_LISTED
        ? h(
            "nav",
            { class: "pager", "aria-label": "Pages of the records" },
            button("Previous", from - MEMBERS_LISTED),
            h("span", {}, `${n(from + 1)} to ${n(from + some.length)} of ${n(members.length)}`),
            button("Next", from + MEMBERS_LISTED),
          )
        : "",
    );
  };
  await show(0);
  return view(
    ["Cluster of ", counted(members.length, "record"), ": ", cluster.languages.map(chip)],
    clusterSteps(cluster),
    cluster.flags.map((flag) => h("p", { class: "flag" }, flag)),
    h(
      "p",
      {},
      `Confidence ${shown(cluster.confidence)}`,
      cluster.weakest !== null && [
        ", weakest pair ",
        h(
          "a",
          { href: "#/pair/" + cluster.weakest, click: () => walkThrough(cluster) },
          shown(pairs[cluster.weakest].p),
        ),
      ],
      cluster.url && [", source ", outside(cluster.url)],
      h("span", { class: "soft" }, ` · ${cluster.id}`),
    ),
    h("h2", {}, "Records"),
    list,
    h("h2", {}, "Links"),
    graph(cluster, members),
    cluster.links.length < cluster.allLinks &&
      note(`${n(cluster.links.length)} of ${n(cluster.allLinks)} links are listed; the JSON report has all.`),
    pairTable(
      "Links, the weakest first",
      links.map((pair) => pair.place),
      cluster.weakest,
      { page: 0 },
      "#/cluster/" + cluster.id,
    ),
  );
}

/** @param {Cluster} cluster */
function walkThrough(cluster) {
  Object.assign(walk, { pairs: listedLinks(cluster).map((pair) => pair.place), from: "#/cluster/" + cluster.id });
}

/** One record: its text, and the pairs that it is in. @param {number} place */
async function recordView(place) {
  const record = records[place];
  const text = await textOf(place);
  const of = pairs
    .filter((pair) => pair.left === place || pair.right === place)
    .sort((a, b) => b.p - a.p || a.place - b.place);
  const where = record.path && h("span", { class: "url" }, bdi(record.path + (record.line ? ":" + record.line : "")));
  return view(
    ["Record ", bdi(record.id)],
    h(
      "p",
      {},
      languageLabel(record.language),
      ", ",
      counted(record.characters, "character"),
      ". ",
      record.cluster === null ? "In no cluster." : link("cluster/" + clusters[record.cluster].id, "Its cluster"),
      " ",
      where,
      record.url && [" ", outside(record.url)],
    ),
    h(
      "div",
      { class: "text", tabindex: 0, ...written(record.language) },
      text.segments.map((segment) => h("p", {}, segment)),
      remainder(text),
    ),
    h("h2", {}, "Its pairs"),
    of.length > 0
      ? pairTable(
          "Pairs of the record",
          of.map((pair) => pair.place),
          null,
          { page: 0 },
          "#/record/" + place,
        )
      : h("p", {}, "None that this page lists."),
  );
}
