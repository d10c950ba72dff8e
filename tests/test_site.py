"""The web site: what it shows is the history, every link leads somewhere, and it works in a real browser."""

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import time
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

pytestmark = pytest.mark.skipif(os.environ.get("SITE") != "1", reason="make site-test runs these")

ROOT = Path(__file__).resolve().parent.parent
VOID = {"meta", "link", "br", "img", "input", "hr", "wbr"}


def git(*arguments):
    """What git prints in this repository."""
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The site, built from this repository."""
    for package in ("jinja2", "latex2mathml", "markdown_it", "mdit_py_plugins", "pygments"):
        pytest.importorskip(package, reason="requirements-site.txt is not installed")
    folder = tmp_path_factory.mktemp("site") / "site"
    command = [sys.executable, str(ROOT / "lectures/book/build.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return folder


class Reader(HTMLParser):
    """Collects the ids and links of a page, and fails where tags are not closed."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.loads, self.stack = [], [], [], []
        self.feed(text)
        assert not self.stack

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values["href"]] if tag == "a" and "href" in values else []
        self.loads += [
            values[name] for name in ("src", "href") if tag in ("script", "link", "img") and name in values
        ]
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.stack = self.stack if tag in VOID else self.stack[:-1]

    def handle_endtag(self, tag):
        assert self.stack and self.stack[-1] == tag, (self.stack, tag, self.getpos())
        self.stack.pop()


@pytest.fixture(scope="session")
def pages(site):
    """The pages by name."""
    return {path.name: Reader(path.read_text("utf-8")) for path in site.glob("*.html")}


def steps():
    """(number, commit, page) of each step that has a page, as git and steps.toml have them."""
    table = git("show", f"{branch()}:lectures/steps.toml")
    names = dict(re.findall(r'(?m)^n = (\d+)\n(?:.+\n)*?page = "(.+)\.md"', table))
    log = git("log", "--format=%H %s", branch())
    commits = {int(number): commit for commit, number in re.findall(r"(?m)^(\w+) step (\d\d): ", log)}
    return [(number, commits[number], f"{names[str(number)]}.html") for number in sorted(commits)]


def branch():
    """What the site is built from."""
    for name in ("main", "origin/main", "HEAD"):
        if (
            subprocess.run(
                ["git", "-C", str(ROOT), "rev-parse", "-q", "--verify", name], capture_output=True
            ).returncode
            == 0
        ):
            return name


def lines_at(revision, path):
    """The lines of a file at a revision, [] if it is not there."""
    command = ["git", "-C", str(ROOT), "show", f"{revision}:{path}"]
    text = subprocess.run(command, capture_output=True, encoding="utf-8").stdout.rstrip("\n")
    return text.split("\n") if text else []


def plain(html):
    """The text of HTML."""
    return unescape(re.sub(r"<[^>]+>", "", html))


@functools.cache
def blocks(site, path):
    """The blocks of a program that stand once for all steps: lists of lines, as HTML."""
    text = (site / f"blocks-{path}.js").read_text("utf-8")
    return [lines.split("\n") for _, lines in json.loads(text.partition(" = ")[2].rstrip(";\n"))]


def slots(site, path, match):
    """The lines that static/site.js puts into the place of a block."""
    return "".join(f"<i>{line}</i>" for line in blocks(site, path)[int(match[1])])


def panels(site, page):
    """The files beside the text of a step's page: path -> lines as (class, number or "", text)."""
    text = re.search(r'(?s)<aside class="pane".*?</aside>\n</div>', page)[0]
    parts = re.split(r'<div class="code file"[^>]*data-file="([^"]+)"[^>]*>', text)[1:]
    slot = r'<div class="b[ a-z]*" data-block=(\d+) [^>]*></div>'
    for at in range(0, len(parts), 2):
        rows = functools.partial(lambda path, match: slots(site, path, match), parts[at])
        parts[at + 1] = re.sub(slot, rows, parts[at + 1])
    line = r'<i(?: class="?([\w ]+)"?)?(?: data-n="?(-?\d+)"?)?>(.*?)</i>'
    return {
        path: [(name.split(), number, plain(html)) for name, number, html in re.findall(line, part)]
        for path, part in zip(parts[::2], parts[1::2], strict=True)
    }


