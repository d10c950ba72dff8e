"""lectures/steps.py on tiny repositories: a good history passes; what is wrong with a bad one is named."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOOLS = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in ROOT.glob("lectures/*.py")}
pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
needs_ruff = pytest.mark.skipif(not importlib.util.find_spec("ruff"), reason="ruff is not installed")
needs_torch = pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="torch is not installed")

CODE = "def main():\n    print('loss {}')\n    print('1,234 parameters')\n"
TEST = "import train_gpt2\n\n\ndef test_main():\n    train_gpt2.main()\n"
TITLES = ["print a loss", "the same loss", "another loss"]
RUN = 'python -c "import train_gpt2; train_gpt2.main()"'
LOSS = r"{ find = 'loss (\S+)', value = 10.95, tolerance = 0.2 }"
STANDARD_LIBRARY = ["-S"]  # Python without the packages that are installed; it starts faster
PARAMETERS = r"{ find = '([\d,]+) parameters', value = 1234 }"


def git(folder, *arguments):
    """What git prints."""
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def write(folder, files):
    """Write `files`, path -> text."""
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def commit(folder, message, files):
    """Write `files` and commit them; the first 7 digits of the commit's hash."""
    write(folder, files)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(folder, "rev-parse", "HEAD")[:7]


def row(number, title, run=RUN, seconds=30, expect=(), more=""):
    """A [[step]] of steps.toml."""
    text = f"[[step]]\nn = {number}\ntitle = '{title}'\nrun = '''{run}'''\nseconds = {seconds}\n{more}\n"
    return text + f"expect = [{', '.join(expect)}]\n"


def table(*rows):
    """A steps.toml, as a dict for `write`."""
    return {"lectures/steps.toml": "losses = 'loss (\\S+)'\n" + "".join(rows)}


