// The page that is asked in SQL. DuckDB runs in a worker of its own, which starts with the first question. What the page
// holds came with it as scripts: nothing is asked of the network.
"use strict";
(() => {
  const SHOWN = 200, LONG = 40;
  const form = document.querySelector("[data-sql]");
  const text = form.querySelector("textarea"), ready = form.querySelector("select");
  const state = form.querySelector("[data-state]"), stop = form.querySelector("[data-stop]");
  const answers = document.querySelector("[data-answers]");
  const assets = document.currentScript.getAttribute("src").replace("sql.js", "");

  const lacking = ["WebAssembly", "DecompressionStream", "Worker"].filter((name) => typeof window[name] === "undefined");
  if (lacking.length) {
    document.querySelector("[data-lacking]").hidden = false;
    document.querySelector("[data-lacks]").textContent = lacking.join(", ");
    return;
  }
  form.hidden = false;

  const make = (tag, settings, ...children) => {
    const made = Object.assign(document.createElement(tag), settings);
    made.append(...children);
    return made;
  };

  // -- the database ----------------------------------------------------------------------------------------------------

  const loaded = (name) => new Promise((done, failed) => {
    const script = make("script", { src: assets + name, onload: done });
    script.onerror = () => failed(new Error(`${name} is not beside this page`));
    document.head.append(script);
  });
  const unpacked = (packed) => {
    const raw = atob(packed), bytes = new Uint8Array(raw.length);
    for (let at = 0; at < raw.length; at++) bytes[at] = raw.charCodeAt(at);
    return new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  };
  // Runs in the worker before DuckDB's own script, which would fetch its WebAssembly: it is handed over instead. Errors
  // are answers here, so the worker does not write them to the console, too.
  const BEFORE = `let give; const handed = new Promise((done) => { give = done; });
    addEventListener("message", (event) => {
      if (!event.data.handed) return;
      event.stopImmediatePropagation();
      give(event.data.handed);
    });
    fetch = async () => new Response(new Uint8Array(0));
    WebAssembly.instantiateStreaming = async (_, imports) => {
      const module = await handed;
      return { module, instance: await WebAssembly.instantiate(module, imports) };
    };
    console.log = console.error = () => {};`;
  const SETTINGS = [
    "memory_limit = '1GB'", "autoinstall_known_extensions = false", "autoload_known_extensions = false",
    "enable_external_access = false", "lock_configuration = true",
  ];
  let parts, database;
  const partsOf = async () => {
    await Promise.all([loaded("engine.js"), loaded("data.js")]);
    const { overbuildEngine: engine, overbuildData: data } = window;
    const [module, worker, file] = await Promise.all([
      WebAssembly.compileStreaming(new Response(unpacked(engine.wasm), { headers: { "Content-Type": "application/wasm" } })),
      new Response(unpacked(engine.worker)).text(),
      new Response(unpacked(data)).arrayBuffer(),
    ]);
    const script = URL.createObjectURL(new Blob([BEFORE, "\n", worker], { type: "text/javascript" }));
    delete engine.wasm;
    delete window.overbuildData;
    return { module, script, file, duckdb: engine.duckdb };
  };
  const open = async () => {
    const { module, script, file, duckdb } = await (parts ||= partsOf());
    const worker = new Worker(script);
    worker.postMessage({ handed: module });
    const engine = new duckdb.AsyncDuckDB(new duckdb.VoidLogger(), worker);
    await engine.instantiate("data:,");
    await engine.open({});
    await engine.registerFileBuffer("warehouse.duckdb", new Uint8Array(file.slice(0)));
    const connection = await engine.connect();
    await connection.query("ATTACH 'warehouse.duckdb' AS warehouse (READ_ONLY)");
    await connection.query("USE warehouse");
    for (const setting of SETTINGS) await connection.query(`SET ${setting}`);
    return { worker, engine, connection };
  };
  const close = async () => {
    const closing = database;
    database = undefined;
    (await closing)?.worker.terminate();
  };

  // -- values as text --------------------------------------------------------------------------------------------------

  const twice = (number) => String(number).padStart(2, "0");
  const grouped = (digits) => digits.replace(/\B(?=(\d{3})+$)/g, ",");
  const date = (milliseconds) => Math.abs(Number(milliseconds)) <= 8.64e15 ? new Date(Number(milliseconds)).toISOString() : "infinity";
  const decimal = (value, scale) => {
    const digits = String(value).replace("-", "").padStart(scale + 1, "0"), sign = String(value).startsWith("-") ? "-" : "";
    return sign + (scale ? `${digits.slice(0, -scale)}.${digits.slice(-scale)}` : digits);
  };
  // Each takes a value of its type and gives its text, with all digits. Types are Arrow's, by their names.
  const exact = (value, type) => {
    if (value === null || value === undefined) return "NULL";
    const named = String(type);
    if (named.startsWith("Decimal")) return decimal(value, type.scale);
    if (named.startsWith("Date")) return date(value).slice(0, 10);
    if (named.startsWith("Timestamp")) return date(value).replace("T", " ").replace(/(\.000)?Z$/, "");
    if (named.startsWith("Time")) {
      const seconds = Number(value) / 1e6;
      return [seconds / 3600, (seconds / 60) % 60, seconds % 60].map((each) => twice(Math.floor(each))).join(":");
    }
    if (named.startsWith("List")) return `[${[...value].map((each) => exact(each, type.children[0].type)).join(", ")}]`;
    if (named.startsWith("Struct")) return `{${type.children.map((each) => `${each.name}: ${exact(value[each.name], each.type)}`).join(", ")}}`;
    if (named.startsWith("Binary")) return [...value].map((each) => `\\x${each.toString(16).padStart(2, "0")}`).join("");
    if (named.startsWith("Interval")) return "an interval: cast it to text to see it";
    return String(value);
  };
  const isNumber = (type) => /^(Int\d|Uint|Float|Decimal)/.test(String(type));
  // For a person: thousands apart, and no more digits than help. A file gets them all.
  const readable = (value, type) => {
    if (value === null || !isNumber(type)) return exact(value, type);
    if (!/^Float/.test(String(type))) {
      const [whole, rest] = exact(value, type).split(".");
      return (whole.replace("-", "").length > 4 ? grouped(whole) : whole) + (rest ? `.${rest}` : "");
    }
    const size = Math.abs(value);
    if (!Number.isFinite(value) || size === 0) return String(value);
    if (size >= 1e15 || size < 1e-4) return value.toPrecision(4);
    return size >= 1e4 ? grouped(value.toFixed(0)) : String(Number(value.toPrecision(6)));
  };

  // -- an answer -------------------------------------------------------------------------------------------------------

  // A spreadsheet runs a text that begins like a formula; an apostrophe keeps it text.
  const neutral = (cell) =>
    /^[=+\-@\t\r]/.test(cell) && !/^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(cell) ? `'${cell}` : cell;
  const quoted = (cell) => /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
  const columnsOf = (result) => result.schema.fields.map(({ name, type }, place) => ({ name, type, values: result.getChildAt(place) }));
  const csv = (result) => {
    const columns = columnsOf(result), lines = [columns.map((column) => quoted(neutral(column.name))).join(",")];
    for (let row = 0; row < result.numRows; row++) {
      lines.push(columns.map(({ type, values }) => {
        const value = values.get(row);
        return value === null ? "" : quoted(isNumber(type) ? exact(value, type) : neutral(exact(value, type)));
      }).join(","));
    }
    return lines.join("\n") + "\n";
  };
  const saved = (result) => {
    const address = URL.createObjectURL(new Blob([csv(result)], { type: "text/csv" }));
    const link = make("a", { href: address, download: "answer.csv" });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  };
  const cellOf = ({ type, values }, row) => {
    const value = values.get(row), said = readable(value, type);
    const cell = make("td", { className: isNumber(type) ? "gt_right" : "" });
    if (value === null) cell.append(make("span", { className: "unknown", textContent: said }));
    else if (said.includes("\n")) cell.append(make("pre", { textContent: said }));
    else if (said.length > LONG) cell.append(make("span", { className: "sentence", dir: "auto", textContent: said }));
    else cell.append(said);
    return cell;
  };
  const tableOf = (result, label) => {
    const columns = columnsOf(result);
    const names = columns.map(({ name, type }) => make("th", { scope: "col", className: isNumber(type) ? "gt_right" : "", textContent: name }));
    const rows = [];
    for (let row = 0; row < Math.min(result.numRows, SHOWN); row++) rows.push(make("tr", {}, ...columns.map((column) => cellOf(column, row))));
    const table = make("table", { className: columns.length > 6 ? "many" : "" },
      make("caption", { className: "hidden", textContent: label }), make("thead", {}, make("tr", {}, ...names)), make("tbody", {}, ...rows));
    const scroll = make("div", { className: "scroll", tabIndex: 0 }, table);
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", label);
    return scroll;
  };
  const counted = (count) => `${grouped(String(count))} ${count === 1 ? "row" : "rows"}`;
  const show = (result, place, of, seconds) => {
    const label = of > 1 ? `Answer ${place} of ${of}` : "Answer";
    const shown = result.numRows > SHOWN ? `, the first ${SHOWN} shown` : "";
    const said = make("p", { className: "about" }, `${counted(result.numRows)}${shown}; ${seconds.toFixed(2)} seconds`);
    const section = make("section", { className: "table" }, make("h2", { textContent: label }), said);
    if (result.numCols) {
      const take = make("button", { type: "button", textContent: "Download as CSV" });
      take.addEventListener("click", () => saved(result));
      section.append(tableOf(result, label), make("p", { className: "take" }, take));
    }
    answers.append(section);
  };
  const refuse = (error) => {
    // DuckDB says the line twice where the parser refused it.
    const parts = String(error?.message ?? error).split("\nPlease try installing")[0].trim().split("\n\n");
    const said = parts.filter((part, place) => part.trimEnd() !== parts[place - 1]?.trimEnd()).join("\n\n");
    const hint = /but it exists in the \w+ extension/.test(said) ? "This page has no extensions. In a terminal, overbuild sql has them." : "";
    const note = make("div", { className: "note warning" }, make("pre", { textContent: said }), hint);
    note.setAttribute("role", "alert");
    answers.append(note);
  };

  // -- asking ----------------------------------------------------------------------------------------------------------

  // The statements of a text. DuckDB says where its tokens begin, in bytes: a semicolon in a text is no end.
  const statementsOf = async (engine, whole) => {
    const bytes = new TextEncoder().encode(whole), { offsets } = await engine.tokenize(whole);
    const ends = [...offsets.filter((at) => bytes[at] === 0x3b), bytes.length], found = [];
    let from = 0;
    for (const end of ends) {
      if (offsets.some((at) => at >= from && at < end)) found.push(new TextDecoder().decode(bytes.slice(from, end)));
      from = end + 1;
    }
    return found;
  };
  const opened = () => database ||= open().catch((error) => {
    database = parts = undefined;
    throw new Error(`This browser cannot start the database: ${error.message}`);
  });
  let stopped, running = false;
  const ask = async () => {
    if (running) return;
    running = true;
    stop.hidden = false;
    answers.replaceChildren();
    state.textContent = database ? "Running…" : "Starting the database: the first answer takes some seconds…";
    const halt = new Promise((_, fail) => { stopped = () => fail(new Error("Stopped.")); });
    const or = (work) => Promise.race([work, halt]);
    let done = 0;
    try {
      const { engine, connection } = await or(opened());
      state.textContent = "Running…";
      const statements = await or(statementsOf(engine, text.value));
      if (!statements.length) throw new Error("There is no query yet. Write one, or choose a ready question.");
      for (const statement of statements) {
        const began = performance.now(), result = await or(connection.query(statement));
        show(result, ++done, statements.length, (performance.now() - began) / 1000);
      }
      state.textContent = done > 1 ? `Done: ${done} answers.` : "Done.";
    } catch (error) {
      state.textContent = "No answer.";
      refuse(error);
      // A program that was stopped or broke within is of no use any more; the next question starts another.
      if (/^Stopped|RuntimeError|memory|out of bounds|bad_alloc/i.test(`${error.message} ${error.name}`)) await close();
    } finally {
      running = false;
      stop.hidden = true;
    }
  };

  form.addEventListener("submit", (event) => { event.preventDefault(); ask(); });
  stop.addEventListener("click", () => { stopped(); text.focus(); });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); ask(); }
  });
  const put = (query) => {
    text.focus();
    text.select();
    // This way alone the browser can undo it; where it cannot be done, the text is set.
    if (!document.execCommand("insertText", false, query)) text.value = query;
  };
  ready.addEventListener("change", () => {
    const chosen = document.getElementById(`question-${ready.value}`);
    if (chosen) { put(chosen.textContent); ready.focus(); }
  });
})();