def test_every_link_leads_somewhere_and_no_id_is_there_twice(site, pages):
    wrong = []
    for name, page in pages.items():
        wrong += [f"{name}: two elements {one}" for one in page.ids if page.ids.count(one) > 1]
        for link in page.links:
            if not re.match(r"https?://", link):
                target, _, anchor = link.partition("#")
                there = pages.get(target or name)
                script = target.endswith(".js") and (site / target).is_file()
                if not script and (not there or anchor and unquote(anchor) not in there.ids):
                    wrong.append(f"{name}: {link}")
        files = [load for load in page.loads if not load.startswith("data:")]
        wrong += [f"{name}: {load}" for load in files if not (site / load).is_file()]
    assert not wrong, "\n".join(sorted(set(wrong))[:20])


def test_every_text_of_the_lecture_has_a_page(site, pages):
    texts = git("ls-tree", "-r", "--name-only", branch()).splitlines()
    for path in texts:
        if re.fullmatch(r"[A-Z]+\.md|lectures/[^/]+\.md", path):
            name = {"README.md": "index", "lectures/README.md": "lectures"}.get(path, Path(path).stem.lower())
            assert f"{name}.html" in pages, path
    assert len(steps()) >= 64


def test_sizes(site):
    assert (
        sum(path.stat().st_size for path in site.iterdir())
        < 15_000_000 - max(0, 111 - len(steps())) * 100_000
    )  # room up to step 111
    first = ["index.html", "site.css", "site.js", *(path.name for path in site.glob("*.woff2"))]
    assert sum((site / name).stat().st_size for name in first) < 300_000


def test_the_program_beside_the_text_is_that_of_the_step(site):
    for number, commit, name in steps():
        shown = panels(site, (site / name).read_text("utf-8"))
        stat = git("show", "--format=", "--numstat", "--no-renames", commit).splitlines()
        changes = {
            path: (int(added), int(removed))
            for added, removed, path in (line.split("\t") for line in stat)
            if added != "-"
        }
        for path in [path for path in changes if re.fullmatch(r"\w+\.py|tests/\w+\.py", path)]:
            if changes[path][0] == 0 and path not in shown:
                continue  # the step removes this file
            added, removed = (sum(mark in names for names, _, _ in shown[path]) for mark in "ad")
            assert (added, removed) == changes[path], (number, path)
            if not path.startswith("tests/"):
                for mark, revision in (
                    ("d", commit),
                    ("a", f"{commit}^"),
                ):  # the file after the step, and before
                    lines = [text for names, _, text in shown[path] if mark not in names]
                    assert lines == lines_at(revision, path), (number, path, revision)


def test_each_hunk_in_the_text_leads_to_its_lines(site):
    count = 0
    for _, _, name in steps():
        page = (site / name).read_text("utf-8")
        shown = panels(site, page)
        hunk = r'(?s)<figure class="hunk" data-file="([^"]*)" data-line="([^"]*)">.*?<code>(.*?)</code>'
        for path, number, rows in re.findall(hunk, page):
            added = [plain(row) for row in re.findall(r"<i class=a>(.*?)</i>", rows)]
            there = {place: text for _, place, text in shown[path] if place}
            assert not rows.strip() or number in there, (name, path, number)
            if added:
                assert there[number] == added[0], (name, path, number)
            count += 1
    assert count > 500


def test_errata_stand_on_the_pages_of_their_steps(site):
    entry = re.search(r"(?s)### E01\n.*?\| steps \| (\d+) to (\d+) \|", git("show", f"{branch()}:ERRATA.md"))
    first, last = map(int, entry.groups())
    for number, _, name in steps():
        page = (site / name).read_text("utf-8")
        assert ("<b>E01</b>" in page) == (first <= number <= last), number
        if first <= number <= last:
            patch = re.search(
                r'(?s)<b>E01</b>.*?<p class="file">fineweb.py</p>(.*?)</div><p>|<b>E01</b>.*', page
            )[0]
            assert 'class="a"' in patch or "class=a" in patch or 'class="a ' in patch


