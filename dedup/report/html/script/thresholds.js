// What other thresholds would give, and which clusters they would change.

const RECORDS_NAMED = 8;
const CHANGES_LISTED = 50;

/** @param {number} to @param {number} from */
function difference(to, from) {
  return num(
    n(to),
    " ",
    to !== from &&
      h("span", { class: to > from ? "up" : "down" }, `(${to > from ? "+" : "−"}${n(Math.abs(to - from))})`),
  );
}

function thresholds() {
  const now = outlooks.find((one) => one.threshold === report.threshold) || outlooks[0];
  const line = (/** @type {Outlook} */ one) => {
    const own = one === now;
    const changed =
      one.all_changes > 0
        ? link("threshold/" + one.threshold, `${n(one.gone)} become ${n(one.new)}`)
        : own
          ? ""
          : "none";
    const tr = row(
      h("th", { scope: "row", class: "num" }, one.threshold, own && " (this run)"),
      difference(one.clusters, now.clusters),
      difference(one.records, now.records),
      difference(one.records - one.clusters, now.records - now.clusters),
      num(changed),
      num(own ? "" : n(one.concerned)),
    );
    if (own) tr.className = "own";
    return tr;
  };
  const heads = [
    "#Threshold",
    "#Clusters",
    "#Records in clusters",
    "#Records that could go",
    "#Clusters changed",
    "#Records concerned",
  ];
  return view(
    "Other thresholds",
    h(
      "p",
      {},
      "What other thresholds would give, without computing anything again: the pairs that this run judged, grouped once more. The changes lead to the clusters concerned.",
    ),
    note(
      "This is an estimate. Pairs that the run did not judge count as 0, so below the threshold a real run would join more: it would judge more pairs while it groups, and ask the model about others. Judgements under 0.02 count as 0, as in every run. Above the threshold hardly anything is missing.",
    ),
    table("Other thresholds", heads, outlooks.map(line)),
    h(
      "div",
      { class: "charts" },
      bars(
        "Clusters by threshold",
        outlooks.map((one) => ({ label: String(one.threshold), count: one.clusters })),
        30,
      ),
      bars(
        "Records in clusters by threshold",
        outlooks.map((one) => ({ label: String(one.threshold), count: one.records })),
        30,
      ),
    ),
  );
}

/** @param {Group} group */
function namedRecords({ members, all }) {
  const some = members.slice(0, RECORDS_NAMED);
  return h(
    "ul",
    { class: "plain" },
    some.map((member) => h("li", {}, reference(member))),
    all > some.length && h("li", { class: "soft" }, `and ${n(all - some.length)} more`),
  );
}

/** What would happen to the clusters, in words. @param {Change} change */
function changeInWords({ before, after }) {
  if (before.length === 0) return after.length === 1 ? "a new cluster" : `${after.length} new clusters`;
  if (after.length === 0) return before.length === 1 ? "falls apart" : "fall apart";
  if (before.length === 1) return after.length === 1 ? "" : `splits into ${after.length}`;
  return after.length === 1 ? "become one" : `become ${after.length} others`;
}

/** @param {Change} change */
function changeRow(change) {
  const none = h("span", { class: "soft" }, "records in no cluster");
  const both = change.before.length > 0 && change.after.length > 0;
  const moved = (/** @type {string} */ word, /** @type {Group} */ group) =>
    both && group.all > 0 && [`${word} ${counted(group.all, "record")}:`, namedRecords(group)];
  const now = change.before.map((place) => {
    const { id, members } = clusters[place];
    const to = h("a", { class: "open", href: "#/cluster/" + id }, "cluster of ", counted(members.length, "record"));
    return h("div", {}, to, namedRecords({ members, all: members.length }));
  });
  const smallestFirst = change.after.slice().sort((a, b) => a.all - b.all);
  const then = smallestFirst.map((group) =>
    h("div", {}, h("b", {}, `cluster of ${counted(group.all, "record")}`), namedRecords(group)),
  );
  return row(
    h("td", {}, h("div", {}, changeInWords(change)), moved("loses", change.lost), moved("gains", change.gained)),
    h("td", {}, now.length > 0 ? now : none),
    h("td", {}, then.length > 0 ? then : none),
  );
}

/** @type {Map<number, Place>} */
const changePlaces = new Map();

/** @param {Outlook} outlook */
function thresholdView(outlook) {
  const { threshold, changes } = outlook;
  const place = changePlaces.get(threshold) || { page: 0 };
  changePlaces.set(threshold, place);
  const heads = ["What would happen", `Now, at ${report.threshold}`, `At ${threshold}`];
  const list = (/** @type {Change[]} */ some) => table("Changes", heads, some.map(changeRow), "changes");
  const left = `The first ${n(changes.length)} of ${n(outlook.all_changes)} changes are listed; dedup run --sweep -o report.json writes all.`;
  return view(
    `At ${threshold} instead of ${report.threshold}`,
    h("p", { class: "pager" }, link("thresholds", "back to all thresholds")),
    h(
      "p",
      {},
      `${counted(outlook.gone, "cluster")} of this run would become ${n(outlook.new)}, `,
      `with ${counted(outlook.concerned, "record")} concerned.`,
    ),
    changes.length < outlook.all_changes && note(left),
    changes.length > 0 ? paged(changes, CHANGES_LISTED, list, place) : h("p", {}, "Nothing would change."),
  );
}
