import json
import math
import shutil
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
from test_runs import CONFIG

import curve
import publish
import train_gpt2
from config import Config
from documents import REVISION
from errors import UserError
from machine import Machine
from runs import Run, describe_file

DATA = dict(source="Hamlet", train_tokens=1000, val_tokens=100)


class Hub:
    """The part of the hub's client that publish.py calls; it keeps what it is called with."""

    def __init__(self, private=True):
        self.private, self.calls = private, []

    def create_repo(self, name, **options):
        self.calls.append((name, options))
        return f"https://huggingface.co/{name}"

    def model_info(self, name):
        return SimpleNamespace(private=self.private)

    def create_commit(self, name, operations, commit_message):
        self.calls.append((name, commit_message))
        contents = {each.path_in_repo: each.path_or_fileobj for each in operations}
        self.files = {key: Path(c) if isinstance(c, str) else c for key, c in contents.items()}


@pytest.fixture(autouse=True)
def hub(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    hub = Hub()
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: hub)
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "token")
    monkeypatch.setattr(publish, "draw", lambda folders: Path(folders[0], "curve.png").write_bytes(b"drawn"))
    return hub


def make_run(config=CONFIG, data=DATA):
    """Make a run with checkpoints after 50 and 100 steps, and what it has logged by then."""
    machine = Machine(CONFIG)
    run = Run(Path("runs/my"), config, machine, 1)
    start = dict(config=asdict(config), data=data, machine="cpu in float32", commit="abc1234")
    run.log("start", step=0, **start, command=["/home/me/train_gpt2.py", "--data=/home/me/novel"])
    model = train_gpt2.make_model(CONFIG)
    for step in range(1, 101):
        run.log("step", step=step, loss=4.0 - step / 100, seconds=2.0)
        if step in (50, 100):
            optimizer = dict(state={}, param_groups=[])
            run.save(step, model, dict(step=step, config=asdict(config), data=data, optimizer=optimizer), 0)
            run.report_validation(step, 3.5 if step == 50 else 3.75)
    return run


def card_of(config=CONFIG, data=DATA, **events):
    """Return the card after 100 steps, and its metadata; log: {kind: list of events}."""
    state = SimpleNamespace(step=100, config=config, data=data)
    model = train_gpt2.make_model(CONFIG)
    text = publish.make_card("you/my", "mit", model, state, events)
    return text, huggingface_hub.ModelCard(text).data.to_dict()


def test_a_run_is_uploaded_in_one_commit_to_a_private_repository(hub, capsys, monkeypatch):
    monkeypatch.setattr(publish, "draw", curve.draw)
    make_run()
    publish.main(["runs/my", "you/my"])
    assert hub.calls == [("you/my", dict(private=True, exist_ok=True)), ("you/my", "Step 100")]
    assert hub.files["model.safetensors"] == Path("runs/my/step_000100/model.safetensors")
    assert set(hub.files) >= {"config.json", "generation_config.json", "curve.png", "log.jsonl", "README.md"}
    assert not {"train_state.pt", "manifest.json"} & set(hub.files)
    assert hub.files["curve.png"].read_bytes().startswith(b"\x89PNG")
    card = hub.files["README.md"].decode()
    assert "validation loss after step 100 | **3.7500** nats per token" in card
    assert "best validation loss, after step 50 | 3.5000" in card and "0:03:20" in card
    assert capsys.readouterr().out.endswith(
        "runs/my/step_000100 is at https://huggingface.co/you/my (private)\n"
    )
    assert not Path("runs/my/README.md").exists()


def test_the_card_ends_where_its_checkpoint_does(hub):
    make_run()
    for name in ("step_000050", "best"):
        publish.main([f"runs/my/{name}", "you/my"])
        card = hub.files["README.md"].decode()
        assert "validation loss after step 50 | **3.5000**" in card and "50 of 100" in card
        assert "mean of the last 5 steps | 3.5200" in card and "0:01:40" in card and "3.75" not in card


@pytest.mark.parametrize(
    "count, row",
    [
        (2000, "mean of the last 100 steps | 1949.5000 |"),
        (60, "mean of the last 6 steps | 56.5000 |"),
        (19, "last step | 18.0000 |"),
        (1, "last step | 0.0000 |"),
    ],
)
def test_the_training_loss_of_a_card_is_that_of_the_last_tenth(count, row):
    log = dict(step=[dict(step=step, loss=float(step)) for step in range(count)])
    assert f"training loss, {row}" in publish.table(publish.describe_results(CONFIG, log))


def test_what_is_there_already_does_not_change_who_may_see_it(hub):
    make_run()
    hub.private = False
    with pytest.raises(UserError, match="you/my is public already .add --public, or use another name"):
        publish.main(["runs/my", "you/my"])
    assert len(hub.calls) == 1  # nothing is uploaded
    publish.main(["runs/my", "you/my", "--public"])
    assert hub.calls[-2:] == [("you/my", dict(private=False, exist_ok=True)), ("you/my", "Step 100")]
    hub.private = True
    with pytest.raises(UserError, match="you/my is private already"):
        publish.main(["runs/my", "you/my", "--public"])


