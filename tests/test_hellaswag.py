import itertools
import json
import random
import re
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from processes import run_ranks
from test_model import hugging_face_gpt2

import hellaswag
from config import Config, GPTConfig
from data import get_tokenizer
from errors import UserError
from hellaswag import Example, Row, load_rows
from machine import Machine
from train_gpt2 import GPT

ENCODE = get_tokenizer("bytes").encode_ordinary
CPU = Machine(Config(device="cpu", dtype="float32"))


def make_rows(count):
    """Rows in HellaSwag's schema, short and long, with endings of different lengths; none of them is its."""
    draw = random.Random(0)
    words = "a man, the dog; walks into [header] water. and then she throws it — quickly".split(" ")
    return [
        Row(
            ctx=" ".join(draw.choices(words, k=draw.choice([1, 5, 40]))),
            endings=[" ".join(draw.choices(words, k=draw.randint(1, 12))) for _ in range(4)],
            label=draw.randrange(4),
        )
        for _ in range(count)
    ]


def hub_rows(count):
    """The rows as the hub has them: dictionaries, whose label is a string."""
    return [asdict(row) | {"label": str(row.label), "ind": 0} for row in make_rows(count)]


def write_rows(path, rows):
    Path(path).write_text("\n".join(json.dumps(asdict(row)) for row in rows) + "\n", encoding="utf-8")
    return str(path)


def plain_answer(model, row, context):
    """The likeliest ending, by the definition: a token at a time."""
    means = []
    for ending in row.endings:
        tokens, count = ENCODE(row.ctx) + ENCODE(" " + ending), len(ENCODE(" " + ending))
        tokens, count = tokens[-context:], min(count, context - 1)
        losses = []
        for position in range(len(tokens) - count, len(tokens)):
            logits, _ = model(torch.tensor([tokens[:position]]))
            losses.append(-torch.log_softmax(logits[0, -1].double(), dim=0)[tokens[position]].item())
        means.append(sum(losses) / count)
    return min(range(4), key=means.__getitem__)


@pytest.fixture(scope="module")
def model():
    return GPT(GPTConfig(257, 64, 2, 2, 32), torch.Generator().manual_seed(0))


@torch.no_grad()
def test_the_answers_are_those_of_the_definition(model):
    rows = make_rows(30)
    said = hellaswag.predict(model, [Example(row, ENCODE, 64) for row in rows], CPU)
    assert said == [plain_answer(model, row, 64) for row in rows]
    assert len(set(said)) == 4


def test_a_model_that_knows_nothing_guesses(model):
    examples = [Example(row, ENCODE, 64) for row in make_rows(400)]
    assert hellaswag.evaluate(model, examples, CPU) == pytest.approx(0.25, abs=0.1)  # 4.6 deviations


def test_the_score_is_the_share_of_right_answers(model):
    rows = make_rows(20)
    with torch.no_grad():
        answers = [plain_answer(model, row, 64) for row in rows]
    for right in (0, 5, 20):
        for number, (row, answer) in enumerate(zip(rows, answers, strict=True)):
            row.label = answer if number < right else (answer + 1) % 4
        examples = [Example(row, ENCODE, 64) for row in rows]
        assert hellaswag.evaluate(model, examples, CPU) == right / 20


@torch.no_grad()
def test_batches_give_the_same_answers_as_single_examples(model):
    examples = [Example(row, ENCODE, 64) for row in make_rows(200)]
    single = [hellaswag.predict(model, [example], CPU) for example in examples]
    for example, (answer,) in zip(examples, single, strict=True):
        example.label = answer
    for batch in (1, 8, 32, 1000):
        assert hellaswag.evaluate(model, examples, CPU, batch) == 1.0


def test_the_model_is_as_before_when_it_has_been_scored(model):
    idx = torch.zeros(1, 8, dtype=torch.int64)
    before = model(idx)[0]
    hellaswag.evaluate(model, [Example(row, ENCODE, 64) for row in make_rows(3)], CPU)
    assert torch.equal(model(idx)[0], before)


