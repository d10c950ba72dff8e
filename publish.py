"""Publish a checkpoint on the Hugging Face hub, with a card that is filled in from its run.

python publish.py runs/gpt2 you/your-gpt2          the newest checkpoint, in a private repository
python publish.py runs/gpt2/best you/your-gpt2     the best one; --public lets everybody see it
python publish.py runs/gpt2 you/your-gpt2 --card_only    write the card, runs/gpt2/README.md, and stop

Uploaded are the weights and the tokenizer, curve.png, log.jsonl without the folders of this computer, and the
card. The optimizer's state stays here. Log in once with: hf auth login
"""

import json
import math
import os
import re
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from datetime import timedelta
from pathlib import Path
from statistics import fmean

import huggingface_hub
from huggingface_hub.utils import validate_repo_id

from curve import SAMPLE, beginning, columns, draw, name_data, read_log
from documents import FINEWEB
from errors import UserError, one_line, run_program
from files import whole_file
from runs import MANIFEST, newest_whole
from train_gpt2 import load_checkpoint
from weights import END

OPENAI = "gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl"
LOCAL = MANIFEST, "train_state.pt"  # stays here
LIMITS = """It is a base model: it continues a text, and does not follow instructions or answer questions. It
states falsehoods as fluently as facts, and repeats the prejudices of its training text. Nothing was done to
make it safe. Do not use its output unread, or for decisions about people."""


def find_checkpoint(folder):
    """Return the path, the model and the State of a checkpoint, or of the newest one of a run. UserError."""

    def load(path):
        return path, *load_checkpoint(path)

    if folder.is_symlink():  # best
        folder = folder.parent / folder.readlink()
    found = newest_whole(folder, load)
    if found is None and not (folder / "train_state.pt").exists():
        fix = "give a folder like runs/gpt2, or runs/gpt2/step_019073"
        raise UserError(f"{folder} is neither a run with a checkpoint nor a checkpoint ({fix})")
    return found or load(folder)


