import json
import math
import signal
import statistics
from dataclasses import replace

import pytest
import torch
from test_program import TINY, own_folder  # noqa: F401

import ablate
import curve
import trials
from errors import UserError
from machine import Machine

RECIPE = f"{' '.join(TINY)} --steps 4 --warmup_steps 0 --eval_every 2 --lr"
STUDY = {"rate": {"slow": f"{RECIPE} 1e-3", "fast": f"{RECIPE} 3e-2"}}


@pytest.fixture(autouse=True)
def own_log(tmp_path, monkeypatch):
    monkeypatch.setattr(ablate, "LOG", tmp_path / "ablations.jsonl")
    monkeypatch.setattr(ablate, "ROOT", tmp_path)
    monkeypatch.setattr(ablate, "STUDIES", STUDY)
    trials.hash_data.cache_clear()


def lines():
    return [json.loads(line) for line in ablate.LOG.read_text(encoding="utf-8").splitlines()]


def test_each_recipe_runs_with_each_seed_once(tmp_path, capsys):
    ablate.main(["--seeds", "2"])
    found = [(line["recipe"]["lr"], line["seed"]) for line in lines()]
    assert found == [(1e-3, 1), (3e-2, 1), (1e-3, 2), (3e-2, 2)]  # the seeds outermost
    first = lines()[0]
    assert [step for step, _ in first["curve"]] == [2, 4] and first["loss"] == first["curve"][-1][1]
    assert first["tokens"] == 4 * 64 and first["bits_per_byte"] == pytest.approx(
        first["loss"] / math.log(2), abs=1e-4
    )
    assert "micro_batch" not in first["recipe"] and first["recipe"]["n_embd"] == 8
    out = capsys.readouterr().out
    ablate.main(["--seeds", "2"])
    assert len(lines()) == 4 and "seed 1\n" not in capsys.readouterr().out
    losses = {
        rate: [line["loss"] for line in lines() if line["recipe"]["lr"] == rate] for rate in (1e-3, 3e-2)
    }
    words = out.splitlines()[-2].split()
    assert words[:2] == ["fast", "2"] and float(words[2]) == round(statistics.mean(losses[3e-2]), 4)
    difference = statistics.mean(losses[3e-2]) - statistics.mean(losses[1e-3])
    assert difference < 0 and float(words[5]) == pytest.approx(difference, abs=1e-4)
    assert (tmp_path / "runs/ablations/rate.png").stat().st_size > 10_000


def test_a_run_that_is_stopped_is_continued(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Machine, "stop_on_signals", lambda self: setattr(self, "stopping", True))
        with pytest.raises(UserError, match="is not finished .the same command continues it"):
            ablate.main(["--seeds", "1"])
    assert not ablate.LOG.exists()
    ablate.main(["--seeds", "1"])
    logs, whole = ablate.ROOT.glob("runs/ablations/*/log.jsonl"), lines()
    assert [line["seed"] for line in whole] == [1, 1] and all(line["steps"] == 4 for line in whole)
    assert sum('"event": "resume"' in log.read_text() for log in logs) == 1


def test_a_run_with_an_idea_is_another_run_and_begins_anew(monkeypatch):
    plain, changed = STUDY["rate"]["slow"], STUDY["rate"]["slow"] + " + zero_projections"
    with monkeypatch.context() as patch:
        patch.setattr(Machine, "stop_on_signals", lambda self: setattr(self, "stopping", True))
        with pytest.raises(UserError, match="is not finished"):
            ablate.run(changed, 1)
    ablate.run(changed, 1)
    (log,) = ablate.ROOT.glob("runs/ablations/*/log.jsonl")
    assert '"event": "resume"' not in log.read_text() and not ablate.find_result(plain, 1)
    ablate.run(plain, 1)
    assert [line["idea"] for line in lines()] == ["zero_projections", ""]
    assert lines()[0]["loss"] != lines()[1]["loss"] and lines()[0]["recipe"] == lines()[1]["recipe"]
    old = lines()[1]
    del old["idea"]  # lines are older than ideas
    ablate.LOG.write_text(json.dumps(old) + "\n" + json.dumps(lines()[0]) + "\n", encoding="utf-8")
    assert ablate.find_result(plain, 1).loss == old["loss"] != ablate.find_result(changed, 1).loss


def test_the_newest_result_of_a_run_counts():
    ablate.run(STUDY["rate"]["slow"], 1)
    ablate.append_line(ablate.LOG, replace(ablate.find_result(STUDY["rate"]["slow"], 1), loss=1.0))
    assert ablate.find_result(STUDY["rate"]["slow"], 1).loss == 1.0


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is no SIGHUP")
def test_after_a_run_signals_do_what_they_did_before(monkeypatch):
    names = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.getsignal(number) for number in names]

    def stop_on_signals(machine):
        for number in names:
            signal.signal(number, lambda *_: None)

    monkeypatch.setattr(Machine, "stop_on_signals", stop_on_signals)
    ablate.run(STUDY["rate"]["slow"], 1)
    assert [signal.getsignal(number) for number in names] == before


