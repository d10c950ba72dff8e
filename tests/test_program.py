import functools
import json
import math
import platform
import re
import shutil
import sys
import time
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest
import torch
from processes import ROOT, TIMEOUT, run_ranks, start
from test_data import as_shards

import data
import files
import machine
import train_gpt2
from config import (
    ELSEWHERE,
    PRESETS,
    WIDEST,
    Config,
    GPTConfig,
    check_weights,
    find_problems,
    nearest_multiple,
    parse_config,
)
from errors import UserError, collect_error
from machine import Machine
from runs import Run

TINY = "--device cpu --context 16 --n_layer 1 --n_head 2 --n_embd 8 --dtype float32".split()
TINY += "--micro_batch 2 --batch_tokens 64 --preset gpt2 --data data --hellaswag_every 0".split()
DRAW = Run.draw
TEXT = "First Citizen:\nBefore we proceed any further, hear me speak.\n" * 20


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """Every test runs in a folder with a small text, as bytes, in data."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        Machine, "stop_on_signals", lambda self: None
    )  # they are for this process, not for a test
    monkeypatch.setattr(Run, "draw", lambda self: None)  # it takes longer than the rest of a small run
    make_data(tmp_path)
    yield
    torch.set_float32_matmul_precision("highest")


def make_data(folder):
    """A small text as bytes in folder/data."""
    as_shards(data.tokenize([TEXT], "bytes"), folder=folder / "data")
    files.write_json(folder / "data" / "meta.json", dict(tokenizer="bytes", vocab_size=257))


def losses(out):
    """The losses that the program printed, step by step."""
    return [float(loss) for loss in re.findall(r"step +\d+ +loss (\d+\.\d+)", out)]


def train(capsys, tokens, **knobs):
    """What the training of a small model on these tokens prints."""
    sizes = dict(vocab_size=65, context=16, n_layer=2, n_head=2, n_embd=32, tokenizer="bytes")
    recipe = dict(device="cpu", dtype="float32", lr=3e-3, warmup_steps=0, batch_tokens=64)
    recipe |= dict(eval_every=0, sample_every=0, hellaswag_every=0, save_every=0)
    config = Config(**(sizes | recipe | knobs))
    data = as_shards(tokens, folder="tokens"), None, dict(tokenizer="bytes")
    machine = Machine(config)
    run = Run(Path("out"), config, machine, flops_per_token=1)
    train_gpt2.train(train_gpt2.make_model(config), data, config, machine, run)
    return capsys.readouterr().out


def run(capsys, *arguments):
    """What the program prints."""
    train_gpt2.main([*TINY, *arguments])
    return capsys.readouterr().out


def test_every_field_is_a_flag():
    given = dict(preset="gpt2", n_layer=3, samples=2, init="gpt2")
    assert parse_config("--preset gpt2 --n_layer 3 --samples 2 --init gpt2".split()) == (
        Config(**given),
        given,
        [],
    )
    assert parse_config([]) == (Config(**PRESETS["laptop"]), {}, [])
    for words, value in [("--resume", True), ("--resume true", True), ("--resume false", False)]:
        assert parse_config(words.split())[1] == {"resume": value}


@pytest.mark.parametrize(
    "preset, parameters",
    [
        ("gpt2", 124_439_808),
        ("gpt2-fast", 124_439_808),
        ("gpt2-medium", 354_823_168),
        ("gpt2-large", 774_030_080),
        ("gpt2-xl", 1_557_611_200),
        ("gpt3-small", 125_226_240),
        ("gpt3-xl", 1_315_723_264),
    ],
)
def test_presets_have_the_sizes_of_the_papers(preset, parameters):
    config, given, _ = parse_config(["--preset", preset])
    with torch.device("meta"):
        assert train_gpt2.GPT(config).num_parameters() == parameters
    assert given == {"preset": preset} and config.context == (2048 if "gpt3" in preset else 1024)


def test_every_preset_sees_ten_billion_tokens_or_half_and_can_be_divided():
    for preset in PRESETS.keys() - {"laptop", "finetune"}:
        config, _, _ = parse_config(["--preset", preset])
        tokens = 5e9 if preset == "gpt2-fast" else 10e9
        assert config.steps * config.batch_tokens == pytest.approx(tokens, rel=0.001)
        assert config.warmup_steps * config.batch_tokens == pytest.approx(375e6, rel=0.002)
        assert config.batch_tokens % (config.context * 64) == 0 and config.n_embd % config.n_head == 0


def test_gpt2_stays_the_reproduction_and_gpt2_fast_is_the_same_model():
    plain, fast = (asdict(parse_config(["--preset", name])[0]) for name in ("gpt2", "gpt2-fast"))
    assert (plain["optimizer"], plain["schedule"], plain["lr"]) == ("adamw", "cosine", 6e-4)
    assert {name for name in plain if plain[name] != fast[name]} == {
        "preset",
        "optimizer",
        "schedule",
        "lr",
        "steps",
    }


def test_a_flag_is_stronger_than_its_preset(capsys):
    config, given, _ = parse_config("--preset gpt2-medium --n_layer 3".split())
    assert (config.n_layer, config.n_embd) == (3, 1024) and given == dict(preset="gpt2-medium", n_layer=3)


def test_all_that_is_wrong_with_the_flags_is_told_at_once(capsys):
    words = "--preset gpt4 --warmup 3 --steps ten --resume 3 --lr -1e-3 --dtype float64 --compile yes"
    words += " --n_lay 2 foo --data laptop --dropout 1"
    with pytest.raises(UserError) as caught:
        train_gpt2.main(words.split())
    assert str(caught.value).splitlines() == [
        "--warmup is unknown (did you mean --warmup_steps?)",
        "--n_lay is unknown (did you mean --n_layer?)",
        "foo is unknown (see --help)",
        "--steps ten is not a whole number",
        "--resume 3 is not true or false",
        "--dropout 1 is above the maximum of 0.99",
        "--preset gpt4 is not one of laptop, finetune, gpt2, gpt2-fast, gpt2-medium, gpt2-large, gpt2-xl, "
        "gpt3-small, gpt3-medium, gpt3-large, gpt3-xl",
        "--dtype float64 is not one of auto, float32, bfloat16, float16",
        "--compile yes is not one of auto, true, false",
        "--lr -1e-3 is below the minimum of 0",
    ]


def test_true_and_false_may_be_written_as_python_has_them():
    words = "--compile=False --bias True --resume=TRUE --shuffle False --compile True"
    expected = dict(compile="true", bias=True, resume=True, shuffle=False)
    assert parse_config(words.split())[1:] == (expected, [])
    words = "--bias Yes --tokenizer Bytes --dtype Float32 --device CPU"
    config, given, problems = parse_config(words.split())
    assert given == dict(device="CPU") and [line.split()[0] for line in problems] == [
        "--bias",
        "--tokenizer",
        "--dtype",
    ]


@pytest.mark.parametrize("field", fields(Config), ids=lambda field: field.name)
def test_every_number_has_two_limits(field):
    if field.type not in (int, float):
        return
    limits = {type(limit).__name__: limit for limit in field.default.metadata}
    low, high = limits["Ge"].ge, limits["Le"].le
    for value in (low, high):
        assert parse_config([f"--{field.name}", str(value)])[1] == {field.name: value}
    problems = {
        str(low - 1): f"is below the minimum of {low}",
        str(high + 1): f"is above the maximum of {high:.15g}",
        "9" * 5000: "",
        "nan": "is not a ",
        "inf": "is not a ",
        "\u0663": "is not a ",  # an Arabic digit
        "": "is not a ",
    }
    for word, problem in problems.items():
        config, given, (found,) = parse_config([f"--{field.name}={word}"])
        assert found.startswith(f"--{field.name} {word[:50]}") and problem in found and "\n" not in found
        assert given == {} and getattr(config, field.name) == getattr(parse_config([])[0], field.name)


@pytest.mark.parametrize("word", ["--steps=2.0", "--steps= 2", "--resume=yes", "--shuffle=0", "--shuffle=no"])
def test_a_value_is_spelled_in_one_way(word):
    config, given, (problem,) = parse_config([word])
    kind = "a whole number" if "steps" in word else "true or false"
    assert problem == f"{word.replace('=', ' ')} is not {kind}" and given == {}


def test_weights_that_no_memory_holds_are_refused():
    with pytest.raises(UserError, match="the weights need 1.*,... GiB, and this computer has .* --n_layer"):
        train_gpt2.main("--n_embd 65536 --n_layer 90 --device cpu".split())
    assert not Path("runs").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other limits")
def test_the_limit_of_a_container_is_a_limit(tmp_path, monkeypatch):
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(machine, "CGROUP_LIMITS", [tmp_path / "missing", limit])
    for text, fits in [("max\n", True), ("200000\n", True), ("199999\n", False)]:
        limit.write_text(text)
        problems = []
        collect_error(problems, machine.check_memory, 200_000)
        assert bool(problems) != fits


def test_a_tiny_temperature_takes_the_likeliest_token(capsys):
    greedy, tiny = (samples(capsys, "--temperature", value, "--samples", "2") for value in ("0", "1e-320"))
    assert greedy == tiny and len(set(tiny)) == 1


def test_all_that_cannot_work_together_is_told_at_once(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "6")
    monkeypatch.setenv("MASTER_ADDR", "localhost")
    words = (
        "--n_embd 100 --n_head 3 --batch_tokens 500 --micro_batch 1 --context 16 --vocab_size 9 --device xpu"
    )
    with pytest.raises(UserError) as caught:
        train_gpt2.main([*words.split(), "--data", "data", "--warmup", "1"])
    assert str(caught.value).splitlines() == [
        "--warmup is unknown (did you mean --warmup_steps?)",
        "--n_embd 100 is not a multiple of --n_head 3; the nearest is 99",
        "--batch_tokens 500 is not a multiple of --context 16 x 6 ranks = 96; the nearest is 480",
        "--vocab_size 9, but data has 257 (leave the flag out, or make the data again with fineweb.py)",
        f"--device xpu is not available (there is {', '.join(accelerators())})",
    ]
    with pytest.raises(UserError) as caught:
        train_gpt2.main(["--data", "nowhere", "--steps", "-1", "--context", "8"])
    assert str(caught.value).splitlines() == [
        "--steps -1 is below the minimum of 0",
        "no train shards in nowhere (check its name; fineweb.py makes shards)",
        "--batch_tokens 1024 is not a multiple of --context 8 x 6 ranks = 48; the nearest is 1008",
    ]
    with pytest.raises(
        UserError, match="^--context 4096 is too long: data has .* tokens to train .use a smaller --context.$"
    ):
        monkeypatch.setenv("WORLD_SIZE", "1")
        train_gpt2.main("--data data --context 4096 --batch_tokens 4096 --micro_batch 1".split())


def test_the_nearest_multiple_is_within_the_limits():
    assert nearest_multiple(107, 12, WIDEST) == 108  # and 96 is not as near
    assert nearest_multiple(3, 1000, WIDEST) == 1000
    assert nearest_multiple(WIDEST, 1000, WIDEST) == 65000  # 66000 is nearer, and too large
    assert nearest_multiple(5, WIDEST + 1, WIDEST) == 0
    (problem,) = find_problems(Config(context=2**20), 1000, {})
    assert problem.endswith("= 1048576000; the nearest is too large, use a smaller --context")


def test_weights_may_have_a_longer_context_than_the_run():
    config, theirs = Config(init="theirs", context=8), GPTConfig(context=16)
    assert check_weights(config, theirs, {"context": 8}, {}) == []
    assert len(check_weights(config, GPTConfig(context=4), {"context": 8}, {})) == 1
    assert len(check_weights(config, theirs, {"context": 8, "n_layer": 12}, {})) == 0


def accelerators():
    best = torch.accelerator.current_accelerator(check_available=True)
    return list(dict.fromkeys(["auto", "cpu", *([best.type] if best else [])]))


def test_the_program_tells_each_problem_on_its_line_and_ends_with_code_2():
    words = ["--steps", "ten", "--zzz", "--lr", "nan"]
    with start(ROOT / "train_gpt2.py", *words, folder=".", output="said.txt") as process:
        process.join(TIMEOUT)
    assert process.exitcode == 2 and Path("said.txt").read_text().splitlines() == [
        "error: --zzz is unknown (see --help)",
        "error: --steps ten is not a whole number",
        "error: --lr nan is not a number",
    ]


@pytest.mark.parametrize(
    "words, preset", [("", "laptop"), ("--init gpt2", "finetune"), ("--preset gpt3-xl", "gpt3-xl")]
)
def test_help_has_the_defaults_of_the_preset_that_would_run(words, preset, capsys):
    with pytest.raises(SystemExit) as caught:
        parse_config([*words.split(), "--help"])
    assert not caught.value.code
    out = " ".join(capsys.readouterr().out.split())
    config, _, _ = parse_config(["--preset", preset])
    for name in ("preset", "steps", "lr", "batch_tokens", "dropout", "context"):
        described = Config.__dataclass_fields__[name].default.description.split(";")[0]
        assert re.search(rf"{re.escape(described)}[^(]*\(default: {getattr(config, name)}\)", out), name


def test_every_flag_of_nanogpt_that_is_unknown_leads_to_ours():
    names = {field.name for field in fields(Config)}
    named = {name for text in ELSEWHERE.values() for name in re.findall(r"--(\w+)", text)}
    assert not ELSEWHERE.keys() & names and named <= names | {"to"}
    _, _, problems = parse_config(
        "--max_iters=100 --block_size 64 --eval_interval=5 --wandb_log True".split()
    )
    assert problems == [
        "--max_iters=100 is unknown (here it is --steps)",
        "--block_size is unknown (here it is --context)",
        "--eval_interval=5 is unknown (here it is --eval_every)",
        "--wandb_log is unknown (here it is another program: python track.py RUN --to wandb)",
    ]
    words = "my.txt config/train_shakespeare_char.py --init_from=resume --batch_size=12 --eval_iters=20"
    assert parse_config(words.split())[2] == [
        "my.txt is unknown (see --help)",
        "config/train_shakespeare_char.py is unknown (there are no config files: use flags and --preset)",
        "--init_from=resume is unknown (here it is --init, or --resume)",
        "--batch_size=12 is unknown (here it is --micro_batch, and --batch_tokens for the tokens per step)",
        "--eval_iters=20 is unknown (here it is --val_tokens, in tokens)",
    ]
    assert parse_config("--eval_only=True --grad-clip 1 --trainer.max_iters=9 --compile".split())[2] == [
        "--eval_only=True is unknown (here it is --steps 0)",
        "--grad-clip is unknown (here it is always 1.0, in take_step)",
        "--trainer.max_iters=9 is unknown (here it is --steps)",
        "--compile needs a value: auto, true, false",
    ]


def test_help_tells_meaning_and_default_of_every_flag(capsys):
    with pytest.raises(SystemExit, match="0"):
        parse_config(["--help"])
    out = "".join(capsys.readouterr().out.split())  # argparse breaks lines where it likes
    for name, knob in Config.__dataclass_fields__.items():
        meaning = knob.default.description.replace(" ", "")
        assert re.search(
            rf"--{name}\[?(int|str|float|bool)\]?{re.escape(meaning)}(,oneof[^()]*)?\(default:", out
        ), name


@pytest.mark.parametrize("found", ["mps", "cuda", None])
def test_auto_takes_the_accelerator_that_pytorch_finds(found, monkeypatch):
    accelerator, suffix = (torch.device(found), f", {found}") if found else (None, "")
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda **_: accelerator)
    assert machine.pick_device("auto") == torch.device(found or "cpu")
    assert machine.pick_device("cpu") == torch.device("cpu")
    with pytest.raises(UserError, match=f"--device xpu is not available .there is auto, cpu{suffix}."):
        machine.pick_device("xpu")


def test_random_weights_babble_the_same_for_the_same_seed(capsys):
    first, again, other = (run(capsys, "--steps", "0", "--seed", seed) for seed in ("1", "1", "2"))
    assert "on cpu" in first and first.count("\n> Hello, I'm a language model,") == 4
    first, again, other = (re.findall("^> .*", out, re.MULTILINE) for out in (first, again, other))
    assert first == again != other


def test_a_context_that_the_weights_do_not_have_is_refused_with_both_numbers(tmp_path):
    from test_model import hugging_face_gpt2

    hugging_face_gpt2(tmp_path / "theirs")
    words = "--init theirs --data data --context 32 --n_layer 3 --dropout 0.5".split()
    with pytest.raises(UserError) as caught:
        train_gpt2.main(words)
    assert str(caught.value).splitlines() == [
        "data has vocab_size 257, but --init theirs has 65 (make the data with --tokenizer gpt2, or use "
        "other weights)",
        "--context 32, but --init theirs has 16 (leave the flag out, or start from scratch)",
        "--n_layer 3, but --init theirs has 2 (leave the flag out, or start from scratch)",
        "data has tokenizer bytes, but --init theirs has gpt2 (make the data with --tokenizer gpt2, or use "
        "other weights)",
    ]
    with pytest.raises(UserError, match="^--context 32, but --init theirs has 16 .leave the flag out[^\n]*$"):
        train_gpt2.main("--init theirs --sample Hello --context 32".split())


def test_data_with_another_vocabulary_are_refused_with_both_numbers(capsys):
    with pytest.raises(UserError, match="--vocab_size 50257, but data has 257"):
        run(capsys, "--vocab_size", "50257")


def test_one_batch_can_be_learned_by_heart(capsys):
    tokens = torch.randint(65, (4 * 16 + 1,), generator=torch.Generator().manual_seed(0))  # one batch of text
    history = losses(train(capsys, tokens, steps=120, lr=1e-2))
    assert len(history) == 120 and abs(history[0] - math.log(65)) < 0.5 and history[-1] < 0.1


def test_dropout_is_for_training_only_and_every_step_has_its_own(capsys):
    tokens = torch.randint(65, (4 * 16 + 1,), generator=torch.Generator().manual_seed(0))  # one batch of text
    fixed = dict(steps=2, lr=0.0, dropout=0.5, shuffle=False)  # the same rows in both steps
    first, second = losses(train(capsys, tokens, **fixed))
    assert first != second and losses(train(capsys, tokens, **fixed)) == [first, second]
    assert losses(train(capsys, tokens, **fixed, seed=2)) != [first, second]
    out = run(capsys, "--steps", "1", "--lr", "0", "--out", "with", "--dropout", "0.5", "--samples", "1")
    plain = run(capsys, "--steps", "1", "--lr", "0", "--out", "without", "--samples", "1")
    assert losses(out) != losses(plain)
    for told in ("  validation loss", "> Hello"):
        assert [line for line in out.splitlines() if told in line] == [
            line for line in plain.splitlines() if told in line
        ]
    words = ["--init", "with", "--sample", "Hello", "--sample_tokens", "20"]
    assert run(capsys, *words, "--dropout", "0.5") == run(capsys, *words)


def test_every_step_sees_new_text_until_the_epoch_is_over(capsys):
    tokens = torch.randint(65, (2 * 4 * 16 + 1,), generator=torch.Generator().manual_seed(0))  # two batches
    first, second, again = losses(train(capsys, tokens, steps=3, lr=0.0, shuffle=False))
    assert first == again != second


def test_the_clock_is_read_after_the_device_is_done(capsys, monkeypatch):
    """A device that works 30 ms behind the program's back: the step must show them."""
    monkeypatch.setattr(torch.cpu, "synchronize", lambda: time.sleep(0.03))
    out = train(capsys, torch.arange(65), steps=3)
    times = [int(ms) for ms in re.findall(r"  (\d+) ms", out)]
    assert len(times) == 3 and min(times) >= 30
    speeds = [int(speed.replace(",", "")) for speed in re.findall(r"([\d,]+) tokens/s", out)]
    assert speeds == pytest.approx([4 * 16 / (ms / 1000) for ms in times], rel=0.05)