def without_folders(value):
    """Return a value of JSON in which the absolute paths of this computer are only their last names."""
    if isinstance(value, dict):
        return {key: without_folders(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_folders(item) for item in value]
    if isinstance(value, str):
        start = r"(\bfile://(?=/)|(?<![\w./\\-])(?!(?<=:)//)(~|[A-Za-z]:)?)"  # not that of other addresses
        return re.sub(start + r"[/\\]([^/\\\0]+[/\\])*(?=[^/\\\s])", "", value)
    return value


def clean_log(path):
    """Return log.jsonl as bytes, without_folders; torn lines are left out."""
    lines = []
    for line in path.read_bytes().splitlines():
        try:
            lines.append(json.dumps(without_folders(json.loads(line))))
        except ValueError:  # the run was killed while it wrote
            continue
    return "".join(f"{line}\n" for line in lines).encode()


def describe_data(data):
    """Return the data of a run as text, and what the hub calls the data set and the language, or None."""
    name, source = name_data(data), data.get("source")
    if name.startswith(SAMPLE):
        return name, FINEWEB, "en"
    if isinstance(source, list) and source[:1] == [FINEWEB]:
        return f"FineWeb-Edu, {source[1]}", FINEWEB, "en"
    if name.startswith("Python, "):  # of the preset laptop
        return "the language reference and the standard library that come with Python", None, "code"
    if isinstance(source, list) and source and all(isinstance(item, list) for item in source):
        names = [without_folders(item[0]) for item in source]
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        return f"files of the author: {', '.join(names[:3])}{more}", None, None
    if isinstance(source, list) and source and re.fullmatch(r"\d+ files", str(source[0])):  # and a hash
        return f"{source[0]} of the author", None, None
    return without_folders(name) or "not recorded", None, None


def base_model(init):
    """Return what the hub calls the model that a run started from; None if it is not from the hub."""
    if init in OPENAI:
        return f"openai-community/{init}"
    return init if re.fullmatch(r"[\w.-]+/[\w.-]+", init) and not Path(init).exists() else None


def find_origins(init):
    """Return where the weights of --init come from, as far as the logs of those runs are on this computer.

    The data of these runs, each as its log describes them, the latest run first, and the --init of the first.
    """
    found, seen = [], set()
    while os.path.isdir(init) and init not in seen:
        seen.add(init)
        logs = [run for run in (Path(init), Path(init).parent) if (run / "log.jsonl").is_file()]
        config, data = beginning(read_log(logs[0])) if logs else ({}, {})
        if not config:
            break
        found.append(data)
        init = config.get("init", "scratch")
    return found, init


def table(rows):
    """Return rows {name: text} as a table of Markdown; rows without a text are left out."""
    cells = {name: text.replace("|", "\\|") for name, text in rows.items() if text}
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {text} |" for name, text in cells.items())])


def describe_results(config, log):
    """Return the results in a log as rows {name: text}."""
    rows, losses = {}, dict(zip(*columns(log.get("validation", []), "loss"), strict=True))
    if losses:
        trained = {step: loss for step, loss in losses.items() if step} or losses
        last, best = max(losses), min(trained, key=trained.get)
        rows[f"validation loss after step {last:,}"] = f"**{losses[last]:.4f}** nats per token"
        rows[f"best validation loss, after step {best:,}"] = f"{losses[best]:.4f}" if best != last else ""
        if config.init != "scratch" and 0 in losses:
            rows["validation loss before the training"] = f"{losses[0]:.4f}"
        if config.tokenizer == "bytes":
            rows["bits per byte"] = f"{losses[last] / math.log(2):.4f}"
    if training := columns(log.get("step", []), "loss")[1]:
        last = training[-min(max(len(training) // 10, 1), 100) :]  # 100 may be the whole descent
        name = f"mean of the last {len(last)} steps" if len(last) > 1 else "last step"
        rows[f"training loss, {name}"] = f"{fmean(last):.4f}"
    for event in log.get("hellaswag", [])[-1:]:
        score = f"{100 * event['accuracy']:.2f} % of {event['examples']:,} examples"
        rows[f"HellaSwag after step {event['step']:,}"] = f"{score} (a random guess: 25 %)"
    return rows


def describe_training(model, state, log):
    """Return how a checkpoint was trained as rows {name: text}."""
    origins, first = find_origins(state.config.init)
    before = [describe_data(data)[0] for data in origins] + ["OpenAI's WebText"] * (first in OPENAI)
    config, tokens = state.config, state.step * state.config.batch_tokens
    begun = log.get("start", []) + log.get("resume", [])
    epochs = f", {tokens / state.data['train_tokens']:.3g} epochs" if state.data.get("train_tokens") else ""
    shape = f"{config.n_layer} layers, {config.n_head} heads, width {config.n_embd}, context {config.context}"
    recipe = f"{config.optimizer}; learning rate {config.lr:g} after {config.warmup_steps:,} steps"
    recipe += f", then {config.schedule}; weight decay {config.weight_decay:g}; gradient norm at most 1"
    seconds = round(sum(columns(log.get("step", []), "seconds")[1]))
    return {
        "data": describe_data(state.data)[0],
        "data before the fine-tuning": "; ".join(before),
        "tokenizer": f"{config.tokenizer}, {config.vocab_size:,} tokens",
        "model": f"GPT-2 with {model.num_parameters():,} parameters: {shape}",
        "steps": f"{state.step:,} of {config.steps:,}, each of {config.batch_tokens:,} tokens",
        "tokens": f"{tokens:,}{epochs}",
        "recipe": f"{recipe}; dropout {config.dropout:g}; seed {config.seed}",
        "hardware": "; ".join(dict.fromkeys(event["machine"] for event in begun if "machine" in event)),
        "time in steps": str(timedelta(seconds=seconds)) if seconds else "",
        "code": ", ".join(dict.fromkeys(f"`{event['commit']}`" for event in begun if event.get("commit"))),
    }


def describe_for_hub(name, license, state, log):
    """Return the metadata of a card as YAML."""
    _, dataset, language = describe_data(state.data)
    origins, first = find_origins(state.config.init)
    sets = dict.fromkeys([dataset, *(describe_data(data)[1] for data in origins)])
    values = dict(license=license, language=language, base_model=base_model(first))
    values |= dict(library_name="transformers", pipeline_tag="text-generation", tags=["gpt2"])
    values |= dict(datasets=[name for name in sets if name] or None)
    for event in log.get("hellaswag", [])[-1:]:
        result = dict(task_type="text-generation", dataset_type="Rowan/hellaswag", dataset_name="HellaSwag")
        result |= dict(metric_type="acc_norm", metric_value=round(event["accuracy"], 4))
        values |= dict(model_name=name, eval_results=[huggingface_hub.EvalResult(**result)])
    return huggingface_hub.ModelCardData(**values).to_yaml()


def make_card(repository, license, model, state, log):
    """Return the card of a checkpoint, Markdown after its metadata. log is read_log of its run, or {}."""
    log = {kind: [event for event in events if event["step"] <= state.step] for kind, events in log.items()}
    base, name = base_model(find_origins(state.config.init)[1]), repository.split("/")[1]
    origin = f"fine-tuned from {f'[{base}](https://huggingface.co/{base})' if base else 'another checkpoint'}"
    origin = "trained from scratch" if state.config.init == "scratch" else origin
    prompt, context = state.config.prompt, model.config.context
    if not 0 < len(prompt.encode()) < context:  # there are no more tokens than bytes
        prompt = END  # a new document
    new = min(50, context - (1 if prompt == END else len(prompt.encode())))
    words = json.dumps(prompt, ensure_ascii=False)
    parts = [
        f"---\n{describe_for_hub(name, license, state, log)}\n---\n# {name}",
        f"A GPT-2 with {model.num_parameters():,} parameters, {origin} for {state.step:,} steps.",
        f"""## Use it

```python
from transformers import pipeline

generate = pipeline("text-generation", "{repository}")
print(generate({words}, max_new_tokens={new})[0]["generated_text"])
```

A text and its continuation have at most {context:,} tokens together. `{END}` begins a new document.""",
    ]
    if results := describe_results(state.config, log):
        parts.append(f"## Results\n\n{table(results)}")
    if log:
        parts.append("![The loss over the steps: training (pale) and validation](curve.png)")
    parts.append(f"## Training\n\n{table(describe_training(model, state, log))}")
    if log:
        parts.append("[log.jsonl](log.jsonl) has every step.")
    return "\n\n".join([*parts, f"## Limits\n\n{LIMITS}\n"])


def upload(repository, public, files, message):
    """Upload files {name: path or bytes} in one commit; returns the address. Raises UserError."""
    try:
        if not huggingface_hub.get_token():
            raise UserError("no token for the hub (run: hf auth login; --card_only needs none)")
        api = huggingface_hub.HfApi()
        address = api.create_repo(repository, private=not public, exist_ok=True)
        private = api.model_info(repository).private  # it may have been there before
        if private == public:
            fix = (
                "leave out --public, or change its settings on the hub"
                if public
                else "add --public, or use another name"
            )
            raise UserError(f"{repository} is {'private' if private else 'public'} already ({fix})")
        operations = [huggingface_hub.CommitOperationAdd(name, content) for name, content in files.items()]
        api.create_commit(repository, operations, commit_message=message)
        return address
    except UserError:
        raise
    except Exception as error:  # no network, no rights, a card that the hub refuses: errors of many libraries
        fix = "check network and token, and run the command again"
        raise UserError(f"cannot upload to {repository}: {one_line(error)} ({fix})") from error


def main(arguments=None):
    parser = ArgumentParser(
        description=__doc__, formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("checkpoint", type=Path, help="folder of a run, or of one of its checkpoints")
    parser.add_argument("repository", help="where to: you/your-gpt2")
    parser.add_argument("--public", action="store_true", help="everybody may see it")
    meaning = "of the weights, as the hub calls it: mit, apache-2.0, cc-by-4.0, other, ... (default: mit)"
    parser.add_argument("--license", default="mit", help=meaning)
    parser.add_argument("--card", type=Path, metavar="FILE", help="a card that you have edited")
    parser.add_argument("--card_only", action="store_true", help="write the card, and upload nothing")
    options = parser.parse_args(arguments)
    try:
        validate_repo_id(options.repository)
        account, name = options.repository.split("/")
    except ValueError as error:
        reason = f"{options.repository} is not the name of a repository"
        raise UserError(f"{reason} (write you/your-gpt2: letters, digits, -, _ and .)") from error
    path, model, state = find_checkpoint(options.checkpoint)
    run = path.parent
    log = read_log(run) if (run / "log.jsonl").exists() else {}
    card = make_card(options.repository, options.license, model, state, log).encode()
    if options.card:
        card = options.card.read_bytes()
    else:
        print(f"the card says: license {options.license} (--license changes it; do the data permit it?)")
    if log:
        draw([run])
    if options.card_only:
        target = run / "README.md"
        if target.exists() and target.read_bytes() != card:
            raise UserError(
                f"{target} exists (move it away for a new one, or publish it with --card {target})"
            )
        with whole_file(target) as file:
            file.write(card)
        print(
            f"{target} is the card; upload it with --card {target}, or without --card to have it made again"
        )
        return
    files = {file.name: file for file in sorted(path.iterdir()) if file.name not in LOCAL}
    files |= {"curve.png": run / "curve.png", "log.jsonl": clean_log(run / "log.jsonl")} if log else {}
    files["README.md"] = card
    for name, content in files.items():
        print(f"{len(content) if isinstance(content, bytes) else content.stat().st_size:14,} bytes  {name}")
    kind = "public" if options.public else "private"
    address = upload(options.repository, options.public, files, f"Step {state.step:,}")
    print(f"{path} is at {address} ({kind})")


if __name__ == "__main__":
    run_program(main)
