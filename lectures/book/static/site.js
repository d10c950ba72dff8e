// The behaviour of the lecture's pages. Everything works without it except search, the program beside the text
// following it, predictions and progress.

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const make = (tag, values = {}) => Object.assign(document.createElement(tag), values);
const on = (element, event, action) => element && element.addEventListener(event, action);

// ---- What is remembered in this browser --------------------------------------------------------------------

const memory = {
  get(key, otherwise) {
    try { return JSON.parse(localStorage.getItem(key)) ?? otherwise; } catch { return otherwise; }
  },
  set(key, value) {
    try { localStorage.setItem(key, JSON.stringify(value)); } catch { /* private window: forget */ }
  },
};

// ---- Light and dark ----------------------------------------------------------------------------------------

function toggleTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try { localStorage.theme = root.dataset.theme; } catch { /* only for this page */ }
}

// ---- Progress: a step is read when its end was on the screen -----------------------------------------------

function showProgress() {
  const read = new Set(memory.get("read", []));
  const links = $$("#contents [data-step]");
  const here = $(".sides")?.dataset.step;
  for (const link of $$("a[data-step]")) {
    link.classList.toggle("read", read.has(+link.dataset.step));
    if (link.dataset.step === here) link.setAttribute("aria-current", "page");
  }
  const count = links.filter(link => read.has(+link.dataset.step)).length;
  $("#progress").textContent = count ? `${count} of ${links.length} read` : "";
  const next = links.find(link => !read.has(+link.dataset.step));
  if (count && next && $("#start")) {
    $("#start").href = next.getAttribute("href");
    $("#start").textContent = `Continue with step ${next.dataset.step.padStart(2, "0")}`;
  }
}

function watchEnd() {
  const step = $(".sides")?.dataset.step;
  if (!step) return;
  new IntersectionObserver(([entry], observer) => {
    if (!entry.isIntersecting) return;
    memory.set("read", [...new Set([...memory.get("read", []), +step])]);
    observer.disconnect();
    showProgress();
  }).observe($(".around"));
}

// ---- Search ------------------------------------------------------------------------------------------------

function openSearch() {
  if (!window.SEARCH) document.head.append(make("script", { src: "search.js", onload: () => {
    for (const part of SEARCH.text) part[3] = readTex(part[3]);
    search();
  } }));
  $("#search").showModal();
  $("#query").select();
}

function openContents() {
  $("#contents").showModal();
  const here = $("#contents [aria-current]") ?? $("#contents a");
  here.focus();
  here.scrollIntoView({ block: "center" });
}

function search() {
  const words = $("#query").value.toLowerCase().split(/\s+/).filter(Boolean);
  if (!window.SEARCH) return;
  const find = all => [...findText(words, all).slice(0, 32), ...findCode(words, all)].sort((a, b) => b.score - a.score);
  let found = words.length ? find("every") : [];
  if (words.length > 1 && !found.length) found = find("some");
  const list = $("#results");
  list.replaceChildren(...found.map(hit => {
    const link = make("a", { href: hit.url });
    link.append(make("small", { textContent: hit.place }), hit.code ? make("code") : make("span"));
    highlight(link.lastChild, hit.text, words);
    const item = make("li");
    item.append(link);
    return item;
  }));
  if (words.length && !found.length) list.append(make("li", { textContent: "Nothing found." }));
  $("#results a")?.classList.add("on");
}

// The order is: words in the title of a page, in a heading, in the text, in the code; a query that looks like code
// finds code before text.
function findText(words, all) {
  const hits = [];
  for (const [page, heading, anchor, text] of SEARCH.text) {
    const [url, title] = SEARCH.pages[page];
    const lower = text.toLowerCase(), among = [title, heading].map(name => words.filter(word => name.toLowerCase().includes(word)));
    if (!words[all](word => lower.includes(word) || among.flat().includes(word))) continue;
    const first = title.toLowerCase().endsWith(heading.toLowerCase());
    const [inTitle, inHeading] = among.map(found => found.length === words.length);
    const score = 1000 * (inTitle && first) + 100 * inHeading + 10 * among[1].length + words.filter(word => lower.includes(word)).length;
    const place = first ? title : `${title} › ${heading}`;
    hits.push({ url: anchor ? `${url}#${anchor}` : url, place, score, text: excerpt(text, lower.indexOf(words.find(word => lower.includes(word)) ?? "")) });
  }
  return hits.sort((a, b) => b.score - a.score);
}

