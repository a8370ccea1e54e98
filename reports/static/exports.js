/* A sheet as text: what reports/export_formats.py writes, byte for byte.

   suiteExport(sheet, escapes, format, heads, rows, options)   heads and rows are places in the sheet, in order */
const suiteExport = (() => {
  const DASH = "\u2013";
  const LEGEND = "The best of a column is bold, the second best underlined.";
  const MARKS = {
    markdown: { "": ["", ""], best: ["**", "**"], second: ["<u>", "<\/u>"] },
    latex: { "": ["", ""], best: ["\\textbf{", "}"], second: ["\\underline{", "}"] },
  };

  const plain = (cell) => cell.parts.map(([text]) => text).join(" / ");
  const quote = (text) => JSON.stringify(text);
  const object = (pairs) => "{" + pairs.map(([name, text]) => quote(name) + ": " + text).join(", ") + "}";
  const list = (items) => (items.length ? "[\n" + items.join(",\n") + "\n]" : "[]");
  const finite = (text) => (text === "inf" || text === "-inf" ? "null" : text);
  const pipes = (cells) => "| " + cells.join(" | ") + " |";

  function groupsOf(items, name) {
    const groups = [];
    for (const item of items) {
      if (!groups.length || groups.at(-1)[0] !== item[name]) groups.push([item[name], []]);
      groups.at(-1)[1].push(item);
    }
    return groups;
  }

  function field(text) {
    const number = /^(?:[+-]?[0-9][0-9,]*(\.[0-9]+)?(e[+-]?[0-9]+)?|-?inf)$/;
    if (/^[=+\-@\t\r]/.test(text) && !number.test(text)) text = "'" + text;
    return /[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  }

  function csv(sheet, shown) {
    const header = [...sheet.fields];
    for (const head of sheet.heads) {
      header.push(head.id);
      for (const [name, option] of head.extra) if (shown(option)) header.push(head.id + "." + name);
    }
    const lines = sheet.rows.map((row) => {
      const line = [...row.names];
      row.cells.forEach((cell, place) => {
        line.push(cell.value || plain(cell));
        sheet.heads[place].extra.forEach(([, option], index) => {
          if (shown(option)) line.push(cell.extra[index]);
        });
      });
      return line;
    });
    return [header, ...lines].map((line) => line.map(field).join(",") + "\n").join("");
  }

  function jsonCell(head, cell) {
    if (cell.missing) return object([["missing", quote(cell.missing)]]);
    const pairs = [["text", quote(plain(cell))]];
    if (cell.value) pairs.push(["value", finite(cell.value)]);
    head.extra.forEach(([name, option], index) => {
      const text = cell.extra[index];
      if (text) pairs.push([name, option === "interval" ? finite(text) : quote(text)]);
    });
    if (cell.rank !== null) pairs.push(["rank", String(cell.rank)]);
    return object(pairs);
  }

  function json(sheet) {
    const columns = sheet.heads.map((head) => object(
      [["id", head.id], ["group", head.group], ["label", head.label], ["of", head.sub], ["definition", head.definition]]
        .map(([name, text]) => [name, quote(text)])));
    const rows = sheet.rows.map((row) => object([
      ...sheet.fields.map((name, place) => [name, quote(row.names[place])]),
      ["group", quote(row.block)],
      ["cells", object(sheet.heads.map((head, place) => [head.id, jsonCell(head, row.cells[place])]))],
    ]));
    return object([
      ["table", quote(sheet.caption)], ["columns", list(columns)], ["rows", list(rows)],
      ["notes", list(sheet.notes.map(quote))],
    ]) + "\n";
  }

  function linesOf(cell, escape, marks, shown) {
    if (!cell.parts.length) return [cell.missing ? escape(DASH) : ""];
    const figure = cell.parts.map(([text, mark]) => marks[mark][0] + escape(text) + marks[mark][1]).join(" / ");
    return [figure, ...cell.below.filter(([option]) => shown(option)).map(([, text]) => escape(text))];
  }

  function remarksOf(sheet) {
    const cells = sheet.rows.flatMap((row) => row.cells);
    const marked = cells.some((cell) => cell.parts.some(([, mark]) => mark));
    const reasons = [...new Set(cells.map((cell) => cell.missing))].filter(Boolean);
    return [...(marked ? [LEGEND] : []), ...reasons.map((reason) => DASH + " " + reason), ...sheet.notes];
  }

  const joined = (texts, escape) => texts.filter(Boolean).map(escape).join(", ");

  function markdown(sheet, shown, escape) {
    const heads = sheet.heads.map((head) => joined([head.group, head.label, head.sub], escape));
    const lines = ["**" + escape(sheet.caption) + "**", "", pipes([escape(sheet.stub), ...heads])];
    lines.push(pipes(["---", ...heads.map(() => "---:")]));
    for (const [block, rows] of groupsOf(sheet.rows, "block")) {
      if (block) lines.push(pipes(["*" + escape(block) + "*", ...heads.map(() => "")]));
      for (const row of rows) {
        const cells = row.cells.map((cell) => linesOf(cell, escape, MARKS.markdown, shown).join("<br>"));
        lines.push(pipes([joined([row.title, row.sub], escape), ...cells]));
      }
    }
    lines.push("", ...remarksOf(sheet).map((remark) => escape(remark) + "\n"));
    return lines.join("\n").replace(/\n+$/, "") + "\n";
  }

  function latexHeads(sheet, escape) {
    const lines = [];
    if (sheet.heads.some((head) => head.group)) {
      const spans = [""];
      const rules = [];
      let start = 2;
      for (const [group, heads] of groupsOf(sheet.heads, "group")) {
        spans.push("\\multicolumn{" + heads.length + "}{c}{" + escape(group) + "}");
        rules.push("\\cmidrule(lr){" + start + "-" + (start + heads.length - 1) + "}");
        start += heads.length;
      }
      lines.push(spans.join(" & ") + " \\\\", rules.join(" "));
    }
    const heads = sheet.heads.map((head) => joined([head.label, head.sub], escape));
    return [...lines, [escape(sheet.stub), ...heads].join(" & ") + " \\\\"];
  }

  function latex(sheet, shown, escape) {
    const lines = [
      "% needs \\usepackage{booktabs}", "\\begin{table}", "\\centering", "\\caption{" + escape(sheet.caption) + "}",
      "\\label{tab:" + sheet.name + "}", "\\begin{tabular}{l" + "r".repeat(sheet.heads.length) + "}", "\\toprule",
      ...latexHeads(sheet, escape), "\\midrule",
    ];
    groupsOf(sheet.rows, "block").forEach(([block, rows], place) => {
      if (block) {
        if (place) lines.push("\\midrule");
        lines.push("\\multicolumn{" + (sheet.heads.length + 1) + "}{l}{\\emph{" + escape(block) + "}} \\\\");
      }
      for (const row of rows) {
        const cells = row.cells.map((cell) => {
          const [figure, ...below] = linesOf(cell, escape, MARKS.latex, shown);
          const small = below.map((text) => "{\\scriptsize " + text + "}");
          return below.length ? "\\shortstack[r]{" + [figure, ...small].join(" \\\\ ") + "}" : figure;
        });
        lines.push([joined([row.title, row.sub], escape), ...cells].join(" & ") + " \\\\");
      }
    });
    lines.push("\\bottomrule", "\\end{tabular}");
    for (const remark of remarksOf(sheet)) lines.push("\\par\\smallskip{\\footnotesize " + escape(remark) + "}");
    return [...lines, "\\end{table}"].join("\n") + "\n";
  }

  const WRITERS = { csv, json, markdown, latex };

  return (sheet, escapes, format, heads, rows, options) => {
    const view = {
      ...sheet,
      heads: heads.map((place) => sheet.heads[place]),
      rows: rows.map((place) => {
        const row = sheet.rows[place];
        return { ...row, cells: heads.map((head) => row.cells[head]) };
      }),
    };
    const map = escapes[format] ?? {};
    const escape = (text) => Array.from(text, (character) => map[character] ?? character).join("");
    return WRITERS[format](view, (option) => option === "" || options.has(option), escape);
  };
})();