def test_every_formula_is_mathml(site):
    texts = [
        path for path in git("ls-files", "lectures/*.md").splitlines() if re.match(r"lectures/\d\d-", path)
    ]
    assert texts
    for path in site.glob("[0-9]*.html"):
        page = path.read_text("utf-8")
        assert "<merror" not in page and "\\frac" not in page
        prose = re.sub(r"(?s)<aside class=.pane.*|<(pre|code|script)\b.*?</\1>", "", page)
        assert not re.search(r"\$[^$<>\n]*\\\w+[^$<>\n]*\$", plain(prose)), path.name


def test_answers_are_folded_and_predictions_are_asked(site):
    for _, _, name in steps():
        page = (site / name).read_text("utf-8")
        assert (
            re.search('class="guess" data-answer="[^"]*" hidden', page)
            and '<div class="answer" hidden><p><strong>Answer.</strong>' in page
        )
        assert page.count('<details class="solution"') >= 2 and '<details class="solution" open' not in page


def test_folds_of_the_text_are_folds_of_the_page(site):
    for _, _, name in steps():
        text = git("show", f"{branch()}:lectures/{Path(name).stem}.md")
        page = (site / name).read_text("utf-8")
        folds = re.findall(r"<details>\s*<summary>(?!<b>E\d\d)", page)
        assert len(folds) >= len(re.findall(r"(?m)^<details>", text)) > 0, name


def test_code_in_a_summary_is_code(site, pages):
    summaries = [
        summary
        for name in pages
        for summary in re.findall(r"(?s)<summary>(?!<i).*?</summary>", (site / name).read_text("utf-8"))
    ]
    assert len(summaries) > 500 and not [summary for summary in summaries if "`" in plain(summary)]
    assert [summary for summary in summaries if "<code>n_head</code>" in summary]