def test_the_program_asks_for_tf32_and_the_cpu_stays_exact(capsys):
    a, b = torch.randn(2, 64, 64, generator=torch.Generator().manual_seed(0))
    exact = a @ b
    run(capsys, "--steps", "1", "--samples", "1")
    assert torch.get_float32_matmul_precision() == "high"
    assert torch.equal(a @ b, exact)


def test_bfloat16_is_taken_where_the_hardware_has_it(monkeypatch):
    t4, a100, h100, gtx_1080 = (7, 5), (8, 0), (9, 0), (6, 1)
    choices = {t4: torch.float16, a100: torch.bfloat16, h100: torch.bfloat16, gtx_1080: torch.float32}
    for capability, dtype in choices.items():
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)  # noqa: B023
        assert machine.pick_dtype("auto", torch.device("cuda")) == dtype
    for features, dtype in [({"avx2": True}, torch.float32), ({"avx512_bf16": True}, torch.bfloat16)]:
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: features, raising=False)  # noqa: B023
        assert machine.pick_dtype("auto", torch.device("cpu")) == dtype
    assert machine.pick_dtype("auto", torch.device("mps")) == torch.float32
    assert machine.pick_dtype("float32", torch.device("cuda")) == torch.float32


def test_deterministic_asks_pytorch_for_it(monkeypatch):
    monkeypatch.setattr(torch, "use_deterministic_algorithms", lambda *a, **k: asked.append((a, k)))
    asked = []
    Machine(Config(device="cpu"))
    assert asked == []
    Machine(Config(device="cpu", deterministic=True))
    assert asked == [((True,), {"warn_only": True})]


