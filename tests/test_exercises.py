"""lectures/exercises: solutions pass their tests and equal the steps, mistakes are found and named."""

import importlib
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from data import round_tables

ROOT = Path(__file__).resolve().parent.parent
EXERCISES = ROOT / "lectures" / "exercises"
NUMBERS = sorted(path.stem for path in EXERCISES.glob("[0-9][0-9].py"))
MISTAKES = [  # exercise, what its solution has, what a learner writes, the test that must fail, what it says
    ("03", " / math.sqrt(d)", "", "Scores are divided", "instead of 0.8808"),
    ("03", ".triu(diagonal=1)", ".tril(-1)", "What comes later", "positions 0 to 2 change"),
    ("03", "diagonal=1", "diagonal=0", "Position 0 reads itself", "its only weight must be 1"),
    ("03", "softmax(dim=-1)", "softmax(dim=-2)", "Equal keys give", "a softmax over the columns"),
    ("03", "weights @ v", "weights @ v.unsqueeze(7)", "The result has", "IndexError in line "),
    ("03", "weights @ v", "torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)")
    + ("The result is that", "this is the function that you are to write"),
    ("08", " - largest", "", "Large logits", "subtract the largest logit"),
    ("08", ".mean()", ".sum()", "The loss is the mean", "the mean of the four"),
    ("08", "!= -100", "!= -101", "Rows with the target -100", "out of bounds"),
    ("08", ".mean()", ".mean() / 0.6931471805599453", "A probability of 1/2", "not bits"),
    ("10", "(len(tokens) - 1)", "len(tokens)", "The last window", ""),
    ("10", " % count", "", "After the last window", ""),
    ("10", "rows[:, 1:]", "rows[:, 1:].roll(1, 1)", "A target is", "inputs [["),
    ("10", "(step + 1) * config.batch", "step * config.batch + 1", "Inputs and targets", "(1, 5)"),
    ("21", "(step + 1)", "step", "The first step", "it has 0.0000 of the peak"),
    ("21", "0.1 + 0.9", "0.0 + 1.0", "The end is", "0.0000 of the peak"),
    ("21", "(config.steps - config.warmup_steps)", "config.steps", "A third, half", "they are ["),
    ("21", "math.cos(math.pi * progress)", "1 - 2 * progress", "A third, half", "they are [0.7, 0.55, 0.4]"),
    ("24", " / len(batches)", "", "The gradient is that", "4.00 times that of the big batch"),
    ("24", "if rest", "if not count", "Micro-batches that do not", "500000 tokens"),
    ("24", "total = 0.0", "total = model.zero_grad() or 0.0", "The gradient is added", "earlier gradient"),
    ("24", "total += loss.item()", "total = loss.item()", "The loss is the mean", "it is "),
    ("42", "right, left ^", "right ^ left,", "One round", "make 9"),
    ("42", "        if position < count:\n            return position", "        return position % count")
    + ("Each number comes once", "some come twice"),
    ("42", "in tables", "in tables[::-1]", "All tables are used", "not "),
]  # fmt: skip


@pytest.fixture(scope="module")
def grade():
    """lectures/grade.py as a module."""
    sys.path.insert(0, str(ROOT / "lectures"))
    yield importlib.import_module("grade")
    sys.path.remove(str(ROOT / "lectures"))


def run(grade, number, path):
    """What the tests of an exercise say about a file: title -> problem."""
    return dict(grade.run_tests(path, EXERCISES / "tests" / f"{number}.py"))


@pytest.mark.parametrize("number", NUMBERS)
def test_the_solution_passes_and_the_stub_does_not(grade, number):
    results = run(grade, number, EXERCISES / "solutions" / f"{number}.py")
    assert len(results) >= 5 and set(results.values()) == {""}, results
    stub = run(grade, number, EXERCISES / f"{number}.py")
    assert stub.keys() == results.keys() and set(stub.values()) == {"not written"}


@pytest.mark.parametrize(("number", "right", "wrong", "title", "words"), MISTAKES)
def test_a_mistake_is_found_and_named(grade, tmp_path, number, right, wrong, title, words):
    code = (EXERCISES / "solutions" / f"{number}.py").read_text(encoding="utf-8")
    assert code.count(right) >= 1
    path = tmp_path / f"{number}.py"
    path.write_text(code.replace(right, wrong), encoding="utf-8")
    results = grade.run_tests(path, EXERCISES / "tests" / f"{number}.py")  # lazily: a later one may not end
    problem = next(problem for name, problem in results if name.startswith(title))
    assert problem and words in problem and "\n" not in problem, problem


def test_grade_prints_what_passes(grade, tmp_path, capsys):
    folder = shutil.copytree(EXERCISES, tmp_path / "lectures" / "exercises")
    assert grade.grade("42", folder) == 1
    assert "0 of 6 tests pass" in capsys.readouterr().out
    shutil.copy(folder / "solutions" / "42.py", folder)
    assert grade.grade("42", folder) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "lectures/exercises/42.py" and printed[-1] == "6 of 6 tests pass"
    assert [line[:8] for line in printed[1:-1]] == ["ok      "] * 6
    for text, words in (("def (\n", "SyntaxError in line 1"), ("import nowhere\n", "42.py needs nowhere")):
        (folder / "42.py").write_text(text, encoding="utf-8")
        with pytest.raises(grade.UserError, match=words):
            grade.grade("42", folder)