def test_ranks_share_the_examples_and_agree(tmp_path):
    write_rows(tmp_path / "rows.jsonl", make_rows(50))
    worker = """
import torch
from data import get_tokenizer
from hellaswag import Example, evaluate, load_rows
from config import Config, GPTConfig
from machine import Machine
from train_gpt2 import GPT
machine = Machine(Config(device="cpu", dtype="float32"))
model = GPT(GPTConfig(257, 64, 2, 2, 32), torch.Generator().manual_seed(0))
rows = machine.from_rank_0(lambda: load_rows("rows.jsonl"))
examples = [Example(row, get_tokenizer("bytes").encode_ordinary, 64) for row in rows]
print(f"rank {machine.rank} says {evaluate(model, examples, machine)}.")
machine.shutdown()
"""
    said = []
    for world in (1, 2):
        code, out = run_ranks(tmp_path, worker, world)
        assert code == 0, out
        said += re.findall(r"says (\S+)\.", out)
    assert len(said) == 3 and len(set(said)) == 1


def test_training_scores_where_it_is_due_and_goes_on_without_the_data(tmp_path, monkeypatch, capfd):
    import test_program

    import train_gpt2

    monkeypatch.chdir(tmp_path)
    test_program.make_data(tmp_path)
    words = [*test_program.TINY, "--steps", "4", "--hellaswag_every", "2", "--samples", "0"]
    monkeypatch.setattr(hellaswag, "load_rows", lambda: make_rows(10))
    train_gpt2.main(words)
    assert re.findall(r"step +(\d) +HellaSwag \d+\.\d\d %", capfd.readouterr().out) == ["2", "4"]

    def offline():
        raise UserError("cannot read Rowan/hellaswag")

    monkeypatch.setattr(hellaswag, "load_rows", offline)
    train_gpt2.main(words)
    out, err = capfd.readouterr()
    assert err.count("warning: no HellaSwag in this run (--hellaswag_every 0): cannot read") == 1
    assert "step    4  loss" in out and "HellaSwag" not in out


def test_a_row_that_is_too_long_keeps_its_end():
    example = Example(Row("c" * 100, ["e", "f" * 90], 0), ENCODE, 64)
    assert [len(row) for row in example.rows] == [64, 64] and example.scored == [2, 63]
    assert bytes(example.rows[0][-3:]) == b"c e"


@pytest.mark.parametrize(
    "text, reason",
    [
        ("", "it is empty"),
        ("<html>", "Invalid JSON"),
        ('{"ctx": "a", "endings": ["b", "c"]}', "label: Field required"),
        ('{"ctx": "a", "endings": ["b", "c"], "label": 2}', "label 2, but 2 endings"),
        ('{"ctx": "a", "endings": ["b", "c"], "label": -0.5}', "label: Input should be a valid integer"),
        ('{"ctx": "a", "endings": {"b": 1, "c": 2}, "label": 1}', "endings: Input should be a valid array"),
        ('{"ctx": "a", "endings": "bc", "label": 1}', "endings: Input should be a valid array"),
        ('{"ctx": "", "endings": ["b", "c"], "label": 1}', "ctx: String should have at least 1 character"),
    ],
)
def test_a_file_that_is_no_hellaswag_is_refused(text, reason, tmp_path):
    (tmp_path / "rows.jsonl").write_text(text)
    with pytest.raises(
        UserError,
        match=f"cannot read .*rows.jsonl: .*{reason}.*connect to the network once; hellaswag.py --data",
    ):
        load_rows(tmp_path / "rows.jsonl")
    with pytest.raises(UserError, match="cannot read .*none.jsonl"):
        load_rows(tmp_path / "none.jsonl")


def test_the_hub_s_rows_are_counted(monkeypatch):
    import datasets

    asked = []
    monkeypatch.setattr(datasets, "load_dataset", lambda *a, **k: asked.append((a, k)) or hub_rows(10_041))
    with pytest.raises(UserError, match="cannot read Rowan/hellaswag: ValueError: 10041 rows instead"):
        load_rows()
    revision = "218ec52e09a7e7462a5400043bb9a69a41d06b76"
    assert asked == [(("Rowan/hellaswag",), {"split": "validation", "revision": revision})]
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: hub_rows(10_042))
    assert len(load_rows()) == 10_042