def steps(folder, *arguments, options=(), **environment):
    """Run the steps.py in `folder`; its exit code and all that it prints."""
    command = [sys.executable, *options, str(folder / "lectures" / "steps.py"), *arguments]
    settings = os.environ | {"PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"} | environment
    done = subprocess.run(command, env=settings, capture_output=True, encoding="utf-8", timeout=600)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A repository with three steps, the second the same as the first. Left as it is."""
    folder = tmp_path_factory.mktemp("good") / "repo"
    folder.mkdir()
    git(folder, "init", "--quiet", "-b", "main")
    settings = {"user.name": "A", "user.email": "a@b.c", "commit.gpgsign": "false", "core.autocrlf": "false"}
    for key, value in settings.items():
        git(folder, "config", key, value)
    commit(folder, "repo: begin", TOOLS | {"train_gpt2.py": ""})
    first = {"train_gpt2.py": CODE.format(10.9503), "tests/test_main.py": TEST}
    commit(folder, f"step 01: {TITLES[0]}\n\nTwo lines\nof prose.\n\nPart: 1 tests\nVideo: 0:45:50", first)
    same = {"train_gpt2.py": CODE.format(10.9502)}
    commit(folder, f"step 02: {TITLES[1]}\n\nPart: 1 tests\nSame-As: 01", same)
    commit(folder, f"step 03: {TITLES[2]}\n\nPart: 1 tests", {"train_gpt2.py": CODE.format("3.5")})
    rows = [
        row(1, TITLES[0], expect=[LOSS, PARAMETERS], more="files = ['train_gpt2.py', 'tests/test_main.py']"),
        row(2, TITLES[1], expect=[LOSS]),
        row(3, TITLES[2]),
    ]
    commit(folder, "notes 01-03: the table of steps", table(*rows))
    commit(folder, "fix E01: a word (steps 02-03)", {"ERRATA.md": "E01\n"})
    commit(folder, "index: link the notes", {"README.md": "steps\n", "lectures/README.md": "steps\n"})
    return folder


@pytest.fixture
def repository(good, tmp_path):
    """A copy of `good` that a test may change."""
    return shutil.copytree(good, tmp_path / "repo")


def test_good_history(good):
    """Without ruff and torch: in test_bad_commit they see the same files, and find nothing else in them."""
    code, output = steps(good, "check", options=STANDARD_LIBRARY)
    assert code == 0, output
    assert "7 commits, 3 steps: ok\n" in output
    assert "median 2, max 3" in output


def test_list(good):
    code, output = steps(good, "list")
    first, second, third = output.splitlines()
    assert code == 0
    assert re.fullmatch(r"01  print a loss +[0-9a-f]{7}  \+3  -0  0:45:50", first)
    assert re.fullmatch(r"02  the same loss +[0-9a-f]{7}  \+1  -1 +same as 01", second)
    assert third.startswith("03")


STEP, PART = "step {next:02d}: a title", "\n\nPart: 1 tests"
STUB = "X = {next}\n"
BAD_MESSAGES = {  # name: (message, files, what `check` says); each is wrong in one way only
    "long subject": (f"{STEP}{'!' * 45}{PART}", {}, "the subject has 61 characters; shorten it to 60"),
    "unknown kind": ("wip: a title", {}, "the subject has none of the known forms"),
    "range of one digit": ("notes 1-3: a title", {}, "the subject has none of the known forms"),
    "fix without steps": (
        "fix E02: a title",
        {"ERRATA.md": "E02\n"},
        "the subject has none of the known forms",
    ),
    "number skipped": ("step {skipped:02d}: a title" + PART, {}, "number it {next:02d}"),
    "number repeated": ("step {repeated:02d}: a title" + PART, {}, "number it {next:02d}"),
    "step in lectures": (STEP + PART, {"lectures/a.md": "a"}, "a step touches ['lectures/a.md']"),
    "notes elsewhere": ("notes 01: a title", {"a.md": "a"}, "notes touch ['a.md']"),
    "index elsewhere": ("index: a title", {"lectures/a.py": "a = 1\n"}, "index touches ['lectures/a.py']"),
    "fix, no erratum": ("fix E03: a title (step 03)", {"a.md": "b"}, "a fix without an entry in ERRATA.md"),
    "no Part": (f"{STEP}\n\nProse.\nPart: 1 tests", {}, "no trailer 'Part: 2 learning'"),
    "bad Video": (f"{STEP}{PART}\nVideo: 45:50", {}, "bad trailer 'Video: 45:50'"),
    "unknown trailer": (f"{STEP}{PART}\nVidoe: 0:45:50", {}, "bad trailer 'Vidoe: 0:45:50'"),
    "same as itself": (f"{STEP}{PART}\nSame-As: {{next:02d}}", {}, "name an earlier one"),
    "step in a body": (
        "repo: a title\n\nsee\nstep 03: there",
        {},
        "a line of the body starts with ['step 03:']",
    ),
    "long body": (f"{STEP}\n\na\n\n" + "a\n" * 11 + PART, {}, "the body has 13 lines"),
}
BAD_SOURCES = {  # name: (train_gpt2.py, what `check` says)
    "syntax": ("def (\n", "train_gpt2.py:1 Expected an identifier (invalid-syntax)"),
    "unused import": ("import os\n", "train_gpt2.py:1 `os` imported but unused"),
    "undefined name": ("def main():\n    return x\n", "train_gpt2.py:2 Undefined name `x`"),
    "left-over": ("# TODO: more\n", "train_gpt2.py:1 Line contains TODO"),
    "dead code": ("# print(1)\n", "train_gpt2.py:1 Found commented-out code"),
    "prints": ("print('hello')\n", "importing train_gpt2 prints 'hello\\n'"),
    "prints below Python": ("import os\n\nos.write(2, b'hey')\n", "importing train_gpt2 prints 'hey'"),
    "writes": ("open('new.txt', 'w').close()\n", "changes the files in the folder"),
    "seeds": ("import torch\n\ntorch.manual_seed(1)\n", "changes torch's random state"),
    "seeds again": (
        "import torch\n\ntorch.manual_seed(1)  # again\n",
        "changes torch's random state",
    ),
    "dtype": ("import torch\n\ntorch.set_default_dtype(torch.float64)\n", "changes torch's default dtype"),
    "threads": ("import torch\n\ntorch.set_num_threads(7)\n", "changes torch's number of threads"),
    "precision": (
        "import torch\n\ntorch.set_float32_matmul_precision('high')\n",
        "changes torch's matmul precision",
    ),
    "environment": ("import os\n\nos.environ['A'] = 'b'\n", "changes os.environ"),
    "connects": (
        "import socket\n\ntry:\n    socket.create_connection(('127.0.0.1', 9))\nexcept OSError:\n    pass\n",
        "importing train_gpt2 opens a connection",
    ),
    "ends": ("import sys\n\nsys.exit()\n", "importing train_gpt2 fails with SystemExit"),
    "kills": ("import os\n\nos._exit(1)\n", "importing train_gpt2 hangs or ends Python"),
    "too large": ("".join(f"x{count} = 1\n" for count in range(78)), "81 changed lines in train_gpt2.py"),
}


@pytest.fixture(scope="module")
def bad(good, tmp_path_factory):
    """`good` with all these commits on top, checked once: name -> (words to be said, what is said)."""
    folder = shutil.copytree(good, tmp_path_factory.mktemp("bad") / "repo")
    previous, wanted = 3, {}
    cases = dict(BAD_MESSAGES)
    for name, (source, words) in BAD_SOURCES.items():
        cases[name] = (STEP + PART, {"train_gpt2.py": source}, words)
    for name, (message, files, words) in cases.items():
        numbers = {"next": previous + 1, "skipped": previous + 2, "repeated": previous}
        message = message.format(**numbers)
        if message.startswith("step "):
            previous = int(message[5:7])
        wanted[name] = (commit(folder, message, files), words.format(**numbers))
    git(folder, "checkout", "--quiet", "-b", "side", "HEAD~1")
    commit(folder, "repo: aside", {"a.txt": "a"})
    git(folder, "checkout", "--quiet", "main")
    git(folder, "merge", "--quiet", "--no-ff", "--message", "repo: join", "side")
    wanted["merge"] = (git(folder, "rev-parse", "HEAD")[:7], "this is a merge; rebase")
    code, output = steps(folder, "check")
    assert code == 1, output
    said = {}
    for line in output.splitlines():
        if "no row in" not in line:
            said.setdefault(line[:7], []).append(line)
    return {name: (words, said.get(hash, [])) for name, (hash, words) in wanted.items()}


RUFF = ("syntax", "unused import", "undefined name", "left-over", "dead code")
TORCH = [name for name in BAD_SOURCES if name not in (*RUFF, "too large")]
MARKS = dict.fromkeys(RUFF, [needs_ruff]) | dict.fromkeys(TORCH, [needs_torch])
NAMES = [*BAD_MESSAGES, *BAD_SOURCES, "merge"]


@pytest.mark.parametrize("name", [pytest.param(name, marks=MARKS.get(name, [])) for name in NAMES])
def test_bad_commit(bad, name):
    words, said = bad[name]
    assert len(said) == 1 or name == "syntax", said  # an import fails, too
    assert words in said[0]


def test_table_and_history_differ(repository):
    tolerance = "{ find = 'loss (.*)', value = 1, tolerance = -1 }"
    files = "files = ['a.py']"
    rows = [
        row(1, "a wrong title", expect=["{ find = 'no group', value = 1 }", tolerance], more=files),
        "[[step]]\nn = 2\ntitle = 'the same loss'\nseconds = 1\n",
        row(5, "not there yet", more="colour = 'red'\nneeds = ['a miracle']"),
    ]
    write(repository, table(*rows))
    code, output = steps(repository, "check", options=STANDARD_LIBRARY)
    assert code == 1
    for words in (
        "step 01: the title in lectures/steps.toml is 'a wrong title'; make it 'print a loss'",
        "step 01: the files in lectures/steps.toml are ['a.py']; make them ['tests/test_main.py', 'train",
        "step 01: 'find' is 'no group'; make it a pattern with one group",
        "step 01: 'tolerance' is -1; make it a number, 0 or more",
        "step 02: 'run' is missing",
        "step 03: no row in lectures/steps.toml",
        "step 05: unknown key 'colour'",
        "step 05: 'needs' is ['a miracle']",
        "step 05: no such step in the history",
        "7 commits, 3 steps: 9 problem(s)",
    ):
        assert words in output, output
    code, output = steps(repository, "replay", "03")
    assert code == 2 and re.fullmatch(r"error: lectures/steps.toml step 01: 'find' is .*\n", output)


def test_second_edition(repository):
    write(repository, {"train_gpt2.py": ""})
    rows = [row(number, title) for number, title in enumerate(TITLES, start=1)]
    commit(repository, "repo: begin a second edition", table(*rows))
    young = commit(repository, f"step 01: {TITLES[0]}{PART}", {"train_gpt2.py": CODE.format(10)})
    code, output = steps(repository, "list")
    assert young in output.splitlines()[0] and len(output.splitlines()) == 3
    code, output = steps(repository, "check", options=STANDARD_LIBRARY)
    assert code == 0, output
    assert "warning: imports are not checked; pip install torch\n" in output
    assert "9 commits, 4 steps: ok" in output


def verdicts(output):
    """The table at the end of a replay: step -> the rest of its line."""
    lines = output[output.index("\nstep  title") :].strip().splitlines()[1:]
    return {int(line[:2]): line[4:] for line in lines}


def test_index(repository):
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "step 04: no page yet\n\nPart: 2 more")
    markers = {"nav": "<!-- nav -->\nold\n<!-- /nav -->\n", "steps": "<!-- steps -->\n<!-- /steps -->\n"}
    rows = [
        row(n, TITLES[n - 1], more=f"page = '0{n}.md'\nneeds = {['text', 'vocab'][:n]}") for n in (1, 2, 3)
    ]
    names = {f"lectures/0{n}.md": f"# {n}\n{markers['nav']}end\n" for n in (1, 2, 3)}
    readmes = {f"{folder}README.md": f"above\n{markers['steps']}below\n" for folder in ("", "lectures/")}
    write(repository, table(*rows) | names | readmes)
    lookup = ["main^{/^step 01:}", "main^{/^step 02:}"]
    first, second = (git(repository, "rev-parse", name)[:7] for name in lookup)

    code, output = steps(repository, "index", "--check")
    assert code == 1 and output.count("stale; run python lectures/steps.py index") == 5
    assert "old" in (repository / "lectures" / "02.md").read_text(encoding="utf-8")
    code, output = steps(repository, "index")
    assert code == 0 and "3 pages, 5 written" in output, output
    assert steps(repository, "index", "--check") == (0, "3 pages, 0 stale\n")

    line = "[← 01](01.md) · [index](README.md#the-steps) · [03 →](03.md) · "
    line += f"[{second}](../../../commit/{second}) · +1 −1 · needs tiny Shakespeare, GPT-2's vocabulary<br>\n"
    line += f'Get this step: `git -C ../at-step switch --detach "{lookup[1]}"`'
    page = (repository / "lectures" / "02.md").read_text(encoding="utf-8")
    assert page == f"# 2\n<!-- nav -->\n{line}\n<!-- /nav -->\nend\n"
    page = (repository / "lectures" / "01.md").read_text(encoding="utf-8")
    get = re.search('(?m)^Get this step: `git (worktree add) (../at-step) "(.*)"`$', page)
    git(repository, *get[1].split(), get[2], get[3])
    get = re.search('Get this step: `git -C (../at-step) (switch --detach) "(.*)"`', line)
    git(repository / get[1], *get[2].split(), get[3])
    assert git(repository.parent / "at-step", "rev-parse", "HEAD").startswith(second)

    video = "[0:45:50](https://youtu.be/l8pRSuU81PU?t=2750)"
    text = (repository / "README.md").read_text(encoding="utf-8")
    assert text.startswith("above\n<!-- steps -->\n| | step |") and text.endswith(
        "|\n<!-- /steps -->\nbelow\n"
    )
    commit_of = f"[{first}](../../commit/{first})"
    assert (
        f"| | **1 tests** | | | |\n| 01 | [print a loss](lectures/01.md) | {commit_of} | +3 −0 | {video} |"
        in text
    )
    assert "| | **2 more** | | | |\n| 04 | no page yet | [" in text
    text = (repository / "lectures" / "README.md").read_text(encoding="utf-8")
    assert f"| 02 | [the same loss](02.md) | [{second}](../../../commit/{second}) | +1 −1 |  |" in text

    (repository / "README.md").write_text("no markers", encoding="utf-8")
    code, output = steps(repository, "index")
    assert (code, output) == (
        2,
        "error: README.md has 0 blocks '<!-- steps --> ... <!-- /steps -->'; keep one\n",
    )
    (repository / "lectures" / "03.md").unlink()
    write(repository, {"README.md": markers["steps"]})
    code, output = steps(repository, "index")
    assert code == 2 and output.startswith("error: lectures/03.md is missing; write it")


def test_worktree(repository, tmp_path):
    folder = tmp_path / "at-step"
    program = folder / "train_gpt2.py"

    def move(number, where=folder):
        code, output = steps(repository, "worktree", number, str(where), options=STANDARD_LIBRARY)
        assert code == 0 or (code == 2 and re.fullmatch("error: .*\n", output)), output
        return output

    assert move("01") == f"{folder} is at step 01: print a loss\n"
    assert program.read_text(encoding="utf-8") == CODE.format(10.9503)
    write(folder, {"notes.txt": "mine"})
    assert move("3") == f"{folder} is at step 03: another loss\n"
    assert program.read_text(encoding="utf-8") == CODE.format("3.5")

    program.write_text("mine", encoding="utf-8")
    assert "has uncommitted changes" in move("02")
    assert program.read_text(encoding="utf-8") == "mine"
    mine = commit(folder, "mine", {})
    assert "has commits that are on no branch" in move("02")
    assert git(folder, "rev-parse", "HEAD").startswith(mine)
    git(folder, "branch", "mine")
    assert "is at step 02" in move("02")
    git(folder, "switch", "--quiet", "mine")
    assert "has a branch checked out" in move("02")

    shutil.rmtree(folder)
    assert "is at step 02" in move("02")
    shutil.rmtree(folder)
    folder.mkdir()
    assert "exists and is not a worktree of this repository" in move("02")
    assert "is the clone itself" in move("02", repository)
    assert "exists and is not a worktree" in move("02", repository / "lectures")
    assert git(repository, "status", "--porcelain", "--branch") == "## main"
    assert move("07") == "error: no step 07; there are 01-03\n"
    assert move("two") == "error: no step two; there are 01-03\n"


def test_a_worktree_has_the_fixes_of_its_errata(repository, tmp_path):
    folder, code = tmp_path / "at-step", CODE.replace("1,234", "1,235")
    commit(repository, "fix E02: count one more (steps 01-03)", {"train_gpt2.py": code.format("3.5")})

    def move(number, *options):
        return steps(repository, "worktree", number, str(folder), *options, options=STANDARD_LIBRARY)[1]

    assert "error: " in move("01") and "does not apply to step 01 (commit " in move("01")
    patch = "--- a/train_gpt2.py\n+++ b/train_gpt2.py\n@@ -3 +3 @@\n"
    patch += "-    print('1,234 parameters')\n+    print('1,235 parameters')\n"
    (repository / "lectures/errata").mkdir()
    write(
        repository / "lectures",
        {"errata/E02-01-02.patch": f"diff --git a/train_gpt2.py b/train_gpt2.py\n{patch}"},
    )
    for number, loss in (("01", 10.9503), ("02", 10.9502), ("03", "3.5"), ("01", 10.9503)):
        output = move(number)
        assert f"is at step {number}: " in output and "  + fix E02: count one more (steps 01-03)\n" in output
        assert (folder / "train_gpt2.py").read_text("utf-8") == code.format(loss)
        assert git(folder, "log", "-1", "--format=%s") == "fix E02: count one more"
        assert git(folder, "status", "--porcelain") == ""
    here = git(folder, "rev-parse", "HEAD")
    output = move("01", "--no-fixes")
    assert (folder / "train_gpt2.py").read_text("utf-8") == CODE.format(10.9503)
    assert output.endswith(": print a loss\n  without the fixes of E02: see ERRATA.md\n")
    move("01")
    assert git(folder, "rev-parse", "HEAD") == here  # the same commits each time
    commit(folder, "mine", {"notes.txt": "mine"})
    assert "has commits that are on no branch" in move("02")


WITHIN = [31, 33, 45, 54]  # where another patch begins to fit; the ends of each range are added


def test_the_fixes_of_each_step_apply_and_bring_their_guards():
    """`steps.py guards` runs these tests; here they are only looked for."""
    sys.path.insert(0, str(ROOT / "lectures"))
    try:
        import errata
        from history import UserError, by_number, read_history
    finally:
        sys.path.pop(0)
    try:
        commits = read_history()
    except UserError as error:
        pytest.skip(str(error))
    names = errata.read_guards()
    fixes = [commit.title for commit in commits if commit.kind == "fix"]
    ends = {int(number) for title in fixes for number in re.findall(r"\d\d", title[title.rindex("(step") :])}
    for number in sorted({*WITHIN, *ends}):
        here, fixes = errata.correct(commits, by_number(commits)[number])
        assert fixes == errata.find_fixes(commits, number) != []
        paths = git(ROOT, "diff", "--name-only", f"{here}~{len(fixes)}", here).splitlines()
        texts = [git(ROOT, "show", f"{here}:{path}") for path in paths if path.endswith(".py")]
        for text in texts:
            compile(text, "a fixed file", "exec")
        for fix in fixes:
            guards = names[fix.subject[4:7]]
            assert any(f"def {name}(" in text for name in guards for text in texts), (number, fix.subject)


def test_replay(good):
    code, output = steps(good, "replay")
    assert code == 0, output
    rows = verdicts(output)
    assert re.search(r"ok +\d+\.\d +10.9503 \(expected: 10.95 \+- 0.2\); 1,234 \(expected: 1234\)", rows[1])
    assert re.search(r"ok .*all 1 losses equal those of step 01", rows[2])
    assert re.search(r"another loss +ok", rows[3])
    assert len(git(good, "worktree", "list").splitlines()) == 1


SPAWN = """
import subprocess, sys, time
subprocess.Popen([sys.executable, 'beat.py', sys.argv[1]])
print('started')
time.sleep(60)
"""
BEAT = """
import sys, time
while True:
    open(sys.argv[1], 'a').write('x')
    time.sleep(0.1)
