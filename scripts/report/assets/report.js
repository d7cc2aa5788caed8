"use strict";
// Charts, and the choice of month, team, feature and days; tables to sort, search and save. Without it, every table and
// every month still stands.
(() => {
  const make = (name, text = "", set = {}) => Object.assign(document.createElement(name), { textContent: text }, set);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // What is chosen stands in the address: #team=..&feature=..&from=..&to=..&at=figure.
  const CHOICES = ["team", "feature", "from", "to"];
  const chosen = (name) => new URLSearchParams(location.hash.slice(1)).get(name) || "";
  const choose = (changes) => {
    const next = new URLSearchParams();
    for (const name of CHOICES) {
      const value = name in changes ? changes[name] : chosen(name);
      if (value) next.set(name, value);
    }
    location.hash = next.toString();
  };
  const within = (list, one, needed) => !one || (list.length === 0 ? !needed : list.includes(one));
  const isChosen = (teams, features, day, by) =>
    within(teams, chosen("team"), by.team) && within(features, chosen("feature"), by.feature)
    && (!day || ((!chosen("from") || day >= chosen("from")) && (!chosen("to") || day <= chosen("to"))));
  const by = (place) => {
    const set = place.closest(".figure, .answer").dataset;
    return { team: "byTeam" in set, feature: "byFeature" in set };
  };
  const isRowChosen = (row) => isChosen(
    JSON.parse(row.dataset.teams || "[]"), JSON.parse(row.dataset.features || "[]"), row.dataset.day || "", by(row));

  const PLACES = 12;
  const units = (text) => {
    const [whole, part = ""] = text.replace("-", "").split(".");
    const size = BigInt(whole + part.padEnd(PLACES, "0").slice(0, PLACES));
    return text.startsWith("-") ? -size : size;
  };
  const money = (size, places) => {
    const text = String((size < 0n ? -size : size) / 10n ** BigInt(PLACES - places)).padStart(places + 1, "0");
    const grouped = text.slice(0, -places).replace(/\B(?=(\d{3})+$)/g, ",");
    return (size < 0n ? "-" : "") + "$" + grouped + "." + text.slice(-places);
  };

  // A total is that of the cells in sight, as they are shown.
  const shown = (cell) => units((cell.dataset.exact && cell.textContent.trim().replace(/[$,+]/g, "")) || "0");
  const total = (table) => {
    const foot = table.tFoot && table.tFoot.rows[0];
    if (!foot || table.classList.contains("matrix")) return;
    const isFiltered = CHOICES.some(chosen) || table.dataset.search;
    foot.hidden = "cut" in table.dataset && Boolean(isFiltered);
    if ("cut" in table.dataset) return;
    const rows = [...table.tBodies[0].rows].filter((row) => !row.hidden);
    [...foot.cells].forEach((cell, place) => {
      if (!("exact" in cell.dataset)) return;
      const sum = rows.reduce((size, row) => size + shown(row.cells[place]), 0n);
      const isSigned = sum > 0n && rows.some((row) => row.cells[place].textContent.trim().startsWith("+"));
      cell.textContent = (isSigned ? "+" : "") + money(sum, cell.textContent.split(".")[1].length);
      cell.removeAttribute("title");
    });
  };

  // Of a matrix a team has its row and its column; the totals are of what stands.
  const matrix = (table) => {
    const team = chosen("team");
    const tops = [...table.tHead.rows[0].cells].slice(1, -1).map((head) => head.dataset.team);
    const rows = [...table.tBodies[0].rows];
    const sums = tops.map(() => 0n);
    const used = tops.map(() => false);
    const write = (cell, size) => {
      cell.textContent = money(size, 2);
      cell.removeAttribute("title");
    };
    for (const row of rows) {
      let sum = 0n;
      let stands = false;
      tops.forEach((top, place) => {
        const cell = row.cells[place + 1];
        const isTheirs = !team || top === team || row.cells[0].dataset.team === team;
        cell.classList.toggle("away", !isTheirs);
        if (!isTheirs || !("exact" in cell.dataset)) return;
        sum += shown(cell);
        sums[place] += shown(cell);
        stands = used[place] = true;
      });
      row.hidden = !stands;
      write(row.cells[tops.length + 1], sum);
    }
    const foot = table.tFoot.rows[0];
    sums.forEach((sum, place) => write(foot.cells[place + 1], sum));
    write(foot.cells[tops.length + 1], sums.reduce((one, other) => one + other, 0n));
    for (const row of [table.tHead.rows[0], ...rows, foot]) {
      used.forEach((stands, place) => { row.cells[place + 1].hidden = !stands; });
    }
  };

  // A sentence where a choice leaves nothing, instead of a heading over nothing.
  const say = (place, key, text) => {
    let note = place.querySelector(":scope > ." + key);
    if (!text) return note && note.remove();
    if (!note) {
      note = make("p", "", { className: "note " + key });
      place.querySelector("h2, h3").after(note);
    }
    note.textContent = text;
  };
  const ROWS_OPEN = Number(document.body.dataset.rowsOpen);
  const rowsOf = (table) => {
    const rows = [...table.tBodies[0].rows];
    const words = (table.dataset.search || "").toLowerCase();
    let count = 0;
    for (const row of rows) {
      row.hidden = !isRowChosen(row) || !row.textContent.toLowerCase().includes(words);
      row.classList.toggle("beyond", !row.hidden && ++count > ROWS_OPEN && !("whole" in table.dataset));
    }
    const counted = table.closest("details") && table.closest("details").querySelector(".count");
    if (counted) counted.textContent = count;
    const button = table.parentElement.parentElement.querySelector(".all-rows");
    if (button) {
      button.hidden = count <= ROWS_OPEN;
      button.textContent = "whole" in table.dataset ? "Fewer rows" : "All " + count + " rows";
    }
    table.hidden = count === 0;
    const saved = table.parentElement.parentElement.querySelector(".save");
    if (saved) saved.hidden = count === 0;
    const left = table.parentElement.parentElement.querySelector(".left");
    if (left) left.hidden = count === 0;
    return count;
  };
  const answer = (place) => {
    const lines = all("li", place);
    const left = lines.filter(isRowChosen);
    const isOwn = (chosen("team") && "byTeam" in place.dataset) || (chosen("feature") && "byFeature" in place.dataset);
    const open = isOwn ? left.length : Number(place.dataset.open);
    lines.forEach((line) => { line.hidden = !left.slice(0, open).includes(line); });
    const more = place.querySelector(".more");
    if (!more) return;
    more.hidden = left.length > 0 && left.length <= open;
    const link = make("a", "and " + (left.length - open) + " more", { href: place.querySelector("h3 a").href });
    more.replaceChildren(left.length ? link : "Nothing of " + choice() + ".");
  };
  const nameOf = (name) => {
    const select = document.getElementById(name);
    const option = select && [...select.options].find((each) => each.value === chosen(name));
    return option ? option.textContent : chosen(name);
  };
  const choice = () => {
    const names = ["team", "feature"].filter(chosen).map(nameOf);
    if (chosen("from") || chosen("to")) names.push([chosen("from") || "the first day", chosen("to") || "the last"].join(" to "));
    return names.join(", ") || "what is searched";
  };

  const filter = () => {
    for (const name of CHOICES) {
      const input = document.getElementById(name);
      if (input) input.value = chosen(name) || input.defaultValue || "";
    }
    const heading = document.getElementById("of-team");
    if (heading) heading.textContent = CHOICES.some(chosen) ? ", " + choice() : "";
    all("table:not(.matrix)").forEach((table) => {
      const section = table.closest(".figure");
      if (!section) return;
      const isEmpty = rowsOf(table) === 0;
      const none = "cut" in table.dataset ? "None of the rows kept here is of " : "Nothing of ";
      say(section, "no-rows", isEmpty ? none + choice() + "." : "");
      total(table);
    });
    all("table.matrix").forEach(matrix);
    for (const figure of all(".figure:not(.answers)")) {
      if (!figure.querySelector("table, .tiles, svg")) continue;
      const beyond = [["team", "byTeam", "teams"], ["feature", "byFeature", "features"]]
        .filter(([name, mark]) => chosen(name) && !(mark in figure.dataset)).map(([, , plural]) => plural);
      const days = (chosen("from") || chosen("to")) && !("byDay" in figure.dataset) ? ["days"] : [];
      const words = [...beyond, ...days];
      say(figure, "all-teams", words.length ? "Of all " + words.join(" and ") + "." : "");
    }
    for (const link of all("header nav a, .answers h3 a")) {
      link.dataset.at = link.dataset.at || (link.closest("h3") ? link.hash.slice(1) : "-");
      const kept = new URLSearchParams(CHOICES.filter((name) => chosen(name)).map((name) => [name, chosen(name)]));
      if (link.dataset.at !== "-" && [...kept].length) kept.set("at", link.dataset.at);
      link.hash = [...kept].length ? kept.toString() : link.dataset.at === "-" ? "" : link.dataset.at;
    }
    all(".answer").forEach(answer);
  };

  // A table whose columns don't fit stands as one block a row, with its columns' names beside their values.
  const fit = () => {
    for (const place of all(".scrolls")) {
      const table = place.querySelector("table");
      if (!table) continue;
      place.classList.remove("cards");
      if (place.scrollWidth <= place.clientWidth + 1) continue;
      const heads = [...table.tHead.rows[0].cells].map((head) => head.firstChild.textContent);
      for (const row of [...table.tBodies[0].rows, ...(table.tFoot ? table.tFoot.rows : [])]) {
        [...row.cells].forEach((cell, number) => { cell.dataset.label = heads[number]; });
      }
      place.classList.add("cards");
    }
  };

  // A chart is drawn anew for each choice: its old rows leave nothing behind.
  const views = new Map();
  const fitted = (place, spec, rows) => {
    const width = place.clientWidth;
    spec.config.legend = { columns: Math.max(1, Math.floor((width - 40) / 150)) };
    spec.config.axisY = { labelLimit: width < 600 ? 110 : 180 };
    // As high as its rows need. Vega warns where it is to count them itself, and draws endlessly high where there is none.
    if (spec.height && spec.height.step) {
      const { field } = (spec.encoding || spec.layer[0].encoding).y;
      spec.height = spec.height.step * new Set(rows.map((row, number) => row[field] ?? number)).size;
    }
    if (spec.facet) {
      const count = new Set(rows.map((row) => row[spec.facet.field])).size;
      spec.columns = Math.max(1, Math.min(count, Math.floor(width / 380)));
      spec.spec.width = Math.min(420, Math.floor(width / spec.columns) - 80);
    }
    // A legend names what is drawn, and no more.
    const colors = JSON.parse(JSON.stringify(spec), (key, value) => {
      if (["color", "shape", "strokeDash"].includes(key) && value.field && value.scale && value.scale.domain) {
        const kept = value.scale.domain.map((name, number) => [name, value.scale.range[number]])
          .filter(([name]) => rows.some((row) => row[value.field] === name));
        if (kept.length) value.scale = { domain: kept.map(([name]) => name), range: kept.map(([, one]) => one) };
      }
      return value;
    });
    return colors;
  };
  const pick = (item) => {
    const row = item && item.datum;
    const ids = (name, key) => {
      const select = document.getElementById(name);
      const options = select ? [...select.options].filter((option) => option.value) : [];
      return Object.entries(row).filter(([field]) => key.test(field))
        .flatMap(([, text]) => options.filter((option) => option.textContent === text)).map((option) => option.value)[0];
    };
    if (!row) return;
    const feature = ids("feature", /feature_id$/);
    const team = ids("team", /team_id$/);
    if (feature) choose({ feature: chosen("feature") === feature ? "" : feature });
    else if (team) choose({ team: chosen("team") === team ? "" : team });
  };
  const draw = async () => {
    for (const place of all("[data-chart]")) {
      if (views.has(place)) views.get(place).finalize();
      views.delete(place);
      place.replaceChildren();
      const rows = JSON.parse(place.closest("figure").querySelector("script").textContent);
      const wanted = rows.filter((row) => isChosen(row.teams, row.features, row.day, by(place)));
      if (wanted.length === 0) {
        place.append(make("p", "Nothing to draw of " + choice() + ".", { className: "nothing" }));
        continue;
      }
      const spec = { ...fitted(place, structuredClone(window.charts[place.dataset.chart]), wanted), datasets: { rows: wanted } };
      const options = { renderer: "svg", actions: false, tooltip: { disableDefaultStyle: true } };
      const embedded = await window.vegaEmbed(place, spec, options);
      embedded.view.addEventListener("click", (_, item) => pick(item));
      views.set(place, embedded);
    }
    document.documentElement.setAttribute("data-drawn", String(views.size));
  };

  // Tools of a table: sort by a column, search where it is long, save what is in sight.
  const valueOf = (cell) => ("exact" in cell.dataset ? Number(cell.dataset.exact) : cell.textContent.trim().toLowerCase());
  const sort = (table, place, head) => {
    const isDown = head.getAttribute("aria-sort") !== "descending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", isDown ? "descending" : "ascending");
    const rows = [...table.tBodies[0].rows].map((row) => [row, valueOf(row.cells[place])]);
    const empty = (value) => value === "-" || value === "";
    rows.sort(([, one], [, other]) => {
      if (empty(one) || empty(other)) return empty(one) - empty(other);
      return (one < other ? 1 : one > other ? -1 : 0) * (isDown ? 1 : -1);
    });
    table.tBodies[0].append(...rows.map(([row]) => row));
    rowsOf(table);
  };
  const csv = (table) => {
    // A cell that a spreadsheet would run as a formula is text.
    const word = (cell) => {
      const said = cell.dataset.exact || cell.dataset.id || cell.textContent.trim();
      const text = said === "-" ? "" : said;
      const safe = !("exact" in cell.dataset) && /^[=+\-@\t]/.test(text) ? "'" + text : text;
      return '"' + safe.replaceAll('"', '""') + '"';
    };
    const heads = [...table.tHead.rows[0].cells].map((head) => '"' + head.firstChild.textContent.replaceAll('"', '""') + '"');
    const rows = [...table.tBodies[0].rows].filter((row) => !row.hidden).map((row) => [...row.cells].map(word));
    return [heads, ...rows].map((row) => row.join(",")).join("\r\n") + "\r\n";
  };
  const equip = (place) => {
    const table = place.querySelector("table");
    const section = place.closest(".figure");
    if (!table || !section || !section.querySelector(".query")) return;
    const isMatrix = table.classList.contains("matrix");
    const tools = make("p", "", { className: "tools" });
    if (table.tBodies[0].rows.length > ROWS_OPEN && !isMatrix) {
      const search = make("input", "", { type: "search", placeholder: "search", ariaLabel: "Search this table" });
      search.addEventListener("input", () => { table.dataset.search = search.value; rowsOf(table); total(table); });
      const button = make("button", "", { type: "button", className: "all-rows" });
      button.addEventListener("click", () => {
        if ("whole" in table.dataset) delete table.dataset.whole;
        else table.dataset.whole = "";
        rowsOf(table);
      });
      tools.append(search, button);
    }
    const save = make("button", "CSV", { type: "button", className: "save", title: "Save the rows in sight, exact, as CSV" });
    save.addEventListener("click", () => {
      const address = URL.createObjectURL(new Blob([csv(table)], { type: "text/csv" }));
      make("a", "", { href: address, download: document.title.split(" - ")[0] + ", " + section.id + ".csv" }).click();
      URL.revokeObjectURL(address);
    });
    tools.append(save);
    place.after(tools);
    if (isMatrix) return;
    [...table.tHead.rows[0].cells].forEach((head, number) => {
      const button = make("button", "", { type: "button", className: "sort", ariaLabel: "Sort by " + head.textContent });
      button.addEventListener("click", () => sort(table, number, head));
      head.append(button);
    });
  };

  // What a word means, under the pointer or the focus.
  const bubble = make("div", "", { id: "meaning", role: "tooltip", hidden: true });
  const explain = (event) => {
    const term = event.target.closest && event.target.closest("[data-meaning]");
    bubble.hidden = !term;
    if (!term) return;
    bubble.textContent = term.dataset.meaning;
    const box = term.getBoundingClientRect();
    bubble.style.left = Math.max(8, Math.min(box.left, innerWidth - bubble.offsetWidth - 8)) + "px";
    const below = box.bottom + 6;
    bubble.style.top = (below + bubble.offsetHeight > innerHeight ? box.top - bubble.offsetHeight - 6 : below) + "px";
  };
  document.body.append(bubble);
  document.addEventListener("mouseover", explain);
  document.addEventListener("focusin", explain);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") bubble.hidden = true; });
  all("span[data-meaning]").forEach((term) => { term.tabIndex = 0; });

  const month = document.getElementById("month");
  if (month) {
    month.addEventListener("change", () => {
      const kept = ["team", "feature"].filter((name) => chosen(name)).map((name) => [name, chosen(name)]);
      location.href = month.value + (kept.length ? "#" + new URLSearchParams(kept) : "");
    });
  }
  for (const name of CHOICES) {
    const input = document.getElementById(name);
    if (input) input.addEventListener("change", () => choose({ [name]: input.value === input.defaultValue ? "" : input.value }));
  }
  let drawing = Promise.resolve();
  const show = () => {
    filter();
    fit();
    drawing = drawing.then(draw).then(() => {
      const at = chosen("at") && document.getElementById(chosen("at"));
      if (at) at.scrollIntoView();
    });
  };
  window.addEventListener("hashchange", show);
  let width = innerWidth;
  window.addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    fit();
    drawing = drawing.then(draw);
  });
  document.addEventListener("toggle", fit, true);
  // A tile or a number's column links to the query that made it; a click on the number itself leads there too.
  const lead = (query) => {
    query.open = true;
    query.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href$='-query']");
    const number = event.target.closest(".figure td.number");
    const query = number && number.closest(".figure").querySelector("details.query");
    if (link) event.preventDefault();
    if (link) lead(document.getElementById(link.getAttribute("href").slice(1)));
    else if (query) lead(query);
  });
  const folded = [];
  window.addEventListener("beforeprint", () => {
    for (const fold of all("details.print:not([open])")) { fold.open = true; folded.push(fold); }
  });
  window.addEventListener("afterprint", () => folded.splice(0).forEach((fold) => { fold.open = false; }));
  all(".scrolls").forEach(equip);
  show();
})();
