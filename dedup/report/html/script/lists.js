// The other lists: pairs to review, conflicts, skipped input.

const reviewed = { place: { page: 0 }, side: "", language: "" };

/** All pairs, the nearest to the threshold first. @type {number[]} */
let nearest = [];

/** Those of the pairs that the filters of the view let through. */
function reviewList() {
  if (nearest.length === 0) {
    const all = [...new Set([...report.outside, ...clusters.flatMap((cluster) => cluster.links)])];
    nearest = all.sort(
      (a, b) => Math.abs(pairs[a].p - report.threshold) - Math.abs(pairs[b].p - report.threshold) || a - b,
    );
  }
  return nearest.filter((l) => {
    const pair = pairs[l];
    if (reviewed.side && (reviewed.side === "below") !== pair.p < report.threshold) return false;
    return !reviewed.language || [pair.left, pair.right].some((end) => records[end].language === reviewed.language);
  });
}

function review() {
  const count = h("p", { class: "soft", id: "count" });
  const list = h("div", {});
  const draw = () => {
    const some = reviewList();
    count.textContent = counted(some.length, "pair");
    list.replaceChildren(
      some.length > 0
        ? pairTable("Pairs, the nearest to the threshold first", some, null, reviewed.place, "#/review", true)
        : h("p", {}, "None."),
    );
  };
  const changed = (/** @type {Event} */ event) => {
    const field = /** @type {HTMLSelectElement} */ (event.target);
    reviewed[field.name === "side" ? "side" : "language"] = field.value;
    reviewed.place.page = 0;
    draw();
    say(count.textContent || "");
  };
  const option =
    (/** @type {string} */ chosen) =>
    (/** @type {string[]} */ [value, text]) =>
      h("option", { value, selected: value === chosen }, text);
  draw();
  const codes = [
    ...new Set(nearest.flatMap((l) => [records[pairs[l].left].language, records[pairs[l].right].language])),
  ].sort();
  return view(
    "Pairs to review",
    h(
      "p",
      {},
      `All pairs of this page, those nearest to the threshold of ${report.threshold} first, on both sides of it; below it from ${report.cut.floor} on. Open one, then go on with → and ←.`,
    ),
    cuts(),
    h(
      "form",
      {
        class: "filters",
        role: "search",
        "aria-label": "Pairs",
        submit: (/** @type {Event} */ event) => event.preventDefault(),
        input: changed,
      },
      h(
        "label",
        {},
        "Side",
        h(
          "select",
          { name: "side" },
          [
            ["", "both"],
            ["above", "links: at the threshold or above"],
            ["below", "no links: below the threshold"],
          ].map(option(reviewed.side)),
        ),
      ),
      h(
        "label",
        {},
        "Language",
        h(
          "select",
          { name: "language" },
          [["", "all"], ...codes.map((code) => [code, languageLabel(code)])].map(option(reviewed.language)),
        ),
      ),
    ),
    count,
    list,
  );
}

const lists = { conflicts: { page: 0 }, skipped: { page: 0 } };
const CITING = 20;

function conflicts() {
  /** @param {[string, number[], string]} conflict */
  const line = ([url, members, reason]) => {
    const citing = members.slice(0, CITING).map((member) => {
      const cluster = records[member].cluster;
      return h(
        "li",
        {},
        reference(member),
        cluster !== null && [" ", h("a", { class: "open", href: "#/cluster/" + clusters[cluster].id }, "cluster")],
      );
    });
    return row(
      outside(url),
      h(
        "ul",
        { class: "plain" },
        citing,
        members.length > CITING && h("li", { class: "soft" }, `and ${n(members.length - CITING)} more`),
      ),
      bdi(reason),
    );
  };
  return view(
    "Conflicts",
    h("p", {}, "Pages that records cite although their contents disagree: a home page, a tag page, a wrong citation."),
    report.conflicts.length > 0
      ? paged(
          report.conflicts,
          50,
          (some) => table("Conflicts", ["Page", "Records", "Why"], some.map(line), "conflicts"),
          lists.conflicts,
        )
      : h("p", {}, "None."),
  );
}

function skipped() {
  /** @type {{path: string, line: number | null, reason: string}[]} */
  const all = report.skipped;
  const reasons = mostFrequent(all.map((one) => one.reason));
  return view(
    "Skipped input",
    reasons.length > 1 &&
      reasons.length < all.length &&
      bars(
        "Why",
        reasons.map(([label, count]) => ({ label, count })),
        10,
      ),
    all.length > 0
      ? paged(
          all,
          100,
          (some) =>
            table(
              "Skipped input",
              ["Where", "Why"],
              some.map((one) => row(bdi(one.path + (one.line ? ":" + one.line : "")), bdi(one.reason))),
            ),
          lists.skipped,
        )
      : h("p", {}, "Nothing was skipped."),
  );
}
