// From place to place: what the address names is shown; keys; colours; the start.

/** The main content: a heading and what follows. @param {Child} heading @param {...Child} children @returns {Node[]} */
function view(heading, ...children) {
  const all = [h("h1", { tabindex: -1 }, heading), ...children].flat(Infinity);
  return all.filter((child) => child instanceof Node);
}

/** @type {[string, string, (query: string) => Node[] | Promise<Node[]>][]} */
const VIEWS = [
  ["", "Overview", overview],
  ["clusters", "Clusters", clusterList],
  ["review", "Review", review],
  ["thresholds", "Thresholds", thresholds],
  ["conflicts", "Conflicts", conflicts],
  ["skipped", "Skipped", skipped],
];

/** The address, in parts. @returns {{what: string, which: string, query: string}} */
function address() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?", 2);
  const [what, which] = path.split("/", 2);
  return { what, which: which || "", query: query || "" };
}

/** @typedef {{entry: () => string, draw: () => Node[] | Promise<Node[]>}} Destination its entry of the menu is known when it is drawn */

/** What the address names. @returns {Destination} */
function destination() {
  const { what, which, query } = address();
  const cluster = clusterNumber.get(which);
  if (what === "cluster" && cluster !== undefined)
    return { entry: () => "clusters", draw: () => clusterView(clusters[cluster]) };
  if (what === "pair" && pairs[Number(which)])
    return {
      entry: () => (walk.from === "#/review" ? "review" : "clusters"),
      draw: () => pairView(pairs[Number(which)]),
    };
  if (what === "record" && records[Number(which)])
    return { entry: () => "clusters", draw: () => recordView(Number(which)) };
  const outlook = outlooks.find((one) => what === "threshold" && String(one.threshold) === which);
  if (outlook) return { entry: () => "thresholds", draw: () => thresholdView(outlook) };
  const [name, , draw] = VIEWS.find((one) => one[0] === what) || VIEWS[0];
  return { entry: () => name, draw: () => draw(query) };
}

/** Where in a view somebody was when leaving it: how far down, and at which link. @type {Map<string, {top: number, href: string | null}>} */
const places = new Map();
/** The link that was followed last, by click or key; not every browser gives it the focus. @type {string | null} */
let followed = null;
let here = "";
let shownFirst = false;
let routed = 0;

function pathNow() {
  return location.hash.split("?")[0];
}

/** Shows what the address names; whoever comes back finds the place where they were. */
async function route() {
  const mine = ++routed;
  places.set(here, { top: scrollY, href: followed });
  followed = null;
  main.setAttribute("aria-busy", "true");
  const to = destination();
  const parts = await to.draw();
  if (mine !== routed) return;
  main.replaceChildren(...parts);
  for (const a of nav.children) {
    if (a.getAttribute("href") === "#/" + to.entry()) a.setAttribute("aria-current", "page");
    else a.removeAttribute("aria-current");
  }
  document.title = `${main.querySelector("h1")?.textContent} – dedup`;
  here = pathNow();
  if (shownFirst) arrive(places.get(here));
  shownFirst = true;
  main.setAttribute("aria-busy", "false");
}

/** Puts the focus where it was, or on the heading. @param {{top: number, href: string | null} | undefined} before */
function arrive(before) {
  const at = before?.href ? main.querySelector(`a[href="${CSS.escape(before.href)}"]`) : null;
  const target = /** @type {HTMLElement | null} */ (at || main.querySelector("h1"));
  target?.focus({ preventScroll: true });
  scrollTo(0, before ? before.top : 0);
}

/** @param {number} record */
function recordParent(record) {
  const cluster = records[record]?.cluster ?? null;
  return cluster === null ? "#/review" : "#/cluster/" + clusters[cluster].id;
}

/** One level up. */
function back() {
  const { what, which } = address();
  if (what === "pair") location.hash = walk.from;
  else if (what === "cluster") location.hash = "#/clusters";
  else if (what === "record") location.hash = recordParent(Number(which));
  else if (what === "threshold") location.hash = "#/thresholds";
  else location.hash = "#/";
}

function toSearch() {
  const field = document.getElementById("search");
  if (field) field.focus();
  else location.hash = "#/clusters";
}

/** From one link of a list to the next. @param {KeyboardEvent} event @returns {boolean} */
function alongList(event) {
  const links = /** @type {HTMLElement[]} */ ([...main.querySelectorAll("a.open")]);
  const at = links.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  if (at < 0 && event.key === "ArrowUp") return false;
  const to = links[at < 0 ? 0 : at + (event.key === "ArrowDown" ? 1 : -1)];
  to?.focus();
  return Boolean(to);
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const target = /** @type {HTMLElement} */ (event.target);
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName);
  const vertical = event.key === "ArrowDown" || event.key === "ArrowUp";
  if (event.key === "/" && !typing) {
    event.preventDefault();
    if (address().what !== "clusters") addEventListener("dedup:shown", toSearch, { once: true });
    toSearch();
  } else if (event.key === "Escape") {
    if (typing) main.focus();
    else back();
  } else if (vertical && (!typing || (target.id === "search" && event.key === "ArrowDown"))) {
    if (alongList(event)) event.preventDefault();
  } else if (!typing && (event.key === "ArrowLeft" || event.key === "ArrowRight")) {
    const to = main.querySelector(event.key === "ArrowLeft" ? "a[rel=prev]" : "a[rel=next]");
    if (to) location.hash = to.getAttribute("href") || "";
  }
}

/** The colours that were chosen, here and the last time. */
function startColours() {
  const choice = /** @type {HTMLSelectElement} */ (document.getElementById("theme"));
  const paint = () => {
    if (choice.value) document.documentElement.dataset.theme = choice.value;
    else delete document.documentElement.dataset.theme;
  };
  try {
    choice.value = localStorage.getItem("dedup-theme") || "";
  } catch {
    choice.value = ""; // a browser may keep nothing for files
  }
  paint();
  choice.addEventListener("change", () => {
    paint();
    try {
      localStorage.setItem("dedup-theme", choice.value);
    } catch {
      // the choice holds as long as the page is open
    }
  });
}

/** Says that something could not be shown, and why. @param {unknown} reason */
function failed(reason) {
  const why = reason instanceof Error ? reason.message : String(reason);
  main.replaceChildren(
    ...view(
      "This cannot be shown",
      h(
        "p",
        {},
        "The file seems to be damaged: a part of its data cannot be read. Write it again with dedup run --html.",
      ),
      h("p", { class: "soft" }, why),
    ),
  );
  main.setAttribute("aria-busy", "false");
}

function arrived() {
  void route().then(() => dispatchEvent(new Event("dedup:shown")), failed);
}

async function start() {
  startColours();
  document.querySelector(".skip")?.addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });
  if (typeof DecompressionStream === "undefined") {
    main.append(
      h("p", { class: "flag" }, "This browser is too old to read the data in this file, which are compressed."),
    );
    main.setAttribute("aria-busy", "false");
    return;
  }
  await readIndex();
  nav.append(...VIEWS.map(([to, text]) => h("a", { href: "#/" + to, click: () => places.delete("#/" + to) }, text)));
  main.addEventListener("click", (event) => {
    followed = /** @type {Element} */ (event.target).closest("a")?.getAttribute("href") ?? null;
  });
  addEventListener("hashchange", arrived);
  document.addEventListener("keydown", pressed);
  await route();
}

start().catch(failed);
