import io
import urllib.error
import urllib.request

import pytest
import torch

import train_gpt2
from train_gpt2 import Config, UserError, load_text, micro_steps

SMALL = Config(context=8, micro_batch=3, batch_tokens=24)


def get_batch(tokens, config, step, micro, rank=0, world=1):
    return train_gpt2.get_batch(tokens, config, step, micro, rank, world)


def test_targets_are_the_inputs_one_token_later():
    tokens = torch.arange(100)
    idx, targets = get_batch(tokens, SMALL, step=2, micro=0)
    assert idx.shape == targets.shape == (3, 8) and idx.dtype == targets.dtype == torch.int64
    assert torch.equal(targets, idx + 1)


def test_an_epoch_shows_every_window_once_and_the_next_shows_them_again():
    tokens = torch.arange(8 * 8 + 1)  # 8 windows: a step of 3 straddles the epochs
    shown = torch.cat([get_batch(tokens, SMALL, step, 0)[0] for step in range(8)])  # (24, 8): three epochs
    assert torch.equal(shown, torch.arange(64).view(8, 8).repeat(3, 1))


def test_the_last_tokens_wait_until_there_is_a_whole_window():
    assert get_batch(torch.arange(24), SMALL, step=0, micro=0)[0].max() == 15
    assert get_batch(torch.arange(25), SMALL, step=0, micro=0)[0].max() == 23


def test_a_batch_depends_on_nothing_but_its_step():
    tokens = torch.arange(1000)
    in_order = [get_batch(tokens, SMALL, step, 0) for step in range(20)]
    for step in (13, 2, 19):
        assert torch.equal(get_batch(tokens, SMALL, step, 0)[0], in_order[step][0])


@pytest.mark.parametrize("length", [0, 1, 8])
def test_a_text_that_is_too_short_is_refused_with_its_numbers(length):
    with pytest.raises(UserError, match=f"{length} tokens of text are too few for --context 8"):
        get_batch(torch.arange(length), SMALL, step=0, micro=0)


def test_text_is_downloaded_once_and_decoded_as_utf8(tmp_path, monkeypatch):
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: io.BytesIO("Où ?\n".encode()))
    assert load_text(tmp_path / "input.txt") == "Où ?\n"
    monkeypatch.setattr(urllib.request, "urlopen", None)
    assert load_text(tmp_path / "input.txt") == "Où ?\n"
    assert [path.name for path in tmp_path.iterdir()] == ["input.txt"]


def test_a_text_in_another_encoding_is_refused(tmp_path):
    (tmp_path / "input.txt").write_bytes("Où ?".encode("latin-1"))
    with pytest.raises(UserError, match="no text in .*input.txt: 'utf-8' codec.*save any text as UTF-8"):
        load_text(tmp_path / "input.txt")


def test_a_failed_download_leaves_no_file_and_tells_the_remedy(tmp_path, monkeypatch):
    def not_found(url, **_):
        raise urllib.error.HTTPError(url, 404, "Not Found", None, None)

    monkeypatch.setattr(urllib.request, "urlopen", not_found)
    with pytest.raises(UserError, match="no text in .*input.txt: HTTP Error 404.*save any text"):
        load_text(tmp_path / "input.txt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("micro_batch", [1, 2, 3, 6])
def test_the_rows_of_a_step_do_not_depend_on_the_micro_batch(micro_batch):
    tokens = torch.arange(12 * 8 + 1)
    config = Config(context=8, micro_batch=micro_batch, batch_tokens=48)
    parts = [get_batch(tokens, config, 1, micro)[0] for micro in range(micro_steps(config, world=1))]
    assert torch.equal(torch.cat(parts).flatten(), torch.arange(48, 96))


@pytest.mark.parametrize("batch_tokens, nearest", [(500, 512), (130, 128), (3, 64)])
def test_micro_batches_that_do_not_make_a_step_whole_are_refused_with_the_nearest_that_do(
    batch_tokens, nearest
):
    config = Config(context=16, micro_batch=4, batch_tokens=batch_tokens)
    reason = f"--batch_tokens {batch_tokens} is no multiple of --micro_batch 4 x --context 16 x ranks 1 = 64"
    with pytest.raises(UserError, match=f"{reason}; {nearest} would be"):
        micro_steps(config, world=1)
    assert micro_steps(Config(context=16, micro_batch=4, batch_tokens=nearest), 1) == nearest // 64


@pytest.mark.parametrize("world", [1, 2, 4, 8])
@pytest.mark.parametrize("micro_batch", [1, 2])
def test_the_rows_of_a_step_do_not_depend_on_the_ranks(world, micro_batch):
    tokens = torch.arange(100 * 8 + 1)
    config = Config(context=8, micro_batch=micro_batch, batch_tokens=16 * 8)
    parts = [(micro, rank) for micro in range(micro_steps(config, world)) for rank in range(world)]
    rows = [get_batch(tokens, config, 3, micro, rank, world)[0] for micro, rank in parts]
    assert torch.equal(torch.cat(rows).flatten(), torch.arange(3 * 16 * 8, 4 * 16 * 8))
