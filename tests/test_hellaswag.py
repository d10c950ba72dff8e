import json
import random
from pathlib import Path

import pytest
import torch
from test_model import hugging_face_gpt2

import hellaswag
from fineweb import UserError, get_tokenizer
from hellaswag import Example, load_examples
from train_gpt2 import GPT, GPTConfig

ENCODE = get_tokenizer("bytes").encode_ordinary
CPU = torch.device("cpu")


def make_rows(count):
    """Rows in HellaSwag's schema, short and long, with endings of different lengths; none of them is its."""
    draw = random.Random(0)
    words = "a man, the dog; walks into [header] water. and then she throws it — quickly".split(" ")
    return [
        {
            "ctx": " ".join(draw.choices(words, k=draw.choice([1, 5, 40]))),
            "endings": [" ".join(draw.choices(words, k=draw.randint(1, 12))) for _ in range(4)],
            "label": str(draw.randrange(4)),  # the hub has it as a string
        }
        for _ in range(count)
    ]


def write_rows(path, rows):
    Path(path).write_text("\n".join(json.dumps(row) for row in rows) + "\n", encoding="utf-8")
    return str(path)


def plain_answer(model, row, context):
    """The likeliest ending, by the definition: a token at a time."""
    means = []
    for ending in row["endings"]:
        tokens, count = ENCODE(row["ctx"]) + ENCODE(" " + ending), len(ENCODE(" " + ending))
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
    said = [hellaswag.answer(model, Example(row, ENCODE, 64), CPU) for row in rows]
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
            row["label"] = answer if number < right else (answer + 1) % 4
        examples = [Example(row, ENCODE, 64) for row in rows]
        assert hellaswag.evaluate(model, examples, CPU) == right / 20


def test_a_row_that_is_too_long_keeps_its_end():
    example = Example({"ctx": "c" * 100, "endings": ["e", "f" * 90], "label": 0}, ENCODE, 64)
    assert [len(row) for row in example.rows] == [64, 64] and example.scored == [2, 63]
    assert bytes(example.rows[0][-3:]) == b"c e"


@pytest.mark.parametrize(
    "text, reason",
    [
        ("", "it is empty"),
        ("<html>", "JSONDecodeError"),
        ('{"ctx": "a", "endings": ["b", "c"]}', "KeyError: 'label'"),
        ('{"ctx": "a", "endings": ["b", "c"], "label": 2}', "no ending of the label's number"),
        ('{"ctx": "", "endings": ["b", "c"], "label": 1}', "no context"),
    ],
)
def test_a_file_that_is_no_hellaswag_is_refused(text, reason, tmp_path):
    (tmp_path / "rows.jsonl").write_text(text)
    with pytest.raises(
        UserError, match=f"cannot read .*rows.jsonl: .*{reason}.*connect once, or give --data"
    ):
        load_examples(tmp_path / "rows.jsonl")
    with pytest.raises(UserError, match="cannot read .*none.jsonl"):
        load_examples(tmp_path / "none.jsonl")


def test_the_hub_s_rows_are_counted(monkeypatch):
    import datasets

    asked = []
    monkeypatch.setattr(datasets, "load_dataset", lambda *a, **k: asked.append((a, k)) or make_rows(10_041))
    with pytest.raises(UserError, match="cannot read Rowan/hellaswag: ValueError: 10041 examples instead"):
        load_examples()
    assert asked == [(("Rowan/hellaswag",), {"split": "validation"})]
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: make_rows(10_042))
    assert len(load_examples()) == 10_042


def test_any_causal_model_of_a_folder_is_scored(tmp_path, capsys):
    hugging_face_gpt2(tmp_path / "theirs", vocab_size=257)
    config = json.loads((tmp_path / "theirs" / "config.json").read_text())
    data = write_rows(tmp_path / "rows.jsonl", make_rows(12))
    arguments = ["--model", str(tmp_path / "theirs"), "--data", data, "--limit", "10", "--device", "cpu"]
    with pytest.raises(
        UserError, match="cannot load .*theirs: .*give a folder with a model and its tokenizer"
    ):
        hellaswag.main(arguments)  # no tokenizer in it
    (tmp_path / "theirs" / "config.json").write_text(json.dumps(config | {"tokenizer": "bytes"}))
    hellaswag.main(arguments)
    assert " % of 10 examples" in capsys.readouterr().out
