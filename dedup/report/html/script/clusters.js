// The list of clusters: to search, filter and sort.

/** Their names stand in the address, so that a link can lead to a choice. */
const NO_FILTERS = {
  q: "",
  language: "",
  with: "",
  relation: "",
  site: "",
  from: "",
  to: "",
  least: "",
  most: "",
  flagged: "",
};
const filters = { ...NO_FILTERS, sort: "borderline" };
/** @type {Place} */
const clusterPlace = { page: 0 };
/** Those that were found last, in order. @type {Cluster[]} */
let found = [];

/** @type {Record<string, [string, (a: Cluster, b: Cluster) => number]>} */
const SORTS = {
  borderline: [
    "flagged and borderline first",
    (a, b) => Number(b.flags.length > 0) - Number(a.flags.length > 0) || a.least - b.least,
  ],
  report: ["as in the JSON report", () => 0],
  size: ["largest first", (a, b) => b.members.length - a.members.length],
  sure: ["surest first", (a, b) => b.least - a.least],
  languages: ["most languages first", (a, b) => b.languages.length - a.languages.length],
};
const CLUSTERS_LISTED = 50;
const CHIPS = 10;
const SITES_OFFERED = 300;

/** @param {string} query of the address: what it names is chosen, and nothing else */
function chooseFilters(query) {
  Object.assign(filters, NO_FILTERS);
  clusterPlace.page = 0;
  for (const [name, value] of new URLSearchParams(query))
    if (name in filters) filters[/** @type {keyof filters} */ (name)] = value;
  if (!SORTS[filters.sort]) filters.sort = "borderline";
}

/** @param {Set<number> | null} texts the texts that hold what is searched */
function findClusters(texts) {
  const words = filters.q.trim().toLowerCase();
  const number = (/** @type {string} */ value, /** @type {number} */ other) =>
    value === "" || Number.isNaN(Number(value)) ? other : Number(value);
  const [from, to] = [number(filters.from, 0), number(filters.to, 1)];
  const [least, most] = [number(filters.least, 0), number(filters.most, Infinity)];
  const site = filters.site.trim().toLowerCase();
  /** @type {((cluster: Cluster) => boolean)[]} */
  const tests = [(c) => c.least >= from && c.least <= to, (c) => c.members.length >= least && c.members.length <= most];
  if (filters.language) tests.push((c) => c.languages.includes(filters.language));
  if (filters.with)
    tests.push(filters.with === filters.language ? hasTwiceTheLanguage : (c) => c.languages.includes(filters.with));
  if (filters.relation) tests.push((c) => c.relations.includes(filters.relation));
  if (site) tests.push((c) => c.sites.some((one) => one.includes(site)));
  if (filters.flagged) tests.push((c) => c.flags.length > 0);
  if (words) tests.push((c) => namesOf(c).includes(words) || c.members.some((m) => texts?.has(records[m].text)));
  const order = SORTS[filters.sort][1];
  found = clusters.filter((c) => tests.every((test) => test(c))).sort((a, b) => order(a, b) || a.place - b.place);
}

/** @param {Cluster} cluster */
function hasTwiceTheLanguage(cluster) {
  return cluster.members.filter((m) => records[m].language === filters.language).length > 1;
}

/** @param {Cluster} cluster */
function clusterRow(cluster) {
  const more = cluster.languages.length - CHIPS;
  return row(
    h(
      "td",
      {},
      h("a", { href: "#/cluster/" + cluster.id, class: "open" }, bdi(records[cluster.keep].id)),
      cluster.flags.length > 0 && [" ", h("span", { class: "chip warn", title: cluster.flags.join("\n") }, "flagged")],
      h("div", written(records[cluster.keep].language), cluster.beginning),
      cluster.url && h("div", { class: "url" }, bdi(cluster.url)),
    ),
    h("td", {}, cluster.languages.slice(0, CHIPS).map(chip), more > 0 && `+${more}`),
    num(n(cluster.members.length), h("span", { class: "unit" }, " records")),
    cluster.relations.join(", "),
    num(shown(cluster.least)),
  );
}

