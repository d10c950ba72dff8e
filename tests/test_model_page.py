"""The model in the page: what export.py writes, and with SITE=1 what the page does in a browser."""

import html
import importlib.util
import json
import math
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.numpy import load_file

from data import get_tokenizer, open_data
from train_gpt2 import GPT, GPTConfig

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "lectures" / "book" / "model"
TEXTS = ["d", "def ", "for key, value in items:\n    print(key, v", "Größe = 'żółw' # 🐢\n\t", "x" * 64]
TEXTS += ["for key, value in range(", "class Counter:\n    def __init__(self, count=0):\n        self.co"]


def load_export():
    """lectures/book/model/export.py as a module."""
    spec = importlib.util.spec_from_file_location("model_export", HERE / "export.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


export = load_export()


def read(name):
    return (HERE / name).read_text(encoding="utf-8")


def make_model(**sizes):
    sizes = dict(vocab_size=257, context=16, n_layer=2, n_head=2, n_embd=8, tokenizer="bytes") | sizes
    return GPT(GPTConfig(**sizes), torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def model():
    return GPT.from_pretrained(HERE / "checkpoint").eval()


# ---- What export.py writes ---------------------------------------------------------------------------------


def test_a_script_holds_sizes_and_numbers(tmp_path):
    make_model().save_pretrained(tmp_path)
    found = re.search(r"(?s) config: (\{.*?\}),\n  weights: \{(.*),\n  \},\n\};\n$", export.script(tmp_path))
    assert json.loads(found[1]) == dict(vocab_size=257, context=16, n_layer=2, n_head=2, n_embd=8)
    weights = json.loads(f"{{{found[2]}}}")
    tensors = load_file(tmp_path / "model.safetensors")
    assert {f"transformer.{name}" for name in weights} == set(tensors)
    for name, (shape, numbers) in weights.items():
        expected = tensors[f"transformer.{name}"]
        assert tuple(shape) == expected.shape
        read_back = np.frombuffer(export.base64.b64decode(numbers), "<f2").reshape(shape)
        np.testing.assert_array_equal(read_back, expected.astype("<f2"))
    assert weights["h.0.attn.c_attn.weight"][0] == [8, 24]  # (in, out)


def test_a_checkpoint_in_half_is_a_checkpoint(tmp_path):
    model = make_model()
    model.save_pretrained(tmp_path / "whole")
    export.main(tmp_path / "whole", str(tmp_path / "half"))
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("whole", "half")]
    assert sizes[1] < 0.7 * sizes[0]
    halved = GPT.from_pretrained(tmp_path / "half")
    assert halved.config == model.config
    for weight, expected in zip(halved.parameters(), model.parameters(), strict=True):
        assert torch.equal(weight, expected.half().float())


def test_what_the_page_cannot_run_is_refused(tmp_path):
    make_model(tokenizer="gpt2").save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="does not read bytes"):
        export.script(tmp_path)
    model = make_model()
    model.h[1].mlp.c_fc.weight.data[0, 0] = 1e5
    model.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"h\.1\.mlp\.c_fc\.weight .* too large for float16"):
        export.script(tmp_path)


def test_the_committed_model_has_learned(model):
    assert f"{model.num_parameters():,} parameters" in " ".join(read("page.html").split())
    assert (HERE / "checkpoint" / "model.safetensors").stat().st_size < 1_300_000
    code = "    def __init__(self, name, value=None):\n        self.name = name\n"
    idx = torch.tensor(get_tokenizer("bytes").encode(code))[None, :64]
    _, loss = model(idx[:, :-1], idx[:, 1:])
    assert loss < 1.5  # ln 257 = 5.55


def attention(model, idx, layer):
    """How much each head of a layer reads from each position: (B, n_head, T, T)."""
    found = []

    def keep(module, inputs, output):
        B, T, C = inputs[0].shape
        q, k, _ = module.c_attn(inputs[0]).view(B, T, 3, module.n_head, -1).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])
        found.append(scores.masked_fill(torch.ones(T, T).triu(1).bool(), -torch.inf).softmax(-1))

    hook = model.h[layer].attn.register_forward_hook(keep)
    with torch.no_grad():
        model(idx)
    hook.remove()
    return found[0]


def test_what_the_page_says_about_heads_is_true(model):
    validation = open_data("laptop")[1]
    rows = np.stack([validation.read(512 * i, 64) for i in range(600)]).astype(np.int64)
    first, *_, last = (attention(model, torch.from_numpy(rows), layer) for layer in range(3))
    near = sum(first.diagonal(-back, 2, 3).mean((0, 2)) for back in range(3))
    assert (near > 0.5).sum() == 3
    shares = []
    for row, weights in zip(rows.tolist(), last, strict=True):
        opened = []
        for t, token in enumerate(row):
            if token == ord("("):
                opened.append(t)
            elif token == ord(")"):
                opened = opened[:-1]
            elif opened and t - opened[-1] >= 3:
                shares.append(weights[:, t, opened[-1]])
    shares = torch.stack(shares).mean(0)
    assert shares[0] > 0.25 and shares.argmax() == 0