def test_bfloat16_changes_losses_by_less_than_two_hundredths(capsys):
    tokens = torch.randint(65, (1000,), generator=torch.Generator().manual_seed(0))
    exact, mixed = (losses(train(capsys, tokens, steps=10, dtype=dtype)) for dtype in ("float32", "bfloat16"))
    assert exact != mixed and exact == pytest.approx(mixed, abs=0.02)


def test_compile_is_for_cuda_unless_asked_for(monkeypatch):
    assert not Machine(Config(device="cpu")).compile and Machine(Config(device="cpu", compile="true")).compile
    monkeypatch.setattr(machine, "pick_device", lambda _: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (8, 0))
    assert Machine(Config()).compile and not Machine(Config(compile="false")).compile


def test_a_compiler_that_fails_at_the_first_call_is_told_and_done_without(capsys, monkeypatch):
    class Broken(torch.nn.Module):
        def __init__(self, model, dynamic):
            super().__init__()
            self.model = model

        def forward(self, *_):
            raise RuntimeError("no C++ compiler\nwas found")

    plain = losses(train(capsys, torch.arange(65), steps=3))
    monkeypatch.setattr(torch, "compile", Broken)
    with pytest.raises(
        UserError, match="not work here .RuntimeError: no C.. compiler was found.; install what"
    ):
        train(capsys, torch.arange(65), steps=3, compile="true")
    monkeypatch.setattr(train_gpt2, "warn", print)
    monkeypatch.setattr(train_gpt2, "make_replica", as_on_cuda(train_gpt2.make_replica))
    out = train(capsys, torch.arange(65), steps=3)
    assert "(RuntimeError: no C++ compiler was found); continuing without it" in out and losses(out) == plain