def test_the_card_alone_needs_no_hub_and_overwrites_nothing(hub, monkeypatch):
    monkeypatch.setattr(huggingface_hub, "HfApi", None)
    make_run()
    publish.main(["runs/my", "you/my", "--card_only", "--license", "cc0-1.0"])
    path = Path("runs/my/README.md")
    assert "license: cc0-1.0" in path.read_text() and Path("runs/my/curve.png").exists()
    path.write_text("my words")
    with pytest.raises(
        UserError, match="runs/my/README.md exists .move it away for a new one, or publish it"
    ):
        publish.main(["runs/my", "you/my", "--card_only"])
    assert path.read_text() == "my words"
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: hub)
    publish.main(["runs/my", "you/my", "--card", "runs/my/README.md"])
    assert hub.files["README.md"] == b"my words"


def test_the_folders_of_this_computer_stay_here(hub):
    make_run(data=DATA | dict(source=[["/home/me/novels/one.txt", 5, 6], ["C:\\Users\\me\\two.txt", 7, 8]]))
    publish.main(["runs/my", "you/my"])
    card, log = hub.files["README.md"].decode(), hub.files["log.jsonl"]
    assert "files of the author: one.txt, two.txt" in card
    assert publish.describe_data(dict(source=["241 files", "785bb128"]))[0] == "241 files of the author"
    assert publish.table({"data": "a|b.txt"}).endswith("| data | a\\|b.txt |")
    for secret in (b"home", b"Users", b"novels"):
        assert secret not in log and secret not in hub.files["README.md"]
    first, *others = map(json.loads, log.splitlines())
    assert first["command"] == ["train_gpt2.py", "--data=novel"] and first["data"]["source"][0] == [
        "one.txt",
        5,
        6,
    ]
    assert len(others) == len(Path("runs/my/log.jsonl").read_text().splitlines()) - 1
    for text in ("1/2 of", "def f():\n    return a / b", "https://x.org/a/b", "data/my", "a\\b"):
        assert publish.without_folders(text) == text
    assert publish.without_folders({"a": ["~/x/y", "/x y/z"]}) == {"a": ["y", "z"]}
    for text, short in {
        "file:///home/me/x": "x",
        "path:/home/me/x": "path:x",
        "s3://a/b": "s3://a/b",
    }.items():
        assert publish.without_folders(text) == short


def test_the_metadata_say_where_data_and_weights_come_from():
    fineweb = dict(vocab_size=50257, train_tokens=9_853_989_344, val_tokens=100_000_000)
    text, data = card_of(data=fineweb)
    assert data == dict(
        datasets=["HuggingFaceFW/fineweb-edu"], language="en", library_name="transformers", license="mit"
    ) | dict(pipeline_tag="text-generation", tags=["gpt2"])
    assert "trained from scratch for 100 steps" in text and "FineWeb-Edu, sample-10BT" in text
    _, data = card_of(data=dict(source=["HuggingFaceFW/fineweb-edu", "sample-100BT", REVISION]))
    assert data["datasets"] == ["HuggingFaceFW/fineweb-edu"]
    for init, base in [("gpt2-xl", "openai-community/gpt2-xl"), ("other/gpt", "other/gpt")]:
        text, data = card_of(Config(init=init), validation=[dict(step=0, loss=3.5), dict(step=100, loss=3.0)])
        assert (
            data["base_model"] == base and f"fine-tuned from [{base}](https://huggingface.co/{base})" in text
        )
        assert "validation loss before the training | 3.5000" in text
    text, _ = card_of(
        Config(init="gpt2"),
        validation=[dict(step=step, loss=loss) for step, loss in enumerate((3.5, 3.6, 3.7))],
    )
    assert "best validation loss, after step 1 | 3.6000" in text  # the weights of step 0 are not this run's
    Path("runs/my").mkdir(parents=True)
    text, data = card_of(Config(init="runs/my"))
    assert "base_model" not in data and "fine-tuned from another checkpoint" in text
    assert "Results" not in text and "curve.png" not in text
    text, data = card_of(Config(tokenizer="bytes"), {}, validation=[dict(step=1, loss=math.log(2))])
    assert "bits per byte | 1.0000" in text and "data | not recorded" in text and "language" not in data


def log_run(folder, init, data):
    """Write what a run logs first."""
    Path(folder).mkdir(parents=True)
    event = dict(event="start", step=0, config=asdict(Config(init=init)), data=data)
    Path(folder, "log.jsonl").write_text(json.dumps(event))