function readTex(text) {  // what a formula says, more or less
  const names = { cdot: "·", times: "×", approx: "≈", le: "≤", ge: "≥", sqrt: "√", lfloor: "⌊", rfloor: "⌋", to: "→" };
  return text.includes("\\") ? text.replace(/\\frac\{(.*?)\}\{(.*?)\}/g, "$1/$2").replace(/\\(?:mathrm|text|sqrt)\{(.*?)\}/g, "$1")
    .replace(/([\^_])\{([^{}]*)\}/g, "$1$2").replace(/\\[,;!]/g, " ")
    .replace(/\\([a-z]{2,}) ?/g, (_, name) => names[name] ? `${names[name]} ` : /^(ln|log|max|min|cos)$/.test(name) ? `${name} ` : "") : text;
}

function excerpt(text, at) {  // about 190 characters around a place, whole words
  const from = at < 60 ? 0 : text.indexOf(" ", at - 60) + 1, end = text.length < from + 190 ? text.length : text.lastIndexOf(" ", from + 190);
  return (from ? "… " : "") + text.slice(from, end > from ? end : from + 190) + (end < text.length ? " …" : "");
}

function findCode(words, all) {
  const seen = new Set(), code = /\w[_.(=]|^(def|class|import|from) /.test(words.join(" "));
  const hits = SEARCH.code.filter(([page, file, line]) => {
    const lower = line.toLowerCase();
    return words[all](word => lower.includes(word)) && !seen.has(line) && seen.add(line);
  });
  const defines = line => /^(def|class) /.test(line) ? 1 : 0;
  return hits.sort((a, b) => defines(b[2]) - defines(a[2])).slice(0, 8).map(([page, file, text, number]) => (
    { url: `${SEARCH.pages[page][0]}#L${number}-${file}`, place: `${SEARCH.pages[page][1]} › ${file}`, text, code: true, score: code ? 9 : 0 }
  ));
}

function highlight(element, text, words) {
  const long = words.filter(word => word.length > 2);
  const pattern = new RegExp(`(${(long.length ? long : words).map(word => word.replace(/[^\w\s]/g, "\\$&")).join("|")})`, "gi");
  element.append(...text.split(pattern).map((part, i) => i % 2 ? make("mark", { textContent: part }) : part));
}

function chooseResult(event) {
  const links = $$("#results a"), at = links.findIndex(link => link.classList.contains("on"));
  if (event.key === "Enter") {
    event.preventDefault();
    links[at]?.click();
    $("#search").close();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const next = links[Math.min(links.length - 1, Math.max(0, at + (event.key === "ArrowDown" ? 1 : -1)))];
    links[at]?.classList.remove("on");
    next?.classList.add("on");
    next?.scrollIntoView({ block: "nearest" });
  }
}

// ---- The program beside the text ---------------------------------------------------------------------------

const wide = matchMedia("(min-width: 1100px)");

function chooseTab(tab) {
  for (const other of $$("[role=tab]")) {
    other.setAttribute("aria-selected", other === tab);
    other.tabIndex = other === tab ? 0 : -1;
    $(`#${other.getAttribute("aria-controls")}`).hidden = other !== tab;
  }
}

function chooseView(view) {
  for (const button of $$("[data-view]:is(button)")) button.setAttribute("aria-pressed", button.dataset.view === view);
  for (const file of $$(".code.file")) {
    file.dataset.view = view;
    for (const block of $$("details", file)) block.open = block.matches(view === "part" ? ".si" : ".ch");
  }
  const file = $(".code.file:not([hidden])"), first = $(view === "part" ? ".a, .p" : ".a", file);
  if (first) scrollPane(file, first);
}

function scrollPane(file, line) {
  const block = line.closest("details");
  if (block) block.open = true;
  const target = line.checkVisibility() ? line : block ?? line.closest(".b");
  const top = target.getBoundingClientRect().top - file.getBoundingClientRect().top + file.scrollTop;
  file.scrollTo({ top: Math.max(0, top - file.clientHeight / 4) });
}

function showLines(path, number, count) {  // of the program; it scrolls there
  const file = $$(".code.file").find(panel => panel.dataset.file === path);
  if (!file) return;
  for (const other of $$(".code .here")) other.classList.remove("here");
  chooseTab($(`#${file.getAttribute("aria-labelledby")}`));
  for (let n = +number; n < +number + count; n++) $(`[data-n="${n}"]`, file)?.classList.add("here");
  const line = $(`[data-n="${number}"]`, file);
  if (line) scrollPane(file, line);
  if (!wide.matches) file.scrollIntoView();
}

function showHunk(hunk) {  // scroll the program to what the paragraph speaks about
  if (!wide.matches) return;
  for (const other of $$(".hunk.here")) other.classList.remove("here");
  hunk.classList.add("here");
  showLines(hunk.dataset.file, hunk.dataset.line, $$("i.a", hunk).length);
}

function followText() {
  const hunks = $$(".hunk");
  let last = null, waiting = false;
  const follow = () => {
    waiting = false;
    const middle = innerHeight * 0.4;
    const near = hunks.filter(hunk => hunk.checkVisibility() && hunk.getBoundingClientRect().top < middle).pop();
    if (near && near !== last) showHunk(last = near);
  };
  addEventListener("scroll", () => { waiting = waiting || !!requestAnimationFrame(follow); }, { passive: true });
  for (const hunk of hunks) {
    const caption = $("figcaption", hunk), go = make("button", { className: "go", type: "button" });
    go.append(...caption.childNodes);
    const more = make("button", { className: "more", type: "button", textContent: "⌄", title: "the diff, here" });
    more.setAttribute("aria-label", "show the diff in the text");
    more.setAttribute("aria-expanded", "false");
    caption.append(go, more);
    on(go, "click", () => showHunk(last = hunk));
    on(more, "click", () => more.setAttribute("aria-expanded", hunk.classList.toggle("open")));
  }
}

function compareLines() {  // in each hunk: without the indentation that all lines share, and with the words that change marked
  const changed = { a: [], d: [] };
  for (const hunk of $$(".hunk")) {
    const lines = $$("pre i", hunk), indent = line => line.textContent.search(/\S/);
    const common = Math.min(...lines.map(indent).filter(n => n >= 0));
    for (const line of lines) {
      const first = document.createTreeWalker(line, NodeFilter.SHOW_TEXT).nextNode();
      first?.deleteData(0, Math.min(common, first.length));
      line.style.setProperty("--indent", Math.max(0, indent(line)));
    }
    for (let at = 0; at < lines.length; at++) {
      let [gone, come] = [at, at];
      while (lines[gone]?.matches(".d")) gone++;
      for (come = gone; lines[come]?.matches(".a");) come++;
      const after = lines.slice(gone, come);
      for (const line of lines.slice(at, gone)) {
        const [best, found] = after.map(other => [other, changes(line.textContent, other.textContent)]).sort((a, b) => b[1].same - a[1].same)[0] ?? [];
        if (!found || found.same < 0.5) continue;
        changed.d.push(...found.gone.map(piece => range(line, ...piece)));
        changed.a.push(...found.come.map(piece => range(best, ...piece)));
        after.splice(0, after.indexOf(best) + 1);  // the pairs stay in order
      }
      at = Math.max(at, come - 1);
    }
  }
  if (window.Highlight) for (const mark of ["a", "d"]) CSS.highlights.set(`changed-${mark}`, new Highlight(...changed[mark]));
}

function changes(before, after) {  // the pieces of two lines, as [start, end], that are not in both, and what share is
  const [old, now] = [before, after].map(line => line.match(/\w+|\s+|[^\w\s]/g) ?? []);
  const table = Array.from({ length: old.length + 1 }, () => new Array(now.length + 1).fill(0));  // of common subsequences
  for (let i = old.length; i--;) for (let j = now.length; j--;) {
    const kept = table[i + 1][j + 1] + old[i].length;
    table[i][j] = Math.max(table[i + 1][j], table[i][j + 1], old[i] === now[j] ? kept : 0);
  }
  const gone = [], come = [];
  let [i, j, x, y] = [0, 0, 0, 0];
  const add = (list, from, length) => list.at(-1)?.[1] === from ? list.at(-1)[1] += length : list.push([from, from + length]);
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j] && table[i][j] === table[i + 1][j + 1] + old[i].length) {
      [x, y] = [x + old[i++].length, y + now[j++].length];
    } else if (j < now.length && (i === old.length || table[i][j + 1] >= table[i + 1][j])) {
      add(come, y, now[j].length);
      y += now[j++].length;
    } else {
      add(gone, x, old[i].length);
      x += old[i++].length;
    }
  }
  return { gone, come, same: 2 * table[0][0] / Math.max(1, before.length + after.length) };
}