def as_on_cuda(original):
    """make_replica where auto compiles."""

    def make_replica(model, tokens, config, machine):
        machine.compile = True
        return original(model, tokens, config, machine)

    return make_replica


@pytest.mark.parametrize(
    "words, reason",
    [
        (
            "--preset gpt2",
            "--preset gpt2 on a CPU would take months: PyTorch finds no GPU .check the GPU with",
        ),
        ("--preset gpt3-xl", "--preset gpt3-xl on a CPU would take months"),
        ("--preset gpt2 --device cpu", None),
        ("--preset laptop", None),
    ],
)
def test_a_cpu_that_nobody_asked_for_is_refused(words, reason, monkeypatch):
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda **_: None)
    config, *_ = parse_config(words.split())
    problems = machine.check_device(machine.pick_device(config.device), config, 1)
    assert problems == [] if reason is None else re.match(reason, problems[0])
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    found = machine.check_device(torch.device("cpu"), Config(preset="laptop"), 2)
    assert found == ["2 ranks, and PyTorch finds no GPU (check the GPU with nvidia-smi, or add --device cpu)"]


@pytest.mark.parametrize(
    "capability, fits", [((7, 0), False), ((7, 5), True), ((8, 9), True), ((9, 0), True), ((12, 0), True)]
)
def test_a_gpu_that_pytorch_was_not_built_for_is_refused(capability, fits, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Tesla V100")
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    built = ["sm_75", "sm_80", "sm_86", "sm_90a", "sm_100", "sm_120"]  # of the pinned wheel for CUDA 13.0
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: built)
    problems = machine.check_device(torch.device("cuda"), Config(), 1)
    assert problems == [] if fits else "Tesla V100 has compute capability 7.0, which" in problems[0]
    monkeypatch.setattr(torch.version, "cuda", None)  # a build for AMD's GPUs
    assert machine.check_device(torch.device("cuda"), Config(), 1) == []


