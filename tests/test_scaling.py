import json
import re
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from test_program import own_folder  # noqa: F401

import scaling
import trials
from errors import UserError
from machine import Machine

NAMES = scaling.NAMES
TRUE = scaling.Law(*np.array([[0.7], [60.0], [300.0], [0.4], [0.35]]))


class OwnProcess:
    """A stand-in for ProcessPoolExecutor: it runs what it is given at once, in this process."""

    def __init__(self, *arguments):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def shutdown(self, cancel_futures):
        pass

    def submit(self, function, *arguments):
        future = Future()
        try:
            future.set_result(function(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Five tiny sizes and four budgets of one or two steps, on the text of own_folder."""
    sizes = [(1, 16), (2, 16), (1, 32), (2, 32), (3, 32)]
    largest = 6 * scaling.count_parameters(*sizes[-1]) * 64
    monkeypatch.setattr(scaling, "ROOT", tmp_path)
    monkeypatch.setattr(scaling, "LOG", tmp_path / "scaling.jsonl")
    monkeypatch.setattr(scaling, "DATA", "data")
    monkeypatch.setattr(scaling, "SIZES", sizes)
    monkeypatch.setattr(scaling, "BUDGETS", [largest * factor for factor in (1, 2, 3, 4)])
    monkeypatch.setattr(scaling, "TARGETS", [(3, 32, 6 * largest)])
    monkeypatch.setattr(scaling, "RATES", [2e-2] * 3)
    monkeypatch.setattr(scaling, "SAMPLES", 20)
    monkeypatch.setattr(scaling, "BATCH", 64)
    monkeypatch.setattr(
        scaling, "RECIPE", "--preset laptop --dtype float32 --data data --micro_batch 1 --eval_every 999"
    )
    monkeypatch.setattr(scaling, "ProcessPoolExecutor", OwnProcess)
    trials.hash_data.cache_clear()


def lines():
    return [json.loads(line) for line in scaling.LOG.read_text(encoding="utf-8").splitlines()]


def made_up(noise=0.0, seed=1):
    """Parameters, tokens and losses of the grid's runs as TRUE has them, with noise."""
    parameters = np.array([scaling.count_parameters(*size) for size in scaling.SIZES], float)
    N, budget = map(np.ravel, np.meshgrid(parameters, scaling.BUDGETS))
    D = budget / 6 / N
    return N, D, TRUE.loss(N, D) * np.exp(noise * np.random.default_rng(seed).standard_normal(len(N)))


def fill_log():
    """Write what the grid's runs would leave in the log, if their losses were as TRUE has them."""
    for flags in scaling.grid():
        config, recipe = trials.describe(flags, 1)
        N, D = trials.count_parameters(config), config.steps * config.batch_tokens
        facts = dict(bits_per_byte=1.0, curve=[(1, 1.0)], seconds=1.0, step_ms=1.0, cpu="", threads=1)
        facts |= dict(python="", torch="", cpu_seconds=60.0, parameters=N, tokens=D, steps=config.steps)
        facts |= dict(recipe=recipe, data_sha256=trials.hash_data("data"), seed=1, event="scaling")
        scaling.append_line(scaling.LOG, trials.Result(loss=float(TRUE.loss(N, D)[0]), **facts))


def test_the_fit_finds_the_constants_without_noise():
    law = scaling.fit(*made_up())
    for name in NAMES:
        assert getattr(law, name) == pytest.approx(getattr(TRUE, name), rel=1e-4)


def test_the_intervals_hold_the_constants_with_noise(monkeypatch):
    runs = made_up(noise=0.005)
    monkeypatch.setattr(scaling, "SAMPLES", 100)
    law, laws = scaling.fit_samples(*runs)
    for name in NAMES:
        low, high = scaling.interval(getattr(laws, name))
        assert low < getattr(TRUE, name) < high and high - low > 0.01 * abs(getattr(TRUE, name))
    assert abs(law.beta - TRUE.beta) < 0.05


def test_one_bad_run_does_not_move_the_fit():
    N, D, loss = made_up()
    loss[7] *= 1.3
    assert scaling.fit(N, D, loss).loss(1e6, 1e7) == pytest.approx(TRUE.loss(1e6, 1e7), rel=2e-3)
    assert scaling.fit(N, D, loss, delta=1.0).loss(1e6, 1e7) != pytest.approx(TRUE.loss(1e6, 1e7), rel=2e-3)


def test_the_best_size_has_the_lowest_loss_of_its_budget():
    best = TRUE.best_size(1e13)
    sizes = best * np.array([0.9, 1.0, 1.1])
    losses = TRUE.loss(sizes, 1e13 / 6 / sizes)
    assert losses[1] == losses.min() and TRUE.best_ratio(1e13) == pytest.approx(1e13 / 6 / best / best)


def test_a_prediction_is_in_the_log_before_its_run(tiny, capsys):
    fill_log()
    scaling.main([])
    prediction, outcome = lines()[-2:]
    assert len(lines()) == 22 and (prediction["event"], outcome["event"]) == ("prediction", "scaling")
    assert prediction["recipe"] == outcome["recipe"] and prediction["runs"] == 20
    expected = float(TRUE.loss(outcome["parameters"], outcome["tokens"])[0])
    assert prediction["loss"] == pytest.approx(expected, rel=1e-3)
    assert prediction["low"] <= prediction["loss"] <= prediction["high"]
    assert outcome["loss"] == outcome["curve"][-1][1] and 0 < outcome["cpu_seconds"] < 60
    out = capsys.readouterr().out
    assert f"predicted {prediction['loss']:.4f}" in out and f"measured {outcome['loss']:.4f}" in out
    scaling.main([])  # each run once
    assert len(lines()) == 22


def test_a_run_without_a_prediction_is_not_predicted_afterwards(tiny):
    fill_log()
    scaling.append_line(scaling.LOG, scaling.run_one(scaling.make_flags(*scaling.TARGETS[0])))
    with pytest.raises(UserError, match="has a run before its prediction"):
        scaling.main([])
    assert len(lines()) == 21


def test_a_prediction_has_the_noise_of_a_single_run(tiny):
    N, D, loss = made_up(noise=0.01)
    same = scaling.Law(*(np.repeat(getattr(TRUE, name), 400) for name in NAMES))
    prediction = scaling.predict(scaling.grid()[0], N, D, loss, TRUE, same)
    widest = np.ptp(np.log(loss / TRUE.loss(N, D))) * (20 / 15) ** 0.5
    assert np.log(prediction.high / prediction.low) == pytest.approx(widest, rel=1e-3)


def test_no_run_is_made_twice(tiny, monkeypatch):
    fill_log()
    result, made = scaling.read_lines(scaling.LOG, scaling.Line)[0], []
    scaling.LOG.unlink()
    monkeypatch.setattr(scaling, "run_one", lambda flags: made.append(flags) or result)
    both = scaling.compared_rates() + scaling.grid()
    scaling.run_all(both, 12)
    assert made == [*dict.fromkeys(both)] and len(made) == 20 < len(both)


def test_a_run_that_is_stopped_is_continued(tiny, monkeypatch):
    flags = scaling.grid()[-1]
    with monkeypatch.context() as patch:
        patch.setattr(Machine, "stop_on_signals", lambda self: setattr(self, "stopping", True))
        with pytest.raises(UserError, match="is not finished .the same command continues it"):
            scaling.run_all([flags], 1)
    assert not scaling.LOG.exists()
    scaling.run_all([flags], 1)
    (folder,) = scaling.ROOT.glob("runs/scaling/*")
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [event["step"] for event in log if event["event"] == "step"] == [1, 2, 3, 4]
    spent = [event["seconds"] for event in log if event["event"] == "cpu"]
    assert len(spent) == 2 and spent[1] > spent[0] > 0  # with what was spent before
    assert lines()[0]["cpu_seconds"] == round(spent[1], 1)
    scaling.run_all([flags], 1)
    assert len(lines()) == 1  # it is in the log


def test_the_report_has_the_law_and_the_best_size(tiny, capsys):
    fill_log()
    scaling.main(["--show"])
    found = dict(re.findall(r"(?m)^(\w[\w .,]*?) +(\S+)  from ", capsys.readouterr().out))
    assert [float(found[name]) for name in NAMES] == pytest.approx([0.7, 60, 300, 0.4, 0.35], rel=1e-2)
    assert float(found["exponent of the best size"]) == pytest.approx(0.35 / 0.75, rel=1e-2)
    assert (scaling.ROOT / "runs/scaling/scaling.png").stat().st_size > 10_000


@pytest.mark.parametrize("line", ['{"event": "scaling"', '{"event": "scaling"}', '{"event": "other"}'])
def test_a_bad_line_of_the_log_is_named(tiny, line):
    fill_log()
    with scaling.LOG.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    with pytest.raises(UserError, match="cannot read .*scaling.jsonl: line 21: .*repair or delete the line"):
        scaling.main([])


def test_results_of_other_data_do_not_count(tiny):
    fill_log()
    text = scaling.LOG.read_text(encoding="utf-8")
    scaling.LOG.write_text(text.replace(trials.hash_data("data"), "another"), encoding="utf-8")
    assert scaling.read_results("another") and not scaling.read_results(trials.hash_data("data"))


def test_the_data_has_each_text_once_in_an_order_of_its_own(tmp_path, monkeypatch):
    texts = {"a.py": "print(1)\n", "b.py": "print(2)\n", "copy.py": "print(1)\n", "c.txt": "no source\n"}
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = [SimpleNamespace(suffix=Path(name).suffix, locate=(tmp_path / name).absolute) for name in texts]
    monkeypatch.setattr(trials.metadata, "files", dict(one=found, two=found[::-1]).get)
    assert trials.read_sources(["one", "two", "three"]) == ["print(2)\n", "print(1)\n"]  # 0111..., cc42...


def test_a_killed_run_of_the_pool_is_named(tiny, monkeypatch):
    def die(flags):
        raise BrokenProcessPool

    monkeypatch.setattr(scaling, "run_one", die)
    with pytest.raises(UserError, match="a run was killed, perhaps .*the same command continues"):
        scaling.run_all(scaling.grid()[:2], 1)


def test_the_committed_log_has_the_whole_grid():
    lines = scaling.read_lines(scaling.LOG, scaling.Line)
    for flags in scaling.grid() + scaling.compared_rates():
        result = scaling.find(lines, flags)
        assert result.loss == result.curve[-1][1] and result.data_sha256 == lines[0].data_sha256
        assert result.parameters == trials.count_parameters(trials.describe(flags, 1)[0])


def test_the_committed_log_has_each_prediction_before_its_run():
    lines = scaling.read_lines(scaling.LOG, scaling.Line)
    for flags in (scaling.make_flags(*target) for target in scaling.TARGETS):
        prediction = scaling.find(lines, flags, scaling.Prediction)
        assert lines.index(prediction) < lines.index(scaling.find(lines, flags))
        before = lines[: lines.index(prediction)]
        results = [scaling.find(before, flags) for flags in scaling.grid()]
        law = scaling.fit(*scaling.arrays(results))
        assert prediction.runs == len(results) and prediction.low < prediction.loss < prediction.high
        assert {name: getattr(law, name)[0] for name in NAMES} == pytest.approx(prediction.law, rel=1e-3)
