/* The leaderboards: sorting, filters, columns, selection, exports, and the way to the record of a figure.
   All of the view is in suiteState, so that a link opens it again. The page says all it has to say without this. */
(() => {
  const block = document.getElementById("board-data");
  const template = document.getElementById("board-bar");
  if (!block || !template) return;
  const data = JSON.parse(block.textContent);
  template.after(template.content.cloneNode(true));
  const bar = document.querySelector(".bar");
  const status = bar.querySelector("[role=status]");
  const FACETS = ["family", "year", "scale", "dataset", "backend", "origin"];
  const TOGGLES = { interval: true, published: false, rank: true, only: false };

  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const labelOf = (head) => [head.label, head.sub, head.group].filter(Boolean).join(", ");

  /* ---- What there is: one index of tables, rows and cells, made once ---- */

  for (const sheet of data.sheets) {
    for (const row of sheet.rows) {
      row.cells = row.cells.map(([parts, value, extra, below, missing, rank, key, exact]) =>
        ({ parts, value, extra, below, missing, rank, key, exact }));
      row.name = (row.title + " " + row.sub).toLowerCase();
    }
  }

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

  const tables = all("table[data-sheet]").map((element) => {
    element.parentElement.classList.add("scripted");
    const sheet = data.sheets[Number(element.dataset.sheet)];
    const rows = new Map(sheet.rows.map((row) => [row.id, row]));
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
  });
  const byCell = new WeakMap();
  for (const table of tables) {
    for (const body of table.bodies) {
      for (const row of body.rows) for (const cell of row.cells) if (cell.stop) byCell.set(cell.stop, { table, row, cell });
    }
  }

  /* ---- The view and its form in the address ---- */

  // Commas part the items of a list; one inside of an item is escaped.
  const pack = (items) => items.map((item) => item.replace(/[%,]/g, encodeURIComponent)).join(",") || null;
  const unpack = (text) => (text ?? "").split(",").filter(Boolean).map((item) => item.replace(/%(25|2C)/g, decodeURIComponent));
  const keyOf = (facet) => (facet === "origin" ? "weights" : facet);
  const sortKey = (table) => "sort-x" + table.sheet.scale;
  let view;

  function readView() {
    const known = new Map(FACETS.map((facet) => [facet, new Set(all('[data-facet="' + facet + '"] input', bar).map((box) => box.value))]));
    const toggled = new Set(unpack(suiteState.get("show")));
    const choices = new Set(all("[data-columns] input:not([data-all])", bar).map((box) => box.value));
    view = {
      text: suiteState.get("name") ?? "",
      filters: new Map(FACETS.map((facet) => [facet, new Set(unpack(suiteState.get(keyOf(facet))).filter((value) => known.get(facet).has(value)))])),
      hidden: new Set(unpack(suiteState.get("hide")).filter((id) => choices.has(id))),
      show: Object.fromEntries(Object.entries(TOGGLES).map(([name, usual]) => [name, toggled.has(name) ? !usual : usual])),
    };
    for (const table of tables) {
      const [, down, id] = (suiteState.get(sortKey(table)) ?? "").match(/^(-?)(.*)$/s);
      const place = id === "model" ? -1 : table.sheet.heads.findIndex((head) => head.id === id);
      table.order = id && (place >= 0 || id === "model") ? { place, reversed: down === "-" } : null;
    }
  }

  function writeView() {
    suiteState.set("name", view.text || null);
    for (const [facet, values] of view.filters) suiteState.set(keyOf(facet), pack([...values]));
    suiteState.set("hide", pack([...view.hidden]));
    suiteState.set("show", pack(Object.keys(TOGGLES).filter((name) => view.show[name] !== TOGGLES[name])));
    for (const table of tables) {
      const order = table.order;
      const id = order && (order.place < 0 ? "model" : table.sheet.heads[order.place].id);
      suiteState.set(sortKey(table), order && (order.reversed ? "-" : "") + id);
    }
  }

  /* ---- From the view to the tables ---- */

  function matches(row) {
    if (view.show.only && !suiteSelection.has(row.id)) return false;
    if (view.text && !row.name.includes(view.text.trim().toLowerCase())) return false;
    for (const [facet, values] of view.filters) {
      // A dataset takes its columns with it, not the rows: they say why they have no figure on it.
      if (facet !== "dataset" && values.size && !row.is[facet].some((value) => values.has(value))) return false;
    }
    return true;
  }

  function applyRows(table) {
    let count = 0;
    for (const body of table.bodies) {
      let any = false;
      for (const row of body.rows) {
        const visible = matches(row.row);
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

  function applyColumns(table) {
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
      body.element.append(...body.rows.map((row) => row.element));
    }
    for (const header of [table.name, ...table.heads]) header.removeAttribute("aria-sort");
    (order.place < 0 ? table.name : table.heads[order.place]).setAttribute("aria-sort", direction);
  }

  /* The published figures, put below the measured ones when they are first asked for. */
  function addPublished(table) {
    if (table.done.published) return;
    table.done.published = true;
    for (const { rows } of table.bodies) {
      for (const row of rows) {
        for (const cell of row.cells) {
          const own = cell.start < 0 ? null : row.row.cells[cell.start];
          const published = own && data.published[own.key + " " + table.sheet.heads[cell.start].metric];
          if (!published) continue;
          const [value, difference, verdict] = published[0];
          const span = document.createElement("span");
          span.className = "interval published" + (verdict === "differs" ? " differs" : "");
          span.append("publ. " + value, document.createElement("br"), (difference + " " + verdict).trim());
          cell.element.append(span);
        }
      }
    }
  }

  function applyToggles(table) {
    if (view.show.published) addPublished(table);
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

  function applySelection() {
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

  function apply() {
    let count = 0;
    for (const table of tables) {
      applyColumns(table);
      applyOrder(table);
      applyToggles(table);
      count += applyRows(table);
      applyStop(table);
    }
    for (const table of tables) {
      const link = document.querySelector('nav a[href="#' + table.section.id + '"]');
      if (link) link.parentElement.hidden = table.section.hidden;
    }
    return count;
  }

  /* ---- The bar ---- */

  const total = data.sheets.reduce((sum, sheet) => sum + sheet.rows.length, 0);

  function chip(text, remove) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.setAttribute("aria-label", "Remove the filter " + text);
    button.addEventListener("click", () => {
      remove();
      update();
      (bar.querySelector(".chips button") ?? bar.querySelector("input[type=search]")).focus();
    });
    item.append(button);
    return item;
  }

  function drawBar(count) {
    const search = bar.querySelector("input[type=search]");
    if (search.value.trim() !== view.text.trim()) search.value = view.text;
    for (const fieldset of all("[data-facet]", bar)) {
      const values = view.filters.get(fieldset.dataset.facet);
      for (const box of all("input", fieldset)) box.checked = values.has(box.value);
    }
    for (const fieldset of all("[data-columns]", bar)) {
      const boxes = all("input:not([data-all])", fieldset);
      for (const box of boxes) box.checked = !view.hidden.has(box.value);
      const whole = fieldset.querySelector("[data-all]");
      if (!whole) continue;
      whole.checked = boxes.every((box) => box.checked);
      whole.indeterminate = !whole.checked && boxes.some((box) => box.checked);
    }
    for (const name of Object.keys(TOGGLES)) {
      const box = bar.querySelector('input[name="' + name + '"]');
      if (box) box.checked = view.show[name];
    }
    const used = [...view.filters].flatMap(([facet, values]) => [...values].map((value) => [facet, value]));
    const badge = (name, number) => {
      const place = bar.querySelector('[data-badge="' + name + '"]');
      if (place) place.textContent = number ? String(number) : "";
    };
    badge("filter", used.length);
    badge("columns", view.hidden.size && "\u2212" + view.hidden.size);
    bar.querySelector(".chips").replaceChildren(
      ...used.map(([facet, value]) => {
        const label = bar.querySelector('[data-facet="' + facet + '"] legend').textContent;
        return chip(label + ": " + value, () => view.filters.get(facet).delete(value));
      }),
      ...(view.show.only ? [chip("Selected rows only", () => { view.show.only = false; })] : []));
    const rows = count === total ? total + " row" + (total === 1 ? "" : "s") : count + " of " + total + " rows";
    const selected = suiteSelection.rows().length;
    bar.querySelector(".shown").textContent = rows + (selected ? ", " + selected + " selected" : "");
    const plain = !used.length && !view.text && !view.hidden.size && tables.every((table) => !table.order)
      && Object.entries(TOGGLES).every(([name, usual]) => view.show[name] === usual);
    bar.querySelector(".reset").hidden = plain;
    return rows;
  }

  function say(text) {
    status.textContent = text;
  }

  function update(said) {
    writeView();
    const rows = drawBar(apply());
    say(said ?? rows + " shown");
  }

  function reset() {
    suiteState.set("name", null);
    for (const key of [...FACETS.map(keyOf), "hide", "show", ...tables.map(sortKey)]) suiteState.set(key, null);
    readView();
    update();
    bar.querySelector("input[type=search]").focus();
  }

  function fromOutside() {
    readView();
    drawBar(apply());
  }

  bar.querySelector("input[type=search]").addEventListener("input", (event) => {
    view.text = event.target.value;
    update();
  });

  bar.addEventListener("change", (event) => {
    const box = event.target;
    const fieldset = box.closest("fieldset");
    if (fieldset?.dataset.facet) {
      const values = view.filters.get(fieldset.dataset.facet);
      if (box.checked) values.add(box.value);
      else values.delete(box.value);
    } else if (fieldset && "columns" in fieldset.dataset) {
      const boxes = "all" in box.dataset ? all("input:not([data-all])", fieldset) : [box];
      for (const one of boxes) {
        if (box.checked) view.hidden.delete(one.value);
        else view.hidden.add(one.value);
      }
    } else if (box.name in TOGGLES) view.show[box.name] = box.checked;
    else return;
    update();
  });

  bar.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.dataset.do === "reset") reset();
    else if (button?.dataset.do === "clear") suiteSelection.clear();
    else if (button?.dataset.copy) copy(button.dataset.copy);
    else if (button?.dataset.save) save(button.dataset.save);
  });

  /* Menus close by Escape and by a click elsewhere, and one at a time is open. */
  const menus = all(".menu", bar);
  const closeMenus = (but) => menus.forEach((menu) => { if (menu !== but) menu.open = false; });
  document.addEventListener("click", (event) => closeMenus(event.target.closest?.(".menu")));
  bar.addEventListener("keydown", (event) => {
    const menu = event.target.closest(".menu");
    if (event.key !== "Escape" || !menu?.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  for (const menu of menus) menu.addEventListener("toggle", () => { if (menu.open) closeMenus(menu); });

  /* ---- Exports ---- */

  function exported(format) {
    if (format === "link") return location.href;
    const table = tables[Number(bar.querySelector('select[name="sheet"]')?.value ?? 0)];
    const heads = table.shown.flatMap((shown, place) => (shown ? [place] : []));
    const places = new Map(table.sheet.rows.map((row, place) => [row, place]));
    const rows = table.bodies.flatMap((body) => body.rows.filter((row) => row.visible).map((row) => places.get(row.row)));
    const options = new Set(["interval", "published"].filter((name) => view.show[name]));
    return suiteExport(table.sheet, data.escapes, format, heads, rows, options);
  }

  async function copy(format) {
    const text = exported(format);
    const area = bar.querySelector(".copied");
    area.hidden = true;
    try {
      await navigator.clipboard.writeText(text);
      say("Copied");
    } catch {
      area.value = text;
      area.hidden = false;
      area.focus();
      area.select();
      say("The text is selected: copy it");
    }
  }

  const ENDINGS = { csv: "csv", json: "json", markdown: "md", latex: "tex" };

  function save(format) {
    const table = tables[Number(bar.querySelector('select[name="sheet"]')?.value ?? 0)];
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([exported(format)], { type: "text/plain" }));
    link.download = table.sheet.name + "." + ENDINGS[format];
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    say("Saved as " + link.download);
  }

  /* ---- The tables: headings sort, figures open their record, names select ---- */

  for (const table of tables) {
    [table.name, ...table.heads].forEach((header, index) => {
      const place = index - 1;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      button.addEventListener("click", () => {
        const sorted = header.getAttribute("aria-sort");
        const first = place < 0 ? "ascending" : table.sheet.heads[place].first;
        table.order = { place, reversed: sorted === first };
        update("Sorted by " + (place < 0 ? "model" : labelOf(table.sheet.heads[place])) + ", " + directionOf(table, table.order));
      });
      header.append(button);
    });
  }

  function openRecord({ table, row, cell }) {
    const place = cell.start + [...Array(cell.width).keys()].find((one) => table.shown[cell.start + one]);
    const head = table.sheet.heads[place];
    suiteState.set("figure", row.row.id + "." + head.id);
    suiteRecord(data, row.row, head, row.row.cells[place], () => {
      suiteState.set("figure", null);
      cell.stop.focus();
    });
  }

  function openFromState() {
    const text = suiteState.get("figure");
    if (!text || document.querySelector("dialog.record")) return;
    const [id, column] = text.split(/\.(.*)/s);
    for (const table of tables) {
      const place = table.sheet.heads.findIndex((head) => head.id === column);
      const row = table.bodies.flatMap((body) => body.rows).find((one) => one.row.id === id);
      const cell = row?.cells.find((one) => one.start <= place && place < one.start + one.width && one.start >= 0);
      if (place >= 0 && cell?.stop) return openRecord({ table, row, cell });
    }
  }

  function focusOn(table, stop) {
    if (table.current) table.current.tabIndex = -1;
    table.current = stop;
    stop.tabIndex = 0;
    stop.focus();
  }

  function move(event, { table, row, cell }) {
    const rows = table.bodies.flatMap((body) => body.rows).filter((one) => one.visible);
    const inRow = (one) => one.cells.filter((other) => other.stop && !other.element.hidden);
    const own = inRow(row);
    const beside = (step) => own[own.indexOf(cell) + step];
    const at = (one) => one && (inRow(one).find((other) => other.start <= cell.start && cell.start < other.start + other.width) ?? inRow(one)[0]);
    const target = {
      ArrowRight: () => beside(1),
      ArrowLeft: () => beside(-1),
      ArrowDown: () => at(rows[rows.indexOf(row) + 1]),
      ArrowUp: () => at(rows[rows.indexOf(row) - 1]),
      Home: () => (event.ctrlKey ? inRow(rows[0])[0] : own[0]),
      End: () => (event.ctrlKey ? inRow(rows.at(-1)).at(-1) : own.at(-1)),
    }[event.key];
    if (!target) return;
    event.preventDefault();
    const found = target();
    if (found) focusOn(table, found.stop);
  }

  for (const table of tables) {
    table.element.addEventListener("keydown", (event) => {
      const place = byCell.get(event.target);
      if (!place || event.altKey || event.metaKey) return;
      if (event.key === " " && place.cell.start >= 0) {
        event.preventDefault(); // a button answers to the space bar, a link does not
        openRecord(place);
      } else move(event, place);
    });
    table.element.addEventListener("click", (event) => {
      if (event.target.matches(".pick")) return;
      const stop = event.target.closest("a.text") ?? event.target.closest("td")?.querySelector("a.text");
      const name = event.target.closest("tbody .name");
      if (name) suiteSelection.toggle(name.parentElement.dataset.row);
      if (!stop || event.ctrlKey || event.metaKey || event.shiftKey || !byCell.has(stop)) return;
      event.preventDefault();
      focusOn(table, stop);
      openRecord(byCell.get(stop));
    });
    table.element.addEventListener("change", (event) => {
      const place = byCell.get(event.target);
      if (!place) return;
      focusOn(table, event.target);
      suiteSelection.toggle(place.row.row.id);
    });
  }

  suiteSelection.on(() => {
    applySelection();
    const rows = drawBar(apply());
    say(view.show.only ? rows + " shown" : suiteSelection.rows().length + " selected");
  });
  for (const key of ["name", ...FACETS.map(keyOf), "hide", "show", ...tables.map(sortKey)]) suiteState.on(key, fromOutside);
  suiteState.on("figure", openFromState);

  readView();
  applySelection();
  drawBar(apply());
  openFromState();
})();