def test_a_loop_that_never_ends_is_a_problem(grade, tmp_path, monkeypatch):
    monkeypatch.setattr(grade, "LIMIT", 0.2)
    code = "import time\n\ndef shuffled(position, count, tables):\n    time.sleep(5)\n"
    (tmp_path / "42.py").write_text(code, encoding="utf-8")
    problems = set(run(grade, "42", tmp_path / "42.py").values())
    assert problems == {"it takes longer than 0.2 seconds; does a loop never end?"}


def test_an_exercise_that_does_not_exist_is_an_error():
    command = [sys.executable, str(ROOT / "lectures" / "steps.py"), "grade", "4"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert done.returncode == 2
    assert done.stderr == f"error: there is no exercise 04; choose one of {', '.join(NUMBERS)}\n"


# ---- The solutions against the steps -----------------------------------------------------------------------


def module_at(number, name, monkeypatch):
    """A file of the repository as it is at a step, as a module. Skips the test where there is no history."""
    command = ["git", "-C", str(ROOT), "show", f"main^{{/^step {number}:}}:{name}.py"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    if done.returncode:
        pytest.skip("no history with a branch main here")
    module = ModuleType(f"{name}_at_{number}")
    monkeypatch.setitem(sys.modules, module.__name__, module)  # dataclasses look for it
    exec(compile(done.stdout, f"{name}.py of step {number}", "exec"), module.__dict__)
    return module


def solution(grade, number):
    return grade.load(EXERCISES / "solutions" / f"{number}.py")


def make_tokens(*shape):
    return torch.randint(50, shape, generator=torch.Generator().manual_seed(3))


def make_config(step, **more):
    sizes = dict(vocab_size=50, context=6, n_layer=1, n_head=2, n_embd=8)
    return step.Config(**sizes, **more)


def test_attention_is_that_of_step_03(grade, monkeypatch):
    step = module_at("03", "train_gpt2", monkeypatch)
    layer = step.CausalSelfAttention(step.GPTConfig(n_embd=8, n_head=2))
    x = torch.randn(3, 5, 8, generator=torch.Generator().manual_seed(3))
    q, k, v = layer.c_attn(x).view(3, 5, 3, 2, 4).permute(2, 0, 3, 1, 4)
    y = solution(grade, "03").attention(q, k, v).transpose(1, 2).reshape(3, 5, 8)
    torch.testing.assert_close(layer.c_proj(y), layer(x))


def test_cross_entropy_is_the_loss_of_step_08(grade, monkeypatch):
    step = module_at("08", "train_gpt2", monkeypatch)
    logits, loss = step.GPT(make_config(step))(make_tokens(4, 6), targets := make_tokens(4, 6))
    found = solution(grade, "08").cross_entropy(logits.flatten(0, 1), targets.flatten())
    torch.testing.assert_close(found, loss)


def test_batches_are_those_of_step_10(grade, monkeypatch):
    step = module_at("10", "train_gpt2", monkeypatch)
    for size, number in ((100, 0), (100, 7), (13, 3), (12, 1), (7, 2)):
        config, tokens = make_config(step, batch=4), make_tokens(size)
        for found, expected in zip(
            solution(grade, "10").get_batch(tokens, config, number),
            step.get_batch(tokens, config, number),
            strict=True,
        ):
            assert found.equal(expected)


def test_learning_rates_are_those_of_step_21(grade, monkeypatch):
    step = module_at("21", "train_gpt2", monkeypatch)
    for steps, warmup in ((50, 10), (7, 0), (19073, 715)):
        config = make_config(step, steps=steps, warmup_steps=warmup)
        for number in range(0, steps, 1 + steps // 40):
            assert solution(grade, "21").learning_rate(number, config) == step.learning_rate(number, config)


def test_accumulation_is_that_of_step_24(grade, monkeypatch):
    step, answer = module_at("24", "train_gpt2", monkeypatch), solution(grade, "24")
    for batch_tokens in (48, 24, 12, 36, 30):
        config = make_config(step, batch_tokens=batch_tokens, micro_batch=2)
        try:
            expected = step.micro_steps(config)
        except step.UserError:
            with pytest.raises(ValueError):
                answer.micro_steps(config)
        else:
            assert answer.micro_steps(config) == expected
    config = make_config(step, batch_tokens=48, micro_batch=2, device="cpu", dtype="float32")
    machine = step.Machine(config)
    tokens, gradients, losses = make_tokens(200), [], []
    for ours in (True, False):
        model = step.GPT(config, torch.Generator().manual_seed(1))
        if ours:
            batches = [step.get_batch(tokens, config, 1, micro) for micro in range(4)]
            losses.append(answer.accumulate(model, batches))
        else:
            parts = [step.add_gradient(model, tokens, config, 1, micro, machine) for micro in range(4)]
            losses.append(sum(map(float, parts)))
        gradients.append([weight.grad for weight in model.parameters()])
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)
    for found, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-4)


def test_the_order_is_that_of_step_42(grade, monkeypatch):
    step, answer = module_at("42", "fineweb", monkeypatch), solution(grade, "42")
    for count in (2, 15, 64, 1000):
        half = ((count - 1).bit_length() + 1) // 2
        tables = [table.tolist() for table in round_tables("1 0", half)]
        for position in range(count):
            found = answer.shuffled(position, count, tables)
            assert found == step.shuffled(position, count, "1 0")
