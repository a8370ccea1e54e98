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
  const tables = suiteTables.index(data, reset);

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
    bar.querySelector(".reach").hidden = !used.length && !view.text.trim();
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
    const rows = drawBar(suiteTables.show(tables, view, data.published));
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
    drawBar(suiteTables.show(tables, view, data.published));
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
        update("Sorted by " + (place < 0 ? "model" : labelOf(table.sheet.heads[place])) + ", " + suiteTables.direction(table, table.order));
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
      const place = suiteTables.cellOf(event.target);
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
      if (!stop || event.ctrlKey || event.metaKey || event.shiftKey || !suiteTables.cellOf(stop)) return;
      event.preventDefault();
      focusOn(table, stop);
      openRecord(suiteTables.cellOf(stop));
    });
    table.element.addEventListener("change", (event) => {
      const place = suiteTables.cellOf(event.target);
      if (!place) return;
      focusOn(table, event.target);
      suiteSelection.toggle(place.row.row.id);
    });
  }

  suiteSelection.on(() => {
    suiteTables.showSelection(tables);
    const rows = drawBar(suiteTables.show(tables, view, data.published));
    say(view.show.only ? rows + " shown" : suiteSelection.rows().length + " selected");
  });
  for (const key of ["name", ...FACETS.map(keyOf), "hide", "show", ...tables.map(sortKey)]) suiteState.on(key, fromOutside);
  suiteState.on("figure", openFromState);

  readView();
  suiteTables.showSelection(tables);
  drawBar(suiteTables.show(tables, view, data.published));
  openFromState();
})();