# ---- The page without a browser ----------------------------------------------------------------------------


def test_the_model_is_short_and_has_the_names_of_train_gpt2():
    code = read("gpt.js")
    assert len(code.splitlines()) < 300
    program = (ROOT / "train_gpt2.py").read_text(encoding="utf-8")
    for name in ("CausalSelfAttention", "MLP", "Block", "GPT"):
        assert f"class {name}(" in program and f"class {name} " in code
    for name in ("c_attn", "c_proj", "c_fc", "ln_1", "attn", "ln_2", "mlp", "wte", "wpe", "h", "ln_f"):
        assert f"self.{name} = " in program and f"this.{name} = " in code
    for name in ("forward", "generate", "from_pretrained", "num_parameters"):
        assert f"def {name}(" in program and re.search(rf"(?m)^  (static |\*)?{name}\(", code)


def test_the_page_needs_no_network_and_no_file_that_is_not_there():
    for name in ("page.html", "page.js", "gpt.js", "model.css"):
        addresses = re.findall(r"\w+://[^\s\"'<)]+", read(name))
        assert set(addresses) <= {"http://www.w3.org/2000/svg"}, addresses  # the name of a format
        assert not re.search(r"\b(fetch|XMLHttpRequest|import)\b\s*\(|@import|type=\"module\"", read(name))
    for name in re.findall(r'(?:src|href)="([^"]+)"', read("page.html")):
        assert name == "weights.js" or (HERE / name).is_file(), name


def test_every_element_that_the_script_uses_is_in_the_page():
    used = set(re.findall(r'\$\("([\w-]+)"\)', read("page.js")))
    assert used and used <= set(re.findall(r'\bid="([\w-]+)"', read("page.html")))


# ---- In a browser ------------------------------------------------------------------------------------------


def find_browser():
    """Return the command of a Chromium. Skips the test where there is none, or without SITE=1."""
    if os.environ.get("SITE") != "1":
        pytest.skip("needs a browser: SITE=1 runs it")
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    command = next(filter(None, map(shutil.which, names)), None)
    return command or pytest.skip(f"none of {', '.join(names)} is installed")


def browse(folder, script):
    """Open the page from a file and run a script in it; return what it returns. The page must not fail."""
    browser = find_browser()
    for name in ("gpt.js", "page.js", "model.css"):
        shutil.copy(HERE / name, folder)
    export.main(HERE / "checkpoint", str(folder / "weights.js"))
    collect = """const errors = [];
      addEventListener("error", (event) => errors.push(event.message));
      window.requestAnimationFrame = (callback) => setTimeout(callback, 16); // no frames without a screen
    """
    run = """addEventListener("load", async () => {
      const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      const $ = (id) => document.getElementById(id);
      let result = null;
      try { result = await (async () => { SCRIPT })(); } catch (error) { errors.push(String(error)); }
      const pre = document.createElement("pre");
      pre.id = "result";
      pre.textContent = JSON.stringify({ result, errors });
      document.body.append(pre);
    });"""
    head = f'<meta charset="utf-8"><title>test</title><script>{collect}</script>'
    body = f"{read('page.html')}<script>{run.replace('SCRIPT', script)}</script>"
    page = f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>'
    (folder / "model.html").write_text(page, encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    options += ["--virtual-time-budget=600000", "--window-size=1200,1000", "--dump-dom"]
    command = [browser, *options, (folder / "model.html").as_uri()]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=300)
    found = re.search(r'<pre id="result">(.*?)</pre>', done.stdout, re.S)
    assert found, done.stderr[-2000:]
    answer = json.loads(html.unescape(found[1]))
    assert answer["errors"] == []
    return answer["result"]


def tokens_of(text):
    return get_tokenizer("bytes").encode(text)


def last_logits(model, tokens):
    with torch.no_grad():
        return model(torch.tensor([tokens]))[0][0, -1]


def test_logits_equal_those_of_pytorch(tmp_path, model):
    script = """
      const model = GPT.from_pretrained(CHECKPOINT);
      const rows = TEXTS.map((text) => [encode(text), Array.from(model.forward(encode(text)))]);
      const again = TEXTS.map((text) => Array.from(GPT.from_pretrained(CHECKPOINT).forward(encode(text))));
      return { rows, again, count: model.num_parameters() };"""
    answer = browse(tmp_path, script.replace("TEXTS", json.dumps(TEXTS)))
    assert answer["count"] == model.num_parameters()
    for text, (tokens, logits), again in zip(TEXTS, answer["rows"], answer["again"], strict=True):
        assert tokens == tokens_of(text)
        assert logits == again  # with the keys and values of other texts in the cache, or without
        torch.testing.assert_close(torch.tensor(logits), last_logits(model, tokens), atol=1e-4, rtol=0)