def test_what_the_first_batch_compiles_serves_all_steps(monkeypatch):
    graphs, config = [], Config(65, 16, 1, 2, 32, device="cpu", dtype="float32", batch_tokens=64, steps=3)
    compiler = functools.partial(
        torch.compile, backend=lambda graph, _: graphs.append(graph) or graph.forward
    )
    monkeypatch.setattr(torch, "compile", compiler)
    model, machine = train_gpt2.make_model(config), Machine(config)
    tokens = as_shards(torch.arange(1000) % 65)
    machine.compile = True
    fast, config = train_gpt2.make_replica(model, tokens, config, machine)
    assert len(graphs) == 1 and all(weight.grad is None for weight in model.parameters())
    for step in range(3):
        train_gpt2.accumulate_gradients(fast, tokens, config, step, machine)
    assert len(graphs) == 1


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_a_large_block_is_not_fetched_from_the_kernel_again(tmp_path):
    program = """
import resource, config, machine, torch
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.ones(16_000_000)  # 64 MB: 16,000 pages
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
before = faults()
machine.Machine(config.Config(device="cpu"))
faults()
print(before, faults())
"""
    code, out = run_ranks(tmp_path, program, 1)
    assert code == 0, out
    before, after = map(int, out.split())
    assert before > 10 * max(after, 1)


def test_the_optimizer_has_the_numbers_of_gpt3(capsys, monkeypatch):
    made = []
    step = torch.optim.AdamW.step
    monkeypatch.setattr(torch.optim.AdamW, "step", lambda self: made.append(self) or step(self))
    train(capsys, torch.arange(65), steps=1)
    for group in made[0].param_groups:
        assert (group["betas"], group["eps"]) == ((0.9, 0.95), 1e-8)


def test_the_gradient_is_clipped_to_norm_1_and_its_own_norm_is_told(capsys, monkeypatch):
    applied = []
    step = torch.optim.AdamW.step

    def spy(self, *arguments):
        gradients = [weight.grad for group in self.param_groups for weight in group["params"]]
        applied.append(torch.nn.utils.get_total_norm(gradients).item())
        return step(self, *arguments)

    monkeypatch.setattr(torch.optim.AdamW, "step", spy)
    tokens = torch.zeros(100, dtype=torch.int64)  # one token only: a steep way down at first, none at last
    out = train(capsys, tokens, steps=30, lr=3e-2)
    told = [float(norm) for norm in re.findall(r"norm (\d+\.\d+)", out)]
    assert max(told) > 1 > min(told)
    assert applied == pytest.approx([min(norm, 1.0) for norm in told], abs=1e-3)


def test_the_learning_rate_climbs_in_a_line_and_descends_along_a_cosine():
    config = Config(lr=6e-4, warmup_steps=10, steps=110)
    rates = [train_gpt2.learning_rate(step, config) for step in range(110)]
    assert rates[:10] == pytest.approx([6e-5 * n for n in range(1, 11)])
    assert rates[10] == max(rates) == pytest.approx(6e-4)
    assert rates[60] == pytest.approx((6e-4 + 6e-5) / 2)  # half-way between the peak and a tenth of it
    assert rates[10:] == sorted(rates[10:], reverse=True) and 6e-5 < rates[-1] < 6.1e-5


def test_the_linear_schedule_ends_at_zero():
    config = Config(lr=6e-4, warmup_steps=10, steps=110, schedule="linear")
    rates = [train_gpt2.learning_rate(step, config) for step in range(111)]
    assert rates[:10] == pytest.approx([6e-5 * n for n in range(1, 11)])
    assert rates[10:] == pytest.approx([6e-6 * n for n in range(100, -1, -1)])


def test_a_run_shorter_than_the_warmup_only_climbs():
    config = Config(lr=1.0, warmup_steps=10, steps=5)
    assert [train_gpt2.learning_rate(step, config) for step in range(5)] == pytest.approx(
        [0.1, 0.2, 0.3, 0.4, 0.5]
    )