function range(element, from, to) {  // of the characters of an element
  const found = new Range(), walk = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(), at = 0; node; at += node.length, node = walk.nextNode()) {
    if (from >= at && from < at + node.length) found.setStart(node, from - at);
    if (to > at && to <= at + node.length) found.setEnd(node, to - at);
  }
  return found;
}

function fillBlocks() {  // the blocks that the step leaves unchanged stand once, in blocks-FILE.js
  for (const slot of $$("[data-block]")) {
    const [head, text] = BLOCKS[slot.closest("[data-file]").dataset.file][slot.dataset.block];
    const later = new Set(slot.dataset.p.split(" "));
    const rows = text.split("\n").map((row, i) => `<i${later.has(`${i + 1}`) ? " class=p" : ""}>${row}</i>`);
    const block = make(head ? "details" : "div", { className: slot.className });
    block.style.counterReset = `l ${slot.dataset.l}`;
    block.innerHTML = head ? `<summary>${rows.slice(0, head).join("")}</summary>${rows.slice(head).join("")}` : rows.join("");
    slot.replaceWith(block);
  }
}

function startPane() {
  const tabs = $$("[role=tab]");
  if (!tabs.length) return;
  fillBlocks();
  for (const tab of tabs) {
    on(tab, "click", () => { chooseTab(tab); chooseView($("[data-view][aria-pressed=true]").dataset.view); });
    on(tab, "keydown", event => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
      event.stopPropagation();
      chooseTab(next);
      next.focus();
    });
  }
  for (const button of $$("button[data-view]")) {
    on(button, "click", () => { chooseView(button.dataset.view); memory.set("view", button.dataset.view); });
  }
  const told = $(".prose > .hunk")?.dataset.file;  // begin with the file that the text begins with
  const first = $$(".code.file").find(file => file.dataset.file === told);
  if (first) chooseTab($(`#${first.getAttribute("aria-labelledby")}`));
  const view = memory.get("view", "file");
  chooseView($(`button[data-view=${view}]`) ? view : "file");
  followText();
}

