"use strict";
// Charts, and the choice of month and team. Without it, every table and every month still stands.
(() => {
  const chosen = () => new URLSearchParams(location.hash.slice(1)).get("team") || "";
  const has = (teams, team) => !team || teams.length === 0 || teams.includes(team);

  const PLACES = 12;
  const units = (text) => {
    const [whole, part = ""] = text.replace("-", "").split(".");
    const size = BigInt(whole + part.padEnd(PLACES, "0").slice(0, PLACES));
    return text.startsWith("-") ? -size : size;
  };
  const money = (size, places) => {
    const cent = 10n ** BigInt(PLACES - places);
    const whole = size < 0n ? -size : size;
    let rounded = whole / cent;
    const rest = whole % cent;
    if (rest * 2n > cent || (rest * 2n === cent && rounded % 2n === 1n)) rounded += 1n;
    const text = String(rounded).padStart(places + 1, "0");
    const grouped = text.slice(0, -places).replace(/\B(?=(\d{3})+$)/g, ",");
    return (size < 0n && rounded > 0n ? "-" : "") + grouped + "." + text.slice(-places);
  };

  // A total is that of the cells in sight, as they are shown.
  const shown = (cell) => units((cell.dataset.exact && cell.textContent.trim().replaceAll(",", "")) || "0");

  const total = (table) => {
    const foot = table.tFoot && table.tFoot.rows[0];
    if (!foot || table.classList.contains("matrix")) return;
    foot.hidden = "cut" in foot.dataset && chosen() !== "";
    if (foot.hidden || "cut" in foot.dataset) return;
    const rows = [...table.tBodies[0].rows].filter((row) => !row.hidden);
    [...foot.cells].forEach((cell, place) => {
      if (!("exact" in cell.dataset)) return;
      const sum = rows.reduce((size, row) => size + shown(row.cells[place]), 0n);
      cell.textContent = money(sum, cell.textContent.split(".")[1].length);
      cell.removeAttribute("title");
    });
  };

  // Of a matrix a team has its row and its column; the totals are of what stands.
  const matrix = (table) => {
    const team = chosen();
    const tops = [...table.tHead.rows[0].cells].slice(1, -1).map((head) => head.textContent);
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
        const isTheirs = !team || top === team || row.cells[0].textContent === team;
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

  const filter = () => {
    const team = chosen();
    const select = document.getElementById("team");
    if (select && select.value !== team) select.value = team;
    document.getElementById("of-team").textContent = team ? ", " + team : "";
    for (const row of document.querySelectorAll("tbody tr[data-teams]")) {
      row.hidden = !has(JSON.parse(row.dataset.teams), team);
    }
    document.querySelectorAll("table").forEach(total);
    document.querySelectorAll("table.matrix").forEach(matrix);
    for (const figure of document.querySelectorAll(".figure")) {
      let note = figure.querySelector(".all-teams");
      const needed = team && !("byTeam" in figure.dataset);
      if (needed && !note) {
        note = document.createElement("p");
        note.className = "note all-teams";
        note.textContent = "Of all teams.";
        figure.querySelector("h2").after(note);
      } else if (!needed && note) note.remove();
    }
    for (const link of document.querySelectorAll("header nav a")) {
      link.hash = team ? "team=" + encodeURIComponent(team) : "";
    }
  };

  // A chart is drawn anew for each choice: its old rows leave nothing behind.
  const views = new Map();
  const draw = async () => {
    const team = chosen();
    for (const place of document.querySelectorAll("[data-chart]")) {
      if (views.has(place)) views.get(place).finalize();
      views.delete(place);
      place.replaceChildren();
      const rows = JSON.parse(place.closest("figure").querySelector("script").textContent);
      const wanted = rows.filter((row) => has(row.teams, team));
      if (wanted.length === 0) continue;
      const spec = { ...structuredClone(window.charts[place.dataset.chart]), datasets: { rows: wanted } };
      // Vega warns that a chart as high as its rows need does not fit a height; it should not.
      views.set(place, await window.vegaEmbed(place, spec, { renderer: "svg", actions: false }));
    }
    document.documentElement.setAttribute("data-drawn", String(views.size));
  };

  const month = document.getElementById("month");
  if (month) month.addEventListener("change", () => { location.href = month.value + location.hash; });
  const select = document.getElementById("team");
  if (select) {
    select.addEventListener("change", () => {
      location.hash = select.value ? "team=" + encodeURIComponent(select.value) : "";
    });
  }
  let drawing = Promise.resolve();
  const show = () => {
    filter();
    drawing = drawing.then(draw);
  };
  window.addEventListener("hashchange", show);
  // A tile or a number's column links to the query that made it; a click on the number itself leads there too.
  const lead = (query) => {
    query.open = true;
    query.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href$='-query']");
    const number = event.target.closest(".figure td.number");
    if (link) event.preventDefault();
    if (link) lead(document.getElementById(link.getAttribute("href").slice(1)));
    else if (number) lead(number.closest(".figure").querySelector("details.query"));
  });
  const folded = [];
  window.addEventListener("beforeprint", () => {
    for (const fold of document.querySelectorAll("details.print:not([open])")) { fold.open = true; folded.push(fold); }
  });
  window.addEventListener("afterprint", () => folded.splice(0).forEach((fold) => { fold.open = false; }));
  show();
})();
