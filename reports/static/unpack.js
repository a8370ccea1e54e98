/* What the page's data does not repeat, since the table of a sheet or another part of the page has it.

   suiteUnpack.row(data, sheet, row, element)    gives a row of a sheet its names and cells, from its tr
   suiteUnpack.images(data, record, metric)      the figures of a record's single images, or null */
const suiteUnpack = (() => {
  const markOf = (rank) => (rank === 1 ? "best" : rank === 2 ? "second" : "");

  function missingCells(row, td, start) {
    return [...Array(td.colSpan).keys()].map((step) => ({
      parts: [], value: "", interval: "", missing: td.textContent, rank: null, key: row.missing[start + step] ?? "", exact: "",
    }));
  }

  function figureCell(td) {
    const link = td.querySelector("a.text");
    const rank = td.querySelector(".rank");
    const own = rank ? Number(rank.textContent) : null;
    return {
      parts: [[link.textContent, markOf(own)]],
      value: td.title.split(" ")[0].replaceAll(",", ""),
      interval: td.querySelector(".interval")?.textContent ?? "",
      missing: "",
      rank: own,
      key: link.getAttribute("href").slice("#record-".length),
      exact: td.title,
    };
  }

  /* What exports add to a figure: its interval in full and what was published of it. */
  function complete(data, head, cell, bounds) {
    const [published] = cell.missing ? [] : data.published[cell.key + " " + head.metric] ?? [];
    const found = { lower: bounds?.[0] ?? "", upper: bounds?.[1] ?? "", published: published?.[0] ?? "" };
    cell.extra = head.extra.map(([name]) => found[name]);
    cell.below = [];
    if (cell.interval) cell.below.push(["interval", cell.interval]);
    if (published) {
      const [value, difference, verdict] = published;
      cell.below.push(["published", ["published " + value, difference, verdict].filter(Boolean).join(", ")]);
    }
  }

  function row(data, sheet, row, element) {
    const [block, ...names] = sheet.blocks[row.block];
    row.names = [...row.names, ...names];
    row.block = block;
    [, row.title, row.sub] = row.names;
    row.cells = [];
    for (const td of element.querySelectorAll("td")) {
      row.cells.push(...(td.classList.contains("missing") ? missingCells(row, td, row.cells.length) : [figureCell(td)]));
    }
    row.cells.forEach((cell, place) => complete(data, sheet.heads[place], cell, row.intervals[place]));
  }

  function images(data, record, metric) {
    const found = record.images?.[metric];
    if (!found) return null;
    const [place, own] = found;
    if (Array.isArray(own)) return own.map((offset, image) => (data.bases[place][image] + offset) / 10000);
    const { base, networks } = JSON.parse(document.querySelector('[data-distribution="' + place + '"]').textContent);
    return networks[own][3].map((offset, image) => (base[image] + offset) / 1000);
  }

  return Object.freeze({ row, images });
})();