// ---- Predict -----------------------------------------------------------------------------------------------

const SCALES = { k: 1e3, thousand: 1e3, m: 1e6, million: 1e6, g: 1e9, billion: 1e9, "%": 0.01, ms: 0.001 };
const WORDS = ["none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

// The first number of a text with its unit: "495 MB", "1,5" (one and a half), "10^-7", "nine".
function readNumber(text) {
  const plain = text.toLowerCase().replace(/\b(?:([\d.]+) ?[·x×*] ?)?10\^(-?\d+)/g, (_, factor = 1, power) => `${factor}e${power}`)
    .replace(/\b0,(?=\d)/, "0.").replace(/,(?=\d{3}(?!\d))/g, "").replace(/(\d),(?=\d{1,2}(?!\d))/, "$1.");
  const match = plain.match(/((?<![a-z\d])\d+(?:\.\d*)?|\.\d+)(e[-+]?\d+)?(?: ?(thousand|million|billion|ms\b|%|[kmg](?=(?:i?b)?\b)))?/);
  if (!match) return { value: WORDS.findIndex(word => plain.split(/\W+/).includes(word)), scale: 1 };
  return { value: parseFloat(match[1] + (match[2] ?? "")), scale: SCALES[match[3]] ?? 1, unit: match[3] };
}

// How many times too high a guess is, 1 if it is right; where the guess has no unit, 495 also means 495 MB. A number
// that was counted must be the same, one with a unit or a fraction within 2 %.
function judge(guess, answer) {
  const [low, high = low] = answer.split(" to ").map(readNumber);
  const counted = !high.unit && Number.isInteger(low.value) && Number.isInteger(high.value);
  const [from, to] = [low, high].map(bound => bound.value * bound.scale), near = counted ? 0 : 0.02;
  const factors = (guess.unit ? [guess.scale] : [1, high.scale]).map(scale => guess.value * scale).map(value => (
    value < from * (1 - near) ? value / from : value > to * (1 + near) ? value / to : 1
  ));
  return factors.reduce((best, next) => Math.abs(Math.log(next)) < Math.abs(Math.log(best)) ? next : best);
}

// What to say about a guess. The answer is that of lectures/steps.toml, "604 MB or 9.7 GB" if there are two questions.
function compare(text, answer) {
  const guess = readNumber(text), factors = answer && guess.value >= 0 ? answer.split(" or ").map(part => judge(guess, part)) : [];
  if (factors.includes(1)) return `${text}: right.`;
  const [factor] = factors, ratio = Math.max(factor, 1 / factor), side = factor < 1 ? "low" : "high";
  if (factors.length !== 1 || ratio === Infinity) return `You said: ${text}`;
  if (ratio < 1.25) return `${text}: ${+(100 * Math.abs(factor - 1)).toPrecision(1)} % too ${side}.`;
  return `${text}: ${ratio < 1000 ? +ratio.toPrecision(2) : "thousands of"} times too ${side}.`;
}

function startPredict() {
  const form = $(".guess");
  if (!form) return;
  const key = `guess-${$(".sides").dataset.step}`;
  const reveal = guess => {
    $(".result", form).textContent = compare(guess, form.dataset.answer);
    $(".answer", form).hidden = false;
    $("input", form).value = guess;
  };
  form.hidden = false;
  on(form, "submit", event => {
    event.preventDefault();
    const guess = $("input", form).value.trim();
    if (!guess) return;
    memory.set(key, guess);
    reveal(guess);
  });
  if (memory.get(key)) reveal(memory.get(key));
}

// ---- Small things ------------------------------------------------------------------------------------------

function addCopyButtons() {
  for (const block of $$("pre:has(.cmd)")) {
    const button = make("button", { className: "copy", textContent: "copy" });
    on(button, "click", async () => {
      const text = $$(".cmd", block).map(line => line.textContent.replace(/^\$ /, "")).join("\n");
      await navigator.clipboard.writeText(text).then(() => { button.textContent = "copied"; }, () => {});
      setTimeout(() => { button.textContent = "copy"; }, 1500);
    });
    block.prepend(button);
  }
}

function watchEdges() {  // what can be scrolled sideways fades where more follows, and can be reached by Tab
  const look = box => {
    const scrolls = box.scrollWidth > box.clientWidth + 1;
    if (box.checkVisibility()) box.toggleAttribute("tabindex", scrolls) && (box.tabIndex = 0);
    box.classList.toggle("cut", scrolls && box.scrollLeft + box.clientWidth < box.scrollWidth - 2);
  };
  const sizes = new ResizeObserver(entries => entries.forEach(entry => look(entry.target)));
  for (const box of $$("main :is(pre, .table, .picture, .formula)")) {
    sizes.observe(box);
    look(box);
    box.addEventListener("scroll", () => look(box), { passive: true });
  }
}

function enlargePictures() {  // a picture that is wider than the screen opens alone, where two fingers zoom
  const view = make("dialog", { id: "picture", ariaLabel: "Picture" });
  const close = make("button", { textContent: "×", ariaLabel: "Close" });
  on(view, "click", event => { if (!event.target.closest("svg, img")) view.close(); });
  document.body.append(view);
  for (const picture of $$(".picture")) {
    const open = make("button", { className: "enlarge", type: "button", textContent: "⤢ enlarge" });
    open.append(make("span", { className: "hint", textContent: ", or swipe" }));
    on(open, "click", () => {
      view.replaceChildren(close, picture.firstElementChild.cloneNode(true));
      view.showModal();
    });
    on(picture, "click", () => { if (picture.scrollWidth > picture.clientWidth) open.click(); });
    picture.after(open);
  }
}

function openTarget() {  // a link into a fold opens it, and one like #L297-train_gpt2.py shows that line
  const [, number, path] = location.hash.match(/^#L(\d+)-(.+)$/) ?? [];
  if (path) showLines(path, number, 1);
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let fold = target; fold; fold = fold.parentElement) if (fold.matches("details")) fold.open = true;
  if (target) target.scrollIntoView();
}

function startStrip() {
  const caption = $("#strip-caption");
  let shown = null;
  for (const link of $$(".strip a")) {
    for (const event of ["mouseenter", "focus"]) on(link, event, () => { caption.textContent = link.title; });
    on(link, "click", event => {  // bars are narrower than fingers: the first tap shows what it has hit
      if (!matchMedia("(hover: none)").matches || shown === link) return;
      event.preventDefault();
      shown?.classList.remove("on");
      (shown = link).classList.add("on");
      caption.replaceChildren(`${link.title} · `, make("a", { href: link.href, textContent: "open" }));
    });
  }
}

function pressKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select, [contenteditable]")) return;
  if ($("dialog[open]")) return;
  const go = rel => { const link = $(`link[rel=${rel}]`); if (link) location.href = link.href; };
  const scrolls = event.target.closest?.("pre, .code, .table, .picture, [role=tab]");  // there, arrows scroll
  const actions = {
    "/": openSearch, c: openContents, d: toggleTheme,
    ArrowLeft: () => scrolls || go("prev"), ArrowRight: () => scrolls || go("next"),
  };
  if (!actions[event.key]) return;
  if (event.key === "/") event.preventDefault();
  actions[event.key]();
}

for (const id of ["open-contents", "open-search", "theme"]) $(`#${id}`).hidden = false;
on($("#theme"), "click", toggleTheme);
on($("#open-contents"), "click", openContents);
on($("#open-search"), "click", openSearch);
on($("#query"), "input", search);
on($("#query"), "keydown", chooseResult);
on($("#results"), "click", () => $("#search").close());
for (const dialog of $$("dialog")) on(dialog, "click", event => { if (event.target === dialog) dialog.close(); });
on(window, "keydown", pressKey);
on(window, "hashchange", openTarget);
on(window, "storage", showProgress);
on(window, "beforeprint", () => { for (const fold of $$(".prose details:not(.solution)")) fold.open = true; });
$("#all-steps").innerHTML = window.CONTENTS ?? "";  // from contents.js, once for all pages
showProgress();
watchEnd();
startPane();
startPredict();
startStrip();
addCopyButtons();
enlargePictures();
watchEdges();
compareLines();
openTarget();