def test_any_causal_model_of_a_folder_is_scored(tmp_path, capsys):
    hugging_face_gpt2(tmp_path / "theirs", vocab_size=257)
    config = json.loads((tmp_path / "theirs" / "config.json").read_text())
    data = write_rows(tmp_path / "rows.jsonl", make_rows(12))
    arguments = ["--model", str(tmp_path / "theirs"), "--data", data, "--limit", "10", "--device", "cpu"]
    with pytest.raises(
        UserError, match="cannot load .*theirs: .*use a folder with a model and its tokenizer"
    ):
        hellaswag.main(arguments)  # no tokenizer in it
    (tmp_path / "theirs" / "config.json").write_text(json.dumps(config | {"tokenizer": "bytes"}))
    hellaswag.main(arguments)
    found = re.search(r"(\d+\.\d0) % of 10 examples, standard error (\d+\.\d\d) %,", capsys.readouterr().out)
    share, error = (float(number) / 100 for number in found.groups())
    assert error == pytest.approx((share * (1 - share) / 10) ** 0.5, abs=1e-4)


@pytest.mark.parametrize(
    "rows, shared",
    [
        (Row("ab", ["c", "de"], 0), 1),  # the last token of the context predicts: it is not shared
        (Row("a", ["c", "de"], 0), 0),
        (Row("ab", ["cd", "ce"], 0), 1),  # what the endings have in common is scored
        (Row("a" * 70, ["cde", "fgh"], 0), 59),  # both lose 10 tokens at the beginning
        (Row("ab" * 40, ["cde", "fg"], 0), 0),  # they do not lose equally many
    ],
)
def test_what_the_rows_of_an_example_share(rows, shared):
    example = Example(rows, ENCODE, 64)
    assert example.shared == shared
    assert all(row[:shared] == example.rows[0][:shared] for row in example.rows)


@torch.no_grad()
def test_each_context_is_computed_once(model):
    seen = []
    hook = model.h[0].register_forward_pre_hook(lambda _, inputs: seen.append(tuple(inputs[0].shape[:2])))
    try:
        rows = [Row("x" * length, ["abc", "ab", "cd"], 0) for length in (9, 12)]
        hellaswag.predict(model, [Example(row, ENCODE, 64) for row in rows], CPU)
    finally:
        hook.remove()
    context, *endings = seen
    assert context == (2, 8)
    # After the last of 9, or the last 4 of 12, come 3, 3 and 4 letters, of which the last predicts nothing.
    assert endings == [(2, 3), (1, 4), (2, 6), (1, 7)]  # no padding at all


def test_passes_have_the_least_padding():
    draw = random.Random(0)
    for _ in range(200):
        lengths = sorted(draw.choices(range(1, 12), k=draw.randint(1, 9)))
        costs = {}
        for parts in range(4):
            for cuts in itertools.combinations(range(1, len(lengths)), parts):
                ends = [0, *cuts, len(lengths)]
                sizes = [end - first for first, end in itertools.pairwise(ends)]
                costs[tuple(sizes)] = sum(
                    size * lengths[end - 1] for size, end in zip(sizes, ends[1:], strict=True)
                )
        assert costs[tuple(hellaswag.plan_passes(lengths))] == min(costs.values())
    assert len(hellaswag.plan_passes(list(range(1, 100)))) == 4


@pytest.mark.parametrize("kind", ["gpt2", "llama", "mistral", "mamba"])
@torch.no_grad()
def test_any_causal_model_continues_its_contexts(kind):
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    sizes = dict(vocab_size=257, hidden_size=32, num_hidden_layers=2, num_attention_heads=4)
    more = dict(
        intermediate_size=64, max_position_embeddings=64, initializer_range=0.3, num_key_value_heads=2
    )
    if kind == "mistral":
        more["sliding_window"] = 8
    theirs = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **sizes, **more)).eval()
    examples = [Example(row, ENCODE, 64) for row in make_rows(24)]
    alone = []
    for example in examples:
        losses = []
        for row, count in zip(example.rows, example.scored, strict=True):
            logits, targets = theirs(torch.tensor([row[:-1]])).logits[0, -count:], torch.tensor(row[-count:])
            losses.append(torch.nn.functional.cross_entropy(logits, targets))
        alone.append(int(torch.stack(losses).argmin()))
    for batch in (1, 8):
        for example, label in zip(examples, alone, strict=True):
            example.label = label
        assert hellaswag.evaluate(theirs, examples, CPU, batch) == 1.0
    assert len(set(alone)) == 4
