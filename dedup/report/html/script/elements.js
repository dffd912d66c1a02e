// Building blocks: elements, words and numbers. Whatever comes from a record reaches the page as a text node or as an
// attribute's value, never as markup; and where it stands within our words, it keeps its direction to itself.

/** @typedef {Node | string | number | false | null | undefined | any[]} Child what an element may hold; lists are flattened */
/** @typedef {Record<string, any>} Attributes functions are listeners; null and false leave an attribute out */

const SVG = "http://www.w3.org/2000/svg";
const main = /** @type {HTMLElement} */ (document.getElementById("main"));
const live = /** @type {HTMLElement} */ (document.getElementById("live"));
const nav = /** @type {HTMLElement} */ (document.getElementById("nav"));

/**
 * @template {Element} E
 * @param {E} element
 * @param {Attributes} attributes
 * @param {Child[]} children
 * @returns {E}
 */
function build(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

/**
 * An HTML element.
 * @param {string} tag
 * @param {Attributes} attributes
 * @param {...Child} children
 */
function h(tag, attributes, ...children) {
  return build(document.createElement(tag), attributes, children);
}

/**
 * An SVG element.
 * @param {string} tag
 * @param {Attributes} attributes
 * @param {...Child} children
 */
function s(tag, attributes, ...children) {
  return build(document.createElementNS(SVG, tag), attributes, children);
}

// In names, what would turn the text around or cannot be seen is spelled out: "\u202egnp.exe" must not read "exe.png".
const CONTROLS = /([\p{Cc}\u202a-\u202e\u2066-\u2069])/u;

/** @param {string} control */
function spelledOut(control) {
  return "U+" + control.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0");
}

/** A name from a record, isolated from the direction of what stands around it. @param {string} name */
function bdi(name) {
  const parts = name.split(CONTROLS); // every second one is a control
  return h(
    "bdi",
    {},
    parts.map((part, i) => (i % 2 ? h("span", { class: "control" }, spelledOut(part)) : part)),
  );
}

/**
 * The same for tooltips and labels, which have no elements: between a first strong isolate and its end (UAX 9).
 * @param {string} name
 */
function isolated(name) {
  return `\u2068${name.replace(new RegExp(CONTROLS, "gu"), (control) => `[${spelledOut(control)}]`)}\u2069`;
}

/** @param {number} number */
function n(number) {
  return number.toLocaleString("en");
}

/** @param {number} number @param {string} noun */
function counted(number, noun) {
  return `${n(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** A probability; never 0 or 1 unless it is. @param {number} p */
function shown(p) {
  if (p >= 0.9995 && p < 1) return ">0.999";
  if (p > 0 && p < 0.0005) return "<0.001";
  return p.toFixed(3);
}

/** @template T @param {T[]} items @returns {Map<T, number>} how often each item is there */
function tally(items) {
  const counts = new Map();
  for (const item of items) counts.set(item, (counts.get(item) || 0) + 1);
  return counts;
}

/** @template T @param {T[]} items @returns {[T, number][]} the most frequent first */
function mostFrequent(items) {
  return [...tally(items)].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

/** Tells a screen reader. @param {string} text */
function say(text) {
  live.textContent = text;
}

// ---- languages ----

const languageNames = new Intl.DisplayNames(["en"], { type: "language", fallback: "none" });

/** @param {string} code @returns {string} */
function languageName(code) {
  if (code === "und") return "unknown language";
  try {
    return languageNames.of(code) || code;
  } catch {
    return code; // not even shaped like a code
  }
}

/** @param {string} code @returns {string} "Arabic (ar)" */
function languageLabel(code) {
  const name = languageName(code);
  return name === code ? code : `${name} (${code})`;
}

/** @param {string} code */
function chip(code) {
  return h("span", { class: "chip", title: languageName(code) }, code);
}

// Languages written from right to left; those with scripts of both kinds, and unknown ones, go by their letters.
const RTL = new Set(
  "ar arc arz azb bal bqi ckb dv fa glk he iw ji khw lrc mzn nqo pnb prs ps sdh skr syr ug ur yi".split(" "),
);
const EITHER = new Set("und az ha kk ks ku ky ms ota pa sd tg tk uz wo".split(" "));

/** @param {string} language @returns {"rtl" | "ltr" | "auto"} */
function direction(language) {
  if (RTL.has(language)) return "rtl";
  return EITHER.has(language) ? "auto" : "ltr";
}

/** The attributes of an element that holds text in a language. @param {string} language @returns {Attributes} */
function written(language) {
  return { lang: language === "und" ? "" : language, dir: direction(language) };
}

// ---- links ----

/** To another place of this page. @param {string} to @param {...Child} children */
function link(to, ...children) {
  return h("a", { href: "#/" + to }, ...children);
}

/** @param {string | null} url @returns {URL | null} the URL if it is one of the web: never javascript: and the like */
function webUrl(url) {
  if (!url) return null;
  try {
    const parsed = new URL(/^[a-z][a-z0-9+.-]*:/i.test(url) ? url : "http://" + url);
    return parsed.protocol === "http:" || parsed.protocol === "https:" ? parsed : null;
  } catch {
    return null;
  }
}

/** A URL as a record has it, to be followed only on request, where it leads to the web. @param {string} url */
function outside(url) {
  const parsed = webUrl(url);
  if (!parsed) return h("span", { class: "url" }, bdi(url));
  return h("a", { class: "url", href: parsed.href, target: "_blank", rel: "noopener noreferrer nofollow" }, bdi(url));
}

/** @param {string | null} url @returns {string} its host without "www.", or nothing */
function siteOf(url) {
  const parsed = webUrl(url);
  return parsed ? parsed.hostname.replace(/^www\./, "") : "";
}

// ---- tables and lists ----

/**
 * @param {string} label for those who do not see what is above the table
 * @param {string[]} heads those of numbers begin with #
 * @param {HTMLElement[]} rows
 * @param {string} [name]
 */
function table(label, heads, rows, name) {
  const head = (/** @type {string} */ text) =>
    h("th", { scope: "col", class: text.startsWith("#") ? "num" : null }, text.replace(/^#/, ""));
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": label },
    h(
      "table",
      { class: name },
      h("caption", { class: "aside" }, label),
      h("thead", {}, h("tr", {}, heads.map(head))),
      h("tbody", {}, rows),
    ),
  );
}

/** @param {...Child} cells */
function row(...cells) {
  return h(
    "tr",
    {},
    cells.map((cell) => (cell instanceof HTMLTableCellElement ? cell : h("td", {}, cell))),
  );
}

/** A cell with a number. @param {...Child} children */
function num(...children) {
  return h("td", { class: "num" }, ...children);
}

/** @param {...Child} children */
function note(...children) {
  return h("p", { class: "note" }, ...children);
}

/** @typedef {{page: number}} Place where in a list somebody is */

/**
 * A list in pages: what it draws is made for one page at a time.
 * @template T
 * @param {T[]} items
 * @param {number} size of a page
 * @param {(some: T[], from: number) => Child} draw
 * @param {Place} place is kept, so that whoever comes back finds the same page
 */
function paged(items, size, draw, place) {
  const box = h("div", {});
  const last = Math.max(0, Math.ceil(items.length / size) - 1);
  /** @param {number} page @param {string} [pressed] the button that led here */
  const show = (page, pressed) => {
    place.page = Math.min(Math.max(page, 0), last);
    const from = place.page * size;
    const some = items.slice(from, from + size);
    const where = `${n(from + 1)} to ${n(from + some.length)} of ${n(items.length)}`;
    /** @param {string} text @param {number} to */
    const button = (text, to) =>
      h(
        "button",
        { type: "button", disabled: to < 0 || to > last || to === place.page, click: () => show(to, text) },
        text,
      );
    const pager = h(
      "nav",
      { class: "pager", "aria-label": "Pages of the list" },
      button("First", 0),
      button("Previous", place.page - 1),
      h("span", {}, where),
      button("Next", place.page + 1),
      button("Last", last),
    );
    box.replaceChildren(
      ...[draw(some, from), items.length > size && pager].flat().filter((part) => part instanceof Node),
    );
    if (pressed) {
      say("Rows " + where);
      const first = /** @type {HTMLElement | null} */ (box.querySelector("a.open, tbody a, summary"));
      first?.focus();
      box.scrollIntoView({ block: "start" });
    }
  };
  show(place.page);
  return box;
}