def test_greedy_generation_equals_that_of_pytorch(tmp_path, model):
    script = """
      const model = GPT.from_pretrained(CHECKPOINT);
      return TEXTS.map((text) => [...model.generate(encode(text), 70, 0)]);"""
    texts = TEXTS[1:4]
    answer = browse(tmp_path, script.replace("TEXTS", json.dumps(texts)))
    for text, tokens in zip(texts, answer, strict=True):
        expected = model.generate(torch.tensor([tokens_of(text)]), 70, temperature=0)
        assert tokens == expected[0, -70:].tolist()


def test_other_sizes_work_too(tmp_path):
    sizes = dict(context=9, n_layer=1, n_head=4, n_embd=12)
    make_model(**sizes).save_pretrained(tmp_path / "whole")
    export.main(tmp_path / "whole", str(tmp_path / "half"))
    other = export.script(tmp_path / "half").replace('"use strict";', "").replace("CHECKPOINT", "OTHER")
    tokens = [256, 0, 65, 255, 10, 32, 7, 8, 9]
    logits = browse(tmp_path, f"{other} return Array.from(GPT.from_pretrained(OTHER).forward({tokens}));")
    expected = last_logits(GPT.from_pretrained(tmp_path / "half"), tokens)
    torch.testing.assert_close(torch.tensor(logits), expected, atol=1e-5, rtol=0)


def test_sampling_follows_temperature_and_top_k(tmp_path, model):
    script = """
      const logits = GPT.from_pretrained(CHECKPOINT).forward(encode("def "));
      const all = [[1, 0], [0.5, 0], [0.8, 5], [0, 50]].map(([t, k]) => next_tokens(logits, t, k));
      let end = 0; // of each token's part of the line from 0 to 1
      const draws = all[2].map(({ probability }) => {
        end += probability;
        return [choose(all[2], end - probability + 1e-6), choose(all[2], end - 1e-6)];
      });
      return { all, draws };"""
    answer = browse(tmp_path, script)
    logits = last_logits(model, tokens_of("def "))
    settings = [(1, 257), (0.5, 257), (0.8, 5), (1e-6, 1)]
    for tokens, (temperature, k) in zip(answer["all"], settings, strict=True):
        likeliest, ids = logits.topk(k)
        assert {token["id"] for token in tokens} == set(ids.tolist())
        found = torch.tensor([float(token["probability"]) for token in tokens])
        torch.testing.assert_close(found, F.softmax(likeliest / temperature, 0), atol=1e-4, rtol=0)
    assert answer["draws"] == [[token["id"]] * 2 for token in answer["all"][2]]


def test_tokens_survive_the_way_through_text(tmp_path):
    script = """
      const rows = [[195], [195, 169], [256, 65], [240, 159, 144, 162], [239, 191, 189], [238, 128, 128]];
      rows.push([239, 187, 191], [237, 160, 128], [255, 0, 127], [195, 40, 226, 130, 172], [226, 130], []);
      rows.push([13, 10]);
      let state = 1;
      const random = (n) => (state = (state * 48271) % 2147483647) % n;
      const token = () => (random(2) ? random(257) : 192 + random(64));
      for (let i = 0; i < 3000; i++) rows.push(Array.from({ length: 6 }, token));
      $("text").value = "";
      return { bad: rows.filter((row) => {
        $("text").value = decode(row);
        return encode($("text").value).join() !== row.join();
      }), snake: decode([240, 159, 144, 162]) };"""
    assert browse(tmp_path, script) == {"bad": [], "snake": "🐢"}