def test_results_of_other_data_do_not_count(tmp_path):
    ablate.run(STUDY["rate"]["slow"], 1)
    assert ablate.find_result(STUDY["rate"]["slow"], 1).seed == 1
    assert not ablate.find_result(STUDY["rate"]["slow"], 2) and not ablate.find_result(
        STUDY["rate"]["fast"], 1
    )
    ablate.LOG.write_text(json.dumps(lines()[0] | dict(data_sha256="another")) + "\n", encoding="utf-8")
    assert not ablate.find_result(STUDY["rate"]["slow"], 1)


def test_a_torn_log_is_not_overlooked():
    ablate.LOG.write_text('{"event": "ablation"\n', encoding="utf-8")
    with pytest.raises(UserError, match="cannot read .*ablations.jsonl: line 1: .*repair or delete the line"):
        ablate.main([])


def test_a_difference_is_compared_with_its_noise():
    base, ours = [2.0, 2.1, 2.2], [1.9, 2.0, 2.1]  # both have a variance of 0.01
    difference, error, survives = ablate.compare(ours, base)
    assert (difference, error) == pytest.approx((-0.1, math.sqrt(0.02 / 3))) and not survives
    assert ablate.compare([loss - 0.13 for loss in ours], base)[2]  # 0.23 / 0.0816 = 2.82 > 2.78
    assert not ablate.compare([loss - 0.12 for loss in ours], base)[2]  # 2.69


def test_a_result_of_another_validation_or_precision_does_not_count(monkeypatch):
    flags = STUDY["rate"]["slow"]
    ablate.run(flags, 1)
    assert ablate.find_result(flags, 1)
    for change in ("--eval_every 4", "--val_tokens 100", "--dtype float16"):
        assert not ablate.find_result(f"{flags} {change}", 1), change
    for dtype in (torch.float32, torch.float16):
        monkeypatch.setattr(trials, "pick_dtype", lambda name, device, dtype=dtype: dtype)
        assert bool(ablate.find_result(f"{flags} --dtype auto", 1)) == (dtype == torch.float32)


def test_the_steps_to_a_loss_are_interpolated():
    assert ablate.steps_to([(100, 3.0), (200, 2.0), (300, 1.0)], 1.5) == 250
    assert ablate.steps_to([(100, 3.0), (200, 2.0)], 1.5) is None
    for second in (0.5, 1.0, 2.0):  # it begins below the loss
        assert ablate.steps_to([(100, 1.0), (200, second)], 1.5) == 100


def test_the_committed_results_can_be_read_and_are_no_reference_curve(monkeypatch, capsys):
    monkeypatch.undo()
    results = trials.read_lines(ablate.LOG)
    assert results and all(result.loss == result.curve[-1][1] for result in results)
    curve.find_reference({}, {})
    assert "ablations" not in capsys.readouterr().err


def test_tables_show_runs_of_one_place_and_of_any_computer(capsys):
    ablate.main(["--seeds", "1"])
    here = [ablate.find_result(flags, 1) for flags in STUDY["rate"].values()]
    for result, loss in zip(here, (3.0, 2.0), strict=True):
        elsewhere = replace(
            result, data_sha256="other", recipe=result.recipe | dict(dtype="other"), loss=loss
        )
        ablate.append_line(ablate.LOG, elsewhere)
    ablate.append_line(ablate.LOG, replace(here[0], data_sha256="third"))  # newer, but not all recipes
    groups = ablate.collect(STUDY["rate"])
    assert [[result.loss for result in group] for group in groups.values()] == [[3.0], [2.0]]
    capsys.readouterr()
    ablate.main(["--seeds", "0"])
    assert "-1.0000" in capsys.readouterr().out
    for result in here:
        ablate.append_line(ablate.LOG, result)
    groups = ablate.collect(STUDY["rate"])
    assert [group for group in groups.values()] == [[here[0]], [here[1]]]


def test_the_data_of_a_study_is_made_if_it_runs(monkeypatch):
    made = []
    monkeypatch.setattr(trials, "make_data", lambda folder, *others: made.append(folder))
    ablate.main(["--seeds", "0"])
    assert not made
    monkeypatch.setattr(ablate, "run", lambda *_: None)
    monkeypatch.setattr(ablate, "DATA", STUDY["rate"]["slow"].split("--data ")[1].split()[0])
    ablate.main(["--seeds", "1"])
    assert made == [ablate.DATA]
