// What is wrong with a page as it is drawn now, as sentences. `tall` is the most pixels that a page may have.
({ tall }) => {
  const faults = [];
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const isSeen = (one) => one.checkVisibility({ visibilityProperty: true }) && one.getBoundingClientRect().height > 0;
  const where = (one) => (one.closest("section") || { id: "header" }).id + ": " + one.textContent.trim().slice(0, 40);
  const root = document.documentElement;
  if (root.scrollHeight > tall) faults.push(root.scrollHeight + " pixels tall");
  if (root.scrollWidth > innerWidth) faults.push("wider than the window by " + (root.scrollWidth - innerWidth));

  // No money out of sight: not beside the window, not cut off by what scrolls, not left away unless it is zero.
  for (const cell of all("[data-exact]")) {
    const row = cell.closest("tr, li, .tiles");
    if (!cell.dataset.exact || (row && !isSeen(row)) || cell.classList.contains("away")) continue;
    const isZero = Number(cell.dataset.exact) === 0 || !/[1-9]/.test(cell.textContent);
    if (!isSeen(cell)) {
      if (!isZero && !cell.closest("details:not([open])")) faults.push("hidden money, " + where(cell));
      continue;
    }
    const scrolls = cell.closest(".scrolls");
    const box = cell.getBoundingClientRect();
    const right = Math.min(innerWidth, scrolls ? scrolls.getBoundingClientRect().right : innerWidth);
    if (box.right > right + 1 || box.left < -1) faults.push("money cut off, " + where(cell));
  }

  // Text stands out from its ground, by 4.5 to 1.
  const channels = (color) => (color.match(/[\d.]+/g) || []).map(Number);
  const light = ([red, green, blue]) => {
    const parts = [red, green, blue].map((one) => one / 255)
      .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const ground = (one) => {
    for (let place = one; place; place = place.parentElement) {
      const color = channels(getComputedStyle(place).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const poor = new Set();
  for (const one of all("body *")) {
    const hasText = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!hasText || ["SCRIPT", "TITLE", "NOSCRIPT", "OPTION", "STYLE"].includes(one.tagName.toUpperCase()) || !isSeen(one)) continue;
    const style = getComputedStyle(one);
    const [high, low] = [light(channels(one instanceof SVGElement ? style.fill : style.color)), light(ground(one))]
      .sort((first, second) => second - first);
    if ((high + 0.05) / (low + 0.05) < 4.5) poor.add(where(one));
  }
  faults.push(...[...poor].map((text) => "poor contrast, " + text));

  // Each chart draws marks or says why it doesn't; its axes name nothing twice, and its words are within the window.
  for (const chart of all("[data-chart]")) {
    const id = chart.closest("section").id;
    const marks = all("svg .mark-rect path, svg .mark-symbol path, svg .mark-line path, svg .mark-rule line", chart);
    if (!marks.length && !chart.querySelector(".nothing")) faults.push("an empty chart, " + id);
    for (const axis of all(".role-axis-label", chart)) {
      const labels = all("text", axis).filter((label) => getComputedStyle(label).opacity !== "0").map((label) => label.textContent);
      if (new Set(labels).size < labels.length) faults.push("an axis with the same label twice, " + id + ": " + labels);
    }
    if (all("svg text", chart).some((text) => text.getBoundingClientRect().right > innerWidth + 1)) faults.push("a chart cut off, " + id);
  }

  // No heading over nothing; counts of rows are of what is chosen; no row of zeros.
  for (const figure of all(".figure")) {
    const rest = [...figure.children].filter((one) => !one.matches("h2, .query") && isSeen(one));
    const says = rest.some((one) => !one.matches(".note") || one.matches(".no-rows"));
    if (!says) faults.push("a heading over nothing, " + figure.id);
  }
  for (const table of all(".figure table:not(.matrix)")) {
    const rows = [...table.tBodies[0].rows].filter((row) => !row.hidden);
    const count = table.closest("details") && table.closest("details").querySelector(".count");
    if (count && Number(count.textContent) !== rows.length) faults.push("counts " + count.textContent + " of " + rows.length + " rows, " + where(table));
    for (const row of rows.filter(isSeen)) {
      const numbers = all(".number, th[data-exact]", row).map((cell) => cell.dataset.exact).filter(Boolean);
      if (numbers.length && numbers.every((number) => Number(number) === 0)) faults.push("a row of zeros, " + where(row));
    }
  }
  return faults;
}
