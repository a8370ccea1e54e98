/* The challenges' formulas with other weights: the same arithmetic as suite/ranking.py, which made the table above. */
(() => {
  /* Points of an entry: the lower the better. Null where a figure lacks that has a weight. */
  function points(rule, weights, { reason, values }) {
    if (reason) return null;
    let sum = 0;
    for (const [place, weight] of weights.entries()) {
      if (weight === 0) continue;
      if (values[place] === null) return null;
      sum += weight * (rule.exponential ? Math.exp((2 * values[place]) / rule.baseline[place]) : values[place]);
    }
    return sum;
  }

  /* Points and rank of every entry; equal points share a rank, and the next counts all before it. */
  function standings(rule, weights) {
    const found = rule.entries.map((entry) => (weights.some(Boolean) ? points(rule, weights, entry) : null));
    return found.map((own) => ({
      points: own,
      rank: own === null ? null : 1 + found.filter((other) => other !== null && other < own).length,
    }));
  }

  function print(value, exponential) {
    if (value >= 1e6) return value === Infinity ? "\u221e" : value.toExponential(3);
    return value.toLocaleString("en-GB", { minimumFractionDigits: exponential ? 3 : 2, maximumFractionDigits: exponential ? 3 : 2 });
  }

  function cell(text, name, className = "figure") {
    const made = document.createElement(name);
    made.className = className;
    made.textContent = text;
    return made;
  }

  function mount(root, data, key) {
    const choice = root.querySelector("select");
    const [reset, sliders, body, status] = ["button", ".sliders", "tbody", "[aria-live]"].map((one) => root.querySelector(one));
    const options = new Map(data.rules.flatMap((rule) => rule.presets.map((preset) => [rule.id + "." + preset.id, { rule, preset }])));
    const last = data.rules.at(-1);
    const usual = last.id + (last.exponential ? ".main" : ".overall");
    let inputs = [];

    const weightsOf = () => inputs.map((input) => Number(input.value));
    const chosen = () => options.get(choice.value);
    const isOfficial = () => chosen().preset.weights.every((weight, place) => weight === weightsOf()[place]);

    function makeSliders(weights) {
      const { rule } = chosen();
      sliders.replaceChildren();
      inputs = rule.terms.map((term, place) => {
        const label = document.createElement("label");
        const input = document.createElement("input");
        const output = document.createElement("output");
        Object.assign(input, { type: "range", min: "0", max: "1", step: "0.01", value: String(weights[place]) });
        const show = () => { output.textContent = Number(input.value).toFixed(2); };
        input.addEventListener("input", () => {
          show();
          remember();
          draw();
        });
        show();
        label.append(cell(term.label, "span", ""), input, output);
        sliders.append(label);
        return input;
      });
    }

    function remember() {
      const first = isOfficial() && choice.value === usual;
      suiteState.set(key, first ? null : [choice.value, ...(isOfficial() ? [] : weightsOf())].join(","));
    }

    function draw() {
      const { rule, preset } = chosen();
      const official = standings(rule, preset.weights);
      const found = standings(rule, weightsOf());
      reset.hidden = isOfficial();
      root.querySelectorAll("thead th")[2].textContent = rule.exponential ? "Score" : "Sum of ranks";
      const order = data.rows.map((_, place) => place).sort((a, b) =>
        (found[a].rank ?? Infinity) - (found[b].rank ?? Infinity) || (official[a].rank ?? Infinity) - (official[b].rank ?? Infinity) || a - b);
      body.replaceChildren(...order.map((place) => {
        const [id, title, origin] = data.rows[place];
        const row = document.createElement("tr");
        row.dataset.row = id;
        const name = cell(title, "th", "");
        name.scope = "row";
        name.append(cell(origin, "span", "sub"));
        const { points: own, rank } = found[place];
        const score = cell(own === null ? "\u2013" : print(own, rule.exponential), "td");
        if (own !== null) score.dataset.points = String(own);
        const moved = rank !== null && official[place].rank !== null ? official[place].rank - rank : 0;
        const before = cell(official[place].rank === null ? rule.entries[place].reason || "\u2013" : String(official[place].rank), "td");
        if (moved) before.append(cell((moved > 0 ? "\u25B2 " : "\u25BC ") + Math.abs(moved), "span", "sub"));
        row.append(name, cell(rank ?? "\u2013", "td"), score, before);
        return row;
      }));
      const first = order.find((place) => found[place].rank === 1);
      status.textContent = first === undefined ? "No ranking" : "First: " + data.rows[first][1];
      showSelection();
    }

    function showSelection() {
      for (const row of body.rows) row.classList.toggle("selected", suiteSelection.has(row.dataset.row));
    }
    suiteSelection.on(showSelection);

    function load(text) {
      const [name, ...weights] = (text ?? "").split(",");
      choice.value = options.has(name) ? name : usual;
      const { preset } = chosen();
      const given = weights.map(Number);
      const fits = given.length === preset.weights.length && given.every((weight) => weight >= 0 && weight <= 1);
      makeSliders(fits ? given : preset.weights);
      draw();
    }

    function official() {
      makeSliders(chosen().preset.weights);
      remember();
      draw();
    }

    choice.addEventListener("change", official);
    reset.addEventListener("click", () => {
      official();
      inputs[0].focus();
    });
    suiteState.on(key, load);
    load(suiteState.get(key));
  }

  for (const source of document.querySelectorAll("script[data-weighting]")) {
    const data = JSON.parse(source.textContent);
    const template = source.nextElementSibling;
    template.after(template.content.firstElementChild);
    const number = source.dataset.weighting;
    mount(template.nextElementSibling, data, number === "1" ? "score" : "score-" + number);
  }

  const rows = document.querySelectorAll("table.challenge tr[data-row]");
  const mark = () => { for (const row of rows) row.classList.toggle("selected", suiteSelection.has(row.dataset.row)); };
  suiteSelection.on(mark);
  mark();
})();
