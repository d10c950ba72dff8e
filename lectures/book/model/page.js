// The user interface of the page: a text, what may follow it, and where each head looks.
//
// What it shows is about one position: the bytes up to and including the character before the cursor, or the
// one that the mouse points at. show() computes and paints everything; the model's cache makes that cheap.
"use strict";

(() => {
  const model = GPT.from_pretrained(CHECKPOINT);
  const { context, n_layer, n_head, vocab_size } = model.config;
  const $ = (id) => document.getElementById(id);
  const text = $("text");
  const BARS = 10; // of the next tokens
  const COLUMNS = 32; // of a small map at most; longer lines are broken
  let head = [2, 1]; // layer and head on the large text
  let pointed = null; // the character under the mouse, counted from 0
  let running = null; // the generator that writes at the moment
  let shownCursor = 0; // where the cursor was when the page was painted

  // ---- Names ----------------------------------------------------------------------------------------------

  const NAMES = { 9: "tab", 10: "↵", 13: "return", 32: "space", [END]: "end" };

  function nameOf(id) {
    if (NAMES[id]) return NAMES[id];
    return id > 32 && id < 127
      ? String.fromCharCode(id)
      : `0x${id.toString(16).toUpperCase().padStart(2, "0")}`;
  }

  function element(tag, className, content = "") {
    const made = document.createElement(tag);
    if (className) made.className = className;
    made.textContent = content;
    return made;
  }

  const glyph = (id) => element("span", "glyph", nameOf(id));
  const percent = (share) => {
    if (share > 0 && share < 0.0005) return "<\u20090.1 %";
    return `${(100 * share).toFixed(share >= 0.0995 || share === 0 ? 0 : 1)} %`;
  };

  // ---- The state of the page ------------------------------------------------------------------------------

  const temperature = () => Number($("temperature").value);
  const topK = () => Number($("top-k").value) % vocab_size; // 0: all

  function characters() {
    // The characters of the text, each with its tokens and the number of the first of them.
    let first = 0;
    return [...text.value].map((character) => {
      const tokens = encode(character);
      first += tokens.length;
      return { character, tokens, first: first - tokens.length };
    });
  }

  function position(all) {
    // The number of characters up to the position that is shown.
    if (pointed !== null && pointed < all.length) return pointed + 1;
    return [...text.value.slice(0, text.selectionStart)].length;
  }

  function write(tokens, at = text.value.length) {
    // Put tokens into the text at a place, and the cursor behind them.
    const before = decode([...encode(text.value.slice(0, at)), ...tokens]);
    text.value = before + text.value.slice(at);
    text.setSelectionRange(before.length, before.length);
    pointed = null;
  }

  // ---- What is shown --------------------------------------------------------------------------------------

  function show() {
    const all = characters();
    const count = position(all);
    shownCursor = text.selectionStart;
    const seen = all.slice(0, count).flatMap(({ tokens }) => tokens);
    const idx = seen.length ? seen.slice(-context) : [END]; // a document begins after END
    const logits = model.forward(idx);
    const start = seen.length - idx.length; // of the context, in tokens; -1 without a text
    const near = all
      .slice(0, count)
      .filter(({ first, tokens }) => first + tokens.length > Math.max(start, 0));
    const looks = ([layer, number]) => {
      // How much a head reads from each character of the near: the sum over its tokens.
      const shares = model.h[layer].attn.attention[idx.length - 1][number];
      return near.map(({ first, tokens }) =>
        tokens.reduce((sum, _, i) => sum + (shares[first + i - start] || 0), 0),
      );
    };
    showTokens(all, count, near, looks(head));
    showBars(logits, near.at(-1), all[count]);
    showMaps(near, looks);
    $("temperature-value").textContent = temperature().toFixed(2);
    $("top-k-value").textContent = topK() || "all";
  }

  function showTokens(all, count, near, shares) {
    const from = count - near.length;
    const spans = all.map(({ character, tokens }, i) => {
      const span = element("span", "", character);
      if (character === "\n") span.textContent = "\u200b\n"; // a place to color
      if (i < from) span.className = "far";
      if (i === count - 1) span.className = "at";
      if (i >= from && i < count) span.style.setProperty("--look", Math.sqrt(shares[i - from]).toFixed(3));
      if (tokens.length > 1 || tokens[0] > 126) span.title = tokens.map(nameOf).join(" ");
      return span;
    });
    $("tokens").replaceChildren(...spans, "\u200b"); // the last line exists, even if it is empty
    if (count) keepInSight(spans[count - 1]);
    const ranked = near.map(({ tokens }, i) => [shares[i], tokens]).sort((a, b) => b[0] - a[0]);
    const said = [element("b", "", `Layer ${head[0] + 1}, head ${head[1] + 1}`)];
    if (!near.length) said.push(" has nothing to look at: the text begins here.");
    else said.push(" at ", ...near.at(-1).tokens.map(glyph), " looks at ");
    for (const [i, [share, tokens]] of ranked.slice(0, 3).entries()) {
      said.push(i ? ", " : "", ...tokens.map(glyph), ` ${percent(share)}`);
    }
    $("said").replaceChildren(...said);
  }

  function keepInSight(span) {
    // Scroll the text, not the page, by as little as it takes.
    const sheet = $("tokens").parentElement;
    const [top, bottom] = [span.offsetTop - 16, span.offsetTop + span.offsetHeight + 16];
    sheet.scrollTop = Math.min(Math.max(sheet.scrollTop, bottom - sheet.clientHeight), top);
  }

  function showBars(logits, last, following) {
    const sampled = next_tokens(logits, temperature(), topK());
    const own = next_tokens(logits);
    const chances = new Map(sampled.map(({ id, probability }) => [id, probability]));
    const truth = following?.tokens[0];
    const bars = own.slice(0, BARS).map(({ id, probability }) => {
      const chance = chances.get(id) ?? 0;
      const button = element("button", id === truth ? "true" : "");
      button.type = "button";
      button.dataset.id = id;
      button.title = `write it; the model gives it ${percent(probability)}`;
      const track = element("span", "track");
      const fill = element("span", "fill");
      fill.style.width = `${100 * chance}%`;
      const mark = element("span", "own");
      mark.style.left = `${100 * probability}%`;
      track.append(fill, mark);
      button.append(
        element("span", "name", nameOf(id)),
        " ",
        track,
        element("span", "percent", percent(chance)),
      );
      const item = element("li");
      item.append(button);
      return item;
    });
    $("bars").replaceChildren(...bars);
    const shown = own.slice(0, BARS).reduce((sum, { id }) => sum + (chances.get(id) ?? 0), 0);
    $("rest").textContent = `The other ${vocab_size - BARS} tokens: ${percent(Math.max(0, 1 - shown))}`;
    const after = last ? last.tokens.map(glyph) : ["the beginning of a document"];
    const end = truth === undefined;
    const note = ["After ", ...after, `. Choose a byte to write it${end ? "" : " in place of what follows"}.`];
    if (!end) {
      const { probability } = own.find(({ id }) => id === truth);
      note.splice(-1, 0, " comes ", glyph(truth), `: the model gives it ${percent(probability)}`);
    }
    $("next-note").replaceChildren(...note);
    const likeliest = sampled.slice(0, 3).flatMap(({ id, probability }, i) => [
      i ? ", " : "",
      glyph(id),
      ` ${percent(probability)}`,
    ]);
    $("likeliest").replaceChildren(element("b", "", "Next"), " ", ...likeliest);
    const list = own.slice(0, 3).map(({ id, probability }) => `${nameOf(id)} ${percent(probability)}`);
    $("status").textContent = running ? "" : `Likeliest next: ${list.join(", ")}. ${$("said").textContent}`;
  }

  function showMaps(near, looks) {
    // Every letter is a cell, 1 wide and 2 high; the map is as wide as the longest line of the text.
    const longest = Math.max(
      ...near
        .map(({ character }) => character)
        .join("")
        .split("\n")
        .map((line) => line.length),
    );
    const columns = Math.min(Math.max(longest, 24), COLUMNS);
    let [column, line] = [0, 0];
    const cells = near.map(({ character, tokens }) => {
      if (column === columns) [column, line] = [0, line + 1];
      const cell = {
        x: column,
        y: 2 * line,
        letter: tokens.length > 1 || tokens[0] > 126 ? "▪" : character.trim(),
      };
      [column, line] = character === "\n" ? [0, line + 1] : [column + 1, line];
      return cell;
    });
    const box = ({ x, y }, className, opacity) =>
      `<rect class="${className}" x="${x}" y="${y}" width="1" height="2" opacity="${opacity.toFixed(2)}"/>`;
    const escape = (letter) => `&#${letter.codePointAt(0)};`;
    const letters = cells
      .map(({ x, y, letter }) => letter && `<text x="${x + 0.5}" y="${y + 1.5}">${escape(letter)}</text>`)
      .join("");
    const here = cells
      .slice(-1)
      .map((cell) => box(cell, "here", 1))
      .join("");
    const height = 2 + (cells.at(-1)?.y ?? 0);
    for (const svg of $("maps").querySelectorAll("svg")) {
      const shares = looks([Number(svg.dataset.layer), Number(svg.dataset.head)]);
      const colors = cells.map((cell, i) =>
        shares[i] < 0.004 ? "" : box(cell, "look", 0.8 * Math.sqrt(shares[i])),
      );
      svg.setAttribute("viewBox", `-.5 -.2 ${columns + 1} ${height + 0.4}`);
      svg.innerHTML = colors.join("") + letters + here;
    }
    const at = near.length ? ["From ", ...near.at(-1).tokens.map(glyph), ", a"] : ["A"];
    $("heads-note").replaceChildren(...at, " row for each layer, a column for each head. Choose one.");
  }

  function makeMaps() {
    for (let layer = 0; layer < n_layer; layer++) {
      for (let number = 0; number < n_head; number++) {
        const label = element("label");
        const input = element("input");
        Object.assign(input, { type: "radio", name: "head", value: `${layer}.${number}` });
        const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
        Object.assign(svg.dataset, { layer, head: number });
        svg.setAttribute("aria-hidden", "true");
        svg.setAttribute("preserveAspectRatio", "xMinYMin");
        const name = element("span", "name");
        name.innerHTML = `<span>layer </span>${layer + 1} · <span>head </span>${number + 1}`;
        input.setAttribute("aria-label", `layer ${layer + 1}, head ${number + 1}`);
        label.append(input, svg, name);
        $("maps").append(label);
      }
    }
  }

  function choose_head(name) {
    head = name.split(".").map(Number);
    $("maps").querySelector(`[value="${name}"]`).checked = true;
  }

  // ---- Writing --------------------------------------------------------------------------------------------

  function stop() {
    running = null;
    $("go").textContent = "Continue";
  }

  function run(count) {
    // Let the model write at the end of the text, one token per frame. Any other action stops it.
    const idx = encode(text.value);
    running = model.generate(idx.length ? idx : [END], count, temperature(), topK());
    $("go").textContent = "Pause";
    const mine = running;
    const next = () => {
      if (running !== mine) return;
      const { value, done } = text.value.length < text.maxLength ? mine.next() : { done: true };
      if (done) stop();
      else write([value]);
      show();
      if (!done) requestAnimationFrame(next);
    };
    next();
  }

  // ---- Events ---------------------------------------------------------------------------------------------

  const spanAt = (event) =>
    document
      .elementsFromPoint(event.clientX, event.clientY)
      .find((found) => found.parentElement === $("tokens"));
  const indexOf = (span) => (span ? [...$("tokens").children].indexOf(span) : null);
  let waiting = false;

  function showSoon() {
    // At most once per frame.
    if (!waiting)
      requestAnimationFrame(() => {
        waiting = false;
        show();
      });
    waiting = true;
  }

  function point(index) {
    if (running || index === pointed) return;
    pointed = index;
    showSoon();
  }

  text.addEventListener("input", () => {
    stop();
    pointed = null;
    show();
  });
  for (const name of ["selectionchange", "keyup", "pointerup"]) {
    // not all browsers have the first one
    document.addEventListener(name, () => {
      const cursor = document.activeElement === text ? text.selectionStart : shownCursor;
      if (cursor === shownCursor || running) return;
      pointed = null;
      showSoon();
    });
  }
  text.addEventListener("mousemove", (event) => point(indexOf(spanAt(event))));
  text.addEventListener("mouseleave", () => point(null));
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    $("go").click();
  });
  $("tokens").addEventListener("click", (event) => {
    // a finger: the textarea lets it through until Edit
    const index = indexOf(spanAt(event));
    if (index === null) return;
    stop();
    const end = [...text.value].slice(0, index + 1).join("").length;
    text.setSelectionRange(end, end);
    pointed = null;
    show();
  });
  $("edit").addEventListener("click", () => text.focus());
  $("go").addEventListener("click", () => {
    if (running) {
      stop();
      show();
    } else run(400);
  });
  $("one").addEventListener("click", () => {
    stop();
    run(1);
    stop();
    show();
  });
  $("bars").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    stop();
    text.value = text.value.slice(0, text.selectionStart); // what follows was another continuation
    write([Number(button.dataset.id)]);
    show();
    $("bars").querySelector("button").focus({ preventScroll: true });
  });
  $("maps").addEventListener("change", (event) => {
    choose_head(event.target.value);
    show();
  });
  for (const slider of [$("temperature"), $("top-k")])
    slider.addEventListener("input", () => {
      stop();
      show();
    });
  for (const chip of document.querySelectorAll("[data-start]")) {
    chip.addEventListener("click", () => {
      stop();
      text.value = "";
      write(encode(chip.dataset.start));
      choose_head(chip.dataset.head);
      show();
    });
  }

  makeMaps();
  document.querySelector("[data-start]").click();
})();