def test_the_optimizer_takes_the_rate_that_is_told(capsys, monkeypatch):
    taken = []
    step = torch.optim.AdamW.step

    def spy(self):
        taken.extend(f"{group['lr']:.2e}" for group in self.param_groups)
        return step(self)

    monkeypatch.setattr(torch.optim.AdamW, "step", spy)
    out = train(capsys, torch.arange(65), steps=4, lr=1e-3, warmup_steps=2)
    told = re.findall(r"lr (\S+)", out)
    assert told[:3] == ["5.00e-04", "1.00e-03", "1.00e-03"] and list(dict.fromkeys(taken)) == list(
        dict.fromkeys(told)
    )


def test_every_parameter_is_optimised_once_and_only_matrices_decay(capsys):
    with torch.device("meta"):
        model = train_gpt2.GPT(Config())
    config = Config(device="cpu")
    decayed, others = train_gpt2.make_optimizer(model, config, Machine(config)).param_groups
    assert "50 tensors decay by 0.1, 98 do not" in capsys.readouterr().out
    assert (decayed["weight_decay"], others["weight_decay"]) == (0.1, 0.0)
    names = {weight: name for name, weight in model.named_parameters()}
    assert sorted(map(id, decayed["params"] + others["params"])) == sorted(map(id, names))
    for weight in others["params"]:
        assert names[weight].endswith("bias") or "ln_" in names[weight]


def test_the_fused_optimizer_takes_the_same_steps(capsys, monkeypatch):
    tokens = torch.randint(65, (1000,), generator=torch.Generator().manual_seed(0))
    fused = losses(train(capsys, tokens, steps=20))
    monkeypatch.setattr(torch.optim, "AdamW", functools.partial(unfused, torch.optim.AdamW))
    assert losses(train(capsys, tokens, steps=20)) == pytest.approx(fused, rel=1e-4)


def unfused(optimizer, *arguments, fused, **options):
    assert fused
    return optimizer(*arguments, fused=False, **options)


def only(most, original):
    """add_gradient of a device whose memory holds so many sequences."""

    def add_gradient(model, tokens, config, step, micro, machine):
        if config.micro_batch > most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 13 GiB")
        return original(model, tokens, config, step, micro, machine)

    return add_gradient


@pytest.mark.parametrize(
    "asked, rows, most, fits", [(64, 48, 48, 48), (64, 48, 47, 24), (64, 48, 5, 3), (8, 7, 3, 1)]
)
def test_a_micro_batch_that_fits_is_found_before_the_first_step(asked, rows, most, fits, monkeypatch, capsys):
    monkeypatch.setattr(torch, "compile", lambda model, dynamic: model)  # so that a CPU tries
    monkeypatch.setattr(train_gpt2, "add_gradient", only(most, train_gpt2.add_gradient))
    config = Config(65, 16, 1, 2, 8, device="cpu", dtype="float32", micro_batch=asked, batch_tokens=rows * 16)
    machine, model = Machine(replace(config, compile="true")), train_gpt2.make_model(config)
    found = train_gpt2.make_replica(model, as_shards(torch.arange(1000) % 65), config, machine)[1]
    assert found == replace(config, micro_batch=fits, compile="true")
    tried = [
        int(size)
        for size in re.findall(r"(\d+) sequences per forward pass do not fit", capsys.readouterr().out)
    ]
    assert all(size > most for size in tried) and tried == sorted(tried, reverse=True)
    assert bool(tried) == (most < min(asked, rows))
    assert all(weight.grad is None for weight in model.parameters())


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("why " * 99 + "CUDA out of memory")])
def test_an_error_about_memory_is_known_from_all_of_it(error, monkeypatch, capsys):
    def fail(*_):
        raise error

    monkeypatch.setattr(torch, "compile", lambda model, dynamic: model)
    monkeypatch.setattr(train_gpt2, "add_gradient", fail)
    with pytest.raises(UserError, match="a single sequence does not fit into memory"):
        train_gpt2.main([*TINY, "--compile", "true"])
    assert "without it" not in capsys.readouterr().err


def test_a_model_that_is_too_large_is_refused_with_the_remedy(monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda model, dynamic: model)
    monkeypatch.setattr(train_gpt2, "add_gradient", only(0, None))
    with pytest.raises(UserError, match="a single sequence does not fit into memory .use a smaller model"):
        train_gpt2.main([*TINY, "--compile", "true"])


