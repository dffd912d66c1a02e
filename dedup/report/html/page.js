"use strict";
// Everything that comes from a record reaches the page as a text node or an attribute's value, never as markup.
(() => {
  const D = JSON.parse(document.getElementById("data").textContent);
  const main = document.getElementById("main"), live = document.getElementById("live"), nav = document.getElementById("nav");

  // ---- rows, by the order of the fields in data.py ----
  const records = D.records.map(([id, path, line, language, url, characters, text, cluster]) =>
    ({ id, path, line, language, url, characters, text, cluster, site: siteOf(url) }));
  const pairs = D.pairs.map(([left, right, relation, p, finders, by, detail], place) =>
    ({ place, left, right, relation: D.relations[relation], p, finders: finders.map((f) => D.finders[f]), by: D.confirmed[by],
       detail: detail && { evidence: detail[0], passages: detail[1], shared: detail[2], missing: detail[3] } }));
  const clusters = D.clusters.map(([id, url, confidence, members, keep, links, allLinks, weakest, flags], place) =>
    ({ place, id, url, confidence, members, keep, links, allLinks, weakest, flags,
       languages: [...new Set(members.map((m) => records[m].language))].sort(),
       relations: [...new Set(links.map((l) => pairs[l].relation))].sort(),
       sites: [...new Set(members.map((m) => records[m].site).filter(Boolean))].sort(),
       least: leastOf(confidence, weakest), words: null }));
  const clusterNumber = new Map(clusters.map((c) => [c.id, c.place]));

  function leastOf(confidence, weakest) { return weakest === null ? confidence : Math.min(confidence, pairs[weakest].p); }
  function siteOf(url) {
    if (!url) return "";
    try { return new URL(url.includes("://") ? url : "http://" + url).hostname.replace(/^www\./, ""); } catch { return ""; }
  }

  // ---- small helpers ----
  function build(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (typeof value === "function") element.addEventListener(name, value);
      else element.setAttribute(name, value === true ? "" : value);
    }
    for (const child of children.flat(9)) if (child !== null && child !== undefined && child !== false)
      element.append(child instanceof Node ? child : document.createTextNode(String(child)));
    return element;
  }
  const h = (tag, attributes, ...children) => build(document.createElement(tag), attributes, children);
  const s = (tag, attributes, ...children) => build(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
  const bdi = (text) => h("bdi", {}, text);
  const n = (number) => number.toLocaleString("en");
  const counted = (number, noun) => n(number) + " " + noun + (number === 1 ? "" : "s");
  const shown = (p) => (p >= 0.9995 && p < 1 ? ">0.999" : p > 0 && p < 0.0005 ? "<0.001" : p.toFixed(3));
  const names = typeof Intl.DisplayNames === "function" ? new Intl.DisplayNames(["en"], { type: "language", fallback: "none" }) : null;
  function languageName(code) {
    if (code === "und") return "unknown language";
    try { return (names && names.of(code)) || code; } catch { return code; }
  }
  const chip = (code) => h("span", { class: "chip", title: languageName(code) }, code);
  // Languages written from right to left; those with scripts of both kinds, and unknown ones, go by their letters.
  const RTL = new Set("ar arc arz azb bal bqi ckb dv fa glk he iw ji khw lrc mzn nqo pnb prs ps sdh skr syr ug ur yi".split(" "));
  const EITHER = new Set("und az ha kk ks ku ky ms ota pa sd tg tk uz wo".split(" "));
  const direction = (language) => (RTL.has(language) ? "rtl" : EITHER.has(language) ? "auto" : "ltr");
  const langOf = (language) => (language === "und" ? "" : language);
  const say = (text) => { live.textContent = text; };
  const tally = (items) => { const m = new Map(); for (const i of items) m.set(i, (m.get(i) || 0) + 1); return m; };
  const link = (to, ...children) => h("a", { href: "#/" + to }, ...children);
  function table(caption, heads, rows, name) {
    return h("div", { class: "scroll" }, h("table", { class: name },
      caption && h("caption", {}, caption),
      h("thead", {}, h("tr", {}, heads.map((t) => h("th", { scope: "col", class: t.startsWith("#") ? "num" : null }, t.replace(/^#/, ""))))),
      h("tbody", {}, rows)));
  }
  const row = (...cells) => h("tr", {}, cells.map((c) => (c instanceof HTMLTableCellElement ? c : h("td", {}, c))));
  const num = (text) => h("td", { class: "num" }, text);
  const note = (...children) => h("p", { class: "note" }, ...children);

  // A list in pages: rows are made for one page at a time.
  function paged(items, size, draw, state) {
    const box = h("div", {});
    const show = (page, focus) => {
      const last = Math.max(0, Math.ceil(items.length / size) - 1);
      state.page = Math.min(Math.max(page, 0), last);
      const from = state.page * size, some = items.slice(from, from + size);
      const button = (text, to) => h("button", { type: "button", disabled: to < 0 || to > last, click: () => show(to, true) }, text);
      box.replaceChildren(draw(some, from), items.length > size ? h("nav", { class: "pager", "aria-label": "Pages of the list" },
        button("First", state.page ? 0 : -1), button("Previous", state.page - 1),
        h("span", {}, `${n(from + 1)} to ${n(from + some.length)} of ${n(items.length)}`),
        button("Next", state.page + 1), button("Last", state.page < last ? last : -1)) : "");
      if (focus) { say(`Rows ${n(from + 1)} to ${n(from + some.length)} of ${n(items.length)}`); const a = box.querySelector("tbody a"); if (a) a.focus(); }
    };
    show(state.page || 0);
    return box;
  }

  // ---- pictures ----
  function bars(title, entries, most, scale = (count) => count) {
    const all = entries.length, cut = entries.slice(0, most), height = 22, width = 460, start = 170, top = Math.max(1, ...cut.map((e) => scale(e[1])));
    const text = (e) => `${e[0]}: ${n(e[1])}`;
    return h("section", {}, h("h2", {}, title),
      all ? s("svg", { viewBox: `0 0 ${width} ${cut.length * height}`, width, role: "img", "aria-label": `${title}: ${cut.map(text).join(", ")}` },
        cut.map((e, i) => [
          s("text", { x: start - 8, y: i * height + 15, "text-anchor": "end" }, e[0].length > 27 ? e[0].slice(0, 26) + "…" : e[0], s("title", {}, e[0])),
          s("rect", { class: "bar", x: start, y: i * height + 4, height: height - 8, rx: 2, width: e[1] ? Math.max(1, (scale(e[1]) / top) * (width - start - 70)) : 0 }, s("title", {}, text(e))),
          s("text", { class: "faint", x: start + 5 + (scale(e[1]) / top) * (width - start - 70), y: i * height + 15 }, n(e[1]))])) : h("p", {}, "None."),
      all > most && h("p", { class: "soft" }, `and ${n(all - most)} more with ${n(entries.slice(most).reduce((a, e) => a + e[1], 0))} in all`));
  }
  function histogram(title, values, threshold) {
    const bins = new Array(20).fill(0), width = 460, height = 150, base = 120;
    for (const v of values) bins[Math.min(19, Math.floor(v * 20))]++;
    const top = Math.max(1, ...bins), y = (count) => (count ? Math.max(2, (Math.sqrt(count) / Math.sqrt(top)) * (base - 18)) : 0), x = (p) => 10 + p * 440;
    return h("section", {}, h("h2", {}, title),
      s("svg", { viewBox: `0 0 ${width} ${height}`, width, role: "img", "aria-label": title + ": " + bins.map((b, i) => b && `${(i / 20).toFixed(2)} to ${((i + 1) / 20).toFixed(2)}: ${n(b)}`).filter(Boolean).join(", ") },
        bins.map((b, i) => s("rect", { class: "bar", x: x(i / 20) + 1, width: 20, y: base - y(b), height: y(b) }, s("title", {}, `${(i / 20).toFixed(2)} to ${((i + 1) / 20).toFixed(2)}: ${n(b)}`))),
        bins.map((b, i) => b > 0 && s("text", { class: "faint", x: x(i / 20) + 11, y: base - y(b) - 3, "text-anchor": "middle", "font-size": 9 }, b >= 10000 ? Math.round(b / 1000) + "k" : b)),
        s("line", { class: "rule", x1: 10, x2: 450, y1: base, y2: base }),
        s("line", { class: "weak", x1: x(threshold), x2: x(threshold), y1: 6, y2: base }),
        [0, 0.25, 0.5, 0.75, 1].map((p) => s("text", { class: "faint", x: x(p), y: base + 16, "text-anchor": p === 0 ? "start" : p === 1 ? "end" : "middle" }, p))),
      h("p", { class: "soft" }, `Heights by square root; the dashed line is the threshold. Below it only the pairs from ${D.cut.floor} on that this page lists.`));
  }
  function matrix() {
    const counts = new Map(), among = tally([]);
    for (const c of clusters) for (const l of c.links) {
      const [a, b] = [records[pairs[l].left].language, records[pairs[l].right].language].sort();
      counts.set(a + " " + b, (counts.get(a + " " + b) || 0) + 1);
      among.set(a, (among.get(a) || 0) + 1); if (a !== b) among.set(b, (among.get(b) || 0) + 1);
    }
    const all = [...among.keys()].sort((a, b) => among.get(b) - among.get(a) || (a < b ? -1 : 1)), codes = all.slice(0, 40);
    if (!codes.length) return h("section", {}, h("h2", {}, "Languages that meet"), h("p", {}, "No links."));
    const cell = Math.max(12, Math.min(34, Math.floor(420 / codes.length))), start = 40, size = start + codes.length * cell, top = Math.max(...counts.values());
    return h("section", {}, h("h2", {}, "Languages that meet"),
      s("svg", { viewBox: `0 0 ${size} ${size}`, width: size, role: "img", "aria-label": "Links between languages: " + [...counts].sort((a, b) => b[1] - a[1]).slice(0, 12).map(([k, v]) => `${k.replace(" ", " with ")}: ${n(v)}`).join(", ") },
        codes.map((a, i) => [
          s("text", { x: start - 5, y: start + i * cell + cell / 2 + 4, "text-anchor": "end" }, a),
          s("text", { x: start + i * cell + cell / 2, y: start - 6, "text-anchor": cell < 24 ? "start" : "middle", transform: cell < 24 ? `rotate(-60 ${start + i * cell + cell / 2} ${start - 6})` : null }, a),
          codes.map((b, j) => {
            const count = counts.get([a, b].sort().join(" ")) || 0;
            return s("rect", { class: count ? "bar" : "rule", fill: count ? null : "none", x: start + j * cell, y: start + i * cell, width: cell - 1, height: cell - 1,
              "fill-opacity": count ? 0.12 + 0.88 * Math.sqrt(count / top) : 1 }, s("title", {}, `${languageName(a)} with ${languageName(b)}: ${n(count)}`));
          })])),
      h("p", { class: "soft" }, `Links by the languages of their two records, ${n(top)} at most.` + (all.length > 40 ? ` The ${all.length - 40} rarest languages are left out.` : "")));
  }

  // ---- overview ----
  function overview() {
    const clustered = clusters.reduce((sum, c) => sum + c.members.length, 0), flaggedCount = clusters.filter((c) => c.flags.length).length;
    const card = (number, text, to) => h("li", {}, h("b", {}, n(number)), to ? link(to, text) : text);
    const sizes = [...tally(clusters.map((c) => c.members.length))].sort((a, b) => a[0] - b[0]);
    const few = sizes.length <= 12 ? sizes.map(([k, v]) => [counted(k, "record"), v])
      : [[2, 2], [3, 3], [4, 5], [6, 9], [10, 19], [20, 49], [50, 99], [100, Infinity]].map(([a, b]) => [a === b ? `${a} records` : b === Infinity ? `${a} or more` : `${a} to ${b}`, sizes.reduce((t, [k, v]) => t + (k >= a && k <= b ? v : 0), 0)]).filter((e) => e[1]);
    const relations = [...tally(clusters.flatMap((c) => c.links.map((l) => pairs[l].relation)))].sort((a, b) => b[1] - a[1]);
    const languages = Object.entries(D.input.languages).sort((a, b) => b[1] - a[1]).map(([k, v]) => [languageName(k) === k ? k : `${languageName(k)} (${k})`, v]);
    const seen = [...clusters.flatMap((c) => c.links), ...D.outside].map((l) => pairs[l].p);
    return view("Overview",
      h("ul", { class: "cards" }, card(D.input.records, "records"), card(clusters.length, "clusters", "clusters"), card(clustered, "records in clusters"),
        card(clustered - clusters.length, "records that could go"), card(flaggedCount, "clusters flagged", "clusters/flagged"), card(D.cut.outside, `pairs that are no links, from ${D.cut.floor}`, "review"),
        card(D.conflicts.length, "conflicts", "conflicts"), card(D.skipped.length, "pieces skipped", "skipped")),
      D.input.dropped_segments > 0 && note(`${counted(D.input.dropped_segments, "segment")} of ${counted(D.input.shortened.length, "long record")} were not compared by meaning.`),
      D.input.boilerplate_passages > 0 && note(`${counted(D.input.boilerplate_passages, "passage")} of boilerplate, in several texts that are otherwise unlike, counted little.`),
      cuts(),
      h("div", { class: "charts" }, bars("From pairs to clusters (by logarithm)", D.funnel.map((f) => [f.stage, f.pairs]), 30, Math.log1p), bars("Languages of the records", languages, 20),
        histogram("Probability of the pairs", seen, D.threshold), bars("Sizes of the clusters", few, 20), bars("Relations of the links", relations, 10), matrix()),
      h("h2", {}, "Settings"), table(null, ["name", "value"], Object.entries(D.settings).map(([k, v]) => row(k, bdi(v)))));
  }
  function cuts() {
    const c = D.cut, said = [];
    if (c.texts_cut) said.push(`${n(c.texts_cut)} of ${n(c.texts)} texts are shown up to ${n(c.characters)} characters.`);
    if (c.links_shown < c.links) said.push(`${n(c.links_shown)} of ${n(c.links)} links are listed, the weakest of each cluster first; the JSON report has all.`);
    if (c.outside_shown < c.outside) said.push(`Of ${n(c.outside)} pairs that are no links, the ${n(c.outside_shown)} nearest to the threshold are listed.`);
    if (c.pairs_detailed < c.pairs) said.push(`Evidence and aligned passages are kept for ${n(c.pairs_detailed)} of ${n(c.pairs)} pairs, the weakest of each cluster first.`);
    return said.length ? note("To keep this file small: ", said.join(" ")) : null;
  }

  // ---- clusters ----
  const filters = { q: "", language: "", relation: "", site: "", from: "", to: "", least: "", most: "", flagged: false, sort: "borderline" };
  let found = clusters.slice();
  const place = { page: 0 };
  const SORTS = {
    borderline: ["borderline first", (a, b) => (b.flags.length > 0) - (a.flags.length > 0) || a.least - b.least],
    report: ["as in the JSON report", () => 0],
    size: ["largest first", (a, b) => b.members.length - a.members.length],
    sure: ["surest first", (a, b) => b.least - a.least],
    languages: ["most languages first", (a, b) => b.languages.length - a.languages.length],
  };
  function wordsOf(c) {
    if (c.words === null) c.words = [c.id, c.url || "", ...c.members.flatMap((m) => [records[m].id, records[m].path || "", records[m].url || "", records[m].text === null ? "" : D.texts[records[m].text][0].join(" ")])].join("\n").toLowerCase();
    return c.words;
  }
  function search() {
    const f = filters, q = f.q.trim().toLowerCase(), number = (v, other) => (v === "" || Number.isNaN(Number(v)) ? other : Number(v));
    const from = number(f.from, 0), to = number(f.to, 1), least = number(f.least, 0), most = number(f.most, Infinity);
    found = clusters.filter((c) => (!f.language || c.languages.includes(f.language)) && (!f.relation || c.relations.includes(f.relation)) && (!f.site || c.sites.includes(f.site))
      && c.least >= from && c.least <= to && c.members.length >= least && c.members.length <= most && (!f.flagged || c.flags.length) && (!q || wordsOf(c).includes(q)));
    const order = SORTS[f.sort][1];
    found.sort((a, b) => order(a, b) || a.place - b.place);
  }
  function beginning(m, length) {
    const r = records[m], text = r.text === null ? "" : D.texts[r.text][0].slice(0, 3).join(" ");
    return h("span", { lang: langOf(r.language), dir: direction(r.language) }, text.length > length ? [...text.slice(0, length)].slice(0, -1).join("") + "…" : text);
  }
  function clusterList() {
    const results = h("div", {}), count = h("p", { class: "soft", id: "count" });
    const draw = () => {
      search();
      count.textContent = `${n(found.length)} of ${counted(clusters.length, "cluster")}, ${n(found.reduce((t, c) => t + c.members.length, 0))} records`;
      say(count.textContent);
      results.replaceChildren(paged(found, 50, (some) => table(null, ["Cluster", "Languages", "#Records", "Relations", "#Least sure"], some.map((c) =>
        row(h("td", {}, h("a", { href: "#/cluster/" + c.id, class: "open" }, bdi(records[c.keep].id)), " ", c.flags.length > 0 && h("span", { class: "chip", title: c.flags.join("\n") }, "flagged"),
          h("div", {}, beginning(c.keep, 140)), c.url && h("div", { class: "url" }, bdi(c.url))),
        c.languages.slice(0, 12).map(chip).concat(c.languages.length > 12 ? [`+${c.languages.length - 12}`] : []), num(n(c.members.length)), c.relations.join(", "), num(shown(c.least)))), "list"), place));
    };
    let wait = 0;
    const changed = (event) => {
      const { name, type, value, checked } = event.target; filters[name] = type === "checkbox" ? checked : value; place.page = 0;
      clearTimeout(wait); wait = setTimeout(draw, type === "search" ? 150 : 0);
    };
    const choice = (label, name, options) => h("label", {}, label, h("select", { name }, options.map(([v, t]) => h("option", { value: v, selected: filters[name] === v }, t))));
    const numeric = (label, name, step, placeholder) => h("label", {}, label, h("input", { type: "number", name, step, min: 0, placeholder, value: filters[name] }));
    const options = (get) => [["", "all"], ...[...tally(clusters.flatMap(get))].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([v, c]) => [v, `${v} (${n(c)})`])];
    const form = h("form", { class: "filters", role: "search", "aria-label": "Clusters", submit: (e) => e.preventDefault(), input: changed },
      h("label", {}, "Search ids, pages, texts", h("input", { type: "search", name: "q", id: "search", value: filters.q, autocomplete: "off" })),
      choice("Language", "language", options((c) => c.languages)), choice("Relation", "relation", options((c) => c.relations)), choice("Site", "site", options((c) => c.sites)),
      numeric("Least sure from", "from", 0.01, "0"), numeric("to", "to", 0.01, "1"), numeric("Records from", "least", 1, "2"), numeric("to", "most", 1, "any"),
      h("label", { class: "box" }, h("input", { type: "checkbox", name: "flagged", checked: filters.flagged }), "flagged only"),
      choice("Order", "sort", Object.entries(SORTS).map(([k, v]) => [k, v[0]])),
      h("button", { type: "button", click: () => { Object.assign(filters, { q: "", language: "", relation: "", site: "", from: "", to: "", least: "", most: "", flagged: false }); place.page = 0; route(); } }, "Clear"));
    draw();
    return view("Clusters", form, count, results, h("p", { class: "soft" }, "“Least sure” is the lower of a cluster's confidence and the probability of its weakest pair."));
  }

  function graph(c) {
    const most = 36, some = c.members.slice(0, most), at = new Map(some.map((m, i) => [m, i])), wide = some.length > 14;
    const width = 560, r = some.length === 2 ? 130 : wide ? 190 : 140, cx = width / 2, cy = r + 40, height = 2 * r + 80;
    const xy = (i) => { const a = (2 * Math.PI * i) / some.length - (some.length === 2 ? Math.PI : Math.PI / 2); return [cx + r * Math.cos(a), (some.length === 2 ? 60 : cy) + r * Math.sin(a)]; };
    const high = some.length === 2 ? 120 : height, drawn = [...c.links];
    if (c.weakest !== null && !drawn.includes(c.weakest)) drawn.push(c.weakest);
    const edge = (l) => {
      const p = pairs[l]; if (!at.has(p.left) || !at.has(p.right)) return null;
      const [a, b] = xy(at.get(p.left)), [d, e] = xy(at.get(p.right)), weak = l === c.weakest;
      return s("a", { href: "#/pair/" + l, tabindex: weak ? 0 : -1, "aria-label": `${records[p.left].id} and ${records[p.right].id}: ${shown(p.p)}` },
        s("line", { class: weak ? "edge weak" : "edge", x1: a, y1: b, x2: d, y2: e, "stroke-width": weak ? 3 : 0.6 + 2 * p.p, "stroke-opacity": weak ? 1 : 0.25 + 0.5 * p.p }, s("title", {}, `${records[p.left].id} – ${records[p.right].id}: ${p.relation} ${shown(p.p)}${weak ? " (weakest)" : ""}`)));
    };
    return h("figure", {}, s("svg", { viewBox: `0 0 ${width} ${high}`, width, role: "group", "aria-label": "The links as a graph; the table below says the same" },
      drawn.sort((a, b) => (a === c.weakest) - (b === c.weakest)).map(edge),
      some.map((m, i) => { const [x, y] = xy(i); return s("g", {}, s("circle", { class: m === c.keep ? "node kept" : "node", cx: x, cy: y, r: wide ? 11 : 17 }, s("title", {}, records[m].id)), s("text", { class: "bold", x, y: y + 4, "text-anchor": "middle" }, records[m].language)); })),
      h("figcaption", { class: "soft" }, "Circles are records, the kept one with a heavy rim; lines are links, thicker where more probable; the dashed line is the weakest pair.",
        c.members.length > most && ` The first ${most} of ${n(c.members.length)} records are drawn.`));
  }
  const reference = (m) => { const r = records[m]; return [chip(r.language), bdi(r.id)]; };
  function pairTable(list, weakest, caption, state) {
    return paged(list, 100, (some) => table(caption, ["Pair", "Relation", "#Probability", "Found by", "Rests on"], some.map((l) => {
      const p = pairs[l];
      return row(h("td", {}, h("a", { href: "#/pair/" + l, class: "open" }, bdi(records[p.left].id), " – ", bdi(records[p.right].id)), " ", chip(records[p.left].language), chip(records[p.right].language), l === weakest && h("span", { class: "chip" }, "weakest"), p.p < D.threshold && h("span", { class: "chip" }, "below the threshold")),
        p.relation, num(shown(p.p)), p.finders.join(", "), p.by);
    })), state);
  }
  function clusterView(c) {
    const kept = c.members.slice().sort((a, b) => (b === c.keep) - (a === c.keep));
    const links = c.weakest !== null && !c.links.includes(c.weakest) ? [c.weakest, ...c.links] : c.links;
    const text = (m) => { const r = records[m], t = D.texts[r.text]; return h("details", {}, h("summary", { class: "soft" }, beginning(m, 160)), h("div", { class: "text", lang: langOf(r.language), dir: direction(r.language) }, t[0].map((p) => h("p", {}, p)), remainder(t))); };
    return view(["Cluster of ", counted(c.members.length, "record"), ": ", c.languages.map(chip)],
      steps(c), c.flags.map((f) => h("p", { class: "flag" }, f)),
      h("p", {}, `Confidence ${shown(c.confidence)}`, c.weakest !== null && [", weakest pair ", link("pair/" + c.weakest, shown(pairs[c.weakest].p))], c.url && [", source ", h("span", { class: "wrap" }, bdi(c.url))], h("span", { class: "soft" }, ` · ${c.id}`)),
      h("h2", {}, "Records"),
      paged(kept, 60, (some) => table(null, ["Record", "Language", "#Characters", "Source"], some.map((m) => {
        const r = records[m];
        return row(h("td", {}, bdi(r.id), m === c.keep && [" ", h("span", { class: "chip" }, "keep")], r.path && h("div", { class: "url" }, bdi(r.path + (r.line ? ":" + r.line : ""))), text(m)),
          [r.language, " ", h("span", { class: "soft" }, languageName(r.language))], num(n(r.characters)), h("span", { class: "url" }, r.url && bdi(r.url)));
      })), { page: 0 }),
      h("h2", {}, "Links"), graph(c), c.links.length < c.allLinks && note(`${n(c.links.length)} of ${n(c.allLinks)} links are listed; the JSON report has all.`),
      pairTable(links, c.weakest, "All links, the weakest first", { page: 0 }));
  }
  function steps(c) {
    const i = found.indexOf(c); if (i < 0) return null;
    const to = (j, text) => (found[j] ? h("a", { href: "#/cluster/" + found[j].id, rel: j < i ? "prev" : "next" }, text) : h("span", { class: "soft" }, text));
    return h("p", { class: "pager" }, to(i - 1, "← previous"), h("span", { class: "soft" }, `${n(i + 1)} of ${n(found.length)}`), to(i + 1, "next →"), link("clusters", "back to the list"));
  }
  function remainder(t) {
    return t[1] > 0 || t[2] > 0 ? h("p", { class: "soft", lang: "en", dir: "ltr" }, t[1] > 0 && `… ${counted(t[1], "more character")} not shown`, t[2] > 0 && ` (${counted(t[2], "segment")} at the end not compared)`) : null;
  }

  // ---- a pair ----
  // As dedup.text.numbers: digits of any script, separators dropped, leading zeros too.
  const NUMBER = /\p{Nd}(?:\p{Nd}{0,2}(?:[ \u00a0\u202f\u2009]\p{Nd}{3}){1,5}(?!\p{Nd})(?:[.,]\p{Nd}+)?|\p{Nd}*(?:[.,'’٫٬]\p{Nd}+)*)/gu;
  const DIGIT = /^\p{Nd}$/u;
  function ascii(digit) {
    const code = digit.codePointAt(0); let value = 0;
    if (code < 128) return digit;
    while (value < 60 && DIGIT.test(String.fromCodePoint(code - value - 1))) value++;
    return String(value % 10);
  }
  const figure = (text) => [...text].filter((x) => DIGIT.test(x)).map(ascii).join("").replace(/^0+(?=.)/, "");
  function withFigures(text, shared, missing) {
    const parts = []; let end = 0;
    for (const match of text.matchAll(NUMBER)) {
      const is = figure(match[0]), kind = shared.has(is) ? "shared" : missing.has(is) ? "missing" : null;
      if (!kind) continue;
      parts.push(text.slice(end, match.index), h("mark", { class: kind, title: kind === "shared" ? "in both texts" : "not in the other text" }, match[0]));
      end = match.index + match[0].length;
    }
    parts.push(text.slice(end));
    return parts;
  }
  function sides(p) {
    const d = p.detail, shared = new Set(d ? d.shared : []), missing = new Set(d ? d.missing : []), mates = [new Map(), new Map()], shownAs = [new Map(), new Map()];
    for (const [i, j, c] of d ? d.passages : []) { mates[0].set(i, [j, c]); mates[1].set(j, [i, c]); }
    let held = null;
    const choose = (side, i, scroll) => {
      for (const m of shownAs) for (const e of m.values()) e.classList.remove("chosen");
      if (i === null) return;
      const mine = shownAs[side].get(i), mate = mates[side].get(i), other = mate && shownAs[1 - side].get(mate[0]);
      if (mine) mine.classList.add("chosen");
      if (other) { other.classList.add("chosen"); if (scroll) { const b = other.parentElement; b.scrollTop = other.offsetTop - b.offsetTop - b.clientHeight / 3; } }
    };
    const column = (m, side) => {
      const r = records[m], t = r.text === null ? [[], 0, 0] : D.texts[r.text];
      const passage = (segment, i) => {
        const mate = mates[side].get(i);
        const e = h("p", mate ? { class: "paired", tabindex: 0, title: `similarity ${(mate[1] / 100).toFixed(2)}`,
          mouseenter: () => choose(side, i, false), mouseleave: () => choose(side, held && held[0] === side ? held[1] : null, false), focus: () => { held = [side, i]; choose(side, i, true); }, blur: () => { held = null; choose(side, null); },
          keydown: (event) => arrows(event, e) } : {}, withFigures(segment, shared, missing));
        shownAs[side].set(i, e); return e;
      };
      const arrows = (event, e) => {
        const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key]; if (!step) return;
        let to = e[step]; while (to && !to.classList.contains("paired")) to = to[step];
        if (to) { event.preventDefault(); event.stopPropagation(); to.focus(); }
      };
      return h("section", { "aria-label": side ? "Right text" : "Left text" },
        h("p", {}, chip(r.language), h("b", {}, bdi(r.id)), h("span", { class: "soft" }, ` ${languageName(r.language)}, ${counted(r.characters, "character")}`), r.url && h("span", { class: "url" }, " ", bdi(r.url))),
        h("div", { class: "text", lang: langOf(r.language), dir: direction(r.language) }, t[0].map(passage), remainder(t)));
    };
    return h("div", { class: "sides" }, column(p.left, 0), column(p.right, 1));
  }
  function waterfall(evidence) {
    const height = 26, start = 150, width = 640, steps = []; let sum = 0;
    for (const [name, value, weight, detail] of evidence) { steps.push({ name: D.evidence[name], value, weight, detail, from: sum, to: sum + weight }); sum += weight; }
    const low = Math.min(0, ...steps.map((e) => e.to)), high = Math.max(0, ...steps.map((e) => e.to)), x = (v) => start + ((v - low) / (high - low || 1)) * (width - start - 60), odds = (v) => shown(1 / (1 + Math.exp(-v)));
    const signed = (v) => (v < 0 ? "−" : "+") + Math.abs(v).toFixed(2);
    return [h("div", { class: "scroll wide" }, s("svg", { viewBox: `0 0 ${width} ${(steps.length + 1) * height + 18}`, width, role: "img", "aria-label": "The evidence added up; the table below says the same" },
      s("line", { class: "rule", x1: x(0), x2: x(0), y1: 0, y2: (steps.length + 1) * height }), s("text", { class: "faint", x: x(0), y: (steps.length + 1) * height + 13, "text-anchor": "middle" }, "even odds"),
      steps.map((e, i) => [s("text", { x: start - 8, y: i * height + 17, "text-anchor": "end" }, e.name),
        s("rect", { class: e.weight < 0 ? "against" : "for", x: Math.min(x(e.from), x(e.to)), width: Math.max(1, Math.abs(x(e.to) - x(e.from))), y: i * height + 4, height: height - 8, rx: 2 }, s("title", {}, `${e.name} ${e.value}: ${signed(e.weight)}`)),
        s("line", { class: "rule", x1: x(e.to), x2: x(e.to), y1: i * height + height - 4, y2: i * height + height + 4 }),
        s("text", { class: "faint", x: Math.max(x(e.from), x(e.to)) + 5, y: i * height + 17 }, signed(e.weight))]),
      s("text", { class: "bold", x: start - 8, y: steps.length * height + 17, "text-anchor": "end" }, "probability"),
      s("rect", { class: "total", x: Math.min(x(0), x(sum)), width: Math.max(1, Math.abs(x(sum) - x(0))), y: steps.length * height + 4, height: height - 8, rx: 2 }), s("text", { class: "bold", x: Math.max(x(0), x(sum)) + 5, y: steps.length * height + 17 }, odds(sum)))),
      table("From the prior to the probability: weights are in log-odds", ["Evidence", "#Value", "#Weight", "#Sum", "#Probability so far", "In words"], steps.map((e) => row(e.name, num(e.value.toFixed(2)), num(signed(e.weight)), num(signed(e.to)), num(odds(e.to)), bdi(e.detail))), "evidence")];
  }
  function pairView(p) {
    const d = p.detail, c = records[p.left].cluster !== null && records[p.left].cluster === records[p.right].cluster ? clusters[records[p.left].cluster] : null;
    return view(["Pair: ", p.relation, " ", shown(p.p)],
      h("p", {}, p.p >= D.threshold ? "Reaches the threshold" : "Below the threshold", ` of ${D.threshold}; found by ${p.finders.join(", ")}; rests on ${{ text: "equal texts", table: "the token table", model: "the model" }[p.by]}. `, c ? link("cluster/" + c.id, "Its cluster") : "The two are in no cluster together.", c && p.place === c.weakest && " This is its weakest pair."),
      d && p.by === "text" && note("The two texts are the same after normalisation; one of them is shown for both."),
      !d && note("Evidence and aligned passages of this pair were left out to keep the page small. dedup explain shows them."),
      h("h2", {}, "The texts"),
      d && h("p", { class: "soft" }, `Passages that find each other: ${n(d.passages.length)} (shaded; point at one, or Tab to it). `, h("mark", { class: "shared" }, "Figures in both"), d.missing.length > 0 && [", ", h("mark", { class: "missing" }, "missing in the other")], "."),
      sides(p),
      d && h("section", {}, h("h2", {}, "The evidence"), waterfall(d.evidence)),
      d && d.shared.length > 0 && h("p", {}, "Figures in both: ", bdi(d.shared.join(", "))), d && d.missing.length > 0 && h("p", {}, "Figures missing in one: ", bdi(d.missing.join(", "))));
  }

  // ---- the other lists ----
  function review() {
    const near = [...new Set([...D.outside, ...clusters.flatMap((c) => c.links)])].sort((a, b) => Math.abs(pairs[a].p - D.threshold) - Math.abs(pairs[b].p - D.threshold) || a - b);
    return view("Pairs to review", h("p", {}, `All pairs of this page, those nearest to the threshold of ${D.threshold} first, on both sides of it; below it from ${D.cut.floor} on.`), cuts(), near.length ? pairTable(near, null, null, reviewed) : h("p", {}, "None."));
  }
  const reviewed = { page: 0 };
  function thresholds() {
    const now = D.outlooks.find((o) => o.threshold === D.threshold), diff = (a, b) => h("td", { class: "num" }, n(a), " ", a !== b && h("span", { class: a > b ? "up" : "down" }, `(${a > b ? "+" : "−"}${n(Math.abs(a - b))})`));
    return view("Other thresholds",
      h("p", {}, "What other thresholds would give, without computing anything again: the pairs that this run judged, grouped once more."),
      note("This is an estimate. Pairs that the run did not judge count as 0, so below the threshold a real run would join more: it would judge more pairs while it groups, and ask the model about others. Judgements under 0.02 count as 0, as in every run. Above the threshold hardly anything is missing."),
      table(null, ["#Threshold", "#Clusters", "#Records in clusters", "#Records that could go", "#Clusters gone or changed", "#Clusters new or changed", "#Records concerned"], D.outlooks.map((o) =>
        row(h("th", { scope: "row", class: "num" }, o.threshold, o === now && " (this run)"), diff(o.clusters, now.clusters), diff(o.records, now.records), diff(o.records - o.clusters, now.records - now.clusters), num(n(o.gone)), num(n(o.new)), num(n(o.concerned))))),
      h("div", { class: "charts" }, bars("Clusters by threshold", D.outlooks.map((o) => [String(o.threshold), o.clusters]), 30), bars("Records in clusters by threshold", D.outlooks.map((o) => [String(o.threshold), o.records]), 30)));
  }
  const lists = { conflicts: { page: 0 }, skipped: { page: 0 } };
  function conflicts() {
    return view("Conflicts", h("p", {}, "Pages that records cite although their contents disagree: a home page, a tag page, a wrong citation."),
      D.conflicts.length ? paged(D.conflicts, 50, (some) => table(null, ["Page", "Records", "Why"], some.map(([url, members, reason]) => row(h("span", { class: "wrap" }, bdi(url)),
        h("ul", { class: "plain" }, members.slice(0, 20).map((m) => h("li", {}, reference(m), records[m].cluster !== null && [" ", link("cluster/" + clusters[records[m].cluster].id, "cluster")])), members.length > 20 && h("li", {}, `${n(members.length - 20)} more`)), bdi(reason)))), lists.conflicts) : h("p", {}, "None."));
  }
  function skipped() {
    return view("Skipped input", D.skipped.length ? paged(D.skipped, 100, (some) => table(null, ["Where", "Why"], some.map((x) => row(bdi(x.path + (x.line ? ":" + x.line : "")), bdi(x.reason)))), lists.skipped) : h("p", {}, "Nothing was skipped."));
  }

  // ---- from place to place ----
  let title = "";
  function view(heading, ...children) {
    const h1 = h("h1", { tabindex: -1 }, heading);
    title = h1.textContent;
    return [h1, ...children].flat(9).filter((x) => x !== null && x !== undefined && x !== false && x !== "");
  }
  const VIEWS = [["", "Overview", overview], ["clusters", "Clusters", clusterList], ["review", "Review", review], ["thresholds", "Thresholds", thresholds],
    ["conflicts", "Conflicts", conflicts], ["skipped", "Skipped", skipped]];
  let first = true;
  function route() {
    const [what, which] = location.hash.replace(/^#\/?/, "").split("/");
    let parts, current = what;
    if (what === "clusters" && which === "flagged") filters.flagged = true;
    if (what === "cluster" && clusterNumber.has(which)) { parts = clusterView(clusters[clusterNumber.get(which)]); current = "clusters"; }
    else if (what === "pair" && pairs[which]) { parts = pairView(pairs[which]); current = "review"; }
    else { const chosen = VIEWS.find((v) => v[0] === what) || VIEWS[0]; current = chosen[0]; parts = chosen[2](); }
    main.replaceChildren(...parts);
    for (const a of nav.children) if (a.getAttribute("href") === "#/" + current) a.setAttribute("aria-current", "page"); else a.removeAttribute("aria-current");
    document.title = title + " – dedup";
    if (!first) { scrollTo(0, 0); main.querySelector("h1").focus({ preventScroll: true }); }
    first = false;
  }
  nav.append(...VIEWS.map(([to, text]) => h("a", { href: "#/" + to }, text)));

  function back() {
    const [what, which] = location.hash.replace(/^#\/?/, "").split("/");
    if (what === "pair" && pairs[which]) { const c = records[pairs[which].left].cluster; location.hash = c !== null && c === records[pairs[which].right].cluster ? "#/cluster/" + clusters[c].id : "#/review"; }
    else location.hash = what === "cluster" ? "#/clusters" : "#/";
  }
  function toSearch() {
    const field = document.getElementById("search");
    if (field) field.focus();
    else { addEventListener("hashchange", toSearch, { once: true }); location.hash = "#/clusters"; }  // after route
  }
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/" && !typing) { event.preventDefault(); toSearch(); return; }
    if (event.key === "Escape") { if (typing) { event.target.blur(); main.focus(); } else back(); return; }
    if (event.key === "ArrowDown" && event.target.id === "search" || !typing && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      const opens = [...main.querySelectorAll("a.open")], at = opens.indexOf(document.activeElement), to = opens[at < 0 ? 0 : at + (event.key === "ArrowDown" ? 1 : -1)];
      if (to && (at >= 0 || event.key === "ArrowDown")) { event.preventDefault(); to.focus(); }
    } else if (!typing && (event.key === "ArrowLeft" || event.key === "ArrowRight")) {
      const to = main.querySelector(event.key === "ArrowLeft" ? "a[rel=prev]" : "a[rel=next]"); if (to) location.hash = to.getAttribute("href");
    }
  });

  document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });

  const theme = document.getElementById("theme");
  const paint = (value) => { if (value) document.documentElement.dataset.theme = value; else delete document.documentElement.dataset.theme; };
  try { theme.value = localStorage.getItem("dedup-theme") || ""; } catch { theme.value = ""; }
  paint(theme.value);
  theme.addEventListener("change", () => { paint(theme.value); try { localStorage.setItem("dedup-theme", theme.value); } catch { /* a browser may keep nothing for files */ } });

  addEventListener("hashchange", route);
  route();
})();