def test_a_fine_tuned_model_says_what_it_was_trained_on_before():
    fineweb = dict(source=["HuggingFaceFW/fineweb-edu", "sample-100BT", REVISION])
    log_run("runs/one", "gpt2-xl", fineweb)
    log_run("runs/two", "runs/one", dict(source="Sonnets"))
    Path("runs/two/step_000100").mkdir()
    text, data = card_of(Config(init="runs/two/step_000100"))
    row = "data before the fine-tuning | Sonnets; FineWeb-Edu, sample-100BT; OpenAI's WebText |"
    assert "data | Hamlet |" in text and row in text
    assert data["datasets"] == ["HuggingFaceFW/fineweb-edu"] and "language" not in data
    assert data["base_model"] == "openai-community/gpt2-xl"
    log_run("runs/three", "scratch", fineweb)
    text, data = card_of(Config(init="runs/three"))
    assert "data before the fine-tuning | FineWeb-Edu, sample-100BT |" in text and "base_model" not in data
    log_run("runs/four", "runs/four", fineweb)  # the folder was used again: no endless chain
    assert card_of(Config(init="runs/four"))[0].count("sample-100BT") == 1
    for init in ("scratch", "runs/deleted"):
        assert "data before" not in card_of(Config(init=init))[0]


@pytest.mark.parametrize(
    "prompt, call",
    [("One", '"One", max_new_tokens=13'), ("Où", '"Où", max_new_tokens=13')]
    + [(text, '"<|endoftext|>", max_new_tokens=15') for text in ("", "x" * 16)],
)
def test_the_example_of_the_card_fits_the_context(prompt, call):
    text, _ = card_of(Config(prompt=prompt))  # the model has a context of 16, the run's settings another one
    assert f"print(generate({call})" in text and "have at most 16 tokens together" in text


def test_the_license_is_said(hub, capsys):
    make_run()
    publish.main(["runs/my", "you/my", "--license", "cc0-1.0"])
    assert "the card says: license cc0-1.0 (--license changes it" in capsys.readouterr().out


def test_hellaswag_is_a_result_that_the_hub_can_read():
    scores = [dict(step=50, accuracy=0.25, examples=10042), dict(step=100, accuracy=0.29552, examples=10042)]
    text, data = card_of(hellaswag=[*scores, dict(step=101, accuracy=0.9, examples=1)])
    assert "HellaSwag after step 100 | 29.55 % of 10,042 examples" in text
    (model,) = data["model-index"]
    (result,) = model["results"]
    assert result["dataset"] == dict(name="HellaSwag", type="Rowan/hellaswag")
    assert result["metrics"] == [dict(type="acc_norm", value=0.2955)] and model["name"] == "my"


def test_what_cannot_be_published_is_refused_in_one_line(hub, monkeypatch):
    def refused(*words):
        with pytest.raises((UserError, OSError)) as caught:
            publish.main([*words])
        assert "\n" not in str(caught.value) and not hub.calls
        return str(caught.value)

    Path("empty").mkdir()
    assert refused("empty", "you/my").startswith(
        "empty is neither a run with a checkpoint nor a checkpoint (give"
    )
    assert refused("nowhere", "you/my").startswith("nowhere is neither a run with a checkpoint")
    for name in ("my", "you/my/gpt", "you/my gpt", "you/--my", "/my"):
        assert refused("empty", name).startswith(
            f"{name} is not the name of a repository (write you/your-gpt2"
        )
    make_run()
    assert "nowhere.md" in refused("runs/my", "you/my", "--card", "nowhere.md")
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    assert refused("runs/my", "you/my") == "no token for the hub (run: hf auth login; --card_only needs none)"
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "token")

    def fail(*_, **__):
        raise ConnectionError("no route\nto host")

    monkeypatch.setattr(hub, "create_repo", fail)
    line = refused("runs/my", "you/my")
    assert line.startswith(
        "cannot upload to you/my: ConnectionError: no route to host (check network and token"
    )


def test_a_torn_checkpoint_is_not_published(hub, capsys):
    make_run()
    weights = Path("runs/my/step_000100/model.safetensors")
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(
        UserError, match="step_000100 is not a whole checkpoint: .*model.safetensors is not as"
    ):
        publish.main(["runs/my/step_000100", "you/my"])
    assert not hub.calls
    publish.main(["runs/my", "you/my"])
    assert hub.calls[-1] == ("you/my", "Step 50") and "step_000100 is not a whole" in capsys.readouterr().err


def test_a_checkpoint_alone_has_a_card_without_a_curve(hub):
    make_run()
    shutil.copytree("runs/my/step_000100", "alone/step_000100")
    publish.main(["alone/step_000100", "you/my"])
    assert "curve.png" not in hub.files and "Results" not in hub.files["README.md"].decode()
    described = {name: describe_file(path) for name, path in hub.files.items() if name != "README.md"}
    manifest = json.loads(Path("alone/step_000100/manifest.json").read_text())["files"]
    assert all(list(found) == manifest[name] for name, found in described.items())
