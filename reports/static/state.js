"use strict";

/* The view's state in the fragment, and the selected rows. Fragment: #ANCHOR?KEY=VALUE&KEY=VALUE.

   suiteState.get(key)            its value as text, or null
   suiteState.set(key, value)     null removes it; neither scrolls nor adds to the history
   suiteState.on(key, callback)   callback(value) when it changes from outside: a pasted link, the back button
   suiteSelection.toggle(row), has(row), clear(), rows(), on(callback)   rows are the values of data-row

   A link to a plain anchor keeps the state; one with a question mark replaces it. */
const [suiteState, suiteSelection] = (() => {
  const decode = (text) => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text; // a stray percent sign is just that
    }
  };

  function read() {
    const [anchor, query] = location.hash.slice(1).split(/\?(.*)/s);
    if (query === undefined) return [anchor, null];
    const pairs = query.split("&").filter(Boolean).map((pair) => pair.split(/=(.*)/s));
    return [anchor, new Map(pairs.map(([key, value]) => [decode(key), decode(value ?? "")]))];
  }

  let [anchor, found] = read();
  let values = found ?? new Map();
  const listeners = new Map();

  /* Browsers refuse or ignore more than some hundred changes of the address in half a minute, as a slider makes
     them: each write takes a token, which comes back some seconds later. */
  let tokens = 25;
  let waiting = false;

  function write() {
    waiting = tokens === 0;
    if (waiting) return;
    tokens -= 1;
    setTimeout(() => {
      tokens += 1;
      if (waiting) write();
    }, 8000);
    // A comma is safe in a fragment, and lists are easier to read with it.
    const encode = (text) => encodeURIComponent(text).replaceAll("%2C", ",");
    const query = [...values].map(([key, value]) => encode(key) + "=" + encode(value)).join("&");
    const fragment = anchor + (query && "?" + query);
    history.replaceState(history.state, "", fragment ? "#" + fragment : location.pathname + location.search);
  }

  function showAnchor() {
    // The browser looks for an element with the whole fragment as its id.
    document.getElementById(decode(anchor))?.scrollIntoView();
  }

  addEventListener("hashchange", () => {
    const before = values;
    [anchor, found] = read();
    if (found === null) {
      if (values.size) write();
      return;
    }
    values = found;
    for (const [key, callbacks] of listeners) {
      const value = values.get(key) ?? null;
      if (value !== (before.get(key) ?? null)) for (const callback of callbacks) callback(value);
    }
    showAnchor();
  });
  if (found && anchor) addEventListener("load", showAnchor);

  const state = {
    get: (key) => values.get(key) ?? null,
    set(key, value) {
      if ((values.get(key) ?? null) === value) return;
      if (value === null) values.delete(key);
      else values.set(key, String(value));
      write();
    },
    on(key, callback) {
      listeners.set(key, [...(listeners.get(key) ?? []), callback]);
    },
  };

  const parse = (text) => new Set((text ?? "").split(",").filter(Boolean));
  let selected = parse(state.get("sel"));
  const watchers = [];

  function change(rows) {
    selected = rows;
    state.set("sel", [...selected].join(",") || null);
    for (const callback of watchers) callback();
  }

  state.on("sel", (value) => change(parse(value)));
  const selection = {
    toggle(row) {
      const rows = new Set(selected);
      if (!rows.delete(row)) rows.add(row);
      change(rows);
    },
    has: (row) => selected.has(row),
    rows: () => [...selected],
    clear: () => change(new Set()),
    on: (callback) => watchers.push(callback),
  };
  return [Object.freeze(state), Object.freeze(selection)];
})();