def test_a_folder_with_something_else_is_not_deleted(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    command = [sys.executable, str(ROOT / "lectures/book/build.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert done.returncode == 2 and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert (tmp_path / "thesis.txt").exists()


# ---- In a browser ------------------------------------------------------------------------------------------


class Browser:
    """Chromium, with what it logs and loads."""

    def __init__(self, site, width, height):
        selenium = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
        names = ("chromium", "chromium-browser", "google-chrome")
        program = next(filter(None, map(shutil.which, names)), None)
        driver = shutil.which("chromedriver")
        if not program or not driver:
            pytest.skip(
                "no chromium with its driver here (on Debian: apt-get install chromium chromium-driver)"
            )
        options = selenium.ChromeOptions()
        options.binary_location = program
        for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = selenium.Chrome(options=options, service=selenium.ChromeService(driver))
        metrics = dict(width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.site = site

    def open(self, name):
        """Open a page, and wait until its script has run."""
        self.driver.get(f"{self.site.as_uri()}/{name}")
        self.until(
            f"return location.pathname.endsWith('{name.split('#')[0]}') && document.readyState === 'complete'"
        )

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def until(self, script):
        """Wait until a script returns something true, and return it."""
        for _ in range(100):
            if value := self.run(script):
                return value
            time.sleep(0.1)
        raise AssertionError(f"never true: {script}")

    def press(self, key):
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(key).perform()

    def requests(self):
        """The addresses that were loaded since the last call."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [message for message in messages if message["method"] == "Network.requestWillBeSent"]
        return [message["params"]["request"]["url"] for message in sent]


@pytest.fixture(scope="session")
def screen(site):
    browser = Browser(site, 1440, 900)
    yield browser
    browser.driver.quit()


@pytest.fixture(scope="session")
def phone(site):
    browser = Browser(site, 390, 844)
    yield browser
    browser.driver.quit()


def test_all_pages_load_without_an_error_or_a_request_to_the_network(screen, pages):
    for name in sorted(pages):
        screen.open(name)
        assert screen.driver.get_log("browser") == [], name
        loaded = screen.requests()
        assert any(url.endswith(name) for url in loaded)
        assert all(url.startswith(("file:", "data:")) for url in loaded), (name, loaded)


def test_on_a_phone_no_page_scrolls_sideways(phone, pages):
    wide = []
    for name in sorted(pages):
        phone.open(name)
        width = phone.run("return Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)")
        wide += [(name, width)] if width > 390 else []
    assert not wide


def test_keys_lead_from_step_to_step(screen):
    screen.open("25-ranks.html")
    screen.press("\ue014")  # right
    screen.until("return location.pathname.endsWith('/26-ddp.html')")
    screen.press("\ue012")  # left
    screen.until("return location.pathname.endsWith('/25-ranks.html') && document.readyState === 'complete'")
    screen.press("c")
    assert screen.until("return document.querySelector('#contents').open")
    assert screen.run("return document.activeElement.textContent").startswith("25")


@pytest.mark.parametrize(
    ("words", "place", "text"),
    [
        ("ring all-reduce", "25 · ", "passes a quarter"),
        ("clip_grad_norm_", "20 · ", "clip_grad_norm_"),
        ("def get_batch", "07 · ", "def get_batch"),
    ],
)
def test_search_finds_words_of_the_text_and_names_in_the_code(screen, words, place, text):
    screen.open("index.html")
    screen.press("/")
    screen.until("return document.querySelector('#search').open")
    screen.press(words)
    screen.until("return document.querySelector('#results a')")
    results = screen.run("return [...document.querySelectorAll('#results a')].map(link => link.innerText)")
    assert any(result.startswith(place) for result in results), results
    if place != "25 · ":
        assert text in results[0]
    assert screen.run("return document.querySelector('#results mark').textContent").lower() in words.lower()
    screen.press("\ue007")  # enter
    screen.until("return !location.pathname.endsWith('index.html') && document.readyState === 'complete'")
    if place != "25 · ":  # the line in the program
        assert text in screen.until("return document.querySelector('.code .here')?.textContent")


def test_search_has_titles_first_and_whole_words(screen):
    screen.open("index.html")
    screen.press("/")
    screen.press("flash attention")
    screen.until("return document.querySelector('#results a')")
    results = screen.run("return [...document.querySelectorAll('#results a')].map(link => link.innerText)")
    assert results[0].startswith("17 · ")
    texts = [part[3] for part in screen.run("return SEARCH.text")]
    for excerpt in screen.run(
        "return [...document.querySelectorAll('#results span')].map(e => e.textContent)"
    ):
        words = re.sub(r"^… | …$", "", excerpt)
        assert any(f" {words} " in f" {text} " for text in texts), excerpt
    assert not any(re.search(r"\\(frac|cdot|mathrm|sqrt)", text) for text in texts)
    screen.run("document.querySelector('#query').value = ''")
    screen.press("loss of a batch")
    marks = screen.until(
        "return [...document.querySelectorAll('#results mark')].map(mark => mark.textContent)"
    )
    assert {mark.lower() for mark in marks} <= {"loss", "batch"}
    screen.run("document.querySelector('#query').value = ''")
    screen.press("attention")
    kinds = screen.run(
        "return [...document.querySelectorAll('#results a > :last-child')].map(e => e.tagName)"
    )
    assert kinds == sorted(kinds, reverse=True) and {*kinds} == {"SPAN", "CODE"}  # code comes last


def test_search_says_so_if_there_is_nothing(screen):
    screen.open("index.html")
    screen.press("/")
    screen.press("zyzzyva")
    assert (
        screen.until("return window.SEARCH && document.querySelector('#results').innerText")
        == "Nothing found."
    )


def guess(browser, page, value):
    browser.open(page)
    browser.run("localStorage.clear()")
    browser.open(page)
    assert browser.run("return document.querySelector('.guess .answer').hidden")
    browser.run("document.querySelector('#guess').focus()")
    browser.press(value + "\ue007")
    browser.until("return !document.querySelector('.guess .answer').hidden")
    return browser.run("return document.querySelector('.result').textContent")


@pytest.mark.parametrize(
    ("page", "value", "verdict"),
    [
        ("25-ranks.html", "495", "495: right."),
        ("25-ranks.html", "990 MB", "990 MB: 2 times too high."),
        ("25-ranks.html", "450", "450: 9 % too low."),
        ("01-ids-in-logits-out.html", "77,982,720", "77,982,720: right."),
        ("01-ids-in-logits-out.html", "8 million", "8 million: 9.7 times too low."),
        ("08-cross-entropy.html", "10,8", "10,8: right."),
        ("08-cross-entropy.html", "12", "12: 9 % too high."),
        ("17-flash-attention.html", "12", "You said: 12"),  # there are two questions
        ("38-hellaswag-batched.html", "20", "You said: 20"),  # no one number is the answer
        ("25-ranks.html", "a lot", "You said: a lot"),
    ],
)
def test_a_prediction_is_compared_with_what_was_measured(screen, page, value, verdict):
    assert guess(screen, page, value) == verdict
    screen.open(page)  # it is remembered
    assert screen.run("return document.querySelector('.result').textContent") == verdict


ALSO_ASKED = {  # numbers that stand in the question and are its answer, most of them one of several choices
    1: "80", 6: "1", 12: "2", 20: "100", 24: "4", 33: "200", 54: "0", 57: "0.2", 61: "6", 66: "2", 76: "2",
    83: "1.6", 87: "18", 88: "0.13", 95: "10", 98: "0.31", 99: "0.0005",
}  # fmt: skip


def verdicts(browser, guesses, answer):
    """Those of the guesses that are right."""
    script = "return arguments[0].filter(guess => compare(guess, arguments[1]) === `${guess}: right.`)"
    return browser.run(script, guesses, answer)


def test_only_the_answer_to_a_question_is_right(screen, site):
    screen.open("25-ranks.html")
    digits = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
    answered = 0
    for number, _, name in steps():
        page = (site / name).read_text("utf-8")
        answer = unescape(re.search(r'class="guess" data-answer="([^"]*)"', page)[1])
        question = plain(re.search(r'(?s)<section class="predict">(.*?)<form', page)[1])
        asked = re.findall(r"\d[\d,.]*\d|\d", question)
        assert set(verdicts(screen, asked, answer)) == {ALSO_ASKED.get(number)} - {None}, number
        told = plain(re.search(r'(?s)<div class="answer" hidden>(.*?)</p>', page)[1])
        told = re.sub(r"10([⁻⁰-⁹¹²³]+)", lambda match: f"10^{match[1].translate(digits)}", told)
        words = re.findall(r"[\d.]+·10\^-?\d+|[\d.]+e-\d+|\d[\d,.]*\d(?: [mb]illion)?|\w+", told)
        for part in answer.split(" or ") if answer else []:  # the page gives this answer, too
            assert verdicts(screen, words, part), (number, part)
            answered += 1
    assert answered > 100


@pytest.mark.parametrize(
    ("number", "wrong"),
    [
        (8, "12 400 256 50257 50,257"),
        (17, "12 16"),
        (24, "20"),
        (28, "100,000"),
        (70, "30 100 130"),
        (83, "54 128"),
    ],
)
def test_numbers_beside_the_answer_are_not_right(screen, site, number, wrong):
    screen.open(next(name for step, _, name in steps() if step == number))
    answer = screen.run("return document.querySelector('.guess').dataset.answer")
    assert not verdicts(screen, wrong.split(), answer)


def test_predictions_are_read_as_people_write_them(screen):
    screen.open("25-ranks.html")
    same = "0.495 GB/495/495mb/495 million/495,000,000/about 500 MB/4.95e8/4.95x10^8/494,9/495.000 MB/495 kB"
    assert verdicts(screen, same.split("/"), "495 MB") == same.split("/")[:-1]
    assert verdicts(screen, ["nine", "9", "9.1", "ten"], "9") == ["nine", "9"]
    assert verdicts(screen, ["52 %", "52", "0,52", "0.5"], "52 %") == ["52 %", "52", "0,52"]
    assert verdicts(screen, ["257", "256", "260"], "257") == ["257"]  # what is counted is counted


def test_the_program_follows_the_text(screen):
    screen.open("25-ranks.html")
    hunks = "[...document.querySelectorAll('.hunk')].filter(hunk => hunk.checkVisibility())"
    for number in range(screen.run(f"return {hunks}.length")):
        there = f"{hunks}[{number}].getBoundingClientRect().top - 0.39 * innerHeight"
        screen.run(f"scrollBy({{top: {there}, behavior: 'instant'}})")
        screen.until(f"return {hunks}[{number}].matches('.here')")
        assert screen.run(f"""const hunk = {hunks}[{number}];
            const pane = document.querySelector('.code.file:not([hidden])');
            const line = pane.querySelector(`[data-n="${{hunk.dataset.line}}"]`).getBoundingClientRect();
            const box = pane.getBoundingClientRect();
            const inside = line.top >= box.top && line.bottom <= box.bottom;
            return pane.dataset.file === hunk.dataset.file && line.height > 0 && inside;""")


@pytest.mark.parametrize("name", ["25-ranks.html", "74-stream.html"])
def test_the_browser_shows_the_whole_program(screen, name):
    """Each tab but those of tests is the step's file, with the blocks that pages share."""
    commit = next(commit for _, commit, page in steps() if page == name)
    screen.open(name)
    files = screen.run("""return [...document.querySelectorAll('.code.file')].map(file => [file.dataset.file,
        [...file.querySelectorAll('i:not(.d)')].map(line => line.textContent)])""")
    for path, lines in files:
        if not path.startswith("tests/"):
            assert lines == lines_at(commit, path), path
    numbers = """return [...document.querySelectorAll('#file-1 .b')].map(block =>
        [parseInt(block.style.counterReset.split(' ')[1]), block.querySelectorAll('i:not(.d)').length])"""
    starts = screen.run(numbers)
    assert all(start == sum(count for _, count in starts[:at]) for at, (start, _) in enumerate(starts))


def test_on_a_phone_the_menu_leads_everywhere(phone):
    phone.open("25-ranks.html")
    phone.run("document.querySelector('#open-contents').click()")
    links = "[...document.querySelectorAll('#contents a')].filter(link => link.checkVisibility())"
    found = {Path(name).name for name in phone.run(f"return {links}.map(link => link.pathname)")}
    assert {"reproduce.html", "model.html", "errata.html", "01-ids-in-logits-out.html"} <= found
    box = phone.run("return document.querySelector('#contents .places').getBoundingClientRect().toJSON()")
    assert 0 < box["top"] < box["bottom"] < 844  # on the screen, though the list stands at step 25


def test_on_a_phone_the_contents_can_be_closed(phone):
    phone.open("25-ranks.html")
    phone.run("document.querySelector('#open-contents').click()")
    for part in ("#contents h2", "#contents form button", "#contents [aria-current]"):
        box = phone.run("return document.querySelector(arguments[0]).getBoundingClientRect().toJSON()", part)
        assert 0 < box["top"] < box["bottom"] < 844, part


def test_on_a_phone_lines_of_a_diff_wrap_and_their_changes_are_marked(phone):
    phone.open("17-flash-attention.html")
    hunks = "[...document.querySelectorAll('.prose > .hunk')].filter(hunk => hunk.checkVisibility())"
    assert phone.run(f"return {hunks}.length") > 0
    wide = f"{hunks}.filter(hunk => hunk.querySelector('pre').scrollWidth > hunk.clientWidth)"
    assert phone.run(f"return {wide}.length") == 0
    marks = "return [...CSS.highlights.get(arguments[0])].map(range => range.toString()).join('|')"
    assert "is_causal" in phone.run(marks, "changed-a") and "weights" in phone.run(marks, "changed-d")
    lines = phone.run(f"return {hunks}.map(hunk => [...hunk.querySelectorAll('i')].map(i => i.textContent))")
    for hunk in lines:  # the indentation that all lines share is gone
        assert min(len(line) - len(line.lstrip()) for line in hunk if line.strip()) == 0


def test_what_scrolls_sideways_says_so(phone):
    phone.open("24-accumulation.html")
    box = "[...document.querySelectorAll('.formula')].find(box => box.scrollWidth > box.clientWidth + 9)"
    look = f"return [{box}.tabIndex, getComputedStyle({box}).maskImage]"
    index, mask = phone.run(look)
    assert index == 0 and "gradient" in mask
    phone.run(f"{box}.scrollLeft = 9999")
    phone.until(f"return getComputedStyle({box}).maskImage === 'none'")


def test_a_picture_that_is_cut_off_can_be_enlarged(phone):
    phone.open("17-flash-attention.html")
    phone.run("document.querySelector('.enlarge').click()")
    assert phone.run("return document.querySelector('#picture').open")
    width = phone.run(
        "return document.querySelector('#picture svg:not(button svg)').getBoundingClientRect().width"
    )
    assert width > 700  # its text is as large as that of the page
    phone.run("document.querySelector('#picture button').click()")
    assert not phone.run("return document.querySelector('#picture').open")


def test_commands_without_a_prompt_can_be_copied(phone):
    phone.open("24-accumulation.html")
    box = "[...document.querySelectorAll('pre')].find(box => box.textContent.includes('eight_micro or'))"
    assert phone.run(f"return {box}.querySelector('.cmd').textContent").startswith("python -m pytest")
    assert phone.run(f"return !!{box}.querySelector('.copy') && {box}.scrollWidth <= {box}.clientWidth")


def test_a_finger_sees_which_commit_it_has_hit(phone):
    touch = {"features": [{"name": "hover", "value": "none"}]}
    phone.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", touch)
    phone.open("index.html")
    phone.run("document.querySelectorAll('.strip a')[23].click()")
    assert phone.run("return document.querySelector('#strip-caption').textContent").startswith("24 · ")
    phone.run("document.querySelector('#strip-caption a').click()")
    phone.until("return location.pathname.includes('/24-')")


def test_the_three_views_of_the_program(screen):
    screen.open("25-ranks.html")
    screen.run("localStorage.clear()")
    shown = "return [...document.querySelectorAll('#file-1 i')].filter(line => line.checkVisibility()).length"
    counts = {}
    for view in ("diff", "file", "part"):
        screen.run(f"document.querySelector('button[data-view={view}]').click()")
        counts[view] = screen.run(shown)
    removed = (
        "return [...document.querySelectorAll('#file-1 i.d')].filter(line => line.checkVisibility()).length"
    )
    assert screen.run(removed) == 0 and counts["diff"] < counts["file"] < counts["part"]
    screen.run("document.querySelector('button[data-view=diff]').click()")
    assert screen.run(removed) == 16  # of the 53 and 16 lines of step 25


def test_pictures_follow_the_switch_between_light_and_dark(screen):
    look = """return [document.body, document.querySelector('.picture .f-ink')].map(
        (element, i) => getComputedStyle(element)[i ? 'fill' : 'backgroundColor'])"""
    screen.driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "light"}]}
    )
    screen.open("25-ranks.html")
    screen.run("localStorage.clear()")
    screen.open("25-ranks.html")
    light = screen.run(look)
    screen.run("document.querySelector('#theme').click()")
    dark = screen.run(look)
    assert light[0] != dark[0] and light[1] != dark[1]
    screen.open("26-ddp.html")  # it is remembered
    assert screen.run(look) == dark
    screen.press("d")
    assert screen.run(look) == light