"""


def test_replay_what_goes_wrong(repository, tmp_path):
    beat = tmp_path / "beat.txt"
    files = {"spawn.py": SPAWN, "beat.py": BEAT, "tests/test_main.py": "def test():\n    assert 1 == 2\n"}
    commit(repository, f"step 04: unequal{PART}\nSame-As: 01", {"train_gpt2.py": CODE.format(10.96)})
    commit(repository, f"step 05: hang{PART}", files)
    commit(repository, f"step 06: a vocabulary{PART}", {"tests/test_main.py": TEST})
    commit(repository, f"step 07: the same as a skipped one{PART}\nSame-As: 06", {})
    commit(repository, f"step 08: no row{PART}", {})
    text = "python -c \"print(open('input.txt').read()); raise SystemExit(3)\""
    rows = [
        row(1, TITLES[0], expect=["{ find = 'loss (.*)', below = 10 }"]),
        row(
            3,
            TITLES[2],
            expect=["{ find = 'loss (.*)', last = true, value = 3.5 }", "{ find = '(x)', below = 1 }"],
        ),
        row(4, "unequal"),
        row(5, "hang", f"python spawn.py {beat.as_posix()}", seconds=0.5),
        row(6, "a vocabulary", more="needs = ['vocab']"),
        row(7, "the same as a skipped one"),
        row(2, TITLES[1], text, more="needs = ['text']"),
    ]
    write(repository, {"input.txt": "\n".join(map(str, range(100, 120)))} | table(*rows))
    offline = {
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": "",
        "TIKTOKEN_CACHE_DIR": str(tmp_path / "none"),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # pytest starts faster
    }
    code, output = steps(repository, "replay", "02-8", "--tests", **offline)
    size = beat.stat().st_size
    assert code == 1
    rows = verdicts(output)
    assert re.search(r"FAILED .* 1 passed +10.9503 \(expected: below 10\)", rows[1]), (
        "named by Same-As, so it runs"
    )
    assert re.search(r"FAILED .* 1 passed +exit code 3", rows[2])
    assert "\n    105\n" in output and "\n    104\n" not in output
    assert re.search(r"FAILED .*3.5 \(expected: 3.5\); nothing matches '\(x\)'", rows[3])
    assert re.search(r"FAILED .*loss 10.96, in step 01 10.9503", rows[4])
    assert re.search(r"FAILED .* 1 failed +killed after 2 s.*; the tests fail", rows[5])
    assert "\n    started\n" in output
    assert re.search(r"skipped .* 1 passed +needs GPT-2's vocabulary", rows[6])
    assert re.search(r"ok .* 1 passed +losses not compared with step 06: skipped", rows[7])
    assert re.search(r"FAILED .*no row in lectures/steps.toml", rows[8])
    assert len(git(repository, "worktree", "list").splitlines()) == 1
    time.sleep(0.5)
    assert beat.stat().st_size == size, "a child of the command that hung is still alive"


def test_nothing_to_look_at(good, tmp_path):
    assert steps(good, "replay", "04") == (2, "error: no step 04; there are 01-03\n")
    assert steps(good, "replay", "3-1") == (2, "error: 3-1 is an empty range; write 01-03\n")
    expected = (2, "error: no revision nowhere here; git log --all --oneline lists them\n")
    assert steps(good, "list", "nowhere") == expected
    code, output = steps(good, "replay", "--fast")
    assert code == 2 and re.fullmatch("error: unrecognized arguments: --fast; .*\n", output)
    git(tmp_path, "clone", "--quiet", "--depth=1", good.as_uri(), "shallow")
    expected = (2, "error: this clone is shallow; run git fetch --unshallow\n")
    assert steps(tmp_path / "shallow", "check") == expected
    shutil.copytree(good, tmp_path / "zip", ignore=shutil.ignore_patterns(".git"))
    expected = (2, "error: no git history here (is this a ZIP?); use git clone\n")
    assert steps(tmp_path / "zip", "list") == expected
    git(tmp_path, "clone", "--quiet", good.as_uri(), "clone")
    git(tmp_path / "clone", "checkout", "--quiet", "--detach", "HEAD~3")
    git(tmp_path / "clone", "branch", "--quiet", "-D", "main")
    assert len(steps(tmp_path / "clone", "list")[1].splitlines()) == 3, "of origin/main"
    assert steps(tmp_path / "clone", "replay", "1")[0] == 0, "with the table of origin/main"
    expected = "error: git is not installed; get it from https://git-scm.com/downloads\n"
    assert steps(good, "list", PATH="") == (2, expected)


def test_the_index_of_this_repository_is_not_stale():
    code, output = steps(ROOT, "index", "--check")
    if code == 2 and re.search("no git history here|this clone is shallow", output):
        pytest.skip(output.strip())
    assert code == 0, output


def test_the_history_of_this_repository_keeps_its_rules():
    code, output = steps(ROOT, "check")
    if code == 2:
        pytest.skip(output.strip())
    assert code == 0, output
