// The first view: the whole run in numbers and pictures.

/** What the page had to leave out, if anything. */
function cuts() {
  const cut = report.cut;
  const said = [];
  if (cut.texts_cut > cut.texts_begun)
    said.push(
      `Texts are shown up to ${n(cut.characters)} characters; ${n(cut.texts_cut - cut.texts_begun)} of ${n(cut.texts)} are longer.`,
    );
  if (cut.texts_begun)
    said.push(
      `Of ${n(cut.texts_begun)} of ${n(cut.texts)} texts only the first ${n(cut.beginning)} characters are here: those of the pairs listed first in Review come whole.`,
    );
  if (cut.links_shown < cut.links)
    said.push(
      `${n(cut.links_shown)} of ${n(cut.links)} links are listed, the weakest of each cluster first; the JSON report has all.`,
    );
  if (cut.outside_shown < cut.outside)
    said.push(
      `Of ${n(cut.outside)} pairs that are no links, the ${n(cut.outside_shown)} nearest to the threshold are listed.`,
    );
  if (cut.pairs_detailed < cut.pairs)
    said.push(
      `Evidence and aligned passages are kept for ${n(cut.pairs_detailed)} of ${n(cut.pairs)} pairs, the weakest of each cluster first.`,
    );
  return said.length > 0 && note("To keep this file small: ", said.join(" "));
}

/** What the stages of the funnel mean. @type {Record<string, string>} */
const STAGES = {
  candidates: "pairs that a finder proposed",
  "ruled out early": "candidates that cannot be one article, by a bound on what the evidence can say",
  "open by the table": "judged by the token table, too near to the threshold to leave it at that",
  "asked of the model": "open pairs that the model judged",
  "changed by the model": "of these, those that it decided otherwise",
  "left open to the table": "open pairs that the model was not asked about",
  judged: "pairs that got a probability, also while clusters were made",
  "not judged in large clusters": "pairs within clusters that samples stand for",
  confirmed: "candidates that reach the threshold",
  "in clusters": "links between the records of clusters",
  "exact copies": "records with the very text of another",
};
const ALONE = " alone";
const LEFT_OUT = "left out";

/** The funnel: who proposed pairs, and what became of them. */
function funnel() {
  /** @type {{stage: string, pairs: number}[]} */
  const stages = report.funnel;
  const count = new Map(stages.map((one) => [one.stage, one.pairs]));
  const finders = stages.map((one) => one.stage).filter((stage) => count.has(stage + ALONE));
  const leftOut = stages.filter((one) => one.stage.startsWith(LEFT_OUT));
  const later = stages.filter(
    (one) => !finders.includes(one.stage) && !one.stage.endsWith(ALONE) && !leftOut.includes(one),
  );
  return [
    h(
      "section",
      {},
      h("h2", {}, "Who proposed pairs"),
      table(
        "Finders",
        ["Found by", "#Pairs", "#By it alone"],
        finders.map((finder) =>
          row(
            h("th", { scope: "row" }, finder),
            num(n(count.get(finder) || 0)),
            num(n(count.get(finder + ALONE) || 0)),
          ),
        ),
      ),
      leftOut.map((one) => h("p", { class: "soft" }, `${n(one.pairs)} pairs were not proposed (${one.stage}).`)),
    ),
    bars(
      "What became of them",
      later.map((one) => ({ label: one.stage, count: one.pairs, about: STAGES[one.stage] })),
      30,
    ),
  ];
}

const SIZES = [
  [2, 2],
  [3, 3],
  [4, 5],
  [6, 9],
  [10, 19],
  [20, 49],
  [50, 99],
  [100, Infinity],
];

/** How many clusters have how many records. @returns {Bar[]} */
function sizeBars() {
  const exact = [...tally(clusters.map((cluster) => cluster.members.length))].sort((a, b) => a[0] - b[0]);
  if (exact.length <= 8)
    return exact.map(([size, count]) => ({
      label: counted(size, "record"),
      count,
      to: `clusters?least=${size}&most=${size}`,
    }));
  return SIZES.map(([from, to]) => ({
    label: from === to ? `${from} records` : to === Infinity ? `${from} or more` : `${from} to ${to}`,
    count: clusters.filter(({ members }) => members.length >= from && members.length <= to).length,
    to: `clusters?least=${from}` + (to === Infinity ? "" : `&most=${to}`),
  })).filter((bar) => bar.count > 0);
}

/** The whole run at a glance. */
function overview() {
  const clustered = clusters.reduce((sum, cluster) => sum + cluster.members.length, 0);
  const flags = clusters.filter((cluster) => cluster.flags.length > 0).length;
  const card = (/** @type {number} */ number, /** @type {string} */ text, /** @type {string} */ to = "") =>
    h("li", {}, h("b", {}, n(number)), " ", to ? link(to, text) : text);
  const input = report.input;
  const languages = Object.entries(input.languages).sort((a, b) => b[1] - a[1]);
  const met = new Set(clusters.flatMap((cluster) => cluster.languages));
  const relations = mostFrequent(clusters.flatMap((cluster) => cluster.links.map((l) => pairs[l].relation)));
  const seen = [...clusters.flatMap((cluster) => cluster.links), ...report.outside].map((l) => pairs[l].p);
  return view(
    "Overview",
    h(
      "ul",
      { class: "cards" },
      card(input.records, "records"),
      card(clusters.length, clusters.length === 1 ? "cluster" : "clusters", "clusters?"),
      card(clustered, "records in clusters"),
      card(clustered - clusters.length, "records that could go"),
      card(flags, "clusters flagged", "clusters?flagged=1"),
      card(report.cut.outside, `pairs judged ${report.cut.floor} or more that are no links`, "review"),
      card(report.conflicts.length, report.conflicts.length === 1 ? "conflict" : "conflicts", "conflicts"),
      card(report.skipped.length, "pieces of input skipped", "skipped"),
    ),
    input.dropped_segments > 0 &&
      note(
        `${counted(input.dropped_segments, "segment")} at the ends of ${counted(input.shortened.length, "long record")} were not compared by meaning.`,
      ),
    input.boilerplate_passages > 0 &&
      note(
        `${counted(input.boilerplate_passages, "passage")} of boilerplate, in several texts that are otherwise unlike, counted little.`,
      ),
    cuts(),
    h(
      "div",
      { class: "charts" },
      funnel(),
      histogram("Probability of the pairs", seen, report.threshold),
      bars("Sizes of the clusters", sizeBars(), 20),
      bars(
        "Languages of the records",
        languages.map(([code, count]) => ({
          label: languageLabel(code),
          count,
          to: met.has(code) ? `clusters?language=${encodeURIComponent(code)}` : null,
        })),
        15,
      ),
      languageMatrix(),
      bars(
        "Relations of the links",
        relations.map(([relation, count]) => ({
          label: relation,
          count,
          to: `clusters?relation=${encodeURIComponent(relation)}`,
        })),
        10,
      ),
    ),
    h(
      "details",
      {},
      h("summary", {}, "Settings"),
      table(
        "Settings",
        ["Name", "Value"],
        Object.entries(report.settings).map(([name, value]) => row(name, bdi(String(value)))),
      ),
    ),
  );
}
