"""lectures/GLOSSARY.md: its terms are on the pages that it names, and its numbers are GPT-2's."""

import re
from pathlib import Path

import torch

from train_gpt2 import GPT, GPTConfig

LECTURES = Path(__file__).resolve().parent.parent / "lectures"


def rows():
    """The rows of the glossary: term, page, whole line."""
    lines = (LECTURES / "GLOSSARY.md").read_text(encoding="utf-8").splitlines()
    found = [re.fullmatch(r"\| (.+?) \|.*\| \[step (\d\d)\]\((\2-[\w-]+\.md)\) \|", line) for line in lines]
    return [(match[1].strip("`"), match[3], match[0]) for match in found if match]


def test_each_term_is_on_its_page():
    assert len(rows()) > 50
    for term, name, _ in rows():
        page = (LECTURES / name).read_text(encoding="utf-8")
        assert re.search(rf"(?i)(?<!\w){re.escape(term)}", page), f"{term} is not in {name}"


def test_terms_are_in_order_and_come_once():
    text = (LECTURES / "GLOSSARY.md").read_text(encoding="utf-8")
    tables = [re.findall(r"(?m)^\| (\S.*?) \|.*\.md\) \|$", part) for part in text.split("## ")[2:]]
    assert len(tables) == 3
    for table in tables:
        assert table == sorted(table, key=str.lower)
    terms = sum(tables, [])
    assert len(terms) == len(set(terms))


def test_the_numbers_are_those_of_gpt2():
    with torch.device("meta"):
        model = GPT(GPTConfig())
    values = {term: line.split(" | ")[2] for term, _, line in rows()}
    assert values["N"] == f"{model.num_parameters() - model.wpe.weight.numel():,}"
    config = model.config
    assert values["C"] == str(config.n_embd) and values["L"] == str(config.n_layer)
    assert values["T"] == f"{config.context:,}" and values["V"] == f"{config.vocab_size:,}"
    assert values["d"] == str(config.n_embd // config.n_head) and values["n_head"] == str(config.n_head)