def test_another_error_than_memory_is_not_hidden(monkeypatch):
    def wrong(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr(train_gpt2, "add_gradient", wrong)
    with pytest.raises(RuntimeError, match="a bug"):
        train_gpt2.main([*TINY, "--compile", "true"])
    config, model = Config(device="cpu"), torch.nn.Linear(1, 1)
    with pytest.raises(RuntimeError, match="a bug"):
        train_gpt2.try_batch(model, None, config, Machine(config), optional=False)
    assert train_gpt2.try_batch(model, None, config, Machine(config), optional=True) == "RuntimeError: a bug"


def test_eight_micro_batches_of_one_give_the_gradient_of_one_batch_of_eight():
    tokens = as_shards(torch.randint(65, (1000,), generator=torch.Generator().manual_seed(0)))
    gradients, means = [], []
    for micro_batch in (8, 1):
        config = Config(
            65, 16, 2, 2, 32, device="cpu", dtype="float32", micro_batch=micro_batch, batch_tokens=128
        )
        model = train_gpt2.make_model(config)
        means.append(train_gpt2.accumulate_gradients(model, tokens, config, 3, Machine(config))[0])
        gradients.append(torch.cat([weight.grad.flatten() for weight in model.parameters()]))
    assert means[0].item() == pytest.approx(means[1].item(), rel=1e-6)
    assert (gradients[0] - gradients[1]).norm() < 1e-6 * gradients[0].norm()


def exact_loss(model, tokens, count, context):
    """The mean loss over `count` targets, one row at a time."""
    total = 0.0
    for first in range(0, count, context):
        row = torch.tensor(tokens[first : min(first + context, count) + 1]).long()[None]
        total += model(row[:, :-1], row[:, 1:])[1].item() * (row.shape[1] - 1)
    return total / count


@pytest.mark.parametrize("val_tokens", [1, 16, 48, 100, 10**9])
def test_the_validation_loss_is_that_of_exactly_so_many_tokens(val_tokens):
    tokens = torch.randint(65, (200,), generator=torch.Generator().manual_seed(0)).tolist()
    found = []
    for micro_batch in (1, 2, 5):
        config = Config(
            65, 16, 2, 2, 32, device="cpu", dtype="float32", micro_batch=micro_batch, val_tokens=val_tokens
        )
        model = train_gpt2.make_model(config)
        found.append(train_gpt2.validate(model, as_shards(tokens, 70), config, Machine(config)))
    expected = exact_loss(model, tokens, min(val_tokens, 199), 16)
    assert found == pytest.approx([expected] * 3, rel=1e-6)


def test_validation_comes_when_it_is_due_and_leaves_no_gradient(capsys):
    def due(every, steps):
        config = Config(steps=steps)
        return [step for step in range(steps + 1) if train_gpt2.is_due(step, every, config)]

    assert due(3, 7) == [3, 6, 7] and due(0, 7) == [] and due(10, 7) == [7] and due(2, 0) == [0]
    out = run(capsys, "--steps", "5", "--eval_every", "2", "--sample_every", "0")
    assert re.findall(r"step +(\d) +validation loss \d\.\d{4}", out) == ["2", "4", "5"]
    without = run(capsys, "--steps", "5", "--eval_every", "0", "--samples", "0")
    assert losses(without) == losses(out) and "validation loss" not in without


def test_samples_come_when_they_are_due_and_do_not_disturb_the_training(capsys):
    out = run(capsys, "--steps", "4", "--sample_every", "2", "--samples", "3", "--eval_every", "0")
    assert out.count("> Hello, I'm") == 6 and out.index("step    3") < out.rindex("> Hello, I'm")
    assert losses(out) == losses(run(capsys, "--steps", "4", "--sample_every", "0"))


def samples(capsys, *arguments):
    """The samples of a model that has learned nothing."""
    out = run(capsys, "--steps", "0", "--eval_every", "0", *arguments)
    return out[out.index("> ") :].split("> ")[1:]


def test_the_knobs_of_sampling(capsys):
    length = len("Hello, I'm a language model,")
    assert len(set(samples(capsys, "--temperature", "0", "--samples", "3"))) == 1
    assert len(set(samples(capsys, "--top_k", "1", "--samples", "3"))) == 1
    assert len(set(samples(capsys, "--top_k", "0", "--samples", "3"))) == 3
    (short,) = samples(capsys, "--sample_tokens", "0", "--samples", "1")
    assert len(short.rstrip("\n")) == length
    (long,) = samples(capsys, "--samples", "1", "--sample_tokens", "1", "--prompt", "Où ☃ " * 20)  # 16 fit
    assert long.startswith("Où ☃ " * 20)
    assert len(samples(capsys, "--prompt", "", "--samples", "2")) == 2


def test_init_brings_its_sizes_and_the_recipe_to_fine_tune(capsys):
    run(capsys, "--steps", "1")
    words = "--init runs/gpt2 --data data --batch_tokens 64 --steps 1 --device cpu --hellaswag_every 0"
    train_gpt2.main([*words.split(), "--samples", "1", "--sample_tokens", "2"])
    config = json.loads(open("runs/finetune/log.jsonl").readline())["config"]
    assert (config["preset"], config["lr"], config["context"], config["n_embd"]) == ("finetune", 3e-5, 16, 8)
    assert config["dropout"] == 0.1


def test_without_arguments_a_laptop_trains_a_gpt_that_transformers_opens(capsys, monkeypatch):
    from transformers import AutoModelForCausalLM

    monkeypatch.setattr(Run, "draw", DRAW)
    train_gpt2.main(["--steps", "30", "--device", "cpu", "--sample_every", "0", "--val_tokens", "1000"])
    out = capsys.readouterr().out
    first, *_, last = (
        event["loss"] for event in map(json.loads, open("runs/laptop/log.jsonl")) if "norm" in event
    )
    assert abs(first - math.log(257)) < 0.5 and last < 3.5 and "validation loss" in out
    assert sorted(path.name for path in Path("runs/laptop").iterdir()) == [
        ".lock",
        "best",
        "curve.png",
        "log.jsonl",
        "step_000030",
    ]
    theirs = AutoModelForCausalLM.from_pretrained("runs/laptop/step_000030")
    idx = torch.randint(257, (2, 64), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        logits, _ = train_gpt2.GPT.from_pretrained("runs/laptop/step_000030")(idx)
        torch.testing.assert_close(theirs(idx).logits, logits, atol=1e-4, rtol=1e-4)


def test_sample_speaks_with_the_newest_checkpoint_or_any_weights(capsys, monkeypatch):
    words = [
        "--device",
        "cpu",
        "--dtype",
        "float32",
        "--samples",
        "2",
        "--sample_tokens",
        "4",
        "--preset",
        "gpt2",
    ]
    with pytest.raises(UserError, match="no checkpoint in runs/gpt2 .train first, or name a model"):
        train_gpt2.main([*words, "--sample", "x"])
    run(capsys, "--steps", "4", "--save_every", "2", "--lr", "0.1")
    prompts = ["Où ☃ 𝄞\n", "", "x" * 99, "\x00<|endoftext|>"]
    for prompt in prompts:
        train_gpt2.main([*words, "--sample", prompt])
        newest = capsys.readouterr().out
        assert newest.count("> ") >= 2 and f"> {prompt}" in newest
        named = [
            ["--init", "runs/gpt2"],
            ["--init", "runs/gpt2/step_000004"],
            ["--out", "runs/gpt2/step_000004"],
        ]
        for flags in named:
            train_gpt2.main([*words, "--sample", prompt, *flags])
            assert capsys.readouterr().out == newest
    train_gpt2.main([*words, "--sample", prompts[0], "--init", "runs/gpt2/step_000002", "--temperature", "0"])
    first, second = capsys.readouterr().out.strip("> \n").split("\n> ")
    assert first == second
    assert [path.name for path in Path("runs").iterdir()] == ["gpt2"]


def test_what_is_wrong_with_a_sample_is_said_at_once(capsys):
    with pytest.raises(UserError) as caught:
        train_gpt2.main("--sample x --out nowhere --warmup 1".split())
    assert str(caught.value).splitlines() == [
        "--warmup is unknown (did you mean --warmup_steps?)",
        "no checkpoint in nowhere (train first, or name a model with --init)",
    ]
    for folder in ("runs/my/step_000007", "runs/intr/step_000001", "runs/begun", "runs/notes/step_x"):
        Path(folder).mkdir(parents=True)
    with pytest.raises(
        UserError, match="no checkpoint in runs/laptop .*--init; --out can be runs/intr, runs/my.$"
    ):
        train_gpt2.main(["--sample", "x"])
    run(capsys, "--steps", "1")
    words = "--sample x --out nowhere --init runs/gpt2 --samples 1 --device cpu --dtype float32".split()
    train_gpt2.main(words)  # --init needs no folder
    assert capsys.readouterr().out.startswith("> x")


def test_weights_of_another_tokenizer_give_no_sample():
    from test_fineweb import needs_vocabulary
    from test_model import hugging_face_gpt2

    needs_vocabulary()
    hugging_face_gpt2(Path("theirs"))
    with pytest.raises(UserError, match="the tokenizer gpt2 has 50257 tokens, but the model has 65 .put its"):
        train_gpt2.main("--init theirs --sample Hello --device cpu".split())


@pytest.mark.parametrize("warmup, steps, warned", [(3, 2, True), (2, 2, False), (3, 0, False)])
def test_a_warm_up_that_is_longer_than_the_run_is_warned_of(warmup, steps, warned, capsys):
    words = ["--warmup_steps", str(warmup), "--steps", str(steps), "--sample_every", "0", "--eval_every", "0"]
    train_gpt2.main([*TINY, *words])
    err, line = capsys.readouterr().err, "--warmup_steps 3 are more than --steps 2 (use fewer)\n"
    assert ("never reached" in err) == (f"warning: --lr is never reached: {line}" in err) == warned


def test_one_micro_batch_is_not_plural(capsys):
    words = "--steps 0 --sample_every 0 --eval_every 0 --batch_tokens".split()
    assert "32 tokens per step: 1 micro-batch of 2 x 16\n" in run(capsys, *words, "32")
    assert "64 tokens per step: 2 micro-batches of 2 x 16\n" in run(capsys, *words, "64")


def test_a_run_starts_from_the_weights_of_another(capsys):
    history = losses(run(capsys, "--steps", "30", "--lr", "0.01", "--warmup_steps", "0"))
    (first,) = losses(run(capsys, "--steps", "1", "--init", "runs/gpt2"))
    assert first < history[0] - 0.5 and Path("runs/gpt2-2").exists()


@pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="needs a C++ compiler")
def test_samples_validation_and_hellaswag_work_beside_a_compiled_model(capsys, monkeypatch):
    """The losses are those without a compiler, too."""
    rows = [train_gpt2.hellaswag.Row("Hear", ["me", "him", "the sea", "nothing"], 1)] * 9
    monkeypatch.setattr(train_gpt2.hellaswag, "load_rows", lambda: rows)
    words = "--steps 3 --lr 0.01 --warmup_steps 0 --sample_every 1 --eval_every 1".split()
    plain = run(capsys, *words)
    out = run(capsys, *words, "--hellaswag_every", "1", "--compile", "true")
    assert "does not work" not in out and out.count("> Hello") == 12 and out.count("  validation loss") == 3
    assert out.count("HellaSwag") == 3 and losses(out) == pytest.approx(losses(plain), rel=1e-4)


def test_the_program_trains(capsys):
    history = losses(run(capsys, "--steps", "3", "--samples", "1", "--warmup_steps", "0", "--lr", "0.01"))
    assert (
        len(history) == 3 and history[0] == pytest.approx(math.log(257), abs=0.5) and history[2] < history[0]
    )


def test_a_step_waits_for_the_device_as_seldom_as_it_can(monkeypatch):
    """No seed without dropout, one read of the validation loss, no switch of modes between evaluations."""
    calls = {"seed": 0, "item": 0, "mode": 0}

    def count(name, original):
        def counted(*arguments, **options):
            calls[name] += 1
            return original(*arguments, **options)

        return counted

    config = Config(65, 16, 1, 2, 8, device="cpu", dtype="float32", micro_batch=1, batch_tokens=64, steps=6)
    config = replace(config, eval_every=3, sample_every=0, hellaswag_every=0, save_every=0)
    tokens = as_shards(torch.arange(1000) % 65)
    machine, model = Machine(config), train_gpt2.make_model(config)
    monkeypatch.setattr(torch, "manual_seed", count("seed", torch.manual_seed))
    monkeypatch.setattr(torch.Tensor, "item", count("item", torch.Tensor.item))
    train_gpt2.validate(model, tokens, config, machine)
    assert calls["item"] == 1
    monkeypatch.setattr(train_gpt2.GPT, "train", count("mode", train_gpt2.GPT.train))
    run = Run(Path("out"), config, machine, flops_per_token=1)
    train_gpt2.train(model, (tokens, tokens, {}), config, machine, run)
    assert calls["seed"] == 0 and calls["mode"] == 2 * 2  # eval() and train(), twice


def test_only_pinned_memory_is_copied_while_the_program_goes_on(monkeypatch):
    original, waits = torch.Tensor.to, []

    def to(tensor, *arguments, **options):
        waits.append(not options.get("non_blocking", False))
        return original(tensor, *arguments, **options)

    monkeypatch.setattr(torch.Tensor, "to", to)
    here = Machine(Config(device="cpu"))
    here.device = torch.device("meta")  # stands for MPS
    (copy,) = here.place(torch.zeros(3))
    assert copy.device.type == "meta" and waits == [True]
