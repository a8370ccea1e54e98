/* The tables of the leaderboard: an index of their rows and cells, and how a view is shown in them.

   suiteTables.index(data, reset)           the tables; `reset` is called by the button of an empty one
   suiteTables.cellOf(element)              table, row and cell of a figure's link or a row's box
   suiteTables.show(tables, view, published)  filters, columns, order; gives the number of rows that can be seen
   suiteTables.showSelection(tables), direction(table, order) */
const suiteTables = (() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const byCell = new WeakMap();

  /* A figure opens its record and the box before a name selects the row. One stop of the tab key leads into
     each table; arrow keys go on from there. */
  function indexRow(element, row) {
    const name = element.querySelector(".name");
    const box = document.createElement("input");
    box.type = "checkbox";
    box.className = "pick";
    box.tabIndex = -1;
    box.setAttribute("aria-label", "Select " + row.title + ", " + row.sub);
    name.prepend(box);
    const cells = [{ element: name, start: -1, width: 1, stop: box }];
    let start = 0;
    for (const td of element.cells) {
      if (td === name) continue;
      const stop = td.querySelector("a.text");
      if (stop) {
        stop.tabIndex = -1;
        stop.setAttribute("role", "button");
        stop.setAttribute("aria-haspopup", "dialog");
      }
      cells.push({ element: td, start, width: td.colSpan, stop });
      start += td.colSpan;
    }
    return { element, row, box, cells, visible: true };
  }

  function indexTable(element, data, reset) {
    element.parentElement.classList.add("scripted");
    const sheet = data.sheets[Number(element.dataset.sheet)];
    const rows = new Map(sheet.rows.map((row) => [row.id, row]));
    for (const tr of all("tr.row", element)) {
      const row = rows.get(tr.dataset.row);
      suiteUnpack.row(data, sheet, row, tr);
      row.name = (row.title + " " + row.sub).toLowerCase();
    }
    const [groupRow, headRow] = element.tHead.rows;
    const groups = all(".group", groupRow);
    const empty = document.createElement("p");
    empty.className = "empty";
    empty.hidden = true;
    empty.append("No row matches these filters. ");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Reset";
    button.addEventListener("click", reset);
    empty.append(button);
    element.parentElement.after(empty);
    return {
      element, sheet, empty, groups,
      widths: groups.map((group) => group.colSpan),
      section: element.closest("section"),
      name: groupRow.cells[0],
      heads: [...headRow.cells],
      bodies: [...element.tBodies].map((body) => ({
        element: body,
        heading: body.querySelector(".machine th"),
        rows: all("tr.row", body).map((tr) => indexRow(tr, rows.get(tr.dataset.row))),
      })),
      shown: sheet.heads.map(() => true),
      order: null,
      current: null,
      done: {},
    };
  }

  function index(data, reset) {
    const tables = all("table[data-sheet]").map((element) => indexTable(element, data, reset));
    for (const table of tables) {
      for (const body of table.bodies) {
        for (const row of body.rows) for (const cell of row.cells) if (cell.stop) byCell.set(cell.stop, { table, row, cell });
      }
    }
    return tables;
  }

  function matches(row, view) {
    if (view.show.only && !suiteSelection.has(row.id)) return false;
    if (view.text && !row.name.includes(view.text.trim().toLowerCase())) return false;
    for (const [facet, values] of view.filters) {
      // A dataset takes its columns with it, not the rows: they say why they have no figure on it.
      if (facet !== "dataset" && values.size && !row.is[facet].some((value) => values.has(value))) return false;
    }
    return true;
  }

  function applyRows(table, view) {
    let count = 0;
    for (const body of table.bodies) {
      let any = false;
      for (const row of body.rows) {
        const visible = matches(row.row, view);
        if (visible !== row.visible) {
          row.visible = visible;
          row.element.hidden = !visible;
        }
        any ||= visible;
        count += visible;
      }
      body.element.hidden = !any;
    }
    table.empty.hidden = count > 0;
    table.element.parentElement.hidden = count === 0;
    const scales = view.filters.get("scale");
    table.section.hidden = scales.size > 0 && !scales.has("\u00d7" + table.sheet.scale);
    return table.section.hidden ? 0 : count;
  }

  function applyColumns(table, view) {
    const datasets = view.filters.get("dataset");
    const shown = table.sheet.heads.map((head) =>
      !view.hidden.has(head.choice) && (!head.dataset || !datasets.size || datasets.has(head.dataset)));
    const signature = shown.join();
    if (signature === table.done.columns) return;
    table.done.columns = signature;
    table.shown = shown;
    // Places of the columns that begin a heading, for the line before them.
    const firsts = new Set();
    let start = 0;
    table.groups.forEach((group, place) => {
      const own = shown.slice(start, start + table.widths[place]);
      const width = own.filter(Boolean).length;
      if (width) {
        firsts.add(start + own.indexOf(true));
        group.colSpan = width;
      }
      group.hidden = width === 0;
      start += table.widths[place];
    });
    table.heads.forEach((head, place) => {
      head.hidden = !shown[place];
      head.classList.toggle("first", firsts.has(place));
    });
    const total = shown.filter(Boolean).length;
    for (const body of table.bodies) {
      body.heading.colSpan = total + 1;
      for (const row of body.rows) {
        for (const cell of row.cells) {
          if (cell.start < 0) continue;
          let width = 0;
          let first = false;
          for (let place = cell.start; place < cell.start + cell.width; place += 1) {
            if (!shown[place]) continue;
            first ||= width === 0 && firsts.has(place);
            width += 1;
          }
          cell.element.hidden = width === 0;
          if (cell.width > 1 && width) cell.element.colSpan = width;
          cell.element.classList.toggle("first", first);
        }
      }
    }
  }

  function directionOf(table, order) {
    const first = order.place < 0 ? "ascending" : table.sheet.heads[order.place].first;
    return !order.reversed ? first : first === "ascending" ? "descending" : "ascending";
  }

  function compare(a, b, direction) {
    // Rows without a figure come last whatever the direction.
    if (a === null || b === null) return (a === null) - (b === null);
    const order = a < b ? -1 : a > b ? 1 : 0;
    return direction === "ascending" ? order : -order;
  }

  const figureOf = (cell) => (cell.value === "" ? null : Number(cell.value.replace("inf", "Infinity")));

  /* The rows that will stand below the window get their figures in the frame after, so that the first has little to
     draw; until then the columns keep their widths. */
  function putOff(table, rows) {
    const place = table.element.getBoundingClientRect();
    const shown = rows.filter((row) => row.visible);
    const height = place.height / (shown.length + 2);
    const late = shown.filter((_, number) => place.top + number * height > innerHeight + 200);
    if (!late.length) return;
    const heads = [table.name, ...table.heads].filter((head) => !head.hidden);
    const widths = heads.map((head) => head.getBoundingClientRect().width);
    heads.forEach((head, number) => { head.style.minWidth = widths[number] + "px"; });
    for (const row of late) row.element.classList.add("late");
    requestAnimationFrame(() => setTimeout(() => {
      for (const row of late) row.element.classList.remove("late");
      for (const head of heads) head.style.minWidth = "";
    }));
  }

  function applyOrder(table) {
    const usual = table.sheet.sorted ? table.sheet.heads.findIndex((head) => head.id === table.sheet.sorted) : -1;
    const order = table.order ?? { place: usual, reversed: false };
    const direction = directionOf(table, order);
    const signature = order.place + direction;
    if (signature === table.done.order) return;
    const initial = table.done.order === undefined && table.order === null;
    table.done.order = signature;
    if (initial) return;
    const places = new Map(table.sheet.rows.map((row, place) => [row, place]));
    for (const body of table.bodies) {
      const value = new Map(body.rows.map((row) => [row, order.place < 0 ? row.row.name : figureOf(row.row.cells[order.place])]));
      body.rows.sort((a, b) => compare(value.get(a), value.get(b), direction) || places.get(a.row) - places.get(b.row));
    }
    putOff(table, table.bodies.flatMap((body) => body.rows));
    for (const body of table.bodies) body.element.append(...body.rows.map((row) => row.element));
    for (const header of [table.name, ...table.heads]) header.removeAttribute("aria-sort");
    (order.place < 0 ? table.name : table.heads[order.place]).setAttribute("aria-sort", direction);
  }

  /* The published figures, put below the measured ones when they are first asked for. */
  function addPublished(table, published) {
    if (table.done.published) return;
    table.done.published = true;
    for (const { rows } of table.bodies) {
      for (const row of rows) {
        for (const cell of row.cells) {
          const own = cell.start < 0 ? null : row.row.cells[cell.start];
          const figures = own && published[own.key + " " + table.sheet.heads[cell.start].metric];
          if (!figures) continue;
          const [value, difference, verdict] = figures[0];
          const span = document.createElement("span");
          span.className = "interval published" + (verdict === "differs" ? " differs" : "");
          span.append("publ. " + value, document.createElement("br"), (difference + " " + verdict).trim());
          cell.element.append(span);
        }
      }
    }
  }

  function applyToggles(table, view, published) {
    if (view.show.published) addPublished(table, published);
    table.element.classList.toggle("no-intervals", !view.show.interval);
    table.element.classList.toggle("no-published", !view.show.published);
    table.element.classList.toggle("no-ranks", !view.show.rank);
  }

  /* The one stop of the tab key in each table is a cell that can be seen. */
  function applyStop(table) {
    const visible = (cell) => cell.stop && !cell.element.hidden;
    const place = table.current && byCell.get(table.current);
    if (place && place.row.visible && visible(place.cell)) return;
    if (table.current) table.current.tabIndex = -1;
    const row = table.bodies.flatMap((body) => body.rows).find((one) => one.visible);
    table.current = row ? row.cells.find((cell) => visible(cell) && cell.start >= 0)?.stop ?? row.box : null;
    if (table.current) table.current.tabIndex = 0;
  }

  function showSelection(tables) {
    for (const table of tables) {
      for (const body of table.bodies) {
        for (const row of body.rows) {
          const selected = suiteSelection.has(row.row.id);
          if (row.box.checked !== selected) row.box.checked = selected;
          row.element.classList.toggle("selected", selected);
        }
      }
    }
  }

  /* Gives the number of rows that can be seen. */
  function show(tables, view, published) {
    let count = 0;
    for (const table of tables) {
      applyColumns(table, view);
      applyOrder(table);
      applyToggles(table, view, published);
      count += applyRows(table, view);
      applyStop(table);
    }
    for (const table of tables) {
      const link = document.querySelector('nav a[href="#' + table.section.id + '"]');
      if (link) link.parentElement.hidden = table.section.hidden;
    }
    return count;
  }

  return { index, cellOf: (element) => byCell.get(element), show, showSelection, direction: directionOf };
})();