def test_the_reader_can_write_point_and_sample(tmp_path, model):
    script = """
      const text = $("text"), seen = {};
      const spans = () => [...$("tokens").querySelectorAll("span")];
      const looks = () => spans().map((span) => Number(span.style.getPropertyValue("--look")));
      const at = () => spans().findIndex((span) => span.className === "at");
      const bars = () => [...$("bars").querySelectorAll("button")].map((bar) => Number(bar.dataset.id));
      const type = (value) => { text.value = value; text.dispatchEvent(new Event("input")); };
      const letters = $("maps").querySelectorAll("svg text");
      seen.first = { text: text.value, at: at(), looks: looks(), letters: letters.length };

      type("def main("); // the cursor is at the end of what is typed
      seen.typed = { at: at(), bars: bars() };
      text.focus(); text.setSelectionRange(3, 3);
      await frame(); await frame();
      seen.cursor = { at: at(), bars: bars(), note: $("next-note").textContent };

      const place = spans()[6].getBoundingClientRect();
      const where = { clientX: place.x + place.width / 2, clientY: place.y + 5, bubbles: true };
      text.dispatchEvent(new MouseEvent("mousemove", where));
      await frame(); await frame();
      seen.pointed = { at: at(), looks: looks() };
      text.dispatchEvent(new MouseEvent("mouseleave", where));
      await frame(); await frame();
      seen.left = at();
      spans()[6].dispatchEvent(new MouseEvent("click", where)); // a tap
      seen.tapped = { at: at(), cursor: text.selectionStart };

      $("maps").querySelector("[value='0.3']").click();
      seen.head = { looks: looks(), said: $("said").textContent };
      $("bars").querySelector("button").click(); // in place of what follows
      seen.cut = { text: text.value, likeliest: $("likeliest").textContent };

      const height = () => $("go").getBoundingClientRect().top;
      seen.before = height();
      type("def main():\\n    return a_long_name_or_two\\n".repeat(20));
      const sheet = $("tokens").parentElement;
      const bottom = () => document.querySelector("#tokens .at").getBoundingClientRect().bottom;
      seen.place = [height() === seen.before, bottom() <= sheet.getBoundingClientRect().bottom];
      seen.same = $("tokens").offsetHeight === text.scrollHeight; // what is painted lies under what is typed

      type("x".repeat(70) + "é");
      const pale = spans().filter((span) => span.className === "far").length;
      seen.far = { pale, at: at(), sum: looks().reduce((sum, look) => sum + look ** 2, 0) };
      type("");
      seen.nothing = { bars: bars(), said: $("said").textContent };

      $("temperature").value = "0"; $("temperature").dispatchEvent(new Event("input"));
      type("def "); text.setSelectionRange(4, 4); $("one").click();
      seen.one = text.value;
      $("bars").querySelector("button").click();
      seen.chosen = text.value;
      type("def "); $("go").click();
      for (let i = 0; i < 40; i++) await frame();
      seen.label = $("go").textContent;
      $("go").click();
      const length = text.value.length;
      for (let i = 0; i < 5; i++) await frame();
      seen.written = { text: text.value, stopped: text.value.length === length, label: $("go").textContent };
      seen.wide = document.documentElement.scrollWidth <= innerWidth;
      return seen;"""
    seen = browse(tmp_path, script)

    def likeliest(text, count=10):
        return last_logits(model, tokens_of(text) or [256]).topk(count).indices.tolist()

    def looks(text, layer, head):
        return attention(model, torch.tensor([tokens_of(text)]), layer)[0, head, -1].sqrt()

    start = "for key, value in items:\n    print(key, v"
    assert seen["first"]["text"] == start and seen["first"]["at"] == len(start) - 1
    torch.testing.assert_close(torch.tensor(seen["first"]["looks"]), looks(start, 2, 0), atol=2e-3, rtol=0)
    assert seen["first"]["letters"] == 12 * len("".join(start.split()))
    assert seen["typed"] == dict(at=8, bars=likeliest("def main("))
    assert seen["cursor"]["at"] == 2 and seen["cursor"]["bars"] == likeliest("def")
    assert "comes space: the model gives it" in seen["cursor"]["note"]
    assert seen["pointed"]["at"] == 6 and seen["left"] == 2
    expected = torch.cat([looks("def mai", 2, 0), torch.zeros(2)])
    torch.testing.assert_close(torch.tensor(seen["pointed"]["looks"]), expected, atol=2e-3, rtol=0)
    assert seen["tapped"] == dict(at=6, cursor=7)
    expected = torch.cat([looks("def mai", 0, 3), torch.zeros(2)])
    torch.testing.assert_close(torch.tensor(seen["head"]["looks"]), expected, atol=2e-3, rtol=0)
    assert seen["head"]["said"].startswith("Layer 1, head 4 at i looks at ")
    (byte,) = likeliest("def mai", 1)
    assert seen["cut"]["text"] == "def mai" + chr(byte)
    (byte,) = likeliest(seen["cut"]["text"], 1)
    assert seen["cut"]["likeliest"].startswith(f"Next {chr(byte)} ")
    assert seen["place"] == [True, True] and seen["same"]
    assert seen["far"]["pale"] == 72 - 64 and seen["far"]["at"] == 70
    assert seen["far"]["sum"] == pytest.approx(1, abs=0.02)
    assert seen["nothing"]["bars"] == likeliest("") and "nothing to look at" in seen["nothing"]["said"]
    greedy = bytes(model.generate(torch.tensor([tokens_of("def ")]), 400, 0)[0].tolist()).decode()
    assert seen["one"] == greedy[:5] and seen["chosen"] == greedy[:6]
    assert seen["label"] == "Pause" and seen["written"]["label"] == "Continue" and seen["written"]["stopped"]
    assert len(seen["written"]["text"]) > 20 and greedy.startswith(seen["written"]["text"])
    assert seen["wide"]