/** The form with all filters. @param {(event: Event) => void} changed @param {() => void} cleared */
function filterForm(changed, cleared) {
  const choice = (/** @type {string} */ label, /** @type {keyof filters} */ name, /** @type {string[][]} */ options) =>
    h(
      "label",
      {},
      label,
      h(
        "select",
        { name },
        options.map(([value, text]) => h("option", { value, selected: filters[name] === value }, text)),
      ),
    );
  const numeric = (
    /** @type {string} */ label,
    /** @type {keyof filters} */ name,
    /** @type {number} */ step,
    /** @type {string} */ placeholder,
  ) => h("label", {}, label, h("input", { type: "number", name, step, min: 0, placeholder, value: filters[name] }));
  const options = (
    /** @type {(cluster: Cluster) => string[]} */ get,
    /** @type {(value: string) => string} */ label,
  ) => [
    ["", "all"],
    ...mostFrequent(clusters.flatMap(get)).map(([value, count]) => [value, `${label(value)}: ${n(count)}`]),
  ];
  const languages = options((c) => c.languages, languageLabel);
  const sites = mostFrequent(clusters.flatMap((c) => c.sites));
  const few =
    sites.length > SITES_OFFERED ? `Site (${n(sites.length)}; any part of its name)` : "Site (any part of its name)";
  return h(
    "form",
    {
      class: "filters",
      role: "search",
      "aria-label": "Clusters",
      submit: (/** @type {Event} */ event) => event.preventDefault(),
      input: changed,
    },
    h(
      "label",
      { class: "search" },
      "Search ids, pages, texts",
      h("input", {
        type: "search",
        name: "q",
        id: "search",
        value: filters.q,
        autocomplete: "off",
        spellcheck: "false",
        focus: () => void readShelves(),
      }),
    ),
    choice("Language", "language", languages),
    choice("and", "with", languages),
    choice(
      "Relation",
      "relation",
      options(
        (c) => c.relations,
        (value) => value,
      ),
    ),
    h(
      "label",
      {},
      few,
      h("input", { type: "text", name: "site", list: "sites", value: filters.site, autocomplete: "off" }),
      h(
        "datalist",
        { id: "sites" },
        sites.slice(0, SITES_OFFERED).map(([site, count]) => h("option", { value: site }, n(count))),
      ),
    ),
    h("span", { class: "range" }, numeric("Least sure from", "from", 0.01, "0"), numeric("to", "to", 0.01, "1")),
    h("span", { class: "range" }, numeric("Records from", "least", 1, "2"), numeric("to", "most", 1, "any")),
    h(
      "label",
      { class: "box" },
      h("input", { type: "checkbox", name: "flagged", checked: filters.flagged !== "" }),
      "flagged only",
    ),
    choice(
      "Order",
      "sort",
      Object.entries(SORTS).map(([name, [label]]) => [name, label]),
    ),
    h("button", { type: "button", click: cleared }, "Clear"),
  );
}

let listDrawn = 0;

/** @param {string} query */
async function clusterList(query) {
  if (query !== filterQuery() && (query !== "" || location.hash.endsWith("?"))) chooseFilters(query);
  const results = h("div", {});
  const count = h("p", { class: "soft", id: "count" });
  const draw = async () => {
    const mine = ++listDrawn;
    const words = filters.q.trim().toLowerCase();
    if (words) count.textContent = "Searching…";
    results.setAttribute("aria-busy", "true");
    const texts = words ? await textsWith(words) : null;
    if (mine !== listDrawn) return;
    findClusters(texts);
    results.setAttribute("aria-busy", "false");
    count.textContent = `${n(found.length)} of ${counted(clusters.length, "cluster")}, ${counted(
      found.reduce((sum, c) => sum + c.members.length, 0),
      "record",
    )}`;
    say(count.textContent);
    const heads = ["Cluster", "Languages", "#Records", "Relations", "#Least sure"];
    results.replaceChildren(
      found.length > 0
        ? paged(found, CLUSTERS_LISTED, (some) => table("Clusters", heads, some.map(clusterRow), "list"), clusterPlace)
        : h("p", {}, clusters.length > 0 ? "No cluster is like this." : "No two records carry the same article."),
    );
    remember();
  };
  let wait = 0;
  const changed = (/** @type {Event} */ event) => {
    const field = /** @type {HTMLInputElement} */ (event.target);
    filters[/** @type {keyof filters} */ (field.name)] =
      field.type === "checkbox" ? (field.checked ? "1" : "") : field.value;
    clusterPlace.page = 0;
    clearTimeout(wait);
    wait = setTimeout(() => void draw().catch(failed), field.type === "search" || field.type === "text" ? 150 : 0);
  };
  const cleared = () => {
    Object.assign(filters, NO_FILTERS);
    clusterPlace.page = 0;
    remember();
    void route().then(() => document.getElementById("search")?.focus());
  };
  const form = filterForm(changed, cleared);
  await draw();
  return view(
    "Clusters",
    form,
    count,
    results,
    h(
      "p",
      { class: "soft" },
      "“Least sure” is the lower of a cluster's confidence and the probability of its weakest pair.",
    ),
  );
}

/** Puts the filters into the address, without going anywhere. */
function remember() {
  const query = filterQuery();
  if (location.hash.startsWith("#/clusters")) history.replaceState(null, "", "#/clusters" + (query && "?" + query));
}

/** The filters as the address has them. */
function filterQuery() {
  const chosen = Object.entries(filters).filter(
    ([name, value]) => value !== "" && !(name === "sort" && value === "borderline"),
  );
  return new URLSearchParams(chosen).toString();
}
