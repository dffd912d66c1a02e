// The data, as data.py wrote them: the index is read when the page is opened, texts and details when they are wanted.

/** @typedef {{id: string, path: string | null, line: number | null, language: string, url: string | null,
 *   characters: number, text: number, cluster: number | null, site: string}} Rec */
/** @typedef {{place: number, left: number, right: number, relation: string, p: number, finders: string[], by: string,
 *   detail: number | null}} Pair */
/** @typedef {{place: number, id: string, url: string | null, confidence: number, members: number[], keep: number,
 *   links: number[], allLinks: number, weakest: number | null, flags: string[], beginning: string, languages: string[],
 *   relations: string[], sites: string[], least: number, names: string}} Cluster */
/** @typedef {{segments: string[], cut: number, beyond: number, figures: [number, number, number, string][]}} RecText */
/** @typedef {{name: string, value: number, weight: number, words: string}} Evidence */
/** @typedef {{evidence: Evidence[], inFavour: string, against: string, passages: [number, number, number][],
 *   shared: string[], missing: string[], clashes: [string, string][], sharedNames: string[],
 *   missingNames: string[]}} Detail */
/** @typedef {{members: number[], all: number}} Group */
/** @typedef {{before: number[], after: Group[], lost: Group, gained: Group}} Change */
/** @typedef {{threshold: number, clusters: number, records: number, gone: number, new: number, concerned: number,
 *   changes: Change[], all_changes: number}} Outlook */

/** Everything that is not in rows, under the names of data.py. @type {any} */
let report;
/** @type {Rec[]} */
let records = [];
/** @type {Pair[]} */
let pairs = [];
/** @type {Cluster[]} */
let clusters = [];
/** @type {Map<string, number>} */
let clusterNumber = new Map();
/** @type {Outlook[]} */
let outlooks = [];

// ---- blocks ----

/** @param {Element} element holds JSON, compressed (zlib), in base64 @returns {Promise<any>} */
function unpacked(element) {
  const binary = atob(element.textContent || "");
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).json();
}

const KEPT_BLOCKS = 48;

/** Rows in blocks, of which those last used are kept unpacked. */
class Blocks {
  /** @param {string} kind */
  constructor(kind) {
    this.elements = [...document.querySelectorAll("script." + kind)];
    this.firsts = this.elements.map((element) => Number(element.getAttribute("data-first")));
    /** @type {Map<number, Promise<any[]>>} */
    this.kept = new Map();
  }

  /** @param {number} block @returns {Promise<any[]>} its rows */
  rows(block) {
    const rows = this.kept.get(block) || unpacked(this.elements[block]);
    this.kept.delete(block); // so that it becomes the last
    this.kept.set(block, rows);
    if (this.kept.size > KEPT_BLOCKS) this.kept.delete(this.kept.keys().next().value ?? -1);
    return rows;
  }

  /** @param {number} number @returns {Promise<any>} the row with this number */
  async row(number) {
    let low = 0;
    let high = this.firsts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.firsts[middle] <= number) low = middle;
      else high = middle - 1;
    }
    return (await this.rows(low))[number - this.firsts[low]];
  }
}

const textBlocks = new Blocks("texts");
const detailBlocks = new Blocks("details");

/** @param {number} record @returns {Promise<RecText>} */
async function textOf(record) {
  const [segments, cut, beyond, figures] = await textBlocks.row(records[record].text);
  return { segments, cut, beyond, figures };
}

/** @param {Pair} pair @returns {Promise<Detail | null>} null where there are too many pairs to keep all details */
async function detailOf(pair) {
  if (pair.detail === null) return null;
  const [evidence, inFavour, against, passages, shared, missing, clashes, sharedNames, missingNames] =
    await detailBlocks.row(pair.detail);
  return {
    evidence: evidence.map((/** @type {[number, number, number, string]} */ [name, value, weight, words]) => ({
      name: report.evidence[name],
      value,
      weight,
      words,
    })),
    inFavour,
    against,
    passages,
    shared,
    missing,
    clashes,
    sharedNames,
    missingNames,
  };
}

// ---- search ----

/** The texts of one block in small letters, one a line, and where each begins. @typedef {{words: string, starts: number[], first: number}} Shelf */
/** @type {Promise<Shelf[]> | null} */
let shelves = null;

const READ_AT_ONCE = 8;