def test_progress_is_remembered(screen):
    screen.open("25-ranks.html")
    screen.run("localStorage.clear()")
    screen.open("01-ids-in-logits-out.html")
    screen.run("document.querySelector('.around').scrollIntoView({behavior: 'instant'})")
    screen.until("return localStorage.read")
    screen.open("index.html")
    assert screen.run("return document.querySelector('#start').textContent") == "Continue with step 02"
    assert screen.run("return document.querySelectorAll('.strip a.read').length") == 1


def test_without_a_script_a_page_can_be_read(screen):
    screen.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        screen.driver.get(f"{screen.site.as_uri()}/25-ranks.html")
        hunks = screen.driver.find_elements("css selector", ".prose > .hunk pre")
        assert hunks and all(hunk.is_displayed() for hunk in hunks)
        assert not screen.driver.find_element("css selector", ".guess").is_displayed()
        assert screen.driver.find_element("css selector", "a.no-js").is_displayed()
    finally:
        screen.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


AXE = [Path(os.environ.get("AXE", "")), ROOT / ".venv/axe/node_modules/axe-core/axe.min.js"]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    "name",
    [
        "index",
        "lectures",
        "errata",
        "reproduce",
        "01-ids-in-logits-out",
        "25-ranks",
        "34-log-and-curve",
        "code-train_gpt2.py",
    ],
)
def test_axe_finds_nothing_serious(screen, name, theme):
    axe = next((path for path in AXE if path.is_file()), None)
    if not axe:
        pytest.skip("axe-core is not there (npm install --prefix .venv/axe axe-core)")
    screen.open(f"{name}.html")
    screen.run(f"document.documentElement.dataset.theme = '{theme}'")
    screen.run(axe.read_text("utf-8"))
    screen.run("window.axeResult = null; axe.run().then(result => { window.axeResult = result.violations; })")
    screen.until("return window.axeResult !== null")
    found = screen.run("return window.axeResult")
    serious = [
        (item["id"], item["impact"], [node["html"][:120] for node in item["nodes"]][:3])
        for item in found
        if item["impact"] in ("serious", "critical")
    ]
    assert not serious