/** Reads all texts, once; their blocks are let go again. @returns {Promise<Shelf[]>} */
function readShelves() {
  shelves ??= (async () => {
    const made = [];
    const blocks = textBlocks.elements.map((_, block) => block);
    for (let start = 0; start < blocks.length; start += READ_AT_ONCE)
      made.push(...(await Promise.all(blocks.slice(start, start + READ_AT_ONCE).map(shelfOf))));
    return made;
  })();
  return shelves;
}

/** @param {number} block @returns {Promise<Shelf>} */
async function shelfOf(block) {
  const starts = [];
  let words = "";
  for (const [segments] of await unpacked(textBlocks.elements[block])) {
    starts.push(words.length);
    words += segments.join(" ").replaceAll("\n", " ") + "\n";
  }
  const small = words.toLowerCase();
  // Small letters may be longer than capitals ("İ"): then the starts are found again.
  const found = small.length === words.length ? starts : lineStarts(small);
  return { words: small, starts: found, first: textBlocks.firsts[block] };
}

/** @param {string} text @returns {number[]} where its lines begin */
function lineStarts(text) {
  const starts = [0];
  for (let end = text.indexOf("\n"); end >= 0 && end + 1 < text.length; end = text.indexOf("\n", end + 1))
    starts.push(end + 1);
  return starts;
}

/** @param {string} words in small letters @returns {Promise<Set<number>>} the numbers of the texts that hold them */
async function textsWith(words) {
  const found = new Set();
  for (const shelf of await readShelves()) {
    let text = 0;
    for (let at = shelf.words.indexOf(words); at >= 0;) {
      while (text + 1 < shelf.starts.length && shelf.starts[text + 1] <= at) text++;
      found.add(shelf.first + text);
      if (text + 1 >= shelf.starts.length) break;
      at = shelf.words.indexOf(words, shelf.starts[text + 1]);
    }
  }
  return found;
}

// ---- rows ----

/** Reads the index. */
async function readIndex() {
  const element = document.querySelector("script.index");
  if (!element) throw new Error("the page holds no data");
  report = await unpacked(element);
  records = report.records.map((/** @type {any[]} */ [id, path, line, language, url, characters, text, cluster]) => ({
    id,
    path,
    line,
    language,
    url,
    characters,
    text,
    cluster,
    site: siteOf(url),
  }));
  pairs = report.pairs.map(
    (/** @type {any[]} */ [left, right, relation, p, finders, by, detail], /** @type {number} */ place) => ({
      place,
      left,
      right,
      p,
      detail,
      relation: report.relations[relation],
      finders: finders.map((/** @type {number} */ finder) => report.finders[finder]),
      by: report.confirmed[by],
    }),
  );
  clusters = report.clusters.map(clusterOfRow);
  clusterNumber = new Map(clusters.map((cluster) => [cluster.id, cluster.place]));
  const group = (/** @type {[number[], number]} */ [members, all]) => ({ members, all });
  outlooks = report.outlooks.map((/** @type {any} */ outlook) => ({
    ...outlook,
    changes: outlook.changes.map((/** @type {any[]} */ [before, after, lost, gained]) => {
      return { before, after: after.map(group), lost: group(lost), gained: group(gained) };
    }),
  }));
}

/** @param {any[]} row @param {number} place @returns {Cluster} */
function clusterOfRow([id, url, confidence, members, keep, links, allLinks, weakest, flags, beginning], place) {
  /** @param {(record: Rec) => string} get @returns {string[]} */
  const each = (get) => [...new Set(members.map((/** @type {number} */ m) => get(records[m])))].sort();
  return {
    place,
    id,
    url,
    confidence,
    members,
    keep,
    links,
    allLinks,
    weakest,
    flags,
    beginning,
    languages: each((r) => r.language),
    relations: [...new Set(links.map((/** @type {number} */ l) => pairs[l].relation))].sort(),
    sites: each((r) => r.site).filter(Boolean),
    least: weakest === null ? confidence : Math.min(confidence, pairs[weakest].p),
    names: "",
  };
}

/** Ids, paths and pages of a cluster, in small letters. @param {Cluster} cluster */
function namesOf(cluster) {
  if (!cluster.names) {
    const parts = cluster.members.flatMap((m) => [records[m].id, records[m].path || "", records[m].url || ""]);
    cluster.names = [cluster.id, cluster.url || "", ...parts].join("\n").toLowerCase();
  }
  return cluster.names;
}

/** The cluster that holds both records of a pair. @param {Pair} pair @returns {Cluster | null} */
function clusterOf(pair) {
  const cluster = records[pair.left].cluster;
  return cluster !== null && cluster === records[pair.right].cluster ? clusters[cluster] : null;
}
